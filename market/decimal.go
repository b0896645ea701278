package market

import (
	"fmt"
	"math/bits"
	"strconv"
)

// The decimal text of every number here: an optional '-', one or more digits, and optionally a '.' and one or more
// digits. No '+', no exponent, no blanks, no separators. Output is canonical: no leading zero but the one before
// the point, no trailing zero after it, no point without digits, no "-0".

const one = 1_000_000_000 // the number 1 in units of 1e-9

var pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// decimal is a parsed number in units of 1e-9.
type decimal struct {
	magnitude
	neg bool
}

// scan reads s. Syntax is judged before precision, and precision before range, so that the same text always gives
// the same error.
func scan[S ~string | ~[]byte](s S) (decimal, error) {
	var d decimal
	i := 0
	if len(s) > 0 && s[0] == '-' {
		d.neg, i = true, 1
	}
	decimals, digits := -1, 0 // decimals is -1 before the point; digits counts those since the start or the point
	fits, exact := true, true
	for ; i < len(s); i++ {
		c := s[i] - '0'
		switch {
		case s[i] == '.' && decimals < 0 && digits > 0:
			decimals, digits = 0, 0
			continue
		case c > 9:
			return decimal{}, syntax(string(s))
		case decimals == 9:
			exact = exact && c == 0
		default:
			d.magnitude, fits = d.digit(c, fits)
			if decimals >= 0 {
				decimals++
			}
		}
		digits++
	}
	if digits == 0 {
		return decimal{}, syntax(string(s))
	}
	if !exact {
		return decimal{}, fmt.Errorf("%w: %q", ErrPrecision, clip(string(s)))
	}
	w := d.times(pow10[9-max(decimals, 0)])
	if !fits || w.w2 != 0 {
		return decimal{}, overflow(clip(string(s)))
	}
	d.magnitude = magnitude{w.w1, w.w0}
	return d, nil
}

// digit returns 10·m + c, and reports whether it fits and all before it did.
func (m magnitude) digit(c byte, fits bool) (magnitude, bool) {
	if m.hi == 0 && m.lo < 1<<60 {
		return magnitude{0, m.lo*10 + uint64(c)}, fits
	}
	w := m.times(10)
	lo, carry := bits.Add64(w.w0, uint64(c), 0)
	hi, carry := bits.Add64(w.w1, 0, carry)
	return magnitude{hi, lo}, fits && w.w2 == 0 && carry == 0
}

// parse reads s as a number of 64 bits.
func parse[T fixed, S ~string | ~[]byte](s S) (T, error) {
	d, err := scan(s)
	if err != nil {
		return 0, err
	}
	v, ok := signed[T](d.magnitude, d.neg)
	if !ok {
		return 0, overflow(clip(string(s)))
	}
	return v, nil
}

// decimalOf returns v as a decimal.
func decimalOf[T fixed](v T) decimal {
	m, neg := abs(v)
	return decimal{magnitude{0, m}, neg}
}

// String returns d in canonical form.
func (d decimal) String() string {
	var buf [48]byte
	return string(d.append(buf[:0]))
}

// quoted returns d as a JSON string, of which nothing needs an escape.
func (d decimal) quoted() []byte {
	return append(d.append(append(make([]byte, 0, 48), '"')), '"')
}

// append writes d in canonical form.
func (d decimal) append(b []byte) []byte {
	if d.neg {
		b = append(b, '-')
	}
	whole, fraction := wide{0, d.hi, d.lo}.quo(one)
	if whole.w1 == 0 {
		b = strconv.AppendUint(b, whole.w0, 10)
	} else {
		const chunk = 1e18 // a whole part has at most 30 digits, so two chunks hold it
		high, low := whole.quo(chunk)
		b = strconv.AppendUint(b, high.w0, 10)
		b = appendPadded(b, low, 18)
	}
	if fraction == 0 {
		return b
	}
	b = append(b, '.')
	b = appendPadded(b, fraction, 9)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// appendPadded writes v as exactly width digits.
func appendPadded(b []byte, v uint64, width int) []byte {
	var digits [20]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + v%10)
		v /= 10
	}
	return append(b, digits[:width]...)
}

// unquoted returns what stands between the quotes of a JSON string. A JSON number is refused, since whoever wrote
// it may have held it as a float; so is null, since a number left out must not keep an old value.
func unquoted(b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return nil, fmt.Errorf("%w: %s, want a decimal in a JSON string", ErrSyntax, clip(string(b)))
	}
	return b[1 : len(b)-1], nil
}

func syntax(s string) error {
	return fmt.Errorf("%w: %q, want a decimal such as -12.5", ErrSyntax, clip(s))
}

// clip keeps what a stranger sent from filling a log.
func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return s[:64] + "…"
}
