package market

// Qty is a number of shares, contracts or coins in units of 1e-9: Unit is one of them. 0 is a plain zero, and a
// position is negative when short. Range ±9,223,372,036.854775807.
type Qty int64

// Unit is a quantity of 1.
const Unit Qty = one

// ParseQty reads a plain decimal: an optional '-', digits, optionally a '.' and digits. It returns ErrSyntax,
// ErrPrecision for a digit other than 0 past the ninth decimal, or ErrOverflow.
func ParseQty(s string) (Qty, error) { return parse[Qty](s) }

// ParseQtyBytes is ParseQty for bytes, which it neither keeps nor changes. It allocates nothing unless it fails.
func ParseQtyBytes(b []byte) (Qty, error) { return parse[Qty](b) }

// QtyOf returns v units of 10^-decimals, the way binary feeds write sizes: QtyOf(100, 0) is 100. It returns
// ErrOverflow, ErrPrecision where a tenth decimal is not 0, or ErrInvalid for decimals outside 0 to 18.
func QtyOf(v int64, decimals int) (Qty, error) { return shift[Qty](v, decimals) }

// Add returns q + o, or ErrOverflow.
func (q Qty) Add(o Qty) (Qty, error) { return add(q, o) }

// Sub returns q - o, or ErrOverflow.
func (q Qty) Sub(o Qty) (Qty, error) { return sub(q, o) }

// Neg returns -q, or ErrOverflow for the smallest Qty.
func (q Qty) Neg() (Qty, error) { return negate(q) }

// Abs returns q without its sign, or ErrOverflow for the smallest Qty.
func (q Qty) Abs() (Qty, error) {
	if q < 0 {
		return negate(q)
	}
	return q, nil
}

// Mul returns q taken n times, or ErrOverflow.
func (q Qty) Mul(n int64) (Qty, error) { return scale(q, n, 1, false) }

// String returns q as a canonical decimal, which ParseQty takes back to the same value.
func (q Qty) String() string { return decimalOf(q).String() }

// AppendText appends the text of String to b. It never fails, and allocates only to grow b.
func (q Qty) AppendText(b []byte) ([]byte, error) { return decimalOf(q).append(b), nil }

// MarshalText returns the text of String. It never fails.
func (q Qty) MarshalText() ([]byte, error) { return q.AppendText(nil) }

// UnmarshalText sets q to what ParseQtyBytes makes of b, and leaves it alone on an error.
func (q *Qty) UnmarshalText(b []byte) error {
	parsed, err := ParseQtyBytes(b)
	if err != nil {
		return err
	}
	*q = parsed
	return nil
}

// MarshalJSON returns the text of String in a JSON string. It never fails.
func (q Qty) MarshalJSON() ([]byte, error) { return decimalOf(q).quoted(), nil }

// UnmarshalJSON takes a decimal in a JSON string, and refuses numbers and null with ErrSyntax.
func (q *Qty) UnmarshalJSON(b []byte) error {
	b, err := unquoted(b)
	if err != nil {
		return err
	}
	return q.UnmarshalText(b)
}
