package risk

import (
	"maps"
	"slices"

	"github.com/failshut/failshut/market"
)

// maxCleared bounds the ids of reset latches that the ledger remembers, so that a node coming back with an old file learns of it.
const maxCleared = 1024

// sync moves capacity for one node's living incarnation: returns and facts first, then what it asks for. The same number again is
// answered as the first time and moves nothing.
func (l *ledger) sync(term uint64, c *syncUp) code {
	n := l.nodes[c.node]
	if n == nil || n.inc != c.inc {
		return resStaleIncarnation
	}
	if c.seq == n.seq {
		return n.last
	}
	if c.seq != n.seq+1 {
		return resSeqGap
	}
	n.seq = c.seq
	n.last = l.moves(n, c)
	if c.sentTerm == term && term == l.opened {
		n.term = term
	}
	return n.last
}

func (l *ledger) moves(n *node, c *syncUp) code {
	for _, list := range [3][]move{c.returns, c.posts, c.asks} {
		for _, m := range list {
			if a := l.accounts[m.account]; a == nil || a.inc != n.inc {
				return resNotOwner
			}
			if m.scope.validate(false) != nil || !m.measure.capacity() || m.scope.group() != (m.measure > MaxShortQty) {
				return resMalformed
			}
		}
	}
	for _, m := range c.returns {
		cell := l.touch(m.scope, m.measure)
		p := cell.claim(m.account)
		if m.amount.Sign() < 0 || p.granted.Cmp(m.amount) < 0 {
			return resMalformed
		}
		p.granted = minus(p.granted, m.amount)
		cell.mark(true)
		l.moved++
	}
	for _, m := range c.posts {
		l.post(m)
	}
	for _, m := range c.asks {
		l.grant(m)
	}
	return resOK
}

// post moves an amount from the grant to the facts, or back for a credit: the sum stays as it was (never credit the holder and the
// pool). More than was granted is the venue's doing: it counts, and nothing is granted there until the charge is below the limit.
func (l *ledger) post(m move) {
	cell := l.touch(m.scope, m.measure)
	p := cell.claim(m.account)
	posted, err1 := p.posted.Add(m.amount)
	left, err2 := p.granted.Sub(m.amount)
	if first(err1, err2) != nil {
		cell.over = true
		l.moved++
		return
	}
	p.posted, p.granted = posted, left.Max(market.Notional{})
	cell.mark(left.Sign() < 0)
	if left.Sign() < 0 || cell.over {
		l.moved++ // otherwise G + P, and so what the account may use, is as it was
	}
}

// grant gives what is free, at most what is asked for: only in the opened term, to an account that is reconciled and has no orphans,
// in a scope that is not CLOSED.
func (l *ledger) grant(m move) {
	a := l.accounts[m.account]
	if m.amount.Sign() <= 0 || l.opened == 0 || l.term != l.opened || a.reconciled != l.opened || len(a.orphans) > 0 {
		return
	}
	if l.latched(m.scope) == Closed || m.scope.Account != All && m.scope.Account != m.account {
		return
	}
	give := m.amount.Min(l.cell(m.scope, m.measure).free())
	if give.Sign() <= 0 {
		return
	}
	cell := l.touch(m.scope, m.measure)
	p := cell.claim(m.account)
	sum, err := p.granted.Add(give)
	if err != nil {
		return
	}
	p.granted = sum
	cell.mark(false)
	l.moved++
}

// setLimit changes one measure of one row. Anything that may admit more in the firm's scopes needs two persons.
func (l *ledger) setLimit(c *setLimit) code {
	if c.limit.Validate() != nil || c.reason == "" {
		return resMalformed
	}
	if c.expect != 0 && c.expect != l.revision {
		return resStaleRevision
	}
	key := row{c.limit.Scope, c.limit.Measure}
	old, had := l.limits[key]
	if loosens := !had || c.limit.Value.Cmp(old.value) > 0; loosens && c.limit.Scope.Account == All {
		return resTwoPersons
	}
	l.revision++
	l.limits[key] = limitEntry{c.limit.Value, c.by, c.reason, l.at, l.revision}
	l.table[key] = c.limit.Value
	l.resolveAll()
	return resOK
}

// trip sets a latch; the same id again changes nothing, and an id that was reset stays so. What was open below it has to be opened
// anew after the reset.
func (l *ledger) trip(c *trip) code {
	t := c.latch
	if !goodTripID(t.ID) || t.Scope.validate(false) != nil || t.Mode == Open || !t.Mode.Valid() {
		return resMalformed
	}
	if slices.Contains(l.cleared, t.ID) {
		return resCleared
	}
	at, found := l.findLatch(t.ID)
	if found {
		return resOK
	}
	l.latches = slices.Insert(l.latches, at, t)
	l.revision++
	l.moved++
	for _, k := range sortedScopes(l.phases) {
		if t.Scope.Covers(k) {
			l.setMode(k, l.phases[k].mode.Merge(t.Mode))
		}
	}
	return resOK
}

// reset clears the latches it names, all of them or none, and opens nothing.
func (l *ledger) reset(c *reset) code {
	switch {
	case c.reason == "" || len(c.ids) == 0 || c.scope.validate(false) != nil:
		return resMalformed
	case c.expect != 0 && c.expect != l.revision:
		return resStaleRevision
	}
	for _, id := range c.ids {
		at, found := l.findLatch(id)
		if !found || !c.scope.Covers(l.latches[at].Scope) {
			return resUnknownLatch
		}
		if l.latches[at].Scope.Account == All {
			return resTwoPersons
		}
	}
	for _, id := range c.ids {
		if at, found := l.findLatch(id); found {
			l.latches = slices.Delete(l.latches, at, at+1)
			l.cleared = append(l.cleared, id)
		}
	}
	if over := len(l.cleared) - maxCleared; over > 0 {
		l.cleared = slices.Delete(l.cleared, 0, over)
	}
	l.revision++
	l.moved++
	return resOK
}

// termOpen is a leader's first own entry: everything that was open is CANCEL_ONLY until the conditions hold in this term.
func (l *ledger) termOpen(term uint64, c *termOpen) code {
	if c.term != term || term <= l.opened {
		return resStaleTerm
	}
	l.opened, l.leader = term, c.leader
	l.phase(Firm)
	for _, k := range sortedScopes(l.phases) {
		p := l.phases[k]
		mode := CancelOnly
		if l.latched(k) == Closed {
			mode = Closed
		}
		l.epoch++
		p.mode, p.epoch = mode, l.epoch
	}
	l.revision++
	l.moved++
	return resOK
}

// openPhase moves a scope toward OPEN, one step at a time, when every condition of opening holds in this state; or toward CLOSED.
func (l *ledger) openPhase(term uint64, c *phase) code {
	p, known := l.phases[c.scope]
	switch {
	case c.term != term || term != l.opened:
		return resStaleTerm
	case !known || !c.mode.Valid():
		return resMalformed
	}
	if c.mode.Severity() < p.mode.Severity() {
		if why := l.opening(c.scope, consent{c.auto, c.first, c.by}); why != "" {
			return resNotReady
		}
		if c.mode == Open && p.mode != ReduceOnly {
			return resNotReady
		}
	}
	l.setMode(c.scope, c.mode)
	return resOK
}

func sortedScopes(m map[Scope]*phaseEntry) []Scope {
	return slices.SortedFunc(maps.Keys(m), Scope.compare)
}

func sortedAccounts(m map[string]*account) []string { return slices.Sorted(maps.Keys(m)) }

func sortedRows(m map[row]claim) []row {
	return slices.SortedFunc(maps.Keys(m), func(a, b row) int {
		if c := a.scope.compare(b.scope); c != 0 {
			return c
		}
		return int(a.measure) - int(b.measure)
	})
}
