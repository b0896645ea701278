package orders

import (
	"context"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

// Bounds of schedules with full jitter.
const (
	askFirst = time.Second            // longest wait before the first try
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
// until the next look. now is an Instant, draw a random number.
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
		r.due = now + int64(jitter(r.attempt, draw))
		return nil, time.Duration(r.due - now)
	}
	if now < r.due {
		return nil, time.Duration(r.due - now)
	}
	r.attempt++
	r.due = now + int64(jitter(r.attempt, draw))
	return m, time.Duration(r.due - now)
}

// jitter draws from 1 ms to the bound of an attempt, which doubles from one
// second to thirty.
func jitter(attempt int, draw uint64) time.Duration {
	most := askMost
	if attempt < 5 {
		most = min(most, askFirst<<attempt)
	}
	return max(time.Millisecond, time.Duration(draw%uint64(most)))
}

// StartReconciler is the Start function of the child "reconciler", of class
// orders: it tells the owner when to ask again, and is ready, on the evidence
// reconciled, when the venue's list was whole and nothing is UNKNOWN. That the
// account is reconciled is told to risk by the owner, which knows the digest.
func (a *Account) StartReconciler(_ context.Context, b *supervision.Birth) error {
	b.Run(func(ctx context.Context, out actors.Outside) error {
		var r Rounds
		told := false
		for {
			s := a.Status()
			if !told && s.Session == sessionNames[sessionOpen] {
				if err := b.Ready(supervision.Reconciled); err != nil {
					return err
				}
				told = true
			}
			m, wait := r.Next(out.Instant(), s, out.System().Rand())
			if m != nil {
				_ = a.Tell(m) // a full box is no reason to end: the next round asks
			}
			if err := out.Until(ctx, out.Now().Add(min(wait, askIdle))); err != nil {
				return err
			}
		}
	})
	return nil
}
