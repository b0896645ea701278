package bench

import (
	"fmt"
	"math"

	"github.com/failshut/failshut/bench/load"
)

// Target is a figure that this project wants to reach, and what was got. Met is null where the figure is void or was not
// measured: then nothing was shown.
type Target struct {
	Text   string   `json:"text"`
	Got    *float64 `json:"got"`
	Wanted float64  `json:"wanted"`
	Met    *bool    `json:"met"`
}

// atMost makes a target of an upper bound.
func atMost(text string, got *float64, wanted float64) Target {
	return target(text, got, wanted, func(g float64) bool { return g <= wanted })
}

func atLeast(text string, got *float64, wanted float64) Target {
	return target(text, got, wanted, func(g float64) bool { return g >= wanted })
}

func target(text string, got *float64, wanted float64, met func(float64) bool) Target {
	t := Target{Text: text, Got: got, Wanted: wanted}
	if got != nil {
		t.Met = new(met(*got))
	}
	return t
}

// rowOf finds the median of a system in a case.
func rowOf(medians []Row, d load.Driver, kase string) (Row, bool) {
	for _, r := range medians {
		if r.System == d.Name() && (kase == "" || r.Case == kase) {
			return r, true
		}
	}
	return Row{Mailboxed: &Mailboxed{}}, false
}

// ratio divides two figures, nil if one is missing.
func ratio(a, b *int64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	return new(float64(*a) / float64(*b))
}

// fastest is the row of the pool or of the pinned actor, whichever is the quicker: whoever wants speed chooses the place, and
// all figures of a case are of that one.
func fastest(medians []Row, kase string) Row {
	out := Row{Mailboxed: &Mailboxed{}}
	for _, d := range []load.Driver{Failshut{}, Failshut{Where: Pinned}} {
		r, ok := rowOf(medians, d, kase)
		if ok && r.VsChannel != nil && (out.VsChannel == nil || *r.VsChannel < *out.VsChannel) {
			out = r
		}
	}
	return out
}

func noTargets([]Row) []Target { return []Target{} }

func throughputTargets(m []Row) []Target {
	allocs := 0.0
	for _, r := range m {
		if r.System != (load.Channel{}).Name() {
			allocs = max(allocs, r.AllocsPerOp)
		}
	}
	return []Target{
		atMost("tell, 1 sender, times the channel", fastest(m, "1 sender").VsChannel, 0.8),
		atMost("tell, 4 senders, times the channel", fastest(m, "4 senders").VsChannel, 0.8),
		atMost("allocations per message", new(math.Round(allocs*10)/10), 0),
	}
}

func pingPongTargets(m []Row) []Target {
	channel, _ := rowOf(m, load.Channel{}, "pair")
	quick := fastest(m, "pair")
	loop, _ := rowOf(m, Failshut{Where: OneGoroutine}, "pair")
	var hop *float64
	if loop.P50 != nil {
		hop = new(float64(*loop.P50) / 2)
	}
	return []Target{
		atMost("round trip p50, times a channel pair", quick.VsChannel, 1.5),
		atMost("round trip p99, times a channel pair", ratio(quick.P99, channel.P99), 1.8),
		atMost("hop on one loop, ns, with half a reading of the clock", hop, 60),
	}
}

func steadyTargets(m []Row) []Target {
	var out []Target
	for _, r := range m {
		if r.System == (Failshut{Where: PinnedSpin}).Name() {
			var p50 *float64
			if r.P50 != nil && !r.Overloaded {
				p50 = new(float64(*r.P50))
			}
			out = append(out, atMost("one way p50 of a spinning actor, ns, "+r.Case, p50, 500))
		}
	}
	return out
}

func wakeTargets(m []Row) []Target {
	return []Target{atMost("wake of a sleeping actor p50, times a channel receiver", fastest(m, "").VsChannel, 1.1)}
}

func fanInTargets(m []Row) []Target {
	starved := 0
	for _, r := range m {
		if r.Starved != nil && r.System != (load.Channel{}).Name() {
			starved = max(starved, *r.Starved)
		}
	}
	return []Target{
		atMost("tell, 16 senders, times the channel", fastest(m, "16 senders").VsChannel, 0.8),
		atMost("senders not heard of by half time", new(float64(starved)), 0),
	}
}

// The growth of memory and the share of its capacity that a mailbox under overload may cost.
const (
	overloadMemory  = 5 << 20
	overloadGoodput = 0.95
)

func overloadTargets(m []Row) []Target {
	r, _ := rowOf(m, Failshut{}, "")
	var memory *float64
	if r.Memory != nil {
		memory = new(float64(*r.Memory))
	}
	return []Target{
		atMost("resident memory growth, bytes", memory, overloadMemory),
		atLeast("handled, share of the capacity of the handler", r.Goodput, overloadGoodput),
		atMost("oldest message handled, times 1.2 × capacity × service", ratio(r.Max, r.AgeBound), 1),
	}
}

func cancelTargets(m []Row) []Target {
	r, _ := rowOf(m, Failshut{}, "")
	var twice *float64
	if r.P99 != nil && r.IdleP99 != nil {
		twice = new(float64(*r.P99) / float64(2**r.IdleP99+int64(fastHandler)))
	}
	return []Target{atMost(fmt.Sprintf("cancel p99, times (2 × its idle p99 + one handler of %s)", fastHandler), twice, 1)}
}

func conflateTargets(m []Row) []Target {
	r, _ := rowOf(m, Failshut{Conflates: true}, "")
	var behind *float64
	if r.Behind != nil {
		behind = new(float64(*r.Behind))
	}
	return []Target{
		atMost("instruments whose last quote never came", behind, 0),
		atMost("allocations per offer", r.allocs(), 0),
	}
}

func suspendedTargets(m []Row) []Target {
	r, _ := rowOf(m, Failshut{}, "")
	return []Target{atMost("allocations per refusal", r.allocs(), 0)}
}

// allocs are the allocations to one decimal, nil where nothing was measured.
func (r Row) allocs() *float64 {
	if r.NsPerOp == nil {
		return nil
	}
	return new(math.Round(r.AllocsPerOp*10) / 10)
}
