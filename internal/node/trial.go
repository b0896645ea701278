package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// Trials runs strategies in the tree of a replay, with a paper venue that fills from the book which the trial's script tells.
type Trials struct{ Log *slog.Logger }

// Try implements strategy.Trials.
func (w Trials) Try(ctx context.Context, in strategy.Trial) (strategy.Outcome, error) {
	t, err := newTrial(in, w.Log)
	if err != nil {
		return strategy.Outcome{}, err
	}
	err = t.run(ctx)
	if err := errors.Join(err, t.sys.Stop(context.WithoutCancel(ctx))); err != nil {
		return strategy.Outcome{}, err
	}
	return t.answer, t.judge()
}

// trial is one run.
type trial struct {
	cfg     strategy.Trial
	plan    *Plan
	sys     *actors.System
	node    *Node
	told    *script
	log     *eventLog
	lines   bytes.Buffer
	truth   *sim.Ledger // the venue's
	names   map[market.ClOrdID]risk.Cause
	unknown map[market.ClOrdID]bool
	up      bool
	logger  *slog.Logger
	answer  strategy.Outcome
}

// trialStart is the moment at which every trial begins.
var trialStart = time.Date(2026, time.January, 5, 14, 30, 0, 0, time.UTC)

func newTrial(cfg strategy.Trial, log *slog.Logger) (*trial, error) {
	t := &trial{cfg: cfg, names: map[market.ClOrdID]risk.Cause{}, unknown: map[market.ClOrdID]bool{}, logger: log}
	t.log = newEventLog(&t.lines)
	plan, err := trialPlan(cfg)
	if err != nil {
		return nil, err
	}
	t.plan = plan
	if t.sys, err = actors.New(systemConfig("trial", actors.Virtual(trialStart), actors.Deterministic(), cfg.Seed, log)); err != nil {
		return nil, err
	}
	if err := t.build(); err != nil {
		return nil, errors.Join(err, t.sys.Stop(context.Background()))
	}
	return t, nil
}

// trialPlan is that of a replay without a file, but for parameters, and for a strategy that is back at once: what is tried is
// what it does when it is back, and a script goes on meanwhile.
func trialPlan(cfg strategy.Trial) (*Plan, error) {
	var instruments []market.Instrument
	for _, c := range cfg.Contracts {
		instruments = append(instruments, c.Instrument)
	}
	if len(instruments) == 0 {
		return nil, errors.New("a trial of no instrument, want at least one")
	}
	defs, err := strategy.Collect(cfg.Def)
	if err != nil {
		return nil, err
	}
	use := cfg.Def.Name()
	p, err := PaperPlan(instruments[0].Venue(), instruments, use, defs)
	if err != nil {
		return nil, err
	}
	p.Contracts = cfg.Contracts
	s := &p.Strategies[0]
	s.Contracts = cfg.Contracts
	if err := s.given(cfg.Params, strategy.FromFile, defs); err != nil {
		return nil, err
	}
	p.Journal.Segment, p.Journal.Floor = journal.SegmentMin, 64*journal.SegmentMin // thousands of journals are made, and each makes its segments whole
	p.Supervision.Groups.Strategy.Backoff = config.Backoff{Base: time.Millisecond, Cap: time.Millisecond, Reset: time.Minute}
	return p, nil
}

// build makes the node in its world.
func (t *trial) build() error {
	faults, err := sim.ParseFaults(t.cfg.Faults...)
	if err != nil {
		return err
	}
	t.truth = sim.KeepLedger()
	out := sim.Outlets{Ledger: t.truth}
	exchange, paper, err := paperVenue(t.plan, t.cfg.Seed, sim.DedupeNone, faults, out)
	if err != nil {
		return err
	}
	w := paperWorld(t.sys, t.cfg.Seed, t.logger, exchange, paper, func(n *Node, readers *feeds.Fanout) supervision.Child {
		trip := func() { n.TripFirm("trial", "the script says so") }
		t.told = &script{steps: t.cfg.Script, page: n.Board.Page(nil), readers: readers, watch: t.look, trip: trip}
		return t.told.child()
	})
	if f := t.cfg.Strategy; f != nil {
		w.Strategy = func(_ string, a actors.Actor[strategy.Message]) actors.Actor[strategy.Message] { return f(a) }
	}
	if f := t.cfg.Orders; f != nil {
		w.Orders = func(_ string, d strategy.Desk) strategy.Desk { return f(d) }
	}
	t.node, err = New(t.plan, w, t.hooks())
	return err
}

func (t *trial) hooks() Hooks {
	return Hooks{
		Delivered: t.log,
		Order: func(o OrderTold) {
			t.log.order(o.Event)
			t.doubt(o.Event)
			t.look()
		},
		Intent: func(in risk.Intent) {
			t.note("intent %x %s %s %s %s", in.Cause[:], in.Instrument.Symbol(), in.Side, in.Qty, in.Price)
		},
		Check: t.checked,
		Ended: func(e supervision.End) {
			if e.Path == string(strategyName(t.plan.Strategies[0].Name)) && e.Part == "" && !supervision.Reason(e.Reason).Orderly() {
				t.answer.Ended = append(t.answer.Ended, string(e.Reason))
				t.note("ended %s", e.Reason)
			}
		},
		Strategy: strategy.Events{
			Refused: func(_, reason string, _ int) { t.note("refused %s", reason) },
			Held:    func(_, reason string) { t.note("held %s", reason) },
		},
	}
}

func (t *trial) checked(in risk.Intent, err error) {
	if err != nil {
		return
	}
	t.answer.Sent = append(t.answer.Sent, strategy.Ordered{
		Instrument: in.Instrument, Side: in.Side, Qty: in.Qty, Price: in.Price, Doubts: t.doubts(in.Instrument),
	})
	at := string(strategyName(t.plan.Strategies[0].Name))
	if e, ok := t.node.snapshot().Find(at); !ok || !e.Ready {
		t.find("the gate let an order of %s through while the strategy was %s", in.Instrument, e.Status)
	}
	if cause, twice := t.names[in.ID]; twice {
		t.find("the id %s was given to decision %x and to %x", in.ID, cause[:], in.Cause[:])
	}
	t.names[in.ID] = in.Cause
}

// doubt remembers which orders are of unknown state. It is told in the owner's turn, before the owner's status is shown.
func (t *trial) doubt(e orders.Event) {
	switch e.Kind {
	case orders.EventUnknown:
		t.unknown[e.Order] = true
	case orders.EventResolved, orders.EventClosed:
		delete(t.unknown, e.Order)
	default:
	}
}

// doubts are those about one instrument now.
func (t *trial) doubts(i market.Instrument) strategy.Doubts {
	a := t.node.accounts[0]
	mode, _ := t.node.Desk.Mode(a.plan.Account, t.node.Now())
	q, known := t.node.Board.Read(i)
	return strategy.Doubts{
		GateShut: mode != risk.Open && mode != risk.ReduceOnly, NotLive: !known || q.Tradable() != nil, Unknown: len(t.unknown) > 0,
	}
}

// look remembers which doubts there were.
func (t *trial) look() {
	if !t.up {
		return
	}
	for _, c := range t.plan.Contracts {
		d := t.doubts(c.Instrument)
		seen := &t.answer.Seen
		seen.GateShut, seen.NotLive, seen.Unknown = seen.GateShut || d.GateShut, seen.NotLive || d.NotLive, seen.Unknown || d.Unknown
	}
}

func (t *trial) note(format string, args ...any) {
	t.log.line = append(fmt.Appendf(t.log.line[:0], format, args...), '\n')
	t.log.sum.Write(t.log.line)
	t.log.copy(t.log.line)
}

func (t *trial) find(format string, args ...any) {
	t.answer.Findings = append(t.answer.Findings, fmt.Sprintf(format, args...))
}

// run brings the node up, tells the script, lets what is under way arrive, and takes the node down in order.
func (t *trial) run(ctx context.Context) error {
	if err := t.node.Start(ctx); err != nil {
		return err
	}
	t.up = true
	if err := openGates(ctx, t.node); err != nil {
		return err
	}
	if err := actors.Follow[turn](t.sys, recordedName).Tell(turn{}); err != nil {
		return fmt.Errorf("starting the script: %w", err)
	}
	if err := t.sys.Drive(ctx, t.told.finished.Load); err != nil {
		return err
	}
	if err := t.sys.Advance(ctx, tail); err != nil {
		return err
	}
	t.look()
	t.note("stopping")
	return takeDown(ctx, t.node)
}

// judge holds the node against the venue's ledger, and its mailboxes against their own counts.
func (t *trial) judge() error {
	if _, err := t.log.close(); err != nil {
		return err
	}
	t.answer.Journal = strings.Split(strings.TrimSuffix(t.lines.String(), "\n"), "\n")
	l, err := ledger.Kept(t.truth.Kept())
	if err != nil {
		return err
	}
	a := t.node.accounts[0]
	held := map[market.Symbol]market.Qty{}
	for _, p := range a.Status().Positions {
		held[p.Instrument.Symbol()] += p.Qty
	}
	found := appendFindings(nil, slices.Concat(ledger.J1(l), ledger.J2(l, a.plan.Account, held)))
	t.answer.Findings = append(t.answer.Findings, found...)
	t.once(l)
	t.sides(l)
	for _, f := range ledger.Of[*sim.FaultLine](l) {
		if !slices.Contains(t.answer.Fired, f.ID) {
			t.answer.Fired = append(t.answer.Fired, f.ID)
		}
	}
	_, unbalanced := counts(t.sys)
	t.answer.Findings = append(t.answer.Findings, unbalanced...)
	return nil
}

// once finds decisions that the venue took twice, orders that nobody permitted, and what it took.
func (t *trial) once(l *ledger.Ledger) {
	taken := map[risk.Cause]market.ClOrdID{}
	for _, q := range ledger.Of[*sim.RecvLine](l) {
		if q.Msg != "D" || (q.Fate != sim.FateApplied && q.Fate != sim.FateAppliedDuplicate) {
			continue
		}
		cause, known := t.names[q.Cl]
		if !known {
			t.find("the venue took %s, which no gate has let through", q.Cl)
			continue
		}
		if before, twice := taken[cause]; twice {
			t.find("the venue took decision %x twice: as %s and as %s", cause[:], before, q.Cl)
		}
		taken[cause] = q.Cl
	}
}

// sides lists what the venue took, and counts the most open orders on one side of one symbol.
func (t *trial) sides(l *ledger.Ledger) {
	type place struct {
		symbol market.Symbol
		side   market.Side
	}
	open := map[place]map[string]bool{}
	seen := map[string]bool{}
	for _, o := range ledger.Of[*sim.OrderLine](l) {
		if o.Account != t.node.accounts[0].plan.Account { // of a fault
			continue
		}
		key := place{o.Sym, o.Side}
		if !seen[o.OID] {
			seen[o.OID] = true
			i, _ := market.Listed(t.plan.Venue, o.Sym)
			t.answer.Applied = append(t.answer.Applied, strategy.Ordered{Side: o.Side, Instrument: i, Qty: o.Qty, Price: o.Px})
		}
		if open[key] == nil {
			open[key] = map[string]bool{}
		}
		delete(open[key], o.OID)
		if o.Status.Open() {
			open[key][o.OID] = true
			t.answer.Most = max(t.answer.Most, len(open[key]))
		}
	}
}
