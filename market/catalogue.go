package market

import (
	"errors"
	"fmt"
	"slices"
)

// Catalogue is the set of contracts that a node knows. It never changes once made, so it is safe for any number of
// goroutines. The zero and the nil Catalogue know nothing.
type Catalogue struct {
	byInstrument map[Instrument]Contract
	sorted       []Contract
}

// NewCatalogue returns a Catalogue of the contracts given, which it copies. It returns every mistake at once: those
// of each Contract's Validate, and ErrInvalid for an instrument given twice.
func NewCatalogue(contracts []Contract) (*Catalogue, error) {
	var errs []error
	c := &Catalogue{byInstrument: make(map[Instrument]Contract, len(contracts)), sorted: slices.Clone(contracts)}
	for n, k := range contracts {
		if err := k.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("contract %d %q: %w", n+1, k.Instrument, err))
			continue
		}
		if _, twice := c.byInstrument[k.Instrument]; twice {
			errs = append(errs, fmt.Errorf("contract %d: %w: %s a second time, want each instrument once", n+1, ErrInvalid, k.Instrument))
		}
		c.byInstrument[k.Instrument] = k
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(c.sorted, func(a, b Contract) int { return a.Instrument.Compare(b.Instrument) })
	return c, nil
}

// Contract returns the contract of i, and whether it is known. It allocates nothing.
func (c *Catalogue) Contract(i Instrument) (Contract, bool) {
	if c == nil {
		return Contract{}, false
	}
	k, ok := c.byInstrument[i]
	return k, ok
}

// Find returns the contracts of symbol s on every venue, sorted by venue. The slice is the caller's.
func (c *Catalogue) Find(s Symbol) []Contract {
	if c == nil {
		return nil
	}
	var found []Contract
	for _, k := range c.sorted {
		if k.Instrument.Symbol() == s {
			found = append(found, k)
		}
	}
	return found
}

// All returns every contract, sorted by venue, then by symbol. The slice is the caller's.
func (c *Catalogue) All() []Contract {
	if c == nil {
		return nil
	}
	return slices.Clone(c.sorted)
}
