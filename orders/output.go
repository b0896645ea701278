package orders

import (
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// OutputKind says what an [Output] asks of the shell. The zero value is
// invalid.
type OutputKind uint8

// Kinds of outputs.
const (
	OutEvent      OutputKind = iota + 1 // tell Event
	OutFlag                             // count Flag of Event.Order
	OutPlace                            // send New
	OutReplace                          // send Replace
	OutCancel                           // send Cancel
	OutAsk                              // send Question
	OutMassCancel                       // send a mass cancel of Scope
	OutHold                             // post Held to the gate
	OutExecute                          // post an execution fact to the gate: Event.Exec, LastQty (signed), LastPx
	OutRecord                           // append Record behind
)

// posted says whether an output goes to the gate.
func (k OutputKind) posted() bool { return k == OutHold || k == OutExecute }

// Output is one thing that a step asks of its shell, valid until the next
// step.
type Output struct {
	Kind   OutputKind
	Flag   Flag
	Event  Event
	Held   risk.Held // of an OutHold
	Unsent bool      // of an OutHold: proven never to have left, the reservation is free
	Record Input
	scope  Scope
	send   send
}

// send is what New, Replace, Cancel and Question have in common.
type send struct {
	order New
	orig  market.ClOrdID
	oid   string
	mass  bool
}

// New returns the message of an OutPlace.
func (o Output) New() New { return o.send.order }

// Replace returns the message of an OutReplace.
func (o Output) Replace() Replace {
	n := &o.send.order
	return Replace{
		ID: n.ID, Orig: o.send.orig, OrderID: o.send.oid, Account: n.Account, Instrument: n.Instrument,
		Side: n.Side, Type: n.Type, TIF: n.TIF, Qty: n.Qty, Price: n.Price,
	}
}

// Cancel returns the message of an OutCancel.
func (o Output) Cancel() Cancel {
	n := &o.send.order
	return Cancel{
		ID: n.ID, Orig: o.send.orig, OrderID: o.send.oid, Account: n.Account, Instrument: n.Instrument,
		Side: n.Side, Qty: n.Qty,
	}
}

// Question returns the message of an OutAsk.
func (o Output) Question() Question {
	n := &o.send.order
	return Question{
		Mass: o.send.mass, ID: n.ID, OrderID: o.send.oid, Account: n.Account, Instrument: n.Instrument, Side: n.Side,
	}
}

// Scope returns the scope of an OutMassCancel.
func (o Output) Scope() Scope { return o.scope }
