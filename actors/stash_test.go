package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// shelf puts calls aside until it is told to go on.
type shelf struct {
	got  chan string
	open bool
}

type parcel struct {
	lane  mailbox.Lane
	text  string
	reply actors.ReplyTo[int]
}

func (a *shelf) Receive(c *actors.Context[parcel], m parcel) error {
	switch {
	case m.text == "open":
		a.open = true
		a.got <- fmt.Sprint("open ", c.Unstash())
	case m.text == "end":
		return actors.ErrDone
	case a.open:
		a.got <- m.text
		_ = m.reply.Send(7)
	default:
		if err := c.Stash(3); err != nil {
			a.got <- fmt.Sprint(m.text, " ", err)
			return nil
		}
		if err := c.Stash(3); !errors.Is(err, actors.ErrNoMessage) {
			a.got <- fmt.Sprint("twice ", err)
		}
	}
	return nil
}

func spawnShelf(t *testing.T, s *actors.System) (actors.Ref[parcel], chan string) {
	t.Helper()
	got := make(chan string, 100)
	ref, err := actors.Spawn(s, actors.Spec[parcel]{
		Name: "shelf", Class: "shelf", Box: mailbox.DefaultConfig("shelf"), Lane: func(m parcel) mailbox.Lane { return m.lane },
		Actor: &shelf{got: got},
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	return ref, got
}

// The engine's stash gives back the newest first and forgets who asked.
func TestT14AStashIsFirstInFirstOutBoundedAndKeepsWhoAsked(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ref, got := spawnShelf(t, s)
		l, err := s.Begin(actors.Birth{Name: "asker"})
		if err != nil {
			t.Fatal(err)
		}
		answered := make(chan error, 1)
		err = l.Run("ask", func(ctx context.Context, out actors.Outside) error {
			v, err := actors.AskWait(ctx, out, ref, func(r actors.ReplyTo[int]) parcel {
				return parcel{lane: mailbox.Commands, text: "ask", reply: r}
			})
			if err == nil && v != 7 {
				err = fmt.Errorf("answer %d", v)
			}
			answered <- err
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		aside := func(n int) func() bool {
			return func() bool { return s.Boxes()[0].Total().Queued == n && s.Boxes()[0].Total().Accepted == uint64(n) }
		}
		wait := func(until func() bool) {
			_ = s.Drive(t.Context(), until)
			for !s.Deterministic() && !until() {
				continue
			}
		}
		wait(aside(1))
		for _, m := range []string{"1", "2", "3"} {
			if err := ref.Tell(parcel{lane: mailbox.Data, text: m}); err != nil {
				t.Fatal(err)
			}
		}
		if m := await(t, s, got); m != "3 mailbox: full" {
			t.Fatalf("the fourth message: %q, want full", m)
		}
		if err := ref.Tell(parcel{lane: mailbox.Control, text: "cancel"}); err != nil {
			t.Fatal(err)
		}
		if m := await(t, s, got); m != "cancel mailbox: not allowed by policy" {
			t.Fatalf("a cancel: %q, want not allowed", m)
		}
		if total := s.Boxes()[0].Total(); total.Queued != 3 || total.Handled != 2 || !total.Balanced() {
			t.Errorf("with three put aside: %+v", total)
		}
		if _, err := ref.TellAll(parcel{lane: mailbox.Commands, text: "open"}, parcel{lane: mailbox.Commands, text: "new"}); err != nil {
			t.Fatal(err)
		}
		want := []string{"open 3", "ask", "new", "1", "2"} // what was put aside goes before its own lane, not before others
		have := make([]string, 0, len(want))
		for range want {
			have = append(have, await(t, s, got))
		}
		if !slices.Equal(have, want) && !slices.Equal(have, []string{"open 3", "ask", "1", "2", "new"}) {
			t.Errorf("handled %v, want %v", have, want)
		}
		if err := await(t, s, answered); err != nil {
			t.Errorf("ask of a message that was put aside = %v", err)
		}
		l.End(false)
	})
}

func TestAStashBecomesDeadLettersAtTheEnd(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ref, _ := spawnShelf(t, s)
		ended := exits(s)
		if _, err := ref.TellAll(parcel{lane: mailbox.Data, text: "1"}, parcel{lane: mailbox.Data, text: "2"}, parcel{lane: mailbox.Data, text: "end"}); err != nil {
			t.Fatal(err)
		}
		await(t, s, ended)
		if n := s.DeadCounts()[actors.DeadCount{Class: "shelf", Reason: mailbox.Stopped}]; n != 2 {
			t.Errorf("%d dead letters, want 2", n)
		}
		data := s.Boxes()[0].Lanes[mailbox.Data-1]
		if data.Handled != 1 || data.Dropped.Of(mailbox.Stopped) != 2 || !data.Balanced() {
			t.Errorf("counts at the end: %+v", data)
		}
	})
}

// A batch of the engine is delivered as its members and once more as a whole.
func TestT05TellAllDeliversEachMessageOnce(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		got := make(chan int, 100)
		hold := make(chan bool)
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Box: mailbox.One(5, mailbox.Reject),
			Actor: actors.Func[int](func(_ *actors.Context[int], m int) error {
				if m == 0 && !s.Deterministic() {
					<-hold
				}
				got <- m
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, ref)
		if err := ref.Tell(0); err != nil {
			t.Fatal(err)
		}
		for taken := func() bool { return s.Boxes()[0].Total().Handled == 1 }; !taken(); {
			_ = s.Drive(t.Context(), taken)
		}
		n, err := ref.TellAll(1, 2, 3, 4, 5, 6, 7)
		if n != 5 || !errors.Is(err, actors.ErrFull) {
			t.Errorf("TellAll() of seven to a box of five = %d, %v, want 5 and ErrFull", n, err)
		}
		close(hold)
		for want := range 6 {
			if m := await(t, s, got); m != want {
				t.Fatalf("handled %d, want %d", m, want)
			}
		}
		if len(got) > 0 {
			t.Errorf("handled %d once more", <-got)
		}
	})
}

// A PoisonPill of the engine overtakes what is queued, or is dropped by a full mailbox.
func TestT22StopAfterQueueHandlesAllThatWasAcceptedAndIsNeverRefused(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		var handled []int
		hold := make(chan bool)
		ended := exits(s)
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Class: "a", Box: mailbox.One(500, mailbox.Reject),
			Actor: actors.Func[int](func(_ *actors.Context[int], m int) error {
				if m == 0 && !s.Deterministic() {
					<-hold
				}
				handled = append(handled, m)
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, ref)
		accepted := 0
		for ref.Tell(accepted) == nil {
			accepted++
		}
		if err := s.StopAfterQueue("a", 1); err != nil {
			t.Fatalf("StopAfterQueue() with a full box = %v", err)
		}
		if err := ref.Tell(-1); !errors.Is(err, actors.ErrClosed) {
			t.Errorf("Tell() after it = %v, want ErrClosed", err)
		}
		if err := actors.Follow[int](s, "a").Tell(-1); !errors.Is(err, actors.ErrClosed) {
			t.Errorf("Tell() to its address = %v, want ErrClosed", err)
		}
		close(hold)
		if x := await(t, s, ended); x.Reason != actors.ReasonShutdown {
			t.Errorf("ended %s, want shutdown", x.Reason)
		}
		if len(handled) != accepted || !slices.IsSorted(handled) {
			t.Errorf("handled %d in order, want all %d", len(handled), accepted)
		}
		if err := s.StopAfterQueue("a", 1); !errors.Is(err, actors.ErrFenced) {
			t.Errorf("StopAfterQueue() of one that has ended = %v, want ErrFenced", err)
		}
	})
}

func TestAContextUsedOutsideItsHandlerPanicsInTestsAndIsCounted(t *testing.T) {
	var counted int
	events := actors.Events{OutOfTurn: func(c actors.Class) {
		if c == "a" {
			counted++
		}
	}}
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic(), Events: events})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	var kept *actors.Context[int]
	ref, err := actors.Spawn(s, actors.Spec[int]{
		Name: "a", Class: "a", Box: mailbox.One(5, mailbox.Reject),
		Actor: actors.Func[int](func(c *actors.Context[int], _ int) error { kept = c; return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	_ = ref.Tell(1)
	_ = s.Drive(t.Context(), nil)
	if kept.Self() != ref || kept.Name() != "a" {
		t.Error("what never changes cannot be asked for")
	}
	for name, use := range map[string]func(){
		"After":          func() { kept.After("k", 1, 1) },
		"Every":          func() { kept.Every("k", 1, 1) },
		"Cancel":         func() { kept.Cancel("k") },
		"ReceiveTimeout": func() { kept.ReceiveTimeout(1, 1) },
		"Stash":          func() { _ = kept.Stash(1) },
		"Unstash":        func() { kept.Unstash() },
		"Watch":          func() { _ = kept.Watch(ref, func(actors.Down) int { return 1 }) },
		"Unwatch":        func() { kept.Unwatch(ref) },
	} {
		before := counted
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s outside a handler does not panic", name)
				}
			}()
			use()
		}()
		if counted != before+1 {
			t.Errorf("%s outside a handler is not counted", name)
		}
	}
}
