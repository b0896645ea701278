package sim

import (
	"fmt"
	"slices"

	"github.com/failshut/failshut/market"
)

// judgeReplace: whose order it is, then dedupe, then whether it can still change, then the new terms. A refusal leaves the
// order as it was.
func (h *house) judgeReplace(s *session, req Request, l *RecvLine) func() {
	o := h.find(s.account, req.Orig, req.OrderID)
	refuse := func(st OrdStatus, reason Reason, why string) func() {
		r := CancelReject{OrderID: "NONE", ClOrdID: req.ClOrdID, Orig: req.Orig, Status: st, Reason: reason, Text: why}
		if o != nil {
			r.OrderID = o.oid
		}
		return func() { h.reply(s, r, req.Symbol) }
	}
	if o == nil {
		l.Fate = FateUnknownOrder
		return refuse(StatusRejected, CancelUnknown, "unknown order")
	}
	if first := s.account.byCl[req.ClOrdID]; first != nil {
		switch {
		case h.cfg.Dedupe != DedupeNone && req.PossResend:
			l.Fate = FateRefusedDuplicate
			return func() { h.status(s, req, first) }
		case h.cfg.Dedupe == DedupeStrict:
			l.Fate = FateRefusedDuplicate
			return refuse(o.status, CancelDuplicate, "duplicate ClOrdID")
		}
		l.Fate = FateAppliedDuplicate
	}
	if !o.status.Open() {
		l.Fate = FateRejected
		return refuse(o.status, CancelTooLate, "too late to replace")
	}
	qty, why := h.replaceable(o, req)
	if why != "" {
		l.Fate = FateRejected
		return refuse(o.status, CancelOther, why)
	}
	return func() { h.replace(o, req.ClOrdID, qty, req.Price) }
}

// replaceable gives the quantity that a replace would leave the order with, or says why there can be none. One at or below
// what was executed is raised to that: it ends the order.
func (h *house) replaceable(o *order, req Request) (market.Qty, string) {
	sym := h.symbols[o.sym]
	c := sym.c
	switch {
	case req.Symbol != "" && req.Symbol != sym.sym:
		return 0, fmt.Sprintf("symbol %s of a replace, want that of the order, %s", req.Symbol, sym.sym)
	case req.Side != 0 && req.Side != o.side:
		return 0, fmt.Sprintf("side %v of a replace, want that of the order, %v", req.Side, o.side)
	case req.Type != 0 && req.Type != o.typ:
		return 0, fmt.Sprintf("type %v of a replace, want that of the order, %v", req.Type, o.typ)
	case req.TIF != 0 && req.TIF != o.tif:
		return 0, fmt.Sprintf("time in force %v of a replace, want that of the order, %v", req.TIF, o.tif)
	case req.Qty <= 0 || !c.OnLot(req.Qty) || req.Qty > c.MaxQty || (req.Qty < c.MinQty && req.Qty > o.cum):
		return 0, fmt.Sprintf("quantity %v, want %v to %v by %v", req.Qty, c.MinQty, c.MaxQty, c.Lot)
	case o.typ == market.Limit && (req.Price <= 0 || !c.OnTick(req.Price)):
		return 0, fmt.Sprintf("price %v, want above 0 by %v", req.Price, c.Tick)
	case o.typ == market.Market && req.Price != 0:
		return 0, fmt.Sprintf("price %v of a market order, want none", req.Price)
	}
	qty := max(req.Qty, o.cum)
	if !h.countable(o.account, o.sym, qty-o.qty, req.Price) {
		return 0, "exposure without a number"
	}
	return qty, ""
}

// replace gives o the id cl, a total quantity and a price. A cut of the quantity alone keeps its place; any other change,
// even one to the same terms, puts it behind all that rests at its price, and may have it take at once what it meets.
func (h *house) replace(o *order, cl market.ClOrdID, qty market.Qty, px market.Price) {
	by, orig := o.qty-qty, o.cl
	told := func(r *Report) { r.Orig = orig }
	o.rename(cl)
	switch {
	case qty == o.cum:
		h.matcher.move(o, func() { h.amend(o, qty, px, "replace") })
		h.report(o, ExecReplaced, told)
	case by > 0 && px == o.px:
		h.amend(o, qty, px, "replace")
		h.matcher.cut(o, by)
		h.report(o, ExecReplaced, told)
	default:
		h.matcher.move(o, func() {
			h.refs++
			h.priorities++
			o.shown, o.priority = h.refs, h.priorities
			h.amend(o, qty, px, "replace")
		})
		h.report(o, ExecReplaced, told)
		h.matcher.enter(o)
	}
}

// amend writes down other terms of an open order. One that is left with nothing open is filled.
func (h *house) amend(o *order, qty market.Qty, px market.Price, why string) {
	*o.account.openSide(o) += qty - o.qty
	o.qty, o.px = qty, px
	if o.cum == o.qty {
		o.status = StatusFilled
		o.account.closed(o)
	}
	h.orderLine(o, why)
	h.exposure(o.account, o.sym)
}

// rename makes cl the id in force. An id that named an order before goes on naming that one.
func (o *order) rename(cl market.ClOrdID) {
	o.cl = cl
	if !slices.Contains(o.ids, cl) {
		o.ids = append(o.ids, cl)
	}
	if o.account.byCl[cl] == nil {
		o.account.byCl[cl] = o
	}
}
