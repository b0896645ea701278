package node

import (
	"errors"
	"slices"
	"sync"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/strategy"
)

const (
	// maxUntold is how many events of a strategy wait for an incarnation; the oldest that was never set aside gives way.
	maxUntold = 1024
	// maxTries is how many incarnations may end of an event: then it is set aside.
	maxTries = 2
)

// untold are the events of one strategy that none of its incarnations has dealt with. One of which incarnations end again and again
// is set aside: it is told to nobody until it is released.
type untold struct {
	n    *Node
	name string

	mu   sync.Mutex
	all  []unheard // in the order in which the owner told them
	lost uint64    // that gave way
}

type unheard struct {
	strategy.Untold
	tries int    // incarnations that have ended of it, or are at it
	id    uint64 // of one that was ever set aside
	at    int64  // wall time at which it was, last
	aside bool
	again bool // it was released: dealt with by itself, and not with those after it
}

// trade reports whether the event is of an execution, which changes the position.
func (x *unheard) trade() bool { return x.Event.Exec != "" }

// add takes the n-th event, in the turn of the owner that tells it.
func (u *untold) add(n uint64, e orders.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.all) == maxUntold {
		u.lost++
		oldest := slices.IndexFunc(u.all, func(x unheard) bool { return x.id == 0 }) // one that was released withholds its account still
		if oldest < 0 {
			return
		}
		u.forget(func(i int, _ *unheard) bool { return i == oldest })
	}
	u.all = append(u.all, unheard{Untold: strategy.Untold{N: n, Event: e}})
}

// upTo gives the events up to the n-th for an incarnation that begins, but for those that are set aside.
func (u *untold) upTo(n uint64) (out []strategy.Untold) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.lost > 0 {
		u.n.log.Error("events of orders gave way before a strategy was told", "event", "untold", "strategy", u.name, "count", u.lost)
		u.lost = 0
	}
	for _, x := range u.all {
		if x.N <= n && !x.aside {
			out = append(out, x.Untold)
		}
	}
	return out
}

// forget drops events for which over holds. What they withheld of their account is handled.
func (u *untold) forget(over func(i int, x *unheard) bool) {
	left := u.all[:0]
	for i := range u.all {
		x := &u.all[i]
		if !over(i, x) {
			left = append(left, *x)
		} else if x.id != 0 && x.trade() {
			u.n.Desk.Handle(x.id)
		}
	}
	clear(u.all[len(left):])
	u.all = left
}

// ear is what one incarnation says of them. One that was left behind says nothing: what it asks for is refused.
type ear struct {
	*untold
	alive func() error
}

func (e ear) fenced() bool { return errors.Is(e.alive(), actors.ErrFenced) }

// Telling counts an incarnation that may end of it.
func (e ear) Telling(n uint64) { e.count(n, 1) }

// Heard takes that back: what the incarnation ends of is something else.
func (e ear) Heard(n uint64) { e.count(n, -1) }

func (e ear) count(n uint64, by int) {
	if e.fenced() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.all {
		if e.all[i].N == n {
			e.all[i].tries += by
		}
	}
}

// Told forgets what was dealt with.
func (e ear) Told(n uint64) {
	if e.fenced() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forget(func(_ int, x *unheard) bool { return !x.aside && (x.N == n || x.N < n && !x.again) })
}
