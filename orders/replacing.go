package orders

import (
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// replace is the way from other terms of an order to the journal: R17, gate,
// record. Like a new order it leaves when the record is durable, and never
// again.
func (d *Desk) replace(v ReplaceOrder) {
	of := Ref{ID: v.ID, OrderID: v.OrderID}
	if of == (Ref{}) {
		of.ID, _ = d.m.ByCause(v.Strategy, v.Of)
	}
	c := Change{ID: d.nextID(), Of: of, Qty: v.Qty, Price: v.Price, Cause: v.Cause}
	o := d.m.find(of)
	if o != nil {
		if _, seen := d.m.ByCause(o.Strategy, v.Cause); seen {
			d.tell(d.m.describe(EventRepeated, o, ""))
			return
		}
	}
	if why := d.refusesReplace(v, o, &c); why != "" {
		d.refuseChange(o, &c, why)
		return
	}
	permit, err := d.p.Gate.Check(d.amendment(v, o, &c), d.now)
	if err != nil {
		d.refuseChange(o, &c, refusalOf(err))
		return
	}
	d.crash(CrashChecked)
	d.appendChange(permit, o, c)
}

// refusesReplace returns why a replace is refused before the gate is asked, or "".
func (d *Desk) refusesReplace(v ReplaceOrder, o *order, c *Change) Reason {
	switch {
	case v.Alive != nil && v.Alive() != nil:
		return ReasonFenced
	case v.Qty < 0 || v.Price < 0 || v.TTL < 0:
		return ReasonInvalid
	}
	if why := d.m.RefusesChange(c); why != "" {
		return why
	}
	switch {
	case o.Type != market.Limit, o.isHeld():
		return ReasonUnsupported // a Replace has no stop price, and nothing of what is held has left
	case d.p.Log.State() != journal.OK || d.unwitnessed():
		return ReasonJournal
	default:
		return ""
	}
}

// isHeld reports whether the order waits for its release.
func (o *order) isHeld() bool { return o.waits() && o.first().held }

// amendment is what the gate judges: the new terms whole, and of the order what
// it needs to tell what they add. It sets the Instant of R21.
func (d *Desk) amendment(v ReplaceOrder, o *order, c *Change) risk.Intent {
	in := risk.Intent{
		ID: c.ID, Cause: c.Cause, Account: d.p.Options.Account, Strategy: o.Strategy, Instrument: o.Instrument, Side: o.Side,
		Type: o.Type, TIF: o.TIF, Qty: c.Qty, Price: c.Price, Confirm: v.Confirm, TTL: v.TTL, Decided: v.Decided,
	}
	qty, px := o.terms()
	if in.Qty == 0 {
		in.Qty = qty
	}
	if in.Price == 0 {
		in.Price = px
	}
	in.TTL = orDefault(in.TTL, d.p.TTL)
	if in.Decided == 0 {
		in.Decided = d.now.Mono
	}
	c.Due = in.Decided + int64(in.TTL)
	_, worst := o.held()
	in.Amends = risk.Amends{Order: heldID(o.ID, o.oid), Done: o.cum, Price: worst}
	return in
}

func (d *Desk) appendChange(permit risk.Permit, o *order, c Change) {
	lsn, err := d.append(c)
	if err != nil {
		d.p.Gate.Veto(c.ID)
		d.p.Gate.Hold(o.heldNow()) // without what the new terms had added
		d.refuseChange(o, &c, ReasonJournal)
		return
	}
	if d.p.Events.Intent != nil {
		in := permit.Intent()
		d.p.Events.Intent(&in)
	}
	d.pending = append(d.pending, pending{lsn: lsn, id: c.ID, permit: permit, since: d.now.Mono})
	d.step(c)
	d.crash(CrashAppended)
}

// refuseChange tells a refusal as the machine's own are told.
func (d *Desk) refuseChange(o *order, c *Change, why Reason) {
	e := d.m.describe(EventRefused, o, c.ID)
	e.Reason, e.Cause = why, c.Cause
	d.tell(e)
}

func (d *Desk) sendReplace(r Replace) {
	d.crash(CrashHanding)
	if err := d.p.Gateway.Replace(d.handing, r); err != nil {
		d.todo = append(d.todo, Unsent{ID: r.ID, Reason: ReasonGateway})
		return
	}
	d.crash(CrashHandedOver)
	d.timers = append(d.timers, timer{due: d.now.Mono + int64(d.p.AnswerAfter), id: r.ID})
}
