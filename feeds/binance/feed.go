// Package binance reads the spot streams of Binance: depth, bookTicker, trade, aggTrade and kline frames of a
// websocket, and the REST snapshots that the depth stream starts from, as published in "Web Socket Streams for
// Binance" (binance-spot-api-docs).
//
// It keeps P5 for them: a book begins with a snapshot that the first event proves to link, goes on only with the event
// whose first id follows the last one, and is given up at any doubt. It never merges a snapshot into an old book. It
// does no I/O: snapshots are asked for by feeds.NeedSnapshot, and come in as feeds.Body.
package binance

import (
	"strings"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// Feed is one connection: the books of its symbols, each with a state of its own. NewSpot makes one. It is a
// feeds.Feed, and not safe for concurrent use.
type Feed struct {
	desk    feeds.Desk
	cfg     feeds.Config
	now     int64
	due     int64 // the first retry of a quarantined book; 0 for none
	frame   frame
	symbols map[string]*symbol
	order   []*symbol
	types   map[string]*uint64
	backlog backlog
}

// NewSpot returns the Feed of cfg without symbols, or what Limits.Validate finds.
func NewSpot(cfg feeds.Config) (*Feed, error) {
	if err := cfg.Limits.Validate(); err != nil {
		return nil, err
	}
	return &Feed{
		desk: feeds.NewDesk(cfg, feeds.Down, true), cfg: cfg,
		symbols: map[string]*symbol{}, types: map[string]*uint64{},
	}, nil
}

// Desk returns the books, their states and the counts.
func (f *Feed) Desk() *feeds.Desk { return &f.desk }

// Detects returns feeds.ByChain: that something is missing, not how much.
func (f *Feed) Detects() feeds.Detection { return feeds.ByChain }

// Deadline returns the Instant at which a quarantine is to be lifted, 0 for none. A silent websocket is found by its
// pings, by the one who holds the connection.
func (f *Feed) Deadline() int64 { return f.due }

// ByType returns delivered messages by the name of their stream.
func (f *Feed) ByType() map[string]uint64 {
	by := make(map[string]uint64, len(f.types))
	for name, n := range f.types {
		if *n > 0 {
			by[name] = *n
		}
	}
	return by
}

// Step takes one Input at Instant now.
func (f *Feed) Step(now int64, in feeds.Input) []feeds.Output {
	f.now = now
	f.retryDue()
	switch in.Kind {
	case feeds.Packet, feeds.Body, feeds.Resent:
		f.text(in)
	case feeds.Garbled:
		f.malformed(in, "not a frame")
	case feeds.Control:
		f.desk.Counts.Control++
	case feeds.LineDown:
		f.lineDown()
	case feeds.LineUp:
		f.lineUp()
	case feeds.End:
		f.finish()
	case feeds.Retry:
		f.retry()
	case feeds.Tick:
	}
	return f.desk.TakeOutputs()
}

// text takes one frame or REST body.
func (f *Feed) text(in feeds.Input) {
	m := &f.frame
	if !m.parse(in.Data) {
		f.malformed(in, "not JSON of the venue")
		return
	}
	k, name := m.classify(in.Kind == feeds.Body)
	if k == broken {
		f.malformed(in, "a field is missing")
		return
	}
	f.desk.Seen(in.Recv, m.at())
	f.desk.Stamp(in.Recv, f.now)
	if in.Kind == feeds.Packet {
		f.desk.TurnAll(feeds.Live, "the line speaks")
	}
	if k == control {
		f.desk.Counts.Control++
		return
	}
	f.desk.Counts.Packets++
	if h := f.cfg.Events.Packet; h != nil {
		h(in.Line, len(in.Data), 1)
	}
	if k == unknown {
		f.desk.Counts.Messages++
		f.desk.Counts.UnknownTypes++
		return
	}
	f.dispatch(in, k, name)
}

func (m *frame) at() market.Timestamp { return market.Timestamp(min(m.time, 1<<43) * 1_000_000) }

// dispatch counts the message and takes it to its book.
func (f *Feed) dispatch(in feeds.Input, k kind, name []byte) {
	if k == snapshot {
		f.count(name)
		f.snapshot(in)
		return
	}
	if k == other {
		f.count(name)
		return
	}
	y := f.symbol(string(f.frame.symbol))
	if k == depth && y != nil && f.duplicate(in, y) {
		return
	}
	f.count(name)
	if y == nil {
		return
	}
	m := &f.frame
	if m.refused != nil {
		f.refuse(y, k)
		return
	}
	switch k {
	case depth:
		f.depthEvent(y, event{
			first: m.first, last: m.last, time: m.at(), recv: in.Recv, index: f.desk.Counts.Messages - 1,
			sum: feeds.Digest(in.Data), bids: m.bids, asks: m.asks,
		})
	case ticker:
		y.oracle.tell(touchOf(m.last, m.bid, m.ask))
		f.ask(y)
	case trade:
		f.trade(y)
	case other, snapshot, control, broken, unknown:
	}
}

func (f *Feed) trade(y *symbol) {
	m := &f.frame
	side := market.Buy
	if m.maker {
		side = market.Sell // the buyer was resting, so the seller came
	}
	if m.has&hasMaker == 0 {
		side = 0
	}
	f.desk.At(feeds.Pos{Epoch: y.epoch, Seq: y.last}, f.desk.Counts.Messages-1, market.Timestamp(min(m.traded, 1<<43)*1_000_000))
	f.desk.Trade(y.seat, m.price, m.qty, side)
}

// count counts a message, by name while there are not too many names.
func (f *Feed) count(name []byte) {
	f.desk.Counts.Messages++
	n := f.types[string(name)]
	if n == nil {
		if len(f.types) >= f.cfg.Limits.Types {
			f.desk.Counts.UnknownTypes++
			return
		}
		n = new(uint64)
		f.types[string(name)] = n
	}
	*n++
}

// duplicate reports whether a depth event was applied before, and judges whether it was the same one.
func (f *Feed) duplicate(in feeds.Input, y *symbol) bool {
	if !y.live() || f.frame.last > y.last {
		return false
	}
	f.desk.Counts.Duplicates++
	if h := f.cfg.Events.Duplicate; h != nil {
		h(in.Line)
	}
	if y.seen.differs(f.frame.last, feeds.Digest(in.Data)) {
		f.desk.Counts.Conflicts++
		if h := f.cfg.Events.Conflict; h != nil {
			h(feeds.Pos{Epoch: y.epoch, Seq: f.frame.last})
		}
		f.quarantine(y, "conflict")
	}
	return true
}

// refuse shuts a symbol over a number that is right in form and cannot be held exactly.
func (f *Feed) refuse(y *symbol, k kind) {
	if k == depth {
		y.seat.Book()
		f.desk.Unapplied(y.seat)
	}
	y.oracle.forget()
	f.unbuffer(y)
	f.desk.Refuse(y.seat, f.frame.refused.Error())
}

// snapshot finds whose book a REST body is.
func (f *Feed) snapshot(in feeds.Input) {
	m := &f.frame
	y := f.only()
	if in.Symbol != "" {
		y = f.symbol(strings.ToUpper(in.Symbol))
	}
	switch {
	case y == nil:
		f.reject(nil, "of no known symbol")
	case m.refused != nil:
		y.seat.Book()
		f.refuse(y, snapshot)
	default:
		f.snapshotBody(y, event{
			last: m.book, recv: in.Recv, index: f.desk.Counts.Messages - 1, bids: m.bids, asks: m.asks,
		})
	}
}

// only returns the symbol of a connection that has depth events of one alone.
func (f *Feed) only() *symbol {
	var found *symbol
	for _, y := range f.order {
		if !y.depth {
			continue
		}
		if found != nil {
			return nil
		}
		found = y
	}
	return found
}

// symbol returns the book of name, made at first sight; nil for a name that cannot be listed.
func (f *Feed) symbol(name string) *symbol {
	if y, ok := f.symbols[name]; ok {
		return y
	}
	if len(f.symbols) >= f.cfg.Limits.Symbols {
		f.desk.Unlisted()
		return nil
	}
	y := f.list(name)
	f.symbols[strings.Clone(name)] = y
	if y != nil {
		f.order = append(f.order, y)
	}
	return y
}

func (f *Feed) list(name string) *symbol {
	i, err := market.Listed(f.cfg.Venue, market.Symbol(strings.Clone(name)))
	if err != nil {
		f.desk.Unlisted()
		return nil
	}
	y := &symbol{
		book:   feeds.NewBook(f.cfg.Limits.Levels),
		oracle: oracle{most: f.cfg.Limits.Oracle},
		seen:   history{most: f.cfg.Limits.SymbolSeen},
	}
	if y.seat, err = f.desk.Seat(i, y.book, feeds.Syncing); err != nil {
		f.desk.Unlisted()
		return nil
	}
	return y
}

// malformed counts what is no frame. It could have been of any symbol, so each of them is in doubt.
func (f *Feed) malformed(in feeds.Input, why string) {
	if in.Torn { // the end of a recording, not of a book
		f.desk.Counts.Torn = true
		return
	}
	f.desk.Counts.Packets++
	f.desk.Counts.Malformed++
	if h := f.cfg.Events.Malformed; h != nil {
		h(in.Line, why)
	}
	if in.Kind == feeds.Body {
		return // nothing was sent on the line
	}
	for _, y := range f.order {
		f.doubt(y, "malformed frame")
	}
}

func (f *Feed) lineDown() {
	f.desk.TurnAll(feeds.Down, "line lost")
	for _, y := range f.order {
		y.oracle.forget()
		f.unwait(y)
		f.unbuffer(y)
		if y.seat.Own() != feeds.Quarantined {
			f.desk.Turn(y.seat, feeds.Down, "line lost")
		}
	}
}

func (f *Feed) lineUp() {
	f.desk.TurnAll(feeds.Live, "line up")
	for _, y := range f.order {
		if y.seat.Own() == feeds.Down {
			f.desk.Turn(y.seat, feeds.Syncing, "line up")
		}
	}
}

func (f *Feed) retry() {
	for _, y := range f.order {
		f.lift(y)
	}
}

// finish judges what is still open when no input follows.
func (f *Feed) finish() {
	for _, y := range f.order {
		f.unbuffer(y)
		f.desk.Counts.OracleSkipped += uint64(y.oracle.forget())
		if y.wait != nil && !y.depth {
			f.unwait(y)
			f.reject(y, "of no known symbol")
		}
	}
}
