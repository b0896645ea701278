package feeds

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// ErrView says that a BookView was kept: what it showed has been given back.
var ErrView = errors.New("feeds: the view of a book was kept")

// BookView shows a book as it stood after a batch, for as long as its Lender lends it: to a strategy, until the handler that was
// given it returns. It is Live when it is lent. Used later it answers ErrView, or no levels. The zero BookView has been given back.
// It belongs to the goroutine that it was given to.
type BookView struct {
	Pos         // of the batch
	Instrument  market.Instrument
	Known       PriceRange // prices outside it are not known; the zero PriceRange covers everything
	Event, Recv market.Timestamp
	Mono        int64

	lender *Lender
	loan   uint64
}

// Err is ErrView where the view was kept, else nil.
func (v BookView) Err() error {
	if v.lender == nil || v.lender.loan.Load() != v.loan {
		return fmt.Errorf("%w: %s", ErrView, v.Instrument)
	}
	return nil
}

// Len returns the number of levels on side, 0 where the view was kept.
func (v BookView) Len(side market.Side) int {
	if v.Err() != nil {
		return 0
	}
	return v.lender.book.Len(side)
}

// Level returns the level at place i of side, where 0 is the best one, and the zero Level where there is none.
func (v BookView) Level(side market.Side, i int) (Level, error) {
	if err := v.Err(); err != nil || i < 0 || i >= v.lender.book.Len(side) {
		return Level{}, err
	}
	return v.lender.book.Level(side, i), nil
}

// Best returns the best level of side, and the zero Level where there is none.
func (v BookView) Best(side market.Side) (Level, error) { return v.Level(side, 0) }

// AppendTo appends the levels of side to dst, best first, n at most. What it appends is the caller's to keep.
func (v BookView) AppendTo(dst []Level, side market.Side, n int) ([]Level, error) {
	if err := v.Err(); err != nil {
		return dst, err
	}
	for i := range min(n, v.lender.book.Len(side)) {
		dst = append(dst, v.lender.book.Level(side, i))
	}
	return dst, nil
}

// Lender lends its Book to one reader at a time. The zero Lender has an unusable Book; NewLender makes one. It is not safe for
// concurrent use, but for views that were kept.
type Lender struct {
	book *Book
	loan atomic.Uint64
}

// NewLender returns the Lender of an empty Book of at most levels a side.
func NewLender(levels int) *Lender { return &Lender{book: NewBook(levels)} }

// Book returns the book that is lent, to be changed while no view of it is out.
func (l *Lender) Book() *Book { return l.book }

// Lend returns a view of the book that says of when it is. Each view that was lent before is a kept one from now on.
func (l *Lender) Lend(v BookView) BookView {
	v.lender, v.loan = l, l.loan.Add(1)
	return v
}

// Return ends every loan. In builds that look for races the book is spoiled, and Return says so: it is to be made anew.
func (l *Lender) Return() (spoiled bool) {
	l.loan.Add(1)
	return poisonBook(l.book)
}

// Copy makes b what o is, but for how many levels it may have: the caller sees to it that b may have as many.
func (b *Book) Copy(o *Book) {
	b.bids, b.asks, b.known = append(b.bids[:0], o.bids...), append(b.asks[:0], o.asks...), o.known
}
