package actorstest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// EffectKind is a kind of Effect. The zero EffectKind is invalid.
type EffectKind uint8

// The kinds.
const (
	Told    EffectKind = iota + 1 // it told or asked a stub something
	Spawned                       // it started an actor
	Ended                         // it ended, or an actor that it started did
)

// Effect is something that an actor did.
type Effect struct {
	Kind EffectKind
	// At is the virtual time at which it did.
	At time.Time
	// Name is the stub that was told, the actor that was started, or the one that ended.
	Name actors.Name
	// Message is what was told.
	Message any
	// Reason is why it ended, Err what it returned or panicked with.
	Reason actors.Reason
	Err    error
}

// String is "tell NAME MESSAGE", "spawn NAME" or "end NAME REASON".
func (e Effect) String() string {
	switch e.Kind {
	case Told:
		return fmt.Sprintf("tell %s %+v", e.Name, e.Message)
	case Spawned:
		return fmt.Sprintf("spawn %s", e.Name)
	case Ended:
		return fmt.Sprintf("end %s %s", e.Name, e.Reason)
	}
	return "nothing"
}

// Behaviour is one actor and what it does, on a deterministic system of its own: no goroutine, and no time passes but by
// Advance. Timers show when they fire.
type Behaviour[M any] struct {
	stage *stage
	ref   actors.Ref[M]
}

// stage is the part of a Behaviour that does not depend on the message type.
type stage struct {
	sys     *actors.System
	stubs   map[actors.Name]bool
	effects []Effect
}

// Stage is where the stubs of a Behaviour are made before the actor is, since the actor needs their Refs.
type Stage struct{ *stage }

// NewStage makes an empty stage, whose system is stopped when the test ends, as that of NewSystem.
func NewStage(t testing.TB) Stage {
	t.Helper()
	st := &stage{stubs: map[actors.Name]bool{}}
	st.sys = newSystem(t, actors.Config{
		Name: t.Name(), Clock: actors.Virtual(Start), Dispatch: actors.Deterministic(),
		Events: actors.Events{Spawned: func(n actors.Name, _ actors.Epoch, _ actors.Class) {
			st.add(Effect{Kind: Spawned, Name: n})
		}},
	})
	st.sys.OnExit(func(x actors.Exit) {
		if x.Part == "" {
			st.add(Effect{Kind: Ended, Name: x.Name, Reason: x.Reason, Err: x.Err})
		}
	})
	return Stage{st}
}

// System is the system of the stage.
func (s Stage) System() *actors.System { return s.sys }

func (st *stage) add(e Effect) {
	if st.stubs[e.Name] && e.Kind != Told {
		return
	}
	e.At = st.sys.Now()
	st.effects = append(st.effects, e)
}

// Stub makes an actor on the stage that does nothing. What it is told, or asked, is an Effect in the order of telling.
func Stub[N any](t testing.TB, s Stage, name actors.Name) actors.Ref[N] {
	t.Helper()
	s.stubs[name] = true
	ref, err := actors.Spawn(s.sys, actors.Spec[N]{
		Name: name, Class: "stub", Box: mailbox.One(8192, mailbox.Reject),
		// The lane is asked for when a message is told, on whoever's turn it is: stubs that handle them see each its own.
		Lane: func(m N) mailbox.Lane {
			s.add(Effect{Kind: Told, Name: name, Message: m})
			return mailbox.Data
		},
		Actor: actors.Func[N](func(*actors.Context[N], N) error { return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sys.Drive(t.Context(), ref.Open); err != nil {
		t.Fatal(err)
	}
	return ref
}

// Behave starts the actor that sp describes on the stage; without a Name it is called "actor", without a Box it has one lane
// of 1,024. What its Starting did is the first thing that Effects gives.
func Behave[M any](t testing.TB, s Stage, sp actors.Spec[M]) *Behaviour[M] {
	t.Helper()
	sp.Name = cmp.Or(sp.Name, "actor")
	if sp.Box.Lanes == (mailbox.Config{}).Lanes {
		sp.Box = mailbox.One(1024, mailbox.Reject)
	}
	s.stubs[sp.Name] = true // it is no effect that it starts
	ref, err := actors.Spawn(s.sys, sp)
	delete(s.stubs, sp.Name)
	if err != nil {
		t.Fatal(err)
	}
	b := &Behaviour[M]{s.stage, ref}
	Settle(t, s.sys, 0)
	return b
}

// Ref is the actor.
func (b *Behaviour[M]) Ref() actors.Ref[M] { return b.ref }

// Tell tells the actor m and gives what was done until nothing more happens at this instant, by it and whatever it started,
// in order. The test fails if m is refused.
func (b *Behaviour[M]) Tell(t testing.TB, m M) []Effect {
	t.Helper()
	if err := b.ref.Tell(m); err != nil {
		t.Fatalf("%s: Tell(%+v) = %v, want nil; it ended: %s", b.ref.Name(), m, err, b.ended())
	}
	return b.Advance(t, 0)
}

// Advance lets d of the virtual time pass and gives what was done in it.
func (b *Behaviour[M]) Advance(t testing.TB, d time.Duration) []Effect {
	t.Helper()
	Settle(t, b.stage.sys, d)
	return b.Effects()
}

// Effects gives what was done since the last look, in order. The list is the caller's.
func (b *Behaviour[M]) Effects() []Effect {
	out := b.stage.effects
	b.stage.effects = nil
	return out
}

// ended says how the actor ended, where that has not been looked at yet.
func (b *Behaviour[M]) ended() string {
	i := slices.IndexFunc(b.stage.effects, func(e Effect) bool { return e.Kind == Ended && e.Name == b.ref.Name() })
	if i < 0 {
		return "before"
	}
	return b.stage.effects[i].String()
}

// Want fails the test unless got are the effects described, each as Effect.String writes it.
func Want(t testing.TB, got []Effect, want ...string) {
	t.Helper()
	lines := make([]string, len(got))
	for i, e := range got {
		lines[i] = e.String()
	}
	if !slices.Equal(lines, want) {
		t.Fatalf("effects:\n  %s\nwant:\n  %s", strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
	}
}
