package orders

import (
	"math/bits"

	"github.com/failshut/failshut/market"
)

// product is a signed 128-bit sum of quantities times prices, at 1e-18. A sum
// of live quantities below 2^63 times prices below 2^63 stays below 2^126, so
// it cannot overflow while the quantities are checked.
type product struct {
	hi int64
	lo uint64
}

// add adds q·p; a negative q takes away.
func (s *product) add(q market.Qty, p market.Price) {
	hi, lo := bits.Mul64(magnitude(int64(q)), magnitude(int64(p)))
	var carry uint64
	if (q < 0) != (p < 0) {
		s.lo, carry = bits.Sub64(s.lo, lo, 0)
		h, _ := bits.Sub64(uint64(s.hi), hi, carry)
		s.hi = int64(h)
		return
	}
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	h, _ := bits.Add64(uint64(s.hi), hi, carry)
	s.hi = int64(h)
}

// div returns the sum divided by q, rounded half away from zero; 0 where q is
// not positive or the result is no price.
func (s product) div(q market.Qty) market.Price {
	if q <= 0 {
		return 0
	}
	neg := s.hi < 0
	hi, lo := uint64(s.hi), s.lo
	if neg {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	d := uint64(q)
	if hi >= d {
		return 0
	}
	quo, rem := bits.Div64(hi, lo, d)
	if rem >= d-rem {
		quo++
	}
	if quo > 1<<63-1 {
		return 0
	}
	if neg {
		return -market.Price(quo)
	}
	return market.Price(quo)
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// scale returns v·num/den rounded half away from zero, and false on overflow
// or a zero den. num and den are not negative.
func scale(v, num, den int64) (int64, bool) {
	if den <= 0 || num < 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(magnitude(v), uint64(num))
	d := uint64(den)
	if hi >= d {
		return 0, false
	}
	quo, rem := bits.Div64(hi, lo, d)
	if rem >= d-rem {
		quo++
	}
	if quo > 1<<63-1 {
		return 0, false
	}
	if v < 0 {
		return -int64(quo), true
	}
	return int64(quo), true
}
