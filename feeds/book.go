package feeds

import (
	"math"

	"github.com/failshut/failshut/market"
)

// Ladder is the price levels of one book, however it is kept.
type Ladder interface {
	// Len returns the number of levels on side.
	Len(side market.Side) int
	// Level returns the level at place i of side, where 0 is the best one and i is below Len.
	Level(side market.Side, i int) Level
	// Range returns the prices that the ladder knows of.
	Range() PriceRange
}

// Book is a book of price levels: per side one slice sorted toward its end, where the best level stands and nearly
// every change happens. The zero Book is not usable; NewBook makes one. It is not safe for concurrent use.
type Book struct {
	bids, asks []Level // bids rise and asks fall toward the end
	most       int
	known      PriceRange
}

// NewBook returns an empty Book of at most levels a side. A level too many pushes the worst one out, and Range then
// says from where on nothing is known.
func NewBook(levels int) *Book { return &Book{most: max(levels, 1)} }

// Set makes qty what rests at price on side; 0 takes the level away. It reports whether the level was there before.
// It allocates only to grow.
func (b *Book) Set(side market.Side, price market.Price, qty market.Qty) (known bool) {
	if side == market.Buy {
		b.bids, known = b.set(b.bids, price, qty, 1)
		return known
	}
	b.asks, known = b.set(b.asks, price, qty, -1)
	return known
}

// set changes one side; sign·price rises toward the end of levels.
func (b *Book) set(levels []Level, price market.Price, qty market.Qty, sign market.Price) ([]Level, bool) {
	i := place(levels, price, sign)
	known := i < len(levels) && levels[i].Price == price
	switch {
	case known && qty != 0:
		levels[i].Qty = qty
	case known:
		copy(levels[i:], levels[i+1:])
		levels = levels[:len(levels)-1]
	case qty != 0:
		levels = b.insert(levels, i, Level{price, qty}, sign)
	}
	return levels, known
}

func (b *Book) insert(levels []Level, i int, l Level, sign market.Price) []Level {
	if len(levels) >= b.most {
		if i == 0 { // worse than all of a full side
			b.narrow(levels[0].Price, sign)
			return levels
		}
		copy(levels, levels[1:i])
		levels[i-1] = l
		b.narrow(levels[0].Price, sign)
		return levels
	}
	levels = append(levels, Level{})
	copy(levels[i+1:], levels[i:])
	levels[i] = l
	return levels
}

// narrow records that nothing is known beyond worst.
func (b *Book) narrow(worst, sign market.Price) {
	if b.known == (PriceRange{}) {
		b.known = PriceRange{math.MinInt64, math.MaxInt64}
	}
	if sign > 0 {
		b.known.Low = max(b.known.Low, worst)
	} else {
		b.known.High = min(b.known.High, worst)
	}
}

// place returns where price is or belongs. Changes cluster at the best level, so the last few are tried first.
func place(levels []Level, price, sign market.Price) int {
	hi := len(levels)
	for n := 0; n < 8 && hi > 0; n++ {
		p := levels[hi-1].Price
		if p == price {
			return hi - 1
		}
		if (p < price) == (sign > 0) {
			return hi
		}
		hi--
	}
	lo := 0
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if p := levels[mid].Price; p != price && (p < price) == (sign > 0) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Clear takes every level away; afterwards an empty book is all there is to know.
func (b *Book) Clear() {
	b.bids, b.asks, b.known = b.bids[:0], b.asks[:0], PriceRange{}
}

// SetRange records the prices that a snapshot of bounded depth covered.
func (b *Book) SetRange(r PriceRange) { b.known = r }

// Range returns the prices that the book knows of.
func (b *Book) Range() PriceRange { return b.known }

// Len returns the number of levels on side.
func (b *Book) Len(side market.Side) int {
	if side == market.Buy {
		return len(b.bids)
	}
	return len(b.asks)
}

// Level returns the level at place i of side, where 0 is the best one and i is below Len.
func (b *Book) Level(side market.Side, i int) Level {
	if side == market.Buy {
		return b.bids[len(b.bids)-1-i]
	}
	return b.asks[len(b.asks)-1-i]
}

// Best returns the best level of side, the zero Level when there is none.
func (b *Book) Best(side market.Side) Level { return best(b, side) }

func best(l Ladder, side market.Side) Level {
	if l.Len(side) == 0 {
		return Level{}
	}
	return l.Level(side, 0)
}
