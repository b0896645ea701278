package risk

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/failshut/failshut/market"
)

// Policy says who may open a scope.
type Policy uint8

// The policies of risk.reopen and risk.first_open. The zero value needs an operator.
const (
	PolicyOperator Policy = iota
	PolicyAuto
)

// String returns the word of the configuration.
func (p Policy) String() string {
	if p == PolicyAuto {
		return "auto"
	}
	return "operator"
}

// Entitlement says what one account may trade, and through whom.
type Entitlement struct {
	Account     market.Account
	Strategies  []string
	Traders     []string // names of persons, who place orders by hand under their own name
	Instruments []market.Instrument
}

type entitledLeaf struct {
	strategy   string
	instrument market.Instrument
}

func (e Entitlement) leaves() []entitledLeaf {
	var out []entitledLeaf
	for _, names := range [2][]string{e.Strategies, e.Traders} {
		for _, s := range names {
			for _, i := range e.Instruments {
				out = append(out, entitledLeaf{s, i})
			}
		}
	}
	return out
}

// Controls is what orders are judged by beside the limits: lists, windows and modes. They are configuration, equal on every node.
type Controls struct {
	Entitlements   []Entitlement
	Restricted     []market.Instrument // must exist; may be empty, not nil
	Types          []market.OrderType  // what the venue's continuous phase takes; a type not named is refused
	Reference      Reference           // what collars are measured from
	MaxAge         time.Duration       // of a price: from the last proof of it to the check
	MarketAtCollar bool                // a market order leaves as a limit order at the collar; false: it is refused
}

// PermissionConfig bounds how long a holder may trade on without hearing from the log.
type PermissionConfig struct {
	TTL         time.Duration // from the moment the request was sent
	Renew       time.Duration // less than half of TTL
	CancelAfter time.Duration // without permission: CANCEL_ONLY, and after this CLOSED; 0 is at once
}

// OpeningConfig bounds the steps of a term's opening.
type OpeningConfig struct {
	Collect    time.Duration // for each holder's next Sync
	StuckAfter time.Duration // without progress: an event
}

// EscrowConfig sizes what a holder asks for.
type EscrowConfig struct {
	Urgent      time.Duration // least time between two Syncs
	AskMaxBps   int64         // of the limit of a shared scope: what a holder keeps free at most, in basis points
	ReturnAfter time.Duration // unused for this long: returned
}

// Config is everything a Desk is made from. DefaultConfig has what may be left out; limits, entitlements and the price rule have no
// default that trades.
type Config struct {
	Node       string
	Permission PermissionConfig
	Opening    OpeningConfig
	Escrow     EscrowConfig
	Reopen     Policy
	FirstOpen  Policy
	ClockStep  time.Duration // disagreement of clocks that shuts; 0 switches the watch off, for virtual time only
	Controls   Controls
	Limits     []Limit // the seed of the cluster's limits
	MaxOrders  int     // bound of the orders a gate remembers, live and ended; 64 to 1<<20
}

// DefaultConfig returns the defaults of the configuration reference. It does not validate: a node, limits and controls are missing.
func DefaultConfig() Config {
	return Config{
		Permission: PermissionConfig{TTL: 500 * time.Millisecond, Renew: 100 * time.Millisecond, CancelAfter: 5 * time.Second},
		Opening:    OpeningConfig{Collect: 300 * time.Millisecond, StuckAfter: 10 * time.Second},
		Escrow:     EscrowConfig{Urgent: 5 * time.Millisecond, AskMaxBps: 2500, ReturnAfter: 5 * time.Second},
		ClockStep:  50 * time.Millisecond,
		MaxOrders:  8192,
	}
}

// Validate lists every mistake with the value found and the value wanted; it returns nil when there is none. Limits that are missing
// are not mistakes here, since an order they would judge is refused: MissingLimits lists them.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if c.Node == "" {
		bad("node is empty, want a name")
	}
	if c.Permission.TTL <= 0 {
		bad("permission.ttl = %v, want above 0", c.Permission.TTL)
	}
	if c.Permission.Renew <= 0 || c.Permission.Renew >= c.Permission.TTL/2 {
		bad("permission.renew = %v, want above 0 and below half of ttl = %v", c.Permission.Renew, c.Permission.TTL)
	}
	if c.Permission.CancelAfter < 0 {
		bad("permission.cancel_after = %v, want 0 or more", c.Permission.CancelAfter)
	}
	if c.Opening.Collect <= 0 {
		bad("opening.collect = %v, want above 0", c.Opening.Collect)
	}
	if c.Opening.StuckAfter <= 0 {
		bad("opening.stuck_after = %v, want above 0", c.Opening.StuckAfter)
	}
	if c.Escrow.Urgent <= 0 {
		bad("escrow.urgent = %v, want above 0", c.Escrow.Urgent)
	}
	if c.Escrow.AskMaxBps < 1 || c.Escrow.AskMaxBps > 10_000 {
		bad("escrow.ask_max_bps = %d, want 1 to 10000", c.Escrow.AskMaxBps)
	}
	if c.Escrow.ReturnAfter <= 0 {
		bad("escrow.return_after = %v, want above 0", c.Escrow.ReturnAfter)
	}
	if c.ClockStep < 0 {
		bad("clock.step = %v, want 0 or more", c.ClockStep)
	}
	if c.MaxOrders < 64 || c.MaxOrders > 1<<20 {
		bad("max orders = %d, want 64 to 1048576", c.MaxOrders)
	}
	errs = append(errs, c.Controls.validate()...)
	seen := map[row]bool{}
	for _, l := range c.Limits {
		if err := l.Validate(); err != nil {
			errs = append(errs, err)
		}
		if k := (row{l.Scope, l.Measure}); seen[k] {
			bad("%s %s stands twice, want it once", l.Scope, l.Measure)
		} else {
			seen[k] = true
		}
	}
	return errors.Join(errs...)
}

func (c Controls) validate() (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if len(c.Entitlements) == 0 {
		bad("controls.entitlements is empty, want at least one")
	}
	for n, e := range c.Entitlements {
		if !e.Account.Valid() {
			bad("controls.entitlements[%d]: account %q, want a name", n, e.Account)
		}
		for _, s := range slices.Concat(e.Strategies, e.Traders) {
			if err := (Scope{"a", s, All}).validate(false); err != nil || s == All {
				bad("controls.entitlements[%d]: strategy or trader %q, want a name", n, s)
			}
		}
		for _, i := range e.Instruments {
			if !i.Valid() {
				bad("controls.entitlements[%d]: an instrument is not valid", n)
			}
		}
	}
	if c.Restricted == nil {
		bad("controls.restricted is missing, want a list, which may be empty")
	}
	if len(c.Types) == 0 {
		bad("controls.phases names no order type, want at least limit")
	}
	for _, t := range c.Types {
		if !t.Valid() {
			bad("controls.phases: order type %v, want limit, market or stop", t)
		}
	}
	if c.Reference != ReferenceMid && c.Reference != ReferenceLast {
		bad("controls.price.reference = %v, want mid or last", c.Reference)
	}
	if c.MaxAge <= 0 {
		bad("controls.price.max_age = %v, want above 0", c.MaxAge)
	}
	return errs
}
