package binance

import (
	"math"
	"slices"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// event is one depth message, kept until it can be applied. Its levels are its own.
type event struct {
	first, last uint64
	time        market.Timestamp
	recv        market.Timestamp
	index       uint64
	sum         uint64
	bids, asks  []level
}

// symbol is one book and how far it is with the venue: it buffers depth events, takes a snapshot, links the two where
// the ids prove that nothing is missing between, and from then on takes only the event that follows.
type symbol struct {
	seat   *feeds.Seat // nil for a symbol that cannot be listed
	book   *feeds.Book
	epoch  uint32
	last   uint64  // final id of what was applied last
	wait   *event  // a snapshot that the next depth event must link to
	buffer []event // depth events since the start or the break
	oracle oracle
	bad    int // disagreements of the oracle in a row
	seen   history
	runs   int   // batches in a row after which the book was crossed
	since  int64 // Instant of the first of them
	depth  bool  // a depth event has come

	again   []int64 // Instants of the latest links after the first
	retryAt int64   // when a quarantine is lifted by itself; 0 for never
	retries int
}

func (y *symbol) live() bool { return y.seat.Own() == feeds.Live }

// depthEvent takes one depth message.
func (f *Feed) depthEvent(y *symbol, e event) {
	y.seat.Book()
	y.depth = true
	switch {
	case y.seat.Own() == feeds.Quarantined:
		f.desk.Unapplied(y.seat)
	case y.live():
		f.follow(y, e)
	case y.wait != nil:
		f.linkTo(y, e)
	default:
		f.keep(y, e)
	}
}

// follow applies an event to a live book, if it is the one that follows.
func (f *Feed) follow(y *symbol, e event) {
	if e.first != y.last+1 {
		f.breaks(y, "update ids do not chain")
		f.keep(y, e)
		return
	}
	f.apply(y, e)
}

// breaks gives the book up: something is missing, and nobody can know how much.
func (f *Feed) breaks(y *symbol, why string) {
	c := &f.desk.Counts
	c.Gaps++
	c.GapUnsized = true
	if h := f.cfg.Events.GapLost; h != nil {
		h(0)
	}
	f.doubt(y, why)
}

// doubt turns a live book away from readers until a snapshot makes it anew.
func (f *Feed) doubt(y *symbol, why string) {
	y.oracle.forget()
	y.bad, y.runs = 0, 0
	if y.live() {
		f.desk.Turn(y.seat, feeds.Suspect, why)
		f.desk.Ask(feeds.Output{Kind: feeds.NeedSnapshot, Instrument: y.seat.Instrument()})
	}
}

// snapshotBody takes a whole book as of update id s.last.
func (f *Feed) snapshotBody(y *symbol, s event) {
	switch {
	case y.live():
		f.reject(y, "the book is live")
		return
	case y.seat.Own() == feeds.Quarantined:
		f.reject(y, "quarantined")
		return
	case y.wait != nil:
		f.reject(y, "replaced before it linked")
		f.unwait(y)
	}
	old := 0
	for old < len(y.buffer) && y.buffer[old].last <= s.last {
		old++
	}
	f.stale(uint64(old))
	f.drop(y, old)
	if len(y.buffer) == 0 {
		f.await(y, s)
		return
	}
	if !links(s, y.buffer[0]) {
		f.reject(y, "older than the buffer")
		return
	}
	f.link(y, s)
	f.drain(y)
}

// links reports whether e follows snapshot s with nothing missing: first ≤ id+1 ≤ last.
func links(s, e event) bool { return e.first <= s.last+1 && s.last < e.last }

// linkTo takes a depth event while a snapshot waits for the one that it links to.
func (f *Feed) linkTo(y *symbol, e event) {
	switch s := *y.wait; {
	case e.last <= s.last:
		f.stale(1)
	case links(s, e):
		f.unwait(y)
		f.link(y, s)
		if y.live() {
			f.apply(y, e)
		} else {
			f.desk.Unapplied(y.seat)
		}
	default:
		f.unwait(y)
		f.reject(y, "older than the first event")
		f.keep(y, e)
	}
}

// link makes the book anew from s, unless it was made anew too often of late: a book that breaks again and again is
// not read in between.
func (f *Feed) link(y *symbol, s event) {
	if y.epoch > 0 && !f.cfg.Offline && y.flaps(f.now, f.cfg.Limits) {
		f.unbuffer(y)
		f.quarantine(y, "too many recoveries")
		f.reject(y, "too many recoveries")
		return
	}
	f.desk.Counts.Snapshots++
	if h := f.cfg.Events.Snapshot; h != nil {
		h(y.seat.Instrument(), true, "")
	}
	y.epoch++
	y.last = s.last
	y.seat.Book()
	y.book.Clear()
	y.book.SetRange(span(s))
	for _, l := range slices.Backward(s.bids) { // from the worst, so that each stands at the end of its side
		y.book.Set(market.Buy, l.price, l.qty)
	}
	for _, l := range slices.Backward(s.asks) {
		y.book.Set(market.Sell, l.price, l.qty)
	}
	f.desk.At(feeds.Pos{Epoch: y.epoch, Seq: s.last}, s.index, s.time)
	f.desk.Turn(y.seat, feeds.Live, "snapshot linked")
	f.desk.Applied(y.seat)
	f.judge(y)
}

// span returns the prices that a snapshot covers: it is cut at a number of levels, so nothing is known beyond.
func span(s event) feeds.PriceRange {
	r := feeds.PriceRange{Low: math.MinInt64, High: math.MaxInt64}
	if n := len(s.bids); n > 0 {
		r.Low = s.bids[n-1].price
	}
	if n := len(s.asks); n > 0 {
		r.High = s.asks[n-1].price
	}
	return r
}

// drain applies what was buffered, until something is missing.
func (f *Feed) drain(y *symbol) {
	n := 0
	for ; n < len(y.buffer) && y.live(); n++ {
		e := y.buffer[n]
		if n > 0 && e.first != y.last+1 {
			f.breaks(y, "update ids do not chain")
			break
		}
		f.desk.Stamp(e.recv, f.now)
		f.apply(y, e)
	}
	f.drop(y, n)
}

// apply changes the book by e, which follows it.
func (f *Feed) apply(y *symbol, e event) {
	d := &f.desk
	d.At(feeds.Pos{Epoch: y.epoch, Seq: e.last}, e.index, e.time)
	y.last = e.last
	y.seen.put(e.last, e.sum)
	f.side(y, market.Buy, e.bids, len(e.asks) == 0)
	f.side(y, market.Sell, e.asks, true)
	d.Applied(y.seat)
	f.judge(y)
	if !y.live() {
		return
	}
	d.Publish(y.seat)
	d.Prove(y.seat)
	gone := y.oracle.expect(touchOf(e.last, best(y.book, market.Buy), best(y.book, market.Sell)))
	d.Counts.OracleSkipped += uint64(gone)
	f.ask(y)
}

func (f *Feed) side(y *symbol, side market.Side, levels []level, final bool) {
	for i, l := range levels {
		if known := y.book.Set(side, l.price, l.qty); !known && l.qty == 0 {
			f.desk.UnknownLevel()
		}
		f.desk.Level(y.seat, side, l.price, l.qty, final && i == len(levels)-1)
	}
}

func best(b *feeds.Book, side market.Side) level {
	l := b.Best(side)
	return level{l.Price, l.Qty}
}

// judge counts a crossed book, and gives up one that stays so.
func (f *Feed) judge(y *symbol) {
	if !f.desk.Judge(y.seat) {
		y.runs = 0
		return
	}
	if y.runs == 0 {
		y.since = f.now
	}
	y.runs++
	if y.runs >= f.cfg.Limits.CrossedRuns || f.now-y.since >= int64(f.cfg.Limits.CrossedFor) {
		f.doubt(y, "crossed for too long")
	}
}

// ask lets the oracle judge what it can.
func (f *Feed) ask(y *symbol) {
	c := &f.desk.Counts
	for {
		v, ok := y.oracle.next()
		if !ok {
			return
		}
		if v == skipped {
			c.OracleSkipped++
			continue
		}
		if h := f.cfg.Events.Oracle; h != nil {
			h(y.seat.Instrument(), v == agrees)
		}
		if v == agrees {
			c.OracleOK++
			y.bad = 0
			continue
		}
		c.OracleBad++
		if y.bad++; !f.cfg.Offline && y.bad >= f.cfg.Limits.OracleRuns {
			f.doubt(y, "bookTicker disagrees")
		}
	}
}

func (f *Feed) stale(n uint64) {
	f.desk.Counts.StaleDropped += n
	if h := f.cfg.Events.StaleDropped; h != nil && n > 0 {
		h(n)
	}
}

func (f *Feed) reject(y *symbol, why string) {
	f.desk.Counts.SnapshotsRejected++
	var i market.Instrument
	if y != nil {
		i = y.seat.Instrument()
	}
	if h := f.cfg.Events.Snapshot; h != nil {
		h(i, false, why)
	}
	if y != nil && !y.live() && y.seat.Own() != feeds.Quarantined {
		f.desk.Ask(feeds.Output{Kind: feeds.NeedSnapshot, Instrument: i})
	}
}

// history remembers the depth events applied last, to tell a second copy from a contradiction.
type history struct {
	ids, sums []uint64
	at        int
	most      int
}

func (h *history) put(id, sum uint64) {
	if len(h.ids) < h.most {
		h.ids, h.sums = append(h.ids, id), append(h.sums, sum)
		return
	}
	h.ids[h.at], h.sums[h.at] = id, sum
	h.at = (h.at + 1) % h.most
}

// differs reports whether id was applied with other bytes than sum stands for.
func (h *history) differs(id, sum uint64) bool {
	lo, hi := 0, len(h.ids) // ids rise from at on, around the end
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if k := (h.at + mid) % len(h.ids); h.ids[k] < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(h.ids) {
		return false
	}
	k := (h.at + lo) % len(h.ids)
	return h.ids[k] == id && h.sums[k] != sum
}
