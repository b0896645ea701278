package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/failshut/failshut/bench/load"
)

// mailboxMode is one kind of load.
type mailboxMode struct {
	name    string
	closed  bool // each message waits for the one before
	notes   []string
	systems []load.Driver // the channel first: the others are measured by it
	cases   func(ctx context.Context, cfg MailboxConfig) ([]mailboxCase, error)
	run     func(ctx context.Context, d load.Driver, p load.Plan) (load.Outcome, error)
	fill    func(r *Row, o load.Outcome)
	targets func(medians []Row) []Target
}

// What the loads have in common.
const (
	dataRoom    = 8192 // the lane Data by default
	cancelRoom  = 65_536
	burstSize   = 10_000
	quotedKeys  = 1000
	wakeRate    = 1000.0
	slowHandler = 2 * time.Microsecond
	fastHandler = time.Microsecond
)

var (
	parked    = []load.Driver{load.Channel{}, Failshut{}, Failshut{Where: Pinned}}
	withSpin  = append(slices.Clip(parked), Failshut{Where: PinnedSpin})
	withLoop  = append(slices.Clip(parked), Failshut{Where: OneGoroutine})
	fullSpeed = "senders wait for room in the way of the system; ns_per_op is time over messages handled"
	openLoop  = "open loop: each latency counts from the time at which the message was to be sent, constant gaps"
)

var mailboxModes = []mailboxMode{
	{"throughput", false, []string{fullSpeed}, parked, atFullSpeed(1, 4), load.Throughput, fullSpeedRow, throughputTargets},
	{
		"pingpong", true,
		[]string{"latencies are whole round trips, two messages each"},
		withLoop,
		oneCase("pair", load.Plan{}), load.PingPong, noMore, pingPongTargets,
	},
	{"steady", false, []string{openLoop}, withSpin, steadyCases, load.Steady, noMore, steadyTargets},
	{
		"wake", false,
		[]string{openLoop, "one message each millisecond: the receiver sleeps between them"},
		withSpin,
		oneCase("1000/s", load.Plan{Rate: wakeRate, Pace: load.Constant, Capacity: dataRoom}), load.Steady, noMore, wakeTargets,
	},
	{"fanin", false, []string{fullSpeed}, parked, atFullSpeed(1, 4, 16, 64, 1000), load.Throughput, fanInRow, fanInTargets},
	{
		"overload", false,
		[]string{"one sender at full speed, 2 µs of work a message; latencies are the ages of what was handled"},
		parked,
		oneCase("2 µs", load.Plan{Capacity: dataRoom, Work: slowHandler}), load.Overload, overloadRow, overloadTargets,
	},
	{
		"cancel", false,
		[]string{"100 cancels a second beside a full data lane that is pushed at 200 %; idle_p99 is without data"},
		parked,
		oneCase("full", load.Plan{Capacity: cancelRoom, Work: fastHandler}), load.CancelLane, cancelRow, cancelTargets,
	},
	{
		"conflate", false,
		[]string{
			"one sender at full speed, quotes of 1,000 instruments in turn, 2 µs of work each; ns_per_op is that of an offer",
			"latencies are the ages of the quotes handled; behind counts instruments whose last quote never came",
		},
		[]load.Driver{load.Channel{}, Failshut{}, Failshut{Conflates: true}},
		oneCase("1000 keys", load.Plan{Keys: quotedKeys, Capacity: dataRoom, Work: slowHandler}), load.Conflate, conflateRow, conflateTargets,
	},
	{
		"suspended", false,
		[]string{"one sender at full speed to a receiver that is being started; ns_per_op is that of a refusal; p50 from the end of that to a message handled"},
		parked,
		oneCase("starting", load.Plan{Capacity: dataRoom}), load.Suspended, offeredRow, suspendedTargets,
	},
	{
		"burst", false,
		[]string{openLoop, "10,000 messages fall due together, ten times a second"},
		parked,
		oneCase("10000", load.Plan{Rate: 10 * burstSize, Pace: load.Constant, Capacity: 2 * burstSize, Burst: burstSize}), load.Steady, noMore, noTargets,
	},
}

func (c MailboxConfig) plan(p load.Plan) load.Plan {
	p.Warmup, p.Duration, p.Seed = c.Warmup, c.Duration, c.Seed
	return p
}

func oneCase(name string, p load.Plan) func(context.Context, MailboxConfig) ([]mailboxCase, error) {
	return func(_ context.Context, cfg MailboxConfig) ([]mailboxCase, error) {
		return []mailboxCase{{name, cfg.plan(p)}}, nil
	}
}

func atFullSpeed(senders ...int) func(context.Context, MailboxConfig) ([]mailboxCase, error) {
	return func(_ context.Context, cfg MailboxConfig) ([]mailboxCase, error) {
		var out []mailboxCase
		for _, n := range senders {
			name := fmt.Sprintf("%d senders", n)
			if n == 1 {
				name = "1 sender"
			}
			out = append(out, mailboxCase{name, cfg.plan(load.Plan{Senders: n, Capacity: dataRoom})})
		}
		return out, nil
	}
}

// steadyCases are the rate asked for, or shares of what the slowest system can do: above that nothing can be compared.
func steadyCases(ctx context.Context, cfg MailboxConfig) ([]mailboxCase, error) {
	plan := func(rate float64) load.Plan {
		return cfg.plan(load.Plan{Rate: rate, Pace: load.Constant, Capacity: dataRoom})
	}
	if cfg.Rate > 0 {
		return []mailboxCase{{fmt.Sprintf("%.0f/s", cfg.Rate), plan(cfg.Rate)}}, nil
	}
	slowest := 0.0
	for _, d := range parked {
		o, err := load.Throughput(ctx, d, load.Plan{Senders: 1, Capacity: dataRoom, Warmup: cfg.Warmup / 2, Duration: cfg.Duration / 2})
		if err != nil {
			return nil, fmt.Errorf("measure the capacity of %s: %w", d.Name(), err)
		}
		if slowest == 0 || o.AchievedRate < slowest {
			slowest = o.AchievedRate
		}
	}
	if slowest <= 0 {
		return nil, fmt.Errorf("%w: no capacity measured in %s, want a longer duration", ErrMailbox, cfg.Duration)
	}
	var out []mailboxCase
	for _, share := range []int{10, 50, 80} {
		rate := slowest * float64(share) / 100
		out = append(out, mailboxCase{fmt.Sprintf("%d%% of capacity", share), plan(rate)})
	}
	return out, nil
}

func noMore(*Row, load.Outcome) {}

func fullSpeedRow(r *Row, o load.Outcome) { r.NsPerOp = new(o.NsPerOp()) }

// offeredRow gives the time of an offer, which is not that of a message handled.
func offeredRow(r *Row, o load.Outcome) {
	r.NsPerOp = new(1e9 / o.OfferedRate)
	r.AllocsPerOp = float64(o.Allocs) / float64(o.Offered)
	r.BytesPerOp = float64(o.Bytes) / float64(o.Offered)
	r.Overloaded = false // it is meant to be
}

func conflateRow(r *Row, o load.Outcome) {
	offeredRow(r, o)
	r.Behind = &o.Behind
}

func fanInRow(r *Row, o load.Outcome) {
	fullSpeedRow(r, o)
	r.Starved = &o.Starved
}

func overloadRow(r *Row, o load.Outcome) {
	r.Goodput, r.AgeBound, r.Memory = &o.Goodput, &o.AgeBound, &o.MemoryGrowth
}

func cancelRow(r *Row, o load.Outcome) {
	if o.Idle != nil && o.Idle.Count() > 0 {
		r.IdleP99 = new(o.Idle.At(99))
	}
}
