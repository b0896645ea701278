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
	// maxUntold is how many events of a strategy wait for an incarnation; the oldest gives way.
	maxUntold = 1024
	// maxTries is how many incarnations an event may end: then it is told to nobody any more.
	maxTries = 2
)

// untold are the events of one strategy that none of its incarnations has dealt with.
type untold struct {
	n    *Node
	name string

	mu   sync.Mutex
	all  []unheard // oldest first
	lost uint64    // that gave way
}

type unheard struct {
	strategy.Untold
	tries int
}

// add takes the n-th event, in the turn of the owner that tells it.
func (u *untold) add(n uint64, e orders.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.all) == maxUntold {
		u.all = slices.Delete(u.all, 0, 1)
		u.lost++
	}
	u.all = append(u.all, unheard{Untold: strategy.Untold{N: n, Event: e}})
}

// upTo gives the events up to the n-th for an incarnation that begins. What has ended two of them is given up, loudly: a hedge may
// be missing now, which no machine can know.
func (u *untold) upTo(n uint64) (out []strategy.Untold) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all = slices.DeleteFunc(u.all, func(x unheard) bool {
		if x.tries >= maxTries {
			u.n.log.Error("an event that ended two incarnations is not told again", "event", "untold", "strategy", u.name,
				"order", x.Event.Order, "kind", x.Event.Kind.String(), "exec", x.Event.Exec)
		}
		return x.tries >= maxTries
	})
	if u.lost > 0 {
		u.n.log.Error("events of orders gave way before a strategy was told", "event", "untold", "strategy", u.name, "count", u.lost)
		u.lost = 0
	}
	for _, x := range u.all {
		if x.N <= n {
			out = append(out, x.Untold)
		}
	}
	return out
}

// ear is what one incarnation says of them. One that was left behind says nothing: what it asks for is refused.
type ear struct {
	*untold
	alive func() error
}

// Telling counts an incarnation that may end of it.
func (e ear) Telling(n uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.all {
		if e.all[i].N == n {
			e.all[i].tries++
		}
	}
}

// Told forgets what was dealt with.
func (e ear) Told(n uint64) {
	if errors.Is(e.alive(), actors.ErrFenced) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = slices.DeleteFunc(e.all, func(x unheard) bool { return x.N <= n })
}
