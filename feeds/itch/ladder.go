package itch

import (
	"math"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// level is one price in numbers of the wire, with the shares of all its orders. Eight bytes, so that a cache line holds
// eight of them: a level of more than 2^32-1 shares shuts its symbol.
type level struct{ price, shares uint32 }

// ladder is the levels of one symbol: a slice per side, sorted toward its end, where the best level stands. It is a
// feeds.Ladder, without bounds to its range.
type ladder struct{ bids, asks []level }

// Len returns the number of levels on side.
func (l *ladder) Len(side market.Side) int {
	if side == market.Buy {
		return len(l.bids)
	}
	return len(l.asks)
}

// Level returns the level at place i of side, where 0 is the best one.
func (l *ladder) Level(side market.Side, i int) feeds.Level {
	levels := l.asks
	if side == market.Buy {
		levels = l.bids
	}
	v := levels[len(levels)-1-i]
	return feeds.Level{Price: priceOf(v.price), Qty: qtyOf(uint64(v.shares))}
}

// Range says that every price is known.
func (l *ladder) Range() feeds.PriceRange { return feeds.PriceRange{} }

// meets reports whether the best bid is at or above the best ask.
func (l *ladder) meets() bool {
	b, a := len(l.bids), len(l.asks)
	return b > 0 && a > 0 && l.bids[b-1].price >= l.asks[a-1].price
}

func (l *ladder) clear() { l.bids, l.asks = l.bids[:0], l.asks[:0] }

// change says why add could not do what it should.
type change uint8

const (
	done    change = iota
	tooMany        // levels on that side
	tooMuch        // shares at that price
)

// add puts shares at price on side, and returns what rests there now. It allocates only to grow.
func (l *ladder) add(side byte, price, shares uint32, most int) (now uint32, c change) {
	levels := l.side(side)
	i, known := find(*levels, price, side)
	if known {
		v := &(*levels)[i]
		if v.shares > math.MaxUint32-shares {
			return v.shares, tooMuch
		}
		v.shares += shares
		return v.shares, done
	}
	if len(*levels) >= most {
		return 0, tooMany
	}
	grown := append(*levels, level{})
	copy(grown[i+1:], grown[i:])
	grown[i] = level{price, shares}
	*levels = grown
	return shares, done
}

// take takes shares of a live order from price on side, and returns what is left there.
func (l *ladder) take(side byte, price, shares uint32) (now uint32) {
	levels := l.side(side)
	i, known := find(*levels, price, side)
	if !known {
		return 0 // cannot be: the order is live, so its level is there
	}
	v := &(*levels)[i]
	v.shares -= shares
	if v.shares > 0 {
		return v.shares
	}
	*levels = append((*levels)[:i], (*levels)[i+1:]...)
	return 0
}

func (l *ladder) side(side byte) *[]level {
	if side == buySide {
		return &l.bids
	}
	return &l.asks
}

// near is how many levels from the best one are looked at first: changes cluster there.
const near = 16

// find returns where price is or belongs.
func find(levels []level, price uint32, side byte) (i int, known bool) {
	if side == buySide {
		i = rising(levels, price)
	} else {
		i = falling(levels, price)
	}
	return i, i < len(levels) && levels[i].price == price
}

// rising returns how many of levels, which rise, are below price. Near the best one it counts them all, for a branch that
// depends on a price cannot be foretold and costs more than the counting.
func rising(levels []level, price uint32) int {
	n := len(levels)
	if n >= near && levels[n-near].price <= price {
		count := n - near
		for _, l := range (*[near]level)(levels[n-near:]) {
			count += below(l.price, price)
		}
		return count
	}
	lo, hi := 0, n
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); levels[mid].price < price {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// falling returns how many of levels, which fall, are above price.
func falling(levels []level, price uint32) int {
	n := len(levels)
	if n >= near && levels[n-near].price >= price {
		count := n - near
		for _, l := range (*[near]level)(levels[n-near:]) {
			count += below(price, l.price)
		}
		return count
	}
	lo, hi := 0, n
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); levels[mid].price > price {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// below is 1 where a < b, else 0, without a branch.
func below(a, b uint32) int { return int((uint64(a) - uint64(b)) >> 63) }

func priceOf(wire uint32) market.Price { return market.Price(wire) * priceScale }

func qtyOf(shares uint64) market.Qty { return market.Qty(shares) * market.Unit }
