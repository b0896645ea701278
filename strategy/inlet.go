package strategy

import (
	"errors"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
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

// Inlet returns the Sink through which one feed reaches a strategy, whose box is one of Box with Options, for contracts, which are
// those of its Config. It is used by that feed's actor alone. Of what is no contract's it tells nothing.
//
// A newer quote of an instrument takes the place of one that waits, and none is put ahead of a trade or of a change of state that
// came before it, of its own or of the whole channel. Trades and changes of state are each told, in order. A full box is a gap
// for this strategy alone, and stands in its stream where the data is missing (P5).
func Inlet(to actors.Address[Message], feed uint8, contracts []market.Contract, needs Needs) feeds.Sink {
	i := &inlet{to: to, feed: feed, needs: needs, places: map[market.Instrument]uint16{}}
	for n, c := range contracts {
		i.places[c.Instrument] = uint16(n + 1) //nolint:gosec // a configuration lists fewer
	}
	return i
}

// inlet keeps no account of what was lost: that is the box's, and ends with the incarnation that has it.
type inlet struct {
	to     actors.Address[Message]
	feed   uint8
	needs  Needs
	places map[market.Instrument]uint16
	told   uint64
}

// Quote hands on the top of a book.
func (i *inlet) Quote(q feeds.Quote) {
	if place := i.places[q.Instrument]; place != 0 && i.needs.Quotes && i.needs.Interest.Wants(feeds.Quotes, q.Instrument) {
		i.newest(Message{kind: gotQuote, place: place, quote: q})
	}
}

// Depth is not handed on: a strategy sees the touch.
func (i *inlet) Depth(feeds.Depth) {}

// Trade hands on an execution.
func (i *inlet) Trade(t feeds.Trade) {
	if place := i.places[t.Instrument]; place != 0 && i.needs.Trades && i.needs.Interest.Wants(feeds.Trades, t.Instrument) {
		_ = i.tell(Message{kind: gotTrade, place: place, trade: t})
	}
}

// State hands on a change of state between two marks. That of its own stream comes first: it lets the change through where
// something was lost before. Those of all instruments come behind a change of the channel, so that what is lost after it is, as
// a rule, told after it; what was lost is healed by the mark alone, which is refused where the gap still waits for room.
func (i *inlet) State(c feeds.StateChange) {
	place := i.places[c.Instrument]
	if c.Instrument.Valid() && place == 0 {
		return
	}
	live := c.State == feeds.Live
	i.mark(place, live)
	_ = i.tell(Message{kind: gotState, place: place, rest: c})
	if place != 0 {
		return
	}
	for n := range len(i.places) {
		i.mark(uint16(n+1), live) //nolint:gosec // as above
	}
}

// mark parts what was from what comes. A quote that waits is void, so that a newer one finds no place ahead of the mark. It may
// find no room, and then none waits: one that says Live is shown again after the gap that it was to end.
func (i *inlet) mark(place uint16, live bool) {
	_ = i.tell(Message{kind: gotMark, place: place, live: live})
}

// newest hands on what stands for all before it. The box makes a gap only of what may not be lost, so it is told of one.
func (i *inlet) newest(m Message) {
	if errors.Is(i.tell(m), mailbox.ErrFull) {
		_ = i.tell(Message{kind: gotGap, place: m.place})
	}
}

// tell numbers a message. An answer says that nobody is there, who is shown everything when he comes, or that there is no room.
func (i *inlet) tell(m Message) error {
	i.told++
	m.feed, m.seq = i.feed, i.told
	return i.to.Tell(m)
}
