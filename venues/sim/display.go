package sim

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// shown is one level of a recorded book: what is displayed, and how much of it paper orders have taken since its last
// update.
type shown struct {
	px         market.Price
	qty, taken market.Qty
}

// shelf is one side of a recorded book, best price last.
type shelf struct {
	side   market.Side
	levels []shown
}

// near is how many levels from the touch are looked at one by one before the rest is searched: most changes are there.
const near = 6

// search gives the place of px and whether a level of that price stands there.
func (s *shelf) search(px market.Price) (int, bool) {
	n := len(s.levels)
	stop := max(0, n-near)
	for i := n - 1; i >= stop; i-- {
		if s.levels[i].px == px {
			return i, true
		}
		if s.ahead(s.levels[i].px, px) {
			continue
		}
		return i + 1, false
	}
	low, high := 0, stop
	for low < high {
		mid := int(uint(low+high) >> 1)
		if s.ahead(px, s.levels[mid].px) {
			low = mid + 1
			continue
		}
		high = mid
	}
	return low, low < stop && s.levels[low].px == px
}

// ahead reports whether a is a better price than b on this side.
func (s *shelf) ahead(a, b market.Price) bool {
	if s.side == market.Buy {
		return a > b
	}
	return a < b
}

// set makes qty what is displayed at px; 0 takes the level away. Nothing of it is taken any more.
func (s *shelf) set(px market.Price, qty market.Qty) {
	i, ok := s.search(px)
	switch {
	case ok && qty > 0:
		s.levels[i] = shown{px: px, qty: qty}
	case ok:
		s.levels = slices.Delete(s.levels, i, i+1)
	case qty > 0:
		s.levels = slices.Insert(s.levels, i, shown{px: px, qty: qty})
	}
}

// at is what is displayed at px.
func (s *shelf) at(px market.Price) market.Qty {
	if i, ok := s.search(px); ok {
		return s.levels[i].qty
	}
	return 0
}

// display is the recorded book of one instrument and the paper orders that wait on it.
type display struct {
	whole      bool // Live, and the end of a batch has come since
	open       bool // within a batch
	bids, asks shelf
	rest       [2][]*order // resting orders by side, best price first, then by arrival
	parked     []*order    // orders that wait for the book to be whole, by arrival
}

func newDisplay() *display {
	return &display{bids: shelf{side: market.Buy}, asks: shelf{side: market.Sell}}
}

func (d *display) of(s market.Side) *shelf {
	if s == market.Buy {
		return &d.bids
	}
	return &d.asks
}

func (d *display) resting(s market.Side) *[]*order { return &d.rest[s-market.Buy] }

// quiet reports whether no paper order waits here.
func (d *display) quiet() bool {
	return len(d.rest[0])+len(d.rest[1])+len(d.parked) == 0
}

// forget empties the book: it can no longer be trusted.
func (d *display) forget() {
	d.bids.levels, d.asks.levels = d.bids.levels[:0], d.asks.levels[:0]
	d.whole, d.open = false, false
}

// queue puts o among the resting orders of its side, behind those of a better price or of an earlier arrival.
func (d *display) queue(o *order) {
	list, side := d.resting(o.side), d.of(o.side)
	i := len(*list)
	for i > 0 && side.ahead(o.px, (*list)[i-1].px) {
		i--
	}
	*list = slices.Insert(*list, i, o)
}

// drop takes o off every list.
func (d *display) drop(o *order) {
	same := func(x *order) bool { return x == o }
	list := d.resting(o.side)
	*list = slices.DeleteFunc(*list, same)
	d.parked = slices.DeleteFunc(d.parked, same)
}
