package market

import (
	"errors"
	"math/bits"
)

// Inventory is what somebody holds of an instrument and what it has gained so far, at average cost. The zero Inventory
// is flat and has gained nothing. A price times a quantity is exact: cost and gain are kept in units of 1e-18 of the
// contract's points, 128 bits of them; the multiplier of the contract comes in when they are read.
//
// What opens or adds carries its own price. What closes takes its share of the cost, toward zero, and what the share
// lacks of exactness stays with the rest: so an inventory that is flat has gained exactly what was received less what
// was paid. Equal inventories are == equal.
type Inventory struct {
	qty  Qty
	cost Notional // of qty, with its sign, in units of 1e-18
	gain Notional // of what was closed, in units of 1e-18
}

// Opened returns the inventory of somebody who starts with qty, signed, at the price avg.
func Opened(avg Price, qty Qty) Inventory { return Inventory{qty: qty, cost: exactly(avg, qty)} }

// Qty returns the quantity, signed: below 0 of a short position.
func (v Inventory) Qty() Qty { return v.qty }

// Take executes q, above 0 of a buy, at p. On an error, which is ErrOverflow, the inventory is as before.
func (v *Inventory) Take(p Price, q Qty) error {
	next := *v
	if closes := v.closed(q); closes != 0 {
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
	*v = next
	return nil
}

// closed is the part of q that brings the position nearer to zero.
func (v *Inventory) closed(q Qty) Qty {
	switch {
	case v.qty > 0 && q < 0:
		return max(q, -v.qty)
	case v.qty < 0 && q > 0:
		if -v.qty < 0 { // the least quantity has no opposite: any q is a part of it
			return q
		}
		return min(q, -v.qty)
	}
	return 0
}

// close takes q out of the position, at p.
func (v *Inventory) close(p Price, q Qty) error {
	released, err := v.cost.Share(q, v.qty, false) // below zero times the cost: q is against qty
	if err != nil {
		return err
	}
	got := exactly(p, q) // with the sign of what leaves: sold is below zero
	var errs [3]error
	var gained Notional
	gained, errs[0] = released.Sub(got)
	v.gain, errs[1] = v.gain.Add(gained)
	v.cost, errs[2] = v.cost.Add(released)
	v.qty += q
	return errors.Join(errs[:]...)
}

// Average returns the price at which the open quantity was opened, to the nearest 1e-9, half of that away from zero; 0
// when flat. It returns ErrOverflow.
func (v Inventory) Average() (Price, error) {
	if v.qty == 0 {
		return 0, nil
	}
	return AvgPrice(v.cost, v.qty, points)
}

// Cost returns what the open quantity was opened for, in money under a multiplier, toward zero at 1e-9: below 0 of a
// short position. It returns ErrOverflow.
func (v Inventory) Cost(m Factor) (Notional, error) { return money(v.cost, m) }

// Realised returns the gain of what was closed, in money under a multiplier, toward zero at 1e-9. It returns
// ErrOverflow.
func (v Inventory) Realised(m Factor) (Notional, error) { return money(v.gain, m) }

// Unrealised returns what closing the open quantity at p would add to the gain, in money under a multiplier, toward
// zero at 1e-9. It returns ErrOverflow.
func (v Inventory) Unrealised(p Price, m Factor) (Notional, error) {
	gain, err := exactly(p, v.qty).Sub(v.cost)
	if err != nil {
		return Notional{}, err
	}
	return money(gain, m)
}

// points is the factor between units of 1e-18 and of 1e-9, times 1e9.
const points = Factor(one * one)

func money(n Notional, m Factor) (Notional, error) { return n.Share(Qty(m), Qty(points), false) }

// exactly is p times q in units of 1e-18, which always fits.
func exactly(p Price, q Qty) Notional {
	price, negPrice := abs(p)
	size, negSize := abs(q)
	hi, lo := bits.Mul64(price, size)
	n, _ := amount(magnitude{hi, lo}, negPrice != negSize) // at most 2^126
	return n
}
