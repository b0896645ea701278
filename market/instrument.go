package market

import (
	"cmp"
	"fmt"
	"strings"
	"unique"
)

// Instrument is a symbol as listed on one venue. It is a handle of eight bytes: == compares it, a map takes it as a
// key, and copying it costs nothing. The zero Instrument is invalid. Order instruments by Compare; the order in
// which a map yields them differs from run to run.
type Instrument struct{ handle unique.Handle[listing] }

type listing struct {
	venue  Venue
	symbol Symbol
}

// Listed returns the Instrument of symbol s on venue v; the same pair gives the equal Instrument, on any goroutine.
// It returns ErrInvalid for an invalid venue or symbol. Whether the venue does list it is for a Catalogue to say.
func Listed(v Venue, s Symbol) (Instrument, error) {
	if !v.Valid() {
		return Instrument{}, fmt.Errorf("%w: venue %q, want 1 to 64 visible ASCII characters but / * + @", ErrInvalid, clip(string(v)))
	}
	if !s.Valid() {
		return Instrument{}, fmt.Errorf("%w: symbol %q, want 1 to 32 visible ASCII characters but * @", ErrInvalid, clip(string(s)))
	}
	return Instrument{unique.Make(listing{v, s})}, nil
}

// MustListed is Listed for tests and constants of a program: it panics where Listed returns an error. Never give it
// input.
func MustListed(v Venue, s Symbol) Instrument {
	i, err := Listed(v, s)
	if err != nil {
		panic(err)
	}
	return i
}

// ParseInstrument reads the text of String, such as "ACME@SIM". It returns ErrSyntax where there is no '@', and
// ErrInvalid for an invalid symbol or venue.
func ParseInstrument(s string) (Instrument, error) {
	symbol, venue, ok := strings.Cut(s, "@")
	if !ok {
		return Instrument{}, fmt.Errorf("%w: instrument %q, want SYMBOL@VENUE", ErrSyntax, clip(s))
	}
	return Listed(Venue(venue), Symbol(symbol))
}

// Valid reports whether i came from Listed, as the zero Instrument did not.
func (i Instrument) Valid() bool { return i != Instrument{} }

// Venue returns the venue, "" of the zero Instrument.
func (i Instrument) Venue() Venue { return i.listing().venue }

// Symbol returns the symbol, "" of the zero Instrument.
func (i Instrument) Symbol() Symbol { return i.listing().symbol }

// Compare orders instruments by venue, then by symbol, and returns -1, 0 or +1. The zero Instrument comes first.
func (i Instrument) Compare(o Instrument) int {
	if i == o {
		return 0
	}
	a, b := i.listing(), o.listing()
	return cmp.Or(cmp.Compare(a.venue, b.venue), cmp.Compare(a.symbol, b.symbol))
}

// String returns SYMBOL@VENUE, such as "ACME@SIM", and "" for the zero Instrument, which ParseInstrument refuses.
func (i Instrument) String() string {
	if !i.Valid() {
		return ""
	}
	l := i.listing()
	return string(l.symbol) + "@" + string(l.venue)
}

// AppendText appends the text of String to b, or returns ErrInvalid for the zero Instrument. It allocates only to
// grow b.
func (i Instrument) AppendText(b []byte) ([]byte, error) {
	if !i.Valid() {
		return b, fmt.Errorf("%w: the zero instrument has no text", ErrInvalid)
	}
	l := i.listing()
	b = append(b, l.symbol...)
	b = append(b, '@')
	return append(b, l.venue...), nil
}

// MarshalText returns the text of String, or ErrInvalid for the zero Instrument.
func (i Instrument) MarshalText() ([]byte, error) { return i.AppendText(nil) }

// UnmarshalText sets i to what ParseInstrument makes of b, and leaves it alone on an error.
func (i *Instrument) UnmarshalText(b []byte) error {
	parsed, err := ParseInstrument(string(b))
	if err != nil {
		return err
	}
	*i = parsed
	return nil
}

func (i Instrument) listing() listing {
	if !i.Valid() {
		return listing{} // the zero handle has no value to ask for
	}
	return i.handle.Value()
}
