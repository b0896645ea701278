package risk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/failshut/failshut/market"
)

// ledger is the replicated state: what is allowed, what is granted to whom, what the facts are, and who may trade. It changes only by
// apply, one command after the other, the same on every replica. Nothing in it is read in the order of a map.
type ledger struct {
	index, term uint64 // of the last entry
	at          int64  // log time: never runs backward
	seeded      bool
	seedHash    string
	limits      map[row]limitEntry
	table       limitTable // limits without their history
	revision    uint64     // of limits, latches and phases: what compare-and-set compares
	epoch       uint64     // of modes
	opened      uint64     // term that TermOpen opened
	leader      string

	cells    map[row]*cell
	nodes    map[string]*node
	groups   map[string]groupEntry // journal groups, which never change hands
	lastInc  uint64
	accounts map[string]*account
	phases   map[Scope]*phaseEntry
	latches  []Latch  // sorted by id
	cleared  []string // ids of latches that were reset, oldest first, bounded
	frozen   string   // why no further entry is applied; empty: none

	limitsAt uint64 // counts changes of limits
	touched  []row  // cells that the command under way changed
	moved    uint64 // counts changes of capacity, limits, modes and phases: who follows the ledger looks here
}

type limitEntry struct {
	value      market.Notional
	by, reason string
	at         int64
	revision   uint64
}

// cell is one capacity measure of one scope: L, and who has what of it.
type cell struct {
	limit  market.Notional
	set    bool
	over   bool    // charged above the limit by a cut of it or by the venue: nothing is granted until it is below again
	claims []claim // sorted by account
}

// claim is one account's part of a cell: granted to its present incarnation (G), facts (P), and left by former ones (O).
type claim struct {
	account                 string
	granted, posted, orphan market.Notional
}

type node struct {
	group string
	epoch uint32
	nonce uint64
	build string
	inc   uint64
	seq   uint64 // of its last Sync applied
	last  code   // result of that
	term  uint64 // in which that was applied and sent
}

type groupEntry struct {
	node  string
	epoch uint32
}

type account struct {
	owner      string
	inc        uint64   // of the owner; 0: nobody lives
	orphans    []uint64 // incarnations that left capacity, ascending
	fenced     uint64   // every incarnation up to this one
	fenceIndex uint64
	reference  string
	reconciled uint64 // term
	matched    string // reference of the session that was reconciled
	doubt      code   // why the last Reconcile was refused
}

type phaseEntry struct {
	mode    Mode
	wasOpen bool
	epoch   uint64
}

func newLedger() *ledger {
	return &ledger{
		limits: map[row]limitEntry{}, table: limitTable{}, cells: map[row]*cell{}, nodes: map[string]*node{},
		groups: map[string]groupEntry{}, accounts: map[string]*account{}, phases: map[Scope]*phaseEntry{},
	}
}

// cell returns the cell of a charged scope and a capacity measure, which it makes when there is none.
func (l *ledger) cell(k Scope, m Measure) *cell {
	key := row{k, m}
	c := l.cells[key]
	if c == nil {
		c = &cell{}
		c.limit, _, c.set = l.table.resolve(k, m)
		l.cells[key] = c
	}
	return c
}

// touch is cell, and has the invariants of the cell asserted after the command.
func (l *ledger) touch(k Scope, m Measure) *cell {
	l.touched = append(l.touched, row{k, m})
	return l.cell(k, m)
}

// claim returns an account's part of the cell. The pointer is good until the next call.
func (c *cell) claim(account string) *claim {
	at, found := slices.BinarySearchFunc(c.claims, account, func(a claim, s string) int { return strings.Compare(a.account, s) })
	if !found {
		c.claims = slices.Insert(c.claims, at, claim{account: account})
	}
	return &c.claims[at]
}

// part returns an account's part without making one.
func (c *cell) part(account string) claim {
	if c == nil {
		return claim{}
	}
	at, found := slices.BinarySearchFunc(c.claims, account, func(a claim, s string) int { return strings.Compare(a.account, s) })
	if !found {
		return claim{account: account}
	}
	return c.claims[at]
}

// charge is ΣG + P + O, or ErrOverflow.
func (c *cell) charge() (market.Notional, error) {
	var sum market.Notional
	for _, p := range c.claims {
		var err1, err2, err3 error
		sum, err1 = sum.Add(p.granted)
		sum, err2 = sum.Add(p.posted)
		sum, err3 = sum.Add(p.orphan)
		if err := first(err1, err2, err3); err != nil {
			return market.Notional{}, err
		}
	}
	return sum, nil
}

// free is what may be granted: nothing without a limit, while the cell is over, or when a sum leaves its range.
func (c *cell) free() market.Notional {
	if !c.set || c.over {
		return market.Notional{}
	}
	sum, err := c.charge()
	if err != nil {
		return market.Notional{}
	}
	free, err := c.limit.Sub(sum)
	if err != nil {
		return market.Notional{}
	}
	return free.Max(market.Notional{})
}

// mark keeps over in step: set where the charge passed the limit for a reason that I1 names, cleared once it is below.
func (c *cell) mark(mayPass bool) {
	sum, err := c.charge()
	above := err != nil || !c.set && sum.Sign() > 0 || c.set && sum.Cmp(c.limit) > 0
	if !above {
		c.over = false
	} else if mayPass {
		c.over = true
	}
}

// check asserts the invariants that one state shows by itself, over the cells given; it runs after every apply over those that the
// command touched, in production too.
func (l *ledger) check(touched []row) error {
	for _, key := range touched {
		if err := l.checkCell(key, l.cells[key]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.accounts)) {
		a := l.accounts[name]
		if n := l.nodes[a.owner]; a.inc > 0 && (n == nil || n.inc != a.inc) {
			return fmt.Errorf("I9: account %s belongs to incarnation %d, which does not live", name, a.inc)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(l.phases), Scope.compare) {
		p := l.phases[k]
		if p.mode != Closed && l.opened == 0 {
			return fmt.Errorf("I7: %s is %s without an opened term", k, p.mode)
		}
		if p.epoch > l.epoch {
			return fmt.Errorf("I7: %s has epoch %d above %d", k, p.epoch, l.epoch)
		}
	}
	return nil
}

func (l *ledger) checkCell(key row, c *cell) error {
	sum, err := c.charge()
	if err != nil {
		return fmt.Errorf("I1: %s %s: %w", key.scope, key.measure, err)
	}
	if !c.over && sum.Sign() > 0 && (!c.set || sum.Cmp(c.limit) > 0) {
		return fmt.Errorf("I1: %s %s: charge %s above limit %s", key.scope, key.measure, sum, c.limit)
	}
	for _, p := range c.claims {
		if p.granted.Sign() < 0 || p.orphan.Sign() < 0 {
			return fmt.Errorf("I3: %s %s %s: granted %s, orphan %s", key.scope, key.measure, p.account, p.granted, p.orphan)
		}
		a := l.accounts[p.account]
		if p.granted.Sign() > 0 && (a == nil || a.inc == 0) {
			return fmt.Errorf("I2: %s %s: %s holds %s without a living incarnation", key.scope, key.measure, p.account, p.granted)
		}
		if p.orphan.Sign() > 0 && (a == nil || len(a.orphans) == 0) {
			return fmt.Errorf("I3: %s %s: orphan %s of %s without a former incarnation", key.scope, key.measure, p.orphan, p.account)
		}
	}
	return nil
}

// keys returns the keys of every cell in order.
func (l *ledger) keys() []row {
	return slices.SortedFunc(maps.Keys(l.cells), func(a, b row) int {
		if c := a.scope.compare(b.scope); c != 0 {
			return c
		}
		return int(a.measure) - int(b.measure)
	})
}

// latched returns the strictest mode that the ledger's own latches hold a scope at.
func (l *ledger) latched(k Scope) Mode {
	mode := Open
	for _, t := range l.latches {
		if t.Scope.Covers(k) {
			mode = mode.Merge(t.Mode)
		}
	}
	return mode
}

func (l *ledger) findLatch(id string) (int, bool) {
	return slices.BinarySearchFunc(l.latches, id, func(a Latch, id string) int { return strings.Compare(a.ID, id) })
}

// phase returns the entry of a scope, which is shut when it is new.
func (l *ledger) phase(k Scope) *phaseEntry {
	p := l.phases[k]
	if p == nil {
		p = &phaseEntry{}
		l.phases[k] = p
	}
	return p
}

// setMode moves a scope to a mode, under a new epoch when it changes.
func (l *ledger) setMode(k Scope, m Mode) {
	p := l.phase(k)
	if p.mode == m {
		return
	}
	l.epoch++
	l.revision++
	l.moved++
	p.mode, p.epoch = m, l.epoch
	if m == Open {
		p.wasOpen = true
	}
}
