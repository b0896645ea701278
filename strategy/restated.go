package strategy

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// restate takes a restatement of an order after which cum is executed of it, such as one that follows a split: its executions keep
// their shares of that, and their prices the inverse, by the rule of package orders, so that it is the same for the incarnation that
// hears of it and for the next one. A restatement that leaves cum alone changes nothing here.
func (a *account) restate(order market.ClOrdID, cum market.Qty) {
	was, last := market.Qty(0), -1
	for i := range a.all {
		if e := &a.all[i]; e.Order == order {
			was, last = was+magnitude(e.Qty), i
		}
	}
	if was <= 0 || cum < 0 || cum == was {
		return
	}
	left, sign := cum, market.Qty(1)
	for i := range a.all {
		e := &a.all[i]
		if e.Order != order {
			continue
		}
		if e.Qty < 0 {
			sign = -1
		}
		if q, fits := inProportion(int64(magnitude(e.Qty)), int64(cum), int64(was)); fits {
			e.Qty = market.Qty(q) * sign
		}
		if p, fits := inProportion(int64(e.Price), int64(was), int64(cum)); fits {
			e.Price = market.Price(p)
		}
		left -= magnitude(e.Qty)
	}
	a.all[last].Qty += left * sign // what was rounded goes to the newest
	a.all = slices.DeleteFunc(a.all, func(e Execution) bool { return e.Order == order && e.Qty == 0 })
	a.fold()
}

// inProportion is v·num/den, to the nearest whole and half of that away from zero, and false where there is none.
func inProportion(v, num, den int64) (int64, bool) {
	n, err := market.NotionalOf(v, 9)
	if err == nil {
		n, err = n.Mul(num)
	}
	if err != nil {
		return 0, false
	}
	p, err := market.AvgPrice(n, market.Qty(den), market.Factor(1e18)) // a factor that takes AvgPrice's own 1e9 twice away
	return int64(p), err == nil
}
