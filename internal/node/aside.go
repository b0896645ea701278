package node

import (
	"fmt"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// setAside takes the events of a strategy out of its way of which too many of its incarnations have ended. It is called where the
// next one starts, in a turn that may wait for a disk. A fill shuts its account, for no strategy has dealt with it: a hedge may be
// missing, which no machine can know.
func (n *Node) setAside(p *StrategyPlan) {
	for _, x := range n.untold[p.Name].take(n.Now().Wall, n.aside.Add) {
		n.log.Error("an event is set aside: incarnations end of it", "event", "aside", "strategy", p.Name, "id", x.id,
			"order", x.Event.Order, "kind", x.Event.Kind.String(), "exec", x.Event.Exec)
		if !x.trade() || x.again {
			continue
		}
		what := fmt.Sprintf("%s %s of order %s, set aside for strategy %s", x.Event.Kind, x.Event.Exec, x.Event.Order, p.Name)
		if _, err := n.Desk.Withhold(risk.Evidence{ID: x.id, Account: p.Account, What: what}, n.Now()); err != nil {
			n.log.Error("the latch of an event that is set aside", "event", "aside", "strategy", p.Name, "id", x.id, "err", err)
		}
	}
	n.stirred()
}

// take sets events aside and returns them, as they were: one that was released before has its id, and withholds already.
func (u *untold) take(now int64, next func(delta uint64) uint64) (taken []unheard) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.all {
		x := &u.all[i]
		if x.aside || x.tries < maxTries {
			continue
		}
		if x.id == 0 {
			x.id = next(1)
		}
		taken = append(taken, *x)
		x.aside, x.again, x.at, x.tries = true, false, now, 0
	}
	return taken
}

// release lets an event that is set aside be told again, and returns it; also when it was released before and not dealt with since.
func (u *untold) release(id uint64) (x unheard, found bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.all {
		if x := &u.all[i]; x.id == id && id != 0 {
			x.aside, x.again = false, true
			return *x, true
		}
	}
	return unheard{}, false
}

// discard forgets an event that is set aside. Found and not discarded is a trade: evidence leaves only by being handled.
func (u *untold) discard(id uint64) (found, discarded bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(func(_ int, x *unheard) bool {
		if x.id != id || !x.aside {
			return false
		}
		found, discarded = true, !x.trade()
		return discarded
	})
	return found, discarded
}

// kept lists what is set aside, or released and not dealt with, oldest first. The list is the caller's.
func (u *untold) kept() (out []unheard) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, x := range u.all {
		if x.aside || x.again {
			out = append(out, x)
		}
	}
	return out
}

// since is the wall time at which it was set aside, as text.
func (x *unheard) since() string { return market.Timestamp(x.at).String() }
