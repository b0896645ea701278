package sim

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// level is one price of one side: orders in order of entry.
type level struct {
	px         market.Price
	qty        market.Qty
	head, tail *order
}

// ladder is one side of a book, best price last, so that the touch is cheap to change.
type ladder struct {
	side   market.Side
	levels []*level
}

// better reports whether a is a better price than b for an order of this side to be met at.
func (l *ladder) better(a, b market.Price) bool {
	if l.side == market.Buy {
		return a > b
	}
	return a < b
}

func (l *ladder) best() *level {
	if len(l.levels) == 0 {
		return nil
	}
	return l.levels[len(l.levels)-1]
}

// search gives the place of px and whether a level of that price stands there.
func (l *ladder) search(px market.Price) (int, bool) {
	return slices.BinarySearchFunc(l.levels, px, func(x *level, px market.Price) int {
		if x.px == px {
			return 0
		}
		if l.better(px, x.px) {
			return -1
		}
		return 1
	})
}

func (l *ladder) add(o *order) {
	i, ok := l.search(o.px)
	if !ok {
		l.levels = slices.Insert(l.levels, i, &level{px: o.px})
	}
	lv := l.levels[i]
	o.level, o.prev, o.next = lv, lv.tail, nil
	if lv.tail != nil {
		lv.tail.next = o
	} else {
		lv.head = o
	}
	lv.tail = o
	lv.qty += o.qty - o.cum
}

// take lowers what rests of o by q: it has been executed.
func (l *ladder) take(o *order, q market.Qty) {
	o.level.qty -= q
	if o.cum == o.qty {
		l.unlink(o)
	}
}

// remove takes o out of the book, if it is in it.
func (l *ladder) remove(o *order) bool {
	if o.level == nil {
		return false
	}
	o.level.qty -= o.qty - o.cum
	l.unlink(o)
	return true
}

func (l *ladder) unlink(o *order) {
	lv := o.level
	if o.prev != nil {
		o.prev.next = o.next
	} else {
		lv.head = o.next
	}
	if o.next != nil {
		o.next.prev = o.prev
	} else {
		lv.tail = o.prev
	}
	o.level, o.prev, o.next = nil, nil, nil
	if lv.head != nil {
		return
	}
	if i, ok := l.search(lv.px); ok {
		l.levels = slices.Delete(l.levels, i, i+1)
	}
}

// book is one symbol's two ladders.
type book struct{ bids, asks ladder }

func newBook() book {
	return book{ladder{side: market.Buy}, ladder{side: market.Sell}}
}

func (b *book) of(s market.Side) *ladder {
	if s == market.Buy {
		return &b.bids
	}
	return &b.asks
}
