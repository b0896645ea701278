package orders

import (
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

const closeTries = 3 // cancels that R16b sends again

// RefusesNew returns the reason for which R20 would refuse a new order now,
// or "".
func (m *Machine) RefusesNew(n *New) Reason {
	switch {
	case n.ID == "" || n.Qty <= 0 || !n.Side.Valid():
		return ReasonInvalid
	case m.ids[n.ID] != nil:
		return ReasonDuplicate
	case m.session != sessionOpen:
		return ReasonSession
	case !m.listWhole, // an operator has spoken, and the venue not yet
		m.opt.BlockUnknown == BlockInstrument && m.unknown[n.Instrument] > 0,
		m.opt.BlockUnknown == BlockAccount && m.unknowns > 0:
		return ReasonUnknown
	default:
		return ""
	}
}

// create is R20.
func (m *Machine) create(c *Create) {
	if !m.folding {
		if why := m.RefusesNew(&c.New); why != "" {
			m.refuse(c.ID, nil, why)
			return
		}
	}
	o := &order{New: c.New, cause: c.Cause, ttl: c.TTL, qty: c.Qty, px: c.Price, w: wSent, round: m.round}
	o.reqs = append(o.reqs, request{id: c.ID, kind: kindNew, ev: journalled, qty: c.Qty, px: c.Price, held: c.Held})
	m.add(o)
	m.ids[c.ID] = o
	if c.Cause != (risk.Cause{}) {
		m.causes[wish{c.Strategy, c.Cause}] = o
	}
	m.touch(o)
}

func (m *Machine) arm(id market.ClOrdID) {
	o := m.ids[id]
	q := requestNamed(o, id)
	if q == nil || !q.held || q.ev != journalled {
		return
	}
	q.held = false
	m.touch(o)
}

// handOver tests session and age again, then sends (R21). That it left is
// journalled behind: a crash before that record finds an armed request, which
// may have left all the same (R19).
func (m *Machine) handOver(id market.ClOrdID) {
	o := m.ids[id]
	q := requestNamed(o, id)
	if q == nil || q.ev != journalled || q.held || q.kind == kindCancel {
		return
	}
	switch {
	case m.folding:
		q.ev = sent
		m.touch(o)
		return
	case m.session != sessionOpen, q.kind == kindReplace && o.waits(): // it never overtakes its order
		m.unsent(Unsent{ID: id, Reason: ReasonUnsent})
		return
	case o.ttl > 0 && q.kind == kindNew && m.now-o.Decided > int64(o.ttl), q.due > 0 && m.now > q.due:
		m.flag(FlagStaleVeto, o, id)
		m.unsent(Unsent{ID: id, Reason: ReasonStale})
		return
	}
	q.ev = sent
	m.touch(o)
	s := m.sendOf(o)
	s.order.ID, s.order.Qty, s.order.Price, s.orig = id, q.qty, q.px, q.orig
	k := OutPlace
	if q.kind == kindReplace {
		k = OutReplace
	}
	m.out = append(m.out, Output{Kind: k, send: s, Event: Event{Order: o.ID}})
	m.record(HandOver{ID: id})
}

// unsent ends a request that is proven not to have left.
func (m *Machine) unsent(u Unsent) {
	o := m.ids[u.ID]
	q := requestNamed(o, u.ID)
	if q == nil || !q.ev.open() || q.ev == acked {
		return
	}
	m.record(u)
	m.touch(o)
	q.ev = unsent
	if q.kind != kindNew {
		e := m.event(EventUnsent, o)
		e.Request, e.Reason = u.ID, u.Reason
		return
	}
	o.doubts = 0
	m.end(o, wRejected, u.Reason)
	m.event(EventUnsent, o).Reason = u.Reason
	m.event(EventRejected, o).Reason = u.Reason
}

// withdraw is R16.
func (m *Machine) withdraw(w Withdraw) {
	o := m.find(w.Of)
	switch {
	case o == nil || o.phantom:
		m.refuse(w.ID, nil, ReasonNoOrder)
		return
	case w.ID == "" || m.ids[w.ID] != nil:
		m.refuse(w.ID, o, ReasonDuplicate)
		return
	case o.closed():
		m.refuse(w.ID, o, ReasonClosed)
		return
	}
	m.touch(o)
	for i := range o.reqs {
		q := &o.reqs[i]
		if q.ev == journalled && q.kind != kindCancel {
			m.unsent(Unsent{ID: q.id, Reason: ReasonUnsent})
		}
	}
	if o.ended() && !o.uncertain() {
		return
	}
	if c := o.openOf(kindCancel); c != nil && c.ev != unknown {
		m.event(EventAlreadyClosing, o).Request = w.ID
		return
	}
	o.closing = true
	m.cancel(o, w.ID, false)
}

// cancel makes a cancel and sends it, or queues it for the next logon. What
// was sent is journalled behind.
func (m *Machine) cancel(o *order, id market.ClOrdID, again bool) {
	queued := m.session == sessionDown
	q := request{id: id, orig: m.cancelOrig(o), kind: kindCancel, ev: sent, qty: o.qty, again: again}
	if queued {
		q.ev = journalled
	}
	o.reqs = append(o.reqs, q)
	m.ids[id] = o
	of := Ref{ID: o.ID, OrderID: o.oid}
	if queued {
		m.event(EventQueued, o).Request = id
	} else {
		m.sendCancel(o, id, q.orig)
	}
	m.record(cancelSent{Of: of, ID: id, Orig: q.orig, Queued: queued, Again: again})
}

func (m *Machine) cancelOrig(o *order) market.ClOrdID {
	if m.opt.CancelAccepted {
		return o.inForce()
	}
	return o.next()
}

func (m *Machine) sendCancel(o *order, id, orig market.ClOrdID) {
	s := m.sendOf(o)
	s.order.ID, s.orig = id, orig
	m.out = append(m.out, Output{Kind: OutCancel, send: s, Event: Event{Order: o.ID}})
}

// sendAgain is R16b's second half: a cancel under a new id as soon as no
// replace is open.
func (m *Machine) sendAgain(o *order) {
	if !o.again || m.folding {
		return
	}
	if !o.closing || o.leaves() == 0 || o.openOf(kindCancel) != nil {
		o.again = false
		return
	}
	if o.openOf(kindReplace) != nil {
		return
	}
	o.again = false
	if o.tries >= closeTries {
		if !o.stuck {
			o.stuck = true
			m.flag(FlagCloseStuck, o, "")
		}
		return
	}
	if m.opt.NextID == nil {
		return
	}
	o.tries++
	m.cancel(o, m.opt.NextID(), true)
}

// foldCancel brings back a cancel that was sent or queued.
func (m *Machine) foldCancel(c cancelSent) {
	o := m.find(c.Of)
	if o == nil {
		return
	}
	m.touch(o)
	o.closing, o.again = true, false
	if c.Again {
		o.tries++
	}
	if q := requestNamed(o, c.ID); q != nil {
		q.ev, q.orig = sent, c.Orig // queued before, sent at the logon
		return
	}
	ev := sent
	if c.Queued {
		ev = journalled
	}
	o.reqs = append(o.reqs, request{id: c.ID, orig: c.Orig, kind: kindCancel, ev: ev, qty: o.qty, again: c.Again})
	m.ids[c.ID] = o
}

// change is R17.
func (m *Machine) change(c *Change) {
	o := m.find(c.Of)
	switch why := m.RefusesChange(c); {
	case m.folding && o == nil:
		return
	case why != "" && !m.folding:
		m.refuse(c.ID, o, why)
		return
	}
	q := request{
		id: c.ID, orig: o.next(), kind: kindReplace, ev: journalled, qty: c.Qty, px: c.Price, held: c.Held, due: c.Due,
	}
	qty, px := o.terms()
	if q.qty == 0 {
		q.qty = qty
	}
	if q.px == 0 {
		q.px = px
	}
	o.reqs = append(o.reqs, q)
	m.ids[c.ID] = o
	if c.Cause != (risk.Cause{}) {
		m.causes[wish{o.Strategy, c.Cause}] = o
	}
	m.touch(o)
}

// terms returns what a replace that says nothing keeps.
func (o *order) terms() (market.Qty, market.Price) {
	if q := o.openOf(kindReplace); q != nil {
		return q.qty, q.px
	}
	return o.qty, o.px
}

// RefusesChange returns the reason for which R17 would refuse a replace now, or
// "".
func (m *Machine) RefusesChange(c *Change) Reason {
	o := m.find(c.Of)
	switch {
	case o == nil:
		return ReasonNoOrder
	case c.ID == "" || m.ids[c.ID] != nil:
		return ReasonDuplicate
	case m.session != sessionOpen:
		return ReasonSession
	case o.uncertain():
		return ReasonUnknown
	case o.closed() && o.plain() != StatusFilled, o.ended():
		return ReasonClosed
	case o.closing:
		return ReasonClosing
	case o.cum >= o.qty && !m.opt.ReplaceFilled:
		return ReasonFilled
	}
	qty, _ := o.terms()
	if c.Qty != 0 {
		qty = c.Qty
	}
	if qty <= o.cum {
		return ReasonBelowCum
	}
	return ""
}
