package risk

import (
	"errors"
	"fmt"
	"slices"

	"github.com/failshut/failshut/market"
)

// code is the answer of the ledger to one command. Answers are codes, never panics, and the same on every replica.
type code uint8

// The codes of results. Numbers are for good.
const (
	resOK code = iota + 1
	resMalformed
	resAlreadySeeded
	resStaleIncarnation
	resSeqGap
	resNotOwner
	resNotFenced
	resFactsTooOld
	resUnknownOrders
	resDifference
	resTwoPersons
	resStaleRevision
	resUnknownLatch
	resCleared
	resStaleTerm
	resNotReady
	resFrozen
	resEnd
)

var codeNames = [resEnd]string{
	resOK: "OK", resMalformed: "MALFORMED", resAlreadySeeded: "ALREADY_SEEDED", resStaleIncarnation: "STALE_INCARNATION",
	resSeqGap: "SEQ_GAP", resNotOwner: "NOT_OWNER", resNotFenced: "NOT_FENCED", resFactsTooOld: "FACTS_TOO_OLD",
	resUnknownOrders: "UNKNOWN_ORDERS", resDifference: "DIFFERENCE", resTwoPersons: "TWO_PERSONS", resStaleRevision: "STALE_REVISION",
	resUnknownLatch: "UNKNOWN_LATCH", resCleared: "CLEARED", resStaleTerm: "STALE_TERM", resNotReady: "NOT_READY", resFrozen: "FROZEN",
}

func (c code) String() string {
	if c == 0 || c >= resEnd {
		return "UNKNOWN"
	}
	return codeNames[c]
}

// apply takes one committed entry. A command that does not decode is an answer, one of an unknown kind or version freezes the ledger:
// nothing after it is applied, since a replica that skips an entry differs from those that do not. A broken invariant shuts every
// scope, deterministically.
func (l *ledger) apply(index, term uint64, cmd []byte) (code, header, body) {
	if l.frozen != "" {
		return resFrozen, header{}, nil
	}
	if index <= l.index {
		return resOK, header{}, nil // a log that replays after a restore repeats what the snapshot holds
	}
	l.index, l.term = index, max(l.term, term)
	h, c, err := decodeCommand(cmd)
	if err != nil {
		if errors.Is(err, errUnknownCommand) {
			l.frozen = err.Error()
			return resFrozen, header{}, nil
		}
		return resMalformed, header{}, nil
	}
	l.at = max(l.at, h.at)
	l.touched = l.touched[:0]
	res := l.run(term, c)
	if err := l.check(l.touched); err != nil {
		l.breach(err)
	}
	return res, h, c
}

func (l *ledger) run(term uint64, c body) code {
	switch c := c.(type) {
	case *seed:
		return l.seed(c)
	case *hello:
		return l.hello(c)
	case *syncUp:
		return l.sync(term, c)
	case *fence:
		return l.fence(c)
	case *reconcile:
		return l.reconcile(c)
	case *setLimit:
		return l.setLimit(c)
	case *trip:
		return l.trip(c)
	case *reset:
		return l.reset(c)
	case *termOpen:
		return l.termOpen(term, c)
	case *phase:
		return l.openPhase(term, c)
	}
	return resMalformed
}

// breach answers a broken invariant: every scope CLOSED, and the ledger frozen with what was found.
func (l *ledger) breach(err error) {
	for _, k := range sortedScopes(l.phases) {
		l.setMode(k, Closed)
	}
	l.frozen = err.Error()
}

// seed puts the limits of the configuration in, once for a cluster.
func (l *ledger) seed(c *seed) code {
	if l.seeded {
		return resAlreadySeeded
	}
	for _, x := range c.limits {
		if x.Validate() != nil {
			return resMalformed
		}
	}
	l.seeded, l.seedHash = true, c.hash
	l.revision++
	for _, x := range c.limits {
		l.limits[row{x.Scope, x.Measure}] = limitEntry{value: x.Value, by: "seed", at: l.at, revision: l.revision}
		l.table[row{x.Scope, x.Measure}] = x.Value
	}
	l.resolveAll()
	return resOK
}

// resolveAll gives every cell the limit that holds for it now.
func (l *ledger) resolveAll() {
	for _, key := range l.keys() {
		c := l.touch(key.scope, key.measure)
		c.limit, _, c.set = l.table.resolve(key.scope, key.measure)
		c.mark(true)
	}
	l.limitsAt++
	l.moved++
}

// hello binds a journal's (node, group, epoch) to the next incarnation. What the accounts' former incarnations held becomes orphan,
// whole: they may still have orders at the venue.
func (l *ledger) hello(c *hello) code {
	if c.node == "" || c.group == "" || c.epoch == 0 || c.version < commandVersion {
		return resMalformed
	}
	n := l.nodes[c.node]
	if n != nil && n.group == c.group && n.epoch == c.epoch && n.nonce == c.nonce {
		return resOK // the same life again
	}
	if g, ok := l.groups[c.group]; ok && (g.node != c.node || c.epoch <= g.epoch) {
		return resStaleIncarnation
	}
	if n == nil {
		n = &node{}
		l.nodes[c.node] = n
	}
	l.groups[c.group] = groupEntry{c.node, c.epoch}
	l.lastInc++
	*n = node{group: c.group, epoch: c.epoch, nonce: c.nonce, build: c.build, inc: l.lastInc}
	for _, name := range sortedAccounts(l.accounts) {
		if a := l.accounts[name]; a.owner == c.node {
			l.orphan(name, a)
		}
	}
	for _, name := range c.accounts {
		a := l.accounts[name]
		if a == nil {
			a = &account{}
			l.accounts[name] = a
		}
		if a.owner == "" || a.owner == c.node {
			a.owner, a.inc = c.node, n.inc
			l.setMode(Scope{name, All, All}, CancelOnly.Merge(l.shutUntilOpened()))
		}
	}
	return resOK
}

// shutUntilOpened is the mode of a scope that waits to be opened.
func (l *ledger) shutUntilOpened() Mode {
	if l.opened == 0 {
		return Closed
	}
	return CancelOnly
}

// orphan ends an account's living incarnation: its whole grant stays charged (I3), and nothing of it opens before fence and reconcile.
func (l *ledger) orphan(name string, a *account) {
	if a.inc == 0 {
		return
	}
	a.orphans = append(a.orphans, a.inc)
	a.inc, a.reconciled, a.matched, a.doubt = 0, 0, "", 0
	for _, key := range l.keys() {
		if l.cells[key].part(name).granted.Sign() <= 0 {
			continue
		}
		p := l.touch(key.scope, key.measure).claim(name)
		sum, err := p.orphan.Add(p.granted)
		if err != nil {
			sum = market.MaxNotional()
		}
		p.orphan, p.granted = sum, market.Notional{}
	}
	l.moved++
	l.setMode(Scope{name, All, All}, CancelOnly.Merge(l.shutUntilOpened()))
}

// fence records that nothing more can come from former incarnations of an account, and where in the log that stands.
func (l *ledger) fence(c *fence) code {
	a := l.accounts[c.account]
	switch {
	case a == nil || a.inc == 0:
		return resNotOwner
	case c.inc >= a.inc || c.reference == "":
		return resMalformed
	case c.proof == proofOperator:
		return resTwoPersons
	case c.proof != proofSessionTaken && c.proof != proofSessionEnded && c.proof != proofVenueKill:
		return resMalformed
	}
	a.fenced, a.fenceIndex, a.reference = max(a.fenced, c.inc), l.index, c.reference
	l.moved++
	return resOK
}

// reconcile replaces what the account's former incarnations left by what venue and journal agree on.
func (l *ledger) reconcile(c *reconcile) code {
	a := l.accounts[c.account]
	if a == nil || a.inc == 0 || a.inc != c.inc {
		return resStaleIncarnation
	}
	if res := a.mayReconcile(c); res != resOK {
		a.doubt = res
		l.moved++
		return res
	}
	facts, ok := sumFacts(c)
	if !ok {
		return resMalformed
	}
	hadOrphans := len(a.orphans) > 0
	a.orphans, a.reconciled, a.matched, a.doubt = nil, l.opened, c.reference, 0
	for _, key := range l.keys() {
		if p := l.cells[key].part(c.account); p.granted.Sign() != 0 || p.posted.Sign() != 0 || p.orphan.Sign() != 0 {
			if _, given := facts[key]; !given {
				facts[key] = claim{}
			}
		}
	}
	for _, key := range sortedRows(facts) {
		l.settle(key, c.account, facts[key], hadOrphans)
	}
	l.moved++
	return resOK
}

func (a *account) mayReconcile(c *reconcile) code {
	switch {
	case len(a.orphans) > 0 && a.fenced < slices.Max(a.orphans):
		return resNotFenced
	case c.reference == "" || c.reference != a.reference || c.fenceIndex != a.fenceIndex:
		return resFactsTooOld
	case c.unknown > 0:
		return resUnknownOrders
	case len(c.differences) > 0 && c.signedBy == "":
		return resDifference
	}
	return resOK
}

// settle sets an account's part of one cell by facts: posted is the position, and the grant covers at least what live orders need.
// A life that went on keeps G + P as it was; what orphans leave over is free again.
func (l *ledger) settle(key row, name string, f claim, hadOrphans bool) {
	c := l.touch(key.scope, key.measure)
	p := c.claim(name)
	grant := p.granted
	if !hadOrphans {
		both, err1 := p.granted.Add(p.posted)
		kept, err2 := both.Sub(f.posted)
		if first(err1, err2) == nil {
			grant = kept
		}
	}
	p.posted, p.orphan, p.granted = f.posted, market.Notional{}, grant.Max(f.granted).Max(market.Notional{})
	c.mark(true)
}

// sumFacts adds the facts of an account's leaves up by scope and measure: posted is the part of positions, granted that of live
// orders.
func sumFacts(c *reconcile) (map[row]claim, bool) {
	sums := map[row]claim{}
	for _, f := range c.facts {
		if (Scope{c.account, f.strategy, f.instrument}).validate(false) != nil || f.buys < 0 || f.sells < 0 || f.pos == -1<<63 {
			return nil, false
		}
		for i, k := range six(c.account, f.strategy, f.instrument) {
			for _, part := range f.parts(i < 3) {
				s := sums[row{k, part.measure}]
				posted, err1 := s.posted.Add(part.posted)
				worst, err2 := s.granted.Add(part.granted)
				if first(err1, err2) != nil {
					return nil, false
				}
				sums[row{k, part.measure}] = claim{posted: posted, granted: worst}
			}
		}
	}
	return sums, true
}

type factPart struct {
	measure         Measure
	posted, granted market.Notional
}

// parts returns what one leaf adds to a group scope or to an instrument scope.
func (f fact) parts(group bool) []factPart {
	if !group {
		return []factPart{{MaxLongQty, amount(f.pos), amount(f.buys)}, {MaxShortQty, amount(-f.pos), amount(f.sells)}}
	}
	gross, live := f.longCost, minus(f.long, f.longCost)
	if sum, err := gross.Add(f.shortCost); err == nil {
		gross = sum
	}
	both := live
	if sum, err := live.Add(minus(f.short, f.shortCost)); err == nil {
		both = sum
	}
	return []factPart{
		{MaxLongNotional, f.longCost, live}, {MaxShortNotional, f.shortCost, minus(f.short, f.shortCost)}, {MaxGross, gross, both},
	}
}

// minus returns a − b, never below zero: what live orders add to a position's charge.
func minus(a, b market.Notional) market.Notional {
	d, err := a.Sub(b)
	if err != nil {
		return market.MaxNotional()
	}
	return d.Max(market.Notional{})
}

func (r code) err() error {
	switch r {
	case resOK:
		return nil
	case resTwoPersons:
		return ErrTwoPersons
	case resStaleRevision:
		return ErrStaleRevision
	case resUnknownLatch, resCleared:
		return ErrUnknownLatch
	case resFrozen:
		return ErrFrozen
	case resMalformed:
		return fmt.Errorf("%w: the ledger answers %s", ErrInvalid, r)
	default:
		return fmt.Errorf("%w: %s", ErrPrecondition, r)
	}
}

// What the ledger may answer to a person's command. All of them are exit 6, but for ErrInvalid.
var (
	ErrTwoPersons    = errors.New("the firm scope needs two persons, which this version cannot ask for")
	ErrStaleRevision = errors.New("revision is not the present one")
	ErrUnknownLatch  = errors.New("no such latch")
	ErrFrozen        = errors.New("replica is frozen")
	ErrPrecondition  = errors.New("precondition does not hold")
)
