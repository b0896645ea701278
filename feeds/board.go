package feeds

import (
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// Board shows the last Quote of every instrument to any goroutine. Each feed writes to a Page of its own; reading
// takes no lock, waits for nobody and does not allocate. The zero Board is ready and empty.
type Board struct{ slots sync.Map } // market.Instrument → *slot

// Page is the part of a Board that one feed writes. It is a Sink, and may stand before another one: what leaves
// Live is hidden from readers before the next Sink is told. One goroutine writes a Page.
type Page struct {
	board *Board
	next  Sink
	slots map[market.Instrument]*slot

	state  atomic.Uint32 // of the channel
	hidden atomic.Uint64 // raised when everything that was shown stops being true
	proven atomic.Int64  // Instant at which all that is shown was proven again
}

// slot is one instrument. version is odd while the writer is at work; readers try again.
type slot struct {
	page    *Page
	version atomic.Uint64
	shown   atomic.Uint64 // the value of page.hidden that the words belong to
	state   atomic.Uint32 // of this book
	words   [quoteWords]atomic.Uint64
}

const quoteWords = 11

// Page returns a new page of b for one feed, in state Unknown. What the page is told it tells next too; nil for
// nobody. An instrument belongs to the page that spoke of it first: list one on one feed only.
func (b *Board) Page(next Sink) *Page {
	if next == nil {
		next = Discard{}
	}
	return &Page{board: b, next: next, slots: map[market.Instrument]*slot{}}
}

// Read returns the last quote of i, and false where no feed has spoken of it. A quote that is not Live says in which
// State it is and holds no prices.
func (b *Board) Read(i market.Instrument) (Quote, bool) {
	v, ok := b.slots.Load(i)
	if !ok {
		return Quote{}, false
	}
	s := v.(*slot)
	for {
		before := s.version.Load()
		if before&1 != 0 {
			continue
		}
		q, shown := s.quote(i)
		if s.version.Load() == before {
			return s.judge(q, shown), true
		}
	}
}

// judge takes the prices away unless book and channel are Live and nothing was hidden since they were shown. It is
// asked after the prices were read, so that what has been hidden meanwhile is not returned.
func (s *slot) judge(q Quote, shown uint64) Quote {
	p := s.page
	proven := p.proven.Load()
	st := State(p.state.Load()).Worse(State(s.state.Load()))
	if st == Live && shown != p.hidden.Load() {
		st = Syncing // the channel is back, the book has not been shown again yet
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
	v, loaded := p.board.slots.LoadOrStore(i, s)
	if loaded {
		s = v.(*slot)
	}
	p.slots[i] = s
	return s
}
