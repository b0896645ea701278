package config

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Seed gives the limits of the file as the ledger is seeded with them. The error lists every measure that stands in a
// scope where it means nothing.
func (n *Node) Seed() ([]risk.Limit, error) {
	var out []risk.Limit
	var errs []error
	for i, row := range n.Risk.Limits {
		row.Each(func(measure, decimal string) {
			l, err := risk.ParseLimit(row.Scope, measure, decimal)
			if err != nil {
				errs = append(errs, &limitError{fmt.Sprintf("risk.limits[%d].%s", i, measure), err})
				return
			}
			out = append(out, l)
		})
	}
	return out, errors.Join(errs...)
}

// limitError is a limit that means nothing, with the path of its key.
type limitError struct {
	path string
	err  error
}

func (e *limitError) Error() string { return e.path + ": " + e.err.Error() }
func (e *limitError) Unwrap() error { return e.err }

// Contracts gives the instruments of the file with their contracts.
func (n *Node) Contracts() ([]market.Contract, error) {
	var out []market.Contract
	var errs []error
	for _, l := range n.Instruments {
		i, err := market.Listed(l.Venue, l.Symbol)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, market.Contract{
			Instrument: i, Currency: l.Currency, Tick: l.Tick, Lot: l.Lot, MinQty: l.MinQty, MaxQty: l.MaxQty, Multiplier: l.Multiplier,
		})
	}
	return out, errors.Join(errs...)
}

// Entitlements gives who may trade what, with instruments resolved at the venues entitled. A symbol that a venue does
// not list is skipped: the reference check has named it.
func (n *Node) Entitlements() []risk.Entitlement {
	var out []risk.Entitlement
	for _, e := range n.Risk.Controls.Entitlements {
		var instruments []market.Instrument
		for _, l := range n.Instruments {
			if !entitled(e, l) {
				continue
			}
			if i, err := market.Listed(l.Venue, l.Symbol); err == nil {
				instruments = append(instruments, i)
			}
		}
		out = append(out, risk.Entitlement{Account: e.Account, Strategies: e.Strategies, Traders: e.Traders, Instruments: instruments})
	}
	return out
}

func entitled(e Entitlement, l Listing) bool {
	venue, symbol := false, false
	for _, v := range e.Venues {
		venue = venue || v == l.Venue
	}
	for _, s := range e.Instruments {
		symbol = symbol || s == l.Symbol
	}
	return venue && symbol
}

// checkLimits judges each measure in its scope, and then whether every scope that an entitlement reaches has all the
// measures without which the gate answers NO_LIMIT.
func (d *decoder) checkLimits(f *File) {
	limits, err := f.Node.Seed()
	for _, e := range joined(err) {
		if at, ok := errors.AsType[*limitError](e); ok {
			d.mistake(at.path, "%v", at.err)
		}
	}
	f.Missing = risk.MissingLimits(limits, f.Node.Entitlements())
	for _, m := range f.Missing {
		d.mistake("risk.limits", "%s is set in no row that reaches %s, want a limit: an order there is refused with NO_LIMIT", m.Measure, m.Scope)
	}
}

func joined(err error) []error {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		return many.Unwrap()
	}
	return nil
}
