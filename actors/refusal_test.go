package actors_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// The engine suspends a failed actor and leaves those who wait for room in its mailbox where they are.
func TestT04WhoWaitsForRoomIsReleasedWhenTheReceiverFails(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		const senders = 5
		hold := make(chan bool)
		to := begin(t, s, "a")
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Life: to, Box: mailbox.One(1, mailbox.Block),
			Actor: actors.Func[int](func(*actors.Context[int], int) error {
				if !s.Deterministic() {
					<-hold
				}
				return errors.New("broken")
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		to.Open()
		opened(t, s, ref)
		from := begin(t, s, "senders")
		answers := make(chan error, senders)
		for range senders {
			err := from.Run("send", func(ctx context.Context, out actors.Outside) error {
				answers <- ref.OfferWait(ctx, out, 1)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if !s.Deterministic() {
			for s.Boxes()[0].Total().Waiting < senders-2 { // one is in hand, one is queued
				continue
			}
		}
		close(hold)
		taken := 0
		for range senders {
			switch err := await(t, s, answers); {
			case err == nil:
				taken++
			case !errors.Is(err, actors.ErrSuspended) && !errors.Is(err, actors.ErrClosed) && !errors.Is(err, actors.ErrFenced):
				t.Errorf("a waiting sender got %v", err)
			}
		}
		if taken == senders {
			t.Error("all were taken, nobody had to be released")
		}
		_ = s.Drive(t.Context(), nil)
		from.End(false)
		to.End(false)
	})
}

// The engine asks for the priority of raw messages only, and again whenever it looks at one.
func TestTheLaneOfAMessageIsDecidedOnceWhenItIsTold(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		var decided atomic.Int64
		got := make(chan int, 10)
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Box: mailbox.DefaultConfig("a"),
			Lane:  func(int) mailbox.Lane { decided.Add(1); return mailbox.Data },
			Actor: actors.Func[int](func(_ *actors.Context[int], m int) error { got <- m; return nil }),
		})
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, ref)
		for i := range 10 {
			if err := ref.TellFrom(actors.Traced(nil, actors.Trace{ID: [16]byte{1}}), i); err != nil {
				t.Fatal(err)
			}
		}
		for want := range 10 {
			if m := await(t, s, got); m != want {
				t.Fatalf("handled %d, want %d", m, want)
			}
		}
		if n := decided.Load(); n != 10 {
			t.Errorf("the lane was asked for %d times, want once for each of 10", n)
		}
	})
}

func TestAHookThatPanicsIsSwitchedOffAloneAndCounted(t *testing.T) {
	var called, ended atomic.Int64
	cfg := actors.Config{Events: actors.Events{
		Spawned: func(actors.Name, actors.Epoch, actors.Class) { called.Add(1); panic("hook") },
		Ended:   func(actors.Exit) { ended.Add(1) },
	}}
	systems(t, cfg, func(t *testing.T, s *actors.System) {
		called.Store(0)
		ended.Store(0)
		exited := exits(s)
		for range 3 {
			ref := spawnScript(t, s, "a", &script{})
			tellOpen(t, s, ref, func() error { return actors.ErrDone })
			await(t, s, exited)
		}
		if called.Load() != 1 || ended.Load() != 3 || s.BrokenHooks() != 1 {
			t.Errorf("the broken hook was called %d times, the other %d, %d broken; want 1, 3, 1", called.Load(), ended.Load(), s.BrokenHooks())
		}
	})
}
