package sim_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// TestAReaderFollowsHaltsAuctionsAndSplits: over real sockets, the book is the exchange's after each, and what an auction
// traded is heard, of orders that the feed shows and of those that it does not.
func TestAReaderFollowsHaltsAuctionsAndSplits(t *testing.T) {
	a := goOnAir(t, func(*airConfig) {})
	handle := func(in sim.Input) {
		t.Helper()
		if err := a.venue.Handle(a.now, in); err != nil {
			t.Fatal(err)
		}
	}
	order := func(id sim.SessionID, seq uint64, side market.Side, qty int64, px string) {
		t.Helper()
		handle(sim.Received{Session: id, Request: sim.Request{
			Kind: sim.NewOrder, Seq: seq, ClOrdID: market.ClOrdID(px), Symbol: "ACME", Side: side, Type: market.Limit, TIF: market.GTC,
			Qty: market.Qty(qty) * market.Unit, Price: price(t, px),
		}})
	}
	a.run(300 * time.Millisecond)
	a.same()
	for _, id := range []sim.SessionID{"A1", "A2"} {
		handle(sim.Logon{Session: sim.Session{ID: id, Sub: "n", Seq: 1, Expect: 1}})
	}
	for _, p := range []sim.Phase{sim.PhaseHalt, sim.PhaseAuction} {
		handle(sim.SetPhase{Symbols: []market.Symbol{"ACME"}, Phase: p})
	}
	prints := func() (of []sim.MarketEvent) {
		for _, e := range a.tape.prints {
			if e.Symbol == "ACME" {
				of = append(of, e)
			}
		}
		return of
	}
	before := len(prints())
	order("A1", 2, market.Buy, 900, "120") // meets all that is offered, and the other's offer
	order("A2", 2, market.Sell, 700, "80")
	a.run(100 * time.Millisecond)
	if len(prints()) != before {
		t.Error("there was trade in an auction")
	}
	handle(sim.SetPhase{Symbols: []market.Symbol{"ACME"}, Phase: sim.PhaseContinuous})
	kinds := map[sim.MarketKind]bool{}
	told := prints()[before]
	for _, e := range prints()[before:] {
		if e.Price != told.Price {
			t.Errorf("traded at %v and %v, want one price", told.Price, e.Price)
		}
		kinds[e.Kind] = true
	}
	if !kinds[sim.Printed] || (!kinds[sim.ExecutedAt] && !kinds[sim.Executed]) {
		t.Errorf("the auction was told by %v, want by orders that are shown and by those that are not", kinds)
	}
	a.until("what the auction traded is heard", func() bool {
		for _, h := range a.heard.prints() {
			if h.Price == told.Price && h.Qty == told.Qty {
				return true
			}
		}
		return false
	})
	a.run(300 * time.Millisecond)
	a.same()
	handle(sim.Bust{Exec: a.trade})
	handle(sim.Split{Symbol: "ACME", By: 2})
	a.run(300 * time.Millisecond)
	a.same()
}
