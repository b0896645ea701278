// Package node turns configuration into a supervision tree: the one wiring that daemon, demonstration, replay and
// simulation use alike. It joins rooms that do not know each other by the small interfaces they declare, and holds no
// rule of its own: what it decides is who is told what, and in which order things start and stop.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/telemetry"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

// World is what a node stands in: the same wiring runs on a disk and a real clock, and in memory on a virtual one.
type World struct {
	System *actors.System
	Disk   journal.FS // of the journal
	Dir    string     // of the journal on Disk
	Trips  risk.TripStore
	Boot   func() int64 // the clock that counts suspended time; nil where there is none
	Nonce  uint64       // of this life of the process
	Seed   uint64       // of what strategies draw
	// Snapshots is where on Disk strategies have what they keep; empty: in memory, for as long as the process lives.
	Snapshots string
	Log       *slog.Logger

	// Decisions is where the tree keeps the journal of what it decides; the zero Journal keeps none.
	Decisions supervision.Journal
	// Cluster is the child that replicates risk. It calls n.LogIs when its log can be proposed to.
	Cluster func(n *Node) supervision.Child
	// Port is the venue's entrance.
	Port sim.Port
	// Feeds are the channels. Each takes the subscribers that the node's strategies are under its own number, which is its place in
	// the configuration, from 0: no two channels have a sink in common, and positions of one are not those of another.
	Feeds func(n *Node, subscribers Subscribers) ([]supervision.Child, error)
	// Show asks the feeds to show a strategy that is up, or has missed something, how everything stands; nil where nothing was
	// said before.
	Show func(strategy string) error
	// Strategy and Orders stand before the actor of each incarnation of a strategy and before what it asks of its account: a
	// trial breaks strategies there. Nil changes nothing.
	Strategy func(name string, a actors.Actor[strategy.Message]) actors.Actor[strategy.Message]
	Orders   func(name string, d strategy.Desk) strategy.Desk
	// Before and Control are children of the root ahead of everything; either may be nil.
	Before  []supervision.Child
	Control []supervision.Child
}

// Hooks are how others watch a node. Any may be nil; none may block.
type Hooks struct {
	Mode  func(scope risk.Scope, from, to risk.Mode, why risk.Code)
	Order func(e OrderTold)
	Check func(in risk.Intent, err error)
	Line  func(line string) // each line of the tree's trace
	Ended func(supervision.End)
	Tree  supervision.Events // everything that the tree tells
	Fatal func(error)
	Lost  func(strategy string, err error) // an event did not reach its strategy
	// Delivered is told what strategies are told by feeds, once for each of them, in the feed's turn.
	Delivered feeds.Sink
	Intent    func(in risk.Intent) // a strategy asks for an order
	// Sent and Cancelling are told each order and each cancel that was handed over to the venue's link, in the owner's turn.
	Sent       func(account market.Account, n orders.New)
	Cancelling func(account market.Account, id market.ClOrdID)
	Strategy   strategy.Events // of every strategy; of what is refused here no owner of orders has heard
}

// Node is one node: its plan, its world, and what outlives the incarnations of its parts.
type Node struct {
	plan      *Plan
	world     World
	hooks     Hooks
	sys       *actors.System
	log       *slog.Logger
	Board     *feeds.Board
	Desk      *risk.Desk
	catalogue *market.Catalogue

	tree     atomic.Pointer[supervision.Tree]
	journal  atomic.Pointer[committer]
	replica  atomic.Pointer[replicated]
	accounts []*account
	told     map[string]*atomic.Uint64 // events of each strategy's orders so far, over all owners
	boot     atomic.Pointer[bootFailure]
	bell     bell
	stopping atomic.Bool
	places   atomic.Pointer[telemetry.Places]
	wrecks   wrecks
	fates    map[string]*fate     // by strategy; the map is not written after New
	gates    map[string]*gateBook // likewise
	wants    map[string]*strategy.Interest
	books    map[string]*strategy.Books
	feeds    int                   // channels that have taken subscribers
	kept     map[string]*snapshots // of those that have a memory
	untold   map[string]*untold
	aside    atomic.Uint64 // ids of the events that were set aside
	meters   strategy.Meters
	grouped  map[string][]supervision.Child // what rosters start, by their group; for names alone
}

// replicated is the log as the cluster child last opened it.
type replicated struct {
	log    risk.Log
	leader string
}

// bootFailure keeps the error behind a start that failed, for its exit code.
type bootFailure struct{ err error }

// New makes a node that is shut and has started nothing.
func New(p *Plan, w World, h Hooks) (*Node, error) {
	catalogue, err := market.NewCatalogue(p.Contracts)
	if err != nil {
		return nil, fmt.Errorf("instruments: %w", err)
	}
	n := &Node{
		plan: p, world: w, hooks: h, sys: w.System, log: w.Log, Board: &feeds.Board{}, catalogue: catalogue,
		told: map[string]*atomic.Uint64{}, fates: map[string]*fate{}, gates: map[string]*gateBook{}, wants: map[string]*strategy.Interest{},
		kept: map[string]*snapshots{}, untold: map[string]*untold{}, books: map[string]*strategy.Books{}, grouped: map[string][]supervision.Child{},
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.Desk, err = risk.NewDesk(p.Risk, risk.Parts{
		Nonce: w.Nonce, Catalogue: catalogue, Prices: prices{n.Board}, Trips: w.Trips, OnTrip: n.onTrip, Events: n.riskEvents(),
	})
	if err != nil {
		return nil, fmt.Errorf("risk: %w", err)
	}
	for i := range p.Strategies {
		s := &p.Strategies[i]
		n.told[s.Name], n.fates[s.Name], n.gates[s.Name], n.wants[s.Name] = &atomic.Uint64{}, &fate{}, &gateBook{}, &strategy.Interest{}
		n.books[s.Name], n.untold[s.Name] = strategy.NewBooks(s.Contracts), &untold{n: n, name: s.Name}
		if n.kept[s.Name], err = n.snapshotsOf(s); err != nil {
			return nil, err
		}
	}
	for _, a := range p.Accounts {
		acc, err := newAccount(n, a)
		if err != nil {
			return nil, err
		}
		n.accounts = append(n.accounts, acc)
	}
	return n, nil
}

// Start starts the tree and waits until it is up. It is for one call.
func (n *Node) Start(ctx context.Context) error {
	spec, err := n.spec()
	if err != nil {
		return err
	}
	n.places.Store(telemetry.NewPlaces(&spec, n.grouped))
	tree, err := supervision.Start(ctx, n.sys, spec, supervision.Options{
		Phases: n.phases(), Events: bothTold(n.treeEvents(), n.hooks.Tree), Journal: n.world.Decisions,
	})
	if err != nil {
		if f := n.boot.Load(); f != nil {
			return fmt.Errorf("%w: %w", err, f.err)
		}
		return err
	}
	n.tree.Store(tree)
	return nil
}

// Shutdown begins an orderly stop: shut, cancel all, confirm, then stop in reverse. It does not wait.
func (n *Node) Shutdown() {
	n.stopping.Store(true)
	n.Tree().Shutdown()
}

// TripFirm latches everything, at once and whatever else is dead: what a signal or a fatal fault does.
func (n *Node) TripFirm(by, reason string) {
	if _, err := n.Desk.Trip(risk.TripRequest{Scope: risk.Firm, Mode: risk.Closed, By: by, Reason: reason}, n.Now()); err != nil {
		n.log.Error("the trip would not survive a restart", "event", "trip", "err", err)
	}
}

// Tree is the living tree, nil before Start has returned.
func (n *Node) Tree() *supervision.Tree { return n.tree.Load() }

// snapshot is the tree as last published, nil before Start has returned.
func (n *Node) snapshot() *supervision.Snapshot {
	if t := n.tree.Load(); t != nil {
		return t.Snapshot()
	}
	return nil
}

// System is the system the node lives in.
func (n *Node) System() *actors.System { return n.sys }

// Now is one reading of both clocks.
func (n *Node) Now() risk.Reading { return readingOf(n.sys, n.sys.Now()) }

func readingOf(sys *actors.System, t time.Time) risk.Reading {
	return risk.Reading{Wall: t.UnixNano(), Mono: sys.Instant(t)}
}

// failed keeps the error that a Start function gives up with.
func (n *Node) failed(err error) error {
	if err != nil {
		n.boot.Store(&bootFailure{err})
	}
	return err
}

// stirred tells whoever waits that something may have changed.
func (n *Node) stirred() { n.bell.ring() }

// bell wakes everybody who waits for a change, without knowing who does.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// next is closed at the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

// prices reads the board for the gate: anything but Live is unreadable there too.
type prices struct{ board *feeds.Board }

// Price returns the touch of i.
func (p prices) Price(i market.Instrument) (risk.Price, bool) {
	q, ok := p.board.Read(i)
	if !ok {
		return risk.Price{}, false
	}
	out := risk.Price{Bid: q.Bid.Price, Ask: q.Ask.Price, Mono: q.Mono}
	switch q.State {
	case feeds.Live:
		out.State = risk.PriceLive
	case feeds.Suspect:
		out.State = risk.PriceSuspect
	case feeds.Stale:
		out.State = risk.PriceStale
	default:
		out.State = risk.PriceUnreadable
	}
	return out, true
}
