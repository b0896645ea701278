package sim_test

import (
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// TestWhatAnExchangeRefusesIsUnsupported: each by its name, and the flow is not bound by it.
func TestWhatAnExchangeRefusesIsUnsupported(t *testing.T) {
	w := traders(t, func(c *sim.Config) {
		c.Refuses = sim.Refusals{
			Types: []market.OrderType{market.Market, market.Stop}, TIFs: []market.TIF{market.IOC}, PostOnly: true, MassStatus: true, MassCancel: true,
		}
		c.Flow = sim.DefaultFlow()
	})
	refused := func(want string) {
		t.Helper()
		if reason, why := w.why("A1"); reason != sim.OrderUnsupported || why != want {
			t.Errorf("refused for %d %q, want %q", reason, why, want)
		}
	}
	w.stop("A1", "s", market.Buy, 1, "101", market.Day)
	refused("unsupported: stop")
	w.send("A1", sim.Request{Kind: sim.NewOrder, ClOrdID: "m", Symbol: "ACME", Side: market.Buy, Type: market.Market, TIF: market.Day, Qty: market.Unit})
	refused("unsupported: market")
	w.limit("A1", "i", market.Buy, 1, "99", market.IOC)
	refused("unsupported: ioc")
	w.post("A1", "p", market.Buy, "90", market.Day)
	refused("unsupported: post_only")
	w.bodies("A1")
	w.send("A1", sim.Request{Kind: sim.MassStatus, ClOrdID: "af"})
	w.send("A1", sim.Request{Kind: sim.MassCancel, ClOrdID: "q"})
	w.want("A1", "j af", "j q")
	w.pass(1_000_000_000)
	if lastOf[*sim.TradeLine](w) == nil {
		t.Error("the flow did not trade")
	}
}
