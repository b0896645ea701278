package actors_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)

// places is where spawnScript puts the actors of a system; the pool, if nothing is said.
var places sync.Map

// systems runs a test on each dispatch and place.
func systems(t *testing.T, cfg actors.Config, test func(t *testing.T, s *actors.System)) {
	t.Helper()
	for _, kind := range []string{"shared", "deterministic", "loop", "pinned"} {
		t.Run(kind, func(t *testing.T) {
			c := cfg
			c.Clock, c.Dispatch = actors.Real(), actors.Shared(2)
			if kind == "deterministic" {
				c.Clock, c.Dispatch = actors.Virtual(start), actors.Deterministic()
			}
			s, err := actors.New(c)
			if err != nil {
				t.Fatal(err)
			}
			defer places.Delete(s)
			switch kind {
			case "loop":
				places.Store(s, newLoop(t, s, actors.Park).Place())
			case "pinned":
				places.Store(s, actors.Pinned(actors.Park).OnThread())
			}
			test(t, s)
			stop(t, s)
			for _, b := range s.Boxes() {
				for i, l := range b.Lanes {
					if !l.Balanced() || l.Queued != 0 {
						t.Errorf("%s lane %s does not balance after stop: %+v", b.Name, mailbox.Lane(i+1), l)
					}
				}
			}
		})
	}
}

func stop(t *testing.T, s *actors.System) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Fatalf("Stop() error = %v, want nil", err)
	}
}

// await waits for a value from ch, driving a deterministic system.
func await[T any](t *testing.T, s *actors.System, ch <-chan T) T {
	t.Helper()
	if s.Deterministic() {
		if err := s.Drive(t.Context(), func() bool { return len(ch) > 0 }); err != nil {
			t.Fatal(err)
		}
		select {
		case v := <-ch:
			return v
		default:
			t.Fatal("nothing is left to happen, and what was waited for has not")
		}
	}
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("waited 10 s in vain")
	}
	panic("unreachable")
}

func tellOpen[M any](t *testing.T, s *actors.System, r interface{ Tell(M) error }, m M) {
	t.Helper()
	for {
		err := r.Tell(m)
		if err == nil {
			return
		}
		if !errors.Is(err, actors.ErrSuspended) {
			t.Fatalf("Tell() error = %v", err)
		}
		if s.Deterministic() {
			n := 0
			_ = s.Drive(t.Context(), func() bool { n++; return n > 1 })
		}
	}
}

func TestAToldMessageIsHandled(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		got := make(chan int, 10)
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Box: mailbox.One(10, mailbox.Reject),
			Actor: actors.Func[int](func(_ *actors.Context[int], m int) error { got <- m; return nil }),
		})
		if err != nil {
			t.Fatal(err)
		}
		tellOpen(t, s, ref, 7)
		if m := await(t, s, got); m != 7 {
			t.Fatalf("handled %d, want 7", m)
		}
	})
}
