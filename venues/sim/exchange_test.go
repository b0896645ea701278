package sim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(counted{m})
}

// counted says how many tests were skipped for want of a recording.
type counted struct{ m *testing.M }

func (c counted) Run() int { return recordings.Main(c.m) }

// bourse is an exchange as an actor of a system of its own.
type bourse struct {
	sys   *actors.System
	actor actors.Actor[sim.ExchangeMessage]
	file  *guarded
	port  *sim.Entrance
}

// guarded is a file that a test may read while the exchange writes.
type guarded struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (g *guarded) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.Write(b)
}

// startBourse spawns an exchange with a flow; wrap, if given, puts another actor around it.
func startBourse(t *testing.T, deterministic bool, feed func(sim.MarketEvent), wrap func(*sim.Exchange) actors.Actor[sim.ExchangeMessage]) *bourse {
	t.Helper()
	cfg := config(t)
	cfg.Flow = sim.DefaultFlow()
	e, err := sim.NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ac := actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}
	if deterministic {
		ac = actors.Config{Clock: actors.Virtual(start.Time()), Dispatch: actors.Deterministic()}
	}
	b := &bourse{file: &guarded{}}
	if b.sys, err = actors.New(ac); err != nil {
		t.Fatal(err)
	}
	x := sim.NewExchange(e, sim.Outlets{Ledger: sim.NewLedger(b.file, false), Feed: feed})
	b.port = sim.NewEntrance(actors.Follow[sim.ExchangeMessage](b.sys, "exchange"))
	b.actor = x
	if wrap != nil {
		b.actor = wrap(x)
	}
	b.spawn(t)
	return b
}

func (b *bourse) spawn(t *testing.T) {
	t.Helper()
	if _, err := actors.Spawn(b.sys, actors.Spec[sim.ExchangeMessage]{Name: "exchange", Class: "exchange", Box: sim.ExchangeBox(), Actor: b.actor}); err != nil {
		t.Fatal(err)
	}
}

func (b *bourse) advance(t *testing.T, d time.Duration) {
	t.Helper()
	if err := b.sys.Advance(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func (b *bourse) stop(t *testing.T) *ledger.Ledger {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.sys.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Read(&b.file.b)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// trade logs A1 on, buys at the market, and looks at what comes back; next waits for a reply.
func (b *bourse) trade(t *testing.T, next func(<-chan sim.Reply) sim.Reply) {
	t.Helper()
	heard := make(chan sim.Reply, 64)
	if err := b.port.Logon(sim.Session{ID: "A1", Seq: 1, Expect: 1, Send: func(r sim.Reply) { heard <- r }}); err != nil {
		t.Fatal(err)
	}
	next(heard)
	next(heard)
	if err := b.port.Receive("A1", sim.Request{
		Kind: sim.NewOrder, Seq: 2, ClOrdID: "a", Symbol: "ACME", Side: market.Buy, Type: market.Market,
		TIF: market.IOC, Qty: market.Unit,
	}); err != nil {
		t.Fatal(err)
	}
	next(heard)
	if r, ok := next(heard).Body.(sim.Report); !ok || r.Type != sim.ExecTrade || r.LastQty != market.Unit {
		t.Errorf("heard %+v, want a fill", r)
	}
}

func TestTheExchangeTradesOnTheRealClock(t *testing.T) {
	prints, opened := make(chan struct{}, 1<<16), make(chan struct{}, 1)
	b := startBourse(t, false, func(e sim.MarketEvent) {
		switch e.Kind {
		case sim.DayOpened:
			opened <- struct{}{}
		case sim.Executed:
			prints <- struct{}{}
		case sim.Listed, sim.Trading, sim.Added, sim.ExecutedAt, sim.Printed, sim.Broken, sim.Reduced, sim.Deleted, sim.Halted, sim.DayClosed:
		}
	}, nil)
	<-opened
	for b.port.Logout("A1", "none yet") != nil {
		runtime.Gosched() // the mailbox opens when Starting has returned
	}
	b.trade(t, func(heard <-chan sim.Reply) sim.Reply {
		select {
		case r := <-heard:
			return r
		case <-t.Context().Done():
			t.Fatal("waited in vain")
		}
		panic("unreachable")
	})
	<-prints
	<-prints // one of them at least is the flow's own
	l := b.stop(t)
	if !l.Closed || ledger.Positions(l)["A1"]["ACME"] != market.Unit {
		t.Errorf("closed = %v, position = %v, want closed and 1", l.Closed, ledger.Positions(l)["A1"])
	}
}

func TestTheExchangeIsTheSameEveryTimeOnTheVirtualClock(t *testing.T) {
	run := func() *ledger.Ledger {
		b := startBourse(t, true, nil, nil)
		b.advance(t, 0)
		b.trade(t, func(heard <-chan sim.Reply) sim.Reply {
			b.advance(t, 0)
			select {
			case r := <-heard:
				return r
			default:
				t.Fatal("nothing is left to happen, and what was waited for has not")
			}
			panic("unreachable")
		})
		b.advance(t, 10*time.Second)
		return b.stop(t)
	}
	a, b := run(), run()
	if n := len(ledger.Of[*sim.TradeLine](a)); n < 100 {
		t.Errorf("%d trades in 10 s, want a market", n)
	}
	if ca, cb := ledger.Of[*sim.CloseLine](a), ledger.Of[*sim.CloseLine](b); len(ca) != 1 || len(cb) != 1 || ca[0].CRC32C != cb[0].CRC32C {
		t.Errorf("close lines %+v and %+v, want two of one sum", ca, cb)
	}
}

// crashing is an exchange that panics once, before it looks at a message that is not of its own timers.
type crashing struct {
	*sim.Exchange
	crashed bool
}

func (c *crashing) Receive(ctx *actors.Context[sim.ExchangeMessage], m sim.ExchangeMessage) error {
	if !c.crashed {
		c.crashed = true
		panic("test")
	}
	return c.Exchange.Receive(ctx, m)
}

func TestAnExchangeThatCrashedBetweenInputsGoesOn(t *testing.T) {
	b := startBourse(t, true, nil, func(x *sim.Exchange) actors.Actor[sim.ExchangeMessage] { return &crashing{Exchange: x} })
	var exits []actors.Exit
	b.sys.OnExit(func(x actors.Exit) { exits = append(exits, x) })
	b.advance(t, 20*time.Millisecond)
	if len(exits) != 1 || !exits[0].Reason.Abnormal() {
		t.Fatalf("exits = %+v, want a crash", exits)
	}
	if err := b.port.Logout("A1", "wire"); err == nil {
		t.Error("the port of an exchange that is down took an input")
	}
	b.spawn(t)
	b.advance(t, 10*time.Second)
	l := b.stop(t)
	if !l.Closed || len(ledger.Of[*sim.OpenLine](l)) != 1 || len(ledger.Of[*sim.TradeLine](l)) < 100 {
		t.Errorf("closed = %v, %d open lines, %d trades, want one day that goes on", l.Closed,
			len(ledger.Of[*sim.OpenLine](l)), len(ledger.Of[*sim.TradeLine](l)))
	}
}

func TestAVenueLeftWithinAnInputIsOfNoMoreUse(t *testing.T) {
	e, err := sim.NewEngine(config(t))
	if err != nil {
		t.Fatal(err)
	}
	v := sim.NewVenue(e, sim.Outlets{Feed: func(sim.MarketEvent) { panic("test") }})
	func() {
		defer func() { _ = recover() }()
		_ = v.Open(start)
	}()
	if err := v.Tick(start); !errors.Is(err, sim.ErrTorn) {
		t.Errorf("Tick() error = %v, want %v", err, sim.ErrTorn)
	}
}

func TestAnOutletCannotCallTheVenue(t *testing.T) {
	e, err := sim.NewEngine(config(t))
	if err != nil {
		t.Fatal(err)
	}
	var v *sim.Venue
	var got error
	v = sim.NewVenue(e, sim.Outlets{Feed: func(sim.MarketEvent) { got = v.Tick(start) }})
	if err := v.Open(start); err != nil || !errors.Is(got, sim.ErrBusy) {
		t.Errorf("Open() error = %v, Tick() within it = %v, want %v", err, got, sim.ErrBusy)
	}
}

// TestAPaperExchangeFillsInTheTurnsOfItsFeed lets another actor speak for the feed: a request arrives at its own time
// whether the feed is quiet or not.
func TestAPaperExchangeFillsInTheTurnsOfItsFeed(t *testing.T) {
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(start.Time()), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := sim.DefaultConfig()
	cfg.Sessions = []sim.SessionConfig{sim.DefaultSession("A1")}
	file := &guarded{}
	x, p, err := sim.NewPaperExchange(cfg, sim.PaperLatency, sim.Outlets{Ledger: sim.NewLedger(file, false)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.List(contract(t, "ACME")); err != nil {
		t.Fatal(err)
	}
	b := &bourse{sys: sys, actor: x, file: file, port: sim.NewEntrance(actors.Follow[sim.ExchangeMessage](sys, "exchange"))}
	b.spawn(t)
	sink := p.Feed()
	_, err = actors.Spawn(sys, actors.Spec[feeds.Depth]{
		Name: "feed", Class: "feed", Box: mailbox.One(16, mailbox.Reject),
		Actor: actors.Func[feeds.Depth](func(c *actors.Context[feeds.Depth], d feeds.Depth) error {
			d.Recv = market.StampOf(c.Now())
			sink.Depth(d)
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.advance(t, time.Millisecond)
	ask := func(px string, qty int64) {
		t.Helper()
		d := feeds.Depth{
			Instrument: market.MustListed("SIM", "ACME"), State: feeds.Live, Side: market.Sell, Price: price(t, px),
			Qty: market.Qty(qty) * market.Unit, Complete: true,
		}
		if err := actors.Follow[feeds.Depth](sys, "feed").Tell(d); err != nil {
			t.Fatal(err)
		}
	}
	var fills []string
	b.must(t, b.port.Logon(sim.Session{ID: "A1", Seq: 1, Expect: 1, Send: func(r sim.Reply) {
		if f, ok := r.Body.(sim.Report); ok && f.Type == sim.ExecTrade {
			fills = append(fills, fmt.Sprintf("%v %v@%v at %v", f.ClOrdID, f.LastQty, f.LastPx, time.Duration(r.Time-start)))
		}
	}}))
	buy := func(seq uint64, cl market.ClOrdID) {
		t.Helper()
		b.must(t, b.port.Receive("A1", sim.Request{
			Kind: sim.NewOrder, Seq: seq, ClOrdID: cl, Symbol: "ACME", Side: market.Buy, Type: market.Limit,
			TIF: market.Day, Qty: market.Unit, Price: price(t, "100"),
		}))
	}
	ask("100", 5)
	buy(2, "quiet")
	b.advance(t, 10*time.Millisecond)
	buy(3, "busy")
	b.advance(t, 900*time.Microsecond)
	buy(4, "later")
	b.advance(t, 200*time.Microsecond) // busy has arrived, later has not
	ask("99.99", 1)
	b.advance(t, 10*time.Millisecond)
	want := []string{"quiet 1@100 at 2ms", "busy 1@100 at 12ms", "later 1@99.99 at 12.9ms"}
	if !slices.Equal(fills, want) {
		t.Errorf("fills = %q, want %q", fills, want)
	}
	if l := b.stop(t); !l.Closed {
		t.Error("the ledger is not closed")
	}
}

func (b *bourse) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
