package risk

import (
	"strconv"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// orders is what a gate remembers of orders: what each could still execute, and the ids it has seen. Slots are used again, the ones
// longest ended first, so an id is known for at least as many orders as there are slots beyond the live ones.
type orders struct {
	slots   []slot
	byID    map[market.ClOrdID]int32
	idle    []int32 // ring of slots without a live order, longest ended first
	idleAt  int
	idleLen int
	tickets uint64
}

// slot is one order. Its live charge and what its executions moved to the position add up to one rounding of its whole quantity, so
// no number of partial fills can pass what was reserved.
type slot struct {
	ticket atomic.Uint64 // even: the permit may be spent; odd: it was
	id     market.ClOrdID
	leaf   int32
	side   market.Side
	live   bool
	doubt  bool         // of unknown state
	leaves market.Qty   // could still execute
	cum    market.Qty   // has executed
	price  market.Price // charge price, for life; it only rises
	cost   market.Notional
}

func newOrders(n int) orders {
	o := orders{slots: make([]slot, n), byID: make(map[market.ClOrdID]int32, n+n/4), idle: make([]int32, n), idleLen: n}
	for i := range o.idle {
		o.idle[i] = int32(i)
	}
	return o
}

// seen reports whether an id was given to this gate before.
func (o *orders) seen(id market.ClOrdID) bool {
	_, ok := o.byID[id]
	return ok
}

// take returns a fresh slot for id, or -1 when every slot holds a live order.
func (o *orders) take(id market.ClOrdID) int32 {
	if o.idleLen == 0 {
		return -1
	}
	n := o.idle[o.idleAt]
	o.idleAt = (o.idleAt + 1) % len(o.idle)
	o.idleLen--
	s := &o.slots[n]
	if s.id != "" {
		delete(o.byID, s.id)
	}
	o.byID[id] = n
	o.tickets += 2
	s.ticket.Store(o.tickets)
	s.id, s.leaf, s.side, s.live, s.doubt, s.leaves, s.cum, s.price, s.cost = id, 0, 0, true, false, 0, 0, 0, market.Notional{}
	return n
}

// retire puts a slot without a live order at the end of the ring. Its id stays known until the slot is taken again.
func (o *orders) retire(n int32) {
	o.slots[n].live = false
	o.idle[(o.idleAt+o.idleLen)%len(o.idle)] = n
	o.idleLen++
}

// revive takes an ended slot out of the ring: an order came back.
func (o *orders) revive(n int32) {
	for i := range o.idleLen {
		at := (o.idleAt + i) % len(o.idle)
		if o.idle[at] != n {
			continue
		}
		for ; i < o.idleLen-1; i++ {
			o.idle[(o.idleAt+i)%len(o.idle)] = o.idle[(o.idleAt+i+1)%len(o.idle)]
		}
		o.idleLen--
		break
	}
	o.slots[n].live = true
}

// reserve charges an order that passed, and completes its permit: after is the leaf's book with the order in it, by what that adds to
// every sum, at the price it is charged at.
func (g *Gate) reserve(p Permit, after *book, by exposure, at market.Price) (Permit, error) {
	l := p.leaf
	live, err := g.live.Add(p.charge)
	if err != nil {
		return Permit{}, Refusal{Code: CodeOverflow, Scope: l.scopes[1]}
	}
	if g.idleLen == 0 {
		return Permit{}, Refusal{Code: CodeOpenOrders, Scope: l.scopes[1], Value: text(int64(len(g.slots)) + 1), Limit: text(int64(len(g.slots)))}
	}
	old := l.book
	l.book = *after
	if !g.settleBy(l, by) {
		l.book = old
		return Permit{}, Refusal{Code: CodeOverflow, Scope: l.scopes[1]}
	}
	p.slot = g.take(p.intent.ID)
	s := &g.slots[p.slot]
	p.ticket = s.ticket.Load()
	s.leaf, s.side, s.leaves, s.price, s.cost = l.at, p.intent.Side, p.intent.Qty, at, p.charge
	g.open++
	g.live = live
	return p, nil
}

// put sets what one order contributes to its flow and to the account's live value.
func (g *Gate) put(l *leaf, s *slot, leaves market.Qty, at market.Price, cost market.Notional) {
	live, err1 := g.live.Sub(s.cost)
	live, err2 := live.Add(cost)
	err3 := l.side(s.side).change(s.leaves, leaves, s.cost, cost, at)
	if first(err1, err2, err3) != nil {
		g.broken.Store(true)
		return
	}
	g.live = live
	s.leaves, s.price, s.cost = leaves, at, cost
}

// settle brings the sums of the six scopes to what the leaf is now, and publishes the leaf. A sum that leaves its range shuts the
// gate for good: nothing can be judged by it any more.
func (g *Gate) settle(l *leaf) {
	after, err := l.worst()
	by, err1 := after.sub(l.now)
	if err != nil || err1 != nil || !g.settleBy(l, by) {
		g.broken.Store(true)
	}
}

// settleBy adds a difference to the leaf's worst case and to every sum it stands in, or to none.
func (g *Gate) settleBy(l *leaf, by exposure) bool {
	now, err1 := l.now.add(by)
	total, err2 := g.total.add(by)
	strategy, err3 := g.strategies[l.strategyAt].add(by)
	instrument, err4 := g.instruments[l.instrumentAt].add(by)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return false
	}
	g.total, g.strategies[l.strategyAt], g.instruments[l.instrumentAt], l.now = total, strategy, instrument, now
	l.publish()
	return true
}

func text(n int64) string { return strconv.FormatInt(n, 10) }
