package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/failshut/failshut/market"
)

// Dedupe says what the venue does with a ClOrdID it has seen from the account before.
type Dedupe string

// The ways of a venue with a second ClOrdID. DedupeNone is the harshest: the order executes again, and the ledger says
// applied_duplicate.
const (
	DedupeStrict     Dedupe = "strict"     // refused with reason 6
	DedupePossResend Dedupe = "possresend" // looked up only when marked PossResend, and answered with its status
	DedupeNone       Dedupe = "none"       // executes again
)

// COD says which ends of a session cancel the account's orders.
type COD string

// Cancel on disconnect: never, on an orderly logout, on a lost link, or on both.
const (
	CODOff        COD = "off"
	CODLogout     COD = "logout"
	CODDisconnect COD = "disconnect"
	CODBoth       COD = "both"
)

// SelfTrade says what happens when an order meets one of its own account.
type SelfTrade string

// Self-trade policies.
const (
	SelfTradeOff        SelfTrade = "off"
	SelfTradeCancelNew  SelfTrade = "cancel_new"
	SelfTradeCancelOld  SelfTrade = "cancel_old"
	SelfTradeCancelBoth SelfTrade = "cancel_both"
)

// Reset says when a client may set both sequence counters back to 1.
type Reset string

// Reset policies. ResetTakeover accepts it when another node than before speaks.
const (
	ResetNever    Reset = "never"
	ResetTakeover Reset = "takeover"
	ResetAlways   Reset = "always"
)

// Listing is one instrument of the exchange.
type Listing struct {
	Contract  market.Contract
	Reference market.Price // where the background flow begins; 0: no flow in it
}

// SessionConfig is one order entry session. It belongs to an account, not to a node.
type SessionConfig struct {
	ID       SessionID
	Account  market.Account
	COD      COD
	Grace    time.Duration // between the end of the session and the cancels
	Takeover bool          // a second logon ends the first; else it is refused
	Reset    Reset
}

// FlowConfig is the background order flow of the exchange's own participants. Rate 0 is no flow.
type FlowConfig struct {
	Rate              int // orders a second over all listings with a reference
	Levels            int // price levels kept filled on each side
	MinQty, MaxQty    market.Qty
	SpreadTicks       int
	DriftBpsPerMinute int // bound of the walk of the reference within a minute
	TradeShareBps     int // share of the orders that cross, in 1/10000
	Participants      int // accounts flow1, flow2, …
}

// Config is an exchange. Make one with DefaultConfig, and check it with Validate.
type Config struct {
	Venue             market.Venue
	Seed              uint64
	Listings          []Listing
	Sessions          []SessionConfig
	Dedupe            Dedupe
	SelfTrade         SelfTrade
	MaxOpenPerAccount int
	Store             int // replies kept for resending, each session; older ones are given up
	Flow              FlowConfig
	MarkEvery         time.Duration // between mark lines of the ledger; 0: none
	Faults            []Fault
	Phases            []PhaseAt `json:",omitempty"` // of none: every symbol is in continuous trading from the opening on
	Refuses           Refusals  `json:",omitzero"`
}

// Refusals is what an exchange does not serve, each answered as unsupported. The zero value refuses nothing that is built.
type Refusals struct {
	Types      []market.OrderType
	TIFs       []market.TIF
	PostOnly   bool
	MassStatus bool
	MassCancel bool
}

// DefaultConfig is an exchange named SIM without listings, sessions, flow or faults, with the harshest dedupe.
func DefaultConfig() Config {
	return Config{
		Venue: "SIM", Dedupe: DedupeNone, SelfTrade: SelfTradeCancelNew, MaxOpenPerAccount: 100_000, Store: 1 << 17,
		MarkEvery: time.Second,
	}
}

// DefaultFlow is 200 orders a second on five levels, inside a walk of 10 bps a minute.
func DefaultFlow() FlowConfig {
	return FlowConfig{
		Rate: 200, Levels: 5, MinQty: market.Unit, MaxQty: 50 * market.Unit, SpreadTicks: 2, DriftBpsPerMinute: 10,
		TradeShareBps: 3000, Participants: 8,
	}
}

// DefaultSession is a session that is named as its account, cancels on both ends at once and may be taken over.
func DefaultSession(a market.Account) SessionConfig {
	return SessionConfig{ID: SessionID(a), Account: a, COD: CODBoth, Takeover: true, Reset: ResetTakeover}
}

// Validate lists every mistake of the configuration with the value found and the value wanted. A fault of an unknown kind
// is an ErrUnknownFault.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !c.Venue.Valid() {
		bad("venue = %q, want a name", c.Venue)
	}
	if !oneOf(c.Dedupe, DedupeStrict, DedupePossResend, DedupeNone) {
		bad("dedupe = %q, want strict, possresend or none", c.Dedupe)
	}
	if !oneOf(c.SelfTrade, SelfTradeOff, SelfTradeCancelNew, SelfTradeCancelOld, SelfTradeCancelBoth) {
		bad("self_trade = %q, want off, cancel_new, cancel_old or cancel_both", c.SelfTrade)
	}
	if c.MaxOpenPerAccount < 1 {
		bad("max_open_per_account = %d, want at least 1", c.MaxOpenPerAccount)
	}
	if c.Store < 1 {
		bad("store = %d, want at least 1", c.Store)
	}
	if c.MarkEvery < 0 {
		bad("mark_every = %v, want 0 or more", c.MarkEvery)
	}
	errs = append(errs, c.listingErrors()...)
	errs = append(errs, c.sessionErrors()...)
	errs = append(errs, c.flowErrors()...)
	errs = append(errs, c.faultErrors(c.Faults)...)
	errs = append(errs, c.phaseErrors()...)
	return errors.Join(errs...)
}

func (c Config) listingErrors() (errs []error) {
	seen := map[market.Symbol]bool{}
	for _, l := range c.Listings {
		if err := l.Contract.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("instrument %v: %w", l.Contract.Instrument, err))
			continue
		}
		sym := l.Contract.Instrument.Symbol()
		if v := l.Contract.Instrument.Venue(); v != c.Venue {
			errs = append(errs, fmt.Errorf("instrument %s: venue = %q, want %q", sym, v, c.Venue))
		}
		if seen[sym] {
			errs = append(errs, fmt.Errorf("instrument %s: listed twice, want once", sym))
		}
		seen[sym] = true
		if l.Reference != 0 && !l.Contract.OnTick(l.Reference) {
			errs = append(errs, fmt.Errorf("instrument %s: reference = %v, want a multiple of the tick %v", sym, l.Reference, l.Contract.Tick))
		}
	}
	return errs
}

func (c Config) sessionErrors() (errs []error) {
	ids, accounts := map[SessionID]bool{}, map[market.Account]bool{}
	for _, s := range c.Sessions {
		if s.ID == "" || ids[s.ID] {
			errs = append(errs, fmt.Errorf("session %q: want a name of its own", s.ID))
		}
		if !s.Account.Valid() || accounts[s.Account] || strings.HasPrefix(string(s.Account), flowPrefix) {
			errs = append(errs, fmt.Errorf("session %q: account = %q, want one of its own that does not begin with %q", s.ID, s.Account, flowPrefix))
		}
		ids[s.ID], accounts[s.Account] = true, true
		if !oneOf(s.COD, CODOff, CODLogout, CODDisconnect, CODBoth) {
			errs = append(errs, fmt.Errorf("session %q: cancel_on_disconnect = %q, want off, logout, disconnect or both", s.ID, s.COD))
		}
		if !oneOf(s.Reset, ResetNever, ResetTakeover, ResetAlways) {
			errs = append(errs, fmt.Errorf("session %q: reset = %q, want never, takeover or always", s.ID, s.Reset))
		}
		if s.Grace < 0 {
			errs = append(errs, fmt.Errorf("session %q: grace = %v, want 0 or more", s.ID, s.Grace))
		}
	}
	return errs
}

func (c Config) flowErrors() (errs []error) {
	f := c.Flow
	if f == (FlowConfig{}) {
		return nil
	}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("flow: "+format, args...)) }
	if f.Rate < 1 || f.Rate > 1_000_000 {
		bad("rate = %d, want 1 to 1000000", f.Rate)
	}
	if f.Levels < 1 || f.Levels > 1000 {
		bad("levels = %d, want 1 to 1000", f.Levels)
	}
	if f.MinQty <= 0 || f.MaxQty < f.MinQty {
		bad("qty = %v to %v, want above 0 and rising", f.MinQty, f.MaxQty)
	}
	if f.SpreadTicks < 1 || f.SpreadTicks > 10_000 {
		bad("spread_ticks = %d, want 1 to 10000", f.SpreadTicks)
	}
	if f.DriftBpsPerMinute < 0 || f.DriftBpsPerMinute > 10_000 {
		bad("drift_bps_per_minute = %d, want 0 to 10000", f.DriftBpsPerMinute)
	}
	if f.TradeShareBps < 0 || f.TradeShareBps > 10_000 {
		bad("trade_share_bps = %d, want 0 to 10000", f.TradeShareBps)
	}
	if f.Participants < 1 || f.Participants > 10_000 {
		bad("participants = %d, want 1 to 10000", f.Participants)
	}
	return errs
}

// digest is the SHA-256 of a value's JSON, in hexadecimal: it tells two configurations apart in the ledger.
func digest(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "" // only an invalid value has no text, and Validate has refused it
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func oneOf[T comparable](v T, of ...T) bool { return slices.Contains(of, v) }
