package orders

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
)

// Bounds of the reconciler's schedule.
const (
	askFirst = time.Second            // longest wait before the first question
	askMost  = 30 * time.Second       // longest wait before any
	askIdle  = 250 * time.Millisecond // between two looks when there is nothing to ask
)

// Rounds is when the venue is asked again, as a pure schedule: full jitter from
// one to thirty seconds for as long as something is open. Questions change
// nothing at the venue, so they may be repeated; orders never are.
type Rounds struct {
	attempt int
	due     int64 // Instant of the next question, 0 for none
}

// Next returns the message to send now, nil for none, and how long to wait
// until the next look. draw is a random number.
func (r *Rounds) Next(now int64, s AccountStatus, draw uint64) (Message, time.Duration) {
	var m Message
	switch {
	case s.Session == sessionNames[sessionReconciling] && !s.ListWhole:
		m = Reconcile{}
	case (s.Session == sessionNames[sessionReconciling] || s.Session == sessionNames[sessionOpen]) && s.Unknown > 0:
		m = AskUnknown{}
	default:
		*r = Rounds{}
		return nil, askIdle
	}
	if r.due == 0 {
		r.due = now + r.jitter(draw)
		return nil, time.Duration(r.due - now)
	}
	if now < r.due {
		return nil, time.Duration(r.due - now)
	}
	r.attempt++
	r.due = now + r.jitter(draw)
	return m, time.Duration(r.due - now)
}

// jitter draws from 0 to the bound of the present attempt.
func (r *Rounds) jitter(draw uint64) int64 {
	most := askMost
	if r.attempt < 5 {
		most = min(most, askFirst<<r.attempt)
	}
	return max(int64(time.Millisecond), int64(draw%uint64(most)))
}

// Reconciler is the work of the child that asks again: it looks at what the
// owner last published and tells the owner when to ask. It ends with ctx.
func Reconciler(status *atomic.Pointer[AccountStatus], owner actors.Recipient[Message]) func(context.Context, actors.Outside) error {
	return func(ctx context.Context, out actors.Outside) error {
		var r Rounds
		for {
			var s AccountStatus
			if p := status.Load(); p != nil {
				s = *p
			}
			m, wait := r.Next(out.Instant(), s, out.System().Rand())
			if m != nil {
				_ = owner.Tell(m) // a full box is no reason to end: the next round asks
			}
			if err := out.Until(ctx, out.Now().Add(min(wait, askIdle))); err != nil {
				return err
			}
		}
	}
}
