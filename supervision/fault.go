package supervision

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Fault is something that a drill does to a child. The zero Fault is none.
type Fault uint32

// The faults that can be injected.
const (
	Panic Fault = iota + 1 // its actor panics at its next message
	Fail                   // its actor returns an error at its next message
)

// errInjected is what an injected fault says.
var errInjected = errors.New("supervision: fault injected by a drill")

// Inject does a fault to the present incarnation of the child at path: its actor breaks at its next message. A child without
// an actor, which has only Run functions, is ended with the reason crash instead; a supervisor ("" is the root) breaks itself.
// It is for drills and tests. ErrNotFound when there is no such incarnation. Safe for any number of goroutines.
func (t *Tree) Inject(path string, f Fault) error {
	if _, ok := t.Snapshot().Sup(path); ok {
		t.post(supCrash{path})
		return nil
	}
	v, ok := t.births.Load(path)
	if !ok {
		return fmt.Errorf("%w: %s", ErrNotFound, path)
	}
	b := v.(*Birth)
	b.mu.Lock()
	alone := b.actor == nil
	b.mu.Unlock()
	if alone {
		t.post(drill{Incarnation{path, b.Epoch()}})
		return nil
	}
	b.fault.Store(uint32(f))
	return nil
}

// drill ends a child that has no actor to break.
type drill struct{ id Incarnation }

// specFor is how the actor of a child is spawned: with a place for a fault in front of its handler, which costs one atomic
// load a message.
func specFor[M any](b *Birth, a actors.Actor[M]) actors.Spec[M] {
	return actors.Spec[M]{
		Life: b.life, Name: b.life.Name(), Class: b.class, Box: mailbox.DefaultConfig(string(b.class)),
		Lane: func(M) mailbox.Lane { return mailbox.Data }, Actor: &guarded[M]{b: b, a: a},
	}
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
