package risk

import (
	"maps"
	"slices"

	"github.com/failshut/failshut/market"
)

// Status is one moment of the node's standing in the log, as its holder saw it. It is not changed once published; what can change
// between two steps of the holder (latches, permission, session) is not in it: Gatez looks at that anew.
type Status struct {
	Node        string
	Incarnation uint64 // 0: the journal's identity is not bound
	Term        uint64 // that is opened; 0: none
	Epoch       uint64 // of modes
	Revision    uint64 // of limits, latches and modes
	Index       uint64 // of the last entry applied
	Phase       string // TERM_OPENING, COLLECT, RECONCILING, REDUCE_ONLY, OPEN, TRIPPED or WAITING
	SeedHash    string // of the limits that the cluster was seeded with
	SeedDiffers bool   // from those of this node's configuration
	Firm        Mode
	Accounts    []AccountStatus
	OpenedAt    market.Timestamp // 0 while shut
	ShutAt      market.Timestamp // of the last shutting
	Logged      map[string]bool  // ids of the latches that stand in the log
	since       map[Reason]int64
}

// AccountStatus is one account of a node.
type AccountStatus struct {
	Account market.Account
	Owner   string // node, by the log; empty: none
	Session bool   // up
	Unknown int    // orders of unknown state, by the last report
	Mode    Mode   // effective, when the status was made
	Why     []Reason
}

// Reason is one cause of a mode, and the scope it stands in.
type Reason struct {
	Code  Code
	Scope Scope
}

type statusBook struct {
	since  map[Reason]int64
	modes  map[Scope]Mode
	open   bool
	opened int64
	shut   int64
	until  Reading // of the permission that was seen last
}

// Status returns the last status published, or nil before the holder's first step. Safe for any number of goroutines.
func (d *Desk) Status() *Status { return d.status.Load() }

// Confirm notes that a trip is confirmed closed on this node: its orders actor passed the latch, and the venue answered something
// later on the same session, or the session is proven ended. It cannot be taken back.
func (d *Desk) Confirm(tripID string) {
	for {
		old := d.confirmed.Load()
		next := map[string]bool{tripID: true}
		if old != nil {
			maps.Copy(next, *old)
		}
		if d.confirmed.CompareAndSwap(old, &next) {
			return
		}
	}
}

// Confirmed reports whether Confirm was called for a trip.
func (d *Desk) Confirmed(tripID string) bool {
	p := d.confirmed.Load()
	return p != nil && (*p)[tripID]
}

// Mode returns the effective mode of an account now, and every cause of it, the strictest first. An account without a gate is
// CLOSED. It reads atomics only; safe for any number of goroutines.
func (d *Desk) Mode(a market.Account, now Reading) (Mode, []Reason) {
	g := d.gates[a]
	if g == nil {
		return Closed, []Reason{{CodeNoAccount, AccountScope(a)}}
	}
	var all causes
	local, code := g.localMode()
	all.add(local, code, AccountScope(a))
	if v := g.view.Load(); v == nil {
		all.add(Closed, CodeTermOpening, Firm)
	} else {
		all.add(v.mode, v.why, v.scope)
	}
	latched, code, scope := d.latched(AccountScope(a))
	all.add(latched, code, scope)
	if p := d.permission.Load(); !p.valid(now) || p.Term != d.logTerm.Load() {
		m := CancelOnly
		if p == nil || now.Mono-p.Until.Mono >= int64(d.cfg.Permission.CancelAfter) {
			m = Closed
		}
		all.add(m, CodeNoPermission, AccountScope(a))
	}
	return all.mode(), all.why
}

// ModeOf returns the effective mode of one strategy in one instrument of an account now, and every cause of it, the strictest first:
// that of the account, latches of narrower scopes, and a limit that is charged above. With the zero Instrument it is what holds for
// the strategy in all of them. It reads atomics only; safe for any number of goroutines.
func (d *Desk) ModeOf(a market.Account, strategy string, i market.Instrument, now Reading) (Mode, []Reason) {
	mode, why := d.Mode(a, now)
	all := causes{mode.Severity(), why}
	k := Scope{string(a), strategy, All}
	if i.Valid() {
		k.Instrument = ""
		if g := d.gates[a]; g != nil {
			k = g.leafMode(&all, strategy, i)
		}
		if k.Instrument == "" {
			k = Scope{string(a), strategy, i.String()}
		}
	}
	if m, code, at := d.latched(k); !all.named(Reason{code, at}) {
		all.add(m, code, at)
	}
	return all.mode(), all.why
}

// leafMode adds what a limit says of one strategy in one instrument, and returns the scope of that; without such a leaf it is zero.
func (g *Gate) leafMode(all *causes, strategy string, i market.Instrument) Scope {
	v := g.view.Load()
	for n, l := range *g.leaves.Load() {
		if l.strategy != strategy || l.instrument != i {
			continue
		}
		if v != nil && n < len(v.rules) && v.rules[n].over {
			all.add(ReduceOnly, CodeBreach, v.rules[n].scope)
		}
		return l.scopes[5]
	}
	return Scope{}
}

// causes are modes that hold at once, the strictest first.
type causes struct {
	severity int
	why      []Reason
}

func (c *causes) add(m Mode, code Code, k Scope) {
	r := Reason{code, k}
	switch {
	case m == Open:
	case m.Severity() > c.severity:
		c.severity, c.why = m.Severity(), append([]Reason{r}, c.why...)
	default:
		c.why = append(c.why, r)
	}
}

func (c *causes) named(r Reason) bool { return slices.Contains(c.why, r) }

func (c *causes) mode() Mode { return Open - Mode(c.severity) }

// Positions returns what an account's gate holds, leaf by leaf, flat ones left out. Safe for any number of goroutines.
func (d *Desk) Positions(a market.Account) []Position {
	g := d.gates[a]
	if g == nil {
		return nil
	}
	all, leaves, ok := g.standings()
	if !ok {
		return nil
	}
	var out []Position
	for i, s := range all {
		if s.pos != 0 {
			out = append(out, Position{Strategy: leaves[i].strategy, Instrument: s.leaf, Qty: s.pos})
		}
	}
	return out
}

// publish makes the status of this step, and tells which modes changed.
func (h *Holder) publish(l *ledger) {
	b := &h.desk.book
	if b.modes == nil {
		b.modes, b.since, b.shut = map[Scope]Mode{}, map[Reason]int64{}, h.now.Wall
	}
	s := &Status{
		Node: h.desk.cfg.Node, Incarnation: h.inc, Term: l.opened, Epoch: l.epoch, Revision: l.revision, Index: l.index,
		SeedHash: l.seedHash, SeedDiffers: l.seeded && l.seedHash != h.seedHash(), Logged: map[string]bool{},
	}
	for _, t := range l.latches {
		s.Logged[t.ID] = true
	}
	if p := l.phases[Firm]; p != nil {
		s.Firm = p.mode
	}
	standing := map[Reason]int64{}
	worst, why, open := Open, []Reason(nil), len(h.desk.accounts) > 0
	if !open {
		worst, why = Closed, []Reason{{CodeNoAccount, Firm}}
	}
	for _, name := range h.desk.accounts {
		a := AccountStatus{Account: name}
		a.Mode, a.Why = h.desk.Mode(name, h.now)
		if e := l.accounts[string(name)]; e != nil {
			a.Owner = e.owner
		}
		if e := h.sessions[name]; e != nil {
			a.Session = e.up
			if e.report != nil {
				a.Unknown = e.report.Unknown
			}
		}
		for _, r := range a.Why {
			standing[r] = h.now.Wall
			if at, ok := b.since[r]; ok {
				standing[r] = at
			}
		}
		s.Accounts = append(s.Accounts, a)
		if a.Mode.Severity() > worst.Severity() {
			worst, why = a.Mode, a.Why
		}
		open = open && a.Mode == Open
	}
	b.since, s.since = standing, standing
	h.openOrShut(open)
	if b.open {
		s.OpenedAt = market.Timestamp(b.opened)
	}
	s.ShutAt = market.Timestamp(b.shut)
	s.Phase = phaseOf(l, s, worst)
	h.desk.status.Store(s)
	for _, a := range s.Accounts { // who is told may ask at once
		h.changed(AccountScope(a.Account), a.Mode, a.Why)
	}
	h.changed(Firm, worst, why)
	if f := h.desk.events.Looked; f != nil {
		f(h.now)
	}
}

func (h *Holder) seedHash() string {
	if h.seen.hash == "" {
		h.seen.hash = LimitsHash(h.desk.cfg.Limits)
	}
	return h.seen.hash
}

// changed tells a change of a scope's effective mode, once over all holders; the first word of a scope tells it as it is.
func (h *Holder) changed(k Scope, to Mode, why []Reason) {
	from, known := h.desk.book.modes[k]
	if known && from == to {
		return
	}
	h.desk.book.modes[k] = to
	if h.desk.events.Mode == nil {
		return
	}
	var code Code
	if len(why) > 0 {
		code = why[0].Code
	}
	h.desk.events.Mode(k, from, to, code)
}

// openOrShut keeps when this node was opened and shut. A permission that ran out and came back between two steps was a shutting.
func (h *Holder) openOrShut(open bool) {
	b := &h.desk.book
	p := h.desk.permission.Load()
	if p != nil {
		if b.open && b.until.Mono != 0 && p.Until != b.until && b.until.Mono < h.now.Mono {
			b.shut, b.open = b.until.Wall, false
		}
		b.until = p.Until
	}
	switch {
	case open && !b.open:
		b.opened = h.now.Wall
	case !open && b.open:
		b.shut = h.now.Wall
	}
	b.open = open
}

// phaseOf names how far the opening of the term is.
func phaseOf(l *ledger, s *Status, worst Mode) string {
	if l.opened == 0 || l.opened != l.term {
		return "TERM_OPENING"
	}
	for _, a := range s.Accounts {
		for _, r := range a.Why {
			switch r.Code {
			case CodeTripped:
				return "TRIPPED"
			case CodeHolderSilent:
				return "COLLECT"
			case CodeReconciling, CodeUnknownOrders, CodeDifference, CodeOrphaned, CodeSessionDown:
				return "RECONCILING"
			default:
			}
		}
	}
	switch worst {
	case Open, ReduceOnly:
		return worst.String()
	default:
		return "WAITING"
	}
}
