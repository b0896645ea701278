package strategytest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/cross"
	"github.com/failshut/failshut/strategy/strategytest"
)

// noted is a test that only notes how it failed.
type noted struct {
	testing.TB
	said []string
}

// errFatal ends a noted test.
var errFatal = errors.New("fatal")

func (n *noted) Helper()                   {}
func (n *noted) Logf(string, ...any)       {}
func (n *noted) Error(args ...any)         { n.said = append(n.said, fmt.Sprint(args...)) }
func (n *noted) Errorf(f string, a ...any) { n.said = append(n.said, fmt.Sprintf(f, a...)) }
func (n *noted) Fatal(args ...any)         { n.Error(args...); panic(errFatal) }
func (n *noted) Fatalf(f string, a ...any) { n.Errorf(f, a...); panic(errFatal) }

// failed runs a test that is to fail, and gives what it said.
func failed(t *testing.T, run func(tb testing.TB)) string {
	t.Helper()
	n := &noted{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != errFatal { //nolint:errorlint,err113 // the very value that Fatal panics with
				panic(p)
			}
		}()
		run(n)
	}()
	return strings.Join(n.said, "\n")
}

// played is a world that answers every trial with one outcome.
type played strategy.Outcome

func (p played) Try(context.Context, strategy.Trial) (strategy.Outcome, error) {
	return strategy.Outcome(p), nil
}

// of is a test of a strategy in a world, over a short market.
func of(tb testing.TB, world strategy.Trials, def strategy.Def) *strategytest.W {
	w := strategytest.New(tb, world, def, strategytest.Setup{})
	w.Feed(strategytest.Lines("trade ACME 100.00 5", "trade ACME 101.00 5", "suspect ACME", "trade ACME 101.00 5", "live ACME", "trade ACME 101.00 5", "wait 1s"))
	return w
}

var plain = failshut.Strategy("cross", cross.New)

// TestEachExpectationFailsAgainstWhatItIsToFind plants for each of them what it must not let pass.
func TestEachExpectationFailsAgainstWhatItIsToFind(t *testing.T) {
	acme := market.MustListed("SIM", "ACME")
	bought := strategy.Ordered{Instrument: acme, Side: market.Buy, Qty: market.Unit, Price: 100 * market.Price(1e9)}
	doubtful := bought
	doubtful.Doubts.NotLive = true
	for name, c := range map[string]struct {
		run  func(tb testing.TB)
		want string
	}{
		"no order": {func(tb testing.TB) { of(tb, played{}, plain).ExpectOrder(strategytest.Buy("ACME", "1")) }, "no further order behind 0, want buy 1 ACME"},
		"another order": {func(tb testing.TB) {
			of(tb, played{Applied: []strategy.Ordered{bought}}, plain).ExpectOrder(strategytest.Sell("ACME", "1"))
		}, "order 1 is buy 1 ACME at 100, want sell 1 ACME"},
		"another price": {func(tb testing.TB) {
			of(tb, played{Applied: []strategy.Ordered{bought}}, plain).ExpectOrder(strategytest.Buy("ACME", "1").At("99"))
		}, "want buy 1 ACME at 99"},
		"one order more": {func(tb testing.TB) { of(tb, played{Applied: []strategy.Ordered{bought}}, plain).ExpectNoMore() }, "1 orders more"},
		"an order on a doubtful price": {func(tb testing.TB) {
			of(tb, played{Sent: []strategy.Ordered{doubtful}, Seen: strategy.Doubts{NotLive: true}}, plain).ExpectNoOrderWhile(strategytest.NotLive)
		}, "left while the book was not live"},
		"a condition that never was": {func(tb testing.TB) { of(tb, played{}, plain).ExpectNoOrderWhile(strategytest.Unknown) }, "it was never so"},
		"no condition":               {func(tb testing.TB) { of(tb, played{}, plain).ExpectNoOrderWhile() }, "of nothing"},
		"a finding":                  {func(tb testing.TB) { of(tb, played{Findings: []string{"J2: lost"}}, plain).Outcome() }, "J2: lost"},
		"a broken invariant": {func(tb testing.TB) {
			w := of(tb, played{}, plain)
			w.Invariant(func(strategy.Outcome) error { return errors.New("not so") })
			w.Outcome()
		}, "not so"},
		"a fault that never fired": {func(tb testing.TB) {
			w := of(tb, played{}, plain)
			w.Faults("dup_exec nth=1")
			w.Outcome()
		}, `only [] fired`},
		"a fault that is none": {func(tb testing.TB) {
			w := of(tb, failshut.World(), plain)
			w.Faults("eat_order nth=1")
			w.Outcome()
		}, "eat_order"},
		"no feed":    {func(tb testing.TB) { strategytest.New(tb, played{}, plain, strategytest.Setup{}).Outcome() }, "nothing was fed"},
		"a bad line": {func(tb testing.TB) { of(tb, played{}, plain).Feed(strategytest.Lines("trade ACME")) }, "2 words, want 4"},
		"an unknown symbol": {func(tb testing.TB) {
			of(tb, played{}, plain).Feed(strategytest.Lines("trade XXX 1 1"))
		}, `symbol "XXX" is not one of the test's`},
		"bad parameters": {func(tb testing.TB) {
			w := strategytest.New(tb, failshut.World(), plain, strategytest.Setup{Params: "{fats: 2}"})
			w.Feed(strategytest.Lines("wait 1s", "trip"))
			w.Outcome()
		}, `did you mean "fast"`},
		"no golden file": {func(tb testing.TB) { of(tb, played{}, plain).Golden(filepath.Join(t.TempDir(), "no")) }, "-update writes it"},
		"nothing traded": {func(tb testing.TB) { of(tb, played{}, plain).CrashEach(strategytest.Crashes{}) }, "no order was placed without a crash"},
	} {
		t.Run(name, func(t *testing.T) {
			if said := failed(t, c.run); !strings.Contains(said, c.want) {
				t.Errorf("it said %q, want it to say %q", said, c.want)
			}
		})
	}
}

func TestAGoldenFileShowsItsFirstDifference(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.journal")
	if err := os.WriteFile(file, []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := failed(t, func(tb testing.TB) { of(tb, played{Journal: []string{"one", "2", "three"}}, plain).Golden(file) })
	if !strings.Contains(said, "line 2 differs") || !strings.Contains(said, "two") || !strings.Contains(said, "this run: 2") {
		t.Errorf("it said %q, want the second line from both", said)
	}
	if said := failed(t, func(tb testing.TB) { of(tb, played{Journal: []string{"one", "two", "three"}}, plain).Golden(file) }); said != "" {
		t.Errorf("it said %q of an equal journal, want nothing", said)
	}
}

// dice decides by chance.
type dice struct{}

func (*dice) OnTrade(c *strategy.Context, t feeds.Trade) error {
	c.Target(t.Instrument, market.Qty(rand.IntN(1000))*market.Unit) //nolint:gosec // chance is what is planted
	return nil
}

func TestTwiceFindsAStrategyThatDecidesByChance(t *testing.T) {
	said := failed(t, func(tb testing.TB) {
		of(tb, failshut.World(), failshut.Strategy("dice", func() *dice { return &dice{} })).Twice()
	})
	if !strings.Contains(said, "differs, behind") {
		t.Errorf("it said %q, want the first line that differs", said)
	}
}

// hasty places an order beside the one before it, each time that it is told a trade.
type hasty struct{ X int }

func (*hasty) OnTrade(c *strategy.Context, t feeds.Trade) error {
	c.Place(risk.Intent{Instrument: t.Instrument, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: market.Unit, Price: t.Price - 20_000_000})
	return nil
}

func TestCrashEachFindsTwoOrdersOnASide(t *testing.T) {
	said := failed(t, func(tb testing.TB) {
		of(tb, failshut.World(), failshut.Strategy("hasty", func() *hasty { return &hasty{} })).CrashEach(strategytest.Crashes{})
	})
	if !strings.Contains(said, "orders were open on one side, want at most 1") {
		t.Errorf("it said %q, want two orders on a side", said)
	}
}

// leaky starts a goroutine that outlives it.
type leaky struct{ until chan struct{} }

func (s *leaky) OnTrade(c *strategy.Context, t feeds.Trade) error {
	go func() { <-s.until }()
	c.Target(t.Instrument, market.Unit)
	return nil
}

func TestCrashEachFindsGoroutinesThatAreLeft(t *testing.T) {
	until := make(chan struct{})
	said := failed(t, func(tb testing.TB) {
		of(tb, failshut.World(), failshut.Strategy("leaky", func() *leaky { return &leaky{until} })).CrashEach(strategytest.Crashes{Stride: 20})
	})
	close(until)
	if !strings.Contains(said, "goroutines are left") {
		t.Errorf("it said %q, want the goroutines that are left", said)
	}
}

// wary remembers in its type, which no crash ends, that it has traded.
type wary struct{ traded *bool }

func (s *wary) OnTrade(c *strategy.Context, t feeds.Trade) error {
	if !*s.traded {
		*s.traded = true
		c.Target(t.Instrument, market.Unit)
	}
	return nil
}

// TestCrashEachFindsMemoryThatOutlivesACrash plants a strategy that counts an order as placed when it only wished for it.
func TestCrashEachFindsMemoryThatOutlivesACrash(t *testing.T) {
	said := failed(t, func(tb testing.TB) {
		traded := new(bool)
		w := of(tb, failshut.World(), failshut.Strategy("wary", func() *wary { return &wary{traded} }))
		w.Invariant(func(o strategy.Outcome) error {
			*traded = false // before the next run
			if len(o.Applied) != 1 {
				return fmt.Errorf("%d orders, want one", len(o.Applied))
			}
			return nil
		})
		w.CrashEach(strategytest.Crashes{})
	})
	if !strings.Contains(said, "0 orders, want one") || !strings.Contains(said, "-crash ") {
		t.Errorf("it said %q, want the order that was lost, and the line that repeats it", said)
	}
}

// TestAHangIsACrashWhoseOrdersComeTooLate lets the same strategy hang: what it asks for then is refused, so its memory is wrong.
func TestAHangIsACrashWhoseOrdersComeTooLate(t *testing.T) {
	crash := flag.Lookup("crash").Value
	defer func(before string) { _ = crash.Set(before) }(crash.String())
	lost := 0
	for k := 1; k <= 16; k++ {
		if err := crash.Set(fmt.Sprintf("%d/hang", k)); err != nil {
			t.Fatal(err)
		}
		said := failed(t, func(tb testing.TB) {
			traded := new(bool)
			w := of(tb, failshut.World(), failshut.Strategy("wary", func() *wary { return &wary{traded} }))
			w.Invariant(func(o strategy.Outcome) error {
				if len(o.Applied) != 1 {
					return fmt.Errorf("%d orders, want one", len(o.Applied))
				}
				return nil
			})
			w.CrashEach(strategytest.Crashes{})
		})
		if strings.Contains(said, "0 orders, want one") && strings.Contains(said, fmt.Sprintf("-crash %d/hang", k)) {
			lost++
		}
	}
	if lost != 1 {
		t.Errorf("at %d messages the order of a hang was lost, want it at the one that places it", lost)
	}
}
