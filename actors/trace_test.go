package actors_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"runtime"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// trace runs a little world of actors, timers, Run functions, crashes and respawns, and hashes every event. Each of
// three readers makes so many offers.
func trace(t *testing.T, seed uint64, offers int) (hash uint64, events int) {
	t.Helper()
	h := fnv.New64a()
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic(), Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	note := func(format string, args ...any) {
		events++
		_, _ = fmt.Fprintf(h, "%d "+format+"\n", append([]any{s.Mono()}, args...)...)
	}
	type m struct {
		lane mailbox.Lane
		hops int
	}
	const actorsN = 8
	name := func(i int) actors.Name { return actors.Name(fmt.Sprint("a", i%actorsN)) }
	box := mailbox.DefaultConfig("t")
	box.Lanes[mailbox.Reports-1].Cap = 3
	spawn := func(i int) {
		_, err := actors.Spawn(s, actors.Spec[m]{
			Name: name(i), Box: box, Lane: func(x m) mailbox.Lane { return x.lane },
			Actor: actors.Func[m](func(c *actors.Context[m], x m) error {
				note("%s#%d %s %d", c.Name(), c.Epoch(), x.lane, x.hops)
				if x.hops == 0 {
					return nil
				}
				if s.Rand()%50 == 0 {
					panic("now and then")
				}
				next := m{mailbox.Lane(1 + s.Rand()%4), x.hops - 1}
				err := actors.Follow[m](s, name(int(s.Rand()%actorsN))).Tell(next)
				note("told %v", err)
				if s.Rand()%4 == 0 {
					c.After(x.hops%3, time.Duration(s.Rand()%1000)*time.Microsecond, next)
				}
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.OnExit(func(x actors.Exit) {
		note("exit %s#%d %s %s", x.Name, x.Epoch, x.Part, x.Reason)
		if x.Part == "" && x.Reason == actors.ReasonCrash {
			spawn(int(x.Name[1] - '0'))
		}
	})
	for i := range actorsN {
		spawn(i)
	}
	for r := range 3 {
		l := begin(t, s, actors.Name(fmt.Sprint("reader", r)))
		to := actors.Follow[m](s, name(r))
		err := l.Run("r", func(ctx context.Context, out actors.Outside) error {
			for i := range offers {
				if err := out.Until(ctx, out.Now().Add(time.Duration(s.Rand()%5000)*time.Microsecond)); err != nil {
					return err
				}
				note("%s offers %d: %v", out.Name(), i, to.OfferWait(ctx, out, m{mailbox.Reports, 20}))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Advance(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	return h.Sum64(), events
}

func TestTheSameSeedGivesTheSameTrace(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	cores, offers, least := []int{1, 2, 4, 4}, 200, 5000
	if testing.Short() {
		cores, offers, least = []int{1, 4}, 50, 1000
	}
	seen := map[uint64]uint64{}
	for _, seed := range []uint64{0, 1, 2} {
		var first uint64
		for i, procs := range cores {
			runtime.GOMAXPROCS(procs)
			hash, events := trace(t, seed, offers)
			if i == 0 {
				first = hash
				if events < least {
					t.Fatalf("seed %d: only %d events", seed, events)
				}
			}
			if hash != first {
				t.Fatalf("seed %d: trace at GOMAXPROCS %d differs", seed, procs)
			}
		}
		if other, ok := seen[first]; ok {
			t.Fatalf("seeds %d and %d gave the same trace", seed, other)
		}
		seen[first] = seed
	}
}

func TestTheSeedDrawsTheOrderAndZeroIsArrival(t *testing.T) {
	order := func(seed uint64) string {
		s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic(), Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		var refs []actors.Ref[func() error]
		for i := range 8 {
			refs = append(refs, spawnScript(t, s, actors.Name(fmt.Sprint(i)), &script{}))
		}
		_ = s.Drive(t.Context(), nil)
		for i, r := range refs {
			if err := r.Tell(func() error { got = append(got, i); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		_ = s.Drive(t.Context(), nil)
		stop(t, s)
		return fmt.Sprint(got)
	}
	seen := map[string]bool{}
	for seed := range uint64(5) {
		seen[order(seed)] = true
	}
	if len(seen) != 5 || order(0) != "[0 1 2 3 4 5 6 7]" {
		t.Fatalf("orders of seeds 0 to 4: %v, want five, that of seed 0 as they arrived", seen)
	}
}
