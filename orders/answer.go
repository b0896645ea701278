package orders

import "github.com/failshut/failshut/market"

// cancelReject is R11.
func (m *Machine) cancelReject(r *CancelReject) {
	o := m.ids[r.ID]
	q := requestNamed(o, r.ID)
	switch {
	case q == nil || q.kind == kindNew:
		m.flag(FlagUnknownRequest, o, r.ID)
		return
	case q.ev == moot:
		return
	case !q.ev.open():
		m.flag(FlagLate, o, r.ID)
		return
	}
	m.touch(o)
	q.ev = rejected
	m.refusedRequest(o, q)
	if r.Status == StatusRejected && r.Reason == ReasonUnknownOrder {
		m.notKnown(o)
		m.ask(o)
		return
	}
	if r.Status == StatusNew || r.Status == StatusPartFilled || r.Status == StatusFilled {
		m.prove(o)
		o.adoptState(r.Status)
	}
	if o.plain() != r.Status {
		m.flag(FlagStatusMismatch, o, r.ID)
		if r.Status == StatusFilled {
			m.doubt(o, doubtMissingFill)
		} else {
			m.doubt(o, doubtMismatch)
		}
		m.ask(o)
		return
	}
	if q.kind == kindCancel {
		m.cancelRefused(o, q, r.Reason)
	}
}

func requestNamed(o *order, id market.ClOrdID) *request {
	if o == nil {
		return nil
	}
	for i := range o.reqs {
		if o.reqs[i].id == id {
			return &o.reqs[i]
		}
	}
	return nil
}

func (m *Machine) refusedRequest(o *order, q *request) {
	k := EventCancelRejected
	if q.kind == kindReplace {
		k = EventReplaceRejected
	}
	m.event(k, o).Request = q.id
}

// notKnown is what a venue's "unknown order" to a request does: an Absent for
// an order never proven, a doubt for any other.
func (m *Machine) notKnown(o *order) {
	n := o.first()
	switch {
	case n == nil || !n.ev.open():
		m.doubt(o, doubtForgot)
	case m.replayEnded():
		m.absent(o)
	default:
		n.ev = unknown
	}
}

// cancelRefused is R16b's first half: whether a refused cancel is sent again.
func (m *Machine) cancelRefused(o *order, q *request, reason int) {
	orig := requestNamed(o, q.orig)
	if reason == ReasonPendingRequest || orig != nil && orig.kind == kindReplace && orig.ev == rejected {
		o.again = o.closing
		return
	}
	o.closing = false
}

// reject is R11 for business and session rejects.
func (m *Machine) reject(id market.ClOrdID) {
	o := m.ids[id]
	q := requestNamed(o, id)
	switch {
	case q == nil:
		m.flag(FlagUnknownRequest, o, id)
		return
	case q.ev == moot:
		return
	case !q.ev.open():
		m.flag(FlagLate, o, id)
		return
	}
	m.touch(o)
	q.ev = rejected
	switch q.kind {
	case kindNew:
		m.end(o, wRejected, ReasonBusiness)
		m.event(EventRejected, o).Reason = ReasonBusiness
	case kindCancel:
		o.closing = false
		m.refusedRequest(o, q)
	default:
		m.refusedRequest(o, q)
	}
}

// timeout is R12.
func (m *Machine) timeout(id market.ClOrdID) {
	o := m.ids[id]
	q := requestNamed(o, id)
	if q == nil || q.ev != sent && q.ev != acked {
		return
	}
	m.record(Timeout{ID: id})
	q.ev = unknown
	m.ask(o)
}

func (m *Machine) replayEnded() bool {
	return m.session == sessionReconciling || m.session == sessionOpen
}

// answer is R13 to R15.
func (m *Machine) answer(a *Answer) {
	o := m.find(Ref{ID: a.id, OrderID: a.oid})
	if o == nil && a.kind == found {
		o = m.whose(&a.report)
	}
	if o == nil {
		return
	}
	m.touch(o)
	o.heard = m.now
	switch {
	case !m.replayEnded() || a.kind == noAnswer:
		if !o.uncertain() && !o.ended() {
			m.doubt(o, doubtQuiet)
		}
	case a.kind == absent:
		m.absent(o)
	case o.phantom && !m.recover(o, &a.report):
	default:
		m.found(o, &a.report)
	}
}

// absent is R13.
func (m *Machine) absent(o *order) {
	if o.ended() {
		return
	}
	n := o.first()
	unproven := n != nil && n.ev.open()
	if unproven {
		n.ev = unknown
	} else {
		m.doubt(o, doubtForgot)
	}
	m.touch(o)
	if o.absents > 0 && m.now-o.absentAt < int64(m.opt.AbsentSpacing) {
		return
	}
	o.absents++
	o.absentAt = m.now
	if !o.phantom {
		m.event(EventAbsent, o)
	}
	if int(o.absents) < m.opt.AbsentNeeded {
		return
	}
	o.doubts = 0
	if o.phantom {
		n.ev = gone
		m.end(o, wRejected, ReasonAbsent)
		return
	}
	if unproven {
		n.ev = gone
		m.end(o, wRejected, ReasonAbsent)
		m.event(EventRejected, o).Reason = ReasonAbsent
		return
	}
	m.flag(FlagClosedByAbsence, o, "")
	m.end(o, wCanceled, ReasonAbsent)
	m.event(EventCancelled, o).Reason = ReasonAbsent
}

// found is R15.
func (m *Machine) found(o *order, r *Report) {
	o.absents = 0
	if m.listing && o.named != m.round { // one that comes twice stands for no other
		o.named = m.round
		m.answers++
	}
	m.foundNew(o, r.Status)
	if o.ended() && r.Status.reportedOpen() {
		m.flag(FlagIllegalArc, o, r.ID)
		o.w, o.why = wWorking, ""
	}
	m.foundRequests(o, r)
	o.doubts = 0
	switch {
	case r.Cum > o.cum:
		m.synthesise(o, r)
	case r.Cum < o.cum:
		m.flag(FlagCumBehind, o, r.ID)
		m.doubt(o, doubtCumBehind)
	}
	o.greatest = max(o.greatest, r.Cum)
	o.worst = sumQty(r.Cum, r.Leaves)
	m.foundState(o, r.Status)
	m.loseUnknown(o)
	if r.Qty != o.qty && !o.openQty(r.Qty) && !o.ended() {
		m.flag(FlagQtyMismatch, o, r.ID)
		o.qty = r.Qty
	}
	if o.closing {
		o.again = true
	}
}

func (m *Machine) foundNew(o *order, s Status) {
	n := o.first()
	if n == nil || s == StatusRejected {
		return
	}
	if n.ev == gone || n.ev == unsent {
		m.revive(o, n)
	}
	switch {
	case !n.ev.open():
	case s == StatusPendingNew:
		n.ev = acked
	default:
		m.prove(o)
	}
}

// foundRequests reads out of the answer what became of cancels and replaces
// without one.
func (m *Machine) foundRequests(o *order, r *Report) {
	for i := range o.reqs {
		q := &o.reqs[i]
		own := r.ID == q.id || o.movedTo(q, r)
		if q.kind == kindReplace && q.ev == unknown && own && r.Status != StatusPendingReplace {
			q.ev, o.qty, o.px = accepted, q.qty, q.px
			m.event(EventReplaced, o).Request = q.id
		}
	}
	if r.Price != 0 && !o.ended() {
		o.px = r.Price
	}
	k := kindCancel
	switch r.Status {
	case StatusPendingCancel:
	case StatusPendingReplace:
		k = kindReplace
	default:
		return
	}
	for i := range o.reqs {
		if q := &o.reqs[i]; q.kind == k && (q.ev == unknown || q.ev == sent) {
			q.ev = acked
		}
	}
}

// movedTo reports whether an answer shows the terms of a replace, and not those
// in force: a venue may name the order by the id that it was asked for.
func (o *order) movedTo(q *request, r *Report) bool {
	fits := r.Qty == q.qty && (r.Price == 0 || r.Price == q.px)
	return fits && (q.qty != o.qty || r.Price != 0 && q.px != o.px)
}

func (m *Machine) foundState(o *order, s Status) {
	w, k := wCanceled, EventCancelled
	switch s {
	case StatusCanceled:
	case StatusExpired:
		w, k = wExpired, EventExpired
	case StatusRejected:
		w, k = wRejected, EventRejected
	default:
		o.adoptState(s)
		return
	}
	if o.w == w {
		return
	}
	m.end(o, w, ReasonFound)
	m.event(k, o).Reason = ReasonFound
}

func (m *Machine) loseUnknown(o *order) {
	for i := range o.reqs {
		q := &o.reqs[i]
		if q.ev != unknown || q.kind == kindNew {
			continue
		}
		q.ev = lost
		k := EventCancelLost
		if q.kind == kindReplace {
			k = EventReplaceLost
		}
		m.event(k, o).Request = q.id
	}
}
