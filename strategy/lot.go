package strategy

import (
	"errors"
	"slices"

	"github.com/failshut/failshut/market"
)

// Execution is one fill of the strategy as it stands, after corrections. Qty is signed: above 0 of a buy.
type Execution struct {
	Order      market.ClOrdID
	Exec       string
	Instrument market.Instrument
	Qty        market.Qty
	Price      market.Price
}

// account is one instrument of a strategy: its executions as they stand, and what they come to.
type account struct {
	factor  market.Factor
	opening Position // what the executions go on from
	all     []Execution
	sum     market.Inventory
	broken  error // a sum that does not fit
}

// execute takes one more execution in.
func (a *account) execute(e Execution) {
	a.all = append(a.all, e)
	if err := a.sum.Take(e.Price, e.Qty); err != nil {
		a.broken = err
	}
}

// change makes an earlier execution another one, and everything after it what it would have been: a bust leaves nothing of it. One
// that is not known is taken as the execution of the difference.
func (a *account) change(ref string, by Execution) {
	for i := range slices.Backward(a.all) {
		e := &a.all[i]
		if e.Order != by.Order || e.Exec != ref || ref == "" {
			continue
		}
		qty, err := e.Qty.Add(by.Qty)
		if err != nil {
			a.broken = err
			return
		}
		e.Qty, e.Price = qty, by.Price
		if qty == 0 {
			a.all = slices.Delete(a.all, i, i+1)
		}
		a.fold()
		return
	}
	a.execute(by)
}

// fold reckons everything anew.
func (a *account) fold() {
	a.broken = nil
	a.begin()
	for _, e := range a.all {
		if err := a.sum.Take(e.Price, e.Qty); err != nil {
			a.broken = err
		}
	}
}

// begin is the position to go on from.
func (a *account) begin() {
	a.sum = market.Opened(a.opening.Avg, a.opening.Qty)
}

// position is what the account comes to. With a sum that does not fit it is unknown.
func (a *account) position(i market.Instrument) Position {
	p := Position{Instrument: i, Qty: a.sum.Qty(), Unknown: a.broken != nil}
	avg, err := a.sum.Average()
	gain, err2 := a.sum.Realised(a.factor)
	total, err3 := gain.Add(a.opening.Realised)
	if a.broken != nil || errors.Join(err, err2, err3) != nil {
		p.Unknown = true
		return p
	}
	p.Avg, p.Realised = avg, total
	return p
}
