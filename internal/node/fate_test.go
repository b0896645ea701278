package node

import (
	"testing"
	"time"

	"github.com/failshut/failshut/strategy"
)

func TestAnIncarnationStartsForWhatTheOneBeforeEndedOf(t *testing.T) {
	var f fate
	starts := func(epoch uint64, want strategy.Why) {
		t.Helper()
		if got := f.begin(strategy.Policy{}, epoch); got != want {
			t.Errorf("#%d starts for %s, want %s", epoch, got, want)
		}
	}
	starts(1, strategy.WhyFirst)
	f.end(true, 0)
	starts(2, strategy.WhyStop)
	starts(3, strategy.WhyCrash) // its Start function failed: nobody told an end
	f.end(false, 0)
	starts(4, strategy.WhyCrash)
	f.end(true, 0)
	starts(5, strategy.WhyStop)
}

func TestTheFateOfOrdersOfAStrategyThatIsDown(t *testing.T) {
	const minute = int64(time.Minute)
	keep := strategy.Policy{OnCrash: strategy.Keep, KeepFor: time.Minute}
	for name, c := range map[string]struct {
		do   func(f *fate)
		at   int64
		goes bool
	}{
		"before it ever ended":                          {func(*fate) {}, 10 * minute, false},
		"a crash, and no policy":                        {func(f *fate) { f.end(false, 0) }, 0, true},
		"ready again":                                   {func(f *fate) { f.end(false, 0); f.up() }, 10 * minute, false},
		"a crash, and it keeps":                         {func(f *fate) { f.begin(keep, 1); f.end(false, 0) }, minute, false},
		"a crash, and it has kept for long enough":      {func(f *fate) { f.begin(keep, 1); f.end(false, 0) }, minute + 1, true},
		"a stop, where only a crash keeps":              {func(f *fate) { f.begin(keep, 1); f.end(true, 0) }, 0, true},
		"given up":                                      {func(f *fate) { f.begin(keep, 1); f.end(false, 0); f.gone(1) }, 1, true},
		"a crash before it was ready takes no new time": {func(f *fate) { f.begin(keep, 1); f.end(false, 0); f.end(false, minute) }, minute + 1, true},
		"a stop after a crash does not keep":            {func(f *fate) { f.begin(keep, 1); f.end(false, 0); f.end(true, 1) }, 1, true},
		"ready between two crashes, which takes new time": {func(f *fate) {
			f.begin(keep, 1)
			f.end(false, 0)
			f.up()
			f.end(false, minute)
		}, minute + 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			var f fate
			c.do(&f)
			if got := f.withdraws(c.at); got != c.goes {
				t.Errorf("withdraws() = %t, want %t", got, c.goes)
			}
		})
	}
}

func TestThatOrdersAreNotKeptAnyMoreIsFoundOnce(t *testing.T) {
	f := fate{}
	found := func(at time.Duration, want bool) {
		t.Helper()
		if got := f.lapses(int64(at)); got != want {
			t.Errorf("at %s lapses() = %t, want %t", at, got, want)
		}
	}
	f.begin(strategy.Policy{OnCrash: strategy.Keep, KeepFor: time.Minute}, 1)
	found(time.Hour, false) // it lives
	f.end(false, 0)
	found(time.Minute, false)
	found(time.Minute+1, true)
	found(time.Hour, false)
	if !f.withdraws(int64(time.Minute + 1)) {
		t.Error("what lapsed is kept")
	}
	f.up()
	f.end(false, 0)
	if !f.gone(1) || f.gone(2) {
		t.Error("gone() does not say once that orders were kept until then")
	}
	found(time.Hour, false)
}
