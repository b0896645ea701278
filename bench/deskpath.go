package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// What the targets ask for.
const (
	horizonP50  = 20_000     // ns
	horizonP99  = 100_000    // ns
	cancelP99   = 50_000_000 // ns
	restartMost = 2_000_000_000
)

// farAway is a price at which nothing trades, and inside every collar.
const farAway = 90 * market.Price(1_000_000_000)

// DeskPath measures from a decision to the moment at which its order is handed to the venue's link: mailbox, gate, journal, permit. Orders come at
// a fixed rate whatever became of those before, are immediate or cancel, and trade with nobody. Beside it, in the same runs, one frame is written
// and synced again and again.
func DeskPath(ctx context.Context, cfg DeskConfig) (Answer, error) {
	if err := cfg.Validate(); err != nil {
		return Answer{}, err
	}
	a := Answer{Schema: Schema, Bench: "path", Mode: cfg.Mode, Machine: machine(), Notes: []string{
		"from the decision to the hand-over to the link, through mailbox, gate, journal and permit; the link is in the process",
		"bare: one frame of 256 bytes written and fdatasynced, again and again, by one writer",
	}}
	bare := JournalConfig{Dir: cfg.Dir, Producers: 1, Bytes: 256, Duration: cfg.Duration, Runs: 1}
	dir, err := os.MkdirTemp(cfg.Dir, "failshut-bench-path-")
	if err != nil {
		return Answer{}, fmt.Errorf("folder for the file: %w", err)
	}
	for i := range cfg.Runs {
		cfg.say(2*i+1, 2*cfg.Runs, bareSync)
		row, err2 := bare.bare(ctx, filepath.Join(dir, fmt.Sprint(i)))
		if err2 != nil {
			err = err2
			break
		}
		a.Runs = append(a.Runs, row)
		cfg.say(2*i+2, 2*cfg.Runs, cfg.Mode)
		if row, err = cfg.decisions(ctx); err != nil {
			break
		}
		a.Runs = append(a.Runs, row)
	}
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return Answer{}, err
	}
	disk, ours := medianSystem(a.Runs, bareSync), medianSystem(a.Runs, cfg.Mode)
	a.Medians, a.Median = []Row{disk, ours}, ours
	switch cfg.Mode {
	case "horizon":
		a.Targets = []Target{
			atMost("decision to hand-over p50, ns", figure(ours.P50), horizonP50), atMost("decision to hand-over p99, ns", figure(ours.P99), horizonP99),
		}
	default:
		a.Targets = []Target{atMost("decision to hand-over p99, times a bare fdatasync's", ratio(ours.P99, disk.P99), 2)}
	}
	a.Thresholds, err = judge(cfg.Thresholds, deskFigures(ours))
	return a, err
}

func figure(v *int64) *float64 {
	if v == nil {
		return nil
	}
	return new(float64(*v))
}

func (c DeskConfig) say(run, of int, what string) {
	if c.Progress != nil {
		c.Progress(run, of, what)
	}
}

// decisions is one run on a node of its own.
func (c DeskConfig) decisions(ctx context.Context) (Row, error) {
	r, err := c.openRig(ctx)
	if err != nil {
		return Row{}, err
	}
	took, sent := load.NewLatencies(), &atomic.Int64{}
	hear := func(n orders.New) {
		took.Record(r.demo.Node().Now().Mono - n.Decided)
		sent.Add(1)
	}
	warm, err := c.pace(ctx, 0, warmUp, r.iocs) // capacity is granted by what is asked for
	if err == nil {
		err = r.until(ctx, "the warm-up is over", func() bool { return r.demo.Node().Account(deskAccount).Live == 0 })
	}
	r.sent.Store(&hear)
	refused := r.refusals.Load()
	m, asked := startMeter(), 0
	if err == nil {
		asked, err = c.pace(ctx, warm, c.Duration, r.iocs)
	}
	over := func() int64 { return r.refusals.Load() - refused }
	if err == nil {
		err = r.until(ctx, fmt.Sprintf("%d orders are handed over", asked), func() bool { return sent.Load()+over() >= int64(asked) })
	}
	if err == nil && over() > int64(asked)/100 {
		err = fmt.Errorf("%w: %d of %d orders were refused, the last for %s", errRig, over(), asked, r.refused.Load().Reason)
	}
	row := m.row(max(1, uint64(sent.Load()))) //nolint:gosec // not below 0
	r.sent.Store(nil)
	err = errors.Join(err, r.close(ctx), ctx.Err())
	row.System, row.Offered = c.Mode, new(int64(c.Rate))
	row.times(took)
	return row, err
}

// warmUp is how long orders come before anything is measured.
const warmUp = 2 * time.Second

// iocs decides on an order that trades with nobody.
func (r *rig) iocs(nth int) error { return r.place(nth, market.Unit, farAway, market.IOC) }

// pace calls do at the rate, each at its time whatever the ones before took, and returns how often it did. Numbers follow on from.
func (c DeskConfig) pace(ctx context.Context, from int, d time.Duration, do func(nth int) error) (int, error) {
	start, nth := time.Now(), 0
	for total := int(float64(c.Rate) * d.Seconds()); nth < total && ctx.Err() == nil; {
		due := start.Add(time.Duration(nth) * time.Second / time.Duration(c.Rate))
		if wait := time.Until(due); wait > 0 {
			if err := pause(ctx, wait); err != nil {
				return nth, err
			}
		}
		nth++
		if err := do(from + nth); err != nil {
			return nth - 1, fmt.Errorf("decision %d: %w", nth, err)
		}
	}
	return nth, ctx.Err()
}
