package sim_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

// tape keeps what the exchange published, and the book that follows from it.
type tape struct {
	orders map[uint64]sim.MarketEvent
	marks  map[market.Symbol]sim.MarkLine
	prints []sim.MarketEvent
	events uint64
}

func (p *tape) apply(e sim.MarketEvent) {
	p.events++
	if e.Kind == sim.Executed || e.Kind == sim.ExecutedAt || e.Kind == sim.Printed {
		p.prints = append(p.prints, e)
	}
	o := p.orders[e.Ref]
	switch e.Kind {
	case sim.Added:
		p.orders[e.Ref] = e
	case sim.Executed, sim.ExecutedAt, sim.Reduced:
		if o.Qty -= e.Qty; o.Qty == 0 {
			delete(p.orders, e.Ref)
		} else {
			p.orders[e.Ref] = o
		}
	case sim.Deleted:
		delete(p.orders, e.Ref)
	default:
	}
}

// best is the touch of one side, 0 when there is none.
func (p *tape) best(symbol market.Symbol, side market.Side) market.Price {
	var best market.Price
	for _, o := range p.orders {
		if o.Symbol == symbol && o.Side == side && (best == 0 || (o.Price > best) == (side == market.Buy)) {
			best = o.Price
		}
	}
	return best
}

// book is one line per level of symbol: side, price, quantity.
func (p *tape) book(symbol market.Symbol) []string {
	sums := map[string]market.Qty{}
	for _, o := range p.orders {
		if o.Symbol == symbol {
			sums[fmt.Sprintf("%s %s", o.Side, o.Price)] += o.Qty
		}
	}
	return bookLines(sums)
}

func bookLines(sums map[string]market.Qty) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, k+" "+sums[k].String())
	}
	return out
}

// listener is a subscriber: it keeps the books that it is shown, what it was told, and wakes whoever waits.
type listener struct {
	mu     sync.Mutex
	books  map[market.Instrument]map[string]market.Qty
	states []feeds.State // of the channel
	trades []feeds.Trade
	news   chan struct{}
}

func (l *listener) ring() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *listener) Quote(feeds.Quote) { l.ring() }

func (l *listener) Depth(d feeds.Depth) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.books[d.Instrument]
	if b == nil {
		b = map[string]market.Qty{}
		l.books[d.Instrument] = b
	}
	k := fmt.Sprintf("%s %s", d.Side, d.Price)
	if b[k] = d.Qty; d.Qty == 0 {
		delete(b, k)
	}
	l.ring()
}

func (l *listener) Trade(t feeds.Trade) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trades = append(l.trades, t)
	l.ring()
}

func (l *listener) prints() []feeds.Trade {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.trades)
}

func (l *listener) State(c feeds.StateChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.Instrument.Valid() {
		l.states = append(l.states, c.State)
		clear(l.books)
	} else {
		delete(l.books, c.Instrument)
	}
	l.ring()
}

func (l *listener) Proven(int64)                        { l.ring() }
func (l *listener) ProvenBook(market.Instrument, int64) { l.ring() }

func (l *listener) book(i market.Instrument) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bookLines(l.books[i])
}

func (l *listener) heard() []feeds.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.states)
}

// air is an exchange whose feed goes over real sockets of the loopback to one reader. The test itself is the exchange's
// clock, so that the exchange stands still while both sides are compared.
type air struct {
	t      *testing.T
	sys    *actors.System
	tree   *supervision.Tree
	venue  *sim.Venue
	now    market.Timestamp
	feed   *sim.Feed
	tape   *tape
	board  feeds.Board
	heard  *listener
	wished atomic.Int64 // requests that the channel made
	asked  atomic.Int64 // requests that were answered
	kept   atomic.Int64 // packets with messages that were kept back
	trade  string       // the last trade in which A1 bought
}

// airConfig is what a test may change.
type airConfig struct {
	feed   sim.FeedConfig
	limits feeds.Limits
	late   time.Duration // of exchange time before anybody listens
	actor  bool          // the exchange keeps its own time
}

func goOnAir(t *testing.T, change func(*airConfig)) *air {
	t.Helper()
	a := &air{t: t, tape: &tape{orders: map[uint64]sim.MarketEvent{}, marks: map[market.Symbol]sim.MarkLine{}}}
	a.heard = &listener{books: map[market.Instrument]map[string]market.Qty{}, news: make(chan struct{}, 1)}
	var err error
	if a.sys, err = actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	a.now = market.StampOf(a.sys.Now())
	c := airConfig{feed: sim.DefaultFeed(), limits: feeds.DefaultLimits()}
	c.feed.Session = sim.FeedSession(7, a.now)
	c.feed.Heartbeat = 50 * time.Millisecond
	c.feed.Lines = []sim.FeedLine{{Name: "a", Address: loopback(0)}, {Name: "b", Address: loopback(0)}}
	change(&c)
	if c.feed.Lines, err = sim.FreePorts(c.feed.Lines); err != nil {
		t.Fatal(err)
	}
	if withhold := c.feed.Hooks.Withhold; withhold != nil {
		c.feed.Hooks.Withhold = func(line string, packet []byte) bool {
			kept := withhold(line, packet)
			if kept && packet[18]|packet[19] != 0 {
				a.kept.Add(1)
				a.heard.ring()
			}
			return kept
		}
	}
	server := make(chan netip.AddrPort, 8)
	c.feed.Hooks.Bound = func(at netip.AddrPort) { server <- at }
	c.feed.Hooks.Answered = func(v mold.Verdict) {
		if v == mold.Answered {
			a.asked.Add(1)
		}
	}
	children := a.openExchange(c)
	children = append([]supervision.Child{supervision.SubTree("exchange", a.feed.Spec())}, children...)
	a.start(supervision.Spec{Name: "root", Strategy: supervision.RestForOne, Intensity: 1, Period: time.Minute, Children: children})
	a.run(c.late)
	a.listen(c, <-server)
	return a
}

// openExchange makes the exchange and opens it, or returns the child that does.
func (a *air) openExchange(c airConfig) []supervision.Child {
	a.t.Helper()
	cfg := config(a.t)
	cfg.Flow = sim.DefaultFlow()
	cfg.Flow.Rate = 2000
	e, err := sim.NewEngine(cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.feed, err = sim.NewFeed(cfg.Listings, c.feed); err != nil {
		a.t.Fatal(err)
	}
	out := sim.Outlets{
		Feed: func(e sim.MarketEvent) { a.feed.Publish(e); a.tape.apply(e) },
		Line: func(l sim.Line) {
			switch l := l.(type) {
			case *sim.MarkLine:
				a.tape.marks[l.Sym] = *l
			case *sim.TradeLine:
				if l.Buy.Account == "A1" {
					a.trade = l.ID
				}
			}
		},
	}
	if c.actor {
		exchange := sim.NewExchange(e, out)
		child := supervision.DefaultChild("bourse", func(_ context.Context, b *supervision.Birth) error {
			_, err := supervision.Spawn[sim.ExchangeMessage](b, exchange, actors.WithBox(sim.ExchangeBox()))
			return err
		})
		child.Restart = supervision.Temporary
		return []supervision.Child{child}
	}
	a.venue = sim.NewVenue(e, out)
	if err := a.venue.Open(a.now); err != nil {
		a.t.Fatal(err)
	}
	return nil
}

func (a *air) start(spec supervision.Spec) {
	a.t.Helper()
	tree, err := supervision.Start(a.t.Context(), a.sys, spec, supervision.Options{})
	if err != nil {
		a.t.Fatal(err)
	}
	a.tree = tree
}

// listen adds the reader to the tree.
func (a *air) listen(c airConfig, server netip.AddrPort) {
	a.t.Helper()
	var lines []feeds.Line
	for _, l := range c.feed.Lines {
		lines = append(lines, feeds.Line{Name: l.Name, Address: l.Address, Interface: l.Interface})
	}
	service, err := feeds.NewService(feeds.ServiceConfig{
		Feed: feeds.Config{
			Venue: "SIM", Name: "sim", Limits: c.limits, Seed: 7,
			Events: feeds.Events{Request: func(uint64, uint64) { a.wished.Add(1) }},
		},
		New: func(cfg feeds.Config) (feeds.Feed, error) {
			return feeds.NewChannel(cfg, mold.Transport{Heartbeat: c.feed.Heartbeat}, itch.NewCodec(0))
		},
		Lines: lines, Request: server, Ask: mold.AppendAsk, Board: &a.board,
		Subscribers: []feeds.Subscriber{{Name: "test", Kinds: feeds.AllKinds, Sink: a.heard}},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	w := feeds.DefaultWatch()
	w.Backoff = supervision.Backoff{}
	child := supervision.SubTree("feed", service.Spec(w))
	a.tree.StartChild("", child, nil, nil)
}

// run lets the exchange live for d of its own time, all at once.
func (a *air) run(d time.Duration) {
	a.t.Helper()
	if a.venue == nil {
		return
	}
	for end := a.now + market.Timestamp(d); ; {
		at, ok := a.venue.Next()
		if !ok || at > end {
			a.now = end
			return
		}
		a.now = max(a.now, at)
		if err := a.venue.Tick(a.now); err != nil {
			a.t.Fatal(err)
		}
	}
}

// until waits until cond holds, looking again at each piece of news.
func (a *air) until(what string, cond func() bool) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 20*time.Second)
	defer cancel()
	for !cond() {
		select {
		case <-a.heard.news:
		case <-ctx.Done():
			a.t.Fatalf("waited in vain until %s; channel states %v, %d requests answered, next %d", what, a.heard.heard(), a.asked.Load(), a.feed.Next())
		}
	}
}

// same waits until the reader has the exchange's books.
func (a *air) same() {
	a.t.Helper()
	for _, symbol := range []market.Symbol{"ACME", "BOLT"} {
		i := market.MustListed("SIM", symbol)
		want := a.tape.book(symbol)
		if len(want) < 4 {
			a.t.Fatalf("%s has only %d levels: no market to compare", symbol, len(want))
		}
		a.until(fmt.Sprintf("%s is the exchange's book", symbol), func() bool { return slices.Equal(a.heard.book(i), want) })
		a.until("the board shows its touch", func() bool {
			q, ok := a.board.Read(i)
			return ok && q.Tradable() == nil && q.Bid.Price == a.tape.best(symbol, market.Buy) && q.Ask.Price == a.tape.best(symbol, market.Sell)
		})
	}
	if err := a.feed.Err(); err != nil {
		a.t.Error(err)
	}
}

// mark lets the exchange come to the moment at which it says itself what its touch is, and checks that the tape says so too.
func (a *air) mark() {
	a.t.Helper()
	before := maps.Clone(a.tape.marks)
	for maps.Equal(before, a.tape.marks) {
		at, ok := a.venue.Next()
		if !ok {
			a.t.Fatal("the exchange has nothing left to do")
		}
		a.now = max(a.now, at)
		if err := a.venue.Tick(a.now); err != nil {
			a.t.Fatal(err)
		}
	}
	for symbol, m := range a.tape.marks {
		if bid, ask := a.tape.best(symbol, market.Buy), a.tape.best(symbol, market.Sell); bid != m.Bid || ask != m.Ask {
			a.t.Errorf("the exchange says that %s is %s %s, its feed that it is %s %s", symbol, m.Bid, m.Ask, bid, ask)
		}
	}
}

func (a *air) close() {
	if a.tree != nil {
		a.tree.Shutdown()
		select {
		case r := <-a.tree.Done():
			if r.Code != 0 {
				a.t.Errorf("tree ended with %+v", r)
			}
		case <-time.After(10 * time.Second):
			a.t.Error("the tree does not end")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.sys.Stop(ctx); err != nil {
		a.t.Error(err)
	}
}

func TestBoardEqualsTheExchangesBook(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*airConfig)
	}{
		{"unicast", func(*airConfig) {}},
		{"multicast on lo", func(c *airConfig) {
			c.feed.Lines[0] = sim.FeedLine{Name: "a", Address: netip.MustParseAddrPort("239.0.0.1:0"), Interface: "lo"}
			c.feed.Lines[1] = sim.FeedLine{Name: "b", Address: netip.MustParseAddrPort("239.0.0.2:0"), Interface: "lo"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := goOnAir(t, tt.change)
			for range 5 {
				a.run(300 * time.Millisecond)
				a.mark()
				a.same()
			}
			if len(a.heard.prints()) == 0 {
				t.Error("no trades were heard")
			}
		})
	}
}

func TestLateReaderComesLiveThroughRequests(t *testing.T) {
	a := goOnAir(t, func(c *airConfig) { c.late = 10 * time.Second })
	a.same()
	if a.asked.Load() == 0 {
		t.Error("nothing was asked for")
	}
	a.run(time.Second)
	a.same()
}

func TestRestartedReaderComesBack(t *testing.T) {
	a := goOnAir(t, func(*airConfig) {})
	a.run(2 * time.Second)
	a.same()
	for _, part := range []actors.Name{"feed/channel", "feed/a"} {
		before := len(a.heard.heard())
		if err := a.sys.StopActor(part, 0); err != nil {
			t.Fatal(err)
		}
		a.until(string(part)+" is down", func() bool { return slices.Contains(a.heard.heard()[before:], feeds.Down) })
		a.run(time.Second)
		a.same()
	}
	if a.asked.Load() == 0 {
		t.Error("nothing was asked for")
	}
}

func TestSenderAndServerComeBackWhereTheyWere(t *testing.T) {
	a := goOnAir(t, func(*airConfig) {})
	a.run(time.Second)
	a.same()
	for _, part := range []actors.Name{"exchange/sender", "exchange/requests", "feed/channel"} {
		before := a.tree.Snapshot()
		if err := a.sys.StopActor(part, 0); err != nil {
			t.Fatal(err)
		}
		a.until("the tree has noticed", func() bool { return a.tree.Snapshot() != before })
		a.run(time.Second)
		a.same()
	}
}

func TestExchangeThatKeepsItsOwnTimeIsHeardWhole(t *testing.T) {
	a := goOnAir(t, func(c *airConfig) { c.actor = true })
	a.until("the market trades", func() bool { return len(a.heard.prints()) > 200 })
	if s := a.heard.heard(); s[len(s)-1] != feeds.Live {
		t.Errorf("states = %v, want it live", s)
	}
	down := make(chan struct{})
	a.tree.TerminateChild("", "bourse", func(supervision.Answer) { close(down) })
	<-down
	a.until("the end of the day is told", func() bool { s := a.heard.heard(); return s[len(s)-1] == feeds.Down })
	heard := a.heard.prints()
	if len(heard) != len(a.tape.prints) {
		t.Fatalf("%d trades were heard, want %d", len(heard), len(a.tape.prints))
	}
	for i, e := range a.tape.prints {
		x := heard[i]
		if x.Instrument.Symbol() != e.Symbol || x.Price != e.Price || x.Qty != e.Qty || x.Aggressor != e.Side.Opposite() || x.Event != e.Time {
			t.Fatalf("trade %d was heard as %+v, want %+v", i, x, e)
		}
	}
}

func TestPacketLostOnEveryLineIsAskedFor(t *testing.T) {
	var losing atomic.Bool
	a := goOnAir(t, func(c *airConfig) {
		c.feed.Hooks.Withhold = func(string, []byte) bool { return losing.Load() }
	})
	a.run(200 * time.Millisecond)
	a.same()
	before := len(a.heard.heard())
	for n := range 3 {
		losing.Store(true)
		kept := a.kept.Load()
		a.run(10 * time.Millisecond)
		a.until("a packet has been kept back on both lines", func() bool { return a.kept.Load() >= kept+2 })
		losing.Store(false)
		a.run(10 * time.Millisecond)
		a.same()
		if got := a.heard.heard(); !slices.Contains(got[before:], feeds.Suspect) {
			t.Errorf("loss %d: states %v, want a gap", n, got[before:])
		}
		before = len(a.heard.heard())
	}
}

func TestPacketLostOnOneLineIsNotMissed(t *testing.T) {
	a := goOnAir(t, func(c *airConfig) {
		c.limits.HoldFor = time.Minute // so that nothing but the other line can fill a hole
		n := 0
		c.feed.Hooks.Withhold = func(line string, _ []byte) bool { // a gets every other packet, and b the rest
			pair := n / 2
			n++
			return (line == "a") == (pair%2 == 0)
		}
	})
	a.run(20 * time.Millisecond)
	a.same()
	before := a.wished.Load() // for what was sent before the reader listened
	for range 30 {
		a.run(20 * time.Millisecond)
		a.same()
	}
	if got := a.wished.Load(); got != before {
		t.Errorf("%d requests for what the other line had, want none", got-before)
	}
}

func TestEndOfTheDayIsTold(t *testing.T) {
	a := goOnAir(t, func(*airConfig) {})
	a.run(time.Second)
	a.same()
	if err := a.venue.Shut(a.now); err != nil {
		t.Fatal(err)
	}
	a.until("the channel is down", func() bool { s := a.heard.heard(); return s[len(s)-1] == feeds.Down })
	if q, _ := a.board.Read(market.MustListed("SIM", "ACME")); !errors.Is(q.Tradable(), feeds.ErrNotLive) {
		t.Errorf("quote after the day = %+v", q)
	}
	a.feed.Publish(sim.MarketEvent{Kind: sim.Listed, Symbol: "LATE"})
	if got := a.feed.Next(); got != a.tape.events+1 {
		t.Errorf("next = %d after %d events, want one more: nothing follows the end", got, a.tape.events)
	}
}
