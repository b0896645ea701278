package risk

import "github.com/failshut/failshut/market"

// flow is what the live orders of one side of one leaf could still execute.
type flow struct {
	qty   market.Qty      // sum of leaves
	cost  market.Notional // sum of the orders' charges, each rounded up
	floor market.Price    // not above the charge price of any live order; 0 while there is none
}

// exposure is the worst case of one leaf, or a sum of them: what it would be if every buy, or every sell, executed.
type exposure struct {
	longQty, shortQty market.Qty
	long, short       market.Notional
}

// book is the exposure of one leaf in its parts.
type book struct {
	pos        market.Qty      // signed
	longCost   market.Notional // charge of a long position, at the charge prices of the orders that made it
	shortCost  market.Notional // charge of a short one
	buys       flow
	sells      flow
	multiplier market.Factor
}

// worst returns the worst case of both sides.
//
// Quantities are net of position. Notional is per side: the position's charge, and that of live orders but for the part that only
// reduces the opposite position. That part is taken at the lowest price among them, so that whichever order turns out to be the
// reducing one, the rest is charged for at least what it may cost. The charge never grows by a fill of an order that is live.
func (b *book) worst() (exposure, error) {
	buys, errBuys := b.adding(b.buys, max(0, -b.pos))
	sells, errSells := b.adding(b.sells, max(0, b.pos))
	long, errLong := b.longCost.Add(buys)
	short, errShort := b.shortCost.Add(sells)
	longQty, errLongQty := b.pos.Add(b.buys.qty)
	shortQty, errShortQty := b.sells.qty.Sub(b.pos)
	return exposure{longQty, shortQty, long, short}, first(errBuys, errSells, errLong, errShort, errLongQty, errShortQty)
}

// adding returns the charge of what f adds beyond reducing an opposite position of size against.
func (b *book) adding(f flow, against market.Qty) (market.Notional, error) {
	reducing := min(f.qty, against)
	if reducing == 0 {
		return f.cost, nil
	}
	if reducing == f.qty {
		return market.Notional{}, nil
	}
	free, err := market.Worth(f.floor, reducing, b.multiplier, false)
	if err != nil {
		return market.Notional{}, err
	}
	rest, err := f.cost.Sub(free)
	return rest.Max(market.Notional{}), err
}

// side returns the flow of live orders of a side.
func (b *book) side(s market.Side) *flow {
	if s == market.Sell {
		return &b.sells
	}
	return &b.buys
}

// change replaces what one order contributes to a flow.
func (f *flow) change(oldQty, newQty market.Qty, oldCost, newCost market.Notional, price market.Price) error {
	qty, errQty := f.qty.Add(newQty - oldQty)
	cost, errCost := f.cost.Sub(oldCost)
	if errCost == nil {
		cost, errCost = cost.Add(newCost)
	}
	if err := first(errQty, errCost); err != nil {
		return err
	}
	f.qty, f.cost = qty, cost
	switch {
	case qty == 0:
		f.floor = 0
	case newQty > 0 && (f.floor == 0 || price < f.floor):
		f.floor = price
	}
	return nil
}

// execute moves the position by a signed quantity. What opens or adds is charged with cost, what reduces frees its share of the
// position's charge, rounded down. price is the charge price of what moved it.
func (b *book) execute(by market.Qty, price market.Price, cost market.Notional) error {
	pos, err := b.pos.Add(by)
	if err != nil {
		return err
	}
	own, opposite := &b.longCost, &b.shortCost
	before := b.pos
	if by < 0 {
		own, opposite, before, by = opposite, own, -before, -by
	}
	reduces := min(by, max(0, -before))
	if reduces > 0 {
		freed, err := opposite.Share(reduces, -before, false)
		if err != nil {
			return err
		}
		left, err := opposite.Sub(freed)
		if err != nil {
			return err
		}
		spared, err := market.Worth(price, reduces, b.multiplier, false)
		if err != nil {
			return err
		}
		rest, err := cost.Sub(spared)
		if err != nil {
			return err
		}
		*opposite, cost = left, rest.Max(market.Notional{})
	}
	if by > reduces {
		sum, err := own.Add(cost)
		if err != nil {
			return err
		}
		*own = sum
	}
	b.pos = pos
	return nil
}

// add returns the sum of two exposures.
func (e exposure) add(o exposure) (sum exposure, err error) {
	if sum.longQty, err = e.longQty.Add(o.longQty); err != nil {
		return sum, err
	}
	if sum.shortQty, err = e.shortQty.Add(o.shortQty); err != nil {
		return sum, err
	}
	if sum.long, err = e.long.Add(o.long); err != nil {
		return sum, err
	}
	sum.short, err = e.short.Add(o.short)
	return sum, err
}

// sub returns the difference of two exposures.
func (e exposure) sub(o exposure) (diff exposure, err error) {
	if diff.longQty, err = e.longQty.Sub(o.longQty); err != nil {
		return diff, err
	}
	if diff.shortQty, err = e.shortQty.Sub(o.shortQty); err != nil {
		return diff, err
	}
	if diff.long, err = e.long.Sub(o.long); err != nil {
		return diff, err
	}
	diff.short, err = e.short.Sub(o.short)
	return diff, err
}

// first returns the first error that is one, without allocating.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// amount widens a quantity to the type that the ledger counts everything in; both count 1e-9 units.
func amount(q market.Qty) market.Notional {
	return market.NotionalFromWords(int64(q)>>63, uint64(q))
}

// narrow brings an amount back to a quantity, at the bounds of which it stays.
func narrow(n market.Notional) market.Qty {
	hi, lo := n.Words()
	switch {
	case hi == int64(lo)>>63:
		return market.Qty(lo)
	case hi < 0:
		return -1 << 63
	}
	return 1<<63 - 1
}
