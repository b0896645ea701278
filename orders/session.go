package orders

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// link is R18.
func (m *Machine) link(e LinkEvent) {
	switch e {
	case LinkLogout:
		m.logout()
	case LinkLogon:
		m.logout()
		m.session = sessionRecovering
		m.sendQueued()
	case LinkReplayed:
		if m.session == sessionRecovering {
			m.session = sessionReconciling
			m.startList()
		}
	}
}

// add takes up a new order.
func (m *Machine) add(o *order) {
	o.listed, o.heard = true, m.now
	m.orders = append(m.orders, o)
	m.live = append(m.live, o)
}

// sweep returns the orders that are not closed, in the order of creation but
// for those that opened again.
func (m *Machine) sweep() []*order {
	m.live = slices.DeleteFunc(m.live, func(o *order) bool {
		if o.closed() {
			o.listed = false
			return true
		}
		return false
	})
	return m.live
}

// SilentSince returns the orders that work, or have a request without an answer,
// of which nothing was heard since the Instant.
func (m *Machine) SilentSince(instant int64) []Ref {
	var out []Ref
	for _, o := range m.sweep() {
		if !o.waits() && o.heard < instant && (o.leaves() > 0 || o.anyOpen()) {
			out = append(out, Ref{ID: o.ID, OrderID: o.oid})
		}
	}
	return out
}

// heardSince reports whether the venue said anything of an order after an
// Instant at which it was asked for.
func (m *Machine) heardSince(of Ref, instant int64) bool {
	o := m.find(of)
	return o == nil || o.heard != instant
}

// acknowledged returns the requests of an order that the venue called pending,
// and answered no further.
func (m *Machine) acknowledged(of Ref) (out []market.ClOrdID) {
	if o := m.find(of); o != nil {
		for i := range o.reqs {
			if o.reqs[i].ev == acked {
				out = append(out, o.reqs[i].id)
			}
		}
	}
	return out
}

// InDoubt returns the orders that are UNKNOWN.
func (m *Machine) InDoubt() []Ref {
	var out []Ref
	for _, o := range m.sweep() {
		if o.uncertain() {
			out = append(out, Ref{ID: o.ID, OrderID: o.oid})
		}
	}
	return out
}

// Live returns the orders of the scope that are not closed.
func (m *Machine) Live(s Scope) []Ref {
	var out []Ref
	for _, o := range m.sweep() {
		if !o.phantom && (s.Strategy == "" || s.Strategy == o.Strategy) && (!s.Instrument.Valid() || s.Instrument == o.Instrument) {
			out = append(out, Ref{ID: o.ID, OrderID: o.oid})
		}
	}
	return out
}

// logout puts every order that may be at the venue in doubt. Whether the venue
// cancels on disconnect is an expectation and no evidence.
func (m *Machine) logout() {
	if m.session == sessionDown {
		return
	}
	m.session, m.listing, m.listWhole = sessionDown, false, false
	for _, o := range m.sweep() {
		if o.closed() || o.waits() {
			continue
		}
		m.doubt(o, doubtDisconnect)
		for i := range o.reqs {
			if q := &o.reqs[i]; q.ev == sent || q.ev == acked {
				q.ev = unknown
			}
		}
	}
}

// waits reports whether the order has not been handed over.
func (o *order) waits() bool {
	n := o.first()
	return n != nil && n.ev == journalled
}

// sendQueued lets the cancels go that waited for the logon, and one under a
// new id where a crash took the queued one.
func (m *Machine) sendQueued() {
	if m.folding {
		return
	}
	for _, o := range m.sweep() {
		if !o.closing || o.closed() || o.ended() && !o.uncertain() {
			continue
		}
		c := o.openOf(kindCancel)
		switch {
		case c == nil:
			o.again = true
			m.touch(o)
		case c.ev == journalled:
			c.ev, c.orig = sent, m.cancelOrig(o)
			m.touch(o)
			m.sendCancel(o, c.id, c.orig)
			m.record(cancelSent{Of: Ref{ID: o.ID, OrderID: o.oid}, ID: c.id, Orig: c.orig})
		}
	}
}

// askAll asks for the state of all orders, by one question where the venue has
// mass status.
func (m *Machine) askAll() {
	if !m.replayEnded() {
		return
	}
	m.record(AskAll{})
	m.startList()
}

func (m *Machine) startList() {
	m.answers = 0
	m.round++
	if m.opt.NoMassStatus {
		m.listWhole = true
		for _, o := range m.sweep() {
			if !o.closed() && !o.waits() {
				m.ask(o)
			}
		}
		return
	}
	m.listing, m.listWhole = true, m.listWhole && m.session == sessionOpen
	if !m.folding {
		m.out = append(m.out, Output{Kind: OutAsk, send: send{mass: true, order: New{Account: m.opt.Account}}})
	}
}

// massEnd judges a list of answers. One that is not as long as announced
// proves nothing.
func (m *Machine) massEnd(count int) {
	if !m.listing {
		return
	}
	m.listing = false
	if m.answers != count {
		return
	}
	m.listWhole = true
	m.lists++
	for _, o := range m.sweep() {
		if o.closed() || o.waits() {
			continue
		}
		if o.named != m.round && o.round < m.round {
			m.absent(o)
		}
		if o.uncertain() {
			m.ask(o)
		}
	}
}

func (m *Machine) massCancelAck(ok bool) {
	e := m.event(EventMassCancelAcked, nil)
	e.Reason = ReasonNone
	if !ok {
		e.Reason = ReasonVenue
	}
}

func (m *Machine) question(of Ref) {
	o := m.find(of)
	if o == nil {
		m.refuse(of.ID, nil, ReasonNoOrder)
		return
	}
	m.ask(o)
}

func (m *Machine) withdrawAll(s Scope) {
	if m.session == sessionDown || m.folding {
		return
	}
	m.out = append(m.out, Output{Kind: OutMassCancel, scope: s})
}

// newDay begins a trading day. A day order still open without a report of its
// end is in doubt.
func (m *Machine) newDay() {
	m.record(NewDay{})
	m.day++
	for _, o := range m.sweep() {
		if !o.gtc() && !o.closed() && !o.waits() && o.w != wDoneForDay {
			m.doubt(o, doubtNewDay)
		}
	}
}

// crash is R19: what was held is proven unsent, all else may be anywhere.
func (m *Machine) crash() {
	m.session, m.listing, m.listWhole = sessionDown, false, false
	m.lost()
	for _, o := range m.sweep() {
		o.absents = 0
		if o.closed() {
			continue
		}
		m.crashRequests(o)
		if !o.ended() || o.uncertain() {
			m.doubt(o, doubtCrash)
		}
	}
}

func (m *Machine) crashRequests(o *order) {
	for i := 0; i < len(o.reqs); i++ {
		q := &o.reqs[i]
		switch {
		case !q.ev.open():
		case q.kind == kindCancel && q.ev == journalled:
			delete(m.ids, q.id)
			o.reqs = slices.Delete(o.reqs, i, i+1)
			i--
		case q.held && !m.partial:
			m.unsent(Unsent{ID: q.id, Reason: ReasonUnsent})
		default:
			q.ev = unknown
			m.touch(o)
		}
	}
}
