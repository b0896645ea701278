package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/cluster"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// DemoConfig is everything in one process: a node and the embedded exchange it trades on.
type DemoConfig struct {
	Node, Venue *config.File // two files without mistakes
	Defs        strategy.Defs
	Seed        uint64
	Listen      string // of the admin listener; port 0 takes a free one
	Dir         string // must be absent or empty: the exchange keeps nothing from before
	Log         *slog.Logger
	Metrics     func(*Node) http.Handler
	Hooks       Hooks                            // told besides the demo's own
	Said        func(format string, args ...any) // progress, for a person
	Change      func(*Plan)                      // last word on the plan, for drills; may be nil
	Disk        journal.FS                       // of the journal; nil: the operating system's
}

// DemoAnswer is the summary at the end.
type DemoAnswer struct {
	Schema      string                `json:"schema"`
	Seed        uint64                `json:"seed"`
	Gate        []GateChange          `json:"gate"`
	Orders      uint64                `json:"orders"`
	Fills       uint64                `json:"fills"`
	Refused     map[string]uint64     `json:"refused"`
	Mailboxes   []MailboxCounts       `json:"mailboxes"`
	FirstFillMS *int64                `json:"first_fill_ms"`
	Positions   map[string]market.Qty `json:"positions"`

	// What does not balance: differences that fail the demo. Unheard is what the exchange knows and a node that was not
	// stopped in order did not hear any more.
	Differences []string           `json:"-"`
	Unheard     []string           `json:"-"`
	Result      supervision.Result `json:"-"`
}

// GateChange is one change of the effective mode.
type GateChange struct {
	Mode risk.Mode `json:"mode"`
	At   string    `json:"at"`
}

// MailboxCounts is one mailbox over all its incarnations, in one cut after the stop.
type MailboxCounts struct {
	Name     string            `json:"name"`
	Accepted uint64            `json:"accepted"`
	Handled  uint64            `json:"handled"`
	Dropped  map[string]uint64 `json:"dropped"`
	Queued   int               `json:"queued"`
}

// Demo is a running demonstration.
type Demo struct {
	stage
	cfg DemoConfig

	mu     sync.Mutex
	answer DemoAnswer
	fatal  error
}

// OpenDemo starts the exchange, then the node, and returns when the tree is up; the gate opens by itself afterwards. An
// error leaves nothing running and the directory unlocked.
func OpenDemo(ctx context.Context, cfg DemoConfig) (*Demo, error) {
	d := &Demo{cfg: cfg, answer: DemoAnswer{
		Schema: "failshut.demo/1", Seed: cfg.Seed, Refused: map[string]uint64{}, Positions: map[string]market.Qty{},
	}}
	if err := d.begin(cfg.Seed, cfg.Log); err != nil {
		return nil, err
	}
	d.answer.Gate = []GateChange{{risk.Closed, market.StampOf(d.started).String()}}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.close(context.WithoutCancel(ctx)))
	}
	return d, nil
}

func (d *Demo) open(ctx context.Context) error {
	if err := fresh(d.cfg.Dir); err != nil {
		return err
	}
	plan, err := PlanOf(d.cfg.Node, d.cfg.Defs)
	if err != nil {
		return err
	}
	plan.Journal.Segment, plan.Journal.Floor = config.MiB, 64*config.MiB
	if d.cfg.Change != nil {
		d.cfg.Change(plan)
	}
	if d.lock, err = lockData(d.cfg.Dir, plan.Node, d.started); err != nil {
		return err
	}
	raft := cluster.Config{
		Dir: d.cfg.Dir, Cluster: d.cfg.Node.Node.Cluster.Name, Node: plan.Node, Tuning: cluster.DefaultTuning(),
		Peers: []cluster.Peer{{ID: plan.Node, Addr: "127.0.0.1:0", Role: cluster.Voter}},
	}
	if err := d.openExchange(ctx, d.ledgerPath(), d.cfg.Venue, d.cfg.Seed, d.cfg.Log); err != nil {
		return err
	}
	if err := cluster.Found(raft); err != nil {
		return err
	}
	return d.openNode(ctx, plan, staged{
		File: d.cfg.Node, Dir: d.cfg.Dir, Raft: raft, Disk: d.disk(), Seed: d.cfg.Seed, Listen: d.cfg.Listen, Decisions: d.decisions(plan),
		Log: d.cfg.Log, Metrics: d.cfg.Metrics, Hooks: d.hooks(), Said: d.cfg.Said,
	})
}

func (d *Demo) ledgerPath() string { return filepath.Join(d.cfg.Dir, "ledger.jsonl") }

func (d *Demo) disk() journal.FS {
	if d.cfg.Disk != nil {
		return d.cfg.Disk
	}
	return journal.OS()
}

// decisions is the journal of what the tree decides. It is on the operating system's disk, whatever is under that of orders,
// and small: the demonstration is short.
func (d *Demo) decisions(plan *Plan) supervision.Journal {
	j := plan.Supervision.Journal
	return supervision.Journal{
		Dir: filepath.Join(d.cfg.Dir, "supervision"), Node: plan.Node, Size: int64(min(j.Size, config.MiB)), Files: j.Files,
	}
}

func (d *Demo) hooks() Hooks {
	h := d.cfg.Hooks
	order, refused, mode, fatal := h.Order, h.Strategy.Refused, h.Mode, h.Fatal
	h.Order = func(o OrderTold) {
		d.told(o)
		if order != nil {
			order(o)
		}
	}
	h.Strategy.Refused = func(strategy, reason string, n int) {
		d.refused(reason, n)
		if refused != nil {
			refused(strategy, reason, n)
		}
	}
	h.Mode = func(k risk.Scope, from, to risk.Mode, why risk.Code) {
		if k == risk.Firm && from != to {
			d.gate(to)
		}
		if mode != nil {
			mode(k, from, to, why)
		}
	}
	h.Fatal = func(err error) {
		d.mu.Lock()
		d.fatal = err
		d.mu.Unlock()
		if t := d.node.Tree(); t != nil {
			t.Shutdown() // not in order: the first phase latches
		}
		if fatal != nil {
			fatal(err)
		}
	}
	return h
}

func (d *Demo) told(o OrderTold) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch kindOf(o.Event) {
	case accepted:
		d.answer.Orders++
	case refused:
		d.answer.Refused[string(o.Event.Reason)]++
	case filled:
		d.answer.Fills++
		if d.answer.FirstFillMS == nil {
			ms := d.sys.Now().Sub(d.started).Milliseconds()
			d.answer.FirstFillMS = &ms
			e := o.Event
			d.cfg.Said("first fill after %d ms: %s %s %s at %s", ms, e.Side, e.LastQty, e.Instrument, e.LastPx)
		}
	case other:
	}
}

// refused counts what a strategy's own shell refused.
func (d *Demo) refused(reason string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer.Refused[reason] += uint64(n)
}

// gate notes a change of the node's effective mode.
func (d *Demo) gate(mode risk.Mode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer.Gate = append(d.answer.Gate, GateChange{mode, market.StampOf(d.sys.Now()).String()})
}

// Fills is how many there were so far.
func (d *Demo) Fills() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answer.Fills
}

// Close takes the result of the tree, stops the exchange and gives the summary. It leaves nothing running.
func (d *Demo) Close(ctx context.Context, result supervision.Result) (DemoAnswer, error) {
	d.mu.Lock()
	fatal := d.fatal
	d.mu.Unlock()
	positions := d.node.Positions()
	if err := errors.Join(fatal, d.close(ctx)); err != nil {
		return DemoAnswer{}, err
	}
	d.answer.Result = result
	d.answer.Positions = positions
	d.answer.Mailboxes, d.answer.Differences = counts(d.sys, d.exchange.sys)
	truth, err := ledger.Open(d.ledgerPath())
	if err != nil {
		return DemoAnswer{}, fmt.Errorf("reading the exchange's ledger: %w", err)
	}
	d.judge(truth)
	return d.answer, nil
}

// judge holds the node's positions against the exchange's truth. Only a node that was stopped in order has waited for the
// venue's last word.
func (d *Demo) judge(truth *ledger.Ledger) {
	a := &d.answer
	positions := &a.Differences
	if a.Result.Code != supervision.CodeOrderly {
		positions = &a.Unheard
	}
	a.Differences = appendFindings(a.Differences, ledger.J1(truth))
	for _, acc := range d.node.accounts {
		mine := map[market.Symbol]market.Qty{}
		for _, p := range acc.Status().Positions {
			mine[p.Instrument.Symbol()] += p.Qty
		}
		*positions = appendFindings(*positions, ledger.J2(truth, acc.plan.Account, mine))
	}
}

func appendFindings(to []string, findings []ledger.Finding) []string {
	for _, f := range findings {
		to = append(to, f.String())
	}
	return to
}

// counts gives every mailbox of the systems, sorted, and names those that do not balance.
func counts(systems ...*actors.System) (out []MailboxCounts, unbalanced []string) {
	for _, sys := range systems {
		for _, b := range sys.Boxes() {
			t := b.Total()
			m := MailboxCounts{Name: string(b.Name), Accepted: t.Accepted, Handled: t.Handled, Dropped: map[string]uint64{}, Queued: t.Queued}
			if b.Name == "" {
				m.Name = "ended:" + string(b.Class)
			}
			if sys.Name() != "node" {
				m.Name = sys.Name() + ":" + m.Name
			}
			sum := m.Handled + uint64(m.Queued)
			for reason, n := range t.Dropped.All() {
				m.Dropped[reason.String()] = n
				sum += n
			}
			if sum != m.Accepted {
				unbalanced = append(unbalanced, fmt.Sprintf("mailbox %s: accepted %d, handled + dropped + queued %d", m.Name, m.Accepted, sum))
			}
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b MailboxCounts) int { return strings.Compare(a.Name, b.Name) })
	return out, unbalanced
}
