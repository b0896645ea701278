package actors_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// dated is an actor on a virtual clock that says what it handles, and at "hold" puts everything aside until "open".
type dated struct {
	said []string
	hold bool
}

func (d *dated) Receive(c *actors.Context[string], m string) error {
	switch {
	case m == "hold" || m == "open":
		d.hold = m == "hold"
		c.Unstash()
	case d.hold:
		return c.Stash(10)
	default:
		d.said = append(d.said, m)
	}
	return nil
}

func spawnDated(t *testing.T) (*actors.System, actors.Ref[string], *dated) {
	t.Helper()
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	a := &dated{}
	ref, err := actors.Spawn(s, actors.Spec[string]{
		Name: "a", Class: "a", Box: mailbox.DefaultConfig("a"), Actor: a,
		Lane: func(m string) mailbox.Lane {
			switch m {
			case "cancel", "hold", "open":
				return mailbox.Control
			}
			return mailbox.Commands
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Drive(t.Context(), ref.Open)
	return s, ref, a
}

func TestAMessageIsNotHandledAfterItsDeadline(t *testing.T) {
	s, ref, a := spawnDated(t)
	until := start.Add(time.Second)
	address := actors.Follow[string](s, "a")
	for _, err := range []error{
		ref.TellBy("early", until.Add(1)), ref.TellBy("late", until), address.TellBy("too late", until),
		ref.Tell("plain"), ref.TellBy("for ever", time.Time{}), ref.TellBy("cancel", until),
	} {
		if err != nil {
			t.Fatalf("TellBy() = %v, want nil", err)
		}
	}
	// Nothing is driven while the clock goes on: the actor comes to them a second later.
	actors.SetVirtual(s, time.Second)
	if err := ref.TellBy("past", until); !errors.Is(err, actors.ErrExpired) {
		t.Errorf("TellBy() of a deadline that has passed = %v, want ErrExpired", err)
	}
	_ = s.Drive(t.Context(), nil)
	if got, want := fmt.Sprint(a.said), "[cancel early plain for ever]"; got != want {
		t.Errorf("handled %s, want %s", got, want)
	}
	if n := s.DeadCounts()[actors.DeadCount{Class: "a", Reason: mailbox.Expired}]; n != 2 {
		t.Errorf("%d dead letters expired, want 2", n)
	}
	stop(t, s)
}

func TestAMessageThatWasPutAsideKeepsItsDeadline(t *testing.T) {
	s, ref, a := spawnDated(t)
	_ = ref.Tell("hold")
	_ = s.Drive(t.Context(), nil)
	_, _ = ref.TellBy("late", start.Add(time.Second)), ref.TellBy("early", start.Add(time.Minute))
	_ = s.Drive(t.Context(), nil)
	_ = s.Advance(t.Context(), time.Second)
	_ = ref.Tell("open")
	_ = s.Drive(t.Context(), nil)
	if got := fmt.Sprint(a.said); got != "[early]" {
		t.Errorf("handled %s, want early alone", got)
	}
	stop(t, s)
	b := s.Boxes()[0].Lanes[mailbox.Commands-1]
	if !b.Balanced() || b.Dropped.Of(mailbox.Expired) != 1 || b.Handled != 1 {
		t.Errorf("counts %+v, want one handled and one expired", b)
	}
}
