// Package strategytest tries a strategy in the real tree of a node, on a virtual clock: over a script, over a random market, and
// with a crash at every message. It keeps the promise that a strategy was tested by what will run it (P8, P9): nothing between
// feed and venue is played but the book and the venue's fills. It never waits for the wall clock, and what it finds comes back by
// one line.
package strategytest

import (
	"context"
	"fmt"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// Setup is what a test takes besides its strategy. The zero Setup is the strategy's defaults, over the instrument ACME.
type Setup struct {
	Params    string   // of a file, such as `{fast: 2, slow: 4, qty: "1"}`; empty: the defaults
	Symbols   []string // listed at SIM with a tick of 0.01 and a lot of 1; none: ACME
	Contracts []market.Contract
	Seed      uint64 // of the order in which actors take turns; 0: by arrival
}

// W is one strategy under test. It is for one goroutine, the test's.
type W struct {
	t          testing.TB
	trials     strategy.Trials
	setup      Setup
	trial      strategy.Trial
	invariants []func(strategy.Outcome) error
	outcome    *strategy.Outcome // of the clean run, nil before it
	ordered    int               // orders that ExpectOrder has passed
	ran        bool
}

// New takes a strategy, what runs it (the root's World), and a setup. Nothing runs before something is expected, and a test that ends
// without a run fails.
func New(t testing.TB, trials strategy.Trials, def strategy.Def, s Setup) *W {
	t.Helper()
	contracts, err := s.contracts()
	if err != nil {
		t.Fatalf("strategytest: %v", err)
	}
	w := &W{t: t, trials: trials, setup: s, trial: strategy.Trial{Def: def, Params: s.Params, Contracts: contracts, Seed: s.Seed}}
	t.Cleanup(w.unasked)
	return w
}

func (s Setup) contracts() ([]market.Contract, error) {
	if len(s.Contracts) > 0 {
		return s.Contracts, nil
	}
	symbols := s.Symbols
	if len(symbols) == 0 {
		symbols = []string{"ACME"}
	}
	var out []market.Contract
	for _, symbol := range symbols {
		i, err := market.Listed("SIM", market.Symbol(symbol))
		if err != nil {
			return nil, err
		}
		out = append(out, market.Contract{
			Instrument: i, Currency: "USD", Tick: tick, Lot: market.Unit, MinQty: market.Unit, MaxQty: 1000 * market.Unit, Multiplier: market.One,
		})
	}
	return out, nil
}

// tick is that of a contract that Setup makes: 0.01.
const tick = market.Price(10_000_000)

// Feed adds to what the market does. Scripts that cannot be read end the test.
func (w *W) Feed(f Feed) {
	w.t.Helper()
	if r, ok := f.(recorded); ok {
		if err := w.record(r); err != nil {
			w.t.Fatalf("strategytest: %v", err)
		}
		w.outcome = nil
		return
	}
	if w.trial.Recording != nil {
		w.t.Fatalf("strategytest: %v", errRecorded)
	}
	steps, err := f.steps(w.trial.Contracts)
	if err != nil {
		w.t.Fatalf("strategytest: %v", err)
	}
	w.trial.Script = append(w.trial.Script, steps...)
	w.outcome = nil
}

// Faults lets the venue behave badly, from the first order on: "late_ack nth=3 delay=50ms", "dup_exec every=2", "drop_after nth=2",
// "fill_while_pending_cancel p=0.1". The kinds and words are those of package venues/sim; chance is drawn from Setup's seed. One
// that cannot be read ends the test when it runs.
func (w *W) Faults(faults ...string) {
	w.trial.Faults = append(w.trial.Faults, faults...)
	w.outcome = nil
}

// Invariant adds something that must hold after every run, also after each of CrashEach, and of the clean run where that was made before.
// Holds is called in one goroutine at a time.
func (w *W) Invariant(holds func(strategy.Outcome) error) {
	w.t.Helper()
	w.invariants = append(w.invariants, holds)
	if w.outcome == nil {
		return
	}
	if err := holds(*w.outcome); err != nil {
		w.t.Errorf("strategytest: %v", err)
	}
}

// Outcome is that of the clean run, which is made when it is first asked for. A finding of it fails the test.
func (w *W) Outcome() strategy.Outcome {
	w.t.Helper()
	if w.outcome == nil {
		o := w.try(w.trial)
		for _, what := range append(w.broken(o), w.idle(o)...) {
			w.t.Errorf("strategytest: %s", what)
		}
		w.outcome, w.ordered = &o, 0
	}
	return *w.outcome
}

// try makes one run; one that cannot be made ends the test.
func (w *W) try(t strategy.Trial) strategy.Outcome {
	w.t.Helper()
	w.ran = true
	if len(t.Script) == 0 && t.Recording == nil {
		w.t.Fatal("strategytest: nothing was fed, want Feed before anything is expected")
	}
	o, err := w.trials.Try(context.Background(), t)
	if err != nil {
		w.t.Fatalf("strategytest: %v", err)
	}
	return o
}

// idle says when a fault never fired: the run shows nothing of it.
func (w *W) idle(o strategy.Outcome) []string {
	if len(o.Fired) == len(w.trial.Faults) {
		return nil
	}
	return []string{fmt.Sprintf("of the faults %q only %q fired, want a market in which all do", w.trial.Faults, o.Fired)}
}

// broken lists what must not be.
func (w *W) broken(o strategy.Outcome) []string {
	out := append([]string{}, o.Findings...)
	for _, holds := range w.invariants {
		if err := holds(o); err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}
