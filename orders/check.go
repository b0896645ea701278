package orders

import "github.com/failshut/failshut/market"

// check is R7: what the report says of the whole order is held against ours.
func (m *Machine) check(o *order, r *Report, c outcome) {
	if c == stopped {
		return
	}
	free := r.Type == ExecCorrect || r.Type == ExecBust || r.Type == ExecRestated && r.Restate == RestateCorporate
	if c == isLate {
		m.flag(FlagLate, o, r.ID)
		return
	}
	if !free && r.Cum < o.greatest {
		if o.cum >= o.greatest {
			o.doubts &^= doubtMissingFill
		}
		m.flag(FlagLate, o, r.ID)
		return
	}
	o.greatest = r.Cum
	if !r.Type.pending() {
		o.worst = sumQty(r.Cum, r.Leaves)
	}
	switch r.Type {
	case ExecNew, ExecTrade, ExecBust, ExecCorrect, ExecRestated, ExecReplaced:
		o.adoptState(r.Status)
	default: // the others say by their type what the order does
	}
	m.checkCum(o, r.ID)
	m.checkTerms(o, r)
	m.checkStatus(o, r)
}

func (m *Machine) checkCum(o *order, id market.ClOrdID) {
	switch {
	case o.cum < o.greatest:
		m.flag(FlagCumGap, o, id)
		m.doubt(o, doubtMissingFill)
		m.ask(o)
	case o.cum > o.greatest:
		m.flag(FlagCumBehind, o, id)
		m.doubt(o, doubtCumBehind)
	default:
		o.doubts &^= doubtMissingFill | doubtCumBehind
	}
}

func (m *Machine) checkTerms(o *order, r *Report) {
	if r.Qty != o.qty && !o.openQty(r.Qty) {
		m.flag(FlagQtyMismatch, o, r.ID)
	}
	if r.Cum <= r.Qty && r.Leaves != r.Qty-r.Cum && (r.Leaves != 0 || !zeroLeaves(r.Status)) {
		m.flag(FlagLeavesMismatch, o, r.ID)
	}
	if r.HasAvg && !sameAvg(r.Avg, o.avg()) {
		m.flag(FlagAvgMismatch, o, r.ID)
	}
	if r.HasDay {
		today := o.today(m.day)
		if r.DayCum != today || r.DayQty != o.qty-(o.cum-today) {
			m.flag(FlagDayMismatch, o, r.ID)
		}
	}
}

func (m *Machine) checkStatus(o *order, r *Report) {
	if o.plain() != r.Status {
		m.flag(FlagStatusMismatch, o, r.ID)
		m.doubt(o, doubtMismatch)
		m.ask(o)
		return
	}
	if !r.PossDup && !r.PossResend && m.session == sessionOpen {
		o.doubts &^= doubtQuiet | doubtMismatch | doubtContradiction
	}
}

// zeroLeaves reports whether a venue that says s may call the rest 0.
func zeroLeaves(s Status) bool {
	return s.reportedEnd() || s == StatusDoneForDay || s == StatusFilled
}

// sameAvg allows for a venue that rounds: half a unit of the last decimal it
// shows, but never more than half a hundredth.
func sameAvg(theirs, ours market.Price) bool {
	unit := market.Price(1)
	for unit < 10_000_000 && theirs%(unit*10) == 0 {
		unit *= 10
	}
	d := theirs - ours
	if d < 0 {
		d = -d
	}
	return d <= unit/2
}
