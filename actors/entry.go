package actors

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/mailbox"
)

// anyBox is a mailbox of any message type.
type anyBox interface {
	Stats() mailbox.Stats
	Close(r mailbox.Reason) mailbox.Drained
}

// entry is what a System knows of a name over all its incarnations. An Address holds it, and asks for the one that the name
// has now where it was forgotten.
type entry struct {
	sys       *System
	name      Name
	target    atomic.Pointer[target]
	forgotten atomic.Bool
	noted     bool // it is in the System's memory, under the System's lock

	mu    sync.Mutex
	life  *Life
	last  Epoch
	class Class
	boxes []anyBox       // not yet in past: the present actor's, before it one that is being inherited
	past  *mailbox.Stats // all that were closed for good; nil before the first, for they are large
	ended int
	// zombies are the incarnations that were left behind and have not told their last Exit, which must not be taken for
	// that of another.
	zombies int
	// retired is the mailbox of an ended actor whose name is to be started again. An Address leads to it, so
	// that Control is taken while there is no actor. It is one of boxes.
	retired anyBox

	suspects []suspect // the quarantine's, under its lock
}

// target is where an Address leads to: an incarnation, or why there is none.
type target struct {
	to  any // *incarnation[M]
	err error
}

func (e *entry) current() *Life {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.life
}

// lead makes the name lead to an incarnation, and hands out the retired mailbox that it inherits.
func (e *entry) lead(box anyBox, to any) anyBox {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.retired
	e.retired = nil
	e.boxes = append(e.boxes, box)
	e.target.Store(&target{to: to})
	return before
}

// expect says what becomes of a name that has no incarnation.
func (e *entry) expect(again bool) {
	e.mu.Lock()
	if e.life != nil {
		e.mu.Unlock()
		return
	}
	if again && e.retired != nil {
		e.mu.Unlock()
		return
	}
	e.refuse(again)
	old := e.retired
	e.retired = nil
	e.mu.Unlock()
	e.bury(old, mailbox.Stopped)
}

// bury ends a retired mailbox that nobody inherits.
func (e *entry) bury(old anyBox, r mailbox.Reason) {
	if old != nil {
		old.Close(r)
		e.settle(old)
	}
}

// giveUp ends a retired mailbox because the system stops.
func (e *entry) giveUp() {
	e.mu.Lock()
	old := e.retired
	e.retired = nil
	if old != nil {
		e.refuse(false)
	}
	e.mu.Unlock()
	e.bury(old, mailbox.Shutdown)
}

// refuse leads nowhere from now on. The lock must be held.
func (e *entry) refuse(again bool) {
	err := ErrUnknown
	if again {
		err = ErrSuspended
	}
	e.target.Store(&target{err: err})
}

// fold is called when an actor has ended or was abandoned: its mailbox is closed, or retired.
func (e *entry) fold(box anyBox) {
	if box.Stats().Closed {
		e.settle(box)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.retired = box
}

// settle takes the counts of a box that was closed for good into the past of the name, once.
func (e *entry) settle(box anyBox) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := slices.Index(e.boxes, box)
	if at < 0 {
		return
	}
	e.boxes = slices.Delete(e.boxes, at, at+1)
	if e.past == nil {
		e.past = new(mailbox.Stats)
	}
	*e.past = addStats(*e.past, box.Stats())
	e.ended++
}

func addStats(a, b mailbox.Stats) mailbox.Stats {
	for i := range a.Lanes {
		a.Lanes[i] = a.Lanes[i].Add(b.Lanes[i])
	}
	a.Astray += b.Astray
	a.Class, a.Suspended, a.Closed = b.Class, b.Suspended, b.Closed
	return a
}
