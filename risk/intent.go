package risk

import (
	"time"

	"github.com/failshut/failshut/market"
)

// Cause names the decision of a strategy that an order comes from. The zero Cause is none: an order by hand.
type Cause [24]byte

// Intent is what somebody wants to do at a venue. It is the one shape of an order before it has evidence: strategies fill it in,
// orders adds the identity, the gate judges it. An Intent is a value and is not changed once it was handed over.
type Intent struct {
	ID          market.ClOrdID    // of this request; never given twice. The gate refuses an empty one and one it has seen.
	Cause       Cause             // the strategy's decision; zero for orders by hand
	Account     market.Account    // must be the account of the gate that is asked
	Strategy    string            // who spends the limit; a trader's name for orders by hand
	Instrument  market.Instrument // what is traded
	Side        market.Side       // buy or sell
	Type        market.OrderType  // a market order leaves as a limit order at the collar, or not at all
	TIF         market.TIF        // how long it may rest
	Qty         market.Qty        // above zero
	Price       market.Price      // limit price; 0 for a market order
	StopPrice   market.Price      // 0 but for a stop order
	PostOnly    bool              // must not take liquidity
	ReduceOnly  bool              // refused unless it can only bring the position nearer to zero
	Short       bool              // marked as a short sale
	Confirm     bool              // the soft order quantity was seen and accepted
	TTL         time.Duration     // how old the decision may be when the order is handed over; 0 is the account's default
	Parent      Cause             // the decision this one is a part of; zero for none
	Decided     int64             // instant of the decision: nanoseconds of the system's monotonic clock
	Read        int64             // instant at which the data that led to it was read
	DecidedWall market.Timestamp  // wall time of the decision; for information
	Amends      Amends            // the live order whose terms this changes; the zero value is none: a new order
}

// Amends names the live order that an intent gives other terms to. The intent's own quantity and price are the new ones, whole: of
// Qty, Done has executed already.
type Amends struct {
	Order market.ClOrdID // as the gate knows it, by Held.Order; empty: none
	Done  market.Qty     // what of it has executed, from 0 to below the intent's Qty
	Price market.Price   // the price at which it would execute soonest, of all the terms that may be in force at the venue
}

// Reading is one reading of both clocks, taken by whoever has a clock and handed in. Both count: a suspended machine moves the wall
// clock, a wall clock set back is caught by the monotonic one.
type Reading struct {
	Wall int64 // nanoseconds since 1970 UTC
	Mono int64 // nanoseconds of the system's monotonic clock
}

// Position is what one strategy of an account holds of an instrument, as the account's journal knows it after a replay.
type Position struct {
	Strategy   string
	Instrument market.Instrument
	Qty        market.Qty   // signed: below zero is short
	Price      market.Price // average price, for the charge; 0 is taken as the worst known
}

// Held is what one order could still execute, as the order machine knows it. It is absolute, so that repeating it is harmless.
type Held struct {
	Order      market.ClOrdID
	Strategy   string
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty   // what may still execute; 0 says, by a fact of the venue or by proof, nothing more
	Price      market.Price // the worst price it may execute at, as far as the order says
	Unknown    bool         // its state is UNKNOWN: no new risk in this instrument above max_unknown_orders
}

// Execution is a fact of the venue: a fill, a bust or a correction. The caller counts each ExecID once.
type Execution struct {
	Exec       string
	Order      market.ClOrdID
	Strategy   string
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty   // signed change of the executed quantity; a bust is negative
	Price      market.Price // of the execution
}
