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

// balanced buys ACME once, and wants as much less of BOLT as it holds of it: it hedges by what it holds, and not by what it is told.
type balanced struct{ X int }

func (*balanced) OnTrade(c *strategy.Context, t feeds.Trade) error {
	acme, bolt := c.Instruments()[0], c.Instruments()[1]
	if t.Instrument == acme {
		c.Place(order(acme, market.Buy, market.Unit, 105e9), strategy.Once("open"))
	}
	c.Target(bolt, -c.Position(acme).Qty)
	return nil
}

func (*balanced) OnFill(c *strategy.Context, f strategy.Fill) error {
	c.Target(c.Instruments()[1], -c.Position(c.Instruments()[0]).Qty)
	return nil
}

// hedging is a test of a strategy that opens one ACME and hedges it with BOLT, in a market with time for both.
func hedging(tb testing.TB, def strategy.Def) *strategytest.W {
	tb.Helper()
	w := strategytest.New(tb, failshut.World(), def, strategytest.Setup{Symbols: []string{"ACME", "BOLT"}})
	w.Feed(strategytest.Lines(
		"trade BOLT 101.00 5", "trade ACME 100.00 5", "wait 100ms", "trade BOLT 101.00 5", "trade ACME 100.00 5", "wait 100ms",
		"trade ACME 100.00 5", "wait 100ms", "trade ACME 100.00 5", "wait 500ms", "trade BOLT 101.00 5",
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
		// One that was journalled, and not sent when its process died, has had its decision: Once makes none anew (P3).
		never := o.Lives > 1 && bought == 0
		if !never && bought != market.Unit || sold != bought {
			return fmt.Errorf("bought %s and hedged %s, want one of each:\n%s", bought, sold, strings.Join(o.Journal, "\n"))
		}
		return nil
	})
	return w
}

var byWord, byPosition = failshut.Strategy("hedger", func() *hedger { return &hedger{} }), failshut.Strategy("balanced", func() *balanced { return &balanced{} })

// TestAFillIsHedgedOnceWhereverItsStrategyCrashes also between the fill and OnFill, in it, and behind it.
func TestAFillIsHedgedOnceWhereverItsStrategyCrashes(t *testing.T) {
	hedging(t, byWord).CrashEach(strategytest.Crashes{Stride: stride(), OneLife: true})
}

// TestAPositionIsHedgedOnceWhereverTheProcessDies also where the fill was known and the hedge was not sent.
func TestAPositionIsHedgedOnceWhereverTheProcessDies(t *testing.T) {
	hedging(t, byPosition).CrashEach(strategytest.Crashes{Stride: stride()})
}
