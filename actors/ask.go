package actors

import (
	"context"
	"runtime"
)

// ReplyTo is where the answer to one ask goes. It is a comparable value that a message carries; the zero ReplyTo
// answers ErrUnknown. Safe for any number of goroutines.
type ReplyTo[R any] struct{ ask *ask[R] }

// ask is one question and the place for its answer.
type ask[R any] struct {
	question
	value R
}

// Send answers the ask: nil, ErrReplied when it has been answered, or ErrLate when its asker has got an error or does
// not wait any more, which Events.LateReply counts. It never blocks.
func (r ReplyTo[R]) Send(v R) error {
	a := r.ask
	switch {
	case a == nil:
		return ErrUnknown
	case a.claim(questionReplied):
		a.value = v
		a.finish()
		return nil
	case a.state.Load() == questionReplied:
		return ErrReplied
	}
	s := a.callee.sys
	s.hooks.lateReply(&s.events, a.callee.life.class)
	return ErrLate
}

// Keep says that the answer comes later, after the handler has returned. Without it, a handler that returns without
// having answered is answered for: ErrNoReply.
func (r ReplyTo[R]) Keep() {
	if r.ask != nil {
		r.ask.kept.Store(true)
	}
}

// Ask tells the message that build makes around a ReplyTo, and waits for the answer. It is for goroutines outside
// actors: with the context of an incarnation it is ErrInActor at once. It fails at once with the errors of Tell, with
// ErrFull also when 1,024 asks to that actor are open, with ErrDown when the actor fails, ends or is left behind, and
// with ErrNoReply when its handler returns without an answer. Otherwise it waits until ctx ends, and returns its cause,
// or, if ctx has no deadline, for Config.AskMax, which is ErrExpired. A deterministic system must be driven by another
// goroutine meanwhile.
func Ask[R, M any](ctx context.Context, to Recipient[M], build func(ReplyTo[R]) M) (R, error) {
	var none R
	if ctx.Value(insideKey{}) != nil {
		return none, ErrInActor
	}
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	in, err := to.resolve()
	if err != nil {
		return none, err
	}
	answered := make(answerPlace, 1)
	a := &ask[R]{question: question{callee: &in.cell, asker: answered}}
	if err := put(in, &a.question, build(ReplyTo[R]{ask: a}), patienceOf(ctx)); err != nil {
		return none, err
	}
	select {
	case <-answered:
	case <-ctx.Done():
		if a.giveUp() {
			return none, context.Cause(ctx)
		}
		<-answered
	}
	return a.value, a.err
}

// AskWait is Ask for a Run function: it waits in out, under the deterministic dispatch too, and is ErrFenced once the
// incarnation is abandoned.
func AskWait[R, M any](ctx context.Context, out Outside, to Recipient[M], build func(ReplyTo[R]) M) (R, error) {
	var none R
	if out.w == nil {
		return none, ErrInActor
	}
	w := out.w
	if err := w.mayWait(ctx); err != nil {
		return none, err
	}
	in, err := to.resolve()
	if err != nil {
		return none, err
	}
	a := &ask[R]{question: question{callee: &in.cell, asker: parkedAsker{w: w}, slip: slip{from: w.life}}}
	if err := put(in, &a.question, build(ReplyTo[R]{ask: a}), patienceOf(ctx)); err != nil {
		return none, err
	}
	for !a.done.Load() {
		parked := w.park(ctx)
		if parked != nil && a.giveUp() {
			return none, parked
		}
		if parked != nil {
			runtime.Gosched() // the answer is being written
		}
	}
	return a.value, a.err
}

// answerPlace has room for the one answer.
type answerPlace chan struct{}

func (p answerPlace) settled() { p <- struct{}{} }

// parkedAsker is a Run function that waits.
type parkedAsker struct{ w *work }

func (p parkedAsker) settled() { p.w.wake() }

// patienceOf is how long an ask under ctx waits: as long as ctx, or AskMax where ctx has no deadline.
func patienceOf(ctx context.Context) int64 {
	if _, ends := ctx.Deadline(); ends {
		return -1
	}
	return 0
}

// insideKey finds the incarnation to which a context belongs.
type insideKey struct{}

// inside is the context under which an incarnation lives.
type inside struct {
	context.Context
	life *Life
}

// Value answers for insideKey.
func (i *inside) Value(key any) any {
	if _, ok := key.(insideKey); ok {
		return i.life
	}
	return i.Context.Value(key)
}
