package sim_test

import (
	"bytes"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// traded is a world in which A1 bought 5 of A2 at 100; both orders are filled.
func traded(t *testing.T) (*world, *sim.TradeLine) {
	t.Helper()
	w := traders(t, nil)
	w.limit("A2", "s", market.Sell, 5, "100", market.Day)
	w.limit("A1", "b", market.Buy, 5, "100", market.GTC)
	w.bodies("A1")
	w.bodies("A2")
	return w, lastOf[*sim.TradeLine](w)
}

func TestABustTakesBothSidesBackAndOpensThemAgain(t *testing.T) {
	w, trade := traded(t)
	w.phase(sim.PhaseAuction) // or they would meet again at once
	w.operate(sim.Bust{Exec: trade.Sell.Exec})
	rs := w.reports("A1")
	if len(rs) != 1 || rs[0].Type != sim.ExecBust || rs[0].ExecRef != trade.Buy.Exec || rs[0].Status != sim.StatusNew || rs[0].Cum != 0 || rs[0].Leaves != 5*market.Unit {
		t.Errorf("reports = %+v, want the execution taken back and the order open again", rs)
	}
	w.want("A2", "TC s")
	var lines []*sim.CorrectionLine
	for _, l := range w.lines {
		if c, ok := l.(*sim.CorrectionLine); ok {
			lines = append(lines, c)
		}
	}
	if len(lines) != 2 || lines[0].K != "bust" || lines[0].Ref != trade.Buy.Exec || lines[0].OldQty != 5*market.Unit || lines[0].Qty != 0 || lines[1].Account != "A2" {
		t.Errorf("bust lines = %+v, want one of each side", lines)
	}
	match := uint64(0)
	for _, e := range w.feed {
		switch e.Kind {
		case sim.Executed:
			match = e.Match
		case sim.Broken:
			if e.Match != match || match == 0 {
				t.Errorf("the feed took back %+v, want match %d", e, match)
			}
			match = 0
		default:
		}
	}
	if match != 0 {
		t.Error("the feed did not take the trade back")
	}
	if e := lastOf[*sim.ExposureLine](w); e.Pos != 0 || e.OpenSell != 5*market.Unit {
		t.Errorf("exposure = %+v, want no position, and 5 open", e)
	}
	if err := w.venue.Operate(w.now, sim.Bust{Exec: trade.Buy.Exec}); err == nil {
		t.Error("a trade was busted twice")
	}
	w.phase(sim.PhaseContinuous)
	w.want("A1", "T b")
	w.must(w.venue.Shut(w.now))
	w.sums()
}

func TestABustLeavesAnOrderThatHasEndedAsItIs(t *testing.T) {
	w := traders(t, nil)
	w.limit("A2", "s", market.Sell, 5, "100", market.Day)
	w.limit("A1", "b", market.Buy, 8, "100", market.IOC)
	w.bodies("A1")
	w.operate(sim.Bust{Exec: lastOf[*sim.TradeLine](w).ID})
	if rs := w.reports("A1"); len(rs) != 1 || rs[0].Type != sim.ExecBust || rs[0].Status != sim.StatusCancelled || rs[0].Leaves != 0 {
		t.Errorf("reports = %+v, want the execution taken back of an order that stays cancelled", rs)
	}
	w.limit("A1", "again", market.Buy, 5, "100", market.IOC)
	w.want("A1", "NEW again", "T again")
	w.must(w.venue.Shut(w.now))
	w.sums()
}

// TestABustOfAnOrderThatMayNotWaitEndsIt: an IOC that was filled has nothing to wait for.
func TestABustOfAnOrderThatMayNotWaitEndsIt(t *testing.T) {
	w := traders(t, nil)
	w.limit("A2", "s", market.Sell, 5, "100", market.Day)
	w.limit("A1", "b", market.Buy, 5, "100", market.IOC)
	w.bodies("A1")
	w.operate(sim.Bust{Exec: lastOf[*sim.TradeLine](w).ID})
	w.want("A1", "TC b", "CXL b")
	w.must(w.venue.Shut(w.now))
	w.sums()
}

func TestACorrectionOfACorrection(t *testing.T) {
	w, trade := traded(t)
	w.operate(sim.Correct{Exec: trade.ID, Price: price(t, "99.50")})
	first := w.reports("A1")
	if len(first) != 1 || first[0].Type != sim.ExecCorrect || first[0].LastPx != price(t, "99.50") || first[0].LastQty != 5*market.Unit || first[0].Status != sim.StatusFilled || first[0].AvgPx != price(t, "99.50") {
		t.Fatalf("reports = %+v, want 5 at 99.50 of an order that stays filled", first)
	}
	w.operate(sim.SetPhase{Phase: sim.PhaseAuction})
	w.operate(sim.Correct{Exec: first[0].ExecID, Qty: 3 * market.Unit})
	second := w.reports("A1")
	if len(second) != 1 || second[0].ExecRef != first[0].ExecID || second[0].Cum != 3*market.Unit || second[0].Status != sim.StatusPartial || second[0].Leaves != 2*market.Unit {
		t.Errorf("reports = %+v, want 3 executed and 2 open again", second)
	}
	if err := w.venue.Operate(w.now, sim.Correct{Exec: trade.Buy.Exec, Qty: 6 * market.Unit}); err == nil {
		t.Error("an execution was corrected to more than its order")
	}
	w.operate(sim.Correct{Exec: trade.Buy.Exec, Qty: 5 * market.Unit})
	if rs := w.reports("A1"); len(rs) != 1 || rs[0].Status != sim.StatusFilled {
		t.Errorf("reports = %+v, want the order filled again", rs)
	}
	w.must(w.venue.Shut(w.now))
	w.sums()
	l, err := ledger.Read(bytes.NewReader(w.file.Bytes()))
	w.must(err)
	if f := ledger.J2(l, "A1", map[market.Symbol]market.Qty{"ACME": 5 * market.Unit}); f != nil {
		t.Error(f)
	}
}

func TestARestatementChangesAnOrderUnasked(t *testing.T) {
	w := traders(t, nil)
	w.limit("A1", "b", market.Buy, 6, "99", market.Day)
	w.limit("A2", "s", market.Sell, 2, "99", market.IOC)
	w.bodies("A1")
	w.operate(sim.Restate{OrderID: w.oid("b"), Qty: 5 * market.Unit, Reason: sim.RestateDecline})
	if rs := w.reports("A1"); len(rs) != 1 || rs[0].Type != sim.ExecRestated || rs[0].Restate != sim.RestateDecline || rs[0].Leaves != 3*market.Unit || rs[0].Status != sim.StatusPartial {
		t.Errorf("reports = %+v, want 3 left of 5", rs)
	}
	w.operate(sim.Restate{OrderID: w.oid("b"), Price: price(t, "98")})
	if q := w.tape(t); len(q) != 1 || q[0] != (quote{market.Buy, price(t, "98"), 3 * market.Unit}) {
		t.Errorf("the feed shows %v, want 3 at 98", q)
	}
	w.bodies("A1")
	if err := w.venue.Operate(w.now, sim.Restate{OrderID: w.oid("b"), Qty: market.Unit}); err == nil {
		t.Error("an order was restated to less than was executed")
	}
	w.operate(sim.Restate{OrderID: w.oid("b"), Qty: 2 * market.Unit})
	if rs := w.reports("A1"); len(rs) != 1 || rs[0].Status != sim.StatusFilled || rs[0].Leaves != 0 {
		t.Errorf("reports = %+v, want an order cut to what was executed to be filled", rs)
	}
	w.limit("A1", "c", market.Buy, 6, "99", market.Day)
	w.operate(sim.Withdraw{OrderID: w.oid("c")})
	if rs := w.reports("A1"); len(rs) != 2 || rs[1].Type != sim.ExecCancelled || rs[1].Orig != "" {
		t.Errorf("reports = %+v, want an end that nobody asked for", rs)
	}
}

func TestASplitRestatesOrdersAndWhatWasExecutedOfThem(t *testing.T) {
	w := traders(t, func(c *sim.Config) { c.Listings[0].Contract.MaxQty = 5 * market.Unit })
	w.limit("A1", "b", market.Buy, 5, "60.01", market.GTC)
	w.limit("A2", "s", market.Sell, 2, "60.01", market.IOC)
	w.limit("A2", "o", market.Sell, 5, "61.01", market.GTC)
	w.stop("A1", "stop", market.Sell, 1, "50.01", market.GTC)
	w.bodies("A1")
	w.bodies("A2")
	w.operate(sim.Split{Symbol: "ACME", By: 2})
	rs := w.reports("A1")
	if len(rs) != 2 || rs[0].Restate != sim.RestateCorporate || rs[0].Qty != 10*market.Unit || rs[0].Cum != 4*market.Unit || rs[0].Price != price(t, "30") || rs[0].AvgPx != price(t, "30.005") {
		t.Errorf("reports = %+v, want 4 of 10 executed at 30.005, and the bid a whole tick down", rs)
	}
	if len(rs) == 2 && (rs[1].StopPx != price(t, "25") || rs[1].Qty != 2*market.Unit) {
		t.Errorf("stop = %+v, want 2 at 25, farther from the market", rs[1])
	}
	if rs := w.reports("A2"); len(rs) != 1 || rs[0].Price != price(t, "30.51") {
		t.Errorf("reports of the seller = %+v, want its offer a tick up, and nothing of the order that is over", rs)
	}
	if q := w.tape(t); len(q) != 2 || q[0] != (quote{market.Buy, price(t, "30"), 6 * market.Unit}) {
		t.Errorf("the feed shows %v, want the new terms", q)
	}
	w.must(w.venue.Shut(w.now))
	w.sums()
	l, err := ledger.Read(bytes.NewReader(w.file.Bytes()))
	w.must(err)
	if p := ledger.Positions(l); p["A1"]["ACME"] != 4*market.Unit || p["A2"]["ACME"] != -2*market.Unit {
		t.Errorf("positions = %v, want 4 of the open order and the -2 of the one that is over", p)
	}
}
