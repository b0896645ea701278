package sim_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

const start = market.Timestamp(1_767_623_400_000_000_000)

func price(t testing.TB, s string) market.Price {
	t.Helper()
	p, err := market.ParsePrice(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func contract(t testing.TB, sym market.Symbol) market.Contract {
	t.Helper()
	return market.Contract{
		Instrument: market.MustListed("SIM", sym), Currency: "USD", Tick: price(t, "0.01"), Lot: market.Unit, MinQty: market.Unit,
		MaxQty: 1000 * market.Unit, Multiplier: market.One,
	}
}

// config is an exchange of two symbols and two sessions, without flow.
func config(t testing.TB) sim.Config {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Seed = 7
	cfg.Listings = []sim.Listing{
		{Contract: contract(t, "ACME"), Reference: price(t, "100")},
		{Contract: contract(t, "BOLT"), Reference: price(t, "40")},
	}
	cfg.Sessions = []sim.SessionConfig{sim.DefaultSession("A1"), sim.DefaultSession("A2")}
	return cfg
}

// world is an exchange with its clock, its ledger in memory, and what it said to each session.
type world struct {
	t      testing.TB
	now    market.Timestamp
	venue  *sim.Venue
	file   bytes.Buffer
	lines  []sim.Line
	feed   []sim.MarketEvent
	heard  map[sim.SessionID][]sim.Reply
	out    map[sim.SessionID]uint64 // next number of each client
	expect map[sim.SessionID]uint64 // next number each client expects
}

func open(t testing.TB, cfg sim.Config) *world {
	t.Helper()
	e, err := sim.NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: start, heard: map[sim.SessionID][]sim.Reply{}, out: map[sim.SessionID]uint64{}, expect: map[sim.SessionID]uint64{}}
	w.venue = sim.NewVenue(e, sim.Outlets{
		Ledger: sim.NewLedger(&w.file, false),
		Feed:   func(e sim.MarketEvent) { w.feed = append(w.feed, e) },
		Clock:  func() market.Timestamp { return w.now },
		Line:   func(l sim.Line) { w.lines = append(w.lines, l) },
	})
	w.must(w.venue.Open(w.now))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) number(id sim.SessionID) uint64 {
	w.out[id]++
	return w.out[id]
}

func (w *world) logon(id sim.SessionID) {
	w.t.Helper()
	w.must(w.venue.Logon(sim.Session{ID: id, Sub: "n1", Seq: w.number(id), Expect: max(1, w.expect[id]), Send: func(r sim.Reply) {
		w.heard[id] = append(w.heard[id], r)
		if r.Seq >= w.expect[id] {
			w.expect[id] = r.Seq + 1
		}
	}}))
}

func (w *world) logout(id sim.SessionID) {
	w.t.Helper()
	w.number(id)
	w.must(w.venue.Logout(id, sim.WhyLogout))
}

func (w *world) send(id sim.SessionID, r sim.Request) {
	w.t.Helper()
	r.Seq = w.number(id)
	r.Sent = w.now
	w.must(w.venue.Receive(id, r))
}

func (w *world) limit(id sim.SessionID, cl market.ClOrdID, side market.Side, qty int64, px string, tif market.TIF) {
	w.t.Helper()
	w.send(id, sim.Request{
		Kind: sim.NewOrder, ClOrdID: cl, Symbol: "ACME", Side: side, Type: market.Limit, TIF: tif,
		Qty: market.Qty(qty) * market.Unit, Price: price(w.t, px),
	})
}

func (w *world) cancel(id sim.SessionID, cl, orig market.ClOrdID) {
	w.t.Helper()
	w.send(id, sim.Request{Kind: sim.CancelOrder, ClOrdID: cl, Orig: orig, Symbol: "ACME"})
}

// pass lets time go by, ticking whenever something is due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.now + market.Timestamp(d)
	for {
		at, ok := w.venue.Next()
		if !ok || at > end {
			break
		}
		w.now = max(w.now, at)
		w.must(w.venue.Tick(w.now))
	}
	w.now = end
}

// reports gives the execution reports a session has heard since the last call, and forgets all it has heard.
func (w *world) reports(id sim.SessionID) []sim.Report {
	var rs []sim.Report
	for _, r := range w.heard[id] {
		if b, ok := r.Body.(sim.Report); ok {
			rs = append(rs, b)
		}
	}
	w.heard[id] = nil
	return rs
}

func TestAnOrderIsFilledAtTheRestingPrice(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.logon("A2")
	w.limit("A1", "a", market.Sell, 5, "100.00", market.Day)
	w.limit("A2", "b", market.Buy, 8, "100.05", market.IOC)
	got := w.reports("A2")
	if len(got) != 3 {
		t.Fatalf("reports = %+v, want NEW, T, CXL", got)
	}
	if f := got[1]; f.Type != sim.ExecTrade || f.LastQty != 5*market.Unit || f.LastPx != price(t, "100") || f.Status != sim.StatusPartial {
		t.Errorf("fill = %+v, want 5 at 100", f)
	}
	if c := got[2]; c.Type != sim.ExecCancelled || c.Cum != 5*market.Unit || c.Leaves != 0 {
		t.Errorf("end = %+v, want the rest cancelled", c)
	}
	w.must(w.venue.Shut(w.now))
}
