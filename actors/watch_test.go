package actors_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// watcher is an actor that does what it is told and writes down what it hears.
type watcher struct {
	do   func(c *actors.Context[watcher]) error
	text string
}

func downed(d actors.Down) watcher {
	return watcher{text: fmt.Sprintf("%s#%d %s", d.Name, d.Epoch, d.Reason)}
}

func spawnWatcher(t testing.TB, s *actors.System, box mailbox.Config) (actors.Ref[watcher], chan string) {
	t.Helper()
	got := make(chan string, 1000)
	ref, err := actors.Spawn(s, actors.Spec[watcher]{
		Name: "watcher", Box: box, Lane: func(watcher) mailbox.Lane { return mailbox.Data },
		Actor: actors.Func[watcher](func(c *actors.Context[watcher], m watcher) error {
			if m.do != nil {
				return m.do(c)
			}
			select {
			case got <- m.text:
			default: // more than any test looks at
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	return ref, got
}

// do lets an actor do f, and waits until it has.
func do(t *testing.T, s *actors.System, ref actors.Ref[watcher], f func(c *actors.Context[watcher])) {
	t.Helper()
	done := make(chan bool, 1)
	tellOpen(t, s, ref, watcher{do: func(c *actors.Context[watcher]) error {
		f(c)
		done <- true
		return nil
	}})
	await(t, s, done)
}

// The engine tells a parent twice that its child has terminated, and a watcher of a dead one not at all.
func TestT17AWatcherIsToldOfEveryEndExactlyOnce(t *testing.T) {
	ends := map[actors.Reason]func(c *actors.Context[call]) error{
		actors.ReasonNormal:    func(*actors.Context[call]) error { return actors.ErrDone },
		actors.ReasonError:     func(*actors.Context[call]) error { return errors.New("broken") },
		actors.ReasonCrash:     func(*actors.Context[call]) error { panic("broken") },
		actors.ReasonShutdown:  func(c *actors.Context[call]) error { return c.System().StopActor("a", 1) },
		actors.ReasonKilled:    func(c *actors.Context[call]) error { return c.System().Kill("a", 1) },
		actors.ReasonAbandoned: func(c *actors.Context[call]) error { return c.System().Abandon("a", 1) },
	}
	boxes := map[string]mailbox.Config{"reports": mailbox.DefaultConfig("w"), "one lane": mailbox.One(10, mailbox.Reject)}
	for reason, end := range ends {
		for name, box := range boxes {
			t.Run(string(reason)+", "+name, func(t *testing.T) {
				systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
					target := spawnCallee(t, s, "a")
					ref, got := spawnWatcher(t, s, box)
					watch := func(c *actors.Context[watcher]) {
						if err := c.Watch(target, downed); err != nil {
							t.Errorf("Watch() = %v", err)
						}
					}
					do(t, s, ref, watch)
					do(t, s, ref, watch)
					if err := target.Tell(call{do: func(c *actors.Context[call], _ actors.ReplyTo[int]) error { return end(c) }}); err != nil {
						t.Fatal(err)
					}
					want := "a#1 " + string(reason)
					if m := await(t, s, got); m != want {
						t.Fatalf("told %q, want %q", m, want)
					}
					do(t, s, ref, watch) // it is down already
					if m := await(t, s, got); m != want {
						t.Fatalf("of one that is down told %q, want %q", m, want)
					}
					do(t, s, ref, func(*actors.Context[watcher]) {})
					if len(got) > 0 {
						t.Errorf("told %q once more", <-got)
					}
				})
			})
		}
	}
}

func TestNoDownComesAfterUnwatch(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		target := spawnCallee(t, s, "a")
		ref, got := spawnWatcher(t, s, mailbox.DefaultConfig("w"))
		do(t, s, ref, func(c *actors.Context[watcher]) {
			if err := c.Watch(actors.Ref[int]{}, downed); !errors.Is(err, actors.ErrUnknown) {
				t.Errorf("Watch() of the zero Ref = %v, want ErrUnknown", err)
			}
			if c.Unwatch(target) || c.Unwatch(actors.Ref[int]{}) {
				t.Error("Unwatch() of what was not watched is true")
			}
			if err := c.Watch(target, downed); err != nil {
				t.Errorf("Watch() = %v", err)
			}
			if err := s.Kill("a", 1); err != nil { // its Down waits now
				t.Error(err)
			}
			if !c.Unwatch(target) {
				t.Error("Unwatch() is false")
			}
		})
		do(t, s, ref, func(*actors.Context[watcher]) {})
		if len(got) > 0 {
			t.Errorf("told %q after Unwatch", <-got)
		}
	})
}

func TestAWatcherThatEndedIsForgotten(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		target := spawnCallee(t, s, "a")
		ended := exits(s)
		ref, _ := spawnWatcher(t, s, mailbox.DefaultConfig("w"))
		tellOpen(t, s, ref, watcher{do: func(c *actors.Context[watcher]) error {
			_ = c.Watch(target, downed)
			return actors.ErrDone
		}})
		await(t, s, ended)
		if n := actors.Watchers(target); n != 0 {
			t.Errorf("%d watchers left, want 0", n)
		}
	})
}

// In the engine a receive timeout that is set or reset in a handler races with its timer.
func TestT16AReceiveTimeoutIsSetAndResetInHandlers(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ref, got := spawnWatcher(t, s, mailbox.DefaultConfig("w"))
		for i := range 200 {
			do(t, s, ref, func(c *actors.Context[watcher]) {
				c.ReceiveTimeout(time.Duration(i%3)*time.Microsecond, watcher{text: "silence"})
			})
		}
		for len(got) > 0 {
			<-got
		}
		do(t, s, ref, func(c *actors.Context[watcher]) { c.ReceiveTimeout(time.Millisecond, watcher{text: "at last"}) })
		for range 2 { // and again while the silence lasts
			m := await(t, s, got)
			for m == "silence" {
				m = await(t, s, got)
			}
			if m != "at last" {
				t.Fatalf("got %q, want the timeout", m)
			}
		}
		do(t, s, ref, func(c *actors.Context[watcher]) { c.ReceiveTimeout(0, watcher{}) })
	})
}

type beat struct{}

func (beat) Unheard() {}

func TestAReceiveTimeoutCountsFromTheLastMessage(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	var fired []time.Duration
	ref, err := actors.Spawn(s, actors.Spec[any]{
		Name: "a", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[any](func(c *actors.Context[any], m any) error {
			switch m {
			case "set":
				c.ReceiveTimeout(10*time.Second, "silence")
				c.Every("tick", time.Second, "tick")
			case "silence":
				fired = append(fired, c.Now().Sub(start))
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	for _, step := range []struct {
		tell any
		then time.Duration
	}{
		{"set", 4 * time.Second}, {"heard", 5 * time.Second}, {beat{}, 21 * time.Second}, {"heard", 9 * time.Second},
	} {
		if err := ref.Tell(step.tell); err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(t.Context(), step.then); err != nil {
			t.Fatal(err)
		}
	}
	// Heard at 4 s, so silent at 14 s and 24 s; heard at 30 s, so not again until 40 s.
	if want := []time.Duration{14 * time.Second, 24 * time.Second}; fmt.Sprint(fired) != fmt.Sprint(want) {
		t.Errorf("timeouts at %v, want %v", fired, want)
	}
}
