package risk

import "github.com/failshut/failshut/market"

// A replace may have arrived or not, and its order may execute under either terms until the venue has said which. So it is charged
// for the worse of both, quantity and price each by itself: what the order could still execute becomes the greater of what it could
// and what it shall, at the higher of both charge prices. Only what that adds is judged and reserved; the order machine gives it
// back, by Hold, when the replace is refused or proven never to have left.
//
// A replace counts as a new order unless it only takes away: no more to execute and at no better a price for the other side. That
// needs no price and no capacity, and goes on up to CANCEL_ONLY. Where all is to end, in CLOSED, it would only be in the way of the
// cancel.

// amended returns the slot of the live order that an intent amends.
func (g *Gate) amended(l *leaf, in *Intent) (int32, error) {
	a := in.Amends
	n, ok := g.byID[a.Order]
	switch {
	case !ok || !g.slots[n].live:
		return 0, Refusal{Code: CodeInvalid, Value: "no live order " + string(a.Order)}
	case g.slots[n].leaf != l.at || g.slots[n].side != in.Side:
		return 0, Refusal{Code: CodeInvalid, Value: "another order is " + string(a.Order)}
	case a.Done < 0 || a.Done >= in.Qty:
		return 0, Refusal{Code: CodeInvalid, Value: "executed " + a.Done.String(), Limit: in.Qty.String()}
	case g.seen(in.ID):
		return 0, Refusal{Code: CodeDuplicateID, Value: string(in.ID)}
	case g.idleLen == 0:
		return 0, Refusal{Code: CodeOpenOrders, Scope: l.scopes[1], Value: text(int64(len(g.slots)) + 1), Limit: text(int64(len(g.slots)))}
	}
	return n, nil
}

// lowers reports whether an intent only takes away from the live order that it amends.
func (g *Gate) lowers(in *Intent) bool {
	n, ok := g.byID[in.Amends.Order]
	if !ok {
		return false
	}
	s, left, was := &g.slots[n], in.Qty-in.Amends.Done, in.Amends.Price
	away := in.Price < was
	if in.Side == market.Sell {
		away = in.Price > was
	}
	return s.live && left <= s.leaves && in.Price <= s.price && (away || in.Price == was && left < s.leaves)
}

// lower gives the permit of a replace that only takes away. Nothing is charged for it, and nothing freed before it is done.
func (g *Gate) lower(p Permit, l *leaf, in *Intent) (Permit, error) {
	if _, err := g.amended(l, in); err != nil {
		return Permit{}, err
	}
	p.intent = *in
	return g.ticket(p), nil
}

// amend judges what other terms of a live order would add in its six scopes, and reserves it.
func (g *Gate) amend(v *view, r *rule, p Permit, in *Intent, mode Mode, at market.Price) (Permit, error) {
	l := p.leaf
	n, err := g.amended(l, in)
	if err != nil {
		return Permit{}, err
	}
	s := &g.slots[n]
	at = max(at, s.price)
	whole, err := market.Worth(at, in.Qty, l.contract.Multiplier, true)
	if err != nil {
		return Permit{}, Refusal{Code: CodeOverflow, Scope: l.scopes[5], Value: in.Qty.String()}
	}
	if whole.Cmp(r.maxNotional) > 0 {
		return Permit{}, Refusal{Code: CodeOrderNotional, Scope: l.scopes[5], Value: whole.String(), Limit: r.maxNotional.String()}
	}
	left, after := max(s.leaves, in.Qty-in.Amends.Done), l.book
	cost, err1 := l.live(s.cum, left, at)
	adds, err2 := cost.Sub(s.cost)
	err3 := after.side(in.Side).change(s.leaves, left, s.cost, cost, at)
	if first(err1, err2, err3) != nil {
		return Permit{}, Refusal{Code: CodeOverflow, Scope: l.scopes[5], Value: in.Qty.String()}
	}
	by, err := g.judge(v, r, l, in, mode, &after, adds, 0)
	if err != nil {
		return Permit{}, err
	}
	live, err := g.live.Add(adds)
	old := l.book
	l.book = after
	if err != nil || !g.settleBy(l, by) {
		l.book = old
		return Permit{}, Refusal{Code: CodeOverflow, Scope: l.scopes[5]}
	}
	g.live, s.leaves, s.price, s.cost = live, left, at, cost
	p.intent, p.reduces, p.charge = *in, after.reduces(in.Side), adds.Max(market.Notional{})
	return g.ticket(p), nil
}

// ticket completes the permit of a replace: its id is known from now on, and it is spent by itself, since its order was handed over
// before. The slot that it takes for that charges nothing, so it is idle at once; when it is used again the permit is void.
func (g *Gate) ticket(p Permit) Permit {
	p.slot = g.take(p.intent.ID)
	s := &g.slots[p.slot]
	p.ticket = s.ticket.Load()
	s.leaf, s.side = p.leaf.at, p.intent.Side
	g.retire(p.slot)
	return p
}
