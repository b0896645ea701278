package market

import (
	"errors"
	"fmt"
)

// Contract says how an instrument trades: what its prices and quantities must look like, and what they are worth.
// The zero Contract is invalid, and nothing is on its tick or lot.
type Contract struct {
	Instrument Instrument `json:"instrument"`
	Currency   string     `json:"currency"`   // of prices and money: 1 to 16 upper-case letters and digits
	Tick       Price      `json:"tick"`       // every price is a multiple of it; above 0
	Lot        Qty        `json:"lot"`        // every quantity is a multiple of it; above 0
	MinQty     Qty        `json:"min_qty"`    // the least quantity of one order; above 0
	MaxQty     Qty        `json:"max_qty"`    // the most quantity of one order; at least MinQty and one Lot
	Multiplier Factor     `json:"multiplier"` // money per point of price and unit of quantity; above 0
}

// Validate returns nil, or every mistake in c at once, each wrapping ErrInvalid.
func (c Contract) Validate() error { return errors.Join(c.mistakes()...) }

func (c Contract) mistakes() []error {
	var errs []error
	want := func(ok bool, field string, found any, wanted string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: %s = %v, want %s", ErrInvalid, field, found, wanted))
		}
	}
	want(c.Instrument.Valid(), "instrument", fmt.Sprintf("%q", c.Instrument), "SYMBOL@VENUE")
	want(validCurrency(c.Currency), "currency", fmt.Sprintf("%q", clip(c.Currency)), "1 to 16 upper-case letters and digits")
	want(c.Tick > 0, "tick", c.Tick, "above 0")
	want(c.Lot > 0, "lot", c.Lot, "above 0")
	want(c.MinQty > 0, "min_qty", c.MinQty, "above 0")
	least := max(c.MinQty, c.Lot)
	want(c.MaxQty > 0 && c.MaxQty >= least, "max_qty", c.MaxQty, fmt.Sprintf("at least min_qty and one lot, %s", least))
	want(c.Multiplier.Valid(), "multiplier", c.Multiplier, "above 0")
	return errs
}

// OnTick reports whether p is a price and a multiple of the tick.
func (c Contract) OnTick(p Price) bool { return c.Tick > 0 && p != 0 && p%c.Tick == 0 }

// OnLot reports whether q is a multiple of the lot; a zero is.
func (c Contract) OnLot(q Qty) bool { return c.Lot > 0 && q%c.Lot == 0 }

// ToTick returns the nearest price on the tick that is at least p when up, or at most p otherwise. It may be 0,
// which is no price. It returns ErrInvalid where c has no tick, or ErrOverflow.
func (c Contract) ToTick(p Price, up bool) (Price, error) {
	if c.Tick <= 0 {
		return 0, fmt.Errorf("%w: tick = %s, want above 0", ErrInvalid, c.Tick)
	}
	over := p % c.Tick
	switch {
	case up && over > 0:
		return (p - over).Add(c.Tick)
	case !up && over < 0:
		return (p - over).Sub(c.Tick)
	default:
		return p - over, nil // the remainder has the sign of p, so this goes toward zero and always fits
	}
}

// ToLot returns the nearest multiple of the lot that is not further from zero than q. It returns 0 where c has no
// lot.
func (c Contract) ToLot(q Qty) Qty {
	if c.Lot <= 0 {
		return 0
	}
	return q - q%c.Lot
}

// Ticks returns how many ticks a and b are apart, a part of a tick counting as one. It returns ErrInvalid where c
// has no tick.
func (c Contract) Ticks(a, b Price) (uint64, error) {
	if c.Tick <= 0 {
		return 0, fmt.Errorf("%w: tick = %s, want above 0", ErrInvalid, c.Tick)
	}
	gap := uint64(max(a, b)) - uint64(min(a, b)) // fits where the signed difference would not
	n := gap / uint64(c.Tick)
	if gap%uint64(c.Tick) != 0 {
		n++
	}
	return n, nil
}

// Worth returns what q is worth at p in c.Currency, rounded as by the function Worth, whose errors it returns.
func (c Contract) Worth(p Price, q Qty, up bool) (Notional, error) {
	return Worth(p, q, c.Multiplier, up)
}

func validCurrency(s string) bool {
	if s == "" || len(s) > 16 {
		return false
	}
	for i := range len(s) {
		if (s[i] < 'A' || s[i] > 'Z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}
