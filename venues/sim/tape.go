package sim

import "github.com/failshut/failshut/market"

// MarketKind says what a MarketEvent tells of. The zero value is invalid.
type MarketKind uint8

// The public events of the exchange, each with the ITCH 5.0 message that carries it.
const (
	DayOpened  MarketKind = iota + 1 // S 'O'
	Listed                           // R: Symbol, Locate
	Trading                          // H 'T': Symbol enters continuous trading
	Added                            // A: Ref, Side, Qty, Price
	Executed                         // E: Ref, Qty, Match; Price is that of the order, Side the side of the order (the passive one)
	Reduced                          // X: Ref, Qty taken off
	Deleted                          // D: Ref
	Halted                           // H 'H': Symbol no longer trades
	DayClosed                        // S 'C'
	ExecutedAt                       // C: as Executed, at a Price of its own
	Printed                          // P: a trade of two orders that the feed does not show; Side is of one of them
	Broken                           // B: Match is taken back
)

var marketWords = []string{
	DayOpened: "day_opened", Listed: "listed", Trading: "trading", Added: "added", Executed: "executed", Reduced: "reduced",
	Deleted: "deleted", Halted: "halted", DayClosed: "day_closed",
	ExecutedAt: "executed_at", Printed: "printed", Broken: "broken",
}

// String gives the lower-case name of the kind.
func (k MarketKind) String() string { return wordOf(marketWords, k, "MarketKind") }

// MarketEvent is one event of the public feed, in the order things happened: a book built from Added, Executed,
// ExecutedAt, Reduced and Deleted equals the exchange's own after every event, but for orders that came while nothing is matched:
// they are added on the way to continuous trading. Fields that a kind does not name are zero, save that Symbol and
// Locate stand in every event of an order.
type MarketEvent struct {
	Kind   MarketKind
	Time   market.Timestamp // venue clock
	Locate uint16           // 1, 2 … in the order of the listings; 0 in DayOpened and DayClosed
	Symbol market.Symbol
	Ref    uint64 // of the order, never used twice
	Match  uint64 // of the execution, never used twice
	Side   market.Side
	Qty    market.Qty
	Price  market.Price
}

func (MarketEvent) simOutput() {}
