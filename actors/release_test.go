package actors_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// A message that is released must not be found suspect again by an actor that is quicker than whoever releases it: here it comes to
// the message before the Tell has returned.
func TestAReleasedMessageIsNotTakenAsideAgain(t *testing.T) {
	what, entered, hold := make(chan string, 100), make(chan int, 1), make(chan int)
	var releasing bool
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2), Events: actors.Events{
		Quarantined: func(actors.Parked) { what <- "aside" },
		DeadLetter: func(l actors.Letter) {
			if releasing && l.Reason == mailbox.Overflow { // the Tell has put its message in the place of the filler
				close(hold)
				what <- "then " + <-what
			}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	healed := false
	spawn := func() actors.Ref[int] {
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Box: mailbox.One(1, mailbox.DropOldest),
			Actor: actors.Func[int](func(_ *actors.Context[int], n int) error {
				switch {
				case n == 1:
					entered <- 1
					<-hold
				case n == 7 && healed:
					what <- "handled"
				case n == 7:
					panic("broken")
				}
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	for range 2 {
		ended := exits(s)
		tellOpen(t, s, spawn(), 7)
		await(t, s, ended)
	}
	ref := spawn()
	tellOpen(t, s, ref, 7)
	if got := await(t, s, what); got != "aside" {
		t.Fatalf("the message was %s, want it taken aside", got)
	}
	tellOpen(t, s, ref, 1)
	await(t, s, entered)
	tellOpen(t, s, ref, 2) // the filler
	healed, releasing = true, true
	if err := s.Release(s.Quarantine()[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := await(t, s, what); got != "then handled" {
		t.Errorf("the message that was released was %q, want it handled", got)
	}
	if q := s.Quarantine(); len(q) > 0 {
		t.Errorf("%d messages in quarantine, want none", len(q))
	}
	stop(t, s)
}

// A release that its actor refuses changes nothing: others like it are still kept from it.
func TestAReleaseThatIsRefusedLiftsNoSuspicion(t *testing.T) {
	p := newPatient(t, actors.Config{})
	for range 3 {
		p.tell("bad", mailbox.Data)
	}
	parked := p.s.Quarantine()
	if len(parked) != 1 || actors.ShutFingerprints(p.s) != 1 {
		t.Fatalf("%d messages in quarantine and %d fingerprints shut, want one each", len(parked), actors.ShutFingerprints(p.s))
	}
	ref, err := actors.Follow[parcel](p.s, "a").Ref()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.s.StopActor("a", ref.Epoch()); err != nil {
		t.Fatal(err)
	}
	if err := p.s.Advance(t.Context(), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := p.s.Release(parked[0].ID); err == nil {
		t.Fatal("Release() to an actor that is over = nil, want its refusal")
	}
	if n := actors.ShutFingerprints(p.s); n != 1 || len(p.s.Quarantine()) != 1 {
		t.Errorf("%d fingerprints shut and %d messages kept, want one each as before", n, len(p.s.Quarantine()))
	}
}
