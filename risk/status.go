package risk

import (
	"maps"
	"strings"

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
	mode := Open
	var why []Reason
	add := func(m Mode, c Code, k Scope) {
		if m == Open {
			return
		}
		r := Reason{c, k}
		if m.Severity() > mode.Severity() {
			mode = m
			why = append([]Reason{r}, why...)
		} else {
			why = append(why, r)
		}
	}
	local, code := g.localMode()
	add(local, code, AccountScope(a))
	if v := g.view.Load(); v == nil {
		add(Closed, CodeTermOpening, Firm)
	} else {
		add(v.mode, v.why, v.scope)
	}
	latched, code, scope := d.latched(AccountScope(a))
	add(latched, code, scope)
	if p := d.permission.Load(); !p.valid(now) || p.Term != d.logTerm.Load() {
		m := CancelOnly
		if p == nil || now.Mono-p.Until.Mono >= int64(d.cfg.Permission.CancelAfter) {
			m = Closed
		}
		add(m, CodeNoPermission, AccountScope(a))
	}
	return mode, why
}

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
		h.changed(AccountScope(name), a.Mode, a.Why)
	}
	h.changed(Firm, worst, why)
	b.since, s.since = standing, standing
	h.openOrShut(open)
	if b.open {
		s.OpenedAt = market.Timestamp(b.opened)
	}
	s.ShutAt = market.Timestamp(b.shut)
	s.Phase = phaseOf(l, s, worst)
	h.desk.status.Store(s)
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

// GatezBody is the answer of `/gatez`, field by field as documented.
type GatezBody struct {
	Open        bool            `json:"open"`
	Mode        Mode            `json:"mode"`
	Why         []GatezReason   `json:"why"`
	Node        string          `json:"node"`
	Incarnation uint64          `json:"incarnation"`
	Term        uint64          `json:"term"`
	Phase       string          `json:"phase"`
	Epoch       uint64          `json:"epoch"`
	Revision    uint64          `json:"revision"`
	OpenedAt    *string         `json:"opened_at"`
	ShutAt      *string         `json:"shut_at"`
	Permission  GatezPermission `json:"permission"`
	Scopes      []GatezScope    `json:"scopes"`
	Latches     []GatezLatch    `json:"latches"`
}

// GatezReason is one cause. Since is RFC 3339 UTC, null when nobody saw it begin.
type GatezReason struct {
	Code  Code    `json:"code"`
	Scope Scope   `json:"scope"`
	Since *string `json:"since"`
}

// GatezPermission is the node's permission, judged at the request.
type GatezPermission struct {
	Valid  bool   `json:"valid"`
	Term   uint64 `json:"term"`
	LeftMS int64  `json:"left_ms"`
}

// GatezScope is one scope and its effective mode.
type GatezScope struct {
	Scope Scope `json:"scope"`
	Mode  Mode  `json:"mode"`
}

// GatezLatch is one latch of this process.
type GatezLatch struct {
	TripID string  `json:"trip_id"`
	Scope  Scope   `json:"scope"`
	Mode   Mode    `json:"mode"`
	By     string  `json:"by"`
	Reason string  `json:"reason"`
	At     *string `json:"at"`
	State  string  `json:"state"`
}

// Gatez answers how the gates stand now: of the scope given as text, or of every account of this node when it is empty. It is open
// only when all of them are OPEN under a valid permission; a scope that cannot be read, or whose account has no gate here, is CLOSED.
// It reads atomics only, so it answers with everything else dead, and tests the deadlines anew each time.
func (d *Desk) Gatez(now Reading, scope string) GatezBody {
	s := d.status.Load()
	if s == nil {
		s = &Status{Node: d.cfg.Node, Phase: "TERM_OPENING"}
	}
	body := GatezBody{
		Node: s.Node, Incarnation: s.Incarnation, Term: s.Term, Phase: s.Phase, Epoch: s.Epoch, Revision: s.Revision,
		Why: []GatezReason{}, Scopes: []GatezScope{{Firm, s.Firm.Merge(d.firmLatch())}}, Latches: []GatezLatch{},
		OpenedAt: stamp(int64(s.OpenedAt)), ShutAt: stamp(int64(s.ShutAt)),
	}
	if p := d.permission.Load(); p != nil {
		left := min(p.Until.Mono-now.Mono, p.Until.Wall-now.Wall)
		body.Permission = GatezPermission{p.valid(now) && p.Term == d.logTerm.Load(), p.Term, max(0, left/1e6)}
	}
	mode, why := d.modeOf(now, scope, &body)
	body.Mode, body.Open = mode, mode == Open && body.Permission.Valid
	for _, r := range why {
		body.Why = append(body.Why, GatezReason{r.Code, r.Scope, stamp(s.since[r])})
	}
	if !body.Open && body.OpenedAt != nil {
		body.OpenedAt = nil
		if p := d.permission.Load(); p != nil && !p.valid(now) {
			body.ShutAt = stamp(p.Until.Wall)
		}
	}
	for _, t := range d.Latches() {
		state := "PENDING"
		if d.Confirmed(t.ID) {
			state = "CONFIRMED"
		}
		body.Latches = append(body.Latches, GatezLatch{t.ID, t.Scope, t.Mode, t.By, t.Reason, stamp(int64(t.At)), state})
		if !body.Open && body.ShutAt == nil {
			body.ShutAt = stamp(int64(t.At))
		}
	}
	return body
}

// firmLatch is the mode that firm latches hold, whatever the log says.
func (d *Desk) firmLatch() Mode {
	m, _, _ := d.latched(Firm)
	return m
}

// modeOf judges the scope asked for, and lists the accounts it looked at.
func (d *Desk) modeOf(now Reading, scope string, body *GatezBody) (Mode, []Reason) {
	k := Firm
	if scope != "" {
		var err error
		if k, err = ParseScope(scope, false); err != nil {
			return Closed, []Reason{{CodeInvalid, Firm}}
		}
	}
	mode := Open
	var why []Reason
	seen := map[Reason]bool{}
	found := false
	for _, a := range d.accounts {
		if k.Account != All && k.Account != string(a) {
			continue
		}
		found = true
		m, reasons := d.Mode(a, now)
		if latched, code, at := d.latched(k); latched.Severity() > m.Severity() {
			m, reasons = latched, append([]Reason{{code, at}}, reasons...)
		}
		body.Scopes = append(body.Scopes, GatezScope{AccountScope(a), m})
		mode = mode.Merge(m)
		for _, r := range reasons {
			if !seen[r] {
				seen[r] = true
				why = append(why, r)
			}
		}
	}
	if !found {
		return Closed, []Reason{{CodeNoAccount, k}}
	}
	return mode, why
}

func stamp(wall int64) *string {
	if wall == 0 {
		return nil
	}
	s := strings.Clone(market.Timestamp(wall).String())
	return &s
}
