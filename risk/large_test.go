package risk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
)

// large opens a node of which one strategy may trade n instruments, as a replay of a whole market has it.
func large(tb testing.TB, n int) (*risktest.Node, []market.Instrument, risktest.Quotes) {
	now := risk.Reading{Wall: start, Mono: int64(time.Hour)}
	var contracts []market.Contract
	var all []market.Instrument
	q := risktest.Quotes{}
	for i := range n {
		x := market.MustListed("PAPER", market.Symbol(fmt.Sprintf("S%d", i)))
		contracts = append(contracts, market.Contract{Instrument: x, Currency: "USD", Tick: 1, Lot: 1, MinQty: 1, MaxQty: 1_000_000_000 * market.Unit, Multiplier: 1e9})
		all = append(all, x)
		q[x] = risktest.Live(px("100"), now.Mono)
	}
	c, err := market.NewCatalogue(contracts)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := risktest.Config(risk.Entitlement{Account: "PAPER", Strategies: []string{"s"}, Instruments: all})
	cfg.Permission = risk.PermissionConfig{TTL: time.Minute, Renew: 10 * time.Second, CancelAfter: 5 * time.Second}
	cfg.ClockStep = 0
	node := risktest.New(tb, cfg, c, q, now)
	return node, all, q
}

func TestWholeMarketOpensInASecondOfItsTime(t *testing.T) {
	node, all, _ := large(t, 3000)
	began := node.Now
	node.Open(t)
	node.Pass(time.Second)
	g := node.Desk.Gate("PAPER")
	for n, i := range all {
		if n%100 != 0 && n != len(all)-1 {
			continue
		}
		in := risk.Intent{
			ID: market.ClOrdID(fmt.Sprint("id", n)), Account: "PAPER", Strategy: "s", Instrument: i, Side: market.Buy, Type: market.Limit,
			TIF: market.Day, Qty: market.Unit, Price: px("100"),
		}
		if _, err := g.Check(in, node.Now); err != nil {
			t.Fatalf("instrument %d of %d, %v after the start: %v", n, len(all), time.Duration(node.Now.Mono-began.Mono), err)
		}
	}
}

// BenchmarkRenewWholeMarket is one renewal of a node with 8,000 instruments: with nothing new, and with one fill to post.
func BenchmarkRenewWholeMarket(b *testing.B) {
	node, all, _ := large(b, 8000)
	node.Open(b)
	node.Pass(time.Second)
	g := node.Desk.Gate("PAPER")
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			node.Now.Mono += int64(10 * time.Second)
			node.Now.Wall += int64(10 * time.Second)
			node.Tell(risk.Renew{})
		}
	})
	b.Run("after a fill", func(b *testing.B) {
		for b.Loop() {
			g.Execute(risk.Execution{Exec: "e", Strategy: "s", Instrument: all[0], Side: market.Buy, Qty: 1, Price: px("1")})
			node.Now.Mono += int64(10 * time.Second)
			node.Now.Wall += int64(10 * time.Second)
			node.Tell(risk.Renew{})
		}
	})
}
