package actors_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

func TestADeadLetterNamesItsSenderItsLaneItsTypeAndItsAge(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start.Add(time.Hour)), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	l, err := s.Begin(actors.Birth{Name: "a", Class: "callee"})
	if err != nil {
		t.Fatal(err)
	}
	to, err := actors.Spawn(s, actors.Spec[parcel]{
		Life: l, Box: mailbox.DefaultConfig("a"), Lane: func(m parcel) mailbox.Lane { return m.lane },
		Actor: actors.Func[parcel](func(*actors.Context[parcel], parcel) error { return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Open()
	opened(t, s, to)
	ref, _ := spawnWatcher(t, s, mailbox.DefaultConfig("w"))
	do(t, s, ref, func(c *actors.Context[watcher]) {
		if err := to.TellFrom(c, parcel{lane: mailbox.Commands}); err != nil {
			t.Errorf("TellFrom() = %v", err)
		}
		if err := s.StopActor("a", 1); err != nil {
			t.Error(err)
		}
	})
	if err := s.Drive(t.Context(), func() bool { return l.Parts() == 0 }); err != nil {
		t.Fatal(err)
	}
	l.End(false)
	want := actors.Letter{
		Name: "a", Epoch: 1, Class: "callee", Lane: mailbox.Commands, Reason: mailbox.Stopped,
		Type: "actors_test.parcel", From: "watcher", At: 1,
	}
	if got := s.DeadLetters(); len(got) != 1 || got[0] != want {
		t.Errorf("DeadLetters() = %+v, want %+v", got, want)
	}
}

func TestAReceiverLearnsWhoSentAndInWhichTrace(t *testing.T) {
	trace := actors.Trace{ID: [16]byte{1, 2, 3}, Span: 4}
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		got := make(chan string, 10)
		to, err := actors.Spawn(s, actors.Spec[string]{
			Name: "last", Box: mailbox.DefaultConfig("a"), Lane: func(string) mailbox.Lane { return mailbox.Data },
			Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
				name, epoch := c.Sender()
				got <- fmt.Sprint(m, " ", name, "#", epoch, " ", c.Trace() == trace, c.Trace().Sampled())
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, to)
		ref, _ := spawnWatcher(t, s, mailbox.DefaultConfig("w"))
		on := watcher{do: func(c *actors.Context[watcher]) error { return to.TellFrom(c, "on") }}
		if err := ref.Tell(on); err != nil {
			t.Fatal(err)
		}
		if m := await(t, s, got); m != "on watcher#1 false false" {
			t.Errorf("told %q", m)
		}
		if err := ref.TellFrom(actors.Traced(nil, trace), on); err != nil {
			t.Fatal(err)
		}
		if m := await(t, s, got); m != "on watcher#1 true true" {
			t.Errorf("in a trace told %q", m)
		}
		if err := to.Tell("plain"); err != nil {
			t.Fatal(err)
		}
		if m := await(t, s, got); m != "plain #0 false false" {
			t.Errorf("without a sender told %q", m)
		}
		inRun(t, s, func(_ context.Context, out actors.Outside) {
			if err := actors.Follow[string](s, "last").TellFrom(out, "run"); err != nil {
				t.Errorf("TellFrom() = %v", err)
			}
		})
		if m := await(t, s, got); m != "run asker#1 false false" {
			t.Errorf("from a Run function told %q", m)
		}
		if err := (actors.Ref[string]{}).TellFrom(actors.Traced(nil, trace), ""); !errors.Is(err, actors.ErrUnknown) {
			t.Errorf("TellFrom() of the zero Ref = %v", err)
		}
	})
}

// A dead letter subscriber of the engine runs in the goroutine of the sender.
func TestADeadLetterSubscriberThatBlocksOrPanicsDelaysNoTell(t *testing.T) {
	for _, name := range []string{"blocks", "panics"} {
		t.Run(name, func(t *testing.T) {
			hold := make(chan bool)
			s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
			if err != nil {
				t.Fatal(err)
			}
			defer stop(t, s)
			var told atomic.Int64
			good, err := actors.SubscribeDeadLetters(s, actors.Spec[actors.Letter]{
				Name: "good", Actor: actors.Func[actors.Letter](func(*actors.Context[actors.Letter], actors.Letter) error { told.Add(1); return nil }),
			})
			if err != nil {
				t.Fatal(err)
			}
			bad, err := actors.SubscribeDeadLetters(s, actors.Spec[actors.Letter]{
				Name: "bad", Actor: actors.Func[actors.Letter](func(*actors.Context[actors.Letter], actors.Letter) error {
					if name == "panics" {
						panic("broken")
					}
					<-hold
					return nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			opened(t, s, good)
			opened(t, s, bad)
			ref, err := actors.Spawn(s, actors.Spec[int]{
				Name: "a", Box: mailbox.One(1, mailbox.DropOldest),
				Actor: actors.Func[int](func(*actors.Context[int], int) error { <-hold; return nil }),
			})
			if err != nil {
				t.Fatal(err)
			}
			opened(t, s, ref)
			for range 10_000 { // each but two makes room for the next, and its sender buries it
				if err := ref.Tell(1); err != nil {
					t.Fatal(err)
				}
			}
			for told.Load() == 0 {
				continue
			}
			close(hold)
		})
	}
}

func TestASubscriberNeedsABoxThatDropsTheOldest(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	_, err = actors.SubscribeDeadLetters(s, actors.Spec[actors.Letter]{
		Name: "a", Box: mailbox.One(5, mailbox.Reject),
		Actor: actors.Func[actors.Letter](func(*actors.Context[actors.Letter], actors.Letter) error { return nil }),
	})
	if !errors.Is(err, actors.ErrConfig) {
		t.Errorf("SubscribeDeadLetters() with a box that rejects = %v, want ErrConfig", err)
	}
}

func TestTellFromAllocatesNothing(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	to := spawnCallee(t, s, "a")
	ref, _ := spawnWatcher(t, s, mailbox.DefaultConfig("w"))
	nothing := call{do: func(*actors.Context[call], actors.ReplyTo[int]) error { return nil }}
	do(t, s, ref, func(c *actors.Context[watcher]) {
		n := testing.AllocsPerRun(1000, func() { _ = to.TellFrom(c, nothing) })
		if n != 0 {
			t.Errorf("TellFrom() allocates %.1f times, want 0", n)
		}
	})
}
