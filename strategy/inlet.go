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
	Quotes, Depths, Trades, States bool
	Interest                       *Interest // which of it is wanted; nil: all
	Books                          *Books    // where its books are, those of its Config; nil: there are none
}

// kinds are the data that there are handlers for.
func (n Needs) kinds() feeds.Kinds {
	var k feeds.Kinds
	if n.Quotes {
		k |= feeds.Quotes
	}
	if n.Depths {
		k |= feeds.Depths
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
	if !needs.Depths {
		needs.Books = nil
	}
	i := &inlet{to: to, feed: feed, needs: needs, seats: map[market.Instrument]seat{}}
	for n, c := range contracts {
		i.seats[c.Instrument] = seat{uint16(n + 1), needs.Books.shelfOf(c.Instrument)} //nolint:gosec // a configuration lists fewer
	}
	return i
}

// inlet keeps no account of what was lost: that is the box's, and ends with the incarnation that has it.
type inlet struct {
	to    actors.Address[Message]
	feed  uint8
	needs Needs
	seats map[market.Instrument]seat
	told  uint64
}

// seat is the place of an instrument among the contracts, from 1, and its book, if it has one.
type seat struct {
	place uint16
	shelf *shelf
}

// wants reports whether data of a kind is to reach the strategy.
func (i *inlet) wants(kind feeds.Kinds, of market.Instrument) bool {
	return i.needs.Interest.Wants(kind, of)
}

// Quote hands on the top of a book.
func (i *inlet) Quote(q feeds.Quote) {
	at := i.seats[q.Instrument]
	if at.shelf != nil && at.shelf.quote(q) {
		i.newest(Message{kind: gotBook, place: at.place, book: true})
	}
	if at.place != 0 && i.needs.Quotes && i.wants(feeds.Quotes, q.Instrument) {
		i.newest(Message{kind: gotQuote, place: at.place, quote: q})
	}
}

// Depth keeps a book, and says that there is a new one when a batch is complete.
func (i *inlet) Depth(d feeds.Depth) {
	at := i.seats[d.Instrument]
	switch {
	case at.shelf == nil:
	case !i.wants(feeds.Depths, d.Instrument):
		at.shelf.neglect()
	case at.shelf.depth(d):
		i.newest(Message{kind: gotBook, place: at.place, book: true})
	}
}

// Trade hands on an execution.
func (i *inlet) Trade(t feeds.Trade) {
	if at := i.seats[t.Instrument]; at.place != 0 && i.needs.Trades && i.wants(feeds.Trades, t.Instrument) {
		_ = i.tell(Message{kind: gotTrade, place: at.place, trade: t})
	}
}

// State takes back what can be read, and hands on a change of state between two marks. That of its own stream comes first: it lets
// the change through where something was lost before. Those of all instruments come behind a change of the channel, so that what is
// lost after it is, as a rule, told after it; what was lost is healed by the mark alone, which is refused where the gap still waits
// for room.
func (i *inlet) State(c feeds.StateChange) {
	at := i.seats[c.Instrument]
	if c.Instrument.Valid() && at.place == 0 {
		return
	}
	for of, x := range i.seats {
		if x.shelf != nil && (of == c.Instrument || !c.Instrument.Valid()) {
			x.shelf.turn(c.State)
		}
	}
	live := c.State == feeds.Live
	i.mark(at.place, live)
	_ = i.tell(Message{kind: gotState, place: at.place, rest: c})
	if at.place != 0 {
		return
	}
	for n := range len(i.seats) {
		i.mark(uint16(n+1), live) //nolint:gosec // as above
	}
}

// mark parts what was from what comes, in a stream and in that of its book. A quote that waits is void, so that a newer one finds no
// place ahead of the mark. It may find no room, and then none waits: one that says Live is shown again after the gap that it was to
// end.
func (i *inlet) mark(place uint16, live bool) {
	_ = i.tell(Message{kind: gotMark, place: place, live: live})
	if i.needs.Books != nil && place != 0 {
		_ = i.tell(Message{kind: gotMark, place: place, live: live, book: true})
	}
}

// newest hands on what stands for all before it. The box makes a gap only of what may not be lost, so it is told of one.
func (i *inlet) newest(m Message) {
	if errors.Is(i.tell(m), mailbox.ErrFull) {
		_ = i.tell(Message{kind: gotGap, place: m.place, book: m.book})
	}
}

// tell numbers a message. An answer says that nobody is there, who is shown everything when he comes, or that there is no room.
func (i *inlet) tell(m Message) error {
	i.told++
	m.feed, m.seq = i.feed, i.told
	return i.to.Tell(m)
}
