package load_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var seed = flag.Uint64("load.seed", uint64(time.Now().UnixNano()), "seed of the random schedules")

func TestASchedule(t *testing.T) {
	t.Logf("seed %d", *seed)
	tests := map[string]struct {
		pace load.Pace
		rate float64
	}{
		"constant": {load.Constant, 100_000},
		"poisson":  {load.Poisson, 100_000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const n = 100_000
			times := func(seed uint64) []int64 {
				s, err := load.NewSchedule(tt.pace, tt.rate, seed)
				if err != nil {
					t.Fatal(err)
				}
				out := make([]int64, n)
				for i := range out {
					out[i] = s.Next()
					if i > 0 && out[i] < out[i-1] {
						t.Fatalf("message %d falls due at %d, after %d", i, out[i], out[i-1])
					}
				}
				return out
			}
			a, again := times(*seed), times(*seed)
			for i := range a {
				if a[i] != again[i] {
					t.Fatalf("the same seed gives %d and %d for message %d", a[i], again[i], i)
				}
			}
			if got := float64(a[n-1]) / 1e9 * tt.rate; math.Abs(got-n) > n/20 {
				t.Errorf("%d messages take the time of %.0f", n, got)
			}
		})
	}
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := load.NewSchedule(load.Constant, rate, 0); err == nil {
			t.Errorf("rate %v: no error", rate)
		}
	}
	if _, err := load.NewSchedule("even", 1, 0); err == nil || !strings.Contains(err.Error(), "even") {
		t.Errorf("error = %v, want one that names the pace", err)
	}
}

// stalling is a system whose sender is held up for a while: the wait of a coordinated load would hide it.
type stalling struct {
	load.Channel
	after uint64
	stall time.Duration
}

type stalled struct {
	load.Receiver
	of stalling
}

type stalledSender struct {
	load.Sender
	of   stalling
	once *sync.Once
}

func (d stalling) Open(ctx context.Context, s load.Setup) (load.Receiver, error) {
	r, err := d.Channel.Open(ctx, s)
	return stalled{r, d}, err
}

func (r stalled) Senders(n int, f func(int, load.Sender)) error {
	return r.Receiver.Senders(n, func(i int, s load.Sender) { f(i, stalledSender{s, r.of, new(sync.Once)}) })
}

func (s stalledSender) Offer(m load.Message) bool {
	if m.Seq == s.of.after {
		s.once.Do(func() { <-time.After(s.of.stall) })
	}
	return s.Sender.Offer(m)
}

func TestAStalledSenderHidesNoWait(t *testing.T) {
	const stall = 100 * time.Millisecond
	o, err := load.Steady(t.Context(), stalling{after: 50, stall: stall}, load.Plan{
		Rate: 1000, Pace: load.Constant, Capacity: 1000, Duration: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	// About 100 of 200 messages fell due in the stall, spread over it. If each counted from when it was sent, one would
	// show it.
	if p, _ := o.Latencies.Percentiles(); p.Max < int64(stall) || p.P90 < int64(stall/2) {
		t.Errorf("percentiles = %+v, want max at least %s and p90 at least half of it", p, stall)
	}
	if o.Offered != 199 || o.Handled != o.Offered || o.Refused != 0 {
		t.Errorf("offered %d, handled %d, refused %d, want 199, 199, 0", o.Offered, o.Handled, o.Refused)
	}
}

// Each load adds up and ends; how fast is for a benchmark to say.
func TestEveryLoad(t *testing.T) {
	short := load.Plan{
		Senders: 3, Capacity: 100, Keys: 7, Rate: 5000, Pace: load.Poisson, Work: time.Microsecond,
		Warmup: 5 * time.Millisecond, Duration: 30 * time.Millisecond, Seed: *seed,
	}
	modes := map[string]struct {
		run       func(context.Context, load.Driver, load.Plan) (load.Outcome, error)
		latencies bool
	}{
		"throughput": {load.Throughput, false},
		"pingpong":   {load.PingPong, true},
		"steady":     {load.Steady, true},
		"overload":   {load.Overload, true},
		"cancel":     {load.CancelLane, true},
		"conflate":   {load.Conflate, true},
	}
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			o, err := m.run(t.Context(), load.Channel{}, short)
			if err != nil {
				t.Fatal(err)
			}
			// In a window of time nothing may be handled where the machine has others to serve.
			window := mode == "throughput" || mode == "overload"
			if o.Handled == 0 && !window || !window && m.latencies != (o.Latencies != nil && o.Latencies.Count() > 0) {
				t.Errorf("handled %d, latencies %v", o.Handled, o.Latencies)
			}
			if o.Offered > 0 && o.Handled+o.Refused+o.Dropped > o.Offered {
				t.Errorf("offered %d, handled %d, refused %d, dropped %d: more came out than went in", o.Offered, o.Handled, o.Refused, o.Dropped)
			}
			if o.Wall <= 0 {
				t.Errorf("it took %s", o.Wall)
			}
		})
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for mode, run := range map[string]func(context.Context, load.Driver, load.Plan) (load.Outcome, error){
		"throughput": load.Throughput, "pingpong": load.PingPong, "steady": load.Steady, "overload": load.Overload, "cancel": load.CancelLane,
		"conflate": load.Conflate,
	} {
		_, err := run(ctx, load.Channel{}, load.Plan{Senders: 1, Capacity: 10, Keys: 3, Rate: 1000, Pace: load.Constant, Duration: time.Hour, Warmup: time.Hour})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error = %v, want the context's", mode, err)
		}
	}
}

// What a channel cannot do is said, and so is a plan without instruments.
func TestALoadThatIsNotPossible(t *testing.T) {
	if _, err := load.Suspended(t.Context(), load.Channel{}, load.Plan{Duration: time.Millisecond}); !errors.Is(err, load.ErrNotPossible) {
		t.Errorf("Suspended() = %v, want ErrNotPossible", err)
	}
	if _, err := load.Conflate(t.Context(), load.Channel{}, load.Plan{Duration: time.Millisecond}); err == nil {
		t.Error("Conflate() without keys = nil, want an error")
	}
}

// forgetful gives every quote of one instrument up and says that it took them.
type forgetful struct {
	load.Driver
	load.Receiver
	load.Sender
}

func (f *forgetful) Open(ctx context.Context, s load.Setup) (load.Receiver, error) {
	r, err := f.Driver.Open(ctx, s)
	f.Receiver = r
	return f, err
}

func (f *forgetful) Senders(n int, run func(int, load.Sender)) error {
	return f.Receiver.Senders(n, func(i int, s load.Sender) {
		f.Sender = s
		run(i, f)
	})
}

func (f *forgetful) Offer(m load.Message) bool { return m.Key != 1 && f.Sender.Offer(m) }

func TestAnInstrumentWhoseLastQuoteNeverCameIsBehind(t *testing.T) {
	o, err := load.Conflate(t.Context(), &forgetful{Driver: load.Channel{}}, load.Plan{
		Keys: 3, Capacity: 1 << 20, Duration: 5 * time.Millisecond,
	})
	if err != nil || o.Behind != 1 || o.Refused == 0 {
		t.Errorf("behind %d, refused %d, error %v, want one instrument behind", o.Behind, o.Refused, err)
	}
}

func TestLatencies(t *testing.T) {
	l := load.NewLatencies()
	if _, ok := l.Percentiles(); ok {
		t.Error("an empty histogram has percentiles")
	}
	for i := range int64(1000) {
		l.Record((i + 1) * 1000)
	}
	l.Record(-5)
	l.Record(math.MaxInt64)
	p, _ := l.Percentiles()
	for name, v := range map[string]struct{ got, want int64 }{
		"p50": {p.P50, 500_000}, "p90": {p.P90, 900_000}, "p99": {p.P99, 991_000}, "max": {p.Max, 10_000_000_000},
	} {
		if math.Abs(float64(v.got-v.want)) > float64(v.want)/500 {
			t.Errorf("%s = %d, want %d to three digits", name, v.got, v.want)
		}
	}
	other := load.NewLatencies()
	other.Record(7)
	l.Merge(other)
	if l.Count() != 1003 {
		t.Errorf("count = %d, want 1003", l.Count())
	}
	curve := l.Curve()
	for i := 1; i < len(curve); i++ {
		if curve[i].Percentile < curve[i-1].Percentile || curve[i].Ns < curve[i-1].Ns {
			t.Fatalf("the curve falls at %v", curve[i])
		}
	}
	var out bytes.Buffer
	if err := l.WriteHgrm(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Value", "Percentile", "TotalCount", "1/(1-Percentile)", "#[Mean", "#[Max"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the .hgrm lacks %q:\n%s", want, out.String())
		}
	}
}

func TestTheFloorCountsEachMicrosecondOfEachCore(t *testing.T) {
	const d = 5 * time.Millisecond
	l := load.Floor(d, false)
	if n := l.Count(); n < 5000 {
		t.Errorf("%d readings in %s, want one each microsecond", n, d)
	}
	if l := load.Floor(d, true); l.Count() < 10 {
		t.Errorf("%d gaps in %s, want one for each reading", l.Count(), d)
	}
}
