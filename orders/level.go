package orders

import (
	"maps"
	"slices"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// CLOSED is a level and not an edge: whoever closes a scope cancels what is
// known then, but an order may be found, revived or resolved afterwards, and a
// cancel may be refused. So the desk looks again, at each tick and whenever
// something came to light, for as long as the scope is held CLOSED.

// Bounds of how soon the same order is cancelled again: a refusal that repeats
// makes neither a busy loop nor an end of trying (P7).
const (
	cancelAgain     = 100 * time.Millisecond // after the first, doubled each time
	cancelAgainMost = 5 * time.Second
)

// driven is how often an order was withdrawn here, and when it may be again.
type driven struct {
	of    Ref
	tries int
	due   int64
}

func (t driven) after(now int64) driven {
	wait := cancelAgainMost
	if t.tries < 6 {
		wait = min(wait, cancelAgain<<t.tries)
	}
	t.tries, t.due = t.tries+1, now+int64(wait)
	return t
}

// drive withdraws every order that is owed a cancel. While the session is down
// it waits: the logon is followed by a look.
func (d *Desk) drive() {
	if d.m.session == sessionDown || len(d.m.sweep()) == 0 {
		return
	}
	for _, o := range d.m.owed(d.shut()) {
		key := heldID(o.ID, o.oid)
		t := d.driven[key]
		if d.now.Mono < t.due {
			continue
		}
		t.of = Ref{ID: o.ID, OrderID: o.oid}
		d.driven[key] = t.after(d.now.Mono)
		d.doing = "closed"
		d.step(Withdraw{ID: d.nextID(), Of: t.of})
	}
}

// shut returns the scopes that are held CLOSED now.
func (d *Desk) shut() []risk.Scope {
	if d.partial != nil { // who cannot say what the account holds works no order for it
		return []risk.Scope{risk.AccountScope(d.p.Options.Account)}
	}
	if d.p.Closed == nil {
		return nil
	}
	return d.p.Closed(d.now)
}

// forgetDriven drops what was kept of orders that are closed.
func (d *Desk) forgetDriven() {
	maps.DeleteFunc(d.driven, func(_ market.ClOrdID, t driven) bool {
		o := d.m.find(t.of)
		return o == nil || o.closed()
	})
}

// owed returns the orders that could still execute, have no cancel under way,
// and are to have one: all of them within the scopes, and elsewhere those whose
// cancel is proven never to have left. What R16b settles by itself is not among
// the latter.
func (m *Machine) owed(shut []risk.Scope) []*order {
	var out []*order
	for _, o := range m.sweep() {
		if q, _ := o.held(); q == 0 {
			continue
		}
		c := o.openOf(kindCancel)
		under := c != nil && c.ev != unknown
		if !under && (o.recovered || o.within(m.opt.Account, shut) || c == nil && o.closing && !o.again && o.cancelUnsent()) {
			out = append(out, o)
		}
	}
	return out
}

func (o *order) within(account market.Account, scopes []risk.Scope) bool {
	for _, k := range scopes {
		if k.Covers(risk.Scope{Account: string(account), Strategy: o.Strategy, Instrument: o.Instrument.String()}) {
			return true
		}
	}
	return false
}

// cancelUnsent reports whether the newest cancel was refused by our own link.
func (o *order) cancelUnsent() bool {
	for _, q := range slices.Backward(o.reqs) {
		if q.kind == kindCancel {
			return q.ev == unsent
		}
	}
	return false
}
