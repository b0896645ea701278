package strategy

import (
	"slices"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// Needs says which data a strategy has a handler for.
type Needs struct {
	Quotes, Trades, States bool
	Interest               *Interest // which of it is wanted; nil: all
}

// kinds are the data that there are handlers for.
func (n Needs) kinds() feeds.Kinds {
	var k feeds.Kinds
	if n.Quotes {
		k |= feeds.Quotes
	}
	if n.Trades {
		k |= feeds.Trades
	}
	return k
}

// Inlet returns the Sink through which one feed reaches a strategy. It is used by that feed's actor alone. A full box
// is a gap for this strategy alone, and is told in its stream ahead of the next data that gets through (P5).
//
// What it missed it is to be shown: show asks the feed for that, in the feed's turn, and is asked again at the next data
// while it errs. Nil where nothing can be shown; then a gap lasts until the feed says Live by itself.
func Inlet(to actors.Address[Message], feed uint8, needs Needs, show func() error) feeds.Sink {
	return &inlet{to: to, feed: feed, needs: needs, show: show}
}

type inlet struct {
	to    actors.Address[Message]
	feed  uint8
	needs Needs
	show  func() error
	owed  bool                // a gap was told, and show is still to be asked
	lost  []market.Instrument // in the order of loss; the zero Instrument is the channel
}

// Quote hands on the top of a book.
func (i *inlet) Quote(q feeds.Quote) {
	if i.needs.Quotes && i.needs.Interest.Wants(feeds.Quotes, q.Instrument) {
		i.tell(Message{kind: gotQuote, feed: i.feed, quote: q}, q.Instrument, q.Pos, q.Mono)
	}
}

// Depth is not handed on: a strategy sees the touch.
func (i *inlet) Depth(feeds.Depth) {}

// Trade hands on an execution.
func (i *inlet) Trade(t feeds.Trade) {
	if i.needs.Trades && i.needs.Interest.Wants(feeds.Trades, t.Instrument) {
		i.tell(Message{kind: gotTrade, feed: i.feed, trade: t}, t.Instrument, t.Pos, t.Mono)
	}
}

// State hands on a change of state. Behind one that begins the whole channel again nothing from before it is missed.
func (i *inlet) State(s feeds.StateChange) {
	m := Message{kind: gotState, feed: i.feed, rest: s}
	if !s.Reset || s.Instrument.Valid() {
		i.tell(m, s.Instrument, s.Pos, s.Mono)
		return
	}
	if err := i.to.Tell(m); err != nil {
		i.lose(s.Instrument)
		return
	}
	i.lost = i.lost[:0]
	i.owed = false
}

// gapWhy is the reason of a state change that speaks of the strategy's own box and not of the feed.
const gapWhy = "box was full"

func (i *inlet) tell(m Message, of market.Instrument, pos feeds.Pos, mono int64) {
	if !i.warn(pos, mono) {
		i.lose(of)
		return
	}
	if err := i.to.Tell(m); err != nil {
		i.lose(of)
		return
	}
	if i.owed && i.show != nil {
		i.owed = i.show() != nil
	}
}

// warn tells of each instrument, or of the whole channel, that something was lost, and reports whether nothing is untold.
func (i *inlet) warn(pos feeds.Pos, mono int64) bool {
	for n, of := range i.lost {
		gap := feeds.StateChange{Pos: pos, Instrument: of, State: feeds.Suspect, Why: gapWhy, Mono: mono}
		if i.to.Tell(Message{kind: gotState, feed: i.feed, rest: gap}) != nil {
			i.lost = slices.Delete(i.lost, 0, n)
			return false
		}
		i.owed = true
	}
	i.lost = i.lost[:0]
	return true
}

func (i *inlet) lose(of market.Instrument) {
	if !slices.Contains(i.lost, of) {
		i.lost = append(i.lost, of)
	}
}
