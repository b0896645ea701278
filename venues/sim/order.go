package sim

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/failshut/failshut/market"
)

// order is one order at the venue.
type order struct {
	ref      uint64 // rises with each order
	shown    uint64 // its reference in the public feed: another one whenever it takes another place
	oid      string
	account  *account
	cl0, cl  market.ClOrdID
	ids      []market.ClOrdID
	older    *order // of the same first id, where the venue lets an id execute again
	sym      int
	side     market.Side
	typ      market.OrderType
	tif      market.TIF
	px       market.Price
	stop     market.Price // of a stop order: the last price that triggers it
	post     bool         // post-only: it must not take
	qty, cum market.Qty
	cost     market.Notional
	status   OrdStatus
	priority uint64

	triggered bool         // of a stop order: it is a market order now
	execs     []*execution // of an engine's order: what was executed with a session on either side

	level      *level // of the engine's book, while it rests
	hidden     bool   // it rests, and the feed does not show it yet
	prev, next *order
	ahead      market.Qty // of a paper order: displayed size that must trade before it
	meets      *order     // of an order that a fault made: the one it executes against, wherever that stands in the book
}

func (o *order) leaves() market.Qty {
	if !o.status.Open() {
		return 0
	}
	return max(0, o.qty-o.cum)
}

// accept makes an order of account a, tells its account, and hands it to the matcher. The caller has validated it.
func (h *house) accept(a *account, o *order) {
	h.refs++
	h.priorities++
	h.orderCount++
	o.ref, o.shown, o.priority, o.account, o.status = h.refs, h.refs, h.priorities, a, StatusNew
	o.oid = h.prefix + strconv.FormatUint(o.ref, 10)
	o.cl, o.ids = o.cl0, []market.ClOrdID{o.cl0}
	if a.session != nil {
		o.older = a.byCl[o.cl0]
		a.byCl[o.cl0] = o
		h.byOID[o.oid] = o
	}
	a.open = append(a.open, o)
	*a.openSide(o) += o.qty
	h.orderLine(o, special(o.stop, o.post))
	h.exposure(a, o.sym)
	f := h.entry
	h.entry = firing{} // of this order, and not of those that it may bring about
	h.entering(o, f)
}

// openSide is the account's open quantity on the side and symbol of o.
func (a *account) openSide(o *order) *market.Qty {
	if o.side == market.Buy {
		return &a.buys[o.sym]
	}
	return &a.sells[o.sym]
}

// finish ends an order without a report.
func (h *house) finish(o *order, s OrdStatus, why string) {
	*o.account.openSide(o) -= o.leaves()
	o.status = s
	o.account.closed(o)
	h.orderLine(o, why)
	h.exposure(o.account, o.sym)
	h.matcher.remove(o)
}

func (a *account) closed(o *order) {
	i, ok := slices.BinarySearchFunc(a.open, o.ref, func(x *order, ref uint64) int {
		if x.ref < ref {
			return -1
		}
		if x.ref > ref {
			return 1
		}
		return 0
	})
	if ok {
		a.open = slices.Delete(a.open, i, i+1)
	}
}

// fill executes q at px. Sums cannot overflow: valid has tried the worst case of the account, and no execution exceeds its
// order.
func (h *house) fill(o *order, q market.Qty, px market.Price) {
	c := h.symbols[o.sym].c
	*o.account.openSide(o) -= min(q, o.leaves())
	o.cum += q
	if w, err := c.Worth(px, q, false); err == nil {
		if sum, err := o.cost.Add(w); err == nil {
			o.cost = sum
		}
	}
	o.account.pos[o.sym] += market.Qty(o.side.Sign()) * q
	if o.status != StatusSuspended {
		o.status = StatusPartial
	}
	if o.cum >= o.qty {
		o.status = StatusFilled
		o.account.closed(o)
	}
	h.symbols[o.sym].last = px
}

func (h *house) avg(o *order) market.Price {
	if o.cum == 0 {
		return 0
	}
	p, err := market.AvgPrice(o.cost, o.cum, h.symbols[o.sym].c.Multiplier)
	if err != nil {
		return 0
	}
	return p
}

func (h *house) orderLine(o *order, why string) {
	h.line("order", &OrderLine{
		OID: o.oid, Account: o.account.id, Cl0: o.cl0, Cl: o.cl, IDs: slices.Clone(o.ids),
		Sym: h.symbols[o.sym].sym, Side: o.side, Type: o.typ, TIF: o.tif, Px: cmp.Or(o.px, o.stop), Qty: o.qty, Cum: o.cum, Leaves: o.leaves(),
		Avg: h.avg(o), Status: o.status, Priority: o.priority, By: h.because.n, Why: why,
	})
}

// special says what the lines of the ledger have no field for.
func special(stop market.Price, post bool) string {
	switch {
	case stop != 0:
		return "stop " + stop.String()
	case post:
		return "post_only"
	}
	return ""
}

// execID gives the next execution id.
func (h *house) execID() string {
	h.execs++
	return h.prefix + "E" + strconv.FormatUint(h.execs, 10)
}

// report tells the session of an order's account about it; shape, if given, completes the report.
func (h *house) report(o *order, t ExecType, shape func(*Report)) {
	s := o.account.session
	if s == nil {
		return
	}
	r := h.picture(o, t)
	if shape != nil {
		shape(&r)
	}
	if r.ExecID == "" {
		r.ExecID = h.execID()
	}
	h.reply(s, r, r.Symbol)
}

// picture is the order as a report shows it.
func (h *house) picture(o *order, t ExecType) Report {
	return Report{
		Type: t, Status: o.status, OrderID: o.oid, ClOrdID: o.cl, Symbol: h.symbols[o.sym].sym, Side: o.side, Ord: o.typ,
		TIF: o.tif, Price: o.px, StopPx: o.stop, PostOnly: o.post, Qty: o.qty, Cum: o.cum, Leaves: o.leaves(), AvgPx: h.avg(o), Paper: h.paper,
	}
}
