package mailbox

import (
	"context"
	"sync/atomic"
)

// Waiter is told the answer of an offer that waited.
type Waiter interface {
	// Answer is called exactly once, with the box locked: it may only hand the answer on, and must not call the
	// box.
	Answer(err error)
}

// channelWaiter has one place.
type channelWaiter chan error

// Answer hands the answer to OfferWait.
func (c channelWaiter) Answer(err error) { c <- err }

// Waiting is an offer that has no place yet. It belongs to the box that made it.
type Waiting[M any] struct {
	message    M
	waiter     Waiter
	lane       *lane[M]
	prev, next *Waiting[M]
	queued     bool // still in the waiter list
}

// waiters is a list in order of arrival.
type waiters[M any] struct {
	first, last *Waiting[M]
	n           *atomic.Int32 // lane.waits
}

func (ws *waiters[M]) add(w *Waiting[M]) {
	w.prev, w.queued = ws.last, true
	if ws.last == nil {
		ws.first = w
	} else {
		ws.last.next = w
	}
	ws.last = w
	ws.n.Add(1)
}

func (ws *waiters[M]) remove(w *Waiting[M]) {
	if w.prev == nil {
		ws.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		ws.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	ws.n.Add(-1)
}

// OfferWait is Offer, but where a Block lane is full it waits for room, in order of arrival. It ends with nil,
// ErrSuspended, ErrClosed, ErrExpired, or the cause of ctx, and returns ErrPolicy at once on lanes of another policy. While it waits
// the message has no place in the queue. Never call it from the consumer.
func (b *Box[M]) OfferWait(ctx context.Context, m M) error {
	answer := make(channelWaiter, 1)
	w, err := b.OfferLater(m, answer)
	if w == nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
	}
	if b.Withdraw(w) {
		return context.Cause(ctx)
	}
	return <-answer
}

// OfferLater is the part of OfferWait that does not wait, for callers that park in their own way. A nil
// Waiting means that the error is the answer. Otherwise the waiter gets the answer, unless Withdraw comes
// first.
func (b *Box[M]) OfferLater(m M, waiter Waiter) (*Waiting[M], error) {
	return b.OfferLaterIn(b.laneOf(m), m, waiter)
}

// OfferLaterIn is OfferLater for a caller that knows the lane: ByLane is not asked.
func (b *Box[M]) OfferLaterIn(name Lane, m M, waiter Waiter) (*Waiting[M], error) {
	l := b.lane(name)
	b.mu.Lock()
	r := b.judge(name, l, &m)
	if l != nil && l.policy != Block {
		r = Policing
	}
	if r == 0 {
		b.accept(name, l, &m)
		b.mu.Unlock()
		return nil, nil
	}
	if r == Full {
		w := &Waiting[M]{message: m, waiter: waiter, lane: l}
		l.waiting.add(w)
		b.admitWaiters(name, l) // the consumer may have made room before it could see that somebody waits
		b.mu.Unlock()
		return w, nil
	}
	b.refuse(l, r)
	b.mu.Unlock()
	b.hooks.refused(b.class, name, r)
	return nil, errOf(r)
}

// Withdraw takes a waiting offer back and says whether it could: false means that its answer has been given.
func (b *Box[M]) Withdraw(w *Waiting[M]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !w.queued {
		return false
	}
	w.lane.waiting.remove(w)
	b.refuse(w.lane, Cancelled)
	return true
}

// Answered says whether a waiting offer has got its answer or was withdrawn.
func (b *Box[M]) Answered(w *Waiting[M]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !w.queued
}

// admitWaiters gives the places that have become free to those who waited longest. While anybody waits a lane is full for
// all others, so nobody can slip in before them. The consumer counts what it took before it looks for waiters, and a
// waiter is in the list before room is looked for again: one of the two sees the other.
func (b *Box[M]) admitWaiters(name Lane, l *lane[M]) {
	for w := l.waiting.first; w != nil && l.queued() < l.bound; w = l.waiting.first {
		l.waiting.remove(w)
		b.accept(name, l, &w.message)
		w.waiter.Answer(nil)
	}
}

func (b *Box[M]) releaseWaiters(r Reason) {
	for _, l := range b.lanes {
		if l == nil {
			continue
		}
		for l.waiting.first != nil {
			w := l.waiting.first
			l.waiting.remove(w)
			b.refuse(l, r)
			w.waiter.Answer(errOf(r))
		}
	}
}
