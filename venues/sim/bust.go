package sim

import (
	"fmt"
	"slices"

	"github.com/failshut/failshut/market"
)

// execution is one side of a trade in which a session has a part, as it stands after what became of it.
type execution struct {
	id    string // the latest of its chain
	match uint64
	order *order
	qty   market.Qty
	px    market.Price
	other *execution
	gone  bool // busted
}

// remember keeps both sides of a trade, so that it can be taken back or corrected. What the flow trades with itself is nobody's
// concern.
func (e *Engine) remember(trade string, q market.Qty, px market.Price, x, y *order, execs map[*order]string) {
	if x.account.session == nil && y.account.session == nil {
		return
	}
	a, b := &execution{id: execs[x], match: e.matches, order: x, qty: q, px: px}, &execution{id: execs[y], match: e.matches, order: y, qty: q, px: px}
	a.other, b.other = b, a
	e.executions[trade], e.executions[a.id], e.executions[b.id] = a, a, b
	x.execs, y.execs = append(x.execs, a), append(y.execs, b)
}

func (e *Engine) executed(id string) (*execution, error) {
	x := e.executions[id]
	if x == nil {
		return nil, fmt.Errorf("%w: execution %q is not known", ErrOperation, id)
	}
	if x.gone {
		return nil, fmt.Errorf("%w: execution %q is busted", ErrOperation, id)
	}
	return x, nil
}

// bust takes an execution and its counterpart back.
func (e *Engine) bust(id string) error {
	x, err := e.executed(id)
	if err != nil {
		return err
	}
	for _, side := range x.sides() {
		if !e.countable(side.order.account, side.order.sym, side.qty, side.order.px) {
			return fmt.Errorf("%w: exposure without a number", ErrOperation)
		}
	}
	e.revise(x, 0, 0)
	return nil
}

// correct gives an execution and its counterpart other terms.
func (e *Engine) correct(in Correct) error {
	x, err := e.executed(in.Exec)
	if err != nil {
		return err
	}
	c := e.symbols[x.order.sym].c
	qty, px := in.Qty, in.Price
	if qty == 0 {
		qty = x.qty
	}
	if px == 0 {
		px = x.px
	}
	if qty < 0 || px < 0 || !c.OnLot(qty) || !c.OnTick(px) || (qty == x.qty && px == x.px) {
		return fmt.Errorf("%w: %v at %v for %v at %v, want other terms by %v and %v", ErrOperation, qty, px, x.qty, x.px, c.Lot, c.Tick)
	}
	for _, side := range x.sides() {
		o := side.order
		switch {
		case o.cum+qty-side.qty > o.qty:
			return fmt.Errorf("%w: %v executed of order %s, want at most its quantity %v", ErrOperation, o.cum+qty-side.qty, o.oid, o.qty)
		case qty < side.qty && !e.countable(o.account, o.sym, side.qty-qty, o.px):
			return fmt.Errorf("%w: exposure without a number", ErrOperation)
		}
	}
	e.revise(x, qty, px)
	return nil
}

// sides are an execution and its counterpart, the buy first; where a split has parted them, the one alone.
func (x *execution) sides() []*execution {
	if x.other == nil {
		return []*execution{x}
	}
	if x.order.side == market.Sell {
		return []*execution{x.other, x}
	}
	return []*execution{x, x.other}
}

// revise writes down other terms of both sides of a trade, 0 for a bust: first every line, then every report, then what is
// open again goes back to the market.
func (e *Engine) revise(x *execution, qty market.Qty, px market.Price) {
	refs, moves := map[*execution]string{}, qty != x.qty // another price alone leaves an order where it is
	for _, side := range x.sides() {
		refs[side] = side.id
		if moves {
			e.move(side.order, func() { e.reviseSide(side, qty, px) })
		} else {
			e.reviseSide(side, qty, px)
		}
	}
	t := ExecCorrect
	if qty == 0 {
		t = ExecBust
		sym := x.order.sym
		e.emit(MarketEvent{Kind: Broken, Time: e.now, Locate: locate(sym), Symbol: e.symbols[sym].sym, Match: x.match})
	}
	for _, side := range x.sides() {
		e.report(side.order, t, func(r *Report) {
			r.ExecID, r.ExecRef, r.LastQty, r.LastPx = side.id, refs[side], qty, px
		})
	}
	for _, side := range x.sides() {
		if moves {
			e.standAgain(side.order)
		}
	}
}

func (e *Engine) reviseSide(x *execution, qty market.Qty, px market.Price) {
	o, l := x.order, &CorrectionLine{Ref: x.id, OldQty: x.qty, OldPx: x.px, Qty: qty, Px: px}
	l.Exec, l.OID, l.Account, l.Sym, l.Side = e.execID(), o.oid, o.account.id, e.symbols[o.sym].sym, o.side
	more := qty - x.qty
	o.cost, o.cum = e.recost(o, x, qty, px), o.cum+more
	x.id, x.qty, x.px, x.gone = l.Exec, qty, px, qty == 0
	e.executions[x.id] = x
	o.account.pos[o.sym] += market.Qty(o.side.Sign()) * more
	switch {
	case o.status.Open() && o.cum < o.qty:
		*o.account.openSide(o) -= more
		if o.status != StatusSuspended {
			o.status = o.working()
		}
	case o.status.Open():
		*o.account.openSide(o) -= more
		o.status = StatusFilled
		o.account.closed(o)
	case o.status == StatusFilled && o.cum < o.qty:
		*o.account.openSide(o) += o.qty - o.cum
		o.status = o.working()
		o.account.reopened(o)
	}
	if more != 0 && o.status.Open() {
		e.place(o)
	}
	kind := "correct"
	if x.gone {
		kind = "bust"
		e.bustCount++
	} else {
		e.correctCount++
	}
	e.line(kind, l)
	e.orderLine(o, kind)
	e.exposure(o.account, o.sym)
}

// recost is what an order has paid when one of its executions has other terms.
func (e *Engine) recost(o *order, x *execution, qty market.Qty, px market.Price) market.Notional {
	c := e.symbols[o.sym].c
	var sum market.Notional
	for _, other := range o.execs {
		q, p := other.qty, other.px
		if other == x {
			q, p = qty, px
		}
		if w, err := c.Worth(p, q, false); err == nil {
			if more, err := sum.Add(w); err == nil {
				sum = more
			}
		}
	}
	return sum
}

// reopened puts an order back among the open ones of its account, in order of entry.
func (a *account) reopened(o *order) {
	at, _ := slices.BinarySearchFunc(a.open, o.ref, func(x *order, ref uint64) int {
		if x.ref < ref {
			return -1
		}
		return 1
	})
	a.open = slices.Insert(a.open, at, o)
}

// standAgain puts an order whose executions were revised back to the market, behind all others at its price. What may not
// wait, or not any more, ends.
func (e *Engine) standAgain(o *order) {
	switch {
	case !o.status.Open():
	case !o.mayRest():
		e.drop(o, "revised")
	case e.symbols[o.sym].phase == PhaseClosed && o.tif == market.Day:
		e.expireOne(o)
	default:
		e.enter(o)
	}
}
