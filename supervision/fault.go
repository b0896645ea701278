package supervision

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Fault is something that a drill does to a child. The zero Fault is none, and refused.
type Fault uint32

// The faults that can be injected. What is said of an actor holds for the Run functions of a child without one, which take
// the fault in their return: the call of its Outside that each is in, or its next, ends with the cause of its ctx. One that
// heeds neither is abandoned after the child's Shutdown. A child that has neither just ends with the reason.
const (
	// Panic makes the child's actor panic at its next message. A supervisor breaks itself.
	Panic Fault = iota + 1
	// Fail makes the child's actor return an error at its next message.
	Fail
	// PanicRun is Panic for the Run functions of a child that has an actor too.
	PanicRun
	// Goexit ends the goroutine under the actor at its next message.
	Goexit
	// Hang blocks the actor in its next message until Release; then the message is handled, by one that was left long ago if
	// a watchdog looked. It is refused under the deterministic dispatch, which would hang with it.
	Hang
	// NilMap makes the actor write to a nil map at its next message, and Runtime index a slice out of its range.
	NilMap
	Runtime
	// PanicStart makes the next Start function of the child panic. It ends nothing by itself.
	PanicStart
	// PanicStop makes the present incarnation panic when it is stopped: the actor when it is told so, the Run functions
	// behind their return.
	PanicStop
	faultEnd
)

var faultNames = [...]string{
	"", "panic", "fail", "panic_run", "goexit", "hang", "nil_map", "runtime", "panic_start", "panic_stop",
}

// String returns the name of f, "invalid" for a value that is none.
func (f Fault) String() string { return nameOf(faultNames[:], int(f)) }

// errInjected is what an injected fault says.
var errInjected = errors.New("supervision: fault injected by a drill")

// drills are the faults of a tree that wait for something: for the next start of a child, or to be released.
type drills struct {
	starts sync.Map // by path

	mu   sync.Mutex
	hold chan struct{} // closed by Release
}

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
	acts, runs := b.has()
	switch {
	case f == Hang && t.sys.Deterministic():
		return fmt.Errorf("%w: %s under the deterministic dispatch, %s", ErrFault, f, path)
	case (f == Hang || f == PanicStop) && !acts && !runs:
		return fmt.Errorf("%w: %s for a child without a part, %s", ErrFault, f, path)
	case f == PanicStart:
		t.drills.starts.Store(path, f)
	case f == PanicStop:
		b.stops.Store(true)
	case f == PanicRun || !acts:
		t.post(drill{Incarnation{path, b.Epoch()}, f})
	default:
		b.fault.Store(uint32(f))
	}
	return nil
}

// Release lets go on whatever hangs by a drill now.
func (t *Tree) Release() {
	d := &t.drills
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hold != nil {
		close(d.hold)
		d.hold = nil
	}
}

// released is closed at the next Release.
func (d *drills) released() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hold == nil {
		d.hold = make(chan struct{})
	}
	return d.hold
}

// strike does a fault to whoever calls it. Nil says that it may go on.
func (d *drills) strike(f Fault) error {
	switch f {
	case Panic, PanicRun, PanicStart, PanicStop:
		panic(errInjected)
	case Fail:
		return errInjected
	case Goexit:
		runtime.Goexit()
	case Hang:
		<-d.released()
	case NilMap:
		var none map[Fault]string
		written(none, f)
	case Runtime:
		_ = faultNames[len(faultNames)+int(f)]
	case faultEnd:
	}
	return nil
}

// written writes to a map: where the compiler and its helpers do not see that there is none.
func written(m map[Fault]string, f Fault) { m[f] = f.String() }

// reason is how a child ends by a fault in its Run functions.
func (f Fault) reason() Reason {
	switch f {
	case Fail:
		return Reason(actors.ReasonError)
	case Goexit:
		return Reason(actors.ReasonGoexit)
	case Hang:
		return HungEnd
	case Panic, PanicRun, NilMap, Runtime, PanicStart, PanicStop, faultEnd:
	}
	return Crashed
}

// has reports whether the child has an actor, and whether it has run anything.
func (b *Birth) has() (actor, runs bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.actor != nil, b.parts > 0 || len(b.runs) > 0
}

// drill breaks the Run functions of a child.
type drill struct {
	id    Incarnation
	fault Fault
}

// drill carries one out: the parts are asked to stop, and each Run function breaks behind its return.
func (k *keeper) drill(d drill) {
	in := k.lives[d.id]
	if in == nil || in.stopping || in.abandoned || in.first != "" || in.final != nil {
		return
	}
	in.b.broken.Store(uint32(d.fault))
	in.first, in.own = d.fault.reason(), true
	if in.empty() {
		k.lastGone(in)
		k.run()
		return
	}
	k.decide(Ending{d.id.Path, d.id.Epoch, in.first})
}

// breakable is f, which breaks when it returns if a drill has asked for that.
func (b *Birth) breakable(f func(ctx context.Context, out actors.Outside) error) func(ctx context.Context, out actors.Outside) error {
	return func(ctx context.Context, out actors.Outside) error {
		err := f(ctx, out)
		if b.stops.Load() && ctx.Err() != nil {
			return b.tree.drills.strike(PanicStop)
		}
		if fault := Fault(b.broken.Load()); fault != 0 {
			return b.tree.drills.strike(fault)
		}
		return err
	}
}

// specFor is how the actor of a child is spawned: with a place for a fault in front of its handler, which costs one atomic
// load a message.
func specFor[M any](b *Birth, a actors.Actor[M]) actors.Spec[M] {
	sp := actors.Spec[M]{
		Life: b.life, Name: b.life.Name(), Class: b.class, Box: mailbox.DefaultConfig(string(b.class)),
		Lane: func(M) mailbox.Lane { return mailbox.Data }, Actor: &guarded[M]{b: b, a: a},
	}
	if sp.Recorder = b.child.Recorder; sp.Recorder == 0 && b.child.Restart == Temporary {
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
		if err := g.b.tree.drills.strike(Fault(g.b.fault.Swap(0))); err != nil {
			return err
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

// Stopping breaks if it is to, and hands on to the actor, if it wants to know.
func (g *guarded[M]) Stopping(c *actors.Context[M], r actors.Reason) error {
	if g.b.stops.Load() {
		return g.b.tree.drills.strike(PanicStop)
	}
	if s, ok := g.a.(actors.Stopper[M]); ok {
		return s.Stopping(c, r)
	}
	return nil
}
