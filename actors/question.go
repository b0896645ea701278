package actors

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/mailbox"
)

// asksMax bounds the open asks of one callee, and those of one asking actor.
const asksMax = 1024

// ErrDown says that the incarnation that was asked has failed, has ended, or was left behind.
type ErrDown struct {
	Name   Name
	Epoch  Epoch
	Reason Reason
}

// Error names the incarnation and why it is down.
func (e ErrDown) Error() string {
	return fmt.Sprintf("actors: %s#%d is down: %s", e.Name, e.Epoch, e.Reason)
}

// Where an ask stands. One swap decides who settles it.
const (
	questionOpen uint32 = iota
	questionReplied
	questionFailed
	questionGivenUp // the asker does not wait any more
)

// question is the part of an ask that does not depend on its types.
type question struct {
	slip
	callee *cell
	state  atomic.Uint32
	done   atomic.Bool // the answer may be read
	kept   atomic.Bool
	err    error
	asker  asker
	places [2]place // in the lists of the callee and of the asking actor
	wait   timer
	bound  bool // wait is armed for a deadline of its own
	next   *question
	prev   *question
	counts bool // it is one of the system's patience
}

// asker waits for the answer; settled is called once, outside all locks.
type asker interface{ settled() }

// place is a link in an askList.
type place struct {
	prev, next *question
	in         bool
}

// askList holds open asks in the order of asking: those put to a cell, or those that it waits for.
type askList struct {
	mu    sync.Mutex
	first *question
	last  *question
	n     int
	down  error // refuses from now on
}

const (
	ofCallee = iota
	ofAsker
)

func (l *askList) add(q *question, side int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.down != nil:
		return l.down
	case l.n >= asksMax:
		return ErrFull
	}
	p := &q.places[side]
	p.prev, p.in = l.last, true
	if l.last == nil {
		l.first = q
	} else {
		l.last.places[side].next = q
	}
	l.last = q
	l.n++
	return nil
}

func (l *askList) remove(q *question, side int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &q.places[side]
	if !p.in {
		return
	}
	if p.prev == nil {
		l.first = p.next
	} else {
		p.prev.places[side].next = p.next
	}
	if p.next == nil {
		l.last = p.prev
	} else {
		p.next.places[side].prev = p.prev
	}
	*p = place{}
	l.n--
}

// refuse empties the list, which takes no more, and hands out what was in it.
func (l *askList) refuse(err error, side int) []*question {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down == nil {
		l.down = err
	}
	left := make([]*question, 0, l.n)
	for q := l.first; q != nil; {
		p := &q.places[side]
		left = append(left, q)
		q = p.next
		*p = place{}
	}
	l.first, l.last, l.n = nil, nil, 0
	return left
}

// claim takes the right to settle the ask. Whoever has it sets the answer and calls finish.
func (q *question) claim(to uint32) bool { return q.state.CompareAndSwap(questionOpen, to) }

func (q *question) finish() {
	q.forget()
	q.done.Store(true)
	q.asker.settled()
}

// settle ends the ask with an error, unless it has its answer.
func (q *question) settle(err error) {
	if q.claim(questionFailed) {
		q.err = err
		q.finish()
	}
}

// giveUp ends the ask because nobody waits for it any more; false when its answer is there or on its way.
func (q *question) giveUp() bool {
	if !q.claim(questionGivenUp) {
		return false
	}
	q.forget()
	return true
}

// forget takes the ask off the list of its callee, and ends its wait.
func (q *question) forget() {
	q.callee.asked.remove(q, ofCallee)
	q.callee.sys.patience.release(q)
}

// put asks the callee: it bounds the wait, then offers the message. An error means that no answer will come.
func put[M any](in *incarnation[M], q *question, m M, deadline int64) error {
	q.ask = q
	if err := in.asked.add(q, ofCallee); err != nil {
		q.giveUp()
		return err
	}
	in.sys.patience.wait(q, deadline)
	if q.state.Load() == questionGivenUp { // its asker was killed meanwhile
		q.forget()
		return ErrClosed
	}
	err := in.offer(in.laneOf(m), envelope[M]{message: m, slip: &q.slip})
	if err == nil || !q.giveUp() {
		return nil // settled meanwhile: the answer says why
	}
	return in.refusal(err)
}

// failAsks settles all asks put to the cell, now and later: it is down.
func (c *cell) failAsks(r Reason) {
	down := ErrDown{Name: c.life.name, Epoch: c.life.epoch, Reason: r}
	for _, q := range c.asked.refuse(down, ofCallee) {
		q.settle(down)
	}
}

// dropped is the answer to an ask whose message is a dead letter.
func (c *cell) dropped(r mailbox.Reason) error {
	switch r {
	case mailbox.Full, mailbox.Overflow:
		return ErrFull
	case mailbox.Expired:
		return ErrExpired
	case mailbox.Conflated, mailbox.Stale, mailbox.Poison:
		return ErrNoReply
	case mailbox.Stopped, mailbox.Shutdown:
		return ErrDown{Name: c.life.name, Epoch: c.life.epoch, Reason: ReasonShutdown}
	default:
		return ErrDown{Name: c.life.name, Epoch: c.life.epoch, Reason: ReasonAbandoned}
	}
}
