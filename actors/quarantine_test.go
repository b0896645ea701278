package actors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// patient is an actor that crashes on every "bad" message until it is healed.
type patient struct {
	t      *testing.T
	s      *actors.System
	healed bool
	got    chan string
	ended  chan actors.Exit
	parked chan actors.Parked
	freed  chan actors.Parked
	with   []actors.Option // of its Spec
}

func newPatient(t *testing.T, cfg actors.Config) *patient {
	t.Helper()
	p := &patient{
		t: t, got: make(chan string, 1000), ended: make(chan actors.Exit, 100),
		parked: make(chan actors.Parked, 1000), freed: make(chan actors.Parked, 100),
	}
	cfg.Clock, cfg.Dispatch = actors.Virtual(start), actors.Deterministic()
	cfg.Events.Quarantined = func(q actors.Parked) { p.parked <- q }
	cfg.Events.Released = func(q actors.Parked) { p.freed <- q }
	var err error
	if p.s, err = actors.New(cfg); err != nil {
		t.Fatal(err)
	}
	p.s.OnExit(func(x actors.Exit) { p.ended <- x })
	t.Cleanup(func() {
		stop(t, p.s)
		for _, b := range p.s.Boxes() {
			if total := b.Total(); !total.Balanced() || total.Queued != 0 {
				t.Errorf("%s does not balance: %+v", b.Name, total)
			}
		}
	})
	return p
}

// tell gives an incarnation the message, and settles.
func (p *patient) tell(text string, lane mailbox.Lane) {
	p.t.Helper()
	ref, err := actors.Follow[parcel](p.s, "a").Ref()
	if err != nil || !ref.Open() {
		var sp actors.Spec[parcel]
		sp, err = actors.Spec[parcel]{
			Name: "a", Class: "patient", Box: mailbox.DefaultConfig("patient"), Lane: func(m parcel) mailbox.Lane { return m.lane },
			Actor: actors.Func[parcel](func(_ *actors.Context[parcel], m parcel) error {
				if len(m.text) >= 3 && m.text[:3] == "bad" && !p.healed {
					panic("broken")
				}
				p.got <- m.text
				return nil
			}),
		}.With(p.with...)
		if err != nil {
			p.t.Fatal(err)
		}
		if ref, err = actors.Spawn(p.s, sp); err != nil {
			p.t.Fatal(err)
		}
		opened(p.t, p.s, ref)
	}
	if err := ref.Tell(parcel{lane: lane, text: text}); err != nil {
		p.t.Fatal(err)
	}
	if err := p.s.Advance(p.t.Context(), time.Millisecond); err != nil {
		p.t.Fatal(err)
	}
}

func TestAMessageThatEndedTwoIncarnationsIsPutInQuarantine(t *testing.T) {
	p := newPatient(t, actors.Config{})
	p.tell("good", mailbox.Data)
	for i := range 2 {
		p.tell("bad", mailbox.Data)
		if x := <-p.ended; x.Reason != actors.ReasonCrash || x.Fingerprint == 0 {
			t.Fatalf("exit %d: %s, fingerprint %x", i, x.Reason, x.Fingerprint)
		}
	}
	p.tell("good", mailbox.Data)
	p.tell("bad", mailbox.Data)
	if len(p.ended) > 0 || len(p.parked) != 1 {
		t.Fatalf("%d exits, %d in quarantine, want none and 1", len(p.ended), len(p.parked))
	}
	q := <-p.parked
	if q.Name != "a" || q.Lane != mailbox.Data || q.Type != "actors_test.parcel" || len(q.Recent) != 1 || q.ID != 1 {
		t.Errorf("in quarantine: %+v", q)
	}
	data := p.s.Boxes()[0].Lanes[mailbox.Data-1]
	if data.Dropped.Of(mailbox.Poison) != 1 || data.Handled != 4 || !data.Balanced() {
		t.Errorf("counts: %+v", data)
	}
	p.tell("bad too", mailbox.Data) // another message: it has its own two failures
	<-p.ended
	p.healed = true
	p.tell("good", mailbox.Data)
	if err := p.s.Release(1); err != nil {
		t.Fatal(err)
	}
	_ = p.s.Drive(t.Context(), nil)
	for _, want := range []string{"good", "good", "good", "bad"} {
		if m := <-p.got; m != want {
			t.Errorf("handled %q, want %q", m, want)
		}
	}
	if len(p.s.Quarantine()) != 0 || (<-p.freed).ID != 1 {
		t.Error("it is still in quarantine")
	}
	if err := p.s.Release(1); !errors.Is(err, actors.ErrUnknown) {
		t.Errorf("Release() of nothing = %v, want ErrUnknown", err)
	}
}

func TestACancelIsNeverPutInQuarantineAndOldFailuresAreForgotten(t *testing.T) {
	p := newPatient(t, actors.Config{})
	for range 4 {
		p.tell("bad", mailbox.Control)
		<-p.ended
	}
	for range 3 {
		p.tell("bad", mailbox.Data)
		<-p.ended
		if err := p.s.Advance(t.Context(), 11*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.parked) != 0 {
		t.Errorf("in quarantine: %+v", <-p.parked)
	}
}

func TestNoQuarantineWhereNoneIsWanted(t *testing.T) {
	p := newPatient(t, actors.Config{PoisonAfter: -1})
	for range 4 {
		p.tell("bad", mailbox.Data)
		<-p.ended
	}
}

func TestAReportLeavesQuarantineOnlyByBeingHandled(t *testing.T) {
	p := newPatient(t, actors.Config{})
	for _, lane := range []mailbox.Lane{mailbox.Reports, mailbox.Data} {
		text := "bad " + lane.String()
		for range 3 {
			p.tell(text, lane)
		}
	}
	if n := len(p.s.Quarantine()); n != 2 {
		t.Fatalf("%d in quarantine, want 2", n)
	}
	if err := p.s.Discard(1); !errors.Is(err, mailbox.ErrPolicy) {
		t.Errorf("Discard() of a report = %v, want ErrPolicy", err)
	}
	if err := p.s.Discard(2); err != nil {
		t.Errorf("Discard() = %v", err)
	}
	if n := p.s.DeadCounts()[actors.DeadCount{Class: "patient", Reason: mailbox.Poison}]; n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
	for i := range 300 { // market data makes room, the report stays
		p.tell("bad data", mailbox.Data)
		if len(p.s.Quarantine()) > 256 {
			t.Fatalf("%d in quarantine after %d more", len(p.s.Quarantine()), i)
		}
	}
	if all := p.s.Quarantine(); len(all) != 256 || all[0].Lane != mailbox.Reports {
		t.Errorf("%d in quarantine, the first %s", len(all), all[0].Lane)
	}
	// With the system everything becomes a dead letter.
	stop(t, p.s)
	if n := p.s.DeadCounts()[actors.DeadCount{Class: "patient", Reason: mailbox.Shutdown}]; n != 256 {
		t.Errorf("%d dead letters at the end, want 256", n)
	}
}

func TestAnAskThatIsPutInQuarantineFailsAtOnce(t *testing.T) {
	p := newPatient(t, actors.Config{AskMax: time.Hour})
	p.tell("bad", mailbox.Commands)
	p.tell("bad", mailbox.Commands)
	p.tell("good", mailbox.Commands)
	inRun(t, p.s, func(ctx context.Context, out actors.Outside) {
		_, err := actors.AskWait(ctx, out, actors.Follow[parcel](p.s, "a"), func(actors.ReplyTo[int]) parcel {
			return parcel{lane: mailbox.Commands, text: "bad"}
		})
		if !errors.Is(err, actors.ErrNoReply) {
			t.Errorf("AskWait() = %v, want ErrNoReply", err)
		}
	})
	if len(p.parked) != 1 {
		t.Error(fmt.Sprint(len(p.parked), " in quarantine, want 1"))
	}
}

// TestQuarantineIsOfTheActorsThatWantIt in a System that has none, for the messages which the Spec marks.
func TestQuarantineIsOfTheActorsThatWantIt(t *testing.T) {
	p := newPatient(t, actors.Config{PoisonAfter: -1})
	mark := func(m parcel) uint64 {
		if m.text == "bad, and gone" {
			return 0
		}
		return 7
	}
	p.with = []actors.Option{actors.WithQuarantine(1, mark)}
	p.tell("bad", mailbox.Data)
	if x := <-p.ended; x.Fingerprint != 7 {
		t.Errorf("exit with fingerprint %d, want 7", x.Fingerprint)
	}
	for range 3 {
		p.tell("bad, and gone", mailbox.Data)
		if x := <-p.ended; x.Fingerprint != 0 || len(p.parked) != 0 {
			t.Fatalf("exit with fingerprint %d and %d in quarantine, want none: it is marked as gone", x.Fingerprint, len(p.parked))
		}
	}
	p.tell("bad", mailbox.Data)
	if len(p.ended) != 0 || len(p.parked) != 1 {
		t.Errorf("%d exits, %d in quarantine, want none and 1", len(p.ended), len(p.parked))
	}

	others := newPatient(t, actors.Config{PoisonAfter: -1})
	for range 4 {
		others.tell("bad", mailbox.Data)
		<-others.ended
	}
	if len(others.parked) != 0 {
		t.Errorf("%d in quarantine of an actor that wants none", len(others.parked))
	}
}
