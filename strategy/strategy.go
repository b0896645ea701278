// Package strategy is what a user writes against: a struct with the handlers it needs becomes a supervised actor that
// sees only sequenced, state-carrying data and can only ask for orders. It serves P2 (an intent is a wish; the gate
// answers), P3 (the same decision places once, over any crash), P5 (a price is never seen without its state), P8 (a bad
// strategy hurts itself alone) and P9 (same input, same decisions). It never talks to a venue, never reads a clock and
// holds no risk rule.
package strategy

import (
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Why says why an incarnation starts.
type Why string

// The reasons of a start.
const (
	WhyFirst   Why = "first"   // of this process, and nothing is there of an earlier one
	WhyCrash   Why = "crash"   // the incarnation before ended abnormally
	WhyStop    Why = "stop"    // the incarnation before was stopped
	WhyAdopted Why = "adopted" // of this process, with executions or open orders that an earlier one or another node has left
)

// Start is what OnStart is told: the state that journal and venue give back, never what the dead incarnation believed.
type Start struct {
	Epoch     uint64
	Why       Why
	Positions []Position // of this strategy, not zero, sorted by instrument
	Working   []Working  // its open orders, UNKNOWN ones included
	Restored  bool       // Restore was given a snapshot
}

// Position is what the strategy holds of an instrument, from its own executions alone, fees and marks to the market left out.
//
// It is reckoned at average cost: what adds carries its own price, what reduces takes its share of the cost, and what goes through
// zero does both. An execution that was busted has never been, and one that was corrected has always been what it is now, also
// for those after it. Products of price and quantity are exact; the share of a reduction is rounded toward zero at 1e-18 of the
// contract's points and the rest stays with the position, so one that is flat has gained exactly what was received less what was paid.
type Position struct {
	Instrument market.Instrument
	Qty        market.Qty      // signed
	Avg        market.Price    // average price of the open quantity, to the nearest 1e-9, half of that away from zero; 0 when flat
	Realised   market.Notional // gained by what was closed, in the contract's currency, its multiplier counted, toward zero at 1e-9
	// Unknown: an order of unknown state may yet change it, or a sum does not fit its type, and then Avg and Realised are 0.
	Unknown bool
}

// Working is an open order of the strategy.
type Working struct {
	Order      market.ClOrdID
	Decision   Decision
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty
	Leaves     market.Qty
	Price      market.Price
	Unknown    bool
	Closing    bool
}

// FillKind says what an execution fact does.
type FillKind uint8

// The kinds of Fill.
const (
	Filled    FillKind = iota + 1 // quantity was executed
	Busted                        // an earlier fill was taken back
	Corrected                     // an earlier fill was changed; Qty is the signed difference
)

// Fill is an execution of one of the strategy's orders. It is in Position before OnFill is called.
type Fill struct {
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty // signed change of the executed quantity: below zero for a bust
	Price      market.Price
	Exec       string
	Order      market.ClOrdID
	Decision   Decision
	Kind       FillKind
	Replay     bool // an earlier incarnation may have seen it
	Paper      bool
}

// OrderEvent is what happened to one of the strategy's orders or wishes. Kind is one of the order machine's events
// (accepted, cancelled, rejected, expired, unknown, resolved, closed, refused …), or held, lapsed, repeated.
type OrderEvent struct {
	Kind       string
	Order      market.ClOrdID
	Decision   Decision
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty
	Cum        market.Qty
	Leaves     market.Qty
	Price      market.Price
	Reason     string
	Count      int // refusals of one reason and instrument are told at most once in 100 ms: this is the last of so many
	Replay     bool
	Paper      bool
}

// The kinds of OrderEvent that the strategy's own shell makes.
const (
	KindHeld     = "held"     // the want waits, Reason says for what
	KindLapsed   = "lapsed"   // the want waited for too long and is forgotten
	KindRepeated = "repeated" // the decision was made before: its first order stands
	KindRefused  = "refused"
)

// The reasons of refusal that the shell makes itself; the gate's codes and the order machine's words come besides.
const (
	ReasonFull      = "FULL"
	ReasonSuspended = "SUSPENDED"
	ReasonNotReady  = "NOT_READY"
	ReasonStopping  = "STOPPING"
	ReasonFenced    = "FENCED"
	ReasonFlood     = "FLOOD"
	ReasonBadIntent = "BAD_INTENT"
	ReasonNotMine   = "NOT_MINE"
	ReasonMixed     = "MIXED"
	ReasonNoMemory  = "NO_MEMORY" // Once, where decisions do not outlive the process
)

// Timer is a tick that the strategy asked for. Missed counts ticks of the key that were skipped because one was pending.
type Timer struct {
	Key    string
	Due    int64 // instant
	Missed int
}

// Gate is a mode that touches the strategy: of everything it does, or of one instrument.
type Gate struct {
	Scope      risk.Scope        // ACCOUNT/STRATEGY/*, or with the instrument when that stands otherwise than all
	Instrument market.Instrument // the same as a value; zero: all of them
	Mode       risk.Mode         // the strictest that holds there
	Why        risk.Code         // the first cause of a mode that is not OPEN
	Since      time.Time         // when that mode was first seen
}

// Stop is the last thing a strategy is told.
type Stop struct{ Why string }

// StartHandler is told that an incarnation begins, before anything else. It may cancel and set timers; what it wants to
// place is refused NOT_READY, and has its time in OnGate, which follows at once.
type StartHandler interface {
	OnStart(c *Context, s Start) error
}

// QuoteHandler is told the top of the book, each with its state.
type QuoteHandler interface {
	OnQuote(c *Context, q feeds.Quote) error
}

// BookHandler is told that a book has changed: the whole of it, as it is after the last change, when it can be read. The view is lent
// until the handler returns. To be told of books costs the feed's turn a copy of each change; who has no OnBook costs nothing.
type BookHandler interface {
	OnBook(c *Context, v feeds.BookView) error
}

// TradeHandler is told each trade once, in order.
type TradeHandler interface {
	OnTrade(c *Context, t feeds.Trade) error
}

// FeedStateHandler is told changes of a feed's state in the stream of its data, never behind what they warn of. What found no room in the
// strategy's own box is told too, where it is missing: as Suspect, Why "box was full", at the position of the last that was told of the
// same stream, or at none.
type FeedStateHandler interface {
	OnFeedState(c *Context, e feeds.StateChange) error
}

// FillHandler is told each execution once an incarnation.
type FillHandler interface {
	OnFill(c *Context, f Fill) error
}

// OrderHandler is told what happens to orders and wishes, refusals among it.
type OrderHandler interface {
	OnOrder(c *Context, e OrderEvent) error
}

// TimerHandler is told the ticks it asked for.
type TimerHandler interface {
	OnTimer(c *Context, t Timer) error
}

// GateHandler is told each change of a mode that touches the strategy, and once after the start how everything stands: one
// instrument that stands otherwise then is not told, and Context.Gate says so.
type GateHandler interface {
	OnGate(c *Context, g Gate) error
}

// StopHandler is told the end. It may cancel; what it wants to place is refused.
type StopHandler interface {
	OnStop(c *Context, s Stop) error
}

// Policy says what becomes of working orders while the strategy is down. The zero Policy cancels. Whatever it says, they are
// cancelled by a trip that closes, when the node stops, and when the strategy's own supervisor ends: it gave up, or was stopped with
// what stands above it.
type Policy struct {
	OnCrash, OnStop Fate
	KeepFor         time.Duration // a strategy that is not ready again by then has its orders cancelled; 0 is a minute
}

// DefaultKeepFor is the KeepFor of a Policy that names none.
const DefaultKeepFor = time.Minute

// Fate is what becomes of a working order. The zero Fate is Cancel.
type Fate uint8

// The fates.
const (
	Cancel Fate = iota
	Keep        // it works on, and is in the State of the next incarnation
)

// PolicyHandler is a strategy that says what becomes of its orders. One that keeps any needs OnOrder, for it is told of orders
// that an earlier incarnation placed.
type PolicyHandler interface{ Policy() Policy }

// PolicyOf is the policy of a strategy value: the zero Policy where it has none.
func PolicyOf(user any) Policy {
	h, ok := user.(PolicyHandler)
	if !ok {
		return Policy{}
	}
	p := h.Policy()
	if p.KeepFor <= 0 {
		p.KeepFor = DefaultKeepFor
	}
	return p
}
