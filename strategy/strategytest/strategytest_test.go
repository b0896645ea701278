package strategytest_test

import (
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/strategy/cross"
	"github.com/failshut/failshut/strategy/quoter"
	"github.com/failshut/failshut/strategy/strategytest"
)

func TestCrossBuysWhenTheFastAverageRises(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("cross", cross.New), strategytest.Setup{Params: `{fast: 2, slow: 4, qty: "3"}`})
	w.Feed(strategytest.Lines(
		"trade ACME 100.00 5", "trade ACME 100.00 5", "trade ACME 100.00 5", "trade ACME 100.00 5",
		"trade ACME 101.00 5", "wait 100ms", "trade ACME 102.00 5", "wait 100ms",
		"suspect ACME", "trade ACME 90.00 5", "live ACME", "wait 100ms", "trade ACME 90.00 5", "wait 1s",
		"trip", "trade ACME 120.00 5", "trade ACME 130.00 5", "wait 1s",
	))
	w.ExpectOrder(strategytest.Buy("ACME", "3"))
	w.ExpectOrder(strategytest.Sell("ACME", "3"))
	w.ExpectNoMore()
	w.ExpectNoOrderWhile(strategytest.GateShut, strategytest.NotLive)
	w.Twice()
}

func TestCrossSurvivesACrashAtEveryMessage(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("cross", cross.New), strategytest.Setup{Params: `{fast: 2, slow: 4, qty: "3"}`})
	w.Feed(strategytest.Random(1, 60))
	w.CrashEach(strategytest.Crashes{})
}

func TestQuoterSurvivesACrashAtEveryMessage(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("quoter", quoter.New), strategytest.Setup{Params: `{half_spread_ticks: 2, qty: "1", max_position: "3", refresh: 100ms}`})
	w.Feed(strategytest.Random(1, 60))
	w.CrashEach(strategytest.Crashes{})
}
