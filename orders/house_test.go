package orders_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/resilience"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

var houseStart = time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)

// house is a node of one account: exchange, journal, risk and the account's own
// tree, under one supervisor.
type house struct {
	t       *testing.T
	sys     *actors.System
	tree    *supervision.Tree
	fs      *journal.MemFS
	log     *journal.Log
	crowd   *crowded // the same, with or without room
	account *orders.Account
	port    *gate
	slow    atomic.Bool  // the disk does not answer
	lag     atomic.Int64 // each commit takes so many nanoseconds
	drag    atomic.Int64 // each record takes so many to read, where time passes by itself
	dead    atomic.Bool  // the journal says that it is dead

	mu      sync.Mutex // the node of risk is used by the owner and looked at by the test
	risk    *risktest.Node
	quotes  risktest.Quotes
	events  []orders.Event
	opened  []uint64
	dialed  int
	ear     orders.Ear // of the last line
	lines   []string
	whys    []string // of links that went down
	breaker []string // states of the one before questions
}

// houses runs a test under both dispatches.
func houses(t *testing.T, test func(h *house)) {
	t.Helper()
	bothWays(t, false, test)
}

// bothWays runs a test under both dispatches; away has it begin with a venue
// that takes no logon.
func bothWays(t *testing.T, away bool, test func(h *house)) {
	t.Helper()
	t.Run("shared", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			inHouse(t, actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}, away, test)
		})
	})
	t.Run("deterministic", func(t *testing.T) {
		inHouse(t, actors.Config{Clock: actors.Virtual(houseStart), Dispatch: actors.Deterministic()}, away, test)
	})
}

// onVirtualTime runs a test whose waits are long.
func onVirtualTime(t *testing.T, test func(h *house)) {
	t.Helper()
	inHouse(t, actors.Config{Clock: actors.Virtual(houseStart), Dispatch: actors.Deterministic()}, false, test)
}

func inHouse(t *testing.T, cfg actors.Config, away bool, test func(h *house)) {
	t.Helper()
	sys, err := actors.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sys.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	h := newHouse(t, sys, away)
	test(h)
	h.tree.Stop()
	h.until("the tree is down", func() bool { return len(h.tree.Done()) == 1 })
	if r := <-h.tree.Done(); r.Code != 0 || len(r.Unstopped) != 0 {
		t.Errorf("the tree ended with %+v", r)
	}
}

func newHouse(t *testing.T, sys *actors.System, away bool) *house {
	t.Helper()
	h := &house{t: t, sys: sys, fs: journal.NewMemFS(1 << 30)}
	h.newRisk()
	engine, err := sim.NewEngine(exchangeConfig())
	if err != nil {
		t.Fatal(err)
	}
	h.port = &gate{shut: away, Port: sim.NewEntrance(actors.Follow[sim.ExchangeMessage](sys, "exchange"))}
	exchange := sim.NewExchange(engine, sim.Outlets{Ledger: sim.NewLedger(io.Discard, false)})
	h.newAccount()
	venues := supervision.SubTree("venues", supervision.DefaultSpec("venues", supervision.RosterChild(supervision.NewRoster(supervision.RosterOptions{
		Children: func() []supervision.Child {
			c := h.account.Child()
			c.Sub.Children[1].Watchdog = time.Second
			return []supervision.Child{c}
		},
	}))))
	h.tree, err = supervision.Start(t.Context(), sys, supervision.DefaultSpec("root",
		supervision.DefaultChild("exchange", func(_ context.Context, b *supervision.Birth) error {
			_, err := supervision.Spawn(b, exchange, actors.WithBox(sim.ExchangeBox()))
			return err
		}),
		supervision.DefaultChild("journal", h.startJournal), venues,
	), supervision.Options{Events: supervision.Events{Decision: func(_ time.Time, d supervision.Decision) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lines = append(h.lines, d.String())
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func exchangeConfig() sim.Config {
	cfg := sim.DefaultConfig()
	cfg.Seed = 7
	cfg.Listings = []sim.Listing{{Contract: acmeContract(), Reference: 50 * 1_000_000_000}}
	s := sim.DefaultSession("S1")
	s.COD = sim.CODOff
	cfg.Sessions = []sim.SessionConfig{s, sim.DefaultSession("S2")}
	return cfg
}

func acmeContract() market.Contract {
	return market.Contract{
		Instrument: acme, Currency: "USD", Tick: 10_000_000, Lot: market.Unit, MinQty: market.Unit,
		MaxQty: 1000 * market.Unit, Multiplier: market.One,
	}
}

func (h *house) newRisk() {
	h.t.Helper()
	catalogue, err := market.NewCatalogue([]market.Contract{acmeContract()})
	if err != nil {
		h.t.Fatal(err)
	}
	h.quotes = risktest.Quotes{}
	cfg := risktest.Config(risk.Entitlement{Account: account, Strategies: []string{strategy, "other"}, Instruments: []market.Instrument{acme}})
	h.risk = risktest.New(h.t, cfg, catalogue, h.quotes, h.now())
	h.risk.Tell(risk.Leading{Term: h.risk.Log.Term(), Yes: true}, risk.Journal{State: risk.JournalOK, Group: "20", Epoch: 1})
}

func (h *house) now() risk.Reading {
	t := h.sys.Now()
	return risk.Reading{Wall: t.UnixNano(), Mono: h.sys.Instant(t) + int64(time.Hour)}
}

func (h *house) newAccount() {
	h.t.Helper()
	var err error
	var last *sim.Gateway
	h.account, err = orders.NewAccount(orders.AccountConfig{
		Parts: orders.Parts{
			Options: orders.Options{Account: account}, Gate: &houseGate{h}, AnswerAfter: time.Second, TTL: time.Hour,
			Events: orders.Events{Breaker: func(_, to resilience.State) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.breaker = append(h.breaker, to.String())
			}, LinkState: func(_ orders.LinkEvent, why string) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.whys = append(h.whys, why)
			}},
			Listener: func(e orders.Event) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.events = append(h.events, e)
			},
			Risk: func(m risk.Message) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.catchUp()
				h.risk.Tell(m)
			},
		},
		Journal: func() (orders.Log, iter.Seq2[journal.Record, error]) {
			if h.dead.Load() {
				return &inState{Log: h.log, state: journal.Dead}, journal.Read(h.fs, "j", 0)
			}
			return h.crowd, h.records
		},
		Dial: func(ear orders.Ear) (orders.Line, error) {
			h.mu.Lock()
			h.dialed++
			h.ear = ear
			h.mu.Unlock()
			next := uint64(h.log.Epoch()) << 32
			if last != nil {
				next, _ = last.Counters()
			}
			g, err := sim.NewGateway(sim.GatewayConfig{
				Port: h.port, Session: "S1", Node: "n1", Venue: "SIM", NextOut: next, NextIn: ear.NextIn("S1"),
				Now: h.now, Fence: ear.Fence, Hand: ear.Hand, Broken: ear.Broken,
			})
			last = g
			return g, err
		},
		Opened: func(epoch uint64) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.opened = append(h.opened, epoch)
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// records reads the journal, each record in the time that the test says.
func (h *house) records(yield func(journal.Record, error) bool) {
	for r, err := range journal.Read(h.fs, "j", 0) {
		if d := h.drag.Load(); d > 0 {
			<-time.After(time.Duration(d))
		}
		if !yield(r, err) {
			return
		}
	}
}

// startJournal opens the log and commits whenever something is appended.
func (h *house) startJournal(_ context.Context, b *supervision.Birth) error {
	wake, err := actors.NewPipe[struct{}](b.System(), 1)
	if err != nil {
		return err
	}
	h.log, _, err = journal.Open(h.fs, "j", journal.Options{
		Node: "n1", Group: "20", Segment: 1 << 20, Floor: 2 << 20,
		Wall: func() int64 { return h.now().Wall }, OnQueued: func() { _ = wake.Offer(struct{}{}) }, OnDurable: h.account.Durable,
	})
	if err != nil {
		return err
	}
	log := h.log
	h.crowd = &crowded{Log: log}
	b.Run(func(ctx context.Context, out actors.Outside) error {
		for {
			if _, err := wake.Next(ctx, out); err != nil {
				return log.Close()
			}
			for h.slow.Load() {
				if err := out.Until(ctx, out.Now().Add(time.Millisecond)); err != nil {
					return log.Close()
				}
			}
			if err := out.Until(ctx, out.Now().Add(time.Duration(h.lag.Load()))); err != nil {
				return log.Close()
			}
			if _, err := log.Commit(); err != nil {
				return err
			}
		}
	})
	return nil
}

// catchUp moves risk to the system's time, with prices that are live. The
// caller holds mu.
func (h *house) catchUp() {
	h.risk.Pass(time.Duration(h.now().Mono - h.risk.Now.Mono))
	h.quotes[acme] = risktest.Live(50*1_000_000_000, h.risk.Now.Mono)
}

// houseGate is the account's gate, asked at risk's own time.
type houseGate struct{ h *house }

func (g *houseGate) gate() *risk.Gate { return g.h.risk.Desk.Gate(account) }

func (g *houseGate) Check(in risk.Intent, _ risk.Reading) (risk.Permit, error) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.h.catchUp()
	return g.gate().Check(in, g.h.risk.Now)
}

func (g *houseGate) Veto(id market.ClOrdID) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Veto(id)
}

func (g *houseGate) Hold(x risk.Held) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Hold(x)
}

func (g *houseGate) Execute(e risk.Execution) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Execute(e)
}

func (g *houseGate) Restore(p []risk.Position, x []risk.Held) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Restore(p, x)
}

// gate is a Port that a test can shut, which loses requests of one kind.
type gate struct {
	sim.Port
	mu     sync.Mutex
	shut   bool
	dumb   bool // logons are taken and not answered
	lose   sim.RequestKind
	lost   int
	logons int
}

func (g *gate) set(f func(g *gate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g)
}

var errShut = errors.New("shut by the test")

func (g *gate) Logon(s sim.Session) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.logons++
	if g.shut {
		return errShut
	}
	if g.dumb {
		return nil
	}
	return g.Port.Logon(s)
}

func (g *gate) Receive(id sim.SessionID, r sim.Request) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lose != 0 && r.Kind == g.lose {
		g.lost++
		return nil // taken by a wire that loses it
	}
	return g.Port.Receive(id, r)
}

func (h *house) until(what string, cond func() bool) {
	h.t.Helper()
	if h.sys.Deterministic() {
		limit := h.sys.Now().Add(10 * time.Minute)
		if err := h.sys.Drive(h.t.Context(), func() bool { return cond() || h.sys.Now().After(limit) }); err != nil {
			h.t.Fatal(err)
		}
		if !cond() {
			h.t.Fatalf("ten minutes have passed, and not: %s\n%+v", what, h.account.Status())
		}
		return
	}
	for range 6000 { // a minute of the bubble's time
		synctest.Wait()
		if cond() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t.Fatalf("waited in vain for: %s\n%+v\n%v\n%+v", what, h.account.Status(), h.lines, h.events)
}

// open waits until the account is up and its gate has had the time to be given capacity, which risk asks for when it renews: an
// order before that is refused, rightly.
func (h *house) open() {
	h.t.Helper()
	h.until("the account is up", func() bool {
		e, _ := h.tree.Snapshot().Find("venues/" + string(account))
		return e.Ready && h.account.Status().Session == "open"
	})
	granted := h.sys.Now().Add(300 * time.Millisecond)
	h.until("risk has renewed", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.catchUp()
		return !h.sys.Now().Before(granted)
	})
}

func (h *house) place(cause byte, by string, px market.Price) {
	h.t.Helper()
	in := intent(cause)
	in.Strategy, in.Price = by, px
	h.tell(orders.Place{Intent: in})
}

func (h *house) tell(m orders.Message) {
	h.t.Helper()
	if err := h.account.Tell(m); err != nil {
		h.t.Fatal(err)
	}
}

// event waits for an event of the decision, and returns it.
func (h *house) event(k orders.EventKind, cause byte) (found orders.Event) {
	h.t.Helper()
	h.until(k.String(), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		i := slices.IndexFunc(h.events, func(e orders.Event) bool { return e.Kind == k && e.Cause == (risk.Cause{cause}) })
		if i >= 0 {
			found = h.events[i]
		}
		return i >= 0
	})
	return found
}

// sell has another participant sell into the book.
func (h *house) sell(qty market.Qty) {
	h.t.Helper()
	up := make(chan struct{}, 1)
	send := func(r sim.Reply) {
		if _, ok := r.Body.(sim.Welcome); ok {
			up <- struct{}{}
		}
	}
	if err := h.port.Port.Logon(sim.Session{ID: "S2", Seq: 1, Expect: 1, Send: send}); err != nil {
		h.t.Fatal(err)
	}
	h.until("the other is logged on", func() bool { return len(up) == 1 })
	if err := h.port.Port.Receive("S2", sim.Request{
		Kind: sim.NewOrder, Seq: 2, ClOrdID: "other", Symbol: "ACME", Side: market.Sell, Type: market.Market, TIF: market.IOC, Qty: qty,
	}); err != nil {
		h.t.Fatal(err)
	}
}

// crash ends the present incarnation of a child of the account, and waits for
// the next one.
func (h *house) crash(child string) {
	h.t.Helper()
	path := "venues/" + string(account) + "/" + child
	e, ok := h.tree.Snapshot().Find(path)
	if !ok {
		h.t.Fatalf("no child %s", path)
	}
	if err := h.tree.Inject(path, supervision.Panic); err != nil {
		h.t.Fatal(err)
	}
	h.until(child+" is started again", func() bool {
		now, _ := h.tree.Snapshot().Find(path)
		return now.Epoch > e.Epoch && now.Ready
	})
}
