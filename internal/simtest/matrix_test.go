package simtest_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/failshut/failshut/internal/simtest"
	"github.com/failshut/failshut/orders"
)

var (
	firstSeed = flag.Uint64("seed", 1, "first seed of each point")
	seeds     = flag.Uint64("seeds", 2, "seeds of each point; acceptance is 20, the long run 200")
)

// tally is what the runs of one point showed together.
type tally struct {
	runs, inFlight, unknown, unheard, moving int
	checkpoints, from                        int // made, and begun at
	resolved                                 simtest.Resolved
}

// inQuestion is how many requests of the kind that the point is about were UNKNOWN.
func (s *tally) inQuestion(p simtest.Point) int {
	if p.Replace {
		return s.moving
	}
	return s.unheard
}

// nameOf is the name of a point's test.
func nameOf(p simtest.Point) string {
	name := fmt.Sprintf("point-%02d", p.Number)
	if p.Replace {
		name += "-replace"
	}
	return name
}

func TestCrashMatrix(t *testing.T) {
	for _, p := range simtest.Points() {
		t.Run(nameOf(p), func(t *testing.T) {
			var sum tally
			for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
				sum.add(t, p, seed)
			}
			t.Logf("point %2d %-43s %d runs, %d in flight, %d UNKNOWN (%d new, never heard of, %d with a replace), resolved: %d found, %d absent, %d report; %d checkpoints, %d lives began at one",
				p.Number, p.Name, sum.runs, sum.inFlight, sum.unknown, sum.unheard, sum.moving, sum.resolved.Found, sum.resolved.Absent, sum.resolved.Report, sum.checkpoints, sum.from)
			if n := sum.resolved; n.Found+n.Absent+n.Report != sum.unknown {
				t.Errorf("point %d: %d orders were UNKNOWN, and %+v is how they were resolved", p.Number, sum.unknown, n)
			}
			if p.Number == orders.CrashCheckpoint && sum.from == 0 {
				t.Errorf("point %d is vacuous: no life in %d runs began at a checkpoint", p.Number, sum.runs)
			}
			if p.Unknown != simtest.MustNot && sum.inQuestion(p) == 0 {
				t.Errorf("point %d is vacuous: no request of its kind was UNKNOWN in %d runs", p.Number, sum.runs)
			}
		})
	}
}

// add does one run and judges it. A failing run is repeated by the line that the failure ends with.
func (s *tally) add(t *testing.T, p simtest.Point, seed uint64) {
	t.Helper()
	r, err := simtest.Run(simtest.Config{Seed: seed, Point: p})
	again := fmt.Sprintf("go test ./internal/simtest -run CrashMatrix/%s$ -seed %d -seeds 1", nameOf(p), seed)
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, again)
		return
	case r.InFlight == 0:
		t.Errorf("nothing was in flight at the crash: the run proves nothing\n%s", again)
	case p.Unknown == simtest.MustEach && (&tally{unheard: r.Unheard, moving: r.Moving}).inQuestion(p) == 0:
		t.Errorf("no request of its kind was UNKNOWN after the restart: the run is vacuous\n%s", again)
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
	s.moving += r.Moving
	s.checkpoints += r.Checkpoints
	s.from += r.FromCheckpoint
	s.resolved.Add(r.Resolved)
}
