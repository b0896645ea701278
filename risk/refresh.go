package risk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"

	"github.com/failshut/failshut/market"
)

// seenState is what the holder made its tables from, so that it makes them again only when something changed.
type seenState struct {
	moved uint64 // of the ledger, when moves were planned
	keys  uint64
	hash  string
	views map[market.Account]seenView
}

type seenView struct {
	moved  uint64
	leaves int
	ledger *ledger
	limits uint64
	terms  []terms
}

// LimitsHash is the hash of a seed, equal for equal limits in any order.
func LimitsHash(limits []Limit) string {
	sorted := slices.Clone(limits)
	slices.SortFunc(sorted, func(a, b Limit) int {
		return cmp.Or(a.Scope.compare(b.Scope), cmp.Compare(a.Measure, b.Measure), a.Value.Cmp(b.Value))
	})
	e := &encoder{}
	for _, l := range sorted {
		e.limit(l)
	}
	sum := sha256.Sum256(e.b)
	return hex.EncodeToString(sum[:])
}

// refresh hands every gate what it judges by, and publishes how things stand.
func (h *Holder) refresh(l *ledger) {
	if h.seen.views == nil {
		h.seen.views = map[market.Account]seenView{}
	}
	for _, name := range h.desk.accounts {
		g := h.desk.gates[name]
		if w := packLocal(h.localMode(l, name)); g.local.Load() != w {
			g.local.Store(w)
		}
		leaves := *g.leaves.Load()
		seen := h.seen.views[name]
		if g.view.Load() != nil && seen.moved == l.moved && seen.leaves == len(leaves) && seen.ledger == l {
			continue
		}
		if seen.ledger != l || seen.limits != l.limitsAt || seen.leaves != len(leaves) {
			seen.terms = termsOf(l, leaves)
		}
		seen.moved, seen.leaves, seen.ledger, seen.limits = l.moved, len(leaves), l, l.limitsAt
		g.view.Store(h.viewOf(l, name, leaves, seen.terms))
		h.seen.views[name] = seen
	}
	h.publish(l)
}

// localMode is what this node alone knows of an account: the strictest first, and among equals the one that explains most.
func (h *Holder) localMode(l *ledger, name market.Account) (Mode, int) {
	switch {
	case h.desk.stopping.Load():
		return Closed, localStopping
	case h.ended:
		return Closed, localNoHolder
	case l.frozen != "":
		return Closed, localFatal
	case h.journal.State == JournalDead:
		return Closed, localJournalDead
	case h.journal.State == JournalCorrupt:
		return Closed, localJournalCorrupt
	case h.journal.State != JournalOK:
		return Closed, localUnknown
	case h.journal.Full:
		return Closed, localDiskFull
	case h.journal.Stall == StallStuck:
		return Closed, localDiskStuck
	case h.rejected:
		return Closed, localStale
	case h.lostAt != 0 && h.now.Mono-h.lostAt >= int64(h.desk.cfg.Permission.CancelAfter):
		return Closed, localPermission
	case h.journal.Stall != StallNone:
		return CancelOnly, localDiskSlow
	case h.clock.jumped:
		return CancelOnly, localClockJump
	}
	s, a := h.sessions[name], l.accounts[string(name)]
	switch {
	case s == nil || !s.up:
		return CancelOnly, localSessionDown
	case s.report != nil && len(s.report.Differences) > 0:
		return CancelOnly, localDifference
	case a == nil || a.matched != s.reference: // an UNKNOWN order keeps from opening; later it shuts its instrument alone
		if s.report != nil && s.report.Unknown > 0 {
			return CancelOnly, localUnknownOrders
		}
		return CancelOnly, localReconciling
	case h.lostAt != 0:
		return CancelOnly, localPermission
	}
	return Open, localNone
}

// termsOf resolves what each leaf's orders are judged by beside capacity.
func termsOf(l *ledger, leaves []*leaf) []terms {
	out := make([]terms, len(leaves))
	for i, f := range leaves {
		if !f.entitled {
			continue
		}
		t := &out[i]
		if lacks := l.table.missing(f.scopes); len(lacks) > 0 {
			t.missing = lacks[0]
			continue
		}
		maxQty, _ := l.table.tightest(f.scopes, MaxOrderQty)
		soft, hasSoft := l.table.tightest(f.scopes, SoftOrderQty)
		maxNotional, _ := l.table.tightest(f.scopes, MaxOrderNotional)
		bps, _ := l.table.tightest(f.scopes, CollarBps)
		ticks, _ := l.table.tightest(f.scopes, CollarTicks)
		t.bps, t.complete = count(bps)
		n, whole := count(ticks)
		t.complete = t.complete && whole
		t.maxQty, t.softQty, t.soft, t.maxNotional, t.ticks = narrow(maxQty), narrow(soft), hasSoft, maxNotional, distance(n, f.contract.Tick)
	}
	return out
}

// viewOf makes an account's table from the ledger.
func (h *Holder) viewOf(l *ledger, name market.Account, leaves []*leaf, ts []terms) *view {
	account := AccountScope(name)
	v := &view{rules: make([]rule, len(leaves)), limits: l.limitsAt}
	v.mode, v.why, v.scope = h.phaseMode(l, account)
	v.maxOpen = wholeOr(l.table, account, MaxOpenOrders)
	v.maxUnknown = wholeOr(l.table, account, MaxUnknownOrders)
	v.maxLive, _, _ = l.table.resolve(account, MaxLiveNotional)
	v.credit, _, _ = l.table.resolve(account, Credit)
	p := h.layout(name, leaves)
	p.look(l)
	groups, books := make([]groupBound, len(p.groups)), make([]bookBound, len(p.books))
	for i, at := range p.groups {
		groups[i] = groupBound{h.bound(p, at, string(name)), h.bound(p, at+1, string(name)), h.bound(p, at+2, string(name))}
	}
	for i, at := range p.books {
		books[i] = bookBound{inQty(h.bound(p, at, string(name))), inQty(h.bound(p, at+1, string(name)))}
	}
	for i, f := range leaves {
		r := &v.rules[i]
		r.terms = ts[i]
		for j := range 3 {
			r.groups[j], r.books[j] = &groups[p.groupsOf[i][j]], &books[p.booksOf[i][j]]
		}
		for j, k := range f.scopes {
			if p.over(i, j) {
				r.over, r.scope = true, k
				break
			}
		}
	}
	return v
}

func wholeOr(t limitTable, k Scope, m Measure) int64 {
	v, _, ok := t.resolve(k, m)
	if !ok {
		return 0
	}
	n, _ := count(v)
	return n
}

// phaseMode is what the log says of an account: the stricter of its own phase and the firm's.
func (h *Holder) phaseMode(l *ledger, account Scope) (Mode, Code, Scope) {
	if l.opened == 0 || l.opened != l.term {
		return Closed, CodeTermOpening, Firm
	}
	worst, scope := Open, Scope{}
	for _, k := range [2]Scope{Firm, account} {
		mode := Closed
		if p := l.phases[k]; p != nil {
			mode = p.mode
		}
		if mode.Severity() > worst.Severity() {
			worst, scope = mode, k
		}
	}
	if worst == Open {
		return Open, "", Scope{}
	}
	why := l.opening(scope, h.consent(scope))
	if why == "" {
		why = CodeTermOpening // all conditions hold; the entry that opens is on its way
	}
	return worst, why, scope
}

func inQty(b bound[market.Notional]) bound[market.Qty] {
	return bound[market.Qty]{narrow(b.limit), narrow(b.allow), narrow(b.low)}
}

// bound reads one cell: what this account was granted and has posted, never more than the limit.
func (h *Holder) bound(p *plan, at int32, account string) bound[market.Notional] {
	c := p.cells[at]
	if c == nil {
		return bound[market.Notional]{limit: p.limits[at]}
	}
	limit := c.limit
	part := c.part(account)
	allow := plus(part.granted, part.posted).Min(limit)
	low := allow
	if p.keys[at].scope.Account == All && allow.Cmp(limit) < 0 {
		if quarter, err := limit.MulBps(h.desk.cfg.Escrow.AskMaxBps/2, false); err == nil {
			low = minusSigned(allow, quarter)
		}
	} else {
		low = market.NotionalFromWords(math.MaxInt64, math.MaxUint64)
	}
	return bound[market.Notional]{limit, allow, low}
}
