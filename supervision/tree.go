package supervision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Options are what a tree takes besides its spec.
type Options struct {
	Phases []Phase // run in order when the tree goes down, before anything is stopped
	Events Events
	// Shutdown bounds the stop of the whole tree; 0 leaves it to the children's own.
	Shutdown time.Duration
	Journal  Journal // of the decisions; the zero Journal keeps none
}

// Result is how a tree ended.
type Result struct {
	Code      int    // CodeOrderly, CodePartial, CodeTripped
	Reason    Reason // of the root
	Unstopped []Incarnation
	Phases    []PhaseResult
}

// PhaseResult is how a phase ended.
type PhaseResult struct {
	Name   string
	OK     bool
	Reason Reason
}

// Tree is a living tree of supervisors. Its methods are safe for any number of goroutines and never wait, so that actors of
// the tree may use them; Start alone waits.
type Tree struct {
	sys    *actors.System
	o      Options
	spec   Spec
	life   *actors.Life // of the keeper
	ref    actors.Ref[knock]
	keeper *keeper
	writer *writer // nil: no journal is kept
	snap   atomic.Pointer[Snapshot]
	births sync.Map // path to the *Birth of its present incarnation
	drills drills
	done   chan Result
	gone   chan struct{} // closed when the keeper is over

	mu     sync.Mutex
	inbox  []any // what has come since the keeper last looked: at most what its incarnations and maxCalls calls can say
	calls  int
	closed bool
	once   sync.Once
}

// maxCalls is how many calls may wait for an answer.
const maxCalls = 1024

// order is an input of somebody who waits for the answer.
type order struct {
	in   Input
	done func(Answer)
	gone func(Reason)
}

// Start checks the spec of a whole tree, starts it in sys and waits until it is up: every child in the list is ready. An error
// says what failed (of a bad spec, every mistake), matches ErrBadSpec or ErrStartFailed, or is the cause of ctx; then all that was started is stopped again.
// A deterministic system is driven meanwhile by Start itself; afterwards its owner drives it.
//
// The tree takes the system's OnExit. It runs until Done.
func Start(ctx context.Context, sys *actors.System, spec Spec, o Options) (*Tree, error) {
	if nests(&spec, 0) { // else nothing can be filled in, and that is the mistake
		spec = filled(spec)
	}
	if bad := checkTree(&spec, Siblings); len(bad) > 0 {
		return nil, mistakes(bad)
	}
	o.Phases = filledPhases(o.Phases)
	t := newTree(sys, spec, o, Siblings)
	if err := t.open(); err != nil {
		return nil, err
	}
	return t.boot(ctx)
}

func mistakes(bad []*BadSpec) error {
	errs := make([]error, len(bad))
	for i, b := range bad {
		errs[i] = b
	}
	return fmt.Errorf("%w: %w", ErrBadSpec, errors.Join(errs...))
}

func newTree(sys *actors.System, spec Spec, o Options, names Names) *Tree {
	t := &Tree{sys: sys, o: o, spec: spec, done: make(chan Result, 1), gone: make(chan struct{})}
	t.snap.Store(&Snapshot{Name: spec.Name})
	t.keeper = newKeeper(t, names)
	return t
}

// open begins the life of the keeper. Strangers in the system may end meanwhile, of which the tree hears as soon as it is the guardian.
func (t *Tree) open() (err error) {
	if t.life, err = t.sys.Begin(actors.Birth{Name: actors.Name("/" + t.spec.Name)}); err != nil {
		return err
	}
	if err = t.newWriter(); err != nil {
		t.life.End(false)
		return err
	}
	t.sys.OnExit(t.onExit)
	ref, err := actors.Spawn(t.sys, actors.Spec[knock]{
		Life: t.life, Name: t.life.Name(), Class: "supervisor", Box: mailbox.One(1, mailbox.Reject), Actor: t.keeper,
	})
	if err != nil {
		if t.writer != nil {
			t.writer.life.End(false)
		}
		t.life.End(false)
		return err
	}
	t.mu.Lock()
	t.ref = ref
	t.mu.Unlock()
	t.life.Open()
	t.life.Ready()
	t.writer.open()
	return nil
}

// draw is the chance of one decision, from the seeded source of the system.
func (t *Tree) draw() float64 { return float64(t.sys.Rand()>>11) / (1 << 53) }

func filledPhases(phases []Phase) []Phase {
	out := make([]Phase, len(phases))
	for i, p := range phases {
		if p.Timeout == 0 {
			p.Timeout = 5 * time.Second
		}
		out[i] = p
	}
	return out
}

// boot waits for the answer to the start.
func (t *Tree) boot(ctx context.Context) (*Tree, error) {
	answered := make(chan Answer, 1)
	t.post(order{in: treeStart{}, done: func(a Answer) { answered <- a }})
	err := t.await(ctx, func() bool { return len(answered) > 0 }, answered)
	if err == nil {
		a := <-answered
		if a.OK {
			return t, nil
		}
		err = a.Err()
	} else {
		t.Stop()
	}
	stopped := t.wait()
	if stopped != nil {
		return nil, fmt.Errorf("%w (and %w)", err, stopped)
	}
	return nil, err
}

// await waits for a value in ch, or drives until there is one.
func (t *Tree) await(ctx context.Context, ready func() bool, ch chan Answer) error {
	if t.sys.Deterministic() {
		if err := t.sys.Drive(ctx, ready); err != nil {
			return err
		}
		if !ready() {
			return ErrStalled
		}
		return nil
	}
	select {
	case a := <-ch:
		ch <- a
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wait waits until the keeper is over: every stop of the tree has an end.
func (t *Tree) wait() error {
	if t.sys.Deterministic() {
		return t.sys.Drive(context.Background(), func() bool {
			select {
			case <-t.gone:
				return true
			default:
				return false
			}
		})
	}
	<-t.gone
	return nil
}

// Done gives one Result when the tree is over.
func (t *Tree) Done() <-chan Result { return t.done }

// Snapshot is the tree as it stood after the last decisions: one atomic load. It is never nil, and may be read when the tree
// is dead.
func (t *Tree) Snapshot() *Snapshot { return t.snap.Load() }

// Shutdown takes the tree down in order: it is frozen, the phases run while everything lives, then the children stop in
// reverse. Twice is harmless.
func (t *Tree) Shutdown() { t.post(treeShutdown{}) }

// SkipPhases leaves out the phases that are left, and the one that runs, of a tree that goes down: to the stop.
func (t *Tree) SkipPhases() { t.post(treeSkip{}) }

// Stop stops the tree in reverse, without phases. It changes nothing for a tree that is going down already: see SkipPhases.
func (t *Tree) Stop() { t.post(order{in: treeStop{}}) }

// StartChild asks the supervisor at path sup ("" is the root) to add a child at the end of its list and to start it. done is
// told the answer, when the child is ready or not to be; gone is told when the child that was added, or was there already and is
// minded by nobody else, has ended for good, by itself or otherwise. Both may be nil; they are called by the tree and must not block: telling an actor is what they are for.
// Of a simple supervisor, only c's Name and Start are used, and without a Start it is the template's.
func (t *Tree) StartChild(sup string, c Child, done func(Answer), gone func(Reason)) {
	if c.Sub != nil && !nests(c.Sub, 1) { // it cannot be written down either
		if done != nil {
			done(Answer{Word: "bad_spec", At: c.Name, Detail: "children"})
		}
		return
	}
	t.call(order{in: supCall{sup, Call{Verb: StartChild, Name: c.Name, Child: filledChild(c)}}, done: done, gone: gone})
}

// TerminateChild asks for the end of a child; done is told when it is down. A temporary one leaves the list.
func (t *Tree) TerminateChild(sup, name string, done func(Answer)) {
	t.call(order{in: supCall{sup, Call{Verb: TerminateChild, Name: name}}, done: done})
}

// RestartChild asks for the start of a child that is down.
func (t *Tree) RestartChild(sup, name string, done func(Answer)) {
	t.call(order{in: supCall{sup, Call{Verb: RestartChild, Name: name}}, done: done})
}

// DeleteChild takes a child that is down off the list.
func (t *Tree) DeleteChild(sup, name string, done func(Answer)) {
	t.call(order{in: supCall{sup, Call{Verb: DeleteChild, Name: name}}, done: done})
}

func (t *Tree) call(o order) {
	if word := t.admit(); word != "" {
		if o.done != nil {
			o.done(Answer{Word: word})
		}
		return
	}
	t.post(o)
}

// admit counts a call, or says why it cannot be taken.
func (t *Tree) admit() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return "not_running"
	case t.calls >= maxCalls:
		return "busy"
	}
	t.calls++
	return ""
}

// post leaves something for the keeper and wakes it. A full mailbox means that it is being woken already.
func (t *Tree) post(item any) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		t.refuse(item)
		return
	}
	t.inbox = append(t.inbox, item)
	ref := t.ref
	t.mu.Unlock()
	_ = ref.Tell(knock{})
}

// refuse answers what comes when nobody decides any more.
func (t *Tree) refuse(item any) {
	if o, ok := item.(order); ok && o.done != nil {
		t.keeper.guard(func() { o.done(Answer{Word: "not_running"}) })
	}
}

func (t *Tree) take() []any {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := t.inbox
	t.inbox = nil
	return in
}

// close ends the taking of anything: what is left is refused.
func (t *Tree) close() {
	t.mu.Lock()
	t.closed = true
	left := t.inbox
	t.inbox = nil
	t.mu.Unlock()
	for _, item := range left {
		t.refuse(item)
	}
}

// onExit is the guardian of the system: every end is the keeper's to decide about, but its own.
func (t *Tree) onExit(x actors.Exit) {
	if x.Name == t.life.Name() && x.Part == "" && x.Epoch == t.life.Epoch() {
		t.keeperEnded(x)
		return
	}
	if t.writer.is(x) {
		t.writer.ended(x)
		return
	}
	t.post(x)
}

// keeperEnded ends the tree with its keeper. A keeper that broke has nobody who decides: the tree is shut by what is left.
func (t *Tree) keeperEnded(x actors.Exit) {
	t.close()
	t.keeper.refuseAll()
	t.writer.stop()
	t.life.End(false)
	if t.keeper.over {
		t.finish(t.keeper.result)
		return
	}
	level := slog.LevelError
	if Reason(x.Reason).Orderly() { // somebody stopped the whole system under a tree that lives
		level = slog.LevelWarn
	}
	t.sys.Log().Log(context.Background(), level, "the keeper of the tree has ended", "reason", string(x.Reason), "err", x.Err, "stack", string(x.Stack))
	t.lastResort()
}

func (t *Tree) finish(r Result) {
	t.once.Do(func() {
		t.done <- r
		close(t.gone)
	})
}
