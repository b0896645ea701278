package strategy

import (
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
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
	gotOwed   // refusals that were kept back are to be told
	gotMissed // events up to a number were told to nobody
	gotSnapshot
	gotGap   // data was lost on its way into the box
	gotMark  // parts what was before a change of state from what comes after
	gotBook  // there is a newer one, on its shelf
	gotShow  // the feed is to be asked for a showing
	gotAgain // an event that was set aside is to be told after all
)

// Message is what a strategy's actor receives. It is made by Inlet, Options, Told, Missed, Restored and GateChanged alone, is a value,
// and holds market data without a pointer, so that a tick costs no allocation. The zero Message is ignored.
type Message struct {
	kind  messageKind
	feed  uint8
	place uint16 // of the instrument among the contracts, from 1; 0 is the channel
	live  bool   // of a mark: what comes after it is whole again
	book  bool   // it is of the stream of books, not of that of quotes, trades and changes of state
	trade feeds.Trade
	quote feeds.Quote
	seq   uint64 // of an order event: its number; of data: that among what its inlet has told
	rest  any    // what is rare: an order event, a state change, a timer
}

// Told makes the message of an order's event, the n-th of the strategy's over all its incarnations, counted from 1. What a
// State has taken in is not taken twice, and a number that is missing ends the incarnation, whose next one starts from
// the journal.
func Told(e orders.Event, n uint64) Message { return Message{kind: gotOrder, seq: n, rest: e} }

// Again makes the message that an event is to be told after all which was set aside because incarnations had ended of it. The State
// has taken it in long ago. An incarnation is told it once, whether by this or by its State.
func Again(u Untold) Message { return Message{kind: gotAgain, rest: u} }

// Missed makes the message that events up to the n-th were told to nobody: who is up ends, and who is not takes no State
// that is older.
func Missed(n uint64) Message { return Message{kind: gotMissed, seq: n} }

// Restored makes the message that answers Desk.Attach.
func Restored(s State) Message { return Message{kind: gotRestored, rest: s} }

// GateChanged makes the message of a change of the gate.
func GateChanged(g Gate) Message { return Message{kind: gotGate, rest: g} }

// State is what journal and venue know of a strategy: never what it believed itself.
type State struct {
	// Positions are what Executions go on from, and so not what these come to: empty where Executions are all there ever were.
	Positions  []Position
	Executions []Execution // in the order in which they were known
	Working    []Working
	Untold     []Untold // events that it takes in and that no incarnation has dealt with, in order
	Seq        uint64   // number of the last event that it takes in
}

// empty reports whether nothing was ever done, or all that was is over and forgotten.
func (s State) empty() bool {
	return len(s.Positions) == 0 && len(s.Executions) == 0 && len(s.Working) == 0
}

// Lane puts the gate and the state to start from ahead of evidence, evidence ahead of timers, and timers ahead of data.
// The state must get through to a strategy that is still starting, which only Control does.
func Lane(m Message) mailbox.Lane {
	switch m.kind {
	case gotGate, gotRestored, gotMissed:
		return mailbox.Control
	case gotOrder, gotAgain:
		return mailbox.Reports
	case gotTimer, gotWant, gotAttach, gotOwed, gotSnapshot, gotShow:
		return mailbox.Commands
	default:
		return mailbox.Data
	}
}
