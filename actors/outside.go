package actors

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Outside is what a Run function has of its system. It is valid until the function returns, on its goroutine;
// once the incarnation is abandoned, every call that can fail is ErrFenced. The zero Outside answers
// ErrInActor.
type Outside struct{ w *work }

// Name is the name of the incarnation.
func (o Outside) Name() Name { return o.w.life.name }

// Epoch is its ordinal.
func (o Outside) Epoch() Epoch { return o.w.life.epoch }

// Now is the present time.
func (o Outside) Now() time.Time { return o.w.sys.clock.Now() }

// Instant is the present Instant of the system.
func (o Outside) Instant() int64 { return o.w.sys.clock.instant() }

// System is the system it runs in.
func (o Outside) System() *System { return o.w.sys }

// Fence is the fence of the incarnation.
func (o Outside) Fence() Fence { return o.w.life.Fence() }

// Log is a logger that names the incarnation.
func (o Outside) Log() *slog.Logger { return o.w.life.logger().With(slog.String("part", o.w.label)) }

// Beat tells the watchdog that the function is alive. Waiting in an Outside is alive too.
func (o Outside) Beat() { o.w.beats.Add(1) }

// Until waits until t: nil, the cause of ctx, or ErrFenced. A t that is not in the future is nil at once.
// Under the deterministic dispatch, end ctx from handlers or by the incarnation's stop only.
func (o Outside) Until(ctx context.Context, t time.Time) error {
	if o.w == nil {
		return ErrInActor
	}
	w := o.w
	if err := w.mayWait(ctx); err != nil {
		return err
	}
	when := w.sys.Instant(t)
	if when <= w.sys.Mono() {
		return nil
	}
	timers := &w.sys.timers
	timers.mu.Lock()
	timers.arm(&w.nap, when)
	timers.mu.Unlock()
	for w.sys.Mono() < when {
		if err := w.park(ctx); err != nil {
			timers.mu.Lock()
			timers.disarm(&w.nap)
			timers.mu.Unlock()
			return err
		}
	}
	return nil
}

// Answer ends the wait of an OfferWait. It writes with the box locked; Answered takes that lock before it is
// read.
func (w *work) Answer(err error) {
	w.answer = err
	w.wake()
}

// expire ends an Until.
func (w *work) expire(*timer, int64) func() {
	w.wake()
	return nil
}

// OfferWait tells m to a Ref or an Address and waits while its Block lane is full, in order of arrival: nil,
// the errors of Tell, the cause of ctx, or ErrFenced when the incarnation of out is abandoned. On a lane of
// another policy it is mailbox.ErrPolicy. It is for Run functions only.
func OfferWait[M any](ctx context.Context, out Outside, to Recipient[M], m M) error {
	if out.w == nil {
		return ErrInActor
	}
	w := out.w
	if err := w.mayWait(ctx); err != nil {
		return err
	}
	in, err := to.resolve()
	if err != nil {
		return fmt.Errorf("%w: %s", err, to.Name())
	}
	waiting, err := in.box.OfferLaterIn(in.laneOf(m), envelope[M]{message: m}, w)
	if waiting == nil {
		if err != nil {
			return in.refusal(err)
		}
		in.kick()
		return nil
	}
	for {
		parked := w.park(ctx)
		if in.box.Answered(waiting) {
			if w.answer != nil {
				return in.refusal(w.answer)
			}
			in.kick()
			return nil
		}
		if parked != nil && in.box.Withdraw(waiting) {
			return parked
		}
	}
}
