package strategy_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintf(os.Stderr, "goroutines are left: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

var (
	acme = market.MustListed("SIM", "ACME")
	bolt = market.MustListed("SIM", "BOLT")
	dart = market.MustListed("SIM", "DART") // on no list of the strategy's
)

func contract(i market.Instrument) market.Contract {
	return market.Contract{
		Instrument: i, Currency: "USD", Tick: 10_000_000, Lot: market.Unit, MinQty: market.Unit, MaxQty: 1000 * market.Unit, Multiplier: market.One,
	}
}

// rig is one strategy on the deterministic dispatch, between an account and a feed that the test plays.
type rig struct {
	t     *testing.T
	sys   *actors.System
	cfg   strategy.Config
	box   mailbox.Config
	desk  *desk
	board *board
	to    actors.Address[strategy.Message]
	epoch actors.Epoch
	why   strategy.Why // of the first incarnation
	exits []actors.Exit
	ready []string
	told  uint64 // events of orders so far, over all incarnations
	noes  map[string]int
}

// desk is the account: it keeps what it was handed.
type desk struct {
	attached  int
	placed    []risk.Intent
	cancelled []risk.Cause
	swept     int   // CancelAll
	err       error // what Place answers
	cancelErr error
	order     []string // place, cancel and sweep, as they came
}

func (d *desk) Place(in risk.Intent) error {
	if d.err != nil {
		return d.err
	}
	d.placed = append(d.placed, in)
	d.order = append(d.order, "place")
	return nil
}

func (d *desk) Cancel(_ string, cause risk.Cause) error {
	d.order = append(d.order, "cancel")
	if d.cancelErr != nil {
		return d.cancelErr
	}
	d.cancelled = append(d.cancelled, cause)
	return nil
}

func (d *desk) CancelAll(string) error {
	d.order = append(d.order, "sweep")
	d.swept++
	return nil
}

func (d *desk) Attach(string, uint64) error {
	d.attached++
	return nil
}

// board is what the strategy may look at.
type board struct {
	quotes map[market.Instrument]feeds.Quote
	mode   risk.Mode
	narrow map[market.Instrument]risk.Mode // of one instrument
	why    risk.Code
}

func (b *board) Quote(i market.Instrument) (feeds.Quote, bool) {
	q, ok := b.quotes[i]
	return q, ok
}

func (b *board) Gate(i market.Instrument) strategy.Gate {
	mode, narrow := b.narrow[i]
	if !narrow {
		mode = b.mode
	}
	return strategy.Gate{Instrument: i, Mode: mode, Why: b.why}
}

// newRig has a market in two instruments and an open gate. Change may alter the configuration.
func newRig(t *testing.T, change func(*rig)) *rig {
	t.Helper()
	r := &rig{
		t: t, sys: actorstest.NewSystem(t, 0), desk: &desk{}, noes: map[string]int{}, box: strategy.Box(2, 1),
		board: &board{mode: risk.Open, quotes: map[market.Instrument]feeds.Quote{acme: quote(acme, 1), bolt: quote(bolt, 1)}},
	}
	r.sys.OnExit(func(x actors.Exit) { r.exits = append(r.exits, x) })
	r.to = actors.Follow[strategy.Message](r.sys, "s")
	r.cfg = strategy.Config{
		Name: "s", Account: "A1", Contracts: []market.Contract{contract(acme), contract(bolt)}, Incarnation: 7, TTL: time.Second,
		Desk: r.desk, World: r.board,
		Events: strategy.Events{Refused: func(_, reason string, n int) { r.noes[reason] += n }},
	}
	if change != nil {
		change(r)
	}
	return r
}

func quote(i market.Instrument, seq uint64) feeds.Quote {
	const px = 50 * market.Price(1e9)
	return feeds.Quote{
		Pos: feeds.Pos{Epoch: 1, Seq: seq}, Instrument: i, State: feeds.Live,
		Bid: feeds.Level{Price: px - 10_000_000, Qty: 100 * market.Unit}, Ask: feeds.Level{Price: px + 10_000_000, Qty: 100 * market.Unit},
	}
}

func trade(i market.Instrument, seq uint64) feeds.Trade {
	return feeds.Trade{Pos: feeds.Pos{Epoch: 1, Seq: seq}, Instrument: i, State: feeds.Live, Price: 50 * market.Price(1e9), Qty: market.Unit}
}

// spawn starts the next incarnation, which then waits for its state.
func (r *rig) spawn(user any) {
	r.t.Helper()
	r.epoch++
	why := cmp.Or(r.why, strategy.WhyFirst)
	if r.epoch > 1 {
		why = strategy.WhyCrash
	}
	shell := strategy.NewShell(r.cfg, user, why, func(evidence string) error {
		r.ready = append(r.ready, evidence)
		if u, ok := user.(*trader); ok {
			u.say("ready %s", evidence)
		}
		return nil
	})
	spawn(r.t, r.sys, "s", r.epoch, r.box, shell)
	r.settle()
}

// spawn starts an actor of a strategy as a node does.
func spawn(t *testing.T, sys *actors.System, name actors.Name, epoch actors.Epoch, box mailbox.Config, shell actors.Actor[strategy.Message]) actors.Ref[strategy.Message] {
	t.Helper()
	sp, err := actors.Spec[strategy.Message]{Name: name, Epoch: epoch, Class: "strategy", Actor: shell}.With(strategy.Options(box)...)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := actors.Spawn(sys, sp)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// start spawns an incarnation and gives it its state.
func (r *rig) start(user any, state strategy.State) {
	r.t.Helper()
	r.spawn(user)
	state.Seq = r.told
	r.tell(strategy.Restored(state))
}

func (r *rig) tell(m strategy.Message) {
	r.t.Helper()
	if err := r.to.Tell(m); err != nil {
		r.t.Fatalf("Tell() error = %v, want nil", err)
	}
	r.settle()
}

func (r *rig) settle() {
	r.t.Helper()
	actorstest.Settle(r.t, r.sys, 0)
}

func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	actorstest.Settle(r.t, r.sys, d)
}

// event is told as the account tells it: numbered.
func (r *rig) event(e orders.Event) {
	r.t.Helper()
	r.told++
	r.tell(strategy.Told(e, r.told))
}

// of is an event of the n-th intent that was handed over.
func (r *rig) of(n int, k orders.EventKind) orders.Event {
	r.t.Helper()
	if n >= len(r.desk.placed) {
		r.t.Fatalf("%d intents were handed over, want more than %d", len(r.desk.placed), n)
	}
	in := r.desk.placed[n]
	return orders.Event{
		Kind: k, Order: market.ClOrdID(fmt.Sprint("O", n)), Cause: in.Cause, Strategy: "s", Instrument: in.Instrument, Side: in.Side,
		Qty: in.Qty, Leaves: in.Qty, Price: in.Price, Evidence: r.told + 1000,
	}
}

// refusal is how the account says no to the n-th intent: no order came to be.
func (r *rig) refusal(n int, why risk.Code) orders.Event {
	e := r.of(n, orders.EventRefused)
	e.Order, e.Request, e.Reason, e.Leaves, e.Evidence = "", market.ClOrdID(fmt.Sprint("O", n)), orders.Reason(why), 0, 0
	return e
}

// fill is an execution of the n-th intent.
func (r *rig) fill(n int, qty, cum market.Qty) orders.Event {
	e := r.of(n, orders.EventFill)
	e.LastQty, e.LastPx, e.Cum, e.Leaves, e.Exec = qty, e.Price, cum, e.Qty-cum, fmt.Sprint("E", r.told)
	return e
}

// closed is the end of the n-th intent's order.
func (r *rig) closed(n int, cum market.Qty) orders.Event {
	e := r.of(n, orders.EventClosed)
	e.Cum, e.Leaves = cum, 0
	return e
}

// filled fills and closes the order of the n-th intent.
func (r *rig) filled(n int) {
	r.t.Helper()
	qty := r.desk.placed[n].Qty
	r.event(r.fill(n, qty, qty))
	r.event(r.closed(n, qty))
}

// ended is the one exit of the last incarnation.
func (r *rig) ended(reason actors.Reason) actors.Exit {
	r.t.Helper()
	if len(r.exits) == 0 {
		r.t.Fatalf("nothing ended, want %s", reason)
	}
	x := r.exits[len(r.exits)-1]
	if x.Epoch != r.epoch || x.Reason != reason {
		r.t.Fatalf("the last exit is of #%d, reason %s, want #%d, %s", x.Epoch, x.Reason, r.epoch, reason)
	}
	return x
}

// trader has every handler; what a test gives none for does nothing but note that it was called.
type trader struct {
	mu    sync.Mutex // of heard, where the strategy is on a goroutine of its own
	heard []string
	start func(*strategy.Context, strategy.Start) error
	quote func(*strategy.Context, feeds.Quote) error
	trade func(*strategy.Context, feeds.Trade) error
	state func(*strategy.Context, feeds.StateChange) error
	fill  func(*strategy.Context, strategy.Fill) error
	order func(*strategy.Context, strategy.OrderEvent) error
	timer func(*strategy.Context, strategy.Timer) error
	gate  func(*strategy.Context, strategy.Gate) error
	stop  func(*strategy.Context, strategy.Stop) error

	events []strategy.OrderEvent
}

func (u *trader) say(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.heard = append(u.heard, fmt.Sprintf(format, args...))
}

// heardSince gives what was heard since the last call.
func (u *trader) heardSince() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.heard
	u.heard = nil
	return out
}

// told gives the events since the last call.
func (u *trader) told() []strategy.OrderEvent {
	out := u.events
	u.events = nil
	return out
}

func run[A any](f func(*strategy.Context, A) error, c *strategy.Context, a A) error {
	if f == nil {
		return nil
	}
	return f(c, a)
}

func (u *trader) OnStart(c *strategy.Context, s strategy.Start) error {
	u.say("start %s", s.Why)
	return run(u.start, c, s)
}

func (u *trader) OnQuote(c *strategy.Context, q feeds.Quote) error {
	u.say("quote %s %d", q.Instrument.Symbol(), q.Seq)
	return run(u.quote, c, q)
}

func (u *trader) OnTrade(c *strategy.Context, t feeds.Trade) error {
	u.say("trade %s %d", t.Instrument.Symbol(), t.Seq)
	return run(u.trade, c, t)
}

func (u *trader) OnFeedState(c *strategy.Context, e feeds.StateChange) error {
	of := "*"
	if e.Instrument.Valid() {
		of = string(e.Instrument.Symbol())
	}
	u.say("state %s %s %s", of, e.State, e.Why)
	return run(u.state, c, e)
}

func (u *trader) OnFill(c *strategy.Context, f strategy.Fill) error {
	u.say("fill %s", f.Qty)
	return run(u.fill, c, f)
}

func (u *trader) OnOrder(c *strategy.Context, e strategy.OrderEvent) error {
	u.say("order %s %s", e.Kind, e.Reason)
	u.events = append(u.events, e)
	return run(u.order, c, e)
}

func (u *trader) OnTimer(c *strategy.Context, e strategy.Timer) error {
	u.say("timer %s missed %d", e.Key, e.Missed)
	return run(u.timer, c, e)
}

func (u *trader) OnGate(c *strategy.Context, g strategy.Gate) error {
	u.say("gate %s", g.Mode)
	return run(u.gate, c, g)
}

func (u *trader) OnStop(c *strategy.Context, s strategy.Stop) error {
	u.say("stop %s", s.Why)
	return run(u.stop, c, s)
}

// buy is a limit order that nothing is wrong with.
func buy(i market.Instrument) risk.Intent {
	return risk.Intent{Instrument: i, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: market.Unit, Price: 50 * market.Price(1e9)}
}

func sell(i market.Instrument) risk.Intent {
	in := buy(i)
	in.Side = market.Sell
	return in
}

var errPlanted = errors.New("planted")

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// stop asks the living incarnation to end.
func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	if err := r.sys.Stop(ctx); err != nil {
		r.t.Fatal(err)
	}
}
