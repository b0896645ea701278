package strategytest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/strategytest"
)

// ending is a noted test that also notes what is to run at its end.
type ending struct {
	noted
	last []func()
}

// Cleanup keeps f for end.
func (e *ending) Cleanup(f func()) { e.last = append(e.last, f) }

// end is what the testing package does when a test is over.
func (e *ending) end() string {
	for _, f := range slices.Backward(e.last) {
		f()
	}
	return strings.Join(e.said, "\n")
}

// elsewhere is a test of a strategy that listens to trades alone, over a market without one.
func elsewhere(tb testing.TB) *strategytest.W {
	def := failshut.Strategy("picky", func() *picky { return &picky{} })
	w := strategytest.New(tb, failshut.World(), def, strategytest.Setup{})
	w.Feed(strategytest.Lines("quote ACME 99.99 5 100.01 5", "suspect ACME", "live ACME"))
	return w
}

// picky listens to trades alone.
type picky struct{}

// OnTrade wants one.
func (*picky) OnTrade(c *strategy.Context, t feeds.Trade) error {
	c.Target(t.Instrument, market.Unit)
	return nil
}

// TestAnExpectationOfNothingFailsWhereNothingCouldHaveHappened plants a market of which the strategy is told nothing: that it placed
// no order there is no praise.
func TestAnExpectationOfNothingFailsWhereNothingCouldHaveHappened(t *testing.T) {
	const want = "was told no market data"
	for name, run := range map[string]func(tb testing.TB){
		"no more orders":              func(tb testing.TB) { elsewhere(tb).ExpectNoMore() },
		"no order on a doubtful book": func(tb testing.TB) { elsewhere(tb).ExpectNoOrderWhile(strategytest.NotLive) },
		"two equal runs":              func(tb testing.TB) { elsewhere(tb).Twice() },
	} {
		t.Run(name, func(t *testing.T) {
			if said := failed(t, run); !strings.Contains(said, want) {
				t.Errorf("it said %q, want it to say %q", said, want)
			}
		})
	}
}

// starter needs no market data: it holds still from its start to its end.
type starter struct{}

// OnStart does nothing.
func (*starter) OnStart(*strategy.Context, strategy.Start) error { return nil }

// reader is told books alone, of which a journal says nothing.
type reader struct{}

// OnBook does nothing.
func (*reader) OnBook(*strategy.Context, feeds.BookView) error { return nil }

func TestAStrategyThatListensToNoQuoteOrTradeNeedsNone(t *testing.T) {
	for name, def := range map[string]strategy.Def{
		"to nothing": failshut.Strategy("starter", func() *starter { return &starter{} }),
		"to books":   failshut.Strategy("reader", func() *reader { return &reader{} }),
	} {
		t.Run(name, func(t *testing.T) {
			said := failed(t, func(tb testing.TB) {
				w := of(tb, failshut.World(), def)
				w.ExpectNoMore()
				w.Twice()
			})
			if said != "" {
				t.Errorf("it said %q, want nothing", said)
			}
		})
	}
}

// TestAnInvariantHoldsOfTheRunThatWasMadeBeforeIt plants one that is added after the first expectation.
func TestAnInvariantHoldsOfTheRunThatWasMadeBeforeIt(t *testing.T) {
	said := failed(t, func(tb testing.TB) {
		w := of(tb, failshut.World(), plain)
		w.ExpectNoMore()
		w.Invariant(func(strategy.Outcome) error { return errors.New("not so") })
	})
	if !strings.Contains(said, "not so") {
		t.Errorf("it said %q, want the invariant that is broken", said)
	}
}

func TestATestThatRunsNothingFails(t *testing.T) {
	for name, c := range map[string]struct {
		run  func(w *strategytest.W)
		fail bool
	}{
		"an invariant and no run": {func(w *strategytest.W) { w.Invariant(func(strategy.Outcome) error { return nil }) }, true},
		"faults and no run":       {func(w *strategytest.W) { w.Faults("drop_after nth=1") }, true},
		"an outcome":              {func(w *strategytest.W) { w.Outcome() }, false},
		"two runs":                {func(w *strategytest.W) { w.Twice() }, false},
		"crashes":                 {func(w *strategytest.W) { w.CrashEach(strategytest.Crashes{Stride: 100}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := &ending{noted: noted{TB: t}}
			w := strategytest.New(e, failshut.World(), plain, strategytest.Setup{Params: averages})
			w.Feed(strategytest.Random(1, 60))
			c.run(w)
			if said := e.end(); (said == "strategytest: a test of cross that ran nothing, want something to be expected of it") != c.fail {
				t.Errorf("it said %q, want it to find that nothing ran: %t", said, c.fail)
			}
		})
	}
}

// parallel decides by how many processors it may use.
type parallel struct{}

// OnTrade wants as many as there are.
func (*parallel) OnTrade(c *strategy.Context, t feeds.Trade) error {
	c.Target(t.Instrument, market.Qty(runtime.GOMAXPROCS(0))*market.Unit)
	return nil
}

func TestTwiceFindsAStrategyThatDecidesByTheNumberOfProcessors(t *testing.T) {
	said := failed(t, func(tb testing.TB) {
		of(tb, failshut.World(), failshut.Strategy("parallel", func() *parallel { return &parallel{} })).Twice()
	})
	if !strings.Contains(said, "at GOMAXPROCS 1:") || !strings.Contains(said, "at 4:") {
		t.Errorf("it said %q, want what differs at 1 and at 4 processors", said)
	}
}

// doctored is a world whose outcomes are changed where a crash has ended an incarnation.
type doctored struct {
	strategy.Trials
	change func(o *strategy.Outcome)
}

// Try changes the outcome.
func (d doctored) Try(ctx context.Context, t strategy.Trial) (strategy.Outcome, error) {
	o, err := d.Trials.Try(ctx, t)
	if len(o.Ended) > 0 {
		d.change(&o)
	}
	return o, err
}

// TestCrashEachFailsOfWhatIsFoundAfterACrashAlone plants what a run without a crash does not show.
func TestCrashEachFailsOfWhatIsFoundAfterACrashAlone(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *strategy.Outcome)
		want   string
	}{
		"a finding":              {func(o *strategy.Outcome) { o.Findings = append(o.Findings, "J1: doubled") }, "after a crash at 1/before: J1: doubled"},
		"two orders on a side":   {func(o *strategy.Outcome) { o.Most = 2 }, "2 orders were open on one side, want at most 1"},
		"nothing that has ended": {func(o *strategy.Outcome) { o.Ended = nil }, "the crash ended no incarnation"},
	} {
		t.Run(name, func(t *testing.T) {
			said := failed(t, func(tb testing.TB) {
				w := strategytest.New(tb, doctored{failshut.World(), c.change}, plain, strategytest.Setup{Params: averages})
				w.Feed(strategytest.Random(1, 60))
				w.CrashEach(strategytest.Crashes{Stride: 20})
			})
			if !strings.Contains(said, c.want) || !strings.Contains(said, "-crash 1/before") {
				t.Errorf("it said %q, want it to say %q, and the line that repeats it", said, c.want)
			}
		})
	}
}
