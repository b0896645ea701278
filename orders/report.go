package orders

import "github.com/failshut/failshut/market"

// outcome says how a report went on after R3.
type outcome uint8

const (
	fits    outcome = iota // R7 judges it
	isLate                 // it fits no more
	stopped                // nothing further is to be read from it
)

// report applies an execution report.
func (m *Machine) report(r *Report) {
	if r.Type == ExecStatus {
		a := Found(*r)
		m.answer(&a)
		return
	}
	if m.seen(r) {
		return
	}
	o := m.whose(r)
	if o == nil {
		return
	}
	m.touch(o)
	o.heard = m.now
	if o.phantom && !m.recover(o, r) {
		m.flag(FlagDupClOrdID, nil, r.ID)
		m.ask(o)
		return
	}
	if r.OrderID != "" && o.oid == "" {
		o.oid = r.OrderID
		m.oids[r.OrderID] = o
	}
	if r.Orig != "" && m.ids[r.Orig] != o {
		m.flag(FlagOrigMismatch, o, r.ID)
	}
	m.check(o, r, m.apply(o, r))
}

// seen is R1.
func (m *Machine) seen(r *Report) bool {
	if r.ExecID == "" {
		return false
	}
	k := m.execKey(r.ExecID, r.Instrument)
	if o, dup := m.execs[k]; dup {
		m.flag(FlagDupExec, o, r.ID)
		return true
	}
	o := m.find(Ref{ID: r.ID, OrderID: r.OrderID})
	if o != nil && o.phantom {
		o = nil // it may yet be forgotten
	}
	m.execs[k] = o
	return false
}

func (m *Machine) execKey(id string, sym market.Instrument) execKey {
	switch m.opt.ExecKey {
	case ExecBySymbol:
		return execKey{id: id, sym: sym}
	case ExecBySymbolDay:
		return execKey{id: id, sym: sym, day: m.day}
	default:
		return execKey{id: id}
	}
}

// whose is R2; nil when the report is nobody's and makes no order.
func (m *Machine) whose(r *Report) *order {
	o := m.find(Ref{ID: r.ID})
	if o == nil {
		o = m.find(Ref{ID: r.Orig, OrderID: r.OrderID})
	}
	if o != nil {
		return o
	}
	if r.Status == StatusRejected {
		m.flag(FlagUnknownOrder, nil, r.ID)
		return nil
	}
	return m.adopt(r)
}

// adopt makes a foreign order of a report that is nobody's.
func (m *Machine) adopt(r *Report) *order {
	o := &order{
		New: New{
			ID: r.ID, Account: m.opt.Account, Instrument: r.Instrument, Side: r.Side, Type: market.Limit,
			TIF: market.GTC, Qty: r.Qty, Price: r.Price,
		},
		oid: r.OrderID, qty: r.Qty, px: r.Price, w: wWorking, foreign: true, round: m.round, paper: r.Paper,
	}
	m.add(o)
	m.meet(o)
	if r.ID != "" {
		m.ids[r.ID] = o
	}
	if r.OrderID != "" {
		m.oids[r.OrderID] = o
	}
	m.touch(o)
	m.flag(FlagForeignOrder, o, r.ID)
	return o
}

// apply is R9, then R3.
func (m *Machine) apply(o *order, r *Report) outcome {
	if o.ended() && !m.afterEnd(o, r) {
		return stopped
	}
	switch r.Type {
	case ExecPendingNew:
		return m.pendingNew(o)
	case ExecNew:
		return m.newReport(o)
	case ExecPendingCancel:
		return m.pendingRequest(o, r, kindCancel)
	case ExecPendingReplace:
		return m.pendingRequest(o, r, kindReplace)
	case ExecCanceled, ExecExpired:
		return m.endReport(o, r)
	case ExecRejected:
		return m.rejectReport(o, r)
	case ExecReplaced:
		return m.replaced(o, r)
	case ExecRestated:
		return m.restated(o, r)
	case ExecStopped, ExecSuspended, ExecDoneForDay, ExecCalculated:
		return m.state(o, r.Type)
	case ExecTrade:
		return m.trade(o, r)
	case ExecCorrect, ExecBust:
		return m.correct(o, r)
	default:
		return stopped
	}
}

// afterEnd is R9; false stops the report.
func (m *Machine) afterEnd(o *order, r *Report) bool {
	n := o.first()
	if n != nil && (n.ev == gone || n.ev == unsent) && r.Type != ExecRejected {
		m.revive(o, n)
		return true
	}
	switch r.Type {
	case ExecReplaced, ExecRestated, ExecDoneForDay, ExecSuspended, ExecStopped, ExecCalculated:
		m.flag(FlagIllegalArc, o, r.ID)
		o.worst = max(o.worst, sumQty(r.Cum, r.Leaves))
		m.doubt(o, doubtContradiction)
		m.ask(o)
		return false
	default:
		return true
	}
}

// revive opens an order again that had ended without evidence of the venue.
func (m *Machine) revive(o *order, n *request) {
	m.flag(FlagRevived, o, "")
	o.w, o.why, n.ev = wWorking, "", sent
}

func (m *Machine) pendingNew(o *order) outcome {
	n := o.first()
	if n == nil || !n.ev.open() {
		return isLate
	}
	n.ev = acked
	m.event(EventPending, o)
	return fits
}

func (m *Machine) newReport(o *order) outcome {
	n := o.first()
	switch {
	case n != nil && n.ev.open():
		o.w = wWorking
		m.prove(o)
	case n == nil && !o.ended():
		if o.w == wSuspended {
			o.w = wWorking
		}
		m.event(EventAccepted, o)
	case o.w == wSuspended:
		o.w = wWorking
	default:
		return isLate
	}
	return fits
}

// prove counts the order as accepted, if that was still open.
func (m *Machine) prove(o *order) {
	n := o.first()
	if n == nil || !n.ev.open() {
		return
	}
	n.ev = accepted
	if o.w == wSent {
		o.w = wWorking
	}
	m.event(EventAccepted, o)
}

func (m *Machine) pendingRequest(o *order, r *Report, k requestKind) outcome {
	q := o.requestOf(r.ID, k)
	if q == nil {
		m.flag(FlagUnknownRequest, o, r.ID)
		return stopped
	}
	if !q.ev.open() {
		return isLate
	}
	q.ev = acked
	m.prove(o)
	m.event(EventPending, o).Request = r.ID
	return fits
}

func (m *Machine) endReport(o *order, r *Report) outcome {
	if o.ended() {
		return isLate
	}
	o.doubts = 0
	if r.Type == ExecExpired {
		m.end(o, wExpired, ReasonNone)
		m.event(EventExpired, o).Reason = ReasonNone
		return fits
	}
	why := ReasonUnsolicited
	if c := o.requestOf(r.ID, kindCancel); c != nil {
		c.ev, why = accepted, ReasonNone
	}
	m.end(o, wCanceled, why)
	m.event(EventCancelled, o).Reason = why
	return fits
}

// end ends the order: the New counts as accepted (rejected with REJ) if it was
// still open, every other open request is moot.
func (m *Machine) end(o *order, w working, why Reason) {
	o.w, o.why, o.again = w, why, false
	m.endRequests(o, w == wRejected)
	m.touch(o)
}

// endRequests leaves no request of an order open that is over.
func (m *Machine) endRequests(o *order, refused bool) {
	for i := range o.reqs {
		q := &o.reqs[i]
		switch {
		case !q.ev.open():
		case q.kind != kindNew:
			q.ev = moot
		case refused:
			q.ev = rejected
		default:
			q.ev = accepted
		}
	}
}

func (m *Machine) rejectReport(o *order, r *Report) outcome {
	if r.Status != StatusRejected || r.Reason == ReasonDuplicateID {
		m.flag(FlagDupClOrdID, o, r.ID)
		if n := o.first(); n != nil && n.ev.open() {
			n.ev = unknown
			m.ask(o)
		}
		return stopped
	}
	if o.cum > 0 || o.ended() {
		m.flag(FlagIllegalArc, o, r.ID)
	}
	o.doubts = 0
	m.end(o, wRejected, ReasonVenue)
	m.event(EventRejected, o).Reason = ReasonVenue
	return fits
}

func (m *Machine) replaced(o *order, r *Report) outcome {
	q := o.requestOf(r.ID, kindReplace)
	switch {
	case q == nil:
		m.flag(FlagUnknownRequest, o, r.ID)
		m.joinChain(o, r)
	case q.ev == moot || q.ev == accepted:
		return isLate
	case o.overtaken(q):
		q.ev = accepted
		o.worst = max(o.worst, sumQty(r.Cum, r.Leaves))
		return isLate
	default:
		if !q.ev.open() {
			m.flag(FlagRevived, o, r.ID)
		}
		if r.Qty != q.qty && r.Qty != o.cum {
			m.flag(FlagQtyMismatch, o, r.ID)
		}
		q.ev, o.px = accepted, q.px
	}
	m.prove(o)
	o.qty, o.w = r.Qty, wWorking
	m.event(EventReplaced, o).Request = r.ID
	return fits
}

// overtaken reports whether a later replace than q is in force: the terms of q
// have been given up since, whatever order the venue's word came in.
func (o *order) overtaken(q *request) bool {
	for i := len(o.reqs) - 1; i >= 0 && &o.reqs[i] != q; i-- {
		if o.reqs[i].kind == kindReplace && o.reqs[i].ev == accepted {
			return true
		}
	}
	return false
}

// joinChain takes the terms of a replace that is not ours; its id is the
// order's from now on, for the venue will name no other.
func (m *Machine) joinChain(o *order, r *Report) {
	if r.Price != 0 {
		o.px = r.Price
	}
	if r.ID != "" && m.ids[r.ID] == nil {
		o.reqs = append(o.reqs, request{id: r.ID, orig: r.Orig, kind: kindReplace, ev: accepted, qty: r.Qty, px: o.px})
		m.ids[r.ID] = o
	}
}

func (m *Machine) restated(o *order, r *Report) outcome {
	m.prove(o)
	if r.Restate == RestateCorporate {
		m.rescale(o, r)
	}
	o.qty = r.Qty
	if r.Price != 0 {
		o.px = r.Price
	}
	m.event(EventRestated, o)
	return fits
}

func (m *Machine) state(o *order, t ExecType) outcome {
	m.prove(o)
	switch t {
	case ExecStopped:
		o.w = wStopped
		m.event(EventStopped, o)
	case ExecSuspended:
		o.w = wSuspended
		m.event(EventSuspended, o)
	case ExecDoneForDay:
		o.w = wDoneForDay
		m.event(EventDoneForDay, o)
	default:
		o.w = wCalculated
		m.event(EventCalculated, o)
	}
	return fits
}

// adoptState is R8.
func (o *order) adoptState(s Status) {
	if o.ended() {
		return
	}
	switch s {
	case StatusNew, StatusPartFilled:
		o.w = wWorking
	case StatusFilled:
		if o.w != wDoneForDay {
			o.w = wWorking
		}
	case StatusStopped:
		o.w = wStopped
	case StatusSuspended:
		o.w = wSuspended
	case StatusDoneForDay:
		o.w = wDoneForDay
	case StatusCalculated:
		o.w = wCalculated
	case StatusPendingCancel, StatusPendingReplace:
		if o.w == wSent {
			o.w = wWorking
		}
	default: // an end needs a report of its own
	}
}
