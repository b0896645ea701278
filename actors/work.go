package actors

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
)

// errGoexit carries a Goexit out of a coroutine, whose driver it must not end.
var errGoexit = errors.New("goexit in a coroutine")

// work is one Run function: a goroutine under the shared dispatch, a coroutine under the deterministic one.
type work struct {
	sys   *System
	life  *Life
	label string
	fn    func(ctx context.Context, out Outside) error

	permit chan struct{} // shared: one place

	// Deterministic: where it stands with the run queue, whether it may go on, and how to switch to and from it.
	state     atomic.Uint32
	permitted atomic.Bool
	resume    func() (struct{}, bool)
	yield     func(struct{}) bool
	waitsFor  context.Context

	beats  atomic.Uint64
	parked atomic.Bool
	seen   uint64 // beats at the last look of the watchdog, which alone uses it
	since  int64

	nap    timer // for Until
	answer error // of an offer that waited
	exit   Exit
	origin slip // of what it sends
}

// Run starts f as a part of the incarnation: work that blocks. ctx ends when the incarnation is asked to stop.
// nil is ReasonNormal, any return after its stop ReasonShutdown; an error, a panic and a Goexit are what they
// are in a handler. f starts no goroutine of its own and waits only through out or ctx. Under the
// deterministic dispatch it is a coroutine, which runs alone until it waits in out or returns. label names it
// in its Exit. ErrFenced when the incarnation is stopping or over.
func (l *Life) Run(label string, f func(ctx context.Context, out Outside) error) error {
	w := &work{sys: l.sys, life: l, label: label, fn: f, origin: slip{from: l}}
	w.nap.pos, w.nap.owns = -1, w
	if l.sys.ordered == nil {
		w.permit = make(chan struct{}, 1)
	}
	err := l.attach(func() error {
		l.works = append(l.works, w)
		return nil
	})
	if err != nil {
		return err
	}
	if l.sys.ordered == nil {
		go w.alone()
		return nil
	}
	w.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		w.yield = yield
		w.run()
	})
	w.state.Store(stateReady)
	l.sys.dispatch.push(w)
	return nil
}

func (w *work) alone() {
	defer w.ended()
	w.run()
}

// run is the guard around the function.
func (w *work) run() {
	finished := false
	defer func() {
		if finished {
			return
		}
		p := recover()
		w.exit.Reason, w.exit.Err = failure(p)
		w.exit.Stack = stack()
		if p == nil && w.permit == nil {
			panic(errGoexit)
		}
	}()
	err := w.fn(w.life.ctx, Outside{w: w})
	finished = true
	w.exit.Reason, w.exit.Err = reasonOf(err), err
	if w.life.ctx.Err() != nil {
		w.exit.Reason = ReasonShutdown
	}
}

func (w *work) ended() {
	w.sys.timers.mu.Lock()
	w.sys.timers.disarm(&w.nap)
	w.sys.timers.mu.Unlock()
	w.exit.Part = w.label
	w.life.partEnded(w.exit, nil, w)
}

// turn switches to the coroutine until it waits again.
func (w *work) turn() bool {
	w.state.Store(stateRunning)
	alive := false
	goexits(func() (struct{}, bool) {
		var v struct{}
		v, alive = w.resume()
		return v, alive
	})
	if !alive {
		w.state.Store(stateDead)
		w.ended()
		return true
	}
	w.state.Store(stateIdle)
	if w.permitted.Load() {
		w.kick()
	}
	return true
}

func (w *work) kick() {
	if w.state.CompareAndSwap(stateIdle, stateReady) {
		w.sys.dispatch.push(w)
	}
}

// wake lets a parked work look again. A wake before it parks is not lost.
func (w *work) wake() {
	if w.permit == nil {
		w.permitted.Store(true)
		w.kick()
		return
	}
	select {
	case w.permit <- struct{}{}:
	default:
	}
}

// park waits for a wake: nil, the cause of ctx, or ErrFenced once the incarnation is over.
func (w *work) park(ctx context.Context) error {
	w.parked.Store(true)
	defer w.parked.Store(false)
	w.beats.Add(1)
	if w.permit != nil {
		select {
		case <-w.permit:
		case <-ctx.Done():
		case <-w.life.gone:
		}
		return w.mayWait(ctx)
	}
	foreign := ctx != w.life.ctx
	if foreign {
		w.sys.ordered.await(ctx, w)
		defer w.sys.ordered.forget(w)
	}
	for !w.permitted.Swap(false) {
		if err := w.mayWait(ctx); err != nil {
			return err
		}
		w.yield(struct{}{})
	}
	return w.mayWait(ctx)
}

// mayWait says why a call of an Outside must end, nil if it need not.
func (w *work) mayWait(ctx context.Context) error {
	if w.life.isOver.Load() {
		return ErrFenced
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
