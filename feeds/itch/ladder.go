package itch

import (
	"math"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// level is one price in numbers of the wire, with the shares of all its orders. Eight bytes, so that a cache line holds
// eight of them: a level of more than 2^32-1 shares shuts its symbol.
type level struct{ key, shares uint32 }

// side is one side of a book: 0 bids, 1 asks. Keys rise toward the best level on both: a bid's is its price, an ask's the
// price with every bit flipped. So one search serves both, and no branch asks which side it is, which nobody could
// foretell.
type side uint8

// sideFrom reads the side of a message, whose two letters differ in their last bit among others.
func sideFrom(letter byte) (side, bool) {
	return side(letter & 1), letter == buySide || letter == sellSide
}

// market returns the side as others know it.
func (s side) market() market.Side { return market.Buy + market.Side(s) }

// key turns a price into a key of side s, and back.
func (s side) key(price uint32) uint32 { return price ^ -uint32(s) }

// ladder is the levels of one symbol: a slice per side, sorted toward its end, where the best level stands. It is a
// feeds.Ladder, without bounds to its range.
type ladder struct{ sides [2][]level }

// Len returns the number of levels on side.
func (l *ladder) Len(s market.Side) int { return len(l.sides[(s-market.Buy)&1]) }

// Level returns the level at place i of side, where 0 is the best one.
func (l *ladder) Level(s market.Side, i int) feeds.Level {
	own := side(s-market.Buy) & 1
	levels := l.sides[own]
	v := levels[len(levels)-1-i]
	return feeds.Level{Price: priceOf(own.key(v.key)), Qty: qtyOf(uint64(v.shares))}
}

// Range says that every price is known.
func (l *ladder) Range() feeds.PriceRange { return feeds.PriceRange{} }

// meets reports whether the best bid is at or above the best ask.
func (l *ladder) meets() bool {
	bids, asks := l.sides[0], l.sides[1]
	return len(bids) > 0 && len(asks) > 0 && bids[len(bids)-1].key >= ^asks[len(asks)-1].key
}

func (l *ladder) clear() { l.sides[0], l.sides[1] = l.sides[0][:0], l.sides[1][:0] }

// change says why add could not do what it should.
type change uint8

const (
	done    change = iota
	tooMany        // levels on that side
	tooMuch        // shares at that price
)

// add puts shares at price on side s, and returns what rests there now. It allocates only to grow.
func (l *ladder) add(s side, price, shares uint32, most int) (now uint32, c change) {
	levels := l.sides[s&1]
	key := s.key(price)
	i := find(levels, key)
	if i < len(levels) && levels[i].key == key {
		v := &levels[i]
		if v.shares > math.MaxUint32-shares {
			return v.shares, tooMuch
		}
		v.shares += shares
		return v.shares, done
	}
	if len(levels) >= most {
		return 0, tooMany
	}
	levels = append(levels, level{})
	copy(levels[i+1:], levels[i:])
	levels[i] = level{key, shares}
	l.sides[s&1] = levels
	return shares, done
}

// take takes shares of a live order from price on side s, and returns what is left there.
func (l *ladder) take(s side, price, shares uint32) (now uint32) {
	levels := l.sides[s&1]
	i := find(levels, s.key(price))
	if i >= len(levels) {
		return 0 // cannot be: the order is live, so its level is there
	}
	now = levels[i].shares - shares
	if now > 0 {
		levels[i].shares = now
		return now
	}
	l.sides[s&1] = append(levels[:i], levels[i+1:]...)
	return 0
}

// near is how many levels from the best one are looked at first: changes cluster there.
const near = 24

// find returns how many of levels are below key, which is where it is or belongs. Near the best level it counts them all, for
// a branch that depends on a price costs more than the counting.
func find(levels []level, key uint32) int {
	n := len(levels)
	if n >= near && levels[n-near].key <= key {
		count := n - near
		for _, l := range (*[near]level)(levels[n-near:]) {
			count += below(l.key, key)
		}
		return count
	}
	lo, hi := 0, n
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); levels[mid].key < key {
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
