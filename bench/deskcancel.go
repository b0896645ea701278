package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// adversity is what is broken while orders are cancelled.
type adversity struct {
	name                string
	quorum, boxes, disk bool
}

// adversities are the conditions of P7: cancels need none of what is broken.
var adversities = []adversity{
	{name: "nothing broken"},
	{name: "quorum lost", quorum: true},
	{name: "mailboxes full", boxes: true},
	{name: "journal dead", disk: true},
	{name: "all of it", quorum: true, boxes: true, disk: true},
}

// DeskCancel measures how long each cancel of a cancel-all takes to be handed to the venue's link, under each adversity on a node of its own.
func DeskCancel(ctx context.Context, cfg DeskConfig) (Answer, error) {
	if err := cfg.Validate(); err != nil {
		return Answer{}, err
	}
	a := Answer{Schema: Schema, Bench: "path", Mode: "cancel", Machine: machine(), Notes: []string{
		fmt.Sprintf("%d orders work; from the cancel-all to the hand-over of each cancel to the link, which is in the process", cfg.Orders),
		"quorum lost: the log takes no proposal; mailboxes full: the lane of orders is kept full; journal dead: its fdatasync fails, which closes the account",
		"the time begins ahead of what breaks",
	}}
	for i := range cfg.Runs {
		for j, adv := range adversities {
			cfg.say(i*len(adversities)+j+1, cfg.Runs*len(adversities), adv.name)
			row, err := cfg.cancelled(ctx, adv)
			if err != nil {
				return Answer{}, fmt.Errorf("%s: %w", adv.name, err)
			}
			a.Runs = append(a.Runs, row)
		}
	}
	for _, adv := range adversities {
		row := medianSystem(a.Runs, adv.name)
		a.Medians = append(a.Medians, row)
		a.Targets = append(a.Targets, atMost("cancel handed over p99, ns, "+adv.name, figure(row.P99), cancelP99))
	}
	a.Median = a.Medians[len(a.Medians)-1]
	var err error
	a.Thresholds, err = judge(cfg.Thresholds, deskFigures(a.Median))
	return a, err
}

// deafLog takes no proposal.
type deafLog struct{ term uint64 }

func (deafLog) Propose(context.Context, []byte) (uint64, error) { return 0, risk.ErrNotAppended }
func (l deafLog) Term() uint64                                  { return l.term }

// cancelled is one run.
func (c DeskConfig) cancelled(ctx context.Context, adv adversity) (row Row, err error) {
	r, err := c.openRig(ctx)
	if err != nil {
		return Row{}, err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	if err := c.working(ctx, r); err != nil {
		return Row{}, err
	}
	took, gone := load.NewLatencies(), &atomic.Int64{}
	live := int64(r.demo.Node().Account(deskAccount).Live)
	m := startMeter()
	hear := func(market.ClOrdID) {
		took.Record(time.Since(m.start).Nanoseconds())
		gone.Add(1)
	}
	r.gone.Store(&hear)
	stop := c.breaks(ctx, r, adv)
	defer stop()
	if err := r.demo.Node().Tell(deskAccount, orders.CancelAll{Why: "bench"}); err != nil {
		return Row{}, err
	}
	if err := r.until(ctx, fmt.Sprintf("%d cancels are handed over", live), func() bool { return gone.Load() >= live }); err != nil {
		return Row{}, err
	}
	row = m.row(uint64(max(1, live))) //nolint:gosec // above 0
	r.gone.Store(nil)
	if adv.disk {
		if err := r.until(ctx, "the journal is dead", func() bool { return r.demo.Node().Account(deskAccount).Journal == journal.Dead }); err != nil {
			return Row{}, err
		}
	}
	stop()
	if err := r.until(ctx, "every order has ended", func() bool { return r.demo.Node().Account(deskAccount).Live == 0 }); err != nil {
		return Row{}, err
	}
	row.System = adv.name
	row.times(took)
	return row, nil
}

// working has so many orders work at the exchange.
func (c DeskConfig) working(ctx context.Context, r *rig) error {
	nth := 0
	for end := time.Now().Add(2 * deskWait); ; {
		s := r.demo.Node().Account(deskAccount)
		live := s.Live
		missing := c.Orders - live
		onTheirWay := s.ByStatus[orders.StatusNew] != live || live+int(r.refusals.Load()+r.over.Load()) != nth
		if missing <= 0 && !onTheirWay {
			return nil
		}
		if time.Now().After(end) {
			return r.until(ctx, fmt.Sprintf("%d orders work", c.Orders), func() bool { return false })
		}
		for range min(missing, 100) {
			if onTheirWay {
				break
			}
			nth++
			if err := r.place(nth, market.Unit, farAway, market.GTC); err != nil {
				return err
			}
		}
		if err := pause(ctx, 150*time.Millisecond); err != nil { // until the owner has shown what became of them
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// breaks breaks what the adversity says, and returns what ends it.
func (c DeskConfig) breaks(ctx context.Context, r *rig, adv adversity) (stop func()) {
	n := r.demo.Node()
	if adv.quorum {
		n.LogIs(deafLog{term: 1})
	}
	if adv.disk {
		r.disk.broken.Store(true)
		_ = r.place(1<<20, market.Unit, farAway, market.IOC) // something to write; refused is as well
	}
	if !adv.boxes {
		return func() {}
	}
	flood, end := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for nth := 2 << 20; flood.Err() == nil; nth++ {
			_ = r.place(nth, market.Unit, farAway, market.IOC) // a full lane says no, which is what is wanted
		}
	}()
	return func() { end(); <-over }
}

// DeskRestart measures how long an account with working orders takes until it is open again, when its session, owner and reconciler start
// anew: the journal is read, the venue tells again what was missed and lists its orders, and the gate opens.
func DeskRestart(ctx context.Context, cfg DeskConfig) (Answer, error) {
	if err := cfg.Validate(); err != nil {
		return Answer{}, err
	}
	a := Answer{Schema: Schema, Bench: "path", Mode: "restart", Machine: machine(), Notes: []string{
		fmt.Sprintf("%d orders work, and none is UNKNOWN; from the end of the account's session to its gate being open again", cfg.Orders),
		"the account starts anew, not the process: journal and log stay open, and the exchange is in the process",
	}}
	for i := range cfg.Runs {
		cfg.say(i+1, cfg.Runs, "restart")
		row, err := cfg.restarted(ctx)
		if err != nil {
			return Answer{}, err
		}
		a.Runs = append(a.Runs, row)
	}
	a.Median = medianOf(a.Runs)
	a.Medians = []Row{a.Median}
	a.Targets = []Target{atMost(fmt.Sprintf("restart with %d working orders to open, ns", cfg.Orders), figure(a.Median.P50), restartMost)}
	var err error
	a.Thresholds, err = judge(cfg.Thresholds, deskFigures(a.Median))
	return a, err
}

func (c DeskConfig) restarted(ctx context.Context) (row Row, err error) {
	r, err := c.openRig(ctx)
	if err != nil {
		return Row{}, err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	if err := c.working(ctx, r); err != nil {
		return Row{}, err
	}
	n := r.demo.Node()
	before := n.Account(deskAccount).Generation
	m := startMeter()
	if err := n.Tree().Inject("venues/"+string(deskAccount)+"/session", supervision.Panic); err != nil {
		return Row{}, err
	}
	again := func() bool { return n.Account(deskAccount).Generation > before && r.open() }
	if err := r.until(ctx, "the account is open again", again); err != nil {
		return Row{}, err
	}
	took := time.Since(m.start).Nanoseconds()
	row = m.row(1)
	if live := n.Account(deskAccount).Live; live < c.Orders {
		return Row{}, fmt.Errorf("%w: %d orders work after the restart, want %d", errRig, live, c.Orders)
	}
	row.System, row.P50, row.P99, row.Max = "restart", &took, &took, &took
	return row, nil
}
