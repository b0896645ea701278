package orders

import "github.com/failshut/failshut/market"

// New is an order on its way to a venue: what a gateway encodes. Quantities
// and prices are in 1e-9 units.
type New struct {
	ID         market.ClOrdID // the only id it will ever be sent under
	Account    market.Account
	Strategy   string
	Instrument market.Instrument
	Side       market.Side
	Type       market.OrderType
	TIF        market.TIF
	Qty        market.Qty
	Price      market.Price // 0 for a market order
	StopPrice  market.Price // 0 unless Type is Stop
	Decided    int64        // Instant of the decision, for age and latency
}

// Replace asks for other terms of a working order. Qty is the new total
// quantity, not the change.
type Replace struct {
	ID         market.ClOrdID
	Orig       market.ClOrdID // last id not rejected
	OrderID    string         // the venue's id, "" when not yet known
	Account    market.Account
	Instrument market.Instrument
	Side       market.Side
	Type       market.OrderType
	TIF        market.TIF
	Qty        market.Qty
	Price      market.Price
}

// Cancel asks for the end of one order. It needs no permit and no journal.
type Cancel struct {
	ID         market.ClOrdID
	Orig       market.ClOrdID // "" for an order that only the venue has named
	OrderID    string         // the venue's id, "" when not yet known
	Account    market.Account
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty // the order's total quantity, which FIX wants repeated
}

// Question asks a venue for the state of one order, or of all of an account
// when Mass is set. It changes nothing at the venue, so it may be repeated.
type Question struct {
	Mass       bool
	ID         market.ClOrdID // id in force of the order asked for
	OrderID    string
	Account    market.Account
	Instrument market.Instrument
	Side       market.Side
}

// Scope names the orders of a mass cancel or a cancel-all. Empty fields mean
// all; the zero Scope is the whole account of the desk that is asked.
type Scope struct {
	Account    market.Account
	Strategy   string
	Instrument market.Instrument
}
