package strategytest_test

import (
	"flag"
	"runtime"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/strategy/cross"
	"github.com/failshut/failshut/strategy/quoter"
	"github.com/failshut/failshut/strategy/strategytest"
)

// A thousand messages of a strategy come of about 820 events with cross and of 425 with quoter: make crash-each.
var (
	crossEvents  = flag.Int("cross", 60, "events of the market in which cross crashes at every message")
	quoterEvents = flag.Int("quoter", 60, "events of the market in which quoter crashes at every message")
)

const (
	averages = `{fast: 2, slow: 4, qty: "3"}`
	quotes   = `{half_spread_ticks: 2, qty: "1", max_position: "3", refresh: 100ms}`
)

func TestCrossBuysWhenTheFastAverageRises(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("cross", cross.New), strategytest.Setup{Params: averages})
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
	w := strategytest.New(t, failshut.World(), failshut.Strategy("cross", cross.New), strategytest.Setup{Params: averages})
	w.Feed(strategytest.Random(1, *crossEvents))
	w.CrashEach(strategytest.Crashes{Stride: stride(), AtOnce: runtime.GOMAXPROCS(0)})
}

func TestQuoterSurvivesACrashAtEveryMessage(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("quoter", quoter.New), strategytest.Setup{Params: quotes})
	w.Feed(strategytest.Random(1, *quoterEvents))
	w.CrashEach(strategytest.Crashes{Stride: stride(), AtOnce: runtime.GOMAXPROCS(0)})
}

// TestQuoterTradesRightlyWithAVenueThatDoesNot breaks the quoter while reports come late and twice, and fills overtake cancels.
func TestQuoterTradesRightlyWithAVenueThatDoesNot(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("quoter", quoter.New), strategytest.Setup{Params: quotes})
	w.Feed(strategytest.Random(3, 60))
	w.Faults("late_ack every=5 delay=40ms", "dup_exec every=3", "fill_while_pending_cancel every=4")
	w.CrashEach(strategytest.Crashes{Stride: 5 * stride()})
}

// TestCrossHoldsStillWhileAnOrderIsOfUnknownState lets the answers to an order be lost.
func TestCrossHoldsStillWhileAnOrderIsOfUnknownState(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("cross", cross.New), strategytest.Setup{Params: averages})
	w.Feed(strategytest.Random(2, 120))
	w.Faults("drop_after every=3")
	w.ExpectNoOrderWhile(strategytest.Unknown)
}

// stride is at how many messages one crash comes: at each, but in the race detector's short run.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}
