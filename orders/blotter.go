package orders

import (
	"cmp"
	"iter"
	"slices"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// closedKept is how many orders that are closed a blotter still shows, those that closed last. All others are in the journal.
const closedKept = 10_000

// Blotter is what an account has, as its owner last showed it: its orders, and what its strategies hold by them. It never
// changes, so any number of goroutines may read it, and none of them waits for the owner.
type Blotter struct {
	At         risk.Reading
	Unknown    int   // orders that are UNKNOWN
	Partial    error // why the journal behind it is not whole, so that something may be missing; nil: it is
	Generation uint64
	Positions  []PositionRow // by strategy, then instrument

	pages []*page
}

// OrderRow is one order of a blotter.
type OrderRow struct {
	OrderState
	Requests []PendingRequest // all of them, with their last evidence, in the order in which they were made
	Paper    bool             // of a paper venue
	OpenedAt int64            // when it came to be, in nanoseconds since 1970 UTC; 0: not known
	First    journal.LSN      // record that it came to be with; 0: not known
	Last     journal.LSN      // no record behind this one speaks of it so far; 0: not known
}

// Named reports whether id is one that the order goes or went by: of one of its requests, or "@" and the venue's.
func (r *OrderRow) Named(id string) bool {
	if id == string(heldID(r.ID, r.OrderID)) || r.OrderID != "" && id == "@"+r.OrderID {
		return true
	}
	return slices.ContainsFunc(r.Requests, func(q PendingRequest) bool { return string(q.ID) == id })
}

// PositionRow is what one strategy holds in one instrument by its executions as they stand: what was busted has never been,
// and what was corrected has always been what it is now.
type PositionRow struct {
	Strategy   string // empty for orders that only the venue knows
	Instrument market.Instrument
	Inventory  market.Inventory
	Executions int
	Unknown    int   // orders of unknown state that may yet change it
	Err        error // a sum does not fit: the inventory says nothing
}

// pageRows is how many rows are copied when one of them changes.
const pageRows = 256

type page [pageRows]*OrderRow

// Orders yields the orders from the newest on.
func (b *Blotter) Orders() iter.Seq[*OrderRow] {
	return func(yield func(*OrderRow) bool) {
		for _, p := range slices.Backward(b.pages) {
			if p == nil {
				continue
			}
			for _, r := range slices.Backward(p[:]) {
				if r != nil && !yield(r) {
					return
				}
			}
		}
	}
}

// Order finds an order by any name that it goes or went by.
func (b *Blotter) Order(id string) (*OrderRow, bool) {
	for r := range b.Orders() {
		if r.Named(id) {
			return r, true
		}
	}
	return nil, false
}

// scribe keeps the blotter of one desk: what changed since the last one is all that the next one costs.
type scribe struct {
	at      stamp // of the last record
	entries map[*order]*entry
	changed []*order // since the last blotter
	recent  []*entry // changed by the last step
	closed  []*order // in the order in which they closed
	stocks  map[stockKey]*PositionRow
	keep    int

	pages  []*page
	rows   []int  // on each page
	shared []bool // the page is in a blotter
	next   int    // number of the next row
	last   *Blotter
}

type stamp struct {
	lsn  journal.LSN
	wall int64
}

// entry is what the scribe knows of an order.
type entry struct {
	row     int
	first   stamp
	last    journal.LSN
	execs   int // those that its stock has
	pending bool
	queued  bool // in closed
}

type stockKey struct {
	strategy   string
	instrument market.Instrument
}

func newScribe() *scribe {
	return &scribe{entries: map[*order]*entry{}, stocks: map[stockKey]*PositionRow{}, keep: closedKept}
}

// take notes what a step has changed. The record that an order came to be with is the last one before it.
func (s *scribe) take(m *Machine) {
	s.recent = s.recent[:0]
	for i, o := range m.changed {
		m.changed[i] = nil
		if o.phantom {
			continue
		}
		e := s.entry(o, s.at)
		e.last = s.at.lsn
		s.recent = append(s.recent, e)
		if !e.pending {
			e.pending = true
			s.changed = append(s.changed, o)
		}
	}
	m.changed = m.changed[:0]
}

// behind notes that what the last step did has been written.
func (s *scribe) behind() {
	for _, e := range s.recent {
		e.last = s.at.lsn
	}
}

// begin takes up whatever order the machine has without a record of its own, and has every sum reckoned anew.
func (s *scribe) begin(m *Machine) {
	m.watched = true
	for _, o := range m.orders {
		if s.entries[o] == nil && !o.phantom {
			o.noted = true
			s.entry(o, stamp{}).pending = true
			s.changed = append(s.changed, o)
		}
	}
}

func (s *scribe) entry(o *order, at stamp) *entry {
	e := s.entries[o]
	if e == nil {
		e = &entry{row: s.next, first: at}
		s.next++
		s.entries[o] = e
		if o.noted { // shown and dropped before: its executions are in the sums
			e.first, o.edited = stamp{}, true
		}
		o.noted = true
	}
	return e
}

// blotter shows everything as it is now.
func (s *scribe) blotter(d *Desk) *Blotter {
	s.take(d.m)
	b := Blotter{At: d.now, Unknown: d.m.Unknown(), Partial: d.partial}
	if s.last != nil && len(s.changed) == 0 {
		b.pages, b.Positions = s.last.pages, s.last.Positions
		s.last = &b
		return s.last
	}
	s.reckon(d.m)
	for _, o := range s.changed {
		e := s.entries[o]
		e.pending = false
		s.put(e.row, d.m.rowOf(o, e))
		if o.closed() && !e.queued {
			e.queued = true
			s.closed = append(s.closed, o)
		}
	}
	s.changed = s.changed[:0]
	s.drop()
	b.pages, b.Positions = slices.Clone(s.pages), s.positions(d.m)
	for i := range s.shared {
		s.shared[i] = true
	}
	s.last = &b
	return s.last
}

func (m *Machine) rowOf(o *order, e *entry) *OrderRow {
	r := &OrderRow{OrderState: m.copyOf(o), Paper: o.paper, OpenedAt: e.first.wall, First: e.first.lsn, Last: e.last}
	for i := range o.reqs {
		q := &o.reqs[i]
		r.Requests = append(r.Requests, PendingRequest{Kind: " NCR"[q.kind], ID: q.id, Evidence: evidenceNames[q.ev]})
	}
	return r
}

// put shows a row on a page that no blotter has.
func (s *scribe) put(n int, r *OrderRow) {
	i, at := n/pageRows, n%pageRows
	for len(s.pages) <= i {
		s.pages, s.rows, s.shared = append(s.pages, nil), append(s.rows, 0), append(s.shared, false)
	}
	p := s.pages[i]
	switch {
	case p == nil:
		p = &page{}
	case s.shared[i]:
		fresh := *p
		p = &fresh
	}
	s.shared[i] = false
	if p[at] == nil {
		s.rows[i]++
	}
	if r == nil {
		s.rows[i]--
	}
	p[at] = r
	if s.pages[i] = p; s.rows[i] == 0 {
		s.pages[i] = nil
	}
}

// drop takes the orders that closed first off the blotter, all but the last so many. One that opened again has another turn.
func (s *scribe) drop() {
	for len(s.closed) > s.keep {
		o := s.closed[0]
		s.closed[0] = nil
		s.closed = s.closed[1:]
		e := s.entries[o]
		if e.queued = false; o.closed() {
			s.put(e.row, nil)
			delete(s.entries, o)
		}
	}
}

// reckon brings the sums up to date: by what was executed since, and anew where an earlier execution is another one now.
func (s *scribe) reckon(m *Machine) {
	stale := map[stockKey]bool{}
	var fresh []executed
	for _, o := range s.changed {
		e, key := s.entries[o], stockKey{o.Strategy, o.Instrument}
		if o.edited {
			o.edited, stale[key] = false, true
		} else {
			fresh = append(fresh, o.executedFrom(min(e.execs, len(o.execs)), key)...)
		}
		e.execs = len(o.execs)
	}
	if len(stale) > 0 {
		fresh = slices.DeleteFunc(fresh, func(x executed) bool { return stale[x.key] })
		for key := range stale {
			delete(s.stocks, key)
		}
		for _, o := range m.orders {
			if key := (stockKey{o.Strategy, o.Instrument}); stale[key] {
				fresh = append(fresh, o.executedFrom(0, key)...)
			}
		}
	}
	slices.SortFunc(fresh, func(a, b executed) int { return cmp.Compare(a.nth, b.nth) })
	for _, x := range fresh {
		s.stock(x.key).take(x)
	}
}

func (s *scribe) stock(key stockKey) *PositionRow {
	p := s.stocks[key]
	if p == nil {
		p = &PositionRow{Strategy: key.strategy, Instrument: key.instrument}
		s.stocks[key] = p
	}
	return p
}

func (p *PositionRow) take(x executed) {
	p.Executions++
	if err := p.Inventory.Take(x.px, x.qty); err != nil {
		p.Err = err
	}
}

// executed is one live execution, its quantity signed, and its number among all of the machine's.
type executed struct {
	key stockKey
	nth uint64
	qty market.Qty
	px  market.Price
}

func (o *order) executedFrom(n int, key stockKey) (out []executed) {
	for i := range o.execs[n:] {
		if e := &o.execs[n+i]; !e.gone && e.qty != 0 {
			out = append(out, executed{key, e.nth, e.qty * market.Qty(o.Side.Sign()), e.px})
		}
	}
	return out
}

// positions lists the sums, and how many orders of unknown state may yet change each of them.
func (s *scribe) positions(m *Machine) []PositionRow {
	unknown := map[stockKey]int{}
	for _, o := range m.sweep() {
		if o.uncertain() && !o.phantom {
			key := stockKey{o.Strategy, o.Instrument}
			unknown[key]++
			s.stock(key)
		}
	}
	var out []PositionRow
	for key, p := range s.stocks {
		row := *p
		row.Unknown = unknown[key]
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b PositionRow) int {
		return cmp.Or(cmp.Compare(a.Strategy, b.Strategy), a.Instrument.Compare(b.Instrument))
	})
	return out
}
