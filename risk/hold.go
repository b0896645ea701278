package risk

import "github.com/failshut/failshut/market"

// Veto frees the reservation of an intent that is proven not to have been sent: its permit was refused before the bytes left, and
// the veto stands in the journal. An id that is not reserved is ignored.
func (g *Gate) Veto(id market.ClOrdID) {
	n, ok := g.byID[id]
	if !ok {
		return
	}
	g.turn.Add(1)
	defer g.turn.Add(1)
	s := &g.slots[n]
	s.ticket.Store(s.ticket.Load() | 1)
	g.hold(n, 0, s.price, false)
}

// Hold sets what an order could still execute, as the order machine knows it: after every change of an order, also of one that this
// gate never saw, which is charged without being asked. Only a quantity of 0 frees capacity, and the caller gives it only for a fact
// of the venue or a proof that nothing was sent (invariant I5). Repeating it is harmless, and it may come before or after the
// Execute of the same report.
func (g *Gate) Hold(h Held) {
	g.turn.Add(1)
	defer g.turn.Add(1)
	g.charge(h)
}

// charge is Hold inside a turn.
func (g *Gate) charge(h Held) {
	n, ok := g.byID[h.Order]
	if !ok {
		if h.Qty <= 0 && !h.Unknown {
			return
		}
		if n = g.foreign(h); n < 0 {
			g.broken.Store(true) // more live orders than slots: what is charged is no longer known
			return
		}
	}
	g.hold(n, max(0, h.Qty), max(g.slots[n].price, g.chargeOf(h)), h.Unknown)
}

// foreign makes a slot for an order that did not come through Check: restored, adopted, or reported by the venue as somebody else's.
func (g *Gate) foreign(h Held) int32 {
	l := g.leaf(h.Strategy, h.Instrument)
	n := g.take(h.Order)
	if n < 0 {
		return n
	}
	s := &g.slots[n]
	s.leaf, s.side = l.at, h.Side
	s.ticket.Store(s.ticket.Load() | 1)
	g.open++
	return n
}

// chargeOf returns the price that an order is charged at by what Hold says of it: a sell may fill above its limit, up to the top of
// the collar where a price is to be had.
func (g *Gate) chargeOf(h Held) market.Price {
	if h.Side != market.Sell {
		return h.Price
	}
	quote, _ := g.desk.prices.Price(h.Instrument)
	return max(h.Price, quote.Ask, quote.Bid, quote.Last)
}

// hold changes one order's slot, its leaf and every sum.
func (g *Gate) hold(n int32, qty market.Qty, at market.Price, doubt bool) {
	s := &g.slots[n]
	l := (*g.leaves.Load())[s.leaf]
	wanted := qty > 0 || doubt
	switch {
	case wanted && !s.live:
		g.revive(n)
		g.open++
	case !wanted && s.live:
		g.open--
	}
	if s.doubt != doubt {
		s.doubt = doubt
		if doubt {
			g.unknown[l.instrumentAt]++
		} else {
			g.unknown[l.instrumentAt]--
		}
	}
	cost, err := l.live(s.cum, qty, at)
	if err != nil {
		g.broken.Store(true)
		return
	}
	grown := qty > s.leaves
	g.put(l, s, qty, at, cost)
	if !wanted && s.live {
		g.retire(n)
	}
	g.settle(l)
	if grown {
		l.out.turns.Add(1)
	}
}

// live returns the charge of what an order could still execute: of the whole of it less of what has executed, each rounded up.
func (b *book) live(cum, leaves market.Qty, at market.Price) (market.Notional, error) {
	whole, err := cum.Add(leaves)
	if err != nil {
		return market.Notional{}, err
	}
	all, err := market.Worth(at, whole, b.multiplier, true)
	if err != nil || cum == 0 {
		return all, err
	}
	done, err := market.Worth(at, cum, b.multiplier, true)
	if err != nil {
		return market.Notional{}, err
	}
	return all.Sub(done)
}

// Execute takes one fact of the venue into the position: a fill, a bust or the change that a correction makes. The caller counts
// each ExecID once (invariant I6). It does not change what the order could still execute; Hold does.
func (g *Gate) Execute(e Execution) {
	if e.Qty == 0 || !e.Side.Valid() {
		return
	}
	g.turn.Add(1)
	defer g.turn.Add(1)
	l := g.leaf(e.Strategy, e.Instrument)
	at, cost, ok := g.moved(l, e)
	by := e.Qty
	if e.Side == market.Sell {
		by = -by
	}
	if !ok || l.execute(by, at, cost) != nil {
		g.broken.Store(true)
		return
	}
	g.settle(l)
	if e.Qty < 0 {
		l.out.turns.Add(1)
	}
}

// moved returns the charge price of an execution and the charge that goes from the order to the position with it.
func (g *Gate) moved(l *leaf, e Execution) (market.Price, market.Notional, bool) {
	n, known := g.byID[e.Order]
	if !known {
		size := max(e.Qty, -e.Qty)
		cost, err := market.Worth(e.Price, size, l.multiplier, true)
		return e.Price, cost, err == nil
	}
	s := &g.slots[n]
	at := max(s.price, e.Price)
	before := s.cum
	after, err := before.Add(e.Qty)
	after = max(0, after)
	if err != nil {
		return 0, market.Notional{}, false
	}
	cost, err := l.live(min(before, after), max(before, after)-min(before, after), at)
	if err != nil {
		return 0, market.Notional{}, false
	}
	s.cum = after
	left, err := l.live(after, s.leaves, s.price)
	if err != nil {
		return 0, market.Notional{}, false
	}
	g.put(l, s, s.leaves, s.price, left)
	return at, cost, true
}

// Restore makes the gate what the replayed journal says: positions, and what orders could still execute. It is called once by each
// incarnation of the account's orders actor before anything else, with nothing when there is nothing; until then the account stays
// shut. Whatever the gate held before is forgotten, since the journal knows more; permits given before are void. It is one turn:
// nobody reads positions without the orders, or what was before without what is now.
func (g *Gate) Restore(positions []Position, held []Held) {
	g.turn.Add(1)
	g.forget()
	for _, p := range positions {
		l := g.leaf(p.Strategy, p.Instrument)
		at := p.Price
		if at <= 0 {
			l.unpriced = true
			g.unpriced++
		}
		size := max(p.Qty, -p.Qty)
		cost, err := market.Worth(max(at, 0), size, l.multiplier, true)
		if err != nil || l.execute(p.Qty, max(at, 0), cost) != nil {
			g.broken.Store(true)
		}
		g.settle(l)
	}
	for _, h := range held {
		g.charge(h)
	}
	g.turn.Add(1)
	g.restored.Store(true)
	g.desk.wake()
}

// Restored reports whether Restore was called: until then the account stays shut. Safe for any number of goroutines.
func (g *Gate) Restored() bool { return g.restored.Load() }

// forget empties orders and exposures; leaves stay, since rules are by leaf.
func (g *Gate) forget() {
	tickets := g.tickets
	for i := range g.slots {
		g.slots[i].ticket.Store(g.slots[i].ticket.Load() | 1)
	}
	old := g.orders
	g.orders = newOrders(0)
	g.slots, g.byID, g.idle, g.idleAt, g.idleLen, g.tickets = old.slots, old.byID, old.idle, 0, len(old.idle), tickets
	clear(g.byID)
	for i := range g.slots {
		s := &g.slots[i]
		s.id, s.live, s.doubt, s.leaves, s.cum, s.price, s.cost = "", false, false, 0, 0, 0, market.Notional{}
		g.idle[i] = int32(i)
	}
	for _, l := range *g.leaves.Load() {
		l.book = book{multiplier: l.multiplier}
		l.now, l.unpriced = exposure{}, false
		l.publish()
	}
	clear(g.strategies)
	clear(g.instruments)
	clear(g.unknown)
	g.total, g.live, g.open, g.unpriced = exposure{}, market.Notional{}, 0, 0
	g.broken.Store(false)
}

// priceRestored charges restored positions that came without a price, once their instruments have one. It reports whether all have.
func (g *Gate) priceRestored() bool {
	for _, l := range *g.leaves.Load() {
		if !l.unpriced {
			continue
		}
		quote, _ := g.desk.prices.Price(l.instrument)
		at := max(quote.Bid, quote.Ask, quote.Last)
		if quote.State != PriceLive || at <= 0 {
			continue
		}
		cost, err := market.Worth(at, max(l.pos, -l.pos), l.multiplier, true)
		if err != nil {
			g.broken.Store(true)
			return false
		}
		if l.pos > 0 {
			l.longCost = l.longCost.Max(cost)
		} else {
			l.shortCost = l.shortCost.Max(cost)
		}
		l.unpriced = false
		g.unpriced--
		g.settle(l)
	}
	return g.unpriced == 0
}
