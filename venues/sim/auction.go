package sim

import (
	"cmp"
	"math"
	"slices"

	"github.com/failshut/failshut/market"
)

// candidate is a price that an auction could have, and what it would leave.
type candidate struct {
	px       market.Price
	qty      market.Qty   // executed
	passed   market.Qty   // left of orders that offer a better price than this
	left     market.Qty   // left of one side in all
	distance market.Price // from the reference
}

// clear gives the price at which most of a book can be executed, and how much: the greatest volume, at which whoever offers a
// better price is filled, then the least left over on one side, then the nearest to the reference, then the lowest price. 0 and
// 0 of a book that is not crossed. Only prices at which somebody bids or offers count: nothing changes between them.
func (b *book) clear(reference market.Price) (market.Price, market.Qty) {
	bid, ask := b.bids.best(), b.asks.best()
	if bid == nil || ask == nil || bid.px < ask.px {
		return 0, 0
	}
	var best candidate
	for _, l := range [2]*ladder{&b.bids, &b.asks} {
		for _, lv := range l.levels {
			if lv.px < ask.px || lv.px > bid.px {
				continue
			}
			if c := b.candidate(lv.px, reference); best.px == 0 || c.beats(best) {
				best = c
			}
		}
	}
	return best.px, best.qty
}

func (b *book) candidate(px, reference market.Price) candidate {
	demand, supply := b.bids.upTo(px), b.asks.upTo(px)
	qty := min(demand, supply)
	c := candidate{px: px, qty: qty, left: max(demand, supply) - qty, distance: abs(px - reference)}
	for _, l := range [2]*ladder{&b.bids, &b.asks} {
		better := l.upTo(px)
		if i, ok := l.search(px); ok {
			better -= l.levels[i].qty
		}
		c.passed += max(0, better-qty)
	}
	return c
}

func (c candidate) beats(o candidate) bool {
	return cmp.Or(
		cmp.Compare(c.qty, o.qty), cmp.Compare(o.passed, c.passed), cmp.Compare(o.left, c.left), cmp.Compare(o.distance, c.distance),
		cmp.Compare(o.px, c.px),
	) > 0
}

func abs(p market.Price) market.Price { return max(p, -p) }

// upTo is what rests at px or a better price. More than can be counted is counted as the most that can.
func (l *ladder) upTo(px market.Price) (sum market.Qty) {
	for i := len(l.levels) - 1; i >= 0 && !l.better(px, l.levels[i].px); i-- {
		if l.levels[i].qty > math.MaxInt64-sum {
			return math.MaxInt64
		}
		sum += l.levels[i].qty
	}
	return sum
}

// uncross executes what is crossed in a book at one price, best prices first, then the oldest. Where the self-trade policy
// ends orders on the way, what is then still crossed gets a price of its own.
func (e *Engine) uncross(i int) {
	b := &e.books[i]
	for {
		reference := cmp.Or(e.symbols[i].last, e.cfg.Listings[i].Reference)
		px, qty := b.clear(reference)
		if qty == 0 {
			return
		}
		for bid, ask := b.bids.best(), b.asks.best(); bid != nil && ask != nil && bid.px >= px && ask.px <= px; bid, ask = b.bids.best(), b.asks.best() {
			e.uncrossPair(bid.head, ask.head, px)
		}
	}
}

func (e *Engine) uncrossPair(buy, sell *order, px market.Price) {
	if buy.account == sell.account && e.cfg.SelfTrade != SelfTradeOff {
		newer, older := buy, sell
		if older.priority > newer.priority {
			newer, older = sell, buy
		}
		e.preventSelfTrade(newer, older)
		return
	}
	e.execute(buy, sell, min(buy.leaves(), sell.leaves()), px, 0)
}

// show puts into the feed what came to rest while nothing was matched, oldest first.
func (e *Engine) show(i int) {
	var hidden []*order
	for _, l := range [2]*ladder{&e.books[i].bids, &e.books[i].asks} {
		for _, lv := range l.levels {
			for o := lv.head; o != nil; o = o.next {
				if o.hidden {
					hidden = append(hidden, o)
				}
			}
		}
	}
	slices.SortFunc(hidden, func(a, b *order) int { return cmp.Compare(a.priority, b.priority) })
	for _, o := range hidden {
		o.hidden = false
		e.emit(e.event(Added, o, o.leaves()))
	}
}
