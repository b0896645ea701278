package orders

import (
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Input is what [Machine.Step] takes: the closed set of [Inbound] and the
// types of this file.
type Input interface{ input() }

// Ref names an order by any id of its chain or, when ID is empty, by the
// venue's id.
type Ref struct {
	ID      market.ClOrdID
	OrderID string
}

// Create brings an order into being. It is journalled before anything leaves;
// the order goes out at [HandOver]. R20 may refuse it.
type Create struct {
	New
	Cause risk.Cause    // the decision behind it, zero for none
	TTL   time.Duration // greatest age at hand-over, 0 for no bound
	Held  bool          // waits for capacity or rate: needs [Arm] before its hand-over, and can be proven unsent
}

// Arm marks a held request as one that may be handed over. It is durable
// before the hand-over.
type Arm struct{ ID market.ClOrdID }

// HandOver asks for the request's message now. R21 and the session are tested
// again; what may not leave ends as unsent.
type HandOver struct{ ID market.ClOrdID }

// Change asks for other terms of an order. A zero Qty or Price is taken from
// the newest open replace, else from the order (R17).
type Change struct {
	ID    market.ClOrdID
	Of    Ref
	Qty   market.Qty
	Price market.Price
	Held  bool
	Cause risk.Cause // the decision behind it, zero for none
	Due   int64      // Instant after which it is not handed over (R21), 0 for none
}

// Withdraw asks for the end of an order (R16). It is not journalled ahead.
type Withdraw struct {
	ID market.ClOrdID
	Of Ref
}

// Unsent says that a request is proven not to have left: its gateway refused
// it, or it was held when the process ended.
type Unsent struct {
	ID     market.ClOrdID
	Reason Reason
}

// Timeout says that the answer timer of a request has fired (R12).
type Timeout struct{ ID market.ClOrdID }

// Quiet says that an order has been silent for too long.
type Quiet struct{ Of Ref }

// Ask asks the venue for the state of one order.
type Ask struct{ Of Ref }

// AskAll asks the venue for the state of all orders.
type AskAll struct{}

// WithdrawAll asks the venue for the end of all orders of the scope. Cancels of
// each order go beside it.
type WithdrawAll struct{ Scope Scope }

// NewDay says that a trading day has begun.
type NewDay struct{}

// Crash says that a process has ended and another one has read its journal
// (R19).
type Crash struct{}

// cancelSent folds a cancel that was sent or queued back into the state.
type cancelSent struct {
	Of     Ref
	ID     market.ClOrdID
	Orig   market.ClOrdID
	Queued bool
	Again  bool // made by R16b
}

func (Create) input()      {}
func (Arm) input()         {}
func (HandOver) input()    {}
func (Change) input()      {}
func (Withdraw) input()    {}
func (Unsent) input()      {}
func (Timeout) input()     {}
func (Quiet) input()       {}
func (Ask) input()         {}
func (AskAll) input()      {}
func (WithdrawAll) input() {}
func (NewDay) input()      {}
func (Crash) input()       {}
func (cancelSent) input()  {}
