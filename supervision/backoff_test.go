package supervision

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestABackoffIsUniformBelowItsBound(t *testing.T) {
	r := rand.New(rand.NewPCG(*seedFlag, 0))
	b := Backoff{Base: 100 * time.Millisecond, Cap: 10 * time.Second, Reset: time.Minute}
	const draws, bins = 10_000, 100
	for k, bound := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 5: 1600 * time.Millisecond, 8: 10 * time.Second, 1000: 10 * time.Second} {
		var count [bins]int
		for range draws {
			d := b.delay(k, r.Float64())
			if d < 0 || d >= bound {
				t.Fatalf("-seed %d: delay of attempt %d = %v, want within [0, %v)", *seedFlag, k, d, bound)
			}
			count[int(int64(d)*bins/int64(bound))]++
		}
		chi := 0.0
		for i, n := range count {
			chi += (float64(n) - draws/bins) * (float64(n) - draws/bins) / (draws / bins)
			if n > draws*3/100 {
				t.Errorf("-seed %d: attempt %d: bin %d holds %d of %d, want at most 3 %%", *seedFlag, k, i, n, draws)
			}
		}
		if chi > 149 { // 99.9 % of 99 degrees of freedom
			t.Errorf("-seed %d: attempt %d: chi-square %.0f, want at most 149", *seedFlag, k, chi)
		}
	}
}

func TestABackoffNeverOverflows(t *testing.T) {
	b := Backoff{Base: math.MaxInt64 / 3, Cap: math.MaxInt64, Reset: time.Minute}
	for k := range 200 {
		if d := b.delay(k, 1); d <= 0 {
			t.Errorf("delay of attempt %d = %v, want more than 0", k, d)
		}
	}
	if d := (Backoff{}).delay(5, 1); d != 0 {
		t.Errorf("delay without a backoff = %v, want 0", d)
	}
}
