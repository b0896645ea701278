package orders

import (
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Message is what the owner of an account takes: a closed set of values,
// immutable once sent.
type Message interface{ orderMessage() }

// Place asks for a new order. ID, account and stamps of the intent that are
// not the caller's are overwritten. What becomes of it is told as events to
// the listener; a decision (Cause) that was placed before is answered with
// EventRepeated and places nothing.
type Place struct {
	Intent risk.Intent
	Held   bool // journalled and charged, but sent only at Release
	// Alive is asked when the order's turn comes: an error refuses it, because
	// the one who decided it is no more. Nil asks nobody.
	Alive func() error
}

// Release lets a held order go.
type Release struct{ ID market.ClOrdID }

// CancelOrder asks for the end of one order, named by any of its ids or by the
// decision that placed it. A cancel travels ahead of orders; one that comes
// before the decision it names refuses that decision when it arrives.
type CancelOrder struct {
	ID      market.ClOrdID
	OrderID string // the venue's id, for orders that only the venue has named

	// Or the decision that placed it, as its strategy names it.
	Strategy string
	Cause    risk.Cause
}

// CancelAll asks for the end of every order in the scope: a mass cancel where
// the venue has it, and a cancel of each order.
type CancelAll struct {
	Scope Scope
	Why   string
}

// ReplaceOrder asks for other terms of an order, named by any of its ids, by the
// venue's, or by the decision that placed it. The gate judges what the worse of
// both terms adds; the request is journalled, and leaves when it is durable. What
// becomes of it is told as events: refused, unsent, replaced, replace_rejected,
// replace_lost. A decision (Cause) that was carried out before is answered with
// EventRepeated and changes nothing. Several may be under way for one order; each
// names the one before. Only a limit order has a replace, and none that is held:
// any other is refused as unsupported.
type ReplaceOrder struct {
	ID      market.ClOrdID
	OrderID string

	// Or the decision that placed it, as its strategy names it.
	Strategy string
	Of       risk.Cause

	Qty   market.Qty   // new total, above what has executed; 0: as it is
	Price market.Price // 0: as it is

	Cause   risk.Cause    // the decision behind this change; zero for none
	Confirm bool          // the soft order quantity was seen and accepted
	TTL     time.Duration // greatest age at hand-over; 0: the account's
	Decided int64         // Instant of the decision; 0: now
	// Alive is asked when its turn comes: an error refuses it, because the one
	// who decided it is no more. Nil asks nobody.
	Alive func() error
}

// Received hands in what the venue link said.
type Received struct{ In Inbound }

// Durable says that every record up to LSN is on disk.
type Durable struct{ LSN journal.LSN }

// Tick lets answer timers and silence be looked at. It is sent at most every
// 100 ms and changes nothing by itself.
type Tick struct{}

// AskUnknown asks the venue again for every order that is UNKNOWN.
type AskUnknown struct{}

// Reconcile asks the venue for the list of all orders.
type Reconcile struct{}

// Day says that a trading day has begun at the venue.
type Day struct{}

// Recall asks for what the journal knows of a strategy. Reply is called in the
// owner's turn and must not block.
type Recall struct {
	Strategy string
	Reply    func(Recalled)
}

// Recalled is what the journal knows of a strategy: its orders that are not
// closed, its positions, and the executions that these are the sum of.
type Recalled struct {
	Orders     []OrderState
	Positions  []Position
	Executions []Execution
}

func (Place) orderMessage()        {}
func (Release) orderMessage()      {}
func (CancelOrder) orderMessage()  {}
func (CancelAll) orderMessage()    {}
func (ReplaceOrder) orderMessage() {}
func (Received) orderMessage()     {}
func (Durable) orderMessage()      {}
func (Tick) orderMessage()         {}
func (AskUnknown) orderMessage()   {}
func (Reconcile) orderMessage()    {}
func (Day) orderMessage()          {}
func (Recall) orderMessage()       {}
