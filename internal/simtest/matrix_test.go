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
	mode                                     string
	runs, inFlight, unknown, unheard, moving int
	checkpoints, from                        int // made, and begun at
	names, used, regained                    int // looked up, of these used, and of these known to the venue
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

// modes of durability: an order leaves when its record is durable, or ahead of that.
var modes = []struct {
	name    string
	horizon bool
}{{"journal", false}, {"horizon", true}}

func TestCrashMatrix(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			var lost, regained int
			for _, p := range simtest.Points() {
				t.Run(nameOf(p), func(t *testing.T) {
					sum := tally{mode: mode.name}
					for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
						sum.add(t, simtest.Config{Seed: seed, Point: p, Horizon: mode.horizon})
					}
					sum.judge(t, p)
					lost, regained = lost+sum.used, regained+sum.regained
				})
			}
			if mode.horizon && *seeds > 1 && !testing.Short() && (lost == 0 || regained == 0) {
				t.Errorf("%d orders were lost by the journal and %d of them found at the venue: the mode is not shown", lost, regained)
			}
		})
	}
}

// judge prints the line of a point, and fails where its runs prove nothing.
func (s *tally) judge(t *testing.T, p simtest.Point) {
	t.Helper()
	t.Logf("%s point %2d %-43s %d runs, %d in flight, %d UNKNOWN (%d new, never heard of, %d with a replace), resolved: %d found, %d absent, %d report; %d names looked up, %d of them used, %d found at the venue; %d checkpoints, %d lives began at one",
		s.mode, p.Number, p.Name, s.runs, s.inFlight, s.unknown, s.unheard, s.moving, s.resolved.Found, s.resolved.Absent, s.resolved.Report, s.names, s.used, s.regained, s.checkpoints, s.from)
	if n := s.resolved; n.Found+n.Absent+n.Report != s.unknown {
		t.Errorf("point %d: %d orders were UNKNOWN, and %+v is how they were resolved", p.Number, s.unknown, n)
	}
	if p.Number == orders.CrashCheckpoint && s.from == 0 {
		t.Errorf("point %d is vacuous: no life in %d runs began at a checkpoint", p.Number, s.runs)
	}
	if p.Unknown != simtest.MustNot && s.inQuestion(p) == 0 {
		t.Errorf("point %d is vacuous: no request of its kind was UNKNOWN in %d runs", p.Number, s.runs)
	}
}

// add does one run and judges it. A failing run is repeated by the line that the failure ends with.
func (s *tally) add(t *testing.T, cfg simtest.Config) {
	t.Helper()
	p := cfg.Point
	r, err := simtest.Run(cfg)
	again := fmt.Sprintf("go test ./internal/simtest -run CrashMatrix/%s/%s$ -seed %d -seeds 1", s.mode, nameOf(p), cfg.Seed)
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
	s.names += r.Names
	s.used += r.Used
	s.regained += r.Regained
	s.resolved.Add(r.Resolved)
}
