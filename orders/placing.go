package orders

import (
	"errors"
	"slices"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// place is the way from an intent to the journal: identity, R20, gate, record.
// The order leaves when the record is durable, or at once in horizon mode.
func (d *Desk) place(v Place) {
	in := v.Intent
	if id, ok := d.m.ByCause(in.Strategy, in.Cause); ok {
		o, _ := d.m.Order(Ref{ID: id})
		e := eventOf(EventRepeated, o)
		d.tell(e)
		return
	}
	in.ID, in.Account = d.nextID(), d.p.Options.Account
	if in.TTL <= 0 {
		in.TTL = d.p.TTL
	}
	if in.Decided == 0 {
		in.Decided = d.now.Mono
	}
	if why := d.refusesPlace(v, in); why != "" {
		d.refuse(in, why)
		return
	}
	id, ahead := d.nextAhead(v.Held)
	if ahead {
		in.ID = id
	}
	permit, err := d.p.Gate.Check(in, d.now)
	if err != nil {
		d.refuse(in, refusalOf(err))
		return
	}
	d.crash(CrashChecked)
	d.appendIntent(permit, v.Held, ahead)
}

// refusesPlace returns why an intent is refused before the gate is asked, or "".
func (d *Desk) refusesPlace(v Place, in risk.Intent) Reason {
	if v.Alive != nil && v.Alive() != nil {
		return ReasonFenced
	}
	if i := slices.Index(d.early, wish{in.Strategy, in.Cause}); i >= 0 {
		d.early = slices.Delete(d.early, i, i+1)
		return ReasonCancelled
	}
	if in.PostOnly {
		return ReasonUnsupported
	}
	n := newOf(in)
	if why := d.m.RefusesNew(&n); why != "" {
		return why
	}
	if d.p.Log.State() != journal.OK || d.unwitnessed() {
		return ReasonJournal
	}
	return ""
}

// appendIntent journals an order. One whose name was set aside leaves at once, any other when the record is durable.
func (d *Desk) appendIntent(permit risk.Permit, held, ahead bool) {
	in := permit.Intent()
	c := Create{New: newOf(in), Cause: in.Cause, TTL: in.TTL, Held: held}
	lsn, err := d.append(c)
	if err != nil {
		d.p.Gate.Veto(in.ID)
		d.refuse(in, ReasonJournal)
		return
	}
	if d.p.Events.Intent != nil {
		d.p.Events.Intent(&in)
	}
	w := pending{lsn: lsn, id: in.ID, permit: permit, since: d.now.Mono}
	if held {
		d.held[in.ID] = w
	}
	if !ahead {
		d.pending = append(d.pending, w)
	}
	d.step(c)
	d.crash(CrashAppended)
	if ahead {
		d.crash(CrashArmed)
		d.handOver(w)
	}
}

func newOf(in risk.Intent) New {
	return New{
		ID: in.ID, Account: in.Account, Strategy: in.Strategy, Instrument: in.Instrument, Side: in.Side,
		Type: in.Type, TIF: in.TIF, Qty: in.Qty, Price: in.Price, StopPrice: in.StopPrice, Decided: in.Decided,
	}
}

// refusalOf returns the word of a gate's no.
func refusalOf(err error) Reason {
	if r, ok := errors.AsType[risk.Refusal](err); ok {
		return Reason(r.Code)
	}
	return ReasonPermit
}

func (d *Desk) refuse(in risk.Intent, why Reason) {
	d.tell(Event{
		Kind: EventRefused, Request: in.ID, Cause: in.Cause, Strategy: in.Strategy, Instrument: in.Instrument,
		Side: in.Side, Qty: in.Qty, Price: in.Price, Reason: why,
	})
}

func eventOf(k EventKind, o OrderState) Event {
	return Event{
		Kind: k, Status: o.Status, Order: o.ID, OrderID: o.OrderID, Cause: o.Cause, Strategy: o.Strategy,
		Instrument: o.Instrument, Side: o.Side, Qty: o.Total, Cum: o.Cum, Leaves: o.Leaves, Price: o.Limit,
		Reason: o.Reason,
	}
}

// release arms a held order; it leaves when the record of that is durable.
func (d *Desk) release(id market.ClOrdID) {
	w, ok := d.held[id]
	if !ok {
		return
	}
	lsn, err := d.append(Arm{ID: id})
	if err != nil {
		return // it stays held, and is proven unsent by the next restart
	}
	delete(d.held, id)
	d.step(Arm{ID: id})
	w.lsn, w.since = lsn, d.now.Mono
	// It waits for its release alone: let go at its intent, it would be proven unsent by a crash after it has left.
	d.pending = slices.DeleteFunc(d.pending, func(p pending) bool { return p.id == id })
	d.pending = append(d.pending, w)
}

// durable lets every intent leave whose record is on disk, in order, after
// permit, session and age are tested again.
func (d *Desk) durable(lsn journal.LSN) {
	n := 0
	for n < len(d.pending) && d.pending[n].lsn <= lsn {
		n++
	}
	for i := range n {
		w := d.pending[i]
		if d.p.Events.Durable != nil {
			d.p.Events.Durable(w.id, time.Duration(d.now.Mono-w.since))
		}
		if _, held := d.held[w.id]; held {
			d.crash(CrashHeld)
			continue
		}
		d.crash(CrashArmed)
		d.handOver(w)
	}
	d.pending = append(d.pending[:0], d.pending[n:]...)
}

func (d *Desk) handOver(w pending) {
	if d.unwitnessed() {
		d.step(Unsent{ID: w.id, Reason: ReasonJournal})
		return
	}
	if err := w.permit.Test(d.now); err != nil {
		d.step(Unsent{ID: w.id, Reason: refusalOf(err)})
		return
	}
	d.handing = w.permit
	d.step(HandOver{ID: w.id})
	d.handing = risk.Permit{}
}

func (d *Desk) sendNew(n New) {
	d.crash(CrashHanding)
	if err := d.p.Gateway.Place(d.handing, n); err != nil {
		d.todo = append(d.todo, Unsent{ID: n.ID, Reason: ReasonGateway})
		return
	}
	d.crash(CrashHandedOver)
	d.timers = append(d.timers, timer{due: d.now.Mono + int64(d.p.AnswerAfter), id: n.ID})
	if d.p.Events.Sent != nil {
		d.p.Events.Sent(n, d.now)
	}
}
