package orders

// A frame that is lost under good heartbeats is noticed by nobody but by who
// asks. So every order that works is asked for when it has been silent, and one
// of which the venue says nothing when asked is UNKNOWN.

// asked is a question about a silent order.
type asked struct {
	of    Ref
	since int64
}

// silence asks for silent orders, and doubts those that were asked for in vain.
func (d *Desk) silence() {
	if d.m.session != sessionOpen {
		d.asked = d.asked[:0] // every order is in doubt, or will be
		return
	}
	n := 0
	for n < len(d.asked) && d.now.Mono-d.asked[n].since > int64(d.p.AnswerAfter) {
		d.unanswered(d.asked[n])
		n++
	}
	d.asked = append(d.asked[:0], d.asked[n:]...)
	for _, of := range d.m.SilentSince(d.now.Mono - int64(d.p.QuietAfter)) {
		d.m.Asked(of, d.now.Mono-1) // before anything that is heard from now on
		d.silent(of)
	}
}

// silent asks for an order of which nothing was heard for too long. A request
// that the venue only called pending has no answer either, and is UNKNOWN.
func (d *Desk) silent(of Ref) {
	pending := d.m.acknowledged(of)
	for _, id := range pending {
		d.step(Timeout{ID: id})
	}
	if len(pending) == 0 {
		d.step(Quiet{Of: of})
		d.asked = append(d.asked, asked{of: of, since: d.now.Mono - 1})
	}
}

// unanswered is R14: a question without an answer in time is no answer.
func (d *Desk) unanswered(q asked) {
	if d.m.heardSince(q.of, q.since) {
		return
	}
	a := NoAnswer(q.of.ID).About(q.of.ID, q.of.OrderID)
	_, _ = d.append(a) // a verdict of our own: without it a crash doubts the order as well
	d.step(a)
}

// cut notes what works when the link goes down, where the venue is expected to
// cancel it.
func (d *Desk) cut(l Link) {
	if l.Event != LinkLogout || !d.p.CancelOnDisconnect {
		return
	}
	for _, o := range d.m.sweep() {
		if o.leaves() > 0 && !o.waits() {
			d.cutOff[heldID(o.ID, o.oid)] = Ref{ID: o.ID, OrderID: o.oid}
		}
	}
}

// survived tells of an order that works although the venue was expected to
// cancel it, once it is known again.
func (d *Desk) survived(e Event) {
	key := heldID(e.Order, e.OrderID)
	if _, expected := d.cutOff[key]; !expected {
		return
	}
	delete(d.cutOff, key)
	if e.Leaves > 0 && d.p.Events.Survived != nil {
		d.p.Events.Survived(e)
	}
}
