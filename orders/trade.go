package orders

import (
	"math"

	"github.com/failshut/failshut/market"
)

// trade is R4 for a fill.
func (m *Machine) trade(o *order, r *Report) outcome {
	m.prove(o)
	if o.w == wSent {
		o.w = wWorking
	}
	if o.ended() {
		m.flag(FlagFillAfterClose, o, r.ID)
	}
	q, px := r.LastQty, r.LastPx
	if q <= 0 {
		return fits
	}
	i, late := len(o.execs), false
	m.executed++
	o.execs = append(o.execs, execution{id: r.ExecID, nth: m.executed, qty: q, px: px, day: m.day})
	if len(o.parked) > 0 {
		late = m.parkedFor(o, i)
	}
	e := &o.execs[i]
	if !e.gone && e.qty > math.MaxInt64-max(0, o.cum) {
		m.flag(FlagOverfill, o, r.ID)
		m.doubt(o, doubtMismatch)
		m.ask(o)
		o.execs = o.execs[:i]
		return stopped
	}
	if !e.gone {
		net := m.useSynthetic(o, e.qty)
		o.cost.add(e.qty, e.px)
		m.moved(o, net, e.px, r.ExecID, EventFill)
	}
	if o.cum > o.qty {
		m.flag(FlagOverfill, o, r.ID)
	}
	if late {
		return isLate
	}
	return fits
}

// useSynthetic takes q out of the quantity that R10 made up, and returns how
// much of q is new.
func (m *Machine) useSynthetic(o *order, q market.Qty) market.Qty {
	for i := range o.execs {
		if o.synthetic == 0 || q == 0 {
			break
		}
		e := &o.execs[i]
		if !e.synthetic || e.gone {
			continue
		}
		o.edited = m.watched
		use := min(e.qty, q)
		o.cost.add(-use, e.px)
		e.qty -= use
		e.gone = e.qty == 0
		o.synthetic -= use
		q -= use
	}
	return q
}

// moved books a change of the executed quantity and tells it; what is told it
// returns. The cost is the caller's.
func (m *Machine) moved(o *order, net market.Qty, px market.Price, exec string, k EventKind) *Event {
	o.cum += net
	if net != 0 {
		m.pos[o.Instrument] = sumQty(m.pos[o.Instrument], net*market.Qty(o.Side.Sign()))
	}
	if net == 0 && k == EventFill {
		return &Event{} // a report of what was counted before: nobody is told
	}
	m.out = append(m.out, Output{Kind: OutExecute, Event: m.describe(k, o, "")})
	x := &m.out[len(m.out)-1].Event
	x.Exec, x.LastQty, x.LastPx = exec, net, px
	if k == EventRestated {
		return x
	}
	e := m.event(k, o)
	e.Exec, e.LastQty, e.LastPx = exec, net, px
	return e
}

// correct is R4 for a bust or a correction.
func (m *Machine) correct(o *order, r *Report) outcome {
	c := correction{id: r.ExecID, ref: r.ExecRef, qty: r.LastQty, px: r.LastPx, bust: r.Type == ExecBust}
	i := o.execIndex(r.ExecRef)
	if i < 0 || r.ExecRef == "" {
		m.flag(FlagUnknownRef, o, r.ID)
		o.parked = append(o.parked, c)
		return stopped
	}
	if o.execs[i].gone {
		m.flag(FlagDupBust, o, r.ID)
		return stopped
	}
	o.greatest = r.Cum
	m.amend(o, i, c)
	late := false
	for j := m.parkedOf(o, i); j >= 0 && !o.execs[i].gone; j = m.parkedOf(o, i) {
		p := o.parked[j]
		o.parked = append(o.parked[:j], o.parked[j+1:]...)
		m.amend(o, i, p)
		late = true
	}
	if o.cum > o.qty {
		m.flag(FlagOverfill, o, r.ID)
	}
	if late {
		return isLate
	}
	return fits
}

// amend carries out a bust or correction on execution i, which is live.
func (m *Machine) amend(o *order, i int, c correction) {
	e := &o.execs[i]
	o.edited = m.watched
	was, wasPx := e.qty, e.px
	if c.bust {
		e.gone = true
		o.cost.add(-was, wasPx)
		m.moved(o, -was, wasPx, c.ref, EventBusted).Ref = e.id
		return
	}
	px := c.px
	if px == 0 {
		px = wasPx
	}
	q := max(0, c.qty)
	if q > math.MaxInt64-max(0, o.cum-was) {
		m.flag(FlagOverfill, o, "")
		m.doubt(o, doubtMismatch)
		m.ask(o)
		return
	}
	o.cost.add(-was, wasPx)
	o.cost.add(q, px)
	e.qty, e.px = q, px
	o.aliases = append(o.aliases, alias{id: c.id, idx: i})
	m.moved(o, q-was, px, c.id, EventCorrected).Ref = e.id
}

// parkedOf returns the index of a parked correction of execution i, or -1.
func (m *Machine) parkedOf(o *order, i int) int {
	for j := range o.parked {
		if o.execIndex(o.parked[j].ref) == i {
			return j
		}
	}
	return -1
}

// parkedFor applies what came before its execution i, which is not counted
// yet, and reports whether there was anything.
func (m *Machine) parkedFor(o *order, i int) bool {
	found := false
	for j := m.parkedOf(o, i); j >= 0; j = m.parkedOf(o, i) {
		c := o.parked[j]
		o.parked = append(o.parked[:j], o.parked[j+1:]...)
		found = true
		e := &o.execs[i]
		if c.bust {
			e.gone = true
			continue
		}
		if e.qty = max(0, c.qty); c.px != 0 {
			e.px = c.px
		}
		o.aliases = append(o.aliases, alias{id: c.id, idx: i})
	}
	return found
}

// synthesise is R10: the quantity that an answer knows and we do not.
func (m *Machine) synthesise(o *order, r *Report) {
	q := r.Cum - o.cum
	px := o.px
	if r.HasAvg && r.Avg != 0 {
		px = impliedPrice(o, r, q)
	}
	m.makeUp(o, q, px)
}

// makeUp books a quantity that is said to have executed, and of which no report has come. Its id is a function of the facts.
func (m *Machine) makeUp(o *order, q market.Qty, px market.Price) {
	cum := (o.cum + q).String()
	id := "SYN/" + string(o.ID) + "/" + cum
	if o.ID == "" {
		id = "SYN/@" + o.oid + "/" + cum
	}
	m.flag(FlagSyntheticFill, o, "")
	m.executed++
	o.execs = append(o.execs, execution{id: id, nth: m.executed, qty: q, px: px, day: m.day, synthetic: true})
	o.synthetic += q
	o.cost.add(q, px)
	m.moved(o, q, px, id, EventFill)
}

// impliedPrice is the price of the missing q that makes our average the
// answer's.
func impliedPrice(o *order, r *Report, q market.Qty) market.Price {
	rest := product{}
	rest.add(r.Cum, r.Avg)
	for i := range o.execs {
		if e := &o.execs[i]; !e.gone {
			rest.add(-e.qty, e.px)
		}
	}
	if px := rest.div(q); px > 0 {
		return px
	}
	return r.Avg
}

// rescale is the corporate half of RST: executions follow the ratio of cum,
// prices inversely, positions follow.
func (m *Machine) rescale(o *order, r *Report) {
	was := o.cum
	o.greatest = r.Cum
	if was <= 0 || r.Cum < 0 {
		return
	}
	o.edited = m.watched
	left := r.Cum
	last := -1
	o.cost = product{}
	for i := range o.execs {
		e := &o.execs[i]
		if e.gone || e.qty == 0 {
			continue
		}
		q, okQ := scale(int64(e.qty), int64(r.Cum), int64(was))
		p, okP := scale(int64(e.px), int64(was), int64(r.Cum))
		if okQ {
			e.qty = market.Qty(q)
		}
		if okP {
			e.px = market.Price(p)
		}
		left -= e.qty
		last = i
	}
	if last >= 0 {
		o.execs[last].qty += left // roundings go to the newest, so that the sum is the venue's
	}
	o.synthetic = 0
	for i := range o.execs {
		if e := &o.execs[i]; !e.gone {
			o.cost.add(e.qty, e.px)
			if e.synthetic {
				o.synthetic += e.qty
			}
		}
	}
	m.moved(o, r.Cum-was, 0, "RST/"+r.ExecID, EventRestated)
}
