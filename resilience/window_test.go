package resilience

import (
	"math/rand/v2"
	"testing"
	"time"
)

// FuzzWindow holds both windows against a list of all calls.
func FuzzWindow(f *testing.F) {
	for _, gap := range []uint64{0, 1, 9, 10, 1 << 40, 1<<62 - 1} {
		f.Add(uint64(1), gap, true)
		f.Add(uint64(2), gap, false)
	}
	f.Fuzz(func(t *testing.T, seed, gap uint64, byTime bool) {
		r := rand.New(rand.NewPCG(seed, gap))
		size, span := 1+r.IntN(10), Instant(1+r.IntN(10))
		w := newWindow(size, 0, 0)
		if byTime {
			w = newWindow(0, size, time.Duration(span))
		}
		type call struct {
			at  Instant
			one tally
		}
		var all []call
		now := Instant(gap % (1 << 62))
		for range 100 {
			if r.IntN(2) == 0 {
				now = now.Add(time.Duration(r.Int64N(30)))
			} else if r.IntN(50) == 0 {
				now = now.Add(time.Duration(gap % (1 << 40)))
			}
			one := tally{1, r.IntN(2), r.IntN(2)}
			w.add(now, one)
			all = append(all, call{now, one})
			var want tally
			for i, c := range all {
				if byTime && now/span-c.at/span < Instant(size) || !byTime && i >= len(all)-size {
					want.add(c.one, 1)
				}
			}
			if got := w.sum(now); got != want {
				t.Fatalf("at %d the window of %d (by time: %t, span %d) has %+v, want %+v", now, size, byTime, span, got, want)
			}
		}
		w.empty()
		if got := w.sum(now); got != (tally{}) {
			t.Fatalf("an empty window has %+v", got)
		}
	})
}
