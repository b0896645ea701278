package sim_test

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// housed is a tree of journal, exchange with a flow, and one account.
type housed struct {
	t       *testing.T
	sys     *actors.System
	tree    *supervision.Tree
	file    *guarded
	fs      journal.FS
	log     *journal.Log
	account *orders.Account
	acme    market.Instrument

	risk   *risktest.Node // of the owner's turns, once the tree is up
	quotes risktest.Quotes

	mu     sync.Mutex
	events []orders.Event
	opened int
}

// settle starts the tree, which is up when the account has been reconciled with the exchange.
func settle(t *testing.T, cfg actors.Config) *housed {
	t.Helper()
	h := &housed{t: t, file: &guarded{}, fs: journal.NewMemFS(1 << 30), acme: market.MustListed("SIM", "ACME"), quotes: risktest.Quotes{}}
	var err error
	h.sys, err = actors.New(cfg)
	h.must(err)
	h.openRisk()
	engine := config(t)
	engine.Flow = sim.DefaultFlow()
	e, err := sim.NewEngine(engine)
	h.must(err)
	exchange := sim.NewExchange(e, sim.Outlets{Ledger: sim.NewLedger(h.file, false)})
	h.account, err = orders.NewAccount(orders.AccountConfig{
		Parts: orders.Parts{
			Options: orders.Options{Account: "A1"}, Gate: livingGate{h.risk.Desk.Gate("A1"), h}, Listener: h.hear, AnswerAfter: 500 * time.Millisecond,
		},
		Journal: func() (orders.Log, iter.Seq2[journal.Record, error]) { return h.log, journal.Read(h.fs, "journal", 0) },
		Dial: sim.Dial(sim.GatewayConfig{
			Port: sim.NewEntrance(actors.Follow[sim.ExchangeMessage](h.sys, "exchange")), Session: "A1", Node: "n1", Venue: "SIM", Now: h.now,
		}),
		Opened: func(uint64) { h.with(func() { h.opened++ }) },
	})
	h.must(err)
	root := supervision.Spec{
		Name: "root", Strategy: supervision.RestForOne, Intensity: 5, Period: time.Minute,
		Children: []supervision.Child{exchange.Child("exchange"), supervision.DefaultChild("journal", h.startJournal), h.account.Child()},
	}
	h.tree, err = supervision.Start(t.Context(), h.sys, root, supervision.Options{})
	h.must(err)
	return h
}

func (h *housed) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *housed) with(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// now is the system's reading, moved on by an hour: a reading of 0 is none.
func (h *housed) now() risk.Reading {
	t := h.sys.Now()
	return risk.Reading{Wall: t.UnixNano(), Mono: h.sys.Instant(t) + int64(time.Hour)}
}

func (h *housed) openRisk() {
	catalogue, err := market.NewCatalogue([]market.Contract{contract(h.t, "ACME")})
	h.must(err)
	h.quotes[h.acme] = risktest.Live(price(h.t, "100"), h.now().Mono)
	who := risk.Entitlement{Account: "A1", Strategies: []string{"s"}, Instruments: []market.Instrument{h.acme}}
	h.risk = risktest.New(h.t, risktest.Config(who), catalogue, h.quotes, h.now())
	h.risk.Open(h.t)
}

// livingGate is a gate whose node of risk is brought up to the system's time at each check.
type livingGate struct {
	*risk.Gate
	h *housed
}

func (g livingGate) Check(in risk.Intent, _ risk.Reading) (risk.Permit, error) {
	if d := time.Duration(g.h.now().Mono - g.h.risk.Now.Mono); d > 0 {
		g.h.risk.Pass(d)
	}
	g.h.quotes[g.h.acme] = risktest.Live(price(g.h.t, "100"), g.h.risk.Now.Mono)
	return g.Gate.Check(in, g.h.risk.Now)
}

func (h *housed) startJournal(_ context.Context, b *supervision.Birth) error {
	wake, err := actors.NewPipe[struct{}](b.System(), 1)
	if err != nil {
		return err
	}
	log, _, err := journal.Open(h.fs, "journal", journal.Options{
		Node: "n1", Group: "10", Segment: 1 << 20, Floor: 2 << 20,
		OnQueued: func() { _ = wake.Offer(struct{}{}) }, OnDurable: h.account.Durable,
	})
	if err != nil {
		return err
	}
	h.log = log
	b.Run(func(ctx context.Context, out actors.Outside) error {
		for {
			if _, err := wake.Next(ctx, out); err != nil {
				return log.Close()
			}
			if _, err := log.Commit(); err != nil {
				return err
			}
		}
	})
	return nil
}

func (h *housed) hear(e orders.Event) { h.with(func() { h.events = append(h.events, e) }) }

// until waits, on the virtual clock without waiting.
func (h *housed) until(what string, cond func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	if h.sys.Deterministic() {
		if err := h.sys.Drive(ctx, cond); err != nil || !cond() {
			h.t.Fatalf("not yet, and nothing is left to happen: %s; %v, %+v", what, err, h.account.Status())
		}
		return
	}
	for !cond() {
		if ctx.Err() != nil {
			h.t.Fatalf("waited in vain until %s; %+v", what, h.account.Status())
		}
		runtime.Gosched()
	}
}

// buy takes one from the flow and waits for the fill.
func (h *housed) buy(n byte) {
	h.t.Helper()
	in := risk.Intent{
		Cause: risk.Cause{n, 1}, Strategy: "s", Instrument: h.acme, Side: market.Buy, Type: market.Limit, TIF: market.IOC, Qty: market.Unit,
		Price: price(h.t, "105"), DecidedWall: market.StampOf(h.sys.Now()), Decided: h.now().Mono,
	}
	h.must(h.account.Tell(orders.Place{Intent: in}))
	h.until("the order is filled", func() bool { return len(h.execs(in.Cause)) > 0 })
}

// execs gives the executions of a decision, or of all, that the desk counted.
func (h *housed) execs(of ...risk.Cause) (ids []string) {
	h.with(func() {
		for _, e := range h.events {
			if e.Kind == orders.EventFill && !e.Replay && (len(of) == 0 || e.Cause == of[0]) {
				ids = append(ids, e.Exec)
			}
		}
	})
	return ids
}

// crash breaks a child at its next message, and waits until another incarnation of the owner has the account open.
func (h *housed) crash(path string) {
	h.t.Helper()
	before := 0
	h.with(func() { before = h.opened })
	old := h.account.Status().Generation
	h.must(h.tree.Inject(path, supervision.Panic))
	h.until("the account is open again after "+path, func() bool {
		again := false
		h.with(func() { again = h.opened > before })
		s := h.account.Status()
		return again && s.Generation > old && s.Session == "open" && s.Unknown == 0
	})
}

func (h *housed) stop() *ledger.Ledger {
	h.t.Helper()
	h.tree.Shutdown()
	h.until("the tree is down", func() bool { return len(h.tree.Done()) == 1 })
	if r := <-h.tree.Done(); r.Code != supervision.CodeOrderly || len(r.Unstopped) != 0 {
		h.t.Errorf("tree ended with %+v, want in order", r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	h.must(h.sys.Stop(ctx))
	l, err := ledger.Read(&h.file.b)
	h.must(err)
	return l
}

// TestAnAccountInTheTreeTradesOverCrashes breaks owner, session and exchange in turn, under both dispatches: the account
// comes back each time and trades on, and the ledger agrees with it.
func TestAnAccountInTheTreeTradesOverCrashes(t *testing.T) {
	sums := map[string][]string{}
	for name, cfg := range map[string]func() actors.Config{
		"shared": func() actors.Config { return actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)} },
		"deterministic": func() actors.Config {
			return actors.Config{Clock: actors.Virtual(start.Time()), Dispatch: actors.Deterministic(), Seed: 1}
		},
		"deterministic, again": func() actors.Config {
			return actors.Config{Clock: actors.Virtual(start.Time()), Dispatch: actors.Deterministic(), Seed: 1}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := settle(t, cfg())
			h.buy(1)
			for i, path := range []string{"A1/orders", "A1/session", "exchange"} {
				h.crash(path)
				h.buy(byte(i + 2))
			}
			h.until("the last fill shows", func() bool { p := h.account.Status().Positions; return len(p) == 1 && p[0].Qty == 4*market.Unit })
			l := h.stop()
			for _, f := range append(append(ledger.J1(l), ledger.J2(l, "A1", map[market.Symbol]market.Qty{"ACME": 4 * market.Unit})...), ledger.J4(l, "A1", h.execs())...) {
				t.Error(f)
			}
			if !l.Closed || len(ledger.Of[*sim.OpenLine](l)) != 1 {
				t.Errorf("closed = %v, want one day from its beginning to its end", l.Closed)
				return
			}
			sums[name] = append(sums[name], ledger.Of[*sim.CloseLine](l)[0].CRC32C)
		})
	}
	if a, b := sums["deterministic"], sums["deterministic, again"]; len(a) != 1 || len(b) != 1 || a[0] != b[0] {
		t.Errorf("sums of the ledgers of two runs = %v, %v, want one", a, b)
	}
}

func TestAnExchangeWhoseDayIsOverDoesNotStartAgain(t *testing.T) {
	b := startBourse(t, true, nil, nil)
	b.advance(t, time.Second)
	b.must(t, b.sys.StopActor("exchange", 0))
	b.advance(t, time.Second)
	var exits []actors.Exit
	b.sys.OnExit(func(x actors.Exit) { exits = append(exits, x) })
	b.spawn(t)
	b.advance(t, time.Second)
	if len(exits) != 1 || !exits[0].Reason.Abnormal() {
		t.Errorf("exits = %+v, want a start that failed", exits)
	}
	if l := b.stop(t); !l.Closed {
		t.Error("the ledger is not closed")
	}
}
