package cross_test

import (
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/strategy/cross"
	"github.com/failshut/failshut/strategy/strategytest"
)

// TestCrossDecidesAsItsJournalSays holds every decision of cross over a market of 200 events, and what became of it, against the file.
// Who changes on purpose what cross or the node does with it writes it anew:
//
//	go test ./strategy/cross -run Journal -args -update
func TestCrossDecidesAsItsJournalSays(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("cross", cross.New), strategytest.Setup{Params: `{fast: 2, slow: 4, qty: "3"}`, Seed: 1})
	w.Feed(strategytest.Random(1, 200))
	if n := len(w.Outcome().Applied); n == 0 {
		t.Error("the venue took no order, want a market in which cross trades")
	}
	w.Golden("testdata/cross.journal")
}
