package sim

import "github.com/failshut/failshut/market"

// expire ends the day orders in a symbol, each with a report. Orders good till cancelled stay.
func (e *Engine) expire(i int) {
	for _, o := range e.openIn(i) {
		if o.tif == market.Day {
			e.expireOne(o)
		}
	}
}

func (e *Engine) expireOne(o *order) {
	if !o.status.Open() {
		return
	}
	e.finish(o, StatusExpired, "day")
	e.report(o, ExecExpired, nil)
}

// renew tells the owners of orders good till cancelled that they stand again on a new day.
func (e *Engine) renew(i int) {
	for _, o := range e.openIn(i) {
		if !o.status.Open() {
			continue
		}
		e.report(o, ExecRestated, func(r *Report) { r.Restate = RestateRenewal })
	}
}

// newDay ends the trading day of every symbol and begins the next in the phase that each is in.
func (e *Engine) newDay() {
	for i := range e.symbols {
		if p := e.symbols[i].phase; p != PhaseClosed {
			e.setPhase(i, PhaseClosed)
			e.setPhase(i, p)
		}
	}
}
