package market

import "fmt"

// Price is what one unit of quantity costs, in 1e-9 units of the contract's currency. 0 is no price. It may be
// negative: as a difference of prices, and because some things trade below zero. Range ±9,223,372,036.854775807.
type Price int64

// ParsePrice reads a plain decimal: an optional '-', digits, optionally a '.' and digits. It returns ErrSyntax,
// ErrPrecision for a digit other than 0 past the ninth decimal, or ErrOverflow.
func ParsePrice(s string) (Price, error) { return parse[Price](s) }

// ParsePriceBytes is ParsePrice for bytes, which it neither keeps nor changes. It allocates nothing unless it fails.
func ParsePriceBytes(b []byte) (Price, error) { return parse[Price](b) }

// PriceOf returns v units of 10^-decimals, the way binary feeds write prices: PriceOf(1012500, 4) is 101.25. It returns
// ErrOverflow, ErrPrecision where a tenth decimal is not 0, or ErrInvalid for decimals outside 0 to 18.
func PriceOf(v int64, decimals int) (Price, error) { return shift[Price](v, decimals) }

// Mid returns the middle of two prices, rounded down, or 0 where either is 0: half of a market has no middle.
func Mid(a, b Price) Price {
	if a == 0 || b == 0 {
		return 0
	}
	return a&b + (a^b)>>1 // the sum itself may not fit
}

// Collar returns the lowest and the highest price that are at most bps basis points of |ref| away from ref. Both
// are exact: low <= p <= high holds for just those prices that are inside. It returns ErrInvalid for a ref of 0 or
// bps below 0, and ErrOverflow where an end does not fit.
func Collar(ref Price, bps int64) (low, high Price, err error) {
	if ref == 0 || bps < 0 {
		return 0, 0, fmt.Errorf("%w: collar of %d bps around %s, want bps from 0 and a price", ErrInvalid, bps, ref)
	}
	width, err := ref.Bps(bps, false) // rounded toward ref, so that neither end lies outside
	if err != nil {
		return 0, 0, err
	}
	if width < 0 {
		if width, err = width.Neg(); err != nil {
			return 0, 0, err
		}
	}
	if low, err = ref.Sub(width); err != nil {
		return 0, 0, err
	}
	if high, err = ref.Add(width); err != nil {
		return 0, 0, err
	}
	return low, high, nil
}

// Valid reports whether p is a price at all, which 0 is not.
func (p Price) Valid() bool { return p != 0 }

// Add returns p + o, or ErrOverflow.
func (p Price) Add(o Price) (Price, error) { return add(p, o) }

// Sub returns p - o, or ErrOverflow.
func (p Price) Sub(o Price) (Price, error) { return sub(p, o) }

// Neg returns -p, or ErrOverflow for the smallest Price.
func (p Price) Neg() (Price, error) { return negate(p) }

// Abs returns p without its sign, or ErrOverflow for the smallest Price.
func (p Price) Abs() (Price, error) {
	if p < 0 {
		return negate(p)
	}
	return p, nil
}

// Mul returns p taken n times, or ErrOverflow.
func (p Price) Mul(n int64) (Price, error) { return scale(p, n, 1, false) }

// Bps returns bps basis points of p, that is p·bps/10000, rounded away from zero when up and toward zero
// otherwise, or ErrOverflow.
func (p Price) Bps(bps int64, up bool) (Price, error) { return scale(p, bps, 10_000, up) }

// String returns p as a canonical decimal, which ParsePrice takes back to the same value.
func (p Price) String() string { return decimalOf(p).String() }

// AppendText appends the text of String to b. It never fails, and allocates only to grow b.
func (p Price) AppendText(b []byte) ([]byte, error) { return decimalOf(p).append(b), nil }

// MarshalText returns the text of String. It never fails.
func (p Price) MarshalText() ([]byte, error) { return p.AppendText(nil) }

// UnmarshalText sets p to what ParsePriceBytes makes of b, and leaves it alone on an error.
func (p *Price) UnmarshalText(b []byte) error {
	parsed, err := ParsePriceBytes(b)
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// MarshalJSON returns the text of String in a JSON string. It never fails.
func (p Price) MarshalJSON() ([]byte, error) { return decimalOf(p).quoted(), nil }

// UnmarshalJSON takes a decimal in a JSON string, and refuses numbers and null with ErrSyntax.
func (p *Price) UnmarshalJSON(b []byte) error {
	b, err := unquoted(b)
	if err != nil {
		return err
	}
	return p.UnmarshalText(b)
}
