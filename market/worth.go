package market

import (
	"fmt"
	"math/bits"
)

// Worth returns p·q·m, the money that quantity q is worth at price p under multiplier m. The product is exact; what
// is finer than 1e-9 is rounded away from zero when up and toward zero otherwise, so a charge is taken with up and
// given back without. The sign is that of p·q. It returns ErrInvalid for a multiplier below or at 0, or ErrOverflow.
func Worth(p Price, q Qty, m Factor, up bool) (Notional, error) {
	if !m.Valid() {
		return Notional{}, badFactor(m)
	}
	price, negPrice := abs(p)
	size, negSize := abs(q)
	hi, lo := bits.Mul64(price, size)
	w, ok := magnitude{hi, lo}.times(uint64(m)).over(one*one, up)
	n, fits := amount(w, negPrice != negSize)
	if !ok || !fits {
		return Notional{}, overflow(fmt.Sprintf("%s × %s × %s", p, q, m))
	}
	return n, nil
}

// AvgPrice returns cost/(qty·m), the price at which qty would be worth cost, rounded to the nearest 1e-9 and half
// of that away from zero. It returns ErrInvalid for a qty of 0 or a multiplier below or at 0, or ErrOverflow.
func AvgPrice(cost Notional, qty Qty, m Factor) (Price, error) {
	if !m.Valid() {
		return 0, badFactor(m)
	}
	if qty == 0 {
		return 0, fmt.Errorf("%w: the average price of a quantity of 0", ErrInvalid)
	}
	c, negCost := cost.split()
	size, negSize := abs(qty)
	w, r := c.times(one * one).quo(size)
	w, r2 := w.quo(uint64(m))

	// What is left is r2·size + r of a divisor of size·m: both below 2^127, so twice the first fits.
	left := magnitude{0, size}.times(r2)
	lo, carry := bits.Add64(left.w0, r, 0)
	twice := magnitude{(left.w1+carry)<<1 | lo>>63, lo << 1}
	den := magnitude{0, size}.times(uint64(m))
	avg := magnitude{w.w1, w.w0}
	if !twice.less(magnitude{den.w1, den.w0}) {
		avg = avg.next()
	}
	p, fits := signed[Price](avg, negCost != negSize)
	if !fits || w.w2 != 0 || w.w1 != 0 {
		return 0, overflow(fmt.Sprintf("%s / (%s × %s)", cost, qty, m))
	}
	return p, nil
}

func badFactor(m Factor) error {
	return fmt.Errorf("%w: multiplier %s, want above 0", ErrInvalid, m)
}
