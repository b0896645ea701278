package actors

import (
	"sync"

	"github.com/failshut/failshut/mailbox"
)

// stash holds messages that their actor has put aside, first in, first out. In the counts of its mailbox they are
// queued, not handled.
type stash[M any] struct {
	mu       sync.Mutex
	first    *stashed[M]
	last     *stashed[M]
	n        int
	released int // of them, from the first on, are to be delivered
	closed   bool
	queued   [mailbox.Data]int
	dropped  [mailbox.Data]int
	reason   mailbox.Reason
	poisoned [mailbox.Data]int // taken from the box and put in quarantine
	expired  [mailbox.Data]int // grew too old while they were put aside
}

type stashed[M any] struct {
	item mailbox.Item[envelope[M]]
	next *stashed[M]
}

// Stash puts the message in hand aside, with its sender, its age and the ask it carries, for a later Unstash; at most
// n are put aside at a time, else it is ErrFull and the message is handled as usual. Until then it counts as queued; at
// the end of the incarnation it becomes a dead letter with the rest. ErrNoMessage outside Receive, for a tick, for an
// answer or Down, and the second time for one message. ErrPolicy for Control: a cancel never waits.
func (c *Context[M]) Stash(n int) error {
	in := c.in
	item := &in.item[0]
	switch {
	case !c.mayAct():
		return ErrOutOfTurn
	case !in.inHand:
		return ErrNoMessage
	case item.Lane == mailbox.Control:
		return mailbox.ErrPolicy
	}
	st := &in.stash
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return ErrClosed
	}
	if st.n >= n {
		return ErrFull
	}
	s := &stashed[M]{item: *item}
	if st.last == nil {
		st.first = s
	} else {
		st.last.next = s
	}
	st.last = s
	st.n++
	st.queued[item.Lane-1]++
	in.inHand = false
	return nil
}

// Unstash delivers all messages that are put aside now, the oldest first: before what waits in the lane of the oldest,
// behind higher lanes. It says how many there are.
func (c *Context[M]) Unstash() int {
	if !c.mayAct() {
		return 0
	}
	in := c.in
	st := &in.stash
	st.mu.Lock()
	defer st.mu.Unlock()
	in.due.Add(int32(st.n - st.released)) //nolint:gosec // a stash holds far less than 2³¹ messages
	st.released = st.n
	return st.n
}

// next is the lane of the first message to be delivered, 0 where there is none.
func (st *stash[M]) next() mailbox.Lane {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.released == 0 {
		return 0
	}
	return st.first.item.Lane
}

func (st *stash[M]) take(item *mailbox.Item[envelope[M]]) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s := st.first
	if st.first = s.next; st.first == nil {
		st.last = nil
	}
	st.n--
	st.released--
	st.queued[s.item.Lane-1]--
	*item = s.item
}

// poison counts a message that was taken from the box and put in quarantine.
func (st *stash[M]) poison(l mailbox.Lane) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.poisoned[l-1]++
}

// expire counts a message that was taken from the stash too late.
func (st *stash[M]) expire(l mailbox.Lane) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.expired[l-1]++
}

// drop ends the stash and hands out what is in it.
func (st *stash[M]) drop(r mailbox.Reason) *stashed[M] {
	st.mu.Lock()
	defer st.mu.Unlock()
	left := st.first
	if !st.closed {
		st.closed, st.reason, st.dropped = true, r, st.queued
	}
	st.first, st.last, st.n, st.released, st.queued = nil, nil, 0, 0, [mailbox.Data]int{}
	return left
}

// dropStash makes dead letters of what is put aside.
func (in *incarnation[M]) dropStash(r mailbox.Reason) {
	for s := in.stash.drop(r); s != nil; s = s.next {
		in.bury(mailbox.Letter[envelope[M]]{Message: s.item.Message, Lane: s.item.Lane, Reason: r, At: s.item.At})
	}
}

// Stats counts the mailbox with its stash, in one cut: what is put aside has been taken from the box, but not handled.
func (in *incarnation[M]) Stats() mailbox.Stats {
	st := &in.stash
	st.mu.Lock()
	defer st.mu.Unlock()
	s := in.box.Stats()
	for i := range s.Lanes {
		l := &s.Lanes[i]
		l.Handled -= uint64(st.queued[i] + st.dropped[i] + st.poisoned[i] + st.expired[i])
		l.Dropped[mailbox.Expired] += uint64(st.expired[i])
		l.Dropped[mailbox.Poison] += uint64(st.poisoned[i])
		l.Queued += st.queued[i]
		l.Dropped[st.reason] += uint64(st.dropped[i])
	}
	return s
}

// Close ends the mailbox and the stash.
func (in *incarnation[M]) Close(r mailbox.Reason) mailbox.Drained {
	in.dropStash(r)
	return in.box.Close(r)
}
