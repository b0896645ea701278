package sim

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// market reports whether an order takes any price: one without a limit that does not sleep.
func (o *order) market() bool {
	return o.typ == market.Market || (o.typ == market.Stop && o.triggered && o.px == 0)
}

// sleep keeps a stop order until the symbol trades at its stop price or beyond.
func (e *Engine) sleep(o *order) {
	e.stops[o.sym] = append(e.stops[o.sym], o)
}

// wakes reports whether a last price triggers o: at or above the stop price of a buy, at or below that of a sale.
func (o *order) wakes(last market.Price) bool {
	if last == 0 {
		return false
	}
	if o.side == market.Buy {
		return last >= o.stop
	}
	return last <= o.stop
}

// runStops triggers the stop orders in a symbol that its last price wakes, the oldest first, and those that their trades wake
// in turn. One without a price takes what it can as a market order, and what it cannot is cancelled; one with a price goes on as a
// limit order.
func (e *Engine) runStops(i int) {
	for e.symbols[i].phase == PhaseContinuous {
		at := slices.IndexFunc(e.stops[i], func(o *order) bool { return o.wakes(e.symbols[i].last) })
		if at < 0 {
			return
		}
		o := e.stops[i][at]
		e.stops[i] = slices.Delete(e.stops[i], at, at+1)
		o.triggered = true
		e.priorities++ // it comes to the book now
		o.priority = e.priorities
		e.orderLine(o, "triggered")
		e.match(o)
	}
}

// unsleep takes a stop order out of those that wait, if it is one.
func (e *Engine) unsleep(o *order) {
	if at := slices.Index(e.stops[o.sym], o); at >= 0 {
		e.stops[o.sym] = slices.Delete(e.stops[o.sym], at, at+1)
	}
}
