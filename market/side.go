package market

import (
	"fmt"
	"strings"
)

// Side says which way an order goes. The zero Side is invalid.
type Side uint8

// The two sides.
const (
	Buy Side = iota + 1
	Sell
)

var sideWords = []string{Buy: "buy", Sell: "sell"}

// ParseSide reads "buy" or "sell", or returns ErrSyntax.
func ParseSide(s string) (Side, error) { return parseWord[Side]("side", sideWords, s) }

// Valid reports whether s is Buy or Sell.
func (s Side) Valid() bool { return s == Buy || s == Sell }

// Opposite returns the other side; that of an invalid side is invalid.
func (s Side) Opposite() Side {
	switch s {
	case Buy:
		return Sell
	case Sell:
		return Buy
	default:
		return 0
	}
}

// Sign returns what a fill on this side multiplies a position's change by: +1 for Buy, -1 for Sell, 0 otherwise.
func (s Side) Sign() int64 {
	switch s {
	case Buy:
		return 1
	case Sell:
		return -1
	default:
		return 0
	}
}

// String returns "buy" or "sell", and "side(n)" for an invalid side, which ParseSide refuses.
func (s Side) String() string { return word("side", sideWords, s) }

// MarshalText returns "buy" or "sell", or ErrInvalid.
func (s Side) MarshalText() ([]byte, error) { return marshalWord("side", sideWords, s) }

// UnmarshalText sets s to what ParseSide makes of b, and leaves it alone on an error.
func (s *Side) UnmarshalText(b []byte) error { return unmarshalWord("side", sideWords, s, b) }

// word returns the name of v, whose index 0 stands for no value, or kind(v) where it has none.
func word[T ~uint8](kind string, words []string, v T) string {
	if v == 0 || int(v) >= len(words) {
		return fmt.Sprintf("%s(%d)", kind, uint8(v))
	}
	return words[v]
}

func marshalWord[T ~uint8](kind string, words []string, v T) ([]byte, error) {
	if v == 0 || int(v) >= len(words) {
		return nil, fmt.Errorf("%w: %s, want %s", ErrInvalid, word(kind, words, v), strings.Join(words[1:], ", "))
	}
	return []byte(words[v]), nil
}

func parseWord[T ~uint8](kind string, words []string, s string) (T, error) {
	for i, w := range words {
		if i > 0 && w == s {
			return T(i), nil
		}
	}
	return 0, fmt.Errorf("%w: %s %q, want %s", ErrSyntax, kind, clip(s), strings.Join(words[1:], ", "))
}

func unmarshalWord[T ~uint8](kind string, words []string, v *T, b []byte) error {
	parsed, err := parseWord[T](kind, words, string(b))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}
