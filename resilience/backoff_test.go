package resilience_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/resilience"
)

const ms = time.Millisecond

func TestWaitsLieWithinTheirBounds(t *testing.T) {
	huge := time.Duration(math.MaxInt64)
	for _, tt := range []struct {
		name      string
		p         resilience.Backoff
		attempt   int
		prev      time.Duration
		low, high time.Duration
	}{
		{"full, first retry", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Full}, 1, 0, 0, ms},
		{"full, fourth retry", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Full}, 4, 0, 0, 8 * ms},
		{"full, at the cap", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Full}, 11, 0, 0, time.Second},
		{"full, shift of 62", resilience.Backoff{Base: 1, Cap: huge, Jitter: resilience.Full}, 63, 0, 0, 1 << 62},
		{"full, shift of 63", resilience.Backoff{Base: 1, Cap: huge, Jitter: resilience.Full}, 64, 0, 0, huge},
		{"full, shift of 64", resilience.Backoff{Base: 1, Cap: huge, Jitter: resilience.Full}, 65, 0, 0, huge},
		{"full, last retry there is", resilience.Backoff{Base: 1, Cap: time.Second, Jitter: resilience.Full}, math.MaxInt, 0, 0, time.Second},
		{"full, huge base", resilience.Backoff{Base: huge, Cap: huge, Jitter: resilience.Full}, 2, 0, 0, huge},
		{"equal", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Equal}, 4, 0, 4 * ms, 8 * ms},
		{"decorrelated", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Decorrelated}, 4, 10 * ms, ms, 30 * ms},
		{"decorrelated, first", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Decorrelated}, 1, 0, ms, 3 * ms},
		{"decorrelated, at the cap", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Decorrelated}, 9, time.Second, ms, time.Second},
		{"decorrelated, huge", resilience.Backoff{Base: ms, Cap: huge, Jitter: resilience.Decorrelated}, 9, huge, ms, huge},
		{"none", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.NoJitter}, 3, 0, 4 * ms, 4 * ms},
		{"first attempt now", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Full, First: resilience.Now}, 0, 0, 0, 0},
		{"first attempt spread over the base", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Full, First: resilience.Spread}, 0, 0, 0, ms},
		{"first attempt spread", resilience.Backoff{Base: ms, Cap: time.Second, Jitter: resilience.Full, First: resilience.Spread, Over: time.Minute}, 0, 0, 0, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wait := func(r resilience.Source) time.Duration {
				at, ok, why := tt.p.Next(0, resilience.Never, tt.attempt, tt.prev, r, resilience.Hint{})
				if !ok && tt.high != huge {
					t.Fatalf("refused: %s", why)
				}
				if !ok {
					return huge // a moment that never comes
				}
				return at.Sub(0)
			}
			ends := [2]time.Duration{wait(lowest), wait(highest)}
			if tt.p.Jitter == resilience.Equal { // drawn downward
				ends[0], ends[1] = ends[1], ends[0]
			}
			if ends != [2]time.Duration{tt.low, tt.high} {
				t.Fatalf("from %v to %v, want %v to %v", ends[0], ends[1], tt.low, tt.high)
			}
		})
	}
}

func TestFullJitterIsEvenAndNeverAboveItsCap(t *testing.T) {
	r := chance(t)
	p := resilience.Backoff{Base: time.Second, Cap: time.Second, Jitter: resilience.Full}
	const n = 100_000
	var sum time.Duration
	for range n {
		at, _, _ := p.Next(0, resilience.Never, 7, 0, r, resilience.Hint{})
		if at.Sub(0) > time.Second {
			t.Fatalf("%v is above the cap", at)
		}
		sum += at.Sub(0)
	}
	if mean := sum / n; mean < 490*ms || mean > 510*ms {
		t.Fatalf("mean %v, want half a second within 2 %%", mean)
	}
}

func TestWhenThereIsNoFurtherAttempt(t *testing.T) {
	p := resilience.Backoff{Base: time.Second, Cap: time.Second, Jitter: resilience.NoJitter, First: resilience.Now, Attempts: 3}
	for _, tt := range []struct {
		name     string
		deadline resilience.Instant
		attempt  int
		want     resilience.Why
	}{
		{"one more", resilience.Never, 2, ""},
		{"all are made", resilience.Never, 3, resilience.WhyAttempts},
		{"no such attempt", resilience.Never, -1, resilience.WhyAttempts},
		{"just at the deadline", at(11 * time.Second), 1, ""},
		{"after the deadline, and said now", at(11*time.Second) - 1, 1, resilience.WhyDeadline},
		{"no deadline was set", 0, 1, resilience.WhyDeadline},
	} {
		if _, ok, why := p.Next(at(10*time.Second), tt.deadline, tt.attempt, 0, lowest, resilience.Hint{}); why != tt.want || ok != (tt.want == "") {
			t.Errorf("%s: ok = %t, why = %q, want %q", tt.name, ok, why, tt.want)
		}
	}
	if _, ok, _ := (resilience.Backoff{}).Next(0, resilience.Never, 1, 0, lowest, resilience.Hint{}); ok {
		t.Error("the zero backoff tries again")
	}
}

func TestAHintIsKeptAndSpread(t *testing.T) {
	p := resilience.DefaultBackoff()
	for _, tt := range []struct {
		hint      resilience.Hint
		low, high time.Duration
	}{
		{resilience.Hint{}, 0, time.Second},
		{resilience.Hint{After: -5}, 0, time.Second},
		{resilience.Hint{After: ms}, ms, time.Second}, // the draw asks for longer
		{resilience.Hint{After: 7 * time.Second, Spread: 5 * time.Second}, 7 * time.Second, 12 * time.Second},
		{resilience.Hint{After: 7 * time.Second, Spread: -1}, 7 * time.Second, 7 * time.Second},
		{resilience.Hint{After: math.MaxInt64, Spread: math.MaxInt64}, resilience.HintMax, 2 * resilience.HintMax},
	} {
		low, _, _ := p.Next(0, resilience.Never, 1, 0, lowest, tt.hint)
		high, _, _ := p.Next(0, resilience.Never, 1, 0, highest, tt.hint)
		if low.Sub(0) != tt.low || high.Sub(0) != tt.high {
			t.Errorf("%+v: %v to %v, want %v to %v", tt.hint, low.Sub(0), high.Sub(0), tt.low, tt.high)
		}
	}
}

func TestBackoffListsEveryMistake(t *testing.T) {
	err := resilience.Backoff{Base: -1, Cap: -2, Attempts: -3, Over: -4}.Validate()
	for _, want := range []string{"base = -1ns and cap = -2ns", "jitter = 0", "attempts = -3", "first = 0", "over = -4ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
	if err := resilience.DefaultBackoff().Validate(); err != nil {
		t.Error(err)
	}
}

func TestOnlyWhatDidNotHappenIsTriedAgain(t *testing.T) {
	for f, want := range map[resilience.Failure]resilience.Why{
		resilience.Transient: "", resilience.Throttled: "", resilience.Permanent: resilience.WhyPermanent,
		resilience.Failure(0): resilience.WhyAmbiguous, resilience.Failure(99): resilience.WhyAmbiguous,
	} {
		if ok, why := f.Again(); ok != (want == "") || why != want {
			t.Errorf("Failure(%d).Again() = %t, %q, want %q", f, ok, why, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "1", "-1", "+1", "1.5", "1e9", "1000000000", "99999999999999999999999", "soon", "Fri, 27 Nov 2026 10:00:00 GMT", "Fri, 27 Nov 1026 10:00:00 GMT", " 7 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := resilience.ParseRetryAfter(s, time.Unix(1_800_000_000, 0))
		if err == nil && (h.After < 0 || h.After > resilience.HintMax) || err != nil && h != (resilience.Hint{}) {
			t.Fatalf("ParseRetryAfter(%q) = %v, %v", s, h, err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	wall := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"0": "0s", "7": "7s", " 7 ": "7s", "1000000000": "10m0s", "99999999999999999999999": "10m0s",
		"Fri, 27 Nov 2026 10:00:30 GMT": "30s", "Fri, 27 Nov 2026 09:00:00 GMT": "0s", "Fri, 27 Nov 2126 10:00:00 GMT": "10m0s",
		"soon": "bad", "": "bad", "-1": "bad", "+1": "bad", "1.5": "bad",
	} {
		h, err := resilience.ParseRetryAfter(text, wall)
		got := h.After.String()
		if err != nil {
			got = "bad"
		}
		if got != want {
			t.Errorf("ParseRetryAfter(%q) = %v, %v, want %s", text, h, err, want)
		}
	}
}

// occ is one run of the simulation that the AWS Architecture Blog described in "Exponential Backoff And Jitter" (2015): clients that
// write one row with optimistic locking over a network of 10 ± 2 ms. It returns when the last was done, and all calls.
func occ(p resilience.Backoff, retry bool, clients int, r *rand.Rand) (done float64, calls int) {
	type event struct {
		at      float64
		client  int
		write   bool
		version int
	}
	net := func() float64 { return max(0, 10+2*r.NormFloat64()) }
	var queue []event // in order of time
	push := func(e event) {
		i := len(queue)
		for i > 0 && queue[i-1].at > e.at {
			i--
		}
		queue = append(queue, event{})
		copy(queue[i+1:], queue[i:])
		queue[i] = e
	}
	version, tries, prev := 0, make([]int, clients), make([]time.Duration, clients)
	for c := range clients {
		push(event{at: net(), client: c})
	}
	for len(queue) > 0 {
		e := queue[0]
		queue = queue[1:]
		switch {
		case !e.write: // the row is read, the answer travels back, the write travels out
			push(event{at: e.at + net() + net(), client: e.client, write: true, version: version})
			continue
		case e.version == version:
			calls++
			version++
			done = e.at + net()
			continue
		}
		calls++
		tries[e.client]++
		wait := 0.0
		if retry {
			at, _, _ := p.Next(0, resilience.Never, tries[e.client]+1, prev[e.client], r, resilience.Hint{})
			prev[e.client] = at.Sub(0)
			wait = float64(at.Sub(0)) / float64(time.Millisecond)
		}
		push(event{at: e.at + net() + wait + net(), client: e.client})
	}
	return done, calls
}

// TestAWSTable repeats that simulation with Backoff: 100 clients, base 5 ms, cap 2 s, the first retry bounded by twice the base.
func TestAWSTable(t *testing.T) {
	r := chance(t)
	p := resilience.Backoff{Base: 5 * ms, Cap: 2000 * ms}
	var last float64
	for _, row := range []struct {
		name    string
		jitter  resilience.Jitter
		ms      float64
		calls   float64
		ordered bool
	}{
		{"none", 0, 2034, 2424, true},
		{"decorrelated", resilience.Decorrelated, 4648, 1005, true},
		{"full", resilience.Full, 4935, 795, true},
		{"equal", resilience.Equal, 6599, 812, true},
		{"exponential", resilience.NoJitter, 63491, 1855, true},
	} {
		p.Jitter = row.jitter
		const rounds = 100
		var sum float64
		calls := 0
		for range rounds {
			d, n := occ(p, row.jitter != 0, 100, r)
			sum += d
			calls += n
		}
		took, each := sum/rounds, float64(calls)/rounds
		line := fmt.Sprintf("%-13s %7.0f ms %6.0f calls", row.name, took, each)
		t.Log(line)
		if math.Abs(took-row.ms) > row.ms/10 || math.Abs(each-row.calls) > row.calls/10 {
			t.Errorf("%s, want %.0f and %.0f within 10 %%", line, row.ms, row.calls)
		}
		if took < last {
			t.Errorf("%s is faster than the row before", line)
		}
		last = took
	}
}
