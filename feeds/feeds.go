// Package feeds turns the bytes of a venue into sequenced, recovered, gated books.
//
// It keeps promise P5: a book is read only while it is provably in sequence, and doubt travels in the same stream as
// data, ahead of what comes after it. It gives P2 its "the price is Live", holds every queue within Limits (P6),
// lets one bad frame or book fall alone (P8), and gives the same events for the same recording again (P9).
//
// It never guesses a missing message, never switches a check off to stay up, never merges a snapshot into an old
// book, and never hands out a price without its State. Its core, everything behind Feed, reads no clock, starts no
// goroutine and does no I/O: time is an argument, bytes come in by Step, and what is to be asked of the world comes
// back as Outputs. The shell around it (Service) reads sockets as work under supervision. DESIGN.md and LIVE.md say
// why they are cut this way.
//
// A codec (feeds/iex, feeds/mold with feeds/itch, feeds/binance) imports this package; this package imports none.
package feeds

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/market"
)

// Why a Quote may not be traded on. Quote.Tradable returns them wrapped with the values that matter.
var (
	// ErrNotLive says that the book is in a State other than Live.
	ErrNotLive = errors.New("feeds: not live")
	// ErrOneSided says that the bid or the ask is missing.
	ErrOneSided = errors.New("feeds: one-sided")
	// ErrCrossed says that the bid is above the ask.
	ErrCrossed = errors.New("feeds: crossed")
	// ErrOutOfRange says that the touch lies outside the prices that the last snapshot covered.
	ErrOutOfRange = errors.New("feeds: out of range")
)

// Pos is a place in a feed: Seq rises by one per message within an Epoch and never returns. Epochs count from 1 in
// the order in which this process saw them. On websocket feeds Seq is the venue's update id. The zero Pos is none.
type Pos struct {
	Epoch uint32
	Seq   uint64
}

// Before reports whether p comes ahead of o.
func (p Pos) Before(o Pos) bool {
	return p.Epoch < o.Epoch || p.Epoch == o.Epoch && p.Seq < o.Seq
}

// Level is one price of a book with the quantity that rests there. The zero Level is an absent one.
type Level struct {
	Price market.Price
	Qty   market.Qty
}

// PriceRange is the span of prices that a snapshot of bounded depth covers, both ends included: nothing is known of
// levels outside. The zero PriceRange covers everything.
type PriceRange struct{ Low, High market.Price }

// Holds reports whether p lies in r.
func (r PriceRange) Holds(p market.Price) bool {
	return r == PriceRange{} || r.Low <= p && p <= r.High
}

// Event is what a feed tells its readers: Quote, Depth, Trade or StateChange, all values.
type Event interface{ feedEvent() }

// Quote is the touch of one instrument, with the State that it was read in. A Quote that is not Live carries no
// prices. An absent side is the zero Level. Mono is the Instant (nanoseconds of the system's monotonic clock) at
// which the price was last proven, which a heartbeat does too; Event and Recv are data, and never judge staleness.
type Quote struct {
	Pos
	Instrument  market.Instrument
	State       State
	Bid, Ask    Level
	Range       PriceRange
	Event, Recv market.Timestamp
	Mono        int64
}

// Tradable returns nil, or why no order may be priced by q: ErrNotLive, ErrOneSided, ErrCrossed or ErrOutOfRange,
// in that order. A locked market (bid equal to ask) is tradable.
func (q Quote) Tradable() error {
	switch {
	case q.State != Live:
		return fmt.Errorf("%w: %s is %s", ErrNotLive, q.Instrument, q.State)
	case q.Bid.Qty <= 0 || q.Ask.Qty <= 0:
		return fmt.Errorf("%w: %s: bid size %s, ask size %s", ErrOneSided, q.Instrument, q.Bid.Qty, q.Ask.Qty)
	case q.Bid.Price > q.Ask.Price:
		return fmt.Errorf("%w: %s: bid %s, ask %s", ErrCrossed, q.Instrument, q.Bid.Price, q.Ask.Price)
	case !q.Range.Holds(q.Bid.Price) || !q.Range.Holds(q.Ask.Price):
		return fmt.Errorf("%w: %s: bid %s, ask %s, known from %s to %s", ErrOutOfRange, q.Instrument, q.Bid.Price, q.Ask.Price, q.Range.Low, q.Range.High)
	}
	return nil
}

// Trade is one execution that the venue printed. Aggressor is 0 where the venue does not say. A trade is delivered
// in every State, with the State that its book had.
type Trade struct {
	Pos
	Instrument  market.Instrument
	State       State
	Price       market.Price
	Qty         market.Qty
	Aggressor   market.Side
	Event, Recv market.Timestamp
	Mono        int64
}

// Depth is one level of a Live book that changed: Qty is what rests there now, 0 when the level is gone. Complete
// ends a batch; between batches a book may stand crossed without meaning it. Depth comes only while the book is
// Live: a reader forgets the book at any other StateChange, and at the next Live it is sent whole, level by level.
type Depth struct {
	Pos
	Instrument  market.Instrument
	State       State
	Side        market.Side
	Price       market.Price
	Qty         market.Qty
	Complete    bool
	Event, Recv market.Timestamp
	Mono        int64
}

// StateChange says that a book, or with a zero Instrument every book of the channel, entered State. It comes ahead
// of everything that was read in that State. Reset marks the start of a new epoch, in which every book is empty.
// A book is as good as the worse of what was last said of it and of its channel.
type StateChange struct {
	Pos
	Instrument market.Instrument
	State      State
	Reset      bool
	Why        string
	Recv       market.Timestamp
	Mono       int64
}

func (Quote) feedEvent()       {}
func (Depth) feedEvent()       {}
func (Trade) feedEvent()       {}
func (StateChange) feedEvent() {}

// Sink takes the events of one feed, in order, within the Step that made them. Its methods must neither block nor
// call back into the feed.
type Sink interface {
	Quote(Quote)
	Depth(Depth)
	Trade(Trade)
	State(StateChange)
}

// Discard is the Sink that drops everything.
type Discard struct{}

// Quote drops q.
func (Discard) Quote(Quote) {}

// Depth drops d.
func (Discard) Depth(Depth) {}

// Trade drops t.
func (Discard) Trade(Trade) {}

// State drops s.
func (Discard) State(StateChange) {}
