package actors

import (
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/mailbox"
)

// entry is what a System knows of a name over all its incarnations. It lives as long as the System, so that an
// Address can hold it.
type entry struct {
	name   Name
	target atomic.Pointer[target]

	mu    sync.Mutex
	life  *Life
	last  Epoch
	class Class
	box   interface{ Stats() mailbox.Stats } // of the present actor, not yet in past
	past  mailbox.Stats                      // all ended incarnations
	ended int
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

func (e *entry) expect(again bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life == nil {
		e.refuse(again)
	}
}

// refuse leads nowhere from now on. The lock must be held.
func (e *entry) refuse(again bool) {
	err := ErrUnknown
	if again {
		err = ErrSuspended
	}
	e.target.Store(&target{err: err})
}

// fold takes the counts of a box that was closed for good into the past of the name, once.
func (e *entry) fold(box interface{ Stats() mailbox.Stats }) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.box != box {
		return
	}
	e.box = nil
	e.past = sum(e.past, box.Stats())
	e.ended++
}

func sum(a, b mailbox.Stats) mailbox.Stats {
	for i := range a.Lanes {
		a.Lanes[i] = a.Lanes[i].Add(b.Lanes[i])
	}
	a.Astray += b.Astray
	a.Class, a.Suspended, a.Closed = b.Class, b.Suspended, b.Closed
	return a
}
