package supervision

import (
	"context"
	"errors"
	"fmt"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Fault is something that a drill does to a child. The zero Fault is none, and refused.
type Fault uint32

// The faults that can be injected.
const (
	// Panic makes the child's actor panic at its next message; a child without an actor is dealt PanicRun. A supervisor
	// breaks itself.
	Panic Fault = iota + 1
	// Fail makes the child's actor return an error at its next message; a child without one has none to return it.
	Fail
	// PanicRun breaks the Run functions of the child: the call of its Outside that each is in, or its next, ends with the
	// cause of its ctx, and when it has returned it panics. One that heeds neither is abandoned after the child's Shutdown.
	// A child that has neither actor nor Run function ends with crash.
	PanicRun
	faultEnd
)

var faultNames = [...]string{"", "panic", "fail", "panic_run"}

// String returns the name of f, "invalid" for a value that is none.
func (f Fault) String() string { return nameOf(faultNames[:], int(f)) }

// errInjected is what an injected fault says.
var errInjected = errors.New("supervision: fault injected by a drill")

// Inject does a fault to the present incarnation of the child at path; a supervisor ("" is the root) takes Panic only. It is
// for drills and tests: a node has no way to it unless it is built with one. What it costs when it is not used is one atomic
// load a message. ErrNotFound when there is no such incarnation, ErrFault when that child cannot have it. Safe for any number
// of goroutines; the fault itself happens later.
func (t *Tree) Inject(path string, f Fault) error {
	if f == 0 || f >= faultEnd {
		return fmt.Errorf("%w: %d", ErrFault, f)
	}
	if _, ok := t.Snapshot().Sup(path); ok {
		if f != Panic {
			return fmt.Errorf("%w: %s for a supervisor, %q", ErrFault, f, path)
		}
		t.post(supCrash{path})
		return nil
	}
	v, ok := t.births.Load(path)
	if !ok {
		return fmt.Errorf("%w: %s", ErrNotFound, path)
	}
	b := v.(*Birth)
	acts := b.acts()
	switch {
	case f == Fail && !acts:
		return fmt.Errorf("%w: %s for a child without an actor, %s", ErrFault, f, path)
	case f == PanicRun || !acts:
		t.post(drill{Incarnation{path, b.Epoch()}})
	default:
		b.fault.Store(uint32(f))
	}
	return nil
}

// acts reports whether the child has spawned an actor.
func (b *Birth) acts() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.actor != nil
}

// drill breaks the Run functions of a child.
type drill struct{ id Incarnation }

// drill carries one out: the parts are asked to stop, and each Run function panics behind its return.
func (k *keeper) drill(d drill) {
	in := k.lives[d.id]
	if in == nil || in.stopping || in.abandoned || in.first != "" || in.final != nil {
		return
	}
	in.b.broken.Store(true)
	in.first, in.own = Crashed, true
	if in.b.life.Parts() == 0 {
		k.lastGone(in)
		k.run()
		return
	}
	k.decide(Ending{d.id.Path, d.id.Epoch, Crashed})
}

// breakable is f, which breaks when it returns if a drill has asked for that.
func (b *Birth) breakable(f func(ctx context.Context, out actors.Outside) error) func(ctx context.Context, out actors.Outside) error {
	return func(ctx context.Context, out actors.Outside) error {
		err := f(ctx, out)
		if b.broken.Load() {
			panic(errInjected)
		}
		return err
	}
}

// specFor is how the actor of a child is spawned: with a place for a fault in front of its handler, which costs one atomic
// load a message. A temporary child has no flight recorder: there may be many, and nobody asks what one of them did last.
func specFor[M any](b *Birth, a actors.Actor[M]) actors.Spec[M] {
	sp := actors.Spec[M]{
		Life: b.life, Name: b.life.Name(), Class: b.class, Box: mailbox.DefaultConfig(string(b.class)),
		Lane: func(M) mailbox.Lane { return mailbox.Data }, Actor: &guarded[M]{b: b, a: a},
	}
	if b.child.Restart == Temporary {
		sp.Recorder = actors.NoRecorder
	}
	return sp
}

// guarded is the actor of a child behind its fault.
type guarded[M any] struct {
	b *Birth
	a actors.Actor[M]
}

// Receive breaks if it is to, and hands the message on.
func (g *guarded[M]) Receive(c *actors.Context[M], m M) error {
	if g.b.fault.Load() != 0 {
		switch Fault(g.b.fault.Swap(0)) {
		case Panic:
			panic(errInjected)
		case Fail:
			return errInjected
		case PanicRun, faultEnd:
		}
	}
	return g.a.Receive(c, m)
}

// Starting hands on to the actor, if it wants to know.
func (g *guarded[M]) Starting(c *actors.Context[M]) error {
	if s, ok := g.a.(actors.Starter[M]); ok {
		return s.Starting(c)
	}
	return nil
}

// Stopping hands on to the actor, if it wants to know.
func (g *guarded[M]) Stopping(c *actors.Context[M], r actors.Reason) error {
	if s, ok := g.a.(actors.Stopper[M]); ok {
		return s.Stopping(c, r)
	}
	return nil
}
