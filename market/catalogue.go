package market

import (
	"errors"
	"fmt"
	"slices"
)

// Catalogue is the set of contracts that a node knows. It never changes once made, so it is safe for any number of
// goroutines. The zero and the nil Catalogue know nothing.
type Catalogue struct {
	sorted       []Contract
	byInstrument map[Instrument]Contract
	bySymbol     map[Symbol][]Contract
}

// NewCatalogue returns a Catalogue of the contracts given, which it copies. It returns every mistake at once: those
// of each Contract's Validate, and ErrInvalid for an instrument given twice.
func NewCatalogue(contracts []Contract) (*Catalogue, error) {
	var errs []error
	c := &Catalogue{
		sorted:       slices.Clone(contracts),
		byInstrument: make(map[Instrument]Contract, len(contracts)),
		bySymbol:     make(map[Symbol][]Contract, len(contracts)),
	}
	slices.SortStableFunc(c.sorted, func(a, b Contract) int { return a.Instrument.Compare(b.Instrument) })
	for _, k := range c.sorted {
		i := k.Instrument
		for _, mistake := range k.mistakes() {
			errs = append(errs, fmt.Errorf("contract %q: %w", i, mistake))
		}
		if _, twice := c.byInstrument[i]; twice {
			errs = append(errs, fmt.Errorf("contract %q: %w: given twice, want each instrument once", i, ErrInvalid))
		}
		c.byInstrument[i] = k
		c.bySymbol[i.Symbol()] = append(c.bySymbol[i.Symbol()], k)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
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
	return slices.Clone(c.bySymbol[s])
}

// All returns every contract, sorted by venue, then by symbol. The slice is the caller's.
func (c *Catalogue) All() []Contract {
	if c == nil {
		return nil
	}
	return slices.Clone(c.sorted)
}
