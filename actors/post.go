package actors

import (
	"errors"
	"sync"

	"github.com/failshut/failshut/mailbox"
)

// beside holds parcels for which the Reports lane had no room, or which stand in no lane. A parcel is never refused:
// there are no more of them than the actor has asked for.
type beside struct {
	mu    sync.Mutex
	first *waitingParcel
	last  *waitingParcel
}

// waitingParcel keeps its place in the order of Reports: it is delivered when as many as were accepted before it have
// been handled.
type waitingParcel struct {
	slip  *slip
	after uint64
	next  *waitingParcel
}

// post delivers a parcel on Reports, in the order of what is told there. One for an incarnation that is over is
// dropped.
func (in *incarnation[M]) post(s *slip) {
	if in.over.Load() {
		return
	}
	if in.reports {
		err := in.offer(mailbox.Reports, envelope[M]{slip: s})
		if err == nil || errors.Is(err, ErrClosed) {
			return
		}
	}
	b := &in.beside
	b.mu.Lock()
	accepted, _ := in.box.Progress(mailbox.Reports)
	p := &waitingParcel{slip: s, after: accepted}
	if b.last == nil {
		b.first = p
	} else {
		b.last.next = p
	}
	b.last = p
	b.mu.Unlock()
	in.due.Add(1)
	in.kick()
}

// arrived says whether the first parcel beside the box is next on Reports.
func (in *incarnation[M]) arrived() bool {
	b := &in.beside
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first == nil {
		return false
	}
	_, handled := in.box.Progress(mailbox.Reports)
	return handled >= b.first.after
}

func (in *incarnation[M]) takeParcel(item *mailbox.Item[envelope[M]]) {
	b := &in.beside
	b.mu.Lock()
	p := b.first
	if b.first = p.next; b.first == nil {
		b.last = nil
	}
	b.mu.Unlock()
	in.due.Add(-1)
	*item = mailbox.Item[envelope[M]]{Message: envelope[M]{slip: p.slip}, Lane: mailbox.Reports}
}

// dropParcels makes dead letters of the parcels that nobody will take.
func (in *incarnation[M]) dropParcels() {
	b := &in.beside
	b.mu.Lock()
	p := b.first
	b.first, b.last = nil, nil
	b.mu.Unlock()
	for ; p != nil; p = p.next {
		in.due.Add(-1)
		in.bury(mailbox.Letter[envelope[M]]{
			Message: envelope[M]{slip: p.slip}, Lane: mailbox.Reports, Reason: mailbox.Stopped,
		})
	}
}

// takeBeside moves what stands beside the box into item, unless something waits in a higher lane of the box: a message
// of the stash, a tick, or a parcel.
func (in *incarnation[M]) takeBeside(item *mailbox.Item[envelope[M]]) bool {
	if !in.open.Load() {
		return false
	}
	ahead := in.box.Next()
	lane := in.stash.next()
	fromStash := lane != 0
	if in.arrived() && (!fromStash || lane > mailbox.Reports) {
		lane, fromStash = mailbox.Reports, false
	}
	if lane == 0 || ahead != 0 && ahead < lane {
		return in.ticks.take(in, item, ahead)
	}
	switch {
	case in.ticks.take(in, item, lane):
	case fromStash:
		in.stash.take(item)
		in.due.Add(-1)
		if in.outdated(item) {
			in.stash.expire(item.Lane)
			in.bury(mailbox.Letter[envelope[M]]{Message: item.Message, Lane: item.Lane, Reason: mailbox.Expired, At: item.At})
			*item = mailbox.Item[envelope[M]]{}
			return in.takeBeside(item)
		}
		in.inHand = true
	default:
		in.takeParcel(item)
	}
	return true
}
