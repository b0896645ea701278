package sim_test

import (
	"strconv"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// BenchmarkOrderFilledAgainstTheFlow is one market order through engine, ledger encoding and delivery, with its share of the
// flow.
func BenchmarkOrderFilledAgainstTheFlow(b *testing.B) {
	cfg := config(b)
	cfg.Flow = sim.DefaultFlow()
	w := open(b, cfg)
	w.logon("A1")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		w.send("A1", sim.Request{
			Kind: sim.NewOrder, ClOrdID: market.ClOrdID("o" + strconv.Itoa(i)), Symbol: "ACME", Side: market.Side(1 + i%2),
			Type: market.Market, TIF: market.IOC, Qty: market.Unit,
		})
		w.pass(5_000_000)
		i++
		w.file.Reset()
		w.lines, w.feed, w.heard["A1"] = w.lines[:0], w.feed[:0], w.heard["A1"][:0]
	}
}
