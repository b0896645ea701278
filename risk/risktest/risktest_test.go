package risktest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
)

func TestNodeIsShutUntilItIsOpenedAndThenAdmitsAnOrder(t *testing.T) {
	acme := market.MustListed("SIM", "ACME")
	catalogue, err := market.NewCatalogue([]market.Contract{
		{Instrument: acme, Currency: "USD", Tick: 10_000_000, Lot: market.Unit, MinQty: market.Unit, MaxQty: 1000 * market.Unit, Multiplier: 1e9},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := risk.Reading{Wall: int64(time.Hour), Mono: int64(time.Minute)}
	quotes := risktest.Quotes{acme: risktest.Live(100*market.Price(market.Unit), now.Mono)}
	c := risktest.Config(risk.Entitlement{Account: "A1", Strategies: []string{"s"}, Instruments: []market.Instrument{acme}})
	n := risktest.New(t, c, catalogue, quotes, now)
	in := risk.Intent{
		ID: "1", Account: "A1", Strategy: "s", Instrument: acme, Side: market.Buy, Type: market.Limit, TIF: market.Day,
		Qty: market.Unit, Price: 100 * market.Price(market.Unit),
	}
	if _, err := n.Desk.Gate("A1").Check(in, n.Now); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() before Open error = %v, want ErrShut", err)
	}
	n.Open(t)
	if _, err := n.Desk.Gate("A1").Check(in, n.Now); err != nil {
		t.Fatalf("Check() error = %v", err)
	}
}
