package strategytest

import (
	"slices"
	"strings"

	"github.com/failshut/failshut/strategy"
)

// What is expected not to happen holds where nothing could: such a test shows nothing, and fails.

// unasked fails a test that has come to its end without a run.
func (w *W) unasked() {
	if !w.ran && !w.t.Failed() && !w.t.Skipped() {
		w.t.Errorf("strategytest: a test of %s that ran nothing, want something to be expected of it", w.trial.Def.Name())
	}
}

// audible fails the test where the strategy has handlers for quotes or trades and was told none. Of one that is told books nothing is
// said: a journal has none, since they are many and large.
func (w *W) audible(o strategy.Outcome) {
	w.t.Helper()
	needs := strategy.NeedsOf(w.trial.Def.Fresh())
	if listens := needs.Quotes || needs.Trades; !listens || needs.Depths || slices.ContainsFunc(o.Journal, isData) {
		return
	}
	w.t.Errorf("strategytest: %s was told no market data that it has a handler for, want a market in which it is", w.trial.Def.Name())
}

// isData reports whether a line of a journal is market data, other than a change of state.
func isData(line string) bool {
	return strings.HasPrefix(line, "quote ") || strings.HasPrefix(line, "trade ")
}
