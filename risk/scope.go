package risk

import (
	"fmt"
	"strings"

	"github.com/failshut/failshut/market"
)

// All in a part of a Scope stands for the sum over every account, strategy or instrument.
const All = "*"

// Each in a part of a limit row stands for every one separately. It never stands in a scope that is charged.
const Each = "+"

// Scope is what a limit, a mode or a latch applies to: account/strategy/instrument, written with slashes. The instrument part is
// SYMBOL@VENUE; in limit rows, trips and questions SYMBOL alone means it at every venue. The zero Scope is invalid.
type Scope struct {
	Account    string
	Strategy   string
	Instrument string
}

// Firm is the widest scope.
var Firm = Scope{All, All, All}

// AccountScope is everything of one account.
func AccountScope(a market.Account) Scope { return Scope{string(a), All, All} }

// ParseScope reads account/strategy/instrument. Each part is a name or *; + is admitted where a limit row may hold it.
func ParseScope(s string, row bool) (Scope, error) {
	parts := strings.SplitN(s, "/", 3) // a symbol may hold a slash, an account and a strategy may not
	if len(parts) != 3 {
		return Scope{}, fmt.Errorf("%w: scope %q, want account/strategy/instrument", ErrInvalid, s)
	}
	k := Scope{parts[0], parts[1], parts[2]}
	return k, k.validate(row)
}

// String writes the scope as ParseScope reads it.
func (k Scope) String() string { return k.Account + "/" + k.Strategy + "/" + k.Instrument }

// MarshalText writes the scope as ParseScope reads it.
func (k Scope) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k Scope) validate(row bool) error {
	for i, p := range [3]string{k.Account, k.Strategy, k.Instrument} {
		if p == "" || len(p) > 100 || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("%w: scope %q: part %q, want a name, * or +", ErrInvalid, k, p)
		}
		barred := "*+/"
		if i == 2 {
			barred = "*"
		}
		if p != All && p != Each && strings.ContainsAny(p, barred) || p == Each && !row {
			return fmt.Errorf("%w: scope %q: part %q, want a name or *", ErrInvalid, k, p)
		}
	}
	if !k.charged() {
		return fmt.Errorf("%w: scope %q, want one of */*/*, A/*/*, A/S/*, A/S/I, A/*/I, */*/I", ErrInvalid, k)
	}
	return nil
}

// charged reports whether an order can touch a scope of this form: there are six forms, and */S/* is not among them.
func (k Scope) charged() bool { return k.Account != All || k.Strategy == All }

// group reports whether the scope sums over instruments and so is limited in notional, not in quantity.
func (k Scope) group() bool { return k.Instrument == All }

// Covers reports whether everything of o is also of k: a trip of k shuts o.
func (k Scope) Covers(o Scope) bool {
	return covers(k.Account, o.Account) && covers(k.Strategy, o.Strategy) &&
		(covers(k.Instrument, o.Instrument) || symbolOf(o.Instrument) == k.Instrument)
}

func covers(wide, narrow string) bool { return wide == All || wide == narrow }

func symbolOf(instrument string) string {
	if i := strings.LastIndexByte(instrument, '@'); i > 0 {
		return instrument[:i]
	}
	return instrument
}

// compare orders scopes for iteration: deterministic, wide before narrow within a name.
func (k Scope) compare(o Scope) int {
	if c := strings.Compare(k.Account, o.Account); c != 0 {
		return c
	}
	if c := strings.Compare(k.Strategy, o.Strategy); c != 0 {
		return c
	}
	return strings.Compare(k.Instrument, o.Instrument)
}
