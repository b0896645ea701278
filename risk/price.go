package risk

import "github.com/failshut/failshut/market"

// Prices is the one thing risk asks of feeds: the price an order is judged by. Price must be one read without lock, message or
// allocation, safe for any number of goroutines. False means that the instrument has no book here.
type Prices interface {
	Price(i market.Instrument) (Price, bool)
}

// PriceState says what a price is worth. The zero value is unreadable, so a price nobody filled in denies.
type PriceState uint8

// The states of a price. Only PriceLive is fit to judge an order by.
const (
	PriceUnreadable PriceState = iota // unknown, down, syncing, in recovery, quarantined
	PriceLive                         // provably in sequence
	PriceSuspect                      // in doubt
	PriceStale                        // silent for too long
)

// String returns the lower case word of the state.
func (s PriceState) String() string {
	switch s {
	case PriceLive:
		return "live"
	case PriceSuspect:
		return "suspect"
	case PriceStale:
		return "stale"
	case PriceUnreadable:
		return "unreadable"
	}
	return "unreadable"
}

// Price is what a book says of one instrument. A price of 0 is none.
type Price struct {
	Bid, Ask, Last market.Price
	State          PriceState
	Mono           int64 // instant at which data or a heartbeat in sequence last proved it
}

// Reference selects the price that collars are measured from.
type Reference uint8

// The references of risk.controls.price.reference. The zero value is none and denies.
const (
	ReferenceNone Reference = iota
	ReferenceMid            // (bid + ask) / 2, rounded down
	ReferenceLast           // last trade
)

// String returns the word used in the configuration.
func (r Reference) String() string {
	switch r {
	case ReferenceMid:
		return "mid"
	case ReferenceLast:
		return "last"
	case ReferenceNone:
		return "none"
	}
	return "none"
}

// reference returns the price that an order is judged by, or false when it is not fit: not Live, older than maxAge (nanoseconds),
// from the future, crossed, or without the side that the reference needs. Doubt denies (P2).
func (p Price) reference(r Reference, now, maxAge int64) (market.Price, bool) {
	if p.State != PriceLive || maxAge <= 0 || p.Mono > now || now-p.Mono > maxAge {
		return 0, false
	}
	if p.Bid > 0 && p.Ask > 0 && p.Bid >= p.Ask {
		return 0, false
	}
	switch r {
	case ReferenceMid:
		if p.Bid <= 0 || p.Ask <= 0 {
			return 0, false
		}
		return p.Bid + (p.Ask-p.Bid)/2, true
	case ReferenceLast:
		return p.Last, p.Last > 0
	case ReferenceNone:
	}
	return 0, false
}
