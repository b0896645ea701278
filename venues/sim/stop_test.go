package sim_test

import (
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

func (w *world) stop(id sim.SessionID, cl market.ClOrdID, side market.Side, qty int64, at string, tif market.TIF) {
	w.t.Helper()
	w.send(id, sim.Request{
		Kind: sim.NewOrder, ClOrdID: cl, Symbol: "ACME", Side: side, Type: market.Stop, TIF: tif,
		Qty: market.Qty(qty) * market.Unit, StopPx: price(w.t, at),
	})
}

// TestAStopWithAPriceGoesOnAsALimitOrder: it takes what is no dearer, and the rest of it waits and is shown.
func TestAStopWithAPriceGoesOnAsALimitOrder(t *testing.T) {
	w := traders(t, nil)
	w.limit("A2", "s1", market.Sell, 2, "100", market.Day)
	w.limit("A2", "s2", market.Sell, 2, "100.02", market.Day)
	w.send("A1", sim.Request{
		Kind: sim.NewOrder, ClOrdID: "a", Symbol: "ACME", Side: market.Buy, Type: market.Stop, TIF: market.GTC, Qty: 5 * market.Unit,
		Price: price(t, "100.01"), StopPx: price(t, "100"),
	})
	if r := lastOf[*sim.RecvLine](w); r.Text != "stop 100" || r.Px != price(t, "100.01") {
		t.Errorf("recv line = %+v, want the limit as its price, and the stop price in its text", r)
	}
	if o := lastOf[*sim.OrderLine](w); o.Why != "stop 100" {
		t.Errorf("order line = %+v, want it to say the stop price", o)
	}
	w.limit("A1", "take", market.Buy, 1, "100", market.IOC)
	w.want("A1", "NEW a", "NEW take", "T take", "T a")
	if q := w.tape(t); len(q) != 2 || q[1] != (quote{market.Buy, price(t, "100.01"), 4 * market.Unit}) {
		t.Errorf("the feed shows %v, want the offer at 100.02 and 4 bid at 100.01", q)
	}
	w.send("A1", sim.Request{Kind: sim.ReplaceOrder, ClOrdID: "r", Orig: "a", Qty: 4 * market.Unit, Price: price(t, "100.02")})
	w.want("A1", "RPL r", "T r")
	w.phase(sim.PhaseHalt)
	w.phase(sim.PhaseContinuous)
	w.want("A1", "SUS r", "NEW r")
	w.phase(sim.PhaseClosed)
	w.must(w.venue.Shut(w.now))
	w.sums()
}

func (w *world) post(id sim.SessionID, cl market.ClOrdID, side market.Side, px string, tif market.TIF) {
	w.t.Helper()
	w.send(id, sim.Request{
		Kind: sim.NewOrder, ClOrdID: cl, Symbol: "ACME", Side: side, Type: market.Limit, TIF: tif, Qty: market.Unit,
		Price: price(w.t, px), PostOnly: true,
	})
}

// TestALastTradeTriggersStops: at the stop price or beyond; the trades of one wake the next, and what finds nothing ends.
func TestALastTradeTriggersStops(t *testing.T) {
	w := traders(t, nil)
	for _, px := range []string{"100", "100.01", "100.02"} {
		w.limit("A2", market.ClOrdID("s"+px), market.Sell, 2, px, market.Day)
	}
	w.stop("A1", "second", market.Buy, 5, "100.01", market.GTC)
	w.stop("A1", "first", market.Buy, 2, "100", market.Day)
	w.stop("A1", "far", market.Buy, 2, "101", market.Day)
	w.stop("A1", "fallen", market.Sell, 2, "99", market.Day)
	w.want("A1", "NEW second", "NEW first", "NEW far", "NEW fallen")
	w.limit("A1", "take", market.Buy, 1, "100", market.IOC)
	w.want("A1", "NEW take", "T take", "T first", "T first", "T second", "T second", "CXL second")
	if o := lastOf[*sim.OrderLine](w); o.Cl0 != "second" || o.Px != price(t, "100.01") || o.Cum != 3*market.Unit || o.Why != "market" {
		t.Errorf("last order line = %+v, want the end of the stop, its stop price as its price", o)
	}
	w.cancel("A1", "c", "far")
	w.want("A1", "CXL c")
	w.stop("A1", "late", market.Buy, 2, "100.02", market.Day)
	w.want("A1", "NEW late", "CXL late") // the last trade was there: it is a market order at once, and finds nobody
}

func TestAStopIsReplacedAndSuspended(t *testing.T) {
	w := traders(t, nil)
	w.limit("A2", "s", market.Sell, 5, "100", market.Day)
	w.stop("A1", "a", market.Buy, 2, "101", market.Day)
	w.send("A1", sim.Request{Kind: sim.ReplaceOrder, ClOrdID: "r", Orig: "a", Qty: 3 * market.Unit, StopPx: price(t, "100")})
	w.want("A1", "NEW a", "RPL r")
	w.phase(sim.PhaseHalt)
	w.want("A1", "SUS r")
	w.phase(sim.PhaseContinuous)
	w.want("A1", "NEW r")
	w.limit("A1", "take", market.Buy, 1, "100", market.IOC)
	w.want("A1", "NEW take", "T take", "T r")
	w.stop("A1", "b", market.Buy, 2, "101", market.Day)
	w.phase(sim.PhaseClosed)
	w.want("A1", "NEW b", "EXP b")
	w.must(w.venue.Shut(w.now))
	w.sums()
}

func TestAStopThatCannotBeIsRefused(t *testing.T) {
	w := traders(t, nil)
	w.stop("A1", "ioc", market.Buy, 2, "101", market.IOC)
	if reason, why := w.why("A1"); reason != sim.OrderUnsupported || !strings.Contains(why, "stop ioc") {
		t.Errorf("refused for %d %q, want as unsupported", reason, why)
	}
	w.stop("A1", "tick", market.Buy, 2, "101.001", market.Day)
	if reason, why := w.why("A1"); reason != sim.OrderOther || !strings.Contains(why, "stop price 101.001") {
		t.Errorf("refused for %d %q, want for its stop price", reason, why)
	}
	w.send("A1", sim.Request{
		Kind: sim.NewOrder, ClOrdID: "x", Symbol: "ACME", Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: market.Unit,
		Price: price(t, "99"), StopPx: price(t, "99"),
	})
	if _, why := w.why("A1"); !strings.Contains(why, "stop price 99 of a limit order") {
		t.Errorf("refused for %q, want for a stop price of a limit order", why)
	}
}

func TestAPostOnlyOrderDoesNotTake(t *testing.T) {
	w := traders(t, nil)
	w.limit("A2", "s", market.Sell, 5, "100", market.Day)
	w.bodies("A2")
	w.post("A1", "takes", market.Buy, "100", market.Day)
	if reason, why := w.why("A1"); reason != sim.OrderOther || why != "post_only: 100 would meet 100" {
		t.Errorf("refused for %d %q, want for what it would meet", reason, why)
	}
	w.want("A1", "REJ takes")
	w.want("A2")
	if r := lastOf[*sim.RecvLine](w); r.Fate != sim.FateRejected || r.Text != "post_only" {
		t.Errorf("recv line = %+v, want it rejected, and to say post_only", r)
	}
	w.post("A1", "rests", market.Buy, "99.99", market.Day)
	w.want("A1", "NEW rests")
	w.send("A1", sim.Request{Kind: sim.ReplaceOrder, ClOrdID: "r", Orig: "rests", Qty: market.Unit, Price: price(t, "100.01")})
	w.want("A1", "9 r")
	w.limit("A2", "hits", market.Sell, 1, "99", market.IOC)
	w.want("A1", "T rests")
	w.post("A1", "ioc", market.Buy, "99", market.IOC)
	if reason, why := w.why("A1"); reason != sim.OrderUnsupported || !strings.Contains(why, "post_only limit ioc") {
		t.Errorf("refused for %d %q, want as unsupported", reason, why)
	}
}
