package orders

import (
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// status is R6: UNKNOWN over all else.
func (o *order) status() Status {
	if o.uncertain() {
		return StatusUnknown
	}
	return o.plain()
}

func (o *order) uncertain() bool {
	if o.doubts != 0 {
		return true
	}
	for i := range o.reqs {
		if o.reqs[i].ev == unknown {
			return true
		}
	}
	return false
}

// plain is R6 without UNKNOWN: FIX 5.0SP2's precedence. EXP beside CXL is our
// choice.
func (o *order) plain() Status {
	switch {
	case o.has(kindCancel, acked):
		return StatusPendingCancel
	case o.has(kindReplace, acked):
		return StatusPendingReplace
	case o.w == wDoneForDay:
		return StatusDoneForDay
	case o.w == wCalculated:
		return StatusCalculated
	case o.qty > 0 && o.cum >= o.qty && o.w != wRejected:
		return StatusFilled
	case o.w == wStopped:
		return StatusStopped
	case o.w == wSuspended:
		return StatusSuspended
	case o.w == wCanceled:
		return StatusCanceled
	case o.w == wExpired:
		return StatusExpired
	case o.w == wRejected:
		return StatusRejected
	case o.cum > 0:
		return StatusPartFilled
	case o.w == wWorking:
		return StatusNew
	}
	return o.beforeWork()
}

func (o *order) beforeWork() Status {
	n := o.first()
	switch {
	case n == nil:
		return StatusNew
	case n.ev == acked:
		return StatusPendingNew
	case n.ev == journalled:
		return StatusCreated
	default:
		return StatusSent
	}
}

// closed reports whether nothing more is expected of the order.
func (o *order) closed() bool {
	switch o.status() {
	case StatusFilled, StatusCanceled, StatusRejected, StatusExpired:
		return !o.anyOpen()
	default:
		return false
	}
}

// idle reports whether the order can execute nothing more today, as far as is
// known.
func (o *order) idle() bool { return o.ended() || o.w == wDoneForDay && !o.gtc() }

func (o *order) leaves() market.Qty {
	if o.idle() {
		return 0
	}
	return max(0, o.qty-o.cum)
}

// held is R5: what could still execute in the worst case, and the worst price
// of the same set of terms.
func (o *order) held() (market.Qty, market.Price) {
	if o.idle() && !o.uncertain() {
		return 0, 0
	}
	q, p := max(0, o.qty, o.worst), o.px
	for i := range o.reqs {
		r := &o.reqs[i]
		if r.kind == kindReplace && r.ev.open() {
			q, p = max(q, r.qty), o.worsePrice(p, r.px)
		}
	}
	return max(0, q-o.cum), p
}

// worsePrice returns the price at which more could be lost: none at all (a
// market order) before any, then the higher of a buy, the lower of a sell.
func (o *order) worsePrice(a, b market.Price) market.Price {
	switch {
	case a == 0 || b == 0:
		return 0
	case o.Side == market.Sell:
		return min(a, b)
	default:
		return max(a, b)
	}
}

// settle is R22 and what else follows each input: cancels that R16b owes,
// questions, and what the outside has not been told.
func (m *Machine) settle() {
	for i := 0; i < len(m.touched); i++ {
		o := m.touched[i]
		o.touched = false
		if m.watched {
			m.changed = append(m.changed, o)
		}
		m.sendAgain(o)
		m.tellUnknown(o)
		m.tellClosed(o)
		m.tellHeld(o)
		if o.asking {
			o.asking = false
			m.sendQuestion(o)
		}
	}
	m.touched = m.touched[:0]
	m.forget()
	if m.session == sessionReconciling && m.listWhole && m.unknowns == 0 && !m.partial {
		m.session = sessionOpen
		m.event(EventOpen, nil)
	}
}

func (m *Machine) tellUnknown(o *order) {
	is := o.uncertain()
	if is == o.toldUnknown {
		return
	}
	o.toldUnknown = is
	m.changes++
	if is {
		m.unknowns++
		m.unknown[o.Instrument]++
		if !o.phantom {
			m.event(EventUnknown, o)
		}
		return
	}
	m.unknowns--
	m.unknown[o.Instrument]--
	if !o.phantom {
		m.event(EventResolved, o)
	}
}

func (m *Machine) tellClosed(o *order) {
	is := o.closed()
	if is == o.toldClosed {
		return
	}
	o.toldClosed = is
	if o.phantom {
		return
	}
	if o.foreign && !o.signed {
		m.stranger(!is)
	}
	if is {
		m.event(EventClosed, o).Reason = o.why
		return
	}
	if !o.listed {
		o.listed = true
		m.live = append(m.live, o)
	}
	m.event(EventReopened, o)
}

func (m *Machine) tellHeld(o *order) {
	h := o.heldNow()
	if o.phantom || h.Qty == o.toldQty && h.Price == o.toldPrice && h.Unknown == o.toldDoubt {
		return
	}
	o.toldQty, o.toldPrice, o.toldDoubt = h.Qty, h.Price, h.Unknown
	n := o.first()
	m.out = append(m.out, Output{Kind: OutHold, Held: h, Unsent: n != nil && n.ev == unsent && o.cum == 0})
}

func (o *order) heldNow() risk.Held {
	q, p := o.held()
	h := risk.Held{
		Order: o.ID, Strategy: o.Strategy, Instrument: o.Instrument, Side: o.Side, Qty: q, Price: p,
		Unknown: o.uncertain(),
	}
	h.Order = heldID(o.ID, o.oid)
	return h
}

// heldID names an order to the gate, also one that has only the venue's id.
func heldID(id market.ClOrdID, oid string) market.ClOrdID {
	if id == "" {
		return market.ClOrdID("@" + oid)
	}
	return id
}

func (m *Machine) sendQuestion(o *order) {
	if m.session == sessionDown || m.folding {
		return
	}
	s := m.sendOf(o)
	s.order.ID = o.inForce()
	m.out = append(m.out, Output{Kind: OutAsk, send: s})
}

// sendOf returns what every message about o repeats.
func (m *Machine) sendOf(o *order) send {
	s := send{order: o.New, oid: o.oid}
	s.order.Qty, s.order.Price, s.order.Account = o.qty, o.px, m.opt.Account
	return s
}
