package strategy

import (
	"fmt"
	"sync"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// mostLevels bounds a side of a strategy's book, as feeds.DefaultLimits bounds that of a feed.
const mostLevels = 10_000

// mostChanges bounds the changes that wait for a strategy; with more it is given the whole book.
const mostChanges = 4096

// Books are the books of the contracts of one strategy. Its inlets keep them where it has OnBook, and its living incarnation reads
// them: neither waits for the other for longer than it takes to hand over a list. They outlive incarnations. A nil Books has none.
type Books struct {
	of map[market.Instrument]*shelf
}

// NewBooks makes the books of contracts. They take no memory for levels before a feed tells any.
func NewBooks(contracts []market.Contract) *Books {
	b := &Books{of: map[market.Instrument]*shelf{}}
	for _, c := range contracts {
		b.of[c.Instrument] = &shelf{book: feeds.NewBook(mostLevels)}
	}
	return b
}

// shelfOf is the shelf of i, nil where there is none.
func (b *Books) shelfOf(i market.Instrument) *shelf {
	if b == nil {
		return nil
	}
	return b.of[i]
}

// shelf is where one book lies between who keeps it and who reads it.
type shelf struct {
	mu      sync.Mutex
	state   feeds.State
	view    feeds.BookView // of the last batch, as the reader will show it
	edition uint64         // counts batches, over all incarnations
	whole   bool           // changes begin with an empty book
	changes []change       // since the reader came last
	book    *feeds.Book    // as after the last batch
	reader  *reading       // who has all changes but these

	// The inlet alone looks at what follows.
	known   bool     // nothing has gone by since the last change of state
	batch   []change // under way
	open    bool     // the book stands in the middle of a batch that was too long to wait for
	batched bool     // since the last change of state
	quoted  bool     // and the range is known
}

type change struct {
	side  market.Side
	price market.Price
	qty   market.Qty
}

// depth takes one level, and reports whether there is a new edition.
func (s *shelf) depth(d feeds.Depth) bool {
	if !s.known {
		return false
	}
	s.batch = append(s.batch, change{d.Side, d.Price, d.Qty})
	if !d.Complete && len(s.batch) < mostChanges {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.batch {
		s.book.Set(c.side, c.price, c.qty)
	}
	if s.open || !d.Complete || len(s.changes)+len(s.batch) > mostChanges {
		s.changes, s.whole, s.reader = s.changes[:0], false, nil // it takes the book as it is then
	} else if s.reader != nil {
		s.changes = append(s.changes, s.batch...)
	}
	s.batch = s.batch[:0]
	s.open = !d.Complete
	if s.open {
		s.state = feeds.Syncing
		return false
	}
	s.view = feeds.BookView{Pos: d.Pos, Instrument: d.Instrument, Known: s.view.Known, Event: d.Event, Recv: d.Recv, Mono: d.Mono}
	s.batched = true
	return s.publish()
}

// quote takes the range of prices that the feed knows of, and reports whether there is a new edition: a book is not shown before it.
func (s *shelf) quote(q feeds.Quote) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.Known = q.Range
	if s.quoted || !s.known {
		return false
	}
	s.quoted = true
	return s.publish()
}

func (s *shelf) publish() bool {
	if !s.batched || !s.quoted {
		return false
	}
	s.state = feeds.Live
	s.edition++
	return true
}

// turn takes a change of state, of the book or of its channel: whatever it says, the book is empty until it is sent whole.
func (s *shelf) turn(state feeds.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == feeds.Live {
		state = feeds.Syncing // not before it has come
	}
	s.state, s.known = state, true
	s.book.Clear()
	s.view = feeds.BookView{}
	s.changes, s.whole = s.changes[:0], true
	s.batch, s.open, s.batched, s.quoted = s.batch[:0], false, false, false
}

// neglect says that changes go by which nobody wants: the book is unknown until it is sent whole.
func (s *shelf) neglect() {
	if s.known {
		s.turn(feeds.Unknown)
		s.known = false
	}
}

// reading is what one incarnation has read of one shelf.
type reading struct {
	lender  *feeds.Lender
	spare   []change
	view    feeds.BookView
	edition uint64
	lent    bool
	out     feeds.BookView // what is lent
}

// read brings the reader's copy up to the shelf's, and lends it. It holds the shelf for the time that it takes to swap two lists,
// but for the first time, and after a list that was too long, when it copies the book.
func (r *reading) read(s *shelf) (feeds.BookView, error) {
	s.mu.Lock()
	if s.state != feeds.Live {
		defer s.mu.Unlock()
		return feeds.BookView{}, fmt.Errorf("%w: the book is %s", feeds.ErrNotLive, s.state)
	}
	r.view, r.edition = s.view, s.edition
	book := r.lender.Book()
	if s.reader != r {
		book.Copy(s.book)
		s.reader, s.changes, s.whole = r, s.changes[:0], false
	}
	changes, whole := s.changes, s.whole
	s.changes, s.whole = r.spare[:0], false
	s.mu.Unlock()
	if whole {
		book.Clear()
	}
	for _, c := range changes {
		book.Set(c.side, c.price, c.qty)
	}
	r.spare, r.lent, r.out = changes[:0], true, r.lender.Lend(r.view)
	return r.out, nil
}

// giveBack ends the loan.
func (r *reading) giveBack(s *shelf) {
	r.lent = false
	if r.lender.Return() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.reader == r {
			s.reader = nil
		}
	}
}

// onBook tells a book once in each edition. One that cannot be read is not told: the change of state that says why is.
func (s *shell) onBook(m Message) error {
	i := s.instrumentOf(m.place)
	h, ok := s.user.(BookHandler)
	r := s.reading(i)
	if !ok || r == nil || !s.cfg.Interest.Wants(feeds.Depths, i) {
		return nil
	}
	before := r.edition
	v, err := s.bookOf(i)
	if err != nil || r.edition == before {
		s.giveBack()
		return nil //nolint:nilerr // it cannot be read now, or was told
	}
	s.passed(&m, v.Pos)
	err = s.handle(dataRoot(s.cfg.Incarnation, m.feed, 'B', 0, r.edition, m.place-1), func(c *Context) error { return h.OnBook(c, v) })
	if err != nil {
		return err
	}
	return s.press(i)
}

// reading is what this incarnation has read of the book of i, nil where it has none.
func (s *shell) reading(i market.Instrument) *reading {
	if s.cfg.Books.shelfOf(i) == nil {
		return nil
	}
	r := s.readings[i]
	if r == nil {
		r = &reading{lender: feeds.NewLender(mostLevels)}
		if s.readings == nil {
			s.readings = map[market.Instrument]*reading{}
		}
		s.readings[i] = r
	}
	return r
}

// bookOf lends the book of i until the handler returns: the same one to each who asks within it.
func (s *shell) bookOf(i market.Instrument) (feeds.BookView, error) {
	r := s.reading(i)
	switch {
	case r == nil:
		return feeds.BookView{}, fmt.Errorf("%w: the strategy has no OnBook, or is not configured for %q", feeds.ErrNotLive, i)
	case s.blind(i):
		return feeds.BookView{}, fmt.Errorf("%w: %s: %s", feeds.ErrNotLive, i, gapWhy)
	case r.lent:
		return r.out, nil
	}
	v, err := r.read(s.cfg.Books.shelfOf(i))
	if err != nil {
		return v, err
	}
	s.lent = append(s.lent, i)
	return v, nil
}

// giveBack ends what was lent to a handler.
func (s *shell) giveBack() {
	for _, i := range s.lent {
		s.readings[i].giveBack(s.cfg.Books.shelfOf(i))
	}
	s.lent = s.lent[:0]
}
