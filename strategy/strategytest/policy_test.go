package strategytest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/quoter"
	"github.com/failshut/failshut/strategy/strategytest"
)

// keeper is a quoter whose orders outlive its crashes.
type keeper struct{ quoter.Quoter }

func (*keeper) Policy() strategy.Policy { return strategy.Policy{OnCrash: strategy.Keep} }

func (*keeper) OnOrder(*strategy.Context, strategy.OrderEvent) error { return nil }

func newKeeper() *keeper { return &keeper{*quoter.New()} }

// TestAQuoterThatKeepsItsOrdersSurvivesACrashAtEveryMessage wants that what was kept is never doubled.
func TestAQuoterThatKeepsItsOrdersSurvivesACrashAtEveryMessage(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("keeper", newKeeper), strategytest.Setup{})
	w.Feed(strategytest.Random(1, 40))
	w.CrashEach(strategytest.Crashes{Stride: stride()})
}

// fragile rests one order, and breaks at each print above 110.
type fragile struct{ rested bool }

func (s *fragile) OnTrade(c *strategy.Context, t feeds.Trade) error {
	if t.Price > 110*market.Price(1e9) {
		return errPlanted
	}
	if !s.rested && len(c.Working(t.Instrument)) == 0 {
		s.rested = true
		c.Rest(t.Instrument, market.Buy, 95*market.Price(1e9), market.Unit)
	}
	return nil
}

func (*fragile) OnOrder(*strategy.Context, strategy.OrderEvent) error { return nil }

var errPlanted = fmt.Errorf("planted")

// sturdy is fragile, and keeps its order.
type sturdy struct{ fragile }

func (*sturdy) Policy() strategy.Policy { return strategy.Policy{OnCrash: strategy.Keep} }

func TestAnOrderIsKeptOverACrashOnlyWhereThePolicySaysSo(t *testing.T) {
	crash := strategytest.Lines("trade ACME 100 1", "wait 100ms", "trade ACME 111 1", "wait 1s")
	for name, c := range map[string]struct {
		def  strategy.Def
		feed strategytest.Feed
		kept bool
	}{
		"no policy":                     {failshut.Strategy("fragile", func() *fragile { return &fragile{} }), crash, false},
		"it keeps":                      {failshut.Strategy("sturdy", func() *sturdy { return &sturdy{} }), crash, true},
		"it keeps, and was given up":    {failshut.Strategy("sturdy", func() *sturdy { return &sturdy{} }), givenUp(), false},
		"it keeps, and there is a trip": {failshut.Strategy("sturdy", func() *sturdy { return &sturdy{} }), strategytest.Lines("trade ACME 100 1", "wait 100ms", "trade ACME 111 1", "wait 100ms", "trip", "wait 1s"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := strategytest.New(t, failshut.World(), c.def, strategytest.Setup{})
			w.Feed(c.feed)
			o := w.Outcome()
			if len(o.Applied) != 1 || len(o.Ended) == 0 {
				t.Fatalf("%d orders and %d crashes, want one order and a crash:\n%s", len(o.Applied), len(o.Ended), w.Journal())
			}
			if cancelled := cancelledBeforeTheEnd(o.Journal); cancelled == c.kept {
				t.Errorf("the order was cancelled before the trial's end: %t, want %t:\n%s", cancelled, !c.kept, w.Journal())
			}
		})
	}
}

// givenUp breaks the strategy more often than its supervisor allows.
func givenUp() strategytest.Feed {
	lines := []string{"trade ACME 100 1", "wait 100ms"}
	for range 4 {
		lines = append(lines, "trade ACME 111 1", "wait 50ms")
	}
	return strategytest.Lines(append(lines, "wait 900ms")...)
}

// cancelledBeforeTheEnd looks whether the order closed before the node's own stop, which begins with the last mass cancel.
func cancelledBeforeTheEnd(journal []string) bool {
	closed, stop := -1, len(journal)
	for n, line := range journal {
		switch {
		case strings.HasPrefix(line, "order closed") && closed < 0:
			closed = n
		case strings.HasPrefix(line, "stopping"):
			stop = n
		}
	}
	return closed >= 0 && closed < stop
}
