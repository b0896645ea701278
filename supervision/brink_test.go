package supervision_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/supervision"
)

// An answer is somebody else's function, also where nobody decides any more.
func TestAnAnswerThatPanicsWhenTheTreeIsOverHarmsNobody(t *testing.T) {
	worlds(t, func(w *world) {
		var tree *supervision.Tree
		answered := make(chan supervision.Answer, 1)
		ev := w.events()
		ev.Decision = func(_ time.Time, d supervision.Decision) {
			if d.Kind == supervision.LineHalt { // the keeper has looked into its inbox for the last time
				tree.TerminateChild("", "a", func(supervision.Answer) { panic("no") })
				tree.TerminateChild("", "a", func(a supervision.Answer) { answered <- a })
			}
		}
		tree, err := supervision.Start(t.Context(), w.sys, supervision.DefaultSpec("root", worker("a")), supervision.Options{Events: ev})
		if err != nil {
			t.Fatal(err)
		}
		tree.Shutdown()
		if r := w.result(tree); r.Code != 0 {
			t.Errorf("result = %+v, want 0", r)
		}
		w.until("the answer", func() bool { return len(answered) == 1 })
		if a := <-answered; !errors.Is(a.Err(), supervision.ErrNotRunning) {
			t.Errorf("answer = %+v, want not running", a)
		}
	})
}

// A system that is stopped takes the keeper with it, also in the middle of the boot.
func TestAStartEndsWithItsSystem(t *testing.T) {
	worldOf(t, "shared", func(w *world) {
		starting := make(chan int)
		slow := supervision.DefaultChild("a", func(ctx context.Context, _ *supervision.Birth) error {
			close(starting)
			<-ctx.Done()
			return ctx.Err()
		})
		over := make(chan error, 1)
		go func() {
			_, err := supervision.Start(context.Background(), w.sys, supervision.DefaultSpec("root", slow), supervision.Options{})
			over <- err
		}()
		<-starting
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.sys.Stop(ctx); err != nil {
			t.Errorf("Stop() error = %v", err)
		}
		select {
		case err := <-over:
			if !errors.Is(err, supervision.ErrNotRunning) {
				t.Errorf("Start() error = %v, want not running", err)
			}
		case <-ctx.Done():
			t.Error("Start() still waits for a keeper that is over")
		}
	})
}

// A child that waits for its next attempt has no incarnation whose end would be told.
func TestWhoMindsAChildIsToldWhenItIsTerminatedWhileItWaits(t *testing.T) {
	worlds(t, func(w *world) {
		tree := w.start(supervision.DefaultSpec("root", worker("a")))
		c := worker("b")
		c.Backoff = supervision.Backoff{Base: time.Hour, Cap: time.Hour, Reset: time.Hour}
		gone, done := make(chan supervision.Reason, 1), make(chan supervision.Answer, 2)
		tree.StartChild("", c, func(a supervision.Answer) { done <- a }, func(r supervision.Reason) { gone <- r })
		w.until("b is up", func() bool { return len(done) == 1 })
		w.tell("b", "panic")
		w.until("b waits", func() bool { e, _ := tree.Snapshot().Find("b"); return e.Status == supervision.Restarting })
		tree.TerminateChild("", "b", func(a supervision.Answer) { done <- a })
		w.until("the answer", func() bool { return len(done) == 2 })
		w.until("word to who minds b, which is down for good", func() bool { return len(gone) == 1 }) // after the answer or before it
		tree.Stop()
		w.result(tree)
	})
}

// What a spec is made of is looked at before anything is made of it: a stack that overflows ends the process.
func TestASpecThatHoldsItselfIsRefused(t *testing.T) {
	worlds(t, func(w *world) {
		loop := &supervision.Spec{Strategy: supervision.OneForOne, Period: time.Second}
		loop.Children = []supervision.Child{{Name: "below", Restart: supervision.Permanent, Sub: loop}}
		_, err := supervision.Start(t.Context(), w.sys, *loop, supervision.Options{})
		if !errors.Is(err, supervision.ErrBadSpec) {
			t.Errorf("Start() error = %v, want ErrBadSpec", err)
		}
		tree := w.start(supervision.DefaultSpec("root", worker("a")))
		done := make(chan supervision.Answer, 1)
		tree.StartChild("", supervision.Child{Name: "b", Restart: supervision.Temporary, Sub: loop}, func(a supervision.Answer) { done <- a }, nil)
		w.until("the answer", func() bool { return len(done) == 1 })
		if a := <-done; !errors.Is(a.Err(), supervision.ErrBadSpec) {
			t.Errorf("start_child = %+v, want ErrBadSpec", a)
		}
		tree.Stop()
		w.result(tree)
	})
}

// Whoever writes a spec is told all that is wrong with it at once.
func TestABadSpecIsRefusedWithEveryMistake(t *testing.T) {
	worldOf(t, "deterministic", func(w *world) {
		a, b := worker("a"), worker("b/c")
		a.Restart, a.Watchdog = 0, -1
		b.Shutdown = -2
		below := supervision.Spec{Strategy: supervision.OneForOne, Intensity: -1, Period: time.Second, Children: []supervision.Child{a, worker("a")}}
		_, err := supervision.Start(t.Context(), w.sys, supervision.DefaultSpec("root", b, supervision.SubTree("sub", below)), supervision.Options{})
		if !errors.Is(err, supervision.ErrBadSpec) {
			t.Fatalf("Start() error = %v, want ErrBadSpec", err)
		}
		for _, want := range []string{
			"b/c: name, want 1 to 64", "b/c: shutdown, want 0 or more", "sub: intensity, want 0 or more", "a: restart, want permanent",
			"a: watchdog, want 0 or more", "a: duplicate, want a name",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error is silent about %q:\n%v", want, err)
			}
		}
		var first *supervision.BadSpec
		if !errors.As(err, &first) || *first != (supervision.BadSpec{Name: "b/c", Field: "name"}) {
			t.Errorf("the first mistake is %v, want the name of b/c", first)
		}
	})
}

// One hook that panics takes no other with it.
func TestAHookThatPanicsSilencesNoOther(t *testing.T) {
	worlds(t, func(w *world) {
		var told []string
		ev := supervision.Events{
			Decision:  func(time.Time, supervision.Decision) { panic("no") },
			Stopped:   func(path string, _ uint64, _ time.Duration) { told = append(told, "stopped "+path); panic("no") },
			Escalated: func(sup, child string) { told = append(told, "escalated "+sup+" over "+child) },
			Phase:     func(name string, _ bool, _ supervision.Reason, _ time.Duration) { told = append(told, "phase "+name) },
			Unstopped: func([]supervision.Incarnation) { panic("no") },
		}
		spec := supervision.DefaultSpec("root", worker("a"), worker("b"))
		spec.Intensity = 0
		tree, err := supervision.Start(t.Context(), w.sys, spec, supervision.Options{Events: ev, Phases: []supervision.Phase{{Name: "trip"}}})
		if err != nil {
			t.Fatal(err)
		}
		w.tell("b", "panic")
		w.result(tree)
		if want := []string{"escalated root over b", "phase trip", "stopped a"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

// A child may break in the moment in which it is told to stop. The stop is what ends it, and the panic is known all the same:
// whatever the keeper hears of first.
func TestAPanicInTheMomentOfAStopIsKnown(t *testing.T) {
	for steps := range 6 {
		t.Run(fmt.Sprint("after ", steps), func(t *testing.T) {
			worldOf(t, "deterministic", func(w *world) {
				tree := w.start(supervision.DefaultSpec("root", worker("a")))
				w.tell("a", "panic")
				n := 0
				if err := w.sys.Drive(t.Context(), func() bool { n++; return n > steps }); err != nil {
					t.Fatal(err)
				}
				tree.TerminateChild("", "a", nil)
				w.pass(time.Second)
				e, ok := w.ended("a", 1)
				if !ok || e.Reason != actors.ReasonCrash || !strings.Contains(string(e.Stack), "world_test.go") {
					t.Errorf("end of a = %+v (%v), want a crash with its stack\n%s", e, ok, w.text())
				}
				w.sees("exit a#1 crash")
				tree.Stop()
				w.result(tree)
			})
		})
	}
}

// A second word that was refused does not take back the first.
func TestEvidenceThatWasGivenInTheStartStands(t *testing.T) {
	worlds(t, func(w *world) {
		c := supervision.DefaultChild("f", func(_ context.Context, b *supervision.Birth) error {
			if err := b.Ready(supervision.Synced); err != nil {
				return err
			}
			if err := b.Ready(supervision.Flat); !errors.Is(err, supervision.ErrEvidence) {
				t.Errorf("Ready(flat) of a feed = %v, want ErrEvidence", err)
			}
			return nil
		})
		c.Class = supervision.FeedClass
		c.StartTimeout = time.Second
		tree := w.start(supervision.DefaultSpec("root", c))
		tree.Stop()
		w.result(tree)
	})
}

// A look says that what is wanted may have changed: one that waits for its backoff is wanted as before.
func TestALookDoesNotShortenABackoff(t *testing.T) {
	worldOf(t, "deterministic", func(w *world) {
		tries := 0
		broken := supervision.DefaultChild("orders", func(context.Context, *supervision.Birth) error { tries++; return errors.New("no") })
		r := supervision.NewRoster(supervision.RosterOptions{
			Children: func() []supervision.Child { return []supervision.Child{account("a1", broken)} },
			Backoff:  supervision.Backoff{Base: time.Hour, Cap: time.Hour, Reset: time.Hour},
		})
		tree := w.start(venues(r))
		w.until("the first attempt", func() bool { return tries == 1 })
		w.pass(time.Millisecond)
		for range 10 {
			if err := r.Look(); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Millisecond)
		}
		if tries != 1 {
			t.Errorf("%d attempts within 11 ms, want one and then a backoff of up to an hour", tries)
		}
		w.pass(time.Hour)
		if tries != 2 {
			t.Errorf("%d attempts after an hour, want two", tries)
		}
		tree.Stop()
		w.result(tree)
	})
}

// The tree takes the guardian's place while others in the system live and end. Under the race detector this finds whoever looks
// at a tree that is half made.
func TestStrangersMayEndWhileATreeIsMade(t *testing.T) {
	worldOf(t, "shared", func(w *world) {
		stop, over := make(chan int), make(chan int)
		go func() {
			defer close(over)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				ref, err := actors.Spawn(w.sys, actors.Spec[string]{
					Name: actors.Name(fmt.Sprint("stranger", i)), Box: mailbox.One(1, mailbox.Reject),
					Actor: actors.Func[string](func(*actors.Context[string], string) error { return actors.ErrDone }),
				})
				if err != nil {
					t.Error(err)
					return
				}
				for errors.Is(ref.Tell(""), actors.ErrSuspended) {
					runtime.Gosched()
				}
			}
		}()
		for i := range 20 { // the writer of a journal may outlast its tree
			tree, err := supervision.Start(t.Context(), w.sys, supervision.DefaultSpec(fmt.Sprint("root", i), worker(fmt.Sprint("a", i))),
				supervision.Options{Journal: supervision.Journal{Dir: "j", Disk: journal.NewMemFS(1)}})
			if err != nil {
				t.Fatal(err)
			}
			tree.Stop()
			if r := w.result(tree); r.Code != 0 {
				t.Errorf("result = %+v", r)
			}
		}
		close(stop)
		<-over
	})
}

// An actor may use the word of the watchdog for an end of its own, which leaves nothing behind.
func TestAnEndThatIsCalledHungIsAnEnd(t *testing.T) {
	worldOf(t, "deterministic", func(w *world) {
		c := supervision.DefaultChild("a", func(_ context.Context, b *supervision.Birth) error {
			_, err := supervision.Spawn(b, actors.Func[string](func(*actors.Context[string], string) error {
				return actors.ExitWith(actors.ReasonHung)
			}))
			return err
		})
		tree := w.start(supervision.DefaultSpec("root", c))
		w.tell("a", "go")
		w.sees("exit a#1 hung")
		w.sees("started a#2")
		w.never("abandon", "late")
		tree.Stop()
		w.result(tree)
	})
}
