package strategytest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/strategytest"
)

// reading is a strategy that writes down what it is shown of a book.
type reading struct{ said *[]string }

// OnBook reads both sides.
func (s *reading) OnBook(_ *strategy.Context, v feeds.BookView) error {
	text := "book"
	for _, side := range []market.Side{market.Buy, market.Sell} {
		all, err := v.AppendTo(nil, side, 10)
		if err != nil {
			return err
		}
		for _, l := range all {
			text += fmt.Sprintf(" %s×%s", l.Price, l.Qty)
		}
	}
	*s.said = append(*s.said, text)
	return nil
}

// OnFeedState asks for the book at each change.
func (s *reading) OnFeedState(c *strategy.Context, e feeds.StateChange) error {
	_, err := c.Book(c.Instruments()[0])
	*s.said = append(*s.said, fmt.Sprintf("%s, readable %t", e.State, err == nil))
	if err != nil && !errors.Is(err, feeds.ErrNotLive) {
		return err
	}
	return nil
}

// TestOnBookIsToldTheBooksOfTheFeedThroughTheTree also that a doubt takes a book back, and that it comes whole.
func TestOnBookIsToldTheBooksOfTheFeedThroughTheTree(t *testing.T) {
	var said []string
	w := strategytest.New(t, failshut.World(), failshut.Strategy("reading", func() *reading { return &reading{&said} }), strategytest.Setup{})
	w.Feed(strategytest.Lines(
		"quote ACME 99.99 5 100.01 6", "quote ACME 100.00 7 100.01 4", "suspect ACME", "quote ACME 98.00 1 102.00 2", "live ACME", "quote ACME 98.00 1 101.00 3",
	))
	w.ExpectNoMore()
	want := []string{
		"live, readable false", // the channel, at the start
		"book 99.99×5 100.01×6", "book 100×7 100.01×4", "suspect, readable false", "live, readable false", "book 98×1 102×2", "book 98×1 101×3",
	}
	if !slices.Equal(said, want) {
		t.Errorf("it was told %q, want %q", said, want)
	}
}

// weigher wants what the sizes at the touch say, and reads the book in each handler.
type weigher struct{ X int }

// OnBook goes to the side that shows more.
func (s *weigher) OnBook(c *strategy.Context, v feeds.BookView) error {
	again, err := c.Book(v.Instrument)
	if err != nil || again.Pos != v.Pos {
		return fmt.Errorf("the book at %v is %v, %w, when it is asked for", v.Pos, again.Pos, err)
	}
	bid, err := v.Best(market.Buy)
	ask, err2 := v.Best(market.Sell)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	switch {
	case bid.Qty > ask.Qty:
		c.Target(v.Instrument, market.Unit)
	case bid.Qty < ask.Qty:
		c.Target(v.Instrument, -market.Unit)
	}
	return nil
}

// sizes is a market whose sides show more in turn, with a doubt in it.
func sizes() strategytest.Feed {
	return strategytest.Lines(
		"quote ACME 100.00 9 100.02 5", "wait 50ms", "quote ACME 100.00 2 100.02 5", "wait 50ms", "suspect ACME", "quote ACME 100.01 9 100.02 5",
		"wait 50ms", "live ACME", "wait 50ms", "quote ACME 100.01 3 100.02 8", "wait 50ms", "quote ACME 100.01 8 100.02 3", "wait 50ms",
	)
}

func TestAStrategyThatTradesByBooksSurvivesACrashAtEveryMessage(t *testing.T) {
	w := strategytest.New(t, failshut.World(), failshut.Strategy("weigher", func() *weigher { return &weigher{} }), strategytest.Setup{})
	w.Feed(sizes())
	w.ExpectOrder(strategytest.Buy("ACME", "1"))
	w.ExpectOrder(strategytest.Sell("ACME", "1"))
	w.ExpectNoOrderWhile(strategytest.NotLive)
	w.Twice()
	w.CrashEach(strategytest.Crashes{Stride: stride()})
}
