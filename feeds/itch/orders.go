package itch

import "math/bits"

// order is one order that rests. Numbers are those of the wire: price in 1e-4, shares whole.
type order struct {
	ref    uint64
	price  uint32
	shares uint32
	locate uint16
	side   side
	live   bool // false marks a free place
}

// orders finds live orders by their reference: a table with open addressing and linear probing, whose places are moved
// back when one before them is freed, so that a search ends at the first free one. References come in rising
// order, and the hash spreads neighbours. It allocates only to grow.
type orders struct {
	table []order // a power of two
	shift uint
	live  int
	most  int
}

const startOrders = 1 << 12

func newOrders(most int) orders {
	o := orders{most: most}
	o.size(startOrders)
	return o
}

func (o *orders) size(n int) {
	o.table = make([]order, n)
	o.shift = uint(64 - bits.TrailingZeros(uint(n)))
}

func (o *orders) home(ref uint64) int { return int(ref * 0x9E3779B97F4A7C15 >> o.shift) }

// find returns the place of ref, or -1.
func (o *orders) find(ref uint64) int {
	mask := len(o.table) - 1
	for i := o.home(ref); ; i = (i + 1) & mask {
		if e := &o.table[i]; !e.live {
			return -1
		} else if e.ref == ref {
			return i
		}
	}
}

// add takes in e, whose reference must not be there. It returns false when there are as many as there may be.
func (o *orders) add(e order) bool {
	if o.live >= o.most {
		return false
	}
	if o.live >= len(o.table)/4*3 {
		o.grow()
	}
	o.put(e)
	o.live++
	return true
}

func (o *orders) put(e order) {
	mask := len(o.table) - 1
	i := o.home(e.ref)
	for o.table[i].live {
		i = (i + 1) & mask
	}
	o.table[i] = e
}

func (o *orders) grow() {
	old := o.table
	o.size(2 * len(old))
	for _, e := range old {
		if e.live {
			o.put(e)
		}
	}
}

// free frees place i and moves back those behind it that had to pass it.
func (o *orders) free(i int) {
	mask := len(o.table) - 1
	for j := (i + 1) & mask; o.table[j].live; j = (j + 1) & mask {
		// The entry at j may move to i if its home is not within (i, j].
		if (j-o.home(o.table[j].ref))&mask >= (j-i)&mask {
			o.table[i] = o.table[j]
			i = j
		}
	}
	o.table[i] = order{}
	o.live--
}

// clear frees everything and keeps the memory.
func (o *orders) clear() {
	clear(o.table)
	o.live = 0
}
