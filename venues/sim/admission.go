package sim

import (
	"fmt"
	"slices"

	"github.com/failshut/failshut/market"
)

func orderOf(req Request) *order {
	return &order{
		cl0: req.ClOrdID, side: req.Side, typ: req.Type, tif: req.TIF, px: req.Price, stop: req.StopPx, post: req.PostOnly, qty: req.Qty,
	}
}

// valid says why an order cannot be taken. It sets the symbol of o.
func (h *house) valid(a *account, o *order, sym market.Symbol) (Reason, string) {
	i, ok := h.bySymbol[sym]
	if !ok {
		return OrderUnknownSymbol, "unknown symbol " + string(sym)
	}
	o.sym = i
	c := h.symbols[i].c
	var no Refusals
	if a.session != nil { // the flow is the exchange's own
		no = h.cfg.Refuses
	}
	switch {
	case slices.Contains(no.Types, o.typ), h.paper && o.typ == market.Stop:
		return OrderUnsupported, fmt.Sprintf("unsupported: %v", o.typ)
	case slices.Contains(no.TIFs, o.tif):
		return OrderUnsupported, fmt.Sprintf("unsupported: %v", o.tif)
	case o.post && (no.PostOnly || h.paper):
		return OrderUnsupported, "unsupported: post_only"
	case o.typ == market.Stop && o.tif != market.Day && o.tif != market.GTC:
		return OrderUnsupported, fmt.Sprintf("unsupported: stop %v", o.tif)
	case o.post && !o.mayRest():
		return OrderUnsupported, fmt.Sprintf("unsupported: post_only %v %v", o.typ, o.tif)
	case o.post && o.typ == market.Stop:
		return OrderUnsupported, "unsupported: post_only stop"
	case !h.open:
		return OrderClosed, "not open"
	case o.qty < c.MinQty || o.qty > c.MaxQty || o.qty <= 0 || !c.OnLot(o.qty):
		return OrderQuantity, fmt.Sprintf("quantity %v, want %v to %v by %v", o.qty, c.MinQty, c.MaxQty, c.Lot)
	case len(a.open) >= h.cfg.MaxOpenPerAccount:
		return OrderOverLimit, fmt.Sprintf("%d open orders, want below %d", len(a.open), h.cfg.MaxOpenPerAccount)
	}
	if why := priced(c, o.typ, o.px, o.stop); why != "" {
		return OrderOther, why
	}
	if reason, why := h.takes(o); why != "" {
		return reason, why
	}
	if o.post {
		if why := h.takesLiquidity(i, o.side, o.px); why != "" {
			return OrderOther, why
		}
	}
	if !h.countable(a, i, o.qty, max(o.px, o.stop)) {
		return OrderOverLimit, "exposure without a number"
	}
	return 0, ""
}

// priced says what is wrong with the prices of an order of a type.
func priced(c market.Contract, typ market.OrderType, px, stop market.Price) string {
	switch {
	case (typ == market.Limit || (typ == market.Stop && px != 0)) && (px <= 0 || !c.OnTick(px)):
		return fmt.Sprintf("price %v, want above 0 by %v", px, c.Tick)
	case typ == market.Market && px != 0:
		return fmt.Sprintf("price %v of a market order, want none", px)
	case typ == market.Stop && (stop <= 0 || !c.OnTick(stop)):
		return fmt.Sprintf("stop price %v, want above 0 by %v", stop, c.Tick)
	case typ != market.Stop && stop != 0:
		return fmt.Sprintf("stop price %v of a %v order, want none", stop, typ)
	}
	return ""
}

// takesLiquidity says what a post-only order at px would meet; "" if nothing.
func (h *house) takesLiquidity(sym int, side market.Side, px market.Price) string {
	against := h.engine.books[sym].of(side.Opposite())
	if lv := against.best(); lv != nil && (lv.px == px || against.better(lv.px, px)) {
		return fmt.Sprintf("post_only: %v would meet %v", px, lv.px)
	}
	return ""
}

// countable reports whether everything that could still happen to the account has a number when more is open on a side.
func (h *house) countable(a *account, sym int, more market.Qty, px market.Price) bool {
	long, err1 := add3(a.pos[sym], a.buys[sym], more)
	short, err2 := add3(-a.pos[sym], a.sells[sym], more)
	_, err3 := h.symbols[sym].c.Worth(max(px, h.symbols[sym].last), max(long, short), true)
	return err1 == nil && err2 == nil && err3 == nil
}

func add3(a, b, c market.Qty) (market.Qty, error) {
	ab, err := a.Add(b)
	if err != nil {
		return 0, err
	}
	return ab.Add(c)
}
