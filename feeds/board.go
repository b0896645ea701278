package feeds

import (
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// Board shows the last Quote of every instrument to any goroutine. Each feed writes to a Page of its own; reading
// takes no lock, waits for nobody and does not allocate. The zero Board is ready and empty.
type Board struct{ spots sync.Map } // market.Instrument → *spot

// Page is the part of a Board that one incarnation of a feed writes. It is a Sink, and may stand before another one:
// what leaves Live is hidden from readers before the next Sink is told. One goroutine writes a Page.
type Page struct {
	board  *Board
	column *column
	number uint64 // of the page in its column
	over   func() bool
	next   Sink
	slots  map[market.Instrument]*slot

	state  atomic.Uint32 // of the channel
	hidden atomic.Uint64 // raised when everything that was shown stops being true
	proven atomic.Int64  // Instant at which all that is shown was proven again
}

// column is the place of one feed on a Board: the pages of its incarnations, of which the last one alone is read.
type column struct{ page atomic.Pointer[Page] }

// spot is where an instrument stands: in the column that spoke of it first, in the slot that its latest page wrote.
type spot struct {
	column *column
	slot   atomic.Pointer[slot]
}

// slot is one instrument on one page. version is odd while the writer is at work; readers try again.
type slot struct {
	page    *Page
	version atomic.Uint64
	shown   atomic.Uint64 // the value of page.hidden that the words belong to
	state   atomic.Uint32 // of this book
	words   [quoteWords]atomic.Uint64
}

const quoteWords = 11

// Page returns the first page of one feed, in state Unknown. What the page is told it tells next too; nil for nobody. An
// instrument belongs to the feed that spoke of it first: list one on one feed only.
func (b *Board) Page(next Sink) *Page {
	p := &Page{board: b, column: &column{}, next: orDiscard(next), slots: map[market.Instrument]*slot{}}
	p.column.page.Store(p)
	return p
}

// Turn returns the empty page of the next incarnation of the feed, in state Down, which is read in place of p from now
// on: what is still written to p nobody sees. From the moment at which over says true, nothing on the new page is Live,
// whoever has written what; over is asked at each Read, on any goroutine, and must not block. Nil is never over.
func (p *Page) Turn(over func() bool, next Sink) *Page {
	n := &Page{board: p.board, column: p.column, over: over, next: orDiscard(next), slots: map[market.Instrument]*slot{}}
	n.state.Store(uint32(Down))
	for {
		old := p.column.page.Load()
		if over != nil && over() {
			return n // it may have a successor already, which must not lose its place
		}
		n.number = old.number + 1
		if p.column.page.CompareAndSwap(old, n) {
			return n
		}
		n.number = 0
	}
}

func orDiscard(s Sink) Sink {
	if s == nil {
		return Discard{}
	}
	return s
}

// Read returns the last quote of i, and false where no feed has spoken of it. A quote that is not Live says in which
// State it is and holds no prices.
func (b *Board) Read(i market.Instrument) (Quote, bool) {
	v, ok := b.spots.Load(i)
	if !ok {
		return Quote{}, false
	}
	return v.(*spot).read(i), true
}

// read asks which page counts before it reads, and whether that one still does after: a price that it returns was Live
// in between, under an incarnation that was not over.
func (t *spot) read(i market.Instrument) Quote {
	p, s := t.column.page.Load(), t.slot.Load()
	if s.page != p { // this incarnation has not spoken of it
		return p.judge(Quote{Instrument: i}, Live, ^uint64(0))
	}
	for {
		before := s.version.Load()
		if before&1 != 0 {
			continue
		}
		q, shown := s.quote(i)
		if s.version.Load() == before {
			return p.judge(q, State(s.state.Load()), shown)
		}
	}
}

// judge takes the prices away unless book and channel are Live and nothing was hidden since they were shown. It is
// asked after the prices were read, so that what has been hidden meanwhile is not returned.
func (p *Page) judge(q Quote, book State, shown uint64) Quote {
	proven := p.proven.Load()
	st := State(p.state.Load()).Worse(book)
	if st == Live && shown != p.hidden.Load() {
		st = Syncing // the channel is back, the book has not been shown again yet
	}
	if p.over != nil && p.over() {
		st = st.Worse(Down) // nobody watches
	}
	if st != Live {
		return Quote{Pos: q.Pos, Instrument: q.Instrument, State: st, Event: q.Event, Recv: q.Recv, Mono: q.Mono}
	}
	q.State, q.Mono = Live, max(q.Mono, proven)
	return q
}

func (s *slot) quote(i market.Instrument) (q Quote, shown uint64) {
	w := &s.words
	q = Quote{
		Pos: Pos{uint32(w[0].Load()), w[1].Load()}, Instrument: i,
		Bid:   Level{market.Price(w[2].Load()), market.Qty(w[3].Load())},
		Ask:   Level{market.Price(w[4].Load()), market.Qty(w[5].Load())},
		Range: PriceRange{market.Price(w[6].Load()), market.Price(w[7].Load())},
		Event: market.Timestamp(w[8].Load()), Recv: market.Timestamp(w[9].Load()), Mono: int64(w[10].Load()),
	}
	return q, s.shown.Load()
}

// Quote shows q.
func (p *Page) Quote(q Quote) {
	s := p.slot(q.Instrument)
	s.version.Add(1)
	for i, v := range [quoteWords]uint64{
		uint64(q.Epoch), q.Seq, uint64(q.Bid.Price), uint64(q.Bid.Qty), uint64(q.Ask.Price), uint64(q.Ask.Qty),
		uint64(q.Range.Low), uint64(q.Range.High), uint64(q.Event), uint64(q.Recv), uint64(q.Mono),
	} {
		s.words[i].Store(v)
	}
	s.shown.Store(p.hidden.Load())
	s.state.Store(uint32(q.State))
	s.version.Add(1)
	p.next.Quote(q)
}

// Depth passes d on.
func (p *Page) Depth(d Depth) { p.next.Depth(d) }

// Trade passes t on.
func (p *Page) Trade(t Trade) { p.next.Trade(t) }

// State hides what is no longer Live, then passes c on.
func (p *Page) State(c StateChange) {
	if c.Instrument.Valid() {
		s := p.slot(c.Instrument)
		s.version.Add(1)
		s.state.Store(uint32(c.State))
		if c.State != Live {
			s.shown.Store(^uint64(0))
		}
		s.version.Add(1)
	} else {
		if c.State != Live || c.Reset {
			p.hidden.Add(1)
		}
		p.state.Store(uint32(c.State))
	}
	p.next.State(c)
}

// Proven says that every Live book of the feed is as good at Instant mono as it was.
func (p *Page) Proven(mono int64) {
	if mono > p.proven.Load() {
		p.proven.Store(mono)
	}
	if n, ok := p.next.(Prover); ok {
		n.Proven(mono)
	}
}

// ProvenBook says that the book of i, if Live, is as good at Instant mono as it was.
func (p *Page) ProvenBook(i market.Instrument, mono int64) {
	if s := p.slots[i]; s != nil {
		s.words[quoteWords-1].Store(uint64(mono)) // one word of a quote that is otherwise unchanged
	}
	if n, ok := p.next.(Prover); ok {
		n.ProvenBook(i, mono)
	}
}

// slot returns the slot of i, made with the state of a book that has no quote yet.
func (p *Page) slot(i market.Instrument) *slot {
	if s := p.slots[i]; s != nil {
		return s
	}
	s := &slot{page: p}
	s.state.Store(uint32(Live))
	s.shown.Store(^uint64(0))
	p.slots[i] = s
	fresh := &spot{column: p.column}
	fresh.slot.Store(s)
	if v, taken := p.board.spots.LoadOrStore(i, fresh); taken {
		v.(*spot).give(s)
	}
	return s
}

// give makes s the slot of t, unless t is another feed's, or a later page has one.
func (t *spot) give(s *slot) {
	if t.column != s.page.column {
		return
	}
	for {
		old := t.slot.Load()
		if old.page.number >= s.page.number || t.slot.CompareAndSwap(old, s) {
			return
		}
	}
}
