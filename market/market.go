// Package market holds the nouns of the trade: prices, quantities and money, sides, symbols, venues, accounts,
// instruments and their contracts, and time stamps. Everything else in Failshut speaks in them.
//
// It promises three things. Numbers are exact: a Price, a Qty and a Notional are integers of 1e-9 units, their
// text is plain decimal digits both ways, and what String prints, Parse takes back to the same value. Nothing is
// rounded unless the caller says in which direction, and nothing wraps: a result that does not fit is ErrOverflow,
// which for an order means refusal (promise P2). The zero value does not trade: a zero Side, Symbol, Venue,
// Account or Instrument is invalid and a zero Price is no price; only zero quantities and money are plain zeros.
//
// It never uses a float, never reads a clock, never logs, never starts a goroutine, and imports the standard
// library only. All its types are values or immutable after they are made, so every function and method is safe
// for any number of goroutines, but for the Unmarshal methods, which write to their receiver.
package market

import "errors"

// Every error of this package wraps one of these, and names what was found and what was wanted.
var (
	// ErrOverflow says that an exact result lies beyond the range of its type.
	ErrOverflow = errors.New("market: out of range")
	// ErrSyntax says that a text is not of the form that its type is written in.
	ErrSyntax = errors.New("market: bad syntax")
	// ErrPrecision says that a number has a digit other than 0 past the ninth decimal: it is refused, never rounded.
	ErrPrecision = errors.New("market: more than nine decimals")
	// ErrInvalid says that a value may not be used as what it is given for: a zero side, a multiplier below zero.
	ErrInvalid = errors.New("market: invalid")
)

// Symbol is a venue's own name for what it lists, such as "ACME" or "BTC/USD": 1 to 32 visible ASCII characters,
// none of them '*' or '@', which scopes and instruments are written with. The empty symbol is invalid.
type Symbol string

// Valid reports whether s may name something listed.
func (s Symbol) Valid() bool { return visible(string(s), 32, "*@") }

// Venue is the name of a place that quotes prices or takes orders, such as "SIM": 1 to 64 visible ASCII
// characters, none of them '/', '*', '+' or '@'. The empty venue is invalid.
type Venue string

// Valid reports whether v may name a venue.
func (v Venue) Valid() bool { return visible(string(v), 64, "/*+@") }

// Account is the name that positions, limits and orders are kept under: 1 to 64 visible ASCII characters, none of
// them '/', '*', '+' or '@', which risk scopes are written with. The empty account is invalid.
type Account string

// Valid reports whether a may name an account.
func (a Account) Valid() bool { return visible(string(a), 64, "/*+@") }

// ClOrdID is the client's identifier of one request, as in FIX tag 11: 1 to 64 visible ASCII characters. The
// empty identifier is invalid.
type ClOrdID string

// Valid reports whether id may identify a request.
func (id ClOrdID) Valid() bool { return visible(string(id), 64, "") }

// visible reports whether s is 1 to limit characters of ASCII that leave ink on paper, none of them in barred.
// Names end up in logs, file names, FIX fields and scope patterns, and none of those may be broken by a name.
func visible(s string, limit int, barred string) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
		for j := range len(barred) {
			if s[i] == barred[j] {
				return false
			}
		}
	}
	return true
}
