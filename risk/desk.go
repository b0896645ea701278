package risk

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/market"
)

// Desk is everything of risk that one process has: made once, before anything that trades, and living as long as the process. It
// hands out the gate of each account, takes trips from any goroutine, and answers how things stand from atomics alone. Actors come
// and go around it.
type Desk struct {
	cfg            Config
	nonce          uint64
	catalogue      *market.Catalogue
	prices         Prices
	files          tripFiles
	onTrip         func(Latch)
	events         Events
	reference      Reference
	maxAge         int64
	types          uint32
	marketAtCollar bool
	restricted     map[market.Instrument]bool
	accounts       []market.Account // sorted
	gates          map[market.Account]*Gate
	machine        *Machine

	latches    atomic.Pointer[[]Latch]
	permission atomic.Pointer[Permission]
	logTerm    atomic.Uint64 // of the newest entry applied: a newer term ends every permission at once
	limits     atomic.Uint64 // which limits are applied: others void every permit at once
	trips      atomic.Uint64
	dead       atomic.Bool // the replica is frozen
	woken      atomic.Bool // a Wake is on its way
	lives      atomic.Uint64
	poster     atomic.Pointer[func(Message) error]
	stopping   atomic.Bool // an orderly end has begun: for the life of the process
	fallen     atomic.Pointer[Code]
	told       told
	evidence   evidence
	status     atomic.Pointer[Status]
	confirmed  atomic.Pointer[map[string]bool]
	book       statusBook // of all holders; guarded by the machine's lock
}

// Parts is what a Desk needs of others.
type Parts struct {
	// Nonce tells this life of the process from all others of the node, in the log and in the ids of trips: drawn anew at each start
	// of the process. 0 is refused.
	Nonce     uint64
	Catalogue *market.Catalogue
	Prices    Prices
	Trips     TripStore
	// OnTrip is called once for each latch after it is set, wherever it comes from: Trip, the log, a snapshot; not for those that
	// NewDesk reads, when nothing lives yet. It cancels all of the latch's scope, must not block, and may be nil.
	OnTrip func(Latch)
	Events Events
}

// Events is how others watch. Every hook may be nil, is called where the thing happens, and must not block. Of the desk
// it may call Trip, Tell, Mode and Gatez.
type Events struct {
	Checked func(in Intent, err error)                   // each check; err is nil, or a Refusal
	Mode    func(k Scope, from, to Mode, why Code)       // an account's effective mode changed; Firm: the strictest of all of them, as Gatez says
	Looked  func(now Reading)                            // all modes were looked at, those of narrower scopes may have changed too
	Tripped func(l Latch)                                // a latch was set in this process
	Reset   func(id string)                              // a latch was cleared in this process
	Term    func(term uint64)                            // an entry of a newer term was applied
	Stuck   func(k Scope, why Code, since time.Duration) // an opening makes no progress
	Refused func(command string, result string)          // the ledger answered a command of this node with an error
	Fatal   func(err error)                              // the replica may not go on: trip, and exit 70
}

// NewDesk makes the desk of a process. It reads the trips that are kept, before there is a gate; what cannot be read is a firm trip.
// Everything is CLOSED. The errors are ErrInvalid, all of them at once.
func NewDesk(cfg Config, p Parts) (*Desk, error) {
	errs := []error{cfg.Validate()}
	if p.Catalogue == nil || p.Prices == nil || p.Trips == nil {
		errs = append(errs, fmt.Errorf("%w: desk without catalogue, prices or trip store", ErrInvalid))
	}
	if p.Nonce == 0 {
		errs = append(errs, fmt.Errorf("%w: desk without nonce", ErrInvalid))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	d := &Desk{
		cfg: cfg, nonce: p.Nonce, catalogue: p.Catalogue, prices: p.Prices, files: tripFiles{store: p.Trips}, onTrip: p.OnTrip, events: p.Events,
		reference: cfg.Controls.Reference, maxAge: int64(cfg.Controls.MaxAge), marketAtCollar: cfg.Controls.MarketAtCollar,
		restricted: map[market.Instrument]bool{}, gates: map[market.Account]*Gate{},
	}
	for _, i := range cfg.Controls.Restricted {
		d.restricted[i] = true
	}
	for _, t := range cfg.Controls.Types {
		d.types |= 1 << t
	}
	d.machine = &Machine{ledger: newLedger(), desk: d, nodeID: cfg.Node}
	d.restoreTrips()
	for _, e := range cfg.Controls.Entitlements {
		g := d.gates[e.Account]
		if g == nil {
			g = d.newGate(e.Account)
			d.gates[e.Account] = g
			d.accounts = append(d.accounts, e.Account)
		}
		for _, l := range e.leaves() {
			if _, ok := g.index[leafKey(l)]; !ok {
				g.addLeaf(l.strategy, l.instrument, true)
			}
		}
	}
	slices.Sort(d.accounts)
	return d, nil
}

func (d *Desk) newGate(a market.Account) *Gate {
	g := &Gate{desk: d, account: a, index: map[leafKey]int32{}, orders: newOrders(d.cfg.MaxOrders)}
	g.leaves.Store(&[]*leaf{})
	return g
}

// Gate returns the gate of an account, or nil when no entitlement names it. There is one for each account in a process; its caller
// is that account's orders actor alone.
func (d *Desk) Gate(a market.Account) *Gate { return d.gates[a] }

// Accounts returns the accounts that have a gate, sorted. The slice is the caller's.
func (d *Desk) Accounts() []market.Account { return slices.Clone(d.accounts) }
