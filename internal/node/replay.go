package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/judge"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

// ReplayConfig is one replay: a recording through the same tree as a live node, paper fills from the recorded book,
// virtual time.
type ReplayConfig struct {
	Format    judge.Format
	Files     []string
	Snapshots []string
	Strategy  string           // where there is no Config
	Params    string           // of Strategy, as in a file, over its defaults
	Config    *config.File     // a node file without mistakes; nil: the defaults of a replay
	From      market.Timestamp // packets received before are left out; 0: none
	Until     market.Timestamp // packets received then or later are left out; 0: none
	Seed      uint64
	Defs      strategy.Defs
	Ledger    io.Writer // nil: not written
	Events    io.Writer // nil: not written
	Log       *slog.Logger
}

// ReplayAnswer is what a replay prints. Nothing in it depends on the wall clock.
type ReplayAnswer struct {
	Schema       string                `json:"schema"`
	Format       string                `json:"format"`
	Strategy     string                `json:"strategy"`
	Seed         uint64                `json:"seed"`
	Packets      uint64                `json:"packets"`
	Messages     uint64                `json:"messages"`
	Events       uint64                `json:"events"`
	StateChanges map[string]uint64     `json:"state_changes"`
	Intents      uint64                `json:"intents"`
	Refused      map[string]uint64     `json:"refused"`
	Orders       uint64                `json:"orders"`
	Fills        uint64                `json:"fills"`
	Positions    map[string]market.Qty `json:"positions"`
	VirtualStart *string               `json:"virtual_start"`
	VirtualEnd   *string               `json:"virtual_end"`
	FinalState   string                `json:"final_state"`
	EventHash    *string               `json:"event_hash"`

	// Report is the verdict on the recording itself, judged before it was replayed.
	Report judge.Report `json:"-"`
}

// ErrNotOpen says that the gates of a replay did not open: nothing was replayed.
var ErrNotOpen = errors.New("the gates did not open")

// lead is how long before the recording begins the virtual clock does: the node comes up, reconciles and opens in it.
const lead = time.Minute

// tail is how long the clock runs on after the last packet, so that what is under way arrives.
const tail = 2 * time.Second

// Replay judges a recording, and then runs it. The error is of reading or of the machinery; a recording that does not
// verify is in the answer's Report.
func Replay(ctx context.Context, cfg ReplayConfig) (ReplayAnswer, error) {
	report, instruments, err := survey(ctx, cfg)
	if err != nil {
		return ReplayAnswer{}, err
	}
	rec, err := capture.Open(ctx, cfg.Format.Family, cfg.Files, cfg.Snapshots)
	if err != nil {
		return ReplayAnswer{}, err
	}
	defer func() { _ = rec.Close() }() // it was only read
	return replay(ctx, cfg, report, instruments, rec)
}

// survey judges the recording and finds the instruments that have a book message or a trade in it.
func survey(ctx context.Context, cfg ReplayConfig) (judge.Report, []market.Instrument, error) {
	found := &census{seen: map[market.Instrument]bool{}}
	f := cfg.Format
	f.New = func(c feeds.Config) (feeds.Feed, error) {
		c.Sink = found
		return cfg.Format.New(c)
	}
	report, err := judge.Verify(ctx, f, cfg.Files, cfg.Snapshots)
	slices.SortFunc(found.all, market.Instrument.Compare)
	return report, found.all, err
}

// census collects instruments.
type census struct {
	seen map[market.Instrument]bool
	all  []market.Instrument
	last market.Instrument
}

func (c *census) see(i market.Instrument) {
	if i == c.last || c.seen[i] || !i.Valid() {
		return
	}
	c.last = i
	c.seen[i] = true
	c.all = append(c.all, i)
}

// Quote sees an instrument.
func (c *census) Quote(q feeds.Quote) { c.see(q.Instrument) }

// Depth sees an instrument.
func (c *census) Depth(d feeds.Depth) { c.see(d.Instrument) }

// Trade sees an instrument.
func (c *census) Trade(t feeds.Trade) { c.see(t.Instrument) }

// State says nothing of an instrument that has no message.
func (c *census) State(feeds.StateChange) {}

// rerun is one run of a recording.
type rerun struct {
	cfg     ReplayConfig
	sys     *actors.System
	node    *Node
	channel *recorded
	log     *eventLog
	answer  ReplayAnswer
}

func replay(ctx context.Context, cfg ReplayConfig, report judge.Report, instruments []market.Instrument, source packets) (ReplayAnswer, error) {
	if report.FirstTime == nil {
		return blank(cfg, report), nil // an empty recording: its verdict says so
	}
	r, err := prepare(ctx, cfg, report, instruments, source)
	if err != nil {
		return ReplayAnswer{}, err
	}
	if err := r.play(ctx); err != nil {
		return ReplayAnswer{}, errors.Join(err, r.sys.Stop(context.WithoutCancel(ctx)))
	}
	return r.end(ctx)
}

// blank is the answer of a recording as far as judging it has found.
func blank(cfg ReplayConfig, report judge.Report) ReplayAnswer {
	return ReplayAnswer{
		Schema: "failshut.replay/1", Format: cfg.Format.Name, Strategy: cfg.Strategy, Seed: cfg.Seed, Packets: report.Packets,
		Messages: report.Messages, StateChanges: map[string]uint64{}, Refused: map[string]uint64{}, Positions: map[string]market.Qty{},
		FinalState: report.FinalState, Report: report,
	}
}

// ErrWindow says that nothing of the recording lies between From and Until.
var ErrWindow = errors.New("the window holds nothing")

// prepare brings a node up, open and ready, with the recording about to begin.
func prepare(ctx context.Context, cfg ReplayConfig, report judge.Report, instruments []market.Instrument, source packets) (*rerun, error) {
	r := &rerun{cfg: cfg, log: newEventLog(cfg.Events), answer: blank(cfg, report)}
	first, last := max(market.Timestamp(*report.FirstTime), cfg.From), market.Timestamp(*report.LastTime)
	if cfg.Until > 0 {
		last = min(last, cfg.Until)
	}
	if cfg.From > market.Timestamp(*report.LastTime) || cfg.Until > 0 && cfg.Until <= market.Timestamp(*report.FirstTime) {
		return nil, fmt.Errorf("%w: the recording is from %s to %s", ErrWindow, market.Timestamp(*report.FirstTime), market.Timestamp(*report.LastTime))
	}
	r.answer.VirtualStart, r.answer.VirtualEnd = nanos(first), nanos(last)
	plan, err := planFor(cfg, instruments)
	if err != nil {
		return nil, err
	}
	if err := r.build(plan, &window{source, cfg.From, cfg.Until}, time.Unix(0, int64(first)).Add(-lead)); err != nil {
		return nil, err
	}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(err, r.sys.Stop(context.WithoutCancel(ctx)))
	}
	return r, nil
}

func planFor(cfg ReplayConfig, instruments []market.Instrument) (*Plan, error) {
	if cfg.Config != nil {
		return PaperPlanOf(cfg.Config, cfg.Format.Venue, cfg.Defs)
	}
	plan, err := PaperPlan(cfg.Format.Venue, instruments, cfg.Strategy, cfg.Defs)
	if err != nil {
		return nil, err
	}
	return plan, plan.Strategies[0].given(cfg.Params, strategy.FromFlag, cfg.Defs)
}

// build makes the node in its world: virtual clock, one deterministic thread, everything in memory.
func (r *rerun) build(plan *Plan, source packets, start time.Time) error {
	var err error
	r.sys, err = actors.New(systemConfig("replay", actors.Virtual(start), actors.Deterministic(), r.cfg.Seed, r.cfg.Log))
	if err != nil {
		return err
	}
	var out sim.Outlets
	if r.cfg.Ledger != nil {
		out.Ledger = sim.NewLedger(r.cfg.Ledger, false)
	}
	exchange, book, err := paperVenue(plan, r.cfg.Seed, sim.DedupeStrict, nil, out)
	if err != nil {
		return err
	}
	world := paperWorld(r.sys, r.cfg.Seed, r.cfg.Log, exchange, book, func(n *Node, readers *feeds.Fanout) supervision.Child {
		r.channel = &recorded{format: r.cfg.Format, source: source, page: n.Board.Page(nil), readers: readers}
		return r.channel.child()
	})
	r.head(plan)
	r.node, err = New(plan, world, Hooks{
		Order: r.told, Delivered: r.log, Intent: func(risk.Intent) { r.answer.Intents++ },
		Strategy: strategy.Events{Refused: func(_, reason string, n int) { r.answer.Refused[reason] += uint64(n) }},
	})
	return err
}

// head writes the effective values as the first line of the events file.
func (r *rerun) head(plan *Plan) {
	b, err := json.Marshal(struct {
		Schema      string            `json:"schema"`
		Format      string            `json:"format"`
		Strategy    string            `json:"strategy"`
		Seed        uint64            `json:"seed"`
		Venue       market.Venue      `json:"venue"`
		Contracts   []market.Contract `json:"contracts"`
		Limits      []risk.Limit      `json:"limits"`
		LatencyNS   int64             `json:"latency_ns"`
		NotEnforced []string          `json:"not_enforced"`
	}{
		"failshut.replay.events/1", r.cfg.Format.Name, r.cfg.Strategy, r.cfg.Seed, plan.Venue, plan.Contracts, plan.Risk.Limits,
		int64(sim.PaperLatency), plan.NotEnforced,
	})
	if err == nil {
		r.log.head(b)
	}
}

// told takes every event of an order, as its strategy does.
func (r *rerun) told(o OrderTold) {
	e := o.Event
	r.log.order(e)
	switch kindOf(e) {
	case accepted:
		r.answer.Orders++
	case filled:
		r.answer.Fills++
	case refused:
		r.answer.Refused[string(e.Reason)]++
	case other:
	}
}

// start brings the node up and waits until its gates are open.
func (r *rerun) start(ctx context.Context) error {
	if err := r.node.Start(ctx); err != nil {
		return err
	}
	return openGates(ctx, r.node)
}

// play runs the recording from its first packet to its last.
func (r *rerun) play(ctx context.Context) error {
	if err := actors.Follow[turn](r.sys, recordedName).Tell(turn{}); err != nil {
		return fmt.Errorf("starting the recording: %w", err)
	}
	if err := r.sys.Drive(ctx, r.channel.finished.Load); err != nil {
		return err
	}
	return r.channel.failed
}

func nanos(t market.Timestamp) *string {
	s := strconv.FormatInt(int64(t), 10)
	return &s
}

// end lets what is under way arrive, takes the node down in order, and gives the answer.
func (r *rerun) end(ctx context.Context) (ReplayAnswer, error) {
	err := r.sys.Advance(ctx, tail)
	if err == nil {
		maps.Copy(r.answer.Positions, r.node.Positions())
		err = takeDown(ctx, r.node)
	}
	if err := errors.Join(err, r.sys.Stop(context.WithoutCancel(ctx))); err != nil {
		return ReplayAnswer{}, err
	}
	hash, err := r.log.close()
	r.answer.EventHash = &hash
	r.answer.Events, r.answer.StateChanges = r.log.events, r.log.states
	return r.answer, err
}
