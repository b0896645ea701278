package strategy

import (
	"errors"
	"math/bits"
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

// lot is a position at average cost. A price times a quantity is exact: cost and gain count units of 1e-18 in 128 bits, which
// market.Notional holds and adds with care for overflow. The multiplier of the contract comes in when they are read.
//
// What opens or adds carries its own price. What closes takes its share of the cost, toward zero, and what the share lacks of
// exactness stays with the rest: so a position that is flat has gained exactly what was received less what was paid.
type lot struct {
	qty  market.Qty      // signed
	cost market.Notional // of qty, with its sign
	gain market.Notional // of what was closed
}

// exactly is p times q, which always fits.
func exactly(p market.Price, q market.Qty) market.Notional {
	neg := (p < 0) != (q < 0)
	hi, lo := bits.Mul64(size(int64(p)), size(int64(q)))
	n := market.NotionalFromWords(int64(hi), lo) // below 2^126, so the sign is free
	if !neg {
		return n
	}
	minus, _ := n.Neg()
	return minus
}

func size(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// take executes q, signed, at p. On an error, which is market.ErrOverflow, the lot is as before.
func (l *lot) take(p market.Price, q market.Qty) error {
	next := *l
	if closes := l.closed(q); closes != 0 {
		if err := next.close(p, closes); err != nil {
			return err
		}
		q -= closes
	}
	var errs [2]error
	next.qty, errs[0] = next.qty.Add(q)
	next.cost, errs[1] = next.cost.Add(exactly(p, q))
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	*l = next
	return nil
}

// closed is the part of q that brings the position nearer to zero.
func (l *lot) closed(q market.Qty) market.Qty {
	switch {
	case l.qty > 0 && q < 0:
		return max(q, -l.qty)
	case l.qty < 0 && q > 0:
		if -l.qty < 0 { // the least quantity has no opposite: any q is a part of it
			return q
		}
		return min(q, -l.qty)
	}
	return 0
}

// close takes q out of the position, at p.
func (l *lot) close(p market.Price, q market.Qty) error {
	released, err := l.cost.Share(q, l.qty, false) // below zero times the cost: q is against qty
	if err != nil {
		return err
	}
	got := exactly(p, q) // with the sign of what leaves: sold is below zero
	var errs [3]error
	var gained market.Notional
	gained, errs[0] = released.Sub(got)
	l.gain, errs[1] = l.gain.Add(gained)
	l.cost, errs[2] = l.cost.Add(released)
	l.qty += q
	return errors.Join(errs[:]...)
}

// average is the price at which the open quantity was opened, to the nearest 1e-9, half of that away from zero.
func (l *lot) average() (market.Price, error) {
	if l.qty == 0 {
		return 0, nil
	}
	return market.AvgPrice(l.cost, l.qty, exact)
}

// realised is the gain in money under a multiplier, toward zero at 1e-9.
func (l *lot) realised(m market.Factor) (market.Notional, error) {
	return l.gain.Share(market.Qty(m), market.Qty(exact), false)
}

// exact is the factor between units of 1e-18 and of 1e-9, times 1e9.
const exact = market.Factor(1e18)

// account is one instrument of a strategy: its executions as they stand, and what they come to.
type account struct {
	factor  market.Factor
	opening Position // what the executions go on from
	all     []Execution
	sum     lot
	broken  error // a sum that does not fit
}

// execute takes one more execution in.
func (a *account) execute(e Execution) {
	a.all = append(a.all, e)
	if err := a.sum.take(e.Price, e.Qty); err != nil {
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
	a.sum, a.broken = lot{}, nil
	a.begin()
	for _, e := range a.all {
		if err := a.sum.take(e.Price, e.Qty); err != nil {
			a.broken = err
		}
	}
}

// begin is the position to go on from.
func (a *account) begin() {
	a.sum.qty, a.sum.cost = a.opening.Qty, exactly(a.opening.Avg, a.opening.Qty)
}

// position is what the account comes to. With a sum that does not fit it is unknown.
func (a *account) position(i market.Instrument) Position {
	p := Position{Instrument: i, Qty: a.sum.qty, Unknown: a.broken != nil}
	avg, err := a.sum.average()
	gain, err2 := a.sum.realised(a.factor)
	total, err3 := gain.Add(a.opening.Realised)
	if a.broken != nil || errors.Join(err, err2, err3) != nil {
		p.Unknown = true
		return p
	}
	p.Avg, p.Realised = avg, total
	return p
}
