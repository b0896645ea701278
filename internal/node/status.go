package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// Face is a node as its door shows it. It reads atomics and published snapshots; it sends a message only where it is asked
// to change something.
type Face struct {
	n       *Node
	started time.Time
	metrics http.Handler

	histories chan struct{} // places of those that read the journal
}

// NewFace makes the face of a node.
func NewFace(n *Node, metrics http.Handler) *Face {
	return &Face{n: n, started: n.sys.Now(), metrics: metrics, histories: make(chan struct{}, historiesAtOnce)}
}

var _ control.Node = (*Face)(nil)

// Readiness lists the static children of the root.
func (f *Face) Readiness() []control.Part {
	var out []control.Part
	for _, name := range []string{inControl, inJournal, inCluster, inRisk, inVenues, inFeeds, inStrategies} {
		e, ok := f.find(name)
		part := control.Part{Name: name, State: "not started"}
		if ok {
			part.Ready, part.State = e.Ready, e.Status.String()
			if e.Ready {
				part.State = "ok"
			}
		}
		out = append(out, part)
	}
	return out
}

func (f *Face) find(path string) (supervision.Entry, bool) {
	s := f.n.snapshot()
	if s == nil {
		return supervision.Entry{}, false
	}
	return s.Find(path)
}

// gateAnswer is the body of /gatez with the schema that every answer begins with.
type gateAnswer struct {
	Schema string `json:"schema"`
	risk.GatezBody
}

// Gatez says how the gates stand now.
func (f *Face) Gatez(scope *string) (any, bool, error) {
	one := ""
	if scope != nil {
		one = *scope
		k, err := risk.ParseScope(one, false)
		if err != nil {
			return nil, false, err
		}
		if why := f.n.covers(k); why != "" { // what nobody trades here is not open (P2)
			return nil, false, errors.New(why)
		}
	}
	b := f.n.Desk.Gatez(f.n.Now(), one)
	return gateAnswer{"failshut.gate/1", b}, b.Open, nil
}

// Metrics is the scrape.
func (f *Face) Metrics() http.Handler { return f.metrics }

// Trip latches a scope at once. What it gives waits for the venues' word.
func (f *Face) Trip(r control.TripRequest) (func(context.Context) (any, bool), error) {
	scope, mode, err := f.n.tripped(r)
	if err != nil {
		return nil, &control.Problem{Status: http.StatusBadRequest, Code: "usage", Message: err.Error(), Exit: 2}
	}
	at := f.n.Now()
	latch, err := f.n.Desk.Trip(risk.TripRequest{Scope: scope, Mode: mode, By: by(r.Who, r.By), Reason: r.Reason}, at)
	if err != nil && !errors.Is(err, risk.ErrTripNotKept) {
		return nil, err
	}
	if err != nil {
		f.n.log.Error("the trip would not survive a restart", "event", "trip", "trip", latch.ID, "err", err)
	}
	return func(ctx context.Context) (any, bool) {
		confirmed := f.confirmed(ctx, scope, mode, at)
		if confirmed {
			f.n.Desk.Confirm(latch.ID)
		}
		return f.tripAnswer(latch, confirmed), confirmed
	}, nil
}

// tripped reads what a trip is to shut, and how far.
func (n *Node) tripped(r control.TripRequest) (risk.Scope, risk.Mode, error) {
	scope, err := risk.ParseScope(r.Scope, false)
	if err != nil {
		return scope, risk.Closed, err
	}
	if why := n.covers(scope); why != "" {
		return scope, risk.Closed, errors.New(why)
	}
	mode := risk.Closed
	if r.Mode != "" {
		if mode, err = risk.ParseMode(r.Mode); err != nil {
			return scope, mode, err
		}
	}
	if mode == risk.Open {
		return scope, mode, fmt.Errorf("mode is %s, want CLOSED, CANCEL_ONLY or REDUCE_ONLY: a trip shuts", mode)
	}
	return scope, mode, nil
}

// covers says why a scope holds nothing that this node could trade: a trip of it would shut nothing, and look confirmed.
func (n *Node) covers(k risk.Scope) string {
	if k.Account != risk.All && n.accountOf(market.Account(k.Account)) == nil {
		return fmt.Sprintf("scope %s: this node owns no account %q", k, k.Account)
	}
	if k.Strategy != risk.All && !n.runs(k.Account, k.Strategy) {
		return fmt.Sprintf("scope %s: no strategy or trader %q is entitled there", k, k.Strategy)
	}
	if k.Instrument != risk.All && !n.instrumentOf(k.Instrument).Valid() {
		return fmt.Sprintf("scope %s: no instrument %q is listed here", k, k.Instrument)
	}
	return ""
}

func (n *Node) runs(account, name string) bool {
	for _, e := range n.plan.Risk.Controls.Entitlements {
		if account != risk.All && account != string(e.Account) {
			continue
		}
		if slices.Contains(e.Strategies, name) || slices.Contains(e.Traders, name) {
			return true
		}
	}
	return false
}

func by(who, free string) string {
	if free == "" {
		return who
	}
	return who + " (" + free + ")"
}

// confirmed waits until every account of the scope has heard its venue since the latch, and has no live order left where the
// mode is CLOSED; the others let working orders stay.
func (f *Face) confirmed(ctx context.Context, scope risk.Scope, mode risk.Mode, at risk.Reading) bool {
	for {
		rung := f.n.bell.next()
		if f.quiet(scope, mode, at) {
			return true
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return f.quiet(scope, mode, at)
		}
	}
}

func (f *Face) quiet(scope risk.Scope, mode risk.Mode, at risk.Reading) bool {
	for _, a := range f.n.accounts {
		if scope.Account != risk.All && scope.Account != string(a.plan.Account) {
			continue
		}
		s := a.Status()
		if a.listed.Load() <= at.Mono || s.At.Mono <= at.Mono {
			return false
		}
		if mode == risk.Closed && s.LiveIn(scope) > 0 { // one of unknown state is live too
			return false
		}
	}
	return true
}

// TripAnswer is what a trip prints.
type TripAnswer struct {
	Schema      string     `json:"schema"`
	TripID      string     `json:"trip_id"`
	Scope       risk.Scope `json:"scope"`
	Mode        risk.Mode  `json:"mode"`
	By          string     `json:"by"`
	Reason      string     `json:"reason"`
	RequestedAt string     `json:"requested_at"`
	State       string     `json:"state"`
	ConfirmedAt *string    `json:"confirmed_at"`
	LiveOrders  int        `json:"live_orders"`
	Logged      *struct{}  `json:"logged"`
	Nodes       []TripNode `json:"nodes"`
}

// TripNode is one node's part in a trip.
type TripNode struct {
	Node       string  `json:"node"`
	State      string  `json:"state"`
	AckedAt    *string `json:"acked_at"`
	LiveOrders int     `json:"live_orders"`
	Drained    bool    `json:"drained"`
}

func (f *Face) tripAnswer(l risk.Latch, confirmed bool) TripAnswer {
	live := 0
	for _, a := range f.n.accounts {
		live += a.Status().LiveIn(l.Scope)
	}
	state := "PENDING"
	var when *string
	if confirmed {
		state = "CONFIRMED"
		now := market.Timestamp(f.n.Now().Wall).String()
		when = &now
	}
	acked := l.At.String()
	return TripAnswer{
		Schema: "failshut.trip/1", TripID: l.ID, Scope: l.Scope, Mode: l.Mode, By: l.By, Reason: l.Reason, RequestedAt: l.At.String(),
		State: state, ConfirmedAt: when, LiveOrders: live,
		Nodes: []TripNode{{Node: f.n.plan.Node, State: state, AckedAt: &acked, LiveOrders: live, Drained: live == 0}},
	}
}

// ResetAnswer is what a reset prints.
type ResetAnswer struct {
	Schema     string             `json:"schema"`
	Scope      risk.Scope         `json:"scope"`
	Cleared    []string           `json:"cleared"`
	Remaining  []string           `json:"remaining"`
	Approval   *struct{}          `json:"approval"`
	Mode       risk.Mode          `json:"mode"`
	WaitingFor []risk.GatezReason `json:"waiting_for"`
	Revision   uint64             `json:"revision"`
	Index      uint64             `json:"index"`
}

// Reset asks the ledger to clear latches, and waits for its answer.
func (f *Face) Reset(ctx context.Context, r control.ResetRequest) (any, error) {
	scope, err := risk.ParseScope(r.Scope, false)
	if err != nil {
		return nil, &control.Problem{Status: http.StatusBadRequest, Code: "usage", Message: err.Error(), Exit: 2}
	}
	var expect uint64
	if r.Expect != "" {
		if expect, err = strconv.ParseUint(r.Expect, 10, 64); err != nil {
			return nil, &control.Problem{Status: http.StatusBadRequest, Code: "usage", Message: fmt.Sprintf("expect is %q, want a revision", r.Expect), Exit: 2}
		}
	}
	answer := make(chan risk.ResetResult, 1)
	err = f.n.Desk.Tell(risk.Reset{
		Request: risk.ResetRequest{Scope: scope, IDs: r.Trips, Reason: r.Reason, By: by(r.Who, r.By), Expect: expect},
		Done: func(x risk.ResetResult) {
			select {
			case answer <- x:
			default: // said before
			}
		},
	})
	if err != nil {
		return nil, &control.Problem{Status: http.StatusServiceUnavailable, Code: "busy", Message: "risk did not take the reset, nothing was cleared: " + err.Error(), Exit: 6}
	}
	select {
	case x := <-answer:
		if x.Err != nil {
			return nil, control.Precondition("precondition", "%v", f.whyNot(r, x.Err))
		}
		return f.resetAnswer(scope, x), nil
	case <-ctx.Done():
		return nil, &control.Problem{Status: http.StatusGatewayTimeout, Code: "unreachable", Message: "the log has not answered; what became of the reset is unknown", Exit: 4}
	}
}

// whyNot adds to the ledger's no what was asked for and what there is.
func (f *Face) whyNot(r control.ResetRequest, err error) error {
	switch {
	case errors.Is(err, risk.ErrStaleRevision):
		return fmt.Errorf("%w: expect is %s, and it is %d", err, r.Expect, f.n.Desk.Gatez(f.n.Now(), "").Revision)
	case errors.Is(err, risk.ErrUnknownLatch) && len(r.Trips) > 0:
		return fmt.Errorf("%w: found none of %q in scope %s, want trips that the latches of failshut gate and /gatez name", err, r.Trips, r.Scope)
	case errors.Is(err, risk.ErrUnknownLatch):
		return fmt.Errorf("%w: none is of scope %s or below it, want a scope that the latches of failshut gate and /gatez name", err, r.Scope)
	}
	return err
}

func (f *Face) resetAnswer(scope risk.Scope, x risk.ResetResult) ResetAnswer {
	g := f.n.Desk.Gatez(f.n.Now(), "")
	a := ResetAnswer{
		Schema: "failshut.reset/1", Scope: scope, Cleared: x.Cleared, Remaining: x.Remain, Mode: g.Mode, WaitingFor: g.Why,
		Revision: x.Revision, Index: x.Index,
	}
	if a.Cleared == nil {
		a.Cleared = []string{}
	}
	if a.Remaining == nil {
		a.Remaining = []string{}
	}
	if a.WaitingFor == nil {
		a.WaitingFor = []risk.GatezReason{}
	}
	return a
}

// journalStatus is the journal in a status.
type journalStatus struct {
	State     string `json:"state"`
	Group     string `json:"group"`
	Epoch     uint32 `json:"epoch"`
	Watermark string `json:"watermark"`
	FreeBytes *int64 `json:"free_bytes"` // at the last look; null: unknown
}

func (n *Node) journalStatus() journalStatus {
	c := n.journal.Load()
	if c == nil {
		return journalStatus{State: "closed"}
	}
	log := c.log
	s := journalStatus{State: stateOf(c), Group: log.Group(), Epoch: log.Epoch(), Watermark: strconv.FormatUint(uint64(log.Watermark()), 10)}
	if free, known := log.Free(); known {
		s.FreeBytes = &free
	}
	return s
}

// stateOf is the log's state; of one that goes on, what its disk lacks.
func stateOf(c *committer) string {
	stall := c.stall()
	switch {
	case c.log.State() != journal.OK:
		return c.log.State().String()
	case stall == risk.StallStuck:
		return "stuck"
	case c.log.Low():
		return "full"
	case stall == risk.StallSlow:
		return "slow"
	}
	return c.log.State().String()
}
