package market

// Factor is a contract's multiplier in units of 1e-9: how much of the currency one point of price is worth for one
// unit of quantity. A share has 1, an index future perhaps 50. Only factors above 0 are valid.
type Factor int64

// One is the multiplier of things whose price is per unit of quantity, such as shares and coins.
const One Factor = one

// ParseFactor reads a plain decimal: an optional '-', digits, optionally a '.' and digits. It returns ErrSyntax,
// ErrPrecision for a digit other than 0 past the ninth decimal, or ErrOverflow.
func ParseFactor(s string) (Factor, error) { return parse[Factor](s) }

// ParseFactorBytes is ParseFactor for bytes, which it neither keeps nor changes. It allocates nothing unless it fails.
func ParseFactorBytes(b []byte) (Factor, error) { return parse[Factor](b) }

// Valid reports whether f may multiply, which 0 and less may not.
func (f Factor) Valid() bool { return f > 0 }

// String returns f as a canonical decimal, which ParseFactor takes back to the same value.
func (f Factor) String() string { return decimalOf(f).String() }

// AppendText appends the text of String to b. It never fails, and allocates only to grow b.
func (f Factor) AppendText(b []byte) ([]byte, error) { return decimalOf(f).append(b), nil }

// MarshalText returns the text of String. It never fails.
func (f Factor) MarshalText() ([]byte, error) { return f.AppendText(nil) }

// UnmarshalText sets f to what ParseFactorBytes makes of b, and leaves it alone on an error.
func (f *Factor) UnmarshalText(b []byte) error {
	parsed, err := ParseFactorBytes(b)
	if err != nil {
		return err
	}
	*f = parsed
	return nil
}

// MarshalJSON returns the text of String in a JSON string. It never fails.
func (f Factor) MarshalJSON() ([]byte, error) { return decimalOf(f).quoted(), nil }

// UnmarshalJSON takes a decimal in a JSON string, and refuses numbers and null with ErrSyntax.
func (f *Factor) UnmarshalJSON(b []byte) error {
	b, err := unquoted(b)
	if err != nil {
		return err
	}
	return f.UnmarshalText(b)
}
