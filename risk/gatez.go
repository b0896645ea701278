package risk

import (
	"strings"

	"github.com/failshut/failshut/market"
)

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
		body.Permission = GatezPermission{Valid: p.valid(now) && p.Term == d.logTerm.Load(), Term: p.Term}
		if p.valid(now) {
			body.Permission.LeftMS = min(p.Until.Mono-now.Mono, p.Until.Wall-now.Wall) / 1e6
		}
	}
	mode, why := d.modeOf(now, scope, &body)
	body.Mode, body.Open = mode, mode == Open && body.Permission.Valid
	for _, r := range why {
		body.Why = append(body.Why, GatezReason{r.Code, r.Scope, stamp(s.since[r])})
	}
	if !body.Open && body.OpenedAt != nil {
		body.OpenedAt = nil
		if p := d.permission.Load(); p != nil && !p.valid(now) {
			body.ShutAt = stamp(min(p.Until.Wall, now.Wall))
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
