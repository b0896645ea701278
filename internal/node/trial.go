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
type Trials struct {
	Log   *slog.Logger
	Tapes *Tapes // nil reads a recording anew for each trial
}

// Try implements strategy.Trials.
func (w Trials) Try(ctx context.Context, in strategy.Trial) (strategy.Outcome, error) {
	t, err := newTrial(ctx, in, w)
	if err != nil {
		return strategy.Outcome{}, err
	}
	err = t.run(ctx)
	if err := errors.Join(err, t.sys.Stop(context.WithoutCancel(ctx))); err != nil {
		return strategy.Outcome{}, err
	}
	err = t.judge()
	return t.answer, err
}

// trial is one run.
type trial struct {
	cfg    strategy.Trial
	plan   *Plan
	told   *script
	tape   *Path     // in place of a script
	reel   *recorded // of tape
	log    *eventLog
	lines  bytes.Buffer
	logger *slog.Logger
	answer strategy.Outcome
	venue  *survivor
	truth  *sim.Ledger // the venue's
	disk   *journal.MemFS
	trips  risk.MemTrips
	names  map[market.ClOrdID]risk.Cause

	*trialLife
}

// trialLife is one process of a trial.
type trialLife struct {
	sys     *actors.System
	node    *Node
	unknown map[market.ClOrdID]bool
	up      bool
	died    bool // it is to die now
	dead    bool // and has: nothing of it is noted, or reaches the venue, any more
}

// trialStart is the moment at which every trial begins.
var trialStart = time.Date(2026, time.January, 5, 14, 30, 0, 0, time.UTC)

func newTrial(ctx context.Context, cfg strategy.Trial, w Trials) (*trial, error) {
	t := &trial{cfg: cfg, names: map[market.ClOrdID]risk.Cause{}, logger: w.Log, disk: journal.NewMemFS(cfg.Seed)}
	t.log = newEventLog(&t.lines)
	if cfg.Recording != nil {
		if err := t.record(ctx, w.Tapes); err != nil {
			return nil, err
		}
	}
	plan, err := trialPlan(t.cfg)
	if err != nil {
		return nil, err
	}
	t.plan = plan
	if err := t.open(); err != nil {
		return nil, err
	}
	return t, t.live(t.start())
}

// open makes the venue, which outlives a process.
func (t *trial) open() error {
	faults, err := sim.ParseFaults(t.cfg.Faults...)
	if err != nil {
		return err
	}
	t.truth = sim.KeepLedger()
	cfg := paperConfig(t.plan, t.cfg.Seed, sim.DedupeNone, faults)
	if t.cfg.Dies != nil {
		for i := range cfg.Sessions {
			cfg.Sessions[i].COD = sim.CODOff // what works outlives its process
		}
	}
	x, paper, err := sim.NewPaperExchange(cfg, sim.PaperLatency, sim.Outlets{Ledger: t.truth})
	if err != nil {
		return err
	}
	t.venue = &survivor{exchange: x, book: paper.Feed()}
	t.told = newScript(t.cfg.Script)
	return nil
}

// live begins a process.
func (t *trial) live(at time.Time) error {
	sys, err := actors.New(systemConfig("trial", actors.Virtual(at), actors.Deterministic(), t.cfg.Seed, t.logger))
	if err != nil {
		return err
	}
	t.trialLife = &trialLife{sys: sys, unknown: map[market.ClOrdID]bool{}}
	t.answer.Lives++
	if err := t.build(); err != nil {
		return errors.Join(err, t.sys.Stop(context.Background()))
	}
	return nil
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
	p.Journal.Keep = 0                                                             // and none of them is started again
	p.Supervision.Groups.Strategy.Backoff = config.Backoff{Base: time.Millisecond, Cap: time.Millisecond, Reset: time.Minute}
	return p, nil
}

// build makes the node in its world.
func (t *trial) build() error {
	t.venue.host = &host{exchange: t.venue.exchange}
	w := paperWorld(t.sys, t.cfg.Seed, t.logger, t.venue.host.child(), t.venue.book, t.channel)
	w.Disk, w.Trips, w.Nonce = t.disk, &t.trips, uint64(t.answer.Lives) //nolint:gosec // 1 or 2
	w.Port = &wire{Port: w.Port, life: t.trialLife}
	if f := t.cfg.Strategy; f != nil {
		w.Strategy = func(_ string, a actors.Actor[strategy.Message]) actors.Actor[strategy.Message] { return f(a) }
	}
	if f := t.cfg.Orders; f != nil {
		w.Orders = func(_ string, d strategy.Desk) strategy.Desk { return f(d) }
	}
	var err error
	t.node, err = New(t.plan, w, t.hooks(t.trialLife))
	return err
}

// hooks are those of one process. What goes on in it when it is dead is nobody's business.
func (t *trial) hooks(l *trialLife) Hooks {
	return Hooks{
		Delivered: t.log,
		Order: func(o OrderTold) {
			if l.dead {
				return
			}
			t.log.order(o.Event)
			t.doubt(o.Event)
			t.look()
		},
		Intent: func(in risk.Intent) {
			if l.dead {
				return
			}
			t.note("intent %x %s %s %s %s", in.Cause[:], in.Instrument.Symbol(), in.Side, in.Qty, in.Price)
		},
		Check: func(in risk.Intent, err error) {
			if !l.dead {
				t.checked(in, err)
			}
		},
		Ended: func(e supervision.End) {
			if !l.dead && e.Path == string(strategyName(t.plan.Strategies[0].Name)) && e.Part == "" && !supervision.Reason(e.Reason).Orderly() {
				t.answer.Ended = append(t.answer.Ended, string(e.Reason))
				t.note("ended %s", e.Reason)
			}
		},
		Strategy: strategy.Events{
			Refused: func(_, reason string, _ int) { l.note(t, "refused %s", reason) },
			Held:    func(_, reason string) { l.note(t, "held %s", reason) },
		},
	}
}

// note writes a line of a process that lives.
func (l *trialLife) note(t *trial, format string, args ...any) {
	if !l.dead {
		t.note(format, args...)
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
	if err := t.begin(ctx); err != nil {
		return err
	}
	if err := t.sys.Drive(ctx, func() bool { return t.dies() || t.finished() }); err != nil {
		return err
	}
	if t.reel != nil && t.reel.failed != nil {
		return t.reel.failed
	}
	if end := t.sys.Now().Add(tail); t.cfg.Dies != nil && t.answer.Lives == 1 {
		if err := t.sys.Drive(ctx, func() bool { return t.dies() || !t.sys.Now().Before(end) }); err != nil {
			return err
		}
	} else if err := t.sys.Advance(ctx, tail); err != nil {
		return err
	}
	if t.died {
		return t.again(ctx)
	}
	t.look()
	if err := t.compare(ctx); err != nil {
		return err
	}
	t.note("stopping")
	return takeDown(ctx, t.node)
}

// dies reports whether the process is to die, which it does once.
func (t *trial) dies() bool {
	t.died = t.died || t.cfg.Dies != nil && t.answer.Lives == 1 && t.cfg.Dies()
	return t.died
}

// begin brings the node up and lets the script go on. A trip outlives the process that made it, and then nothing opens.
func (t *trial) begin(ctx context.Context) error {
	if err := t.node.Start(ctx); err != nil {
		return err
	}
	t.up = true
	if err := openUnless(ctx, t.node, t.dies); err != nil && (!t.told.tripped || !errors.Is(err, ErrNotOpen)) {
		return err
	}
	if err := actors.Follow[turn](t.sys, recordedName).Tell(turn{}); err != nil {
		return fmt.Errorf("starting the script: %w", err)
	}
	return nil
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
