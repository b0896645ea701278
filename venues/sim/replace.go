package sim

import (
	"cmp"
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
	t, why := h.replaceable(o, req)
	if why != "" {
		l.Fate = FateRejected
		return refuse(o.status, CancelOther, why)
	}
	return func() { h.replace(o, req.ClOrdID, t) }
}

// replaceable gives the terms that a replace would leave the order with, or says why there can be none. A quantity at or below
// what was executed is raised to that: it ends the order. A stop order keeps each of its prices that the request leaves out.
func (h *house) replaceable(o *order, req Request) (terms, string) {
	sym := h.symbols[o.sym]
	c, t := sym.c, terms{max(req.Qty, o.cum), req.Price, req.StopPx}
	if o.typ == market.Stop {
		t.stop, t.px = cmp.Or(t.stop, o.stop), cmp.Or(t.px, o.px)
	}
	switch {
	case req.Symbol != "" && req.Symbol != sym.sym:
		return t, fmt.Sprintf("symbol %s of a replace, want that of the order, %s", req.Symbol, sym.sym)
	case req.Side != 0 && req.Side != o.side:
		return t, fmt.Sprintf("side %v of a replace, want that of the order, %v", req.Side, o.side)
	case req.Type != 0 && req.Type != o.typ:
		return t, fmt.Sprintf("type %v of a replace, want that of the order, %v", req.Type, o.typ)
	case req.TIF != 0 && req.TIF != o.tif:
		return t, fmt.Sprintf("time in force %v of a replace, want that of the order, %v", req.TIF, o.tif)
	case req.Qty <= 0 || !c.OnLot(req.Qty) || req.Qty > c.MaxQty || (req.Qty < c.MinQty && req.Qty > o.cum):
		return t, fmt.Sprintf("quantity %v, want %v to %v by %v", req.Qty, c.MinQty, c.MaxQty, c.Lot)
	case sym.phase == PhaseClosed:
		return t, "phase closed"
	}
	if why := priced(c, o.typ, t.px, t.stop); why != "" {
		return t, why
	}
	if o.post {
		if why := h.takesLiquidity(o.sym, o.side, t.px); why != "" {
			return t, why
		}
	}
	if !h.countable(o.account, o.sym, t.qty-o.qty, max(t.px, t.stop)) {
		return t, "exposure without a number"
	}
	return t, ""
}

// replace gives o the id cl and other terms.
func (h *house) replace(o *order, cl market.ClOrdID, t terms) {
	orig := o.cl
	o.rename(cl)
	h.reterm(o, t, "replace", ExecReplaced, func(r *Report) { r.Orig = orig })
}

// reterm gives o other terms and reports it. A cut of the quantity alone keeps its place; any other change, even one to the
// same terms, puts it behind all that rests at its price, and may have it take at once what it meets.
func (h *house) reterm(o *order, t terms, why string, as ExecType, told func(*Report)) {
	by := o.qty - t.qty
	switch {
	case t.qty == o.cum:
		h.matcher.move(o, func() { h.amend(o, t, why) })
		h.report(o, as, told)
	case by > 0 && t.px == o.px && t.stop == o.stop:
		h.amend(o, t, why)
		h.matcher.cut(o, by)
		h.report(o, as, told)
	default:
		h.matcher.move(o, func() {
			h.place(o)
			h.amend(o, t, why)
		})
		h.report(o, as, told)
		h.matcher.enter(o)
	}
}

// amend writes down other terms of an open order. One that is left with nothing open is filled.
func (h *house) amend(o *order, t terms, why string) {
	*o.account.openSide(o) += t.qty - o.qty
	o.qty, o.px, o.stop = t.qty, t.px, t.stop
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
