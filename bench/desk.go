package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// ErrDesk says that a benchmark of the way of an order was asked for something that there is not.
var ErrDesk = errors.New("bench path")

// DeskConfig is a benchmark of the way of orders through a whole node on a real disk, with the embedded exchange in the same process.
type DeskConfig struct {
	Files      func() (node, venue *config.File, err error) // two files without mistakes, read anew for each run
	Defs       strategy.Defs
	Dir        string // on the disk to be measured; a folder in it is made and removed
	Mode       string // "journal" or "horizon"
	Rate       int    // decisions a second
	Duration   time.Duration
	Runs       int
	Orders     int // that work when all are cancelled, or the account is restarted
	Thresholds []string
	Progress   func(run, of int, what string) // told before each run; nil: nobody
}

// Bounds of a benchmark.
const (
	mostRate   = 50_000
	mostOrders = 10_000
	deskWait   = 10 * time.Second // for a node to open, or for orders to work
)

// Validate lists every mistake.
func (c DeskConfig) Validate() error {
	var errs []error
	if c.Mode != "journal" && c.Mode != "horizon" {
		errs = append(errs, fmt.Errorf("mode = %q, want journal or horizon", c.Mode))
	}
	if c.Rate < 1 || c.Rate > mostRate {
		errs = append(errs, fmt.Errorf("rate = %d, want 1 to %d decisions a second", c.Rate, mostRate))
	}
	if c.Duration <= 0 || c.Runs < 1 {
		errs = append(errs, fmt.Errorf("duration = %s and runs = %d, want more than 0", c.Duration, c.Runs))
	}
	if c.Orders < 1 || c.Orders > mostOrders {
		errs = append(errs, fmt.Errorf("orders = %d, want 1 to %d", c.Orders, mostOrders))
	}
	if _, err := judge(c.Thresholds, deskFigures(Row{})); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrDesk, errors.Join(errs...))
}

// deskFigures are what a threshold may name.
func deskFigures(r Row) map[string]float64 {
	out := map[string]float64{"achieved": float64(r.Achieved), "allocs_per_op": r.AllocsPerOp, "p50": 0, "p99": 0, "max": 0}
	for name, v := range map[string]*int64{"p50": r.P50, "p99": r.P99, "max": r.Max} {
		if v != nil {
			out[name] = float64(*v)
		}
	}
	return out
}

// deskAccount and deskStrategy decide; nobody runs under that name, so nothing else does.
const (
	deskAccount  = market.Account("A1")
	deskStrategy = "cross1"
)

var deskInstrument = market.MustListed("SIM", "ACME")

// rig is a node that trades on an exchange, and what its owner of orders hands over.
type rig struct {
	demo *node.Demo
	disk *brittle
	dir  string

	sent atomic.Pointer[func(orders.New)]     // told each order that is handed over, in the owner's turn; nil: nobody
	gone atomic.Pointer[func(market.ClOrdID)] // each cancel

	refused  atomic.Pointer[orders.Event] // the last refusal
	refusals atomic.Int64
	over     atomic.Int64 // orders that ended
}

// openRig starts a node without strategies whose limits let a benchmark through.
func (c DeskConfig) openRig(ctx context.Context) (*rig, error) {
	nodeFile, venueFile, err := c.Files()
	if err != nil {
		return nil, err
	}
	widen(nodeFile)
	nodeFile.Node.Strategies = nil
	for i := range venueFile.Exchange.Sessions {
		venueFile.Exchange.Sessions[i].CancelOnDisconnect = "off"
	}
	flow := &venueFile.Exchange.Flow
	flow.DriftBpsPerMinute, flow.TradeShareBps, venueFile.Exchange.Faults = 0, 0, nil // orders far away are to trade with nobody
	r := &rig{disk: &brittle{FS: journal.OS()}}
	if r.dir, err = os.MkdirTemp(c.Dir, "failshut-bench-path-"); err != nil {
		return nil, fmt.Errorf("folder for the node: %w", err)
	}
	r.demo, err = node.OpenDemo(ctx, node.DemoConfig{
		Node: nodeFile, Venue: venueFile, Defs: c.Defs, Seed: 1, Listen: "127.0.0.1:0", Dir: filepath.Join(r.dir, "data"),
		Log: slog.New(slog.DiscardHandler), Metrics: func(*node.Node) http.Handler { return http.NotFoundHandler() },
		Said: func(string, ...any) {}, Disk: r.disk,
		Change: func(p *node.Plan) {
			p.Orders.Mode, p.Orders.TTL, p.CancelsCut = c.Mode, time.Minute, false
			p.Journal.Segment, p.Supervision.Watchdogs, p.Disk = 64*config.MiB, config.Timeouts{}, config.DiskWatch{}
		},
		Hooks: node.Hooks{
			Sent: func(_ market.Account, n orders.New) { heard(&r.sent, n) },
			Order: func(o node.OrderTold) {
				switch o.Event.Kind {
				case orders.EventRefused:
					r.refused.Store(&o.Event)
					r.refusals.Add(1)
				case orders.EventClosed:
					r.over.Add(1)
				default: // the account's status shows the rest
				}
			},
			Cancelling: func(_ market.Account, id market.ClOrdID) { heard(&r.gone, id) },
		},
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.dir))
	}
	if err := r.until(ctx, "the gate opens", r.open); err != nil {
		return nil, errors.Join(err, r.close(ctx))
	}
	return r, nil
}

// brittle is the disk of a journal, until it breaks.
type brittle struct {
	journal.FS
	broken atomic.Bool
}

type brittleFile struct {
	journal.File
	disk *brittle
}

var errRig = errors.New("the benchmark's node")

var errBroken = errors.New("the benchmark has broken the disk")

// Create makes a file that breaks with the disk.
func (b *brittle) Create(name string) (journal.File, error) { return b.on(b.FS.Create(name)) }

// Open opens one.
func (b *brittle) Open(name string) (journal.File, error) { return b.on(b.FS.Open(name)) }

func (b *brittle) on(f journal.File, err error) (journal.File, error) {
	if err != nil {
		return nil, err
	}
	return brittleFile{f, b}, nil
}

// Sync fails once the disk is broken.
func (f brittleFile) Sync() error {
	if f.disk.broken.Load() {
		return errBroken
	}
	return f.File.Sync()
}

// widen sets every limit of the file so high that none stops a benchmark.
func widen(f *config.File) {
	special := map[string]config.Count{"CollarBps": 5_000, "CollarTicks": 1_000_000, "MaxConcentrationBps": 10_000, "MaxUnknownOrders": 0}
	for i := range f.Node.Risk.Limits {
		v := reflect.ValueOf(&f.Node.Risk.Limits[i]).Elem()
		for j := range v.NumField() {
			if v.Field(j).Kind() != reflect.Pointer || v.Field(j).IsNil() {
				continue
			}
			switch p := v.Field(j).Interface().(type) {
			case *config.Count:
				count, ok := special[v.Type().Field(j).Name]
				if !ok {
					count = 1_000_000
				}
				*p = count
			case *market.Qty:
				*p = 1_000_000 * market.Unit
			case *market.Notional:
				*p = mostMoney
			}
		}
	}
}

// mostMoney is more than any benchmark moves.
var mostMoney = func() market.Notional {
	n, err := market.ParseNotional("100000000")
	if err != nil {
		panic(err) // a literal
	}
	return n
}()

// heard calls whoever listens.
func heard[V any](who *atomic.Pointer[func(V)], v V) {
	if f := who.Load(); f != nil {
		(*f)(v)
	}
}

func (r *rig) open() bool {
	n := r.demo.Node()
	return n.Account(deskAccount).Session == "open" && n.Desk.Gatez(n.Now(), "").Open
}

// until looks every millisecond.
func (r *rig) until(ctx context.Context, what string, is func() bool) error {
	for end := time.Now().Add(deskWait); !is(); {
		if time.Now().After(end) {
			n := r.demo.Node()
			why := orders.Reason("none")
			if e := r.refused.Load(); e != nil {
				why = e.Reason
			}
			return fmt.Errorf("%w: never: %s; the account stands at %+v, the gate is shut for %+v, the last refusal was for %s",
				errRig, what, n.Account(deskAccount), n.Desk.Gatez(n.Now(), "").Why, why)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// place decides on an order.
func (r *rig) place(nth int, qty market.Qty, px market.Price, tif market.TIF) error {
	now := r.demo.Node().Now()
	in := risk.Intent{
		Cause: risk.Cause{byte(nth), byte(nth >> 8), byte(nth >> 16), 1}, Strategy: deskStrategy, Instrument: deskInstrument, Side: market.Buy,
		Type: market.Limit, TIF: tif, Qty: qty, Price: px, Decided: now.Mono, DecidedWall: market.Timestamp(now.Wall),
	}
	return r.demo.Node().Tell(deskAccount, orders.Place{Intent: in})
}

// close takes the node down without its phases, and removes the folder.
func (r *rig) close(ctx context.Context) error {
	r.demo.Shutdown()
	r.demo.Skip()
	result := <-r.demo.Ended()
	_, err := r.demo.Close(context.WithoutCancel(ctx), result)
	return errors.Join(err, os.RemoveAll(r.dir))
}
