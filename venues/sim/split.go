package sim

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/failshut/failshut/market"
)

// terms are what an order asks for.
type terms struct {
	qty  market.Qty
	px   market.Price
	stop market.Price
}

// split restates every open order of a session in a symbol, and what was executed of it.
func (e *Engine) split(in Split) error {
	i, ok := e.bySymbol[in.Symbol]
	if !ok || in.By < 2 || in.By > 1000 {
		return fmt.Errorf("%w: split of %q by %d, want a listed symbol and 2 to 1000", ErrOperation, in.Symbol, in.By)
	}
	by := market.Qty(in.By)
	for _, o := range e.openIn(i) {
		if o.account.session == nil {
			continue
		}
		if o.qty > math.MaxInt64/by || !e.countable(o.account, i, (by-1)*o.qty, o.px) {
			return fmt.Errorf("%w: order %s of %v times %d has no number", ErrOperation, o.oid, o.qty, in.By)
		}
	}
	for _, o := range e.openIn(i) {
		if o.account.session == nil {
			e.finish(o, StatusCancelled, "split")
		}
	}
	e.symbols[i].last = e.parted(i, e.symbols[i].last, by, 0)
	restated := e.openIn(i)
	slices.SortFunc(restated, func(a, b *order) int { return cmp.Compare(a.priority, b.priority) })
	for _, o := range restated {
		e.splitOne(o, by)
	}
	for _, o := range restated {
		e.report(o, ExecRestated, func(r *Report) { r.Restate = RestateCorporate })
	}
	for _, o := range restated { // only now, so that no old price meets a new one
		e.enter(o)
	}
	e.flow.split(e, i, by)
	return nil
}

// splitOne writes down what becomes of one order: a correction line for each of its executions, then the order.
func (e *Engine) splitOne(o *order, by market.Qty) {
	t := terms{o.qty * by, e.parted(o.sym, o.px, by, o.side), e.parted(o.sym, o.stop, by, o.side.Opposite())}
	e.move(o, func() {
		was := o.leaves()
		for _, x := range o.execs {
			if x.gone {
				continue
			}
			e.part(x)
			l := &CorrectionLine{Ref: x.id, OldQty: x.qty, OldPx: x.px, Qty: x.qty * by, Px: x.px / market.Price(by)}
			l.Exec, l.OID, l.Account, l.Sym, l.Side = e.execID(), o.oid, o.account.id, e.symbols[o.sym].sym, o.side
			o.account.pos[o.sym] += market.Qty(o.side.Sign()) * (l.Qty - l.OldQty)
			o.cum += l.Qty - l.OldQty
			x.id, x.qty, x.px = l.Exec, l.Qty, l.Px
			e.executions[x.id] = x
			e.correctCount++
			e.line("correct", l)
		}
		o.qty, o.px, o.stop = t.qty, t.px, t.stop
		o.cost = e.recost(o, nil, 0, 0)
		*o.account.openSide(o) += o.leaves() - was
		e.place(o)
		e.orderLine(o, "split")
		e.exposure(o.account, o.sym)
	})
}

// part ends the bond between the sides of a trade: they are of different shares from now on, and revised one by one.
func (e *Engine) part(x *execution) {
	if x.other != nil {
		x.other.other, x.other = nil, nil
	}
}

// parted is the by-th part of a price in whole ticks, at least one: down for a buy, up for a sale, so that no order comes
// nearer to the market.
func (e *Engine) parted(i int, px market.Price, by market.Qty, side market.Side) market.Price {
	if px == 0 {
		return 0
	}
	tick := e.symbols[i].c.Tick
	part := px / market.Price(by)
	down := part - part%tick
	if side == market.Sell && (part*market.Price(by) != px || down != part) {
		down += tick
	}
	return max(down, tick)
}
