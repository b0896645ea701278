package strategytest

import (
	"fmt"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// Order is what ExpectOrder looks for. A zero field is any.
type Order struct {
	Side   market.Side
	Symbol string
	Qty    string // a decimal
	Price  string // a decimal
}

// Buy is an order to buy qty of symbol.
func Buy(symbol, qty string) Order { return Order{Side: market.Buy, Symbol: symbol, Qty: qty} }

// Sell is an order to sell qty of symbol.
func Sell(symbol, qty string) Order { return Order{Side: market.Sell, Symbol: symbol, Qty: qty} }

// At is the order at a price.
func (o Order) At(price string) Order {
	o.Price = price
	return o
}

// String shows the order as a sentence does.
func (o Order) String() string {
	text := fmt.Sprintf("%s %s %s", o.Side, o.Qty, o.Symbol)
	if o.Price != "" {
		text += " at " + o.Price
	}
	return text
}

func (o Order) is(x strategy.Ordered) bool {
	return (o.Side == 0 || o.Side == x.Side) && (o.Symbol == "" || o.Symbol == string(x.Instrument.Symbol())) &&
		(o.Qty == "" || o.Qty == x.Qty.String()) && (o.Price == "" || o.Price == x.Price.String())
}

// ExpectOrder wants the next order that the venue took, after those of earlier calls, to be this one.
func (w *W) ExpectOrder(want Order) {
	w.t.Helper()
	applied := w.Outcome().Applied
	if w.ordered == len(applied) {
		w.t.Errorf("strategytest: no further order behind %d, want %s", w.ordered, want)
		return
	}
	got := applied[w.ordered]
	w.ordered++
	if !want.is(got) {
		w.t.Errorf("strategytest: order %d is %s, want %s", w.ordered, shown(got), want)
	}
}

// ExpectNoMore wants no order behind those that ExpectOrder has passed. It fails where the strategy was told no market data.
func (w *W) ExpectNoMore() {
	w.t.Helper()
	w.audible(w.Outcome())
	if applied := w.Outcome().Applied; w.ordered < len(applied) {
		w.t.Errorf("strategytest: %d orders more, the first %s, want none", len(applied)-w.ordered, shown(applied[w.ordered]))
	}
}

func shown(o strategy.Ordered) Order {
	return Order{o.Side, string(o.Instrument.Symbol()), o.Qty.String(), o.Price.String()}
}

// Condition is something during which no order is to leave.
type Condition uint8

// The conditions.
const (
	GateShut Condition = iota + 1 // the account's mode is neither OPEN nor REDUCE_ONLY
	NotLive                       // the order's book cannot be traded on
	Unknown                       // an order of the account is of unknown state
)

var conditionNames = [...]string{"", "the gate was shut", "the book was not live", "an order was of unknown state"}

// String says the condition as a sentence does.
func (c Condition) String() string { return conditionNames[min(int(c), len(conditionNames)-1)] }

func (c Condition) of(d strategy.Doubts) bool {
	switch c {
	case GateShut:
		return d.GateShut
	case NotLive:
		return d.NotLive
	case Unknown:
		return d.Unknown
	}
	return false
}

// ExpectNoOrderWhile wants that no order was let through while one of the conditions held. It fails where a condition never did:
// then the run shows nothing about it; so does one in which the strategy was told no market data.
func (w *W) ExpectNoOrderWhile(conditions ...Condition) {
	w.t.Helper()
	o := w.Outcome()
	w.audible(o)
	if len(conditions) == 0 {
		w.t.Error("strategytest: ExpectNoOrderWhile of nothing, want GateShut, NotLive or Unknown")
	}
	for _, c := range conditions {
		if !c.of(o.Seen) {
			w.t.Errorf("strategytest: it was never so that %s, want a market in which it is", c)
		}
		for _, sent := range o.Sent {
			if c.of(sent.Doubts) {
				w.t.Errorf("strategytest: %s left while %s", shown(sent), c)
			}
		}
	}
}

// Journal is the journal of the clean run as text.
func (w *W) Journal() string {
	w.t.Helper()
	return text(w.Outcome())
}
