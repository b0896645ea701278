package strategy

import (
	"context"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// Trials runs strategies for tests: in the same tree as a node, on a virtual clock and one thread, against a venue that fills
// from a book which the trial tells. The root's World is one. A Trials may be used by any number of goroutines at once, and so may be
// the function of a Def that makes the strategy.
type Trials interface {
	// Try runs one strategy over one script. Equal trials have equal outcomes. The error says that the trial could not be run:
	// parameters that are refused, or a fault of the machinery; what the strategy did wrong is in the Outcome.
	Try(ctx context.Context, t Trial) (Outcome, error)
}

// Trial is one run of one strategy.
type Trial struct {
	Def       Def
	Params    string            // of a file, such as "{fast: 2}"; empty: the defaults
	Contracts []market.Contract // at one venue; at least one, but with a Recording: then none is all that are in it
	Script    []Step
	Recording *Recording // in place of a Script
	Faults    []string   // of the venue, as package venues/sim reads them: "late_ack nth=3 delay=50ms"
	Seed      uint64     // of the order in which actors take turns (0: by arrival), and of all chance

	// Strategy and Orders stand before the actor of each incarnation and before what it asks of its account: what breaks a
	// strategy on purpose stands there. Nil changes nothing.
	Strategy func(a actors.Actor[Message]) actors.Actor[Message]
	Orders   func(d Desk) Desk

	// Dies is asked between turns until it says once that the process of the node dies now. What the process held is gone, what was
	// not synced of its journal is lost as Loss says, and the venue goes on, orders and all. Another process starts a moment later on
	// what is left, and the script goes on where it was. Nil never dies.
	Dies func() bool
	Loss Loss
}

// Loss is what the death of a process does to what it has written and not synced. The zero Loss loses all of it.
type Loss uint8

// The losses.
const (
	LoseAll     Loss = iota
	LoseTail         // a first part of it is there, the last write of that perhaps cut
	LoseNothing      // the machine went on
)

// Recording is a market that was recorded.
type Recording struct {
	Format  string // as `failshut replay` names it
	Files   []string
	Symbols []string // of those in it that the strategy trades; none: all
}

// Step is what happens at one moment of a trial.
type Step struct {
	Wait   time.Duration // since the step before
	Events []feeds.Event // told in order; their positions and times are made when they are told
	Trip   bool          // an operator shuts everything
}

// Outcome is what a trial found.
type Outcome struct {
	Journal  []string  // what the strategy was told, what it decided, and what became of it
	Sent     []Ordered // orders that the gate let through, in order
	Applied  []Ordered // orders that the venue took, in order
	Seen     Doubts    // at any moment after the node was up
	Most     int       // of open orders on one side of one instrument at once
	Ended    []string  // why incarnations of the strategy ended before the trial did
	Lives    int       // processes that there were
	Fired    []string  // faults of the venue, by name, each once
	Findings []string  // what must never be: an order doubled, a position that is not the venue's, a mailbox that does not balance
}

// Ordered is an order of a trial, with what was in doubt when the gate let it through.
type Ordered struct {
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty
	Price      market.Price
	Doubts     Doubts
}

// Doubts are reasons for which a strategy ought to send nothing.
type Doubts struct {
	GateShut bool // the account's mode is neither OPEN nor REDUCE_ONLY
	NotLive  bool // the book cannot be traded on
	Unknown  bool // an order of the account is of unknown state
}
