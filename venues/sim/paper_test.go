package sim_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// paperWorld is a paper venue with one session and a clock.
type paperWorld struct {
	*world
	paper *sim.Paper
	feed  *sim.PaperFeed
	acme  market.Instrument
}

func openPaper(t testing.TB) *paperWorld {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Venue = "SIM"
	cfg.Sessions = []sim.SessionConfig{sim.DefaultSession("A1")}
	w := &world{t: t, now: start, heard: map[sim.SessionID][]sim.Reply{}, out: map[sim.SessionID]uint64{}, expect: map[sim.SessionID]uint64{}}
	p, err := sim.NewPaper(cfg, sim.PaperLatency, sim.Outlets{
		Ledger: sim.NewLedger(&w.file, false), Clock: func() market.Timestamp { return w.now },
		Line: func(l sim.Line) { w.lines = append(w.lines, l) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.venue = p.Venue
	w.must(p.Open(w.now))
	w.must(p.List(contract(t, "ACME")))
	w.logon("A1")
	return &paperWorld{world: w, paper: p, feed: p.Feed(), acme: market.MustListed("SIM", "ACME")}
}

func (w *paperWorld) depth(side market.Side, px string, qty int64, complete bool) {
	w.feed.Depth(feeds.Depth{
		Instrument: w.acme, State: feeds.Live, Side: side, Price: price(w.t, px), Qty: market.Qty(qty) * market.Unit,
		Complete: complete, Recv: w.now,
	})
}

func (w *paperWorld) print(px string, qty int64) {
	w.feed.Trade(feeds.Trade{Instrument: w.acme, State: feeds.Live, Price: price(w.t, px), Qty: market.Qty(qty) * market.Unit, Recv: w.now})
}

func (w *paperWorld) fills() []fill {
	var f []fill
	for _, r := range w.reports("A1") {
		if r.Type == sim.ExecTrade {
			f = append(f, fill{r.LastQty / market.Unit, r.LastPx})
		}
	}
	return f
}

func TestPaperTakesWhatIsDisplayedAndNeverTwice(t *testing.T) {
	w := openPaper(t)
	w.depth(market.Sell, "100.02", 5, false)
	w.depth(market.Sell, "100.01", 3, true)
	w.limit("A1", "a", market.Buy, 6, "100.02", market.IOC)
	if got := w.fills(); got != nil {
		t.Fatalf("fills before arrival = %v, want none", got)
	}
	w.pass(time.Millisecond)
	if got, want := w.fills(), []fill{{3, price(t, "100.01")}, {3, price(t, "100.02")}}; !slices.Equal(got, want) {
		t.Fatalf("fills = %v, want %v", got, want)
	}
	w.limit("A1", "b", market.Buy, 6, "100.02", market.IOC)
	w.pass(time.Millisecond)
	if got, want := w.fills(), []fill{{2, price(t, "100.02")}}; !slices.Equal(got, want) {
		t.Fatalf("fills = %v, want what was left, %v", got, want)
	}
	w.depth(market.Sell, "100.02", 5, true) // an update: what was taken is forgotten
	w.limit("A1", "c", market.Buy, 6, "100.02", market.IOC)
	w.pass(time.Millisecond)
	if got, want := w.fills(), []fill{{5, price(t, "100.02")}}; !slices.Equal(got, want) {
		t.Fatalf("fills = %v, want %v", got, want)
	}
}

func TestPaperQueuesBehindWhatIsDisplayed(t *testing.T) {
	w := openPaper(t)
	w.depth(market.Buy, "99.99", 10, true)
	w.limit("A1", "a", market.Buy, 4, "99.99", market.Day)
	w.pass(time.Millisecond)
	w.print("99.99", 7)
	w.depth(market.Buy, "99.99", 2, true) // 7 traded and 1 was cancelled: 2 are ahead at most
	if got := w.fills(); got != nil {
		t.Fatalf("fills with size ahead = %v, want none", got)
	}
	w.print("99.99", 3)
	if got, want := w.fills(), []fill{{1, price(t, "99.99")}}; !slices.Equal(got, want) {
		t.Fatalf("fills = %v, want %v", got, want)
	}
	w.print("99.98", 2)
	if got, want := w.fills(), []fill{{2, price(t, "99.99")}}; !slices.Equal(got, want) {
		t.Fatalf("fills of a print through the price = %v, want %v", got, want)
	}
}

func TestPaperFillsNothingWhileTheBookIsNotLive(t *testing.T) {
	w := openPaper(t)
	w.depth(market.Buy, "99.99", 1, false)
	w.depth(market.Sell, "100.01", 5, true)
	w.feed.State(feeds.StateChange{State: feeds.Suspect, Recv: w.now})
	w.limit("A1", "i", market.Buy, 1, "100.01", market.IOC)
	w.limit("A1", "d", market.Buy, 1, "100.01", market.Day)
	w.pass(time.Millisecond)
	w.print("99", 50)
	w.feed.State(feeds.StateChange{State: feeds.Live, Recv: w.now})
	w.depth(market.Sell, "100.01", 5, false)
	if got := w.reports("A1"); len(got) != 3 || got[1].Status != sim.StatusCancelled || got[1].ClOrdID != "i" {
		t.Fatalf("reports = %+v, want two acks and the end of the IOC", got)
	}
	w.depth(market.Buy, "99.99", 1, true)
	if got, want := w.fills(), []fill{{1, price(t, "100.01")}}; !slices.Equal(got, want) {
		t.Fatalf("fills once the book is whole = %v, want %v", got, want)
	}
}

func TestPaperReportsSaySo(t *testing.T) {
	w := openPaper(t)
	w.depth(market.Sell, "100", 5, true)
	w.limit("A1", "a", market.Buy, 9, "100", market.Day)
	w.pass(time.Millisecond)
	w.cancel("A1", "c", "a")
	w.limit("A1", "x", market.Buy, 0, "100", market.Day)
	w.pass(time.Millisecond)
	got := w.reports("A1")
	if len(got) != 4 {
		t.Fatalf("%d reports, want NEW, T, CXL, REJ", len(got))
	}
	for _, r := range got {
		if !r.Paper {
			t.Errorf("report %v of %s does not say paper", r.Type, r.ClOrdID)
		}
	}
}

// naivePaper is the rules of paper fills in the plainest way: maps, lists, everything computed again at every event.
type naivePaper struct {
	level   map[market.Side]map[market.Price]*naiveLevel
	whole   bool
	open    bool
	resting []*naiveOrder // by arrival
	parked  []*naiveOrder
	flight  []*naiveRequest
	fills   []naiveFill
}

type naiveLevel struct{ qty, taken market.Qty }

type naiveOrder struct {
	cl            market.ClOrdID
	side          market.Side
	px            market.Price // 0: market
	tif           market.TIF
	leaves, ahead market.Qty
}

type naiveRequest struct {
	at     market.Timestamp
	order  *naiveOrder
	cancel market.ClOrdID
}

type naiveFill struct {
	cl  market.ClOrdID
	qty market.Qty
	px  market.Price
}

func newNaive() *naivePaper {
	return &naivePaper{level: map[market.Side]map[market.Price]*naiveLevel{market.Buy: {}, market.Sell: {}}}
}

func (n *naivePaper) arrivals(before market.Timestamp) {
	for len(n.flight) > 0 && n.flight[0].at < before {
		r := n.flight[0]
		n.flight = n.flight[1:]
		if r.order == nil {
			gone := func(o *naiveOrder) bool { return o.cl == r.cancel }
			n.resting, n.parked = slices.DeleteFunc(n.resting, gone), slices.DeleteFunc(n.parked, gone)
			continue
		}
		switch {
		case n.whole && !n.open:
			n.meet(r.order)
		case n.whole || r.order.rests():
			n.parked = append(n.parked, r.order)
		}
	}
}

func (o *naiveOrder) rests() bool { return o.px != 0 && o.tif == market.Day }

func (o *naiveOrder) meets(px market.Price) bool {
	return o.px == 0 || (o.side == market.Buy && px <= o.px) || (o.side == market.Sell && px >= o.px)
}

// best gives the prices of a side that o meets, best first.
func (n *naivePaper) best(o *naiveOrder) []market.Price {
	var px []market.Price
	for p := range n.level[o.side.Opposite()] {
		if o.meets(p) {
			px = append(px, p)
		}
	}
	slices.Sort(px)
	if o.side == market.Sell {
		slices.Reverse(px)
	}
	return px
}

func (n *naivePaper) meet(o *naiveOrder) {
	if o.tif == market.FOK {
		var sum market.Qty
		for _, p := range n.best(o) {
			l := n.level[o.side.Opposite()][p]
			sum += l.qty - l.taken
		}
		if sum < o.leaves {
			return
		}
	}
	for _, p := range n.best(o) {
		l := n.level[o.side.Opposite()][p]
		q := min(o.leaves, l.qty-l.taken)
		l.taken += q
		n.fill(o, q, p)
	}
	if o.leaves > 0 && o.rests() {
		if l := n.level[o.side][o.px]; l != nil {
			o.ahead = l.qty
		}
		n.resting = append(n.resting, o)
	}
}

func (n *naivePaper) fill(o *naiveOrder, q market.Qty, px market.Price) {
	if q > 0 {
		o.leaves -= q
		n.fills = append(n.fills, naiveFill{o.cl, q, px})
	}
}

func (n *naivePaper) depth(e feeds.Depth) {
	n.arrivals(e.Recv)
	delete(n.level[e.Side], e.Price)
	if e.Qty > 0 {
		n.level[e.Side][e.Price] = &naiveLevel{qty: e.Qty}
	}
	back := e.Complete && !n.whole
	n.whole = n.whole || e.Complete
	n.open = !e.Complete
	if !n.whole {
		return
	}
	for _, o := range n.resting {
		var shown market.Qty
		if l := n.level[o.side][o.px]; l != nil {
			shown = l.qty
		}
		if back {
			o.ahead = shown
		}
		if o.side == e.Side && o.px == e.Price {
			o.ahead = min(o.ahead, shown)
		}
	}
	if e.Complete {
		parked := n.parked
		n.parked = nil
		for _, o := range parked {
			n.meet(o)
		}
	}
}

func (n *naivePaper) trade(e feeds.Trade) {
	n.arrivals(e.Recv)
	if !n.whole || e.State != feeds.Live {
		return
	}
	for _, side := range []market.Side{market.Buy, market.Sell} {
		var mine []*naiveOrder
		for _, o := range n.resting {
			if o.side == side {
				mine = append(mine, o)
			}
		}
		slices.SortStableFunc(mine, func(a, b *naiveOrder) int {
			return int(b.px-a.px) * int(side.Sign())
		})
		used := market.Qty(0)
		for _, o := range mine {
			through := o.px != e.Price && o.meets(e.Price)
			switch {
			case through:
				q := min(o.leaves, e.Qty-used)
				used += max(q, 0)
				n.fill(o, q, o.px)
			case o.px == e.Price && e.Aggressor != side:
				q := min(o.leaves, e.Qty-used-o.ahead)
				used += max(q, 0)
				o.ahead = max(0, o.ahead-e.Qty)
				n.fill(o, q, o.px)
			}
		}
	}
	n.resting = slices.DeleteFunc(n.resting, func(o *naiveOrder) bool { return o.leaves == 0 })
}

func (n *naivePaper) state(e feeds.StateChange) {
	n.arrivals(e.Recv)
	n.level[market.Buy], n.level[market.Sell] = map[market.Price]*naiveLevel{}, map[market.Price]*naiveLevel{}
	n.whole, n.open = false, false
	if e.State != feeds.Live {
		n.parked = slices.DeleteFunc(n.parked, func(o *naiveOrder) bool { return !o.rests() })
	}
}

// TestPaperEqualsTheNaiveModel drives both with the same random stream of book events and orders.
func TestPaperEqualsTheNaiveModel(t *testing.T) {
	total := 0
	for _, seed := range seeds(t) {
		rng := rand.New(rand.NewPCG(seed, 2))
		w, n := openPaper(t), newNaive()
		var placed []market.ClOrdID
		for i := range 1500 {
			w.now += market.Timestamp(rng.IntN(700)) * 1000
			for { // as a clock that jumps to what is due next
				at, ok := w.venue.Next()
				if !ok || at >= w.now {
					break
				}
				w.must(w.venue.Tick(at))
			}
			px := market.Price(9_990+rng.IntN(21)) * 10_000_000
			qty := market.Qty(rng.IntN(9)) * market.Unit
			switch k := rng.IntN(100); {
			case k < 50:
				e := feeds.Depth{
					Instrument: w.acme, State: feeds.Live, Side: market.Side(1 + rng.IntN(2)), Price: px, Qty: qty,
					Complete: rng.IntN(3) > 0, Recv: w.now,
				}
				w.feed.Depth(e)
				n.depth(e)
			case k < 70:
				e := feeds.Trade{Instrument: w.acme, State: feeds.Live, Price: px, Qty: qty + market.Unit, Aggressor: market.Side(rng.IntN(3)), Recv: w.now}
				w.feed.Trade(e)
				n.trade(e)
			case k < 71:
				e := feeds.StateChange{State: []feeds.State{feeds.Suspect, feeds.Live, feeds.Stale}[rng.IntN(3)], Recv: w.now}
				if rng.IntN(2) == 0 {
					e.Instrument = w.acme
				}
				w.feed.State(e)
				n.state(e)
			case k < 80 && len(placed) > 0:
				cl := placed[rng.IntN(len(placed))]
				w.cancel("A1", market.ClOrdID("c"+strconv.Itoa(i)), cl)
				n.flight = append(n.flight, &naiveRequest{at: w.now + market.Timestamp(sim.PaperLatency), cancel: cl})
			default:
				o := &naiveOrder{
					cl: market.ClOrdID("o" + strconv.Itoa(i)), side: market.Side(1 + rng.IntN(2)), px: px,
					tif: []market.TIF{market.Day, market.Day, market.IOC, market.FOK}[rng.IntN(4)], leaves: qty + market.Unit,
				}
				typ := market.Limit
				if rng.IntN(8) == 0 {
					typ, o.px = market.Market, 0
				}
				w.send("A1", sim.Request{Kind: sim.NewOrder, ClOrdID: o.cl, Symbol: "ACME", Side: o.side, Type: typ, TIF: o.tif, Qty: o.leaves, Price: o.px})
				n.flight = append(n.flight, &naiveRequest{at: w.now + market.Timestamp(sim.PaperLatency), order: o})
				placed = append(placed, o.cl)
			}
			n.arrivals(w.now + 1)
			w.must(w.venue.Tick(w.now))
		}
		var got []naiveFill
		for _, r := range w.reports("A1") {
			if r.Type == sim.ExecTrade {
				got = append(got, naiveFill{r.ClOrdID, r.LastQty, r.LastPx})
			}
		}
		if !slices.Equal(got, n.fills) {
			for i := range got {
				if i >= len(n.fills) || got[i] != n.fills[i] {
					t.Fatalf("seed %d: fill %d = %+v, want %+v", seed, i, got[i], n.fills[i:min(i+1, len(n.fills))])
				}
			}
			t.Fatalf("seed %d: %d fills, want %d", seed, len(got), len(n.fills))
		}
		total += len(got)
	}
	if total < 100 {
		t.Fatalf("%d fills over all seeds: nothing was tested", total)
	}
}

func BenchmarkPaperDepth(b *testing.B) {
	for _, orders := range []string{"none", "one resting"} {
		b.Run(orders, func(b *testing.B) {
			w := openPaper(b)
			for k := range 40 {
				px := market.Price(10_000-k) * 10_000_000
				w.feed.Depth(feeds.Depth{Instrument: w.acme, State: feeds.Live, Side: market.Buy, Price: px, Qty: market.Unit, Complete: true, Recv: w.now})
			}
			if orders != "none" {
				w.limit("A1", "a", market.Buy, 1, "99.95", market.Day)
				w.pass(time.Millisecond)
			}
			rng := rand.New(rand.NewPCG(1, 1))
			events := make([]feeds.Depth, 4096)
			for i := range events {
				depth := min(rng.IntN(40), rng.IntN(40), rng.IntN(40))
				events[i] = feeds.Depth{
					Instrument: w.acme, State: feeds.Live, Side: market.Buy, Price: market.Price(10_000-depth) * 10_000_000,
					Qty: market.Qty(rng.IntN(4)) * market.Unit, Complete: true, Recv: w.now,
				}
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				w.feed.Depth(events[i&4095])
				i++
			}
		})
	}
}

// TestAPaperVenueTakesTheFaultsThatNeedNoMarket: what halts, splits, busts or restates needs an exchange that matches itself.
func TestAPaperVenueTakesTheFaultsThatNeedNoMarket(t *testing.T) {
	refused := []sim.FaultKind{sim.UnsolicitedRestate, sim.BustFault, sim.CorrectFault, sim.HaltFault, sim.SplitFault}
	for _, kind := range sim.FaultKinds() {
		cfg := sim.DefaultConfig()
		cfg.Sessions = []sim.SessionConfig{sim.DefaultSession("A1")}
		cfg.Faults = []sim.Fault{sim.Fault{ID: "f", Kind: kind, When: sim.FaultWhen{Nth: 1}}.WithDefaults()}
		if _, err := sim.NewPaper(cfg, sim.PaperLatency, sim.Outlets{}); (err != nil) != slices.Contains(refused, kind) {
			t.Errorf("%s: error = %v, want one of %v alone", kind, err, refused)
		}
	}
	cfg := sim.DefaultConfig()
	cfg.Phases = []sim.PhaseAt{{Phase: sim.PhaseHalt}}
	if _, err := sim.NewPaper(cfg, sim.PaperLatency, sim.Outlets{}); err == nil {
		t.Error("a paper venue took phases: its recording has its own")
	}
}
