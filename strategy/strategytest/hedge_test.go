package strategytest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/strategytest"
)

// hedger buys ACME once, and sells as much BOLT for each fill of it: by what it is told, and not by what it holds.
type hedger struct{ X int }

func (*hedger) OnTrade(c *strategy.Context, t feeds.Trade) error {
	if t.Instrument.Symbol() == "ACME" {
		c.Place(order(t.Instrument, market.Buy, market.Unit, 105e9), strategy.Once("open"))
	}
	return nil
}

func (*hedger) OnFill(c *strategy.Context, f strategy.Fill) error {
	if f.Instrument.Symbol() == "ACME" {
		bolt := c.Instruments()[1]
		c.Place(order(bolt, market.Sell, f.Qty, 97e9))
	}
	return nil
}

// Policy keeps the hedge on its way over a crash: one that is cancelled has had its decision, and is not made anew.
func (*hedger) Policy() strategy.Policy { return strategy.Policy{OnCrash: strategy.Keep} }

func (*hedger) OnOrder(*strategy.Context, strategy.OrderEvent) error { return nil }

func order(i market.Instrument, side market.Side, qty market.Qty, limit market.Price) risk.Intent {
	return risk.Intent{Instrument: i, Side: side, Type: market.Limit, TIF: market.IOC, Qty: qty, Price: limit}
}

// TestAFillIsHedgedOnceWhereverItsStrategyCrashes also between the fill and OnFill, in it, and behind it.
func TestAFillIsHedgedOnceWhereverItsStrategyCrashes(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("hedger", func() *hedger { return &hedger{} }), strategytest.Setup{Symbols: []string{"ACME", "BOLT"}})
	w.Feed(strategytest.Lines(
		"trade BOLT 101.00 5", "trade ACME 100.00 5", "wait 100ms", "trade BOLT 101.00 5", "trade ACME 100.00 5", "wait 100ms",
		"trade ACME 100.00 5", "wait 100ms", "trade ACME 100.00 5", "wait 500ms",
	))
	w.Invariant(func(o strategy.Outcome) error {
		bought, sold := market.Qty(0), market.Qty(0)
		for _, a := range o.Applied {
			if a.Instrument.Symbol() == "ACME" {
				bought += a.Qty
			} else {
				sold += a.Qty
			}
		}
		if bought != market.Unit || sold != market.Unit {
			return fmt.Errorf("bought %s and hedged %s, want one of each:\n%s", bought, sold, strings.Join(o.Journal, "\n"))
		}
		return nil
	})
	w.CrashEach(strategytest.Crashes{Stride: stride()})
}
