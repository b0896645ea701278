package simtest_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/failshut/failshut/internal/simtest"
)

var (
	firstSeed = flag.Uint64("seed", 1, "first seed of each point")
	seeds     = flag.Uint64("seeds", 2, "seeds of each point; acceptance is 20, the long run 200")
)

// tally is what the runs of one point showed together.
type tally struct {
	runs, inFlight, unknown, unheard int
	resolved                         simtest.Resolved
}

func TestCrashMatrix(t *testing.T) {
	for _, p := range simtest.Points() {
		if p.Missing != "" {
			t.Logf("point %2d %-36s not reached: %s", p.Number, p.Name, p.Missing)
			continue
		}
		t.Run(fmt.Sprintf("point-%02d", p.Number), func(t *testing.T) {
			var sum tally
			for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
				sum.add(t, p, seed)
			}
			t.Logf("point %2d %-36s %d runs, %d in flight, %d UNKNOWN (%d new, never heard of), resolved: %d found, %d absent, %d report",
				p.Number, p.Name, sum.runs, sum.inFlight, sum.unknown, sum.unheard, sum.resolved.Found, sum.resolved.Absent, sum.resolved.Report)
			if n := sum.resolved; n.Found+n.Absent+n.Report != sum.unknown {
				t.Errorf("point %d: %d orders were UNKNOWN, and %+v is how they were resolved", p.Number, sum.unknown, n)
			}
			if p.Unknown != simtest.MustNot && sum.unheard == 0 {
				t.Errorf("point %d is vacuous: no new order was UNKNOWN in %d runs", p.Number, sum.runs)
			}
		})
	}
}

// add does one run and judges it. A failing run is repeated by the line that the failure ends with.
func (s *tally) add(t *testing.T, p simtest.Point, seed uint64) {
	t.Helper()
	r, err := simtest.Run(simtest.Config{Seed: seed, Point: p})
	again := fmt.Sprintf("go test ./internal/simtest -run CrashMatrix/point-%02d -seed %d -seeds 1", p.Number, seed)
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, again)
		return
	case r.InFlight == 0:
		t.Errorf("nothing was in flight at the crash: the run proves nothing\n%s", again)
	case p.Unknown == simtest.MustEach && r.Unheard == 0:
		t.Errorf("no new order was UNKNOWN after the restart: the run is vacuous\n%s", again)
	case r.Orders == 0 || r.Fills == 0:
		t.Errorf("%d orders, %d fills: nothing was traded\n%s", r.Orders, r.Fills, again)
	}
	for _, f := range r.Findings {
		t.Errorf("%s", f)
	}
	if len(r.Findings) > 0 {
		t.Errorf("unsynced bytes: lost %s; %s", r.Lost, again)
	}
	s.runs++
	s.inFlight += r.InFlight
	s.unknown += r.Unknown
	s.unheard += r.Unheard
	s.resolved.Add(r.Resolved)
}
