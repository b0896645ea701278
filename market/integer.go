package market

import (
	"fmt"
	"math"
	"math/bits"
)

// fixed is every type that counts 1e-9 units in 64 bits.
type fixed interface{ ~int64 }

// magnitude is the absolute value of a number: hi·2^64 + lo.
type magnitude struct{ hi, lo uint64 }

// wide is a product on its way to being divided: w2·2^128 + w1·2^64 + w0. Three 64-bit factors always fit.
type wide struct{ w2, w1, w0 uint64 }

// abs splits v into magnitude and sign; the smallest int64 has a magnitude too.
func abs[T fixed](v T) (m uint64, neg bool) {
	if v < 0 {
		return -uint64(v), true
	}
	return uint64(v), false
}

// signed joins magnitude and sign, and reports whether the number fits 64 bits.
func signed[T fixed](m magnitude, neg bool) (T, bool) {
	if neg {
		return T(-m.lo), m.hi == 0 && m.lo <= 1<<63
	}
	return T(m.lo), m.hi == 0 && m.lo <= math.MaxInt64
}

func add[T fixed](a, b T) (T, error) {
	sum := a + b
	if (a^sum)&(b^sum) < 0 { // both operands have the sign that the sum lacks
		return 0, overflow(decimalOf(a).String() + " + " + decimalOf(b).String())
	}
	return sum, nil
}

func sub[T fixed](a, b T) (T, error) {
	diff := a - b
	if (a^b)&(a^diff) < 0 {
		return 0, overflow(decimalOf(a).String() + " - " + decimalOf(b).String())
	}
	return diff, nil
}

func negate[T fixed](a T) (T, error) {
	if a == math.MinInt64 {
		return 0, overflow("-(" + decimalOf(a).String() + ")")
	}
	return -a, nil
}

// scale returns a·num/den, rounded away from zero when up and toward zero otherwise; den is not zero.
func scale[T fixed](a T, num int64, den uint64, up bool) (T, error) {
	m, neg := abs(a)
	n, other := abs(num)
	hi, lo := bits.Mul64(m, n)
	q, ok := wide{0, hi, lo}.over(den, up)
	v, fits := signed[T](q, neg != other)
	if !ok || !fits {
		return 0, overflow(fmt.Sprintf("%s · %d / %d", decimalOf(a).String(), num, den))
	}
	return v, nil
}

// shift returns v, which counts units of 10^-decimals, in units of 1e-9.
func shift[T fixed](v int64, decimals int) (T, error) {
	switch {
	case decimals < 0 || decimals > 18:
		return 0, fmt.Errorf("%w: %d decimals, want 0 to 18", ErrInvalid, decimals)
	case decimals > 9:
		unit := int64(pow10[decimals-9])
		if v%unit != 0 {
			return 0, fmt.Errorf("%w: %d at %d decimals", ErrPrecision, v, decimals)
		}
		return T(v / unit), nil
	}
	m, neg := abs(v)
	hi, lo := bits.Mul64(m, pow10[9-decimals])
	scaled, ok := signed[T](magnitude{hi, lo}, neg)
	if !ok {
		return 0, overflow(fmt.Sprintf("%d at %d decimals", v, decimals))
	}
	return scaled, nil
}

// times returns m·x, which always fits.
func (m magnitude) times(x uint64) wide {
	h0, w0 := bits.Mul64(m.lo, x)
	h1, l1 := bits.Mul64(m.hi, x)
	w1, carry := bits.Add64(h0, l1, 0)
	return wide{h1 + carry, w1, w0}
}

// next returns m + 1, for an m below the largest.
func (m magnitude) next() magnitude {
	lo, carry := bits.Add64(m.lo, 1, 0)
	return magnitude{m.hi + carry, lo}
}

func (m magnitude) less(o magnitude) bool {
	return m.hi < o.hi || m.hi == o.hi && m.lo < o.lo
}

// quo returns w/d toward zero, and what is left; d is not zero.
func (w wide) quo(d uint64) (wide, uint64) {
	q2, r := w.w2/d, w.w2%d
	q1, r := bits.Div64(r, w.w1, d)
	q0, r := bits.Div64(r, w.w0, d)
	return wide{q2, q1, q0}, r
}

// over returns w/d, rounded up or down as told, and reports whether a Notional might hold it; d is not zero.
func (w wide) over(d uint64, up bool) (magnitude, bool) {
	q, r := w.quo(d)
	m := magnitude{q.w1, q.w0}
	if q.w2 != 0 || m.hi > 1<<63 { // what is left has room for one more
		return magnitude{}, false
	}
	if up && r != 0 {
		m = m.next()
	}
	return m, true
}

// overflow says which sum did not fit. It is apart from the arithmetic so that the good path allocates nothing.
func overflow(what string) error { return fmt.Errorf("%w: %s", ErrOverflow, what) }
