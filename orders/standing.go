package orders

import (
	"time"

	"github.com/failshut/failshut/risk"
)

// standing is what bears on whether an account may be open, counted so that it
// can be compared with what was said last.
type standing struct {
	lists   uint64 // whole lists of the venue's orders
	changes uint64 // of the set of UNKNOWN orders, and of what the journal cannot explain
	clean   bool
}

// standing returns how the machine stands.
func (m *Machine) standing() standing {
	return standing{lists: m.lists, changes: m.changes, clean: m.unknowns == 0 && m.foreigns == 0}
}

// meet takes up an order that only the venue knows: a difference with a number of its own.
func (m *Machine) meet(o *order) {
	m.strangers++
	o.difference = m.strangers
	m.stranger(true)
}

// stranger counts a live order that only the venue knows, or that it is none any
// more.
func (m *Machine) stranger(live bool) {
	m.changes++
	if live {
		m.foreigns++
		return
	}
	m.foreigns--
}

// report tells risk how the account stands: at each whole list, when the session
// opens, and when that changes afterwards. Before a list nothing was compared.
// What becomes neither clean nor unclean by a change waits for the next tick, so
// that an account that comes back with many orders does not fill the log.
func (d *Desk) report(tick bool) {
	if d.partial != nil || !d.m.listWhole || !d.m.replayEnded() {
		return
	}
	now, said := d.m.standing(), d.said
	compared := d.opened || now.lists != said.lists
	if !compared && (now == said || now.clean == said.clean && !tick) {
		return
	}
	d.said = now
	d.post(d.reconciled(compared))
	if d.opened && d.p.Events.ReconcileDone != nil {
		d.p.Events.ReconcileDone(d.m.foreigns, time.Duration(d.now.Mono-d.linkedAt))
	}
	d.opened = false
}

// reconciled is what the venue's answers and the journal say of each other. An
// order that only the venue knows is a difference. The digest is of a comparison
// and goes over all there ever was, so a change between two of them has none.
func (d *Desk) reconciled(compared bool) risk.Reconciled {
	r := risk.Reconciled{
		Account: d.p.Options.Account, Epoch: d.p.Log.Epoch(), Unknown: d.m.Unknown(), Differences: d.m.Differences(),
	}
	if !compared {
		return r
	}
	digest := d.m.Digest()
	for _, b := range digest[:8] {
		r.Digest = r.Digest<<8 | uint64(b)
	}
	return r
}
