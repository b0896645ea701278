package market

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
)

// Notional is money: price × quantity × multiplier, in 1e-9 units of a currency, which the contract names. 128 bits
// in two's complement, so that a firm's worth of orders adds up without overflow: the range is about ±1.7e29.
// The zero value is a plain zero. Equal amounts are == equal.
type Notional struct {
	hi int64
	lo uint64
}

// MaxNotional returns the largest Notional, 170141183460469231731687303715.884105727.
func MaxNotional() Notional { return Notional{math.MaxInt64, math.MaxUint64} }

// MinNotional returns the smallest Notional, -170141183460469231731687303715.884105728.
func MinNotional() Notional { return Notional{hi: math.MinInt64} }

// NotionalOf returns v units of 10^-decimals: NotionalOf(5, 0) is 5. It returns ErrPrecision where a tenth decimal
// is not 0, and ErrInvalid for decimals outside 0 to 18.
func NotionalOf(v int64, decimals int) (Notional, error) {
	if decimals < 0 || decimals > 9 {
		short, err := shift[Price](v, decimals)
		return Notional{int64(short) >> 63, uint64(short)}, err
	}
	m, neg := abs(v)
	hi, lo := bits.Mul64(m, pow10[9-decimals])
	n, _ := amount(magnitude{hi, lo}, neg) // 2^63 · 1e9 is far from 2^127
	return n, nil
}

// NotionalFromWords returns the Notional of which Words gave hi and lo. Every pair is a Notional.
func NotionalFromWords(hi int64, lo uint64) Notional { return Notional{hi, lo} }

// ParseNotional reads a plain decimal: an optional '-', digits, optionally a '.' and digits. It returns ErrSyntax,
// ErrPrecision for a digit other than 0 past the ninth decimal, or ErrOverflow.
func ParseNotional(s string) (Notional, error) { return parseNotional(s) }

// ParseNotionalBytes is ParseNotional for bytes, which it neither keeps nor changes. It allocates nothing unless it
// fails.
func ParseNotionalBytes(b []byte) (Notional, error) { return parseNotional(b) }

func parseNotional[S ~string | ~[]byte](s S) (Notional, error) {
	d, err := scan(s)
	if err != nil {
		return Notional{}, err
	}
	n, ok := amount(d.magnitude, d.neg)
	if !ok {
		return Notional{}, overflow(clip(string(s)))
	}
	return n, nil
}

// amount joins magnitude and sign, and reports whether the number fits.
func amount(m magnitude, neg bool) (Notional, bool) {
	limit := magnitude{1 << 63, 0}
	if neg {
		lo, borrow := bits.Sub64(0, m.lo, 0)
		hi, _ := bits.Sub64(0, m.hi, borrow)
		return Notional{int64(hi), lo}, !limit.less(m)
	}
	return Notional{int64(m.hi), m.lo}, m.less(limit)
}

// split is the reverse of amount.
func (n Notional) split() (m magnitude, neg bool) {
	if n.hi >= 0 {
		return magnitude{uint64(n.hi), n.lo}, false
	}
	lo, borrow := bits.Sub64(0, n.lo, 0)
	hi, _ := bits.Sub64(0, uint64(n.hi), borrow)
	return magnitude{hi, lo}, true
}

func (n Notional) decimal() decimal {
	m, neg := n.split()
	return decimal{m, neg}
}

// Words returns the two's complement of n, for encodings and atomics; its value is hi·2^64 + lo.
func (n Notional) Words() (hi int64, lo uint64) { return n.hi, n.lo }

// Add returns n + o, or ErrOverflow.
func (n Notional) Add(o Notional) (Notional, error) {
	lo, carry := bits.Add64(n.lo, o.lo, 0)
	sum := Notional{n.hi + o.hi + int64(carry), lo}
	if (n.hi^sum.hi)&(o.hi^sum.hi) < 0 { // both operands have the sign that the sum lacks
		return Notional{}, overflow(n.String() + " + " + o.String())
	}
	return sum, nil
}

// Sub returns n - o, or ErrOverflow.
func (n Notional) Sub(o Notional) (Notional, error) {
	lo, borrow := bits.Sub64(n.lo, o.lo, 0)
	diff := Notional{n.hi - o.hi - int64(borrow), lo}
	if (n.hi^o.hi)&(n.hi^diff.hi) < 0 {
		return Notional{}, overflow(n.String() + " - " + o.String())
	}
	return diff, nil
}

// Neg returns -n, or ErrOverflow for the smallest Notional.
func (n Notional) Neg() (Notional, error) { return Notional{}.Sub(n) }

// Abs returns n without its sign, or ErrOverflow for the smallest Notional.
func (n Notional) Abs() (Notional, error) {
	if n.hi < 0 {
		return n.Neg()
	}
	return n, nil
}

// Mul returns n taken k times, or ErrOverflow.
func (n Notional) Mul(k int64) (Notional, error) { return n.scale(k, 1, false, false) }

// MulBps returns bps basis points of n, that is n·bps/10000, rounded away from zero when up and toward zero
// otherwise, or ErrOverflow. "n is at most bps of whole" is exactly n.Cmp(whole.MulBps(bps, false)) <= 0 for a
// whole of at least 0.
func (n Notional) MulBps(bps int64, up bool) (Notional, error) {
	return n.scale(bps, 10_000, false, up)
}

// Share returns the part of n that falls to part of whole, that is n·part/whole, rounded away from zero when up and
// toward zero otherwise: what a partial fill takes from the charge of its order. It returns ErrInvalid for a whole
// of 0, or ErrOverflow.
func (n Notional) Share(part, whole Qty, up bool) (Notional, error) {
	if whole == 0 {
		return Notional{}, fmt.Errorf("%w: %s of a quantity of 0", ErrInvalid, part)
	}
	den, neg := abs(whole)
	return n.scale(int64(part), den, neg, up)
}

// scale returns n·num/den, where negative says that den is, rounded away from zero when up and toward zero otherwise; den is
// not zero.
func (n Notional) scale(num int64, den uint64, negative, up bool) (Notional, error) {
	m, neg := n.split()
	k, other := abs(num)
	q, ok := m.times(k).over(den, up)
	v, fits := amount(q, (neg != other) != negative)
	if !ok || !fits {
		sign := ""
		if negative {
			sign = "-"
		}
		return Notional{}, overflow(fmt.Sprintf("%s · %d / %s%d", n, num, sign, den))
	}
	return v, nil
}

// Cmp returns -1, 0 or +1 as n is below, equal to or above o.
func (n Notional) Cmp(o Notional) int {
	return cmp.Or(cmp.Compare(n.hi, o.hi), cmp.Compare(n.lo, o.lo))
}

// Min returns the lower of n and o.
func (n Notional) Min(o Notional) Notional {
	if o.Cmp(n) < 0 {
		return o
	}
	return n
}

// Max returns the higher of n and o.
func (n Notional) Max(o Notional) Notional {
	if o.Cmp(n) > 0 {
		return o
	}
	return n
}

// Sign returns -1, 0 or +1.
func (n Notional) Sign() int { return n.Cmp(Notional{}) }

// IsZero reports whether n is 0.
func (n Notional) IsZero() bool { return n == Notional{} }

// String returns n as a canonical decimal, which ParseNotional takes back to the same value.
func (n Notional) String() string { return n.decimal().String() }

// AppendText appends the text of String to b. It never fails, and allocates only to grow b.
func (n Notional) AppendText(b []byte) ([]byte, error) { return n.decimal().append(b), nil }

// MarshalText returns the text of String. It never fails.
func (n Notional) MarshalText() ([]byte, error) { return n.AppendText(nil) }

// UnmarshalText sets n to what ParseNotionalBytes makes of b, and leaves it alone on an error.
func (n *Notional) UnmarshalText(b []byte) error {
	parsed, err := ParseNotionalBytes(b)
	if err != nil {
		return err
	}
	*n = parsed
	return nil
}

// MarshalJSON returns the text of String in a JSON string. It never fails.
func (n Notional) MarshalJSON() ([]byte, error) { return n.decimal().quoted(), nil }

// UnmarshalJSON takes a decimal in a JSON string, and refuses numbers and null with ErrSyntax.
func (n *Notional) UnmarshalJSON(b []byte) error {
	b, err := unquoted(b)
	if err != nil {
		return err
	}
	return n.UnmarshalText(b)
}
