package orders

import (
	"slices"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
)

// Horizon mode: an order leaves as soon as its intent is in the queue of the journal, under a name of a block that is on the
// disk (see reserve.go). What would be in doubt if it left ahead still waits for the disk: an order that is held, since only
// its record proves that it was never sent, and a replace, since it has to find its order after a crash. So does any order while
// no block is durable.

// ahead is a block that this desk set aside.
type ahead struct {
	Reserve
	next, last uint64
	lsn        journal.LSN // of its record
}

// nextAhead takes the next name that is set aside; ok is false if the order has to wait for the disk.
func (d *Desk) nextAhead(held bool) (id market.ClOrdID, ok bool) {
	if d.p.Block == 0 || held {
		return "", false
	}
	for len(d.blocks) > 0 && d.blocks[0].next > d.blocks[0].last { // whatever was used of it has its record by now
		d.done(d.blocks[0].Reserve)
		d.blocks = append(d.blocks[:0], d.blocks[1:]...)
	}
	d.setAside()
	if len(d.blocks) == 0 || d.blocks[0].lsn > d.p.Log.Watermark() {
		return "", false
	}
	b := &d.blocks[0]
	id, err := MakeID(d.p.Log.Group(), d.p.Log.Epoch(), b.next)
	b.next++
	return id, err == nil
}

// setAside has the next block on its way to the disk when half of one is left.
func (d *Desk) setAside() {
	size := uint64(min(d.p.Block, blockMost))
	left := uint64(0)
	for i := range d.blocks {
		left += d.blocks[i].last + 1 - d.blocks[i].next
	}
	if size == 0 || left > size/2 || d.p.Log.State() != journal.OK {
		return
	}
	first := d.p.Log.NextBlock(size)
	b := ahead{next: first, last: first + size - 1}
	var errFrom, errTo error
	b.From, errFrom = MakeID(d.p.Log.Group(), d.p.Log.Epoch(), b.next)
	b.To, errTo = MakeID(d.p.Log.Group(), d.p.Log.Epoch(), b.last)
	if errFrom != nil || errTo != nil {
		return // the numbers are used up, which every request refuses
	}
	lsn, err := d.append(b.Reserve)
	if err != nil {
		return // a full queue: the next order asks again
	}
	b.lsn = lsn
	d.blocks = append(d.blocks, b)
	d.step(b.Reserve)
}

// done says that no order without a record has a name of the block: all of them are in front of this one. It is not said where
// the journal takes no record; the names are looked up then.
func (d *Desk) done(r Reserve) {
	r.Done = true
	if _, err := d.append(r); err == nil {
		d.step(r)
	}
}

// inherit ends the blocks of an owner before this one in the same process: what it appended has been waited for.
func (d *Desk) inherit() {
	for _, b := range slices.Clone(d.m.blocks) {
		from, errFrom := MakeID(b.group, b.epoch, b.from)
		to, errTo := MakeID(b.group, b.epoch, b.to)
		if errFrom == nil && errTo == nil {
			d.done(Reserve{From: from, To: to})
		}
	}
}

// Close gives back the names that are set aside and were not used, so that the next life has none of them to look up. Nothing
// can be placed ahead of the disk any more.
func (d *Desk) Close() {
	for i := range d.blocks {
		d.done(d.blocks[i].Reserve)
	}
	d.blocks, d.p.Block = nil, 0
}
