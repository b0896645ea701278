package strategy

import (
	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

type messageKind uint8

const (
	gotTrade messageKind = iota + 1
	gotQuote
	gotState
	gotOrder
	gotRestored // the answer to Attach: what journal and venue know
	gotTimer
	gotGate
	gotWant
	gotAttach // look whether the state has come, else ask again
)

// Message is what a strategy's actor receives. It is made by Inlet, Told, Restored and GateChanged alone, is a value,
// and holds market data without a pointer, so that a tick costs no allocation. The zero Message is ignored.
type Message struct {
	kind  messageKind
	feed  uint8
	trade feeds.Trade
	quote feeds.Quote
	rest  any // what is rare: an order event, a state change, a timer
}

// Told makes the message of an order's event.
func Told(e orders.Event) Message { return Message{kind: gotOrder, rest: e} }

// Restored makes the message that answers Desk.Attach.
func Restored(s State) Message { return Message{kind: gotRestored, rest: s} }

// GateChanged makes the message of a change of the gate.
func GateChanged(g Gate) Message { return Message{kind: gotGate, rest: g} }

// State is what journal and venue know of a strategy: never what it believed itself.
type State struct {
	Positions []Position
	Working   []Working
}

// Lane puts the gate and the state to start from ahead of evidence, evidence ahead of timers, and timers ahead of data.
// The state must get through to a strategy that is still starting, which only Control does.
func Lane(m Message) mailbox.Lane {
	switch m.kind {
	case gotGate, gotRestored:
		return mailbox.Control
	case gotOrder:
		return mailbox.Reports
	case gotTimer, gotWant, gotAttach:
		return mailbox.Commands
	default:
		return mailbox.Data
	}
}

// Inlet returns the Sink through which one feed reaches a strategy. It is used by that feed's actor alone. A full box
// is a gap for this strategy alone, and is told in its stream ahead of the next data that gets through (P5).
func Inlet(to actors.Address[Message], feed uint8, needs Needs) feeds.Sink {
	return &inlet{to: to, feed: feed, needs: needs}
}

// Needs says which data a strategy has a handler for.
type Needs struct{ Quotes, Trades, States bool }

type inlet struct {
	to    actors.Address[Message]
	feed  uint8
	needs Needs
	lost  map[market.Instrument]bool
}

// Quote hands on the top of a book.
func (i *inlet) Quote(q feeds.Quote) {
	if i.needs.Quotes {
		i.tell(Message{kind: gotQuote, feed: i.feed, quote: q}, q.Instrument, q.Pos, q.Mono)
	}
}

// Depth is not handed on: a strategy sees the touch.
func (i *inlet) Depth(feeds.Depth) {}

// Trade hands on an execution.
func (i *inlet) Trade(t feeds.Trade) {
	if i.needs.Trades {
		i.tell(Message{kind: gotTrade, feed: i.feed, trade: t}, t.Instrument, t.Pos, t.Mono)
	}
}

// State hands on a change of state.
func (i *inlet) State(s feeds.StateChange) {
	i.tell(Message{kind: gotState, feed: i.feed, rest: s}, s.Instrument, s.Pos, s.Mono)
}

// gapWhy is the reason of a state change that speaks of the strategy's own box and not of the feed.
const gapWhy = "box was full"

func (i *inlet) tell(m Message, of market.Instrument, pos feeds.Pos, mono int64) {
	if len(i.lost) > 0 && i.lost[of] {
		gap := feeds.StateChange{Pos: pos, Instrument: of, State: feeds.Suspect, Why: gapWhy, Mono: mono}
		if i.to.Tell(Message{kind: gotState, feed: i.feed, rest: gap}) != nil {
			return
		}
		delete(i.lost, of)
	}
	if err := i.to.Tell(m); err != nil {
		if i.lost == nil {
			i.lost = map[market.Instrument]bool{}
		}
		i.lost[of] = true
	}
}
