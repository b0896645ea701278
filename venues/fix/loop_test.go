package fix_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	ordersfix "github.com/failshut/failshut/orders/fix"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
	"github.com/failshut/failshut/venues/fix"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

const unit = market.Unit

var acme = market.MustListed("SIM", "ACME")

// exchange is a venue behind a FIX acceptor, on loopback and the real clock.
type exchange struct {
	t     *testing.T
	mu    sync.Mutex // the venue takes one caller at a time
	venue *sim.Venue
	book  *sim.Ledger
	addr  string
	stop  func()
}

func wall() market.Timestamp { return market.StampOf(time.Now()) }

func (x *exchange) Logon(s sim.Session) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.venue.Logon(s)
}

func (x *exchange) Receive(id sim.SessionID, r sim.Request) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.venue.Receive(id, r)
}

func (x *exchange) Logout(id sim.SessionID, why string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.venue.Logout(id, why)
}

// log is where engines write: to the test's output with FIX_LOG, else nowhere.
func quiet() *slog.Logger {
	if os.Getenv("FIX_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

// openExchange opens an exchange for one account, whose client ids are the name of the test, since the engine's table of sessions is the process's.
func openExchange(t *testing.T, change func(*sim.Config)) *exchange {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Listings = []sim.Listing{{Reference: 100 * 1_000_000_000, Contract: market.Contract{
		Instrument: acme, Currency: "USD", Tick: 10_000_000, Lot: unit, MinQty: unit, MaxQty: 1000 * unit, Multiplier: market.One,
	}}}
	s := sim.DefaultSession("A1")
	s.ID, s.COD, s.Takeover = sim.SessionID(t.Name()), sim.CODOff, true
	cfg.Sessions = []sim.SessionConfig{s}
	cfg.Flow.Rate = 0
	if change != nil {
		change(&cfg)
	}
	engine, err := sim.NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{t: t, book: sim.KeepLedger()}
	x.venue = sim.NewVenue(engine, sim.Outlets{Ledger: x.book, Clock: wall})
	if err := x.venue.Open(wall()); err != nil {
		t.Fatal(err)
	}
	x.serve("127.0.0.1:0")
	return x
}

func (x *exchange) serve(listen string) {
	x.t.Helper()
	bound := make(chan net.Addr, 1)
	id := sim.SessionID(x.t.Name())
	a, err := fix.NewAcceptor(fix.Config{
		Listen: listen, Sender: "SIM", Clients: []fix.Client{{ID: id, Takeover: true}}, Keep: 10_000, Port: x, Now: time.Now,
		Bound: func(at net.Addr) { bound <- at }, Log: quiet(),
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.stop = run(x.t, a.Run, func(ctx context.Context) error { return a.Serve(ctx, id) })
	select {
	case at := <-bound:
		x.addr = at.String()
	case <-time.After(10 * time.Second):
		x.t.Fatal("the acceptor does not listen")
	}
}

// run has the turns run until the stop that it returns, or the end of the test.
func run(t *testing.T, turns ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, turn := range turns {
		wg.Go(func() {
			if err := turn(ctx); err != nil {
				t.Errorf("a turn ended: %v", err)
			}
		})
	}
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); wg.Wait() }) }
	t.Cleanup(stop)
	return stop
}

// node is one incarnation of an owner behind a FIX session, with the gate of a real node.
type node struct {
	t      *testing.T
	engine *ordersfix.Engine
	line   orders.Line
	risk   *risktest.Node
	next   uint64
	heard  chan orders.Inbound
	start  time.Time
	quotes risktest.Quotes
	stop   func()
}

// now is the real time, an hour after a reading of 0, which is none.
func (n *node) now() risk.Reading {
	since := time.Since(n.start)
	return risk.Reading{Wall: n.start.UnixNano() + int64(since), Mono: int64(time.Hour + since)}
}

func openNode(t *testing.T, x *exchange, change func(*ordersfix.Config)) *node {
	t.Helper()
	catalogue, err := market.NewCatalogue([]market.Contract{{
		Instrument: acme, Currency: "USD", Tick: 10_000_000, Lot: unit, MinQty: unit, MaxQty: 1000 * unit, Multiplier: market.One,
	}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	n := &node{t: t, next: 1, heard: make(chan orders.Inbound, 1000), start: start, quotes: risktest.Quotes{}}
	n.quotes[acme] = risktest.Live(100*1_000_000_000, n.now().Mono)
	n.risk = risktest.New(t, risktest.Config(risk.Entitlement{Account: "A1", Strategies: []string{"s"}, Instruments: []market.Instrument{acme}}),
		catalogue, n.quotes, n.now())
	n.risk.Open(t)
	cfg := ordersfix.DefaultConfig()
	cfg.Addr, cfg.Sender, cfg.Target, cfg.Node, cfg.Venue, cfg.Log = x.addr, t.Name(), "SIM", "n1", "SIM", quiet()
	cfg.Now = n.now
	if change != nil {
		change(&cfg)
	}
	if n.engine, err = ordersfix.NewEngine(cfg); err != nil {
		t.Fatal(err)
	}
	n.begin()
	n.dial()
	return n
}

func (n *node) begin() {
	n.t.Helper()
	life, err := n.engine.Begin()
	if err != nil {
		n.t.Fatal(err)
	}
	n.stop = run(n.t, life.Outward, life.Inward, life.Send)
}

func (n *node) dial() {
	n.t.Helper()
	var err error
	n.line, err = n.engine.Dial(orders.Ear{
		NextIn: func(string) uint64 { return n.next },
		Hand:   func(in orders.Inbound) error { n.heard <- in; return nil },
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) connect() {
	n.t.Helper()
	if err := n.line.Connect(); err != nil {
		n.t.Fatal(err)
	}
	n.link(orders.LinkLogon)
	n.link(orders.LinkReplayed)
}

// hear waits for what the venue says next, and counts it as an owner does.
func (n *node) hear() orders.Inbound {
	n.t.Helper()
	select {
	case in := <-n.heard:
		switch v := in.(type) {
		case orders.Report:
			n.next = v.Seq + 1
		case orders.Link:
			if v.Seq > 0 {
				n.next = v.Seq + 1
			}
		case orders.MassEnd:
			n.next = v.Seq + 1
		}
		return in
	case <-time.After(10 * time.Second):
		n.t.Fatal("the venue says nothing")
		return nil
	}
}

func (n *node) link(want orders.LinkEvent) orders.Link {
	n.t.Helper()
	in := n.hear()
	l, ok := in.(orders.Link)
	if !ok || l.Event != want {
		n.t.Fatalf("heard %T %+v, want link %v", in, in, want)
	}
	return l
}

func (n *node) report(id market.ClOrdID, typ orders.ExecType) orders.Report {
	n.t.Helper()
	in := n.hear()
	r, ok := in.(orders.Report)
	if !ok || r.Type != typ || r.ID != id {
		n.t.Fatalf("heard %T %+v, want %v of %s", in, in, typ, id)
	}
	return r
}

// place sends an order under a permit of the gate.
func (n *node) place(id market.ClOrdID, side market.Side, qty market.Qty, px market.Price) {
	n.t.Helper()
	n.risk.Pass(time.Duration(n.now().Mono - n.risk.Now.Mono))
	n.quotes[acme] = risktest.Live(100*1_000_000_000, n.risk.Now.Mono)
	in := risk.Intent{
		ID: id, Account: "A1", Strategy: "s", Instrument: acme, Side: side, Type: market.Limit, TIF: market.Day, Qty: qty, Price: px,
		Decided: n.risk.Now.Mono, TTL: time.Second,
	}
	permit, err := n.risk.Desk.Gate("A1").Check(in, n.risk.Now)
	if err != nil {
		n.t.Fatal(err)
	}
	err = n.line.Place(permit, orders.New{ID: id, Account: "A1", Strategy: "s", Instrument: acme, Side: side, Type: market.Limit, TIF: market.Day, Qty: qty, Price: px})
	if err != nil {
		n.t.Fatal(err)
	}
}

// truth is the exchange's ledger so far.
func (x *exchange) truth() *ledger.Ledger {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	l, err := ledger.Kept(x.book.Kept())
	if err != nil {
		x.t.Fatal(err)
	}
	return l
}

func TestAnOrderGoesOverTheWireAndComesBack(t *testing.T) {
	x := openExchange(t, nil)
	n := openNode(t, x, nil)
	n.connect()
	if err := n.line.Ask(orders.Question{Mass: true, Account: "A1"}); err != nil {
		t.Fatal(err)
	}
	if e, ok := n.hear().(orders.MassEnd); !ok || e.Count != 0 {
		t.Fatalf("want the end of a list of none")
	}
	n.place("0100000000000001", market.Buy, 5*unit, 99*1_000_000_000)
	r := n.report("0100000000000001", orders.ExecNew)
	if r.Qty != 5*unit || r.Leaves != 5*unit || r.Instrument != acme || r.Side != market.Buy || r.Status != orders.StatusNew || r.Price != 99*1_000_000_000 {
		t.Fatalf("%+v", r)
	}
	if err := n.line.Cancel(orders.Cancel{ID: "0100000000000002", Orig: "0100000000000001", OrderID: r.OrderID, Account: "A1", Instrument: acme, Side: market.Buy, Qty: 5 * unit}); err != nil {
		t.Fatal(err)
	}
	if c := n.report("0100000000000002", orders.ExecCanceled); c.Orig != "0100000000000001" || c.Leaves != 0 {
		t.Fatalf("%+v", c)
	}
	if err := n.line.Logout(); err != nil {
		t.Fatal(err)
	}
	n.link(orders.LinkLogout)
}
