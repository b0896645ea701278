package orders

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// Where orders leave ahead of the disk (horizon mode), a crash may take the record of an order that is at the venue. What it
// cannot take is the name: ids are set aside in blocks, each durable before the first of its ids is used. So a next life
// knows every id that may be out there. Those of which its journal knows nothing are UNKNOWN, used or not, and the venue is
// asked for each of them before anything opens. How large such an order is nobody knows: the capacity of the life that is over
// stays charged, whole, until the account is reconciled (risk).

// Reserve sets the ids from From to To aside for orders. Done ends that: each of them that was used has its intent before this record.
type Reserve struct {
	From, To market.ClOrdID
	Done     bool
}

func (Reserve) input() {}

// block is a reserve that is not done.
type block struct {
	group    string
	epoch    uint32
	from, to uint64 // both included
}

// blockMost bounds the ids of one block: what a crash leaves to ask for is at most two of them.
const blockMost = 1 << 16

// blockOf reads a reserve; ok is false for one that no desk makes.
func blockOf(r Reserve) (b block, ok bool) {
	group, epoch, from, okFrom := ParseID(r.From)
	groupTo, epochTo, to, okTo := ParseID(r.To)
	ok = okFrom && okTo && group == groupTo && epoch == epochTo && from <= to && to-from < blockMost
	return block{group: group, epoch: epoch, from: from, to: to}, ok
}

func (m *Machine) reserve(r Reserve) {
	b, ok := blockOf(r)
	switch at := slices.Index(m.blocks, b); {
	case !ok:
	case r.Done && at >= 0:
		m.blocks = slices.Delete(m.blocks, at, at+1)
	case !r.Done && at < 0:
		m.blocks = append(m.blocks, b)
	}
}

// lost takes up every id of former lives whose order the journal may lack. A life whose own records are still being written
// has lost none: whoever follows within it has waited for them all.
func (m *Machine) lost() {
	m.blocks = slices.DeleteFunc(m.blocks, func(b block) bool {
		if b.epoch == m.epoch {
			return false
		}
		for seq := b.from; seq <= b.to; seq++ {
			id, err := MakeID(b.group, b.epoch, seq)
			if err == nil && m.ids[id] == nil {
				m.phantom(id)
			}
		}
		return true
	})
}

// phantom makes an order of which nothing is known but its name. Nobody hears of it, and it is charged by nobody, until the
// venue says that it is there.
func (m *Machine) phantom(id market.ClOrdID) {
	o := &order{New: New{ID: id, Account: m.opt.Account}, w: wSent, round: m.round, phantom: true}
	o.reqs = append(o.reqs, request{id: id, kind: kindNew, ev: unknown})
	m.add(o)
	m.ids[id] = o
	m.phantoms++
	m.touch(o)
}

// recover takes what the venue says of a phantom: an order with the venue's terms, of no strategy, which is withdrawn. It reports
// whether that could be done: a report that names no instrument, or that refuses the id as one it had before, proves nothing.
func (m *Machine) recover(o *order, r *Report) bool {
	dup := r.Type == ExecRejected && (r.Status != StatusRejected || r.Reason == ReasonDuplicateID)
	if dup || !r.Instrument.Valid() || !r.Side.Valid() {
		return false
	}
	o.Instrument, o.Side, o.Type, o.TIF = r.Instrument, r.Side, market.Limit, market.GTC
	o.Qty, o.Price, o.qty, o.px, o.paper = r.Qty, r.Price, r.Qty, r.Price, r.Paper
	o.phantom, o.foreign, o.recovered = false, true, true
	if r.OrderID != "" && o.oid == "" {
		o.oid = r.OrderID
		m.oids[r.OrderID] = o
	}
	m.phantoms--
	o.toldClosed = false
	if !o.listed {
		o.listed = true
		m.live = append(m.live, o)
	}
	m.meet(o)
	if o.toldUnknown {
		m.unknown[market.Instrument{}]--
		m.unknown[o.Instrument]++
	}
	m.flag(FlagForeignOrder, o, r.ID)
	if o.toldUnknown {
		m.event(EventUnknown, o)
	}
	return true
}

// forget drops the phantoms once the last of them is known not to be: nothing speaks of them any more. The venue's word of one,
// should it ever come, makes a foreign order as that of any other stranger.
func (m *Machine) forget() {
	if m.phantoms == 0 || slices.ContainsFunc(m.sweep(), func(o *order) bool { return o.phantom }) {
		return
	}
	m.orders = slices.DeleteFunc(m.orders, func(o *order) bool {
		if o.phantom {
			delete(m.ids, o.ID)
		}
		return o.phantom
	})
	m.phantoms = 0
}

// Reserved returns how many ids of a former life are looked up at the venue. Each of them counts in Unknown.
func (m *Machine) Reserved() (n int) {
	if m.phantoms == 0 {
		return 0
	}
	for _, o := range m.sweep() {
		if o.phantom {
			n++
		}
	}
	return n
}
