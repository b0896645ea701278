package strategy_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

var booksSeed = flag.Uint64("books.seed", uint64(time.Now().UnixNano()), "seed of the random books")

// bookman is a trader with OnBook.
type bookman struct {
	*trader
	book func(*strategy.Context, feeds.BookView) error
}

func (b *bookman) OnBook(c *strategy.Context, v feeds.BookView) error {
	b.say("book %s %d %s", v.Instrument.Symbol(), v.Seq, levels(v))
	return run(b.book, c, v)
}

// levels prints what a view shows: prices and sizes in units, best first.
func levels(v feeds.BookView) string {
	var out []string
	for _, side := range []market.Side{market.Buy, market.Sell} {
		all, err := v.AppendTo(nil, side, v.Len(side)+1)
		if err != nil {
			return err.Error()
		}
		var text strings.Builder
		for _, l := range all {
			fmt.Fprintf(&text, " %d×%d", l.Price/1e9, l.Qty/market.Unit)
		}
		out = append(out, text.String())
	}
	return out[0] + " |" + out[1]
}

func newBooks(t *testing.T) (*rig, *bookman, feeds.Sink) {
	t.Helper()
	r, u := newRig(t, nil), &bookman{trader: &trader{}}
	r.cfg.Books = strategy.NewBooks(r.cfg.Contracts)
	r.start(u, strategy.State{})
	feed := r.bookFeed(u)
	u.heardSince()
	return r, u, feed
}

func (r *rig) bookFeed(u any) feeds.Sink {
	needs := strategy.NeedsOf(u)
	needs.Books = r.cfg.Books
	return strategy.Inlet(r.to, 0, r.cfg.Contracts, needs)
}

// level is one level of ACME in a batch; a size of 0 takes it away.
func level(seq uint64, side market.Side, price market.Price, size market.Qty, complete bool) feeds.Depth {
	return feeds.Depth{
		Pos: feeds.Pos{Epoch: 1, Seq: seq}, Instrument: acme, State: feeds.Live, Side: side, Price: price * 1e9, Qty: size * market.Unit, Complete: complete,
	}
}

// shows brings the book of ACME to Live: a bid, an ask, and the touch.
func shows(feed feeds.Sink, seq uint64) {
	feed.State(live(acme))
	feed.Depth(level(seq, market.Buy, 99, 5, false))
	feed.Depth(level(seq, market.Sell, 101, 6, true))
	feed.Quote(quote(acme, seq))
}

func TestABookIsToldAsItIsAfterTheLastChange(t *testing.T) {
	r, u, feed := newBooks(t)
	shows(feed, 1)
	feed.Depth(level(2, market.Buy, 100, 7, false))
	feed.Depth(level(2, market.Buy, 99, 0, true))
	feed.Depth(level(3, market.Buy, 98, 1, true))
	feed.Depth(level(4, market.Sell, 100, 9, false)) // a batch under way is not seen
	r.settle()
	same(t, u.heardSince(), []string{"state ACME live planted", "book ACME 3  100×7 98×1 | 101×6", "quote ACME 1"})
	r.settle()
	feed.Depth(level(4, market.Sell, 102, 2, true))
	r.settle()
	same(t, u.heardSince(), []string{"book ACME 4  100×7 98×1 | 100×9 101×6 102×2"})
}

func TestABookIsNotReadBeforeItIsWhole(t *testing.T) {
	r, u, feed := newBooks(t)
	var err error
	u.trade = func(c *strategy.Context, _ feeds.Trade) error {
		_, err = c.Book(acme)
		return nil
	}
	look := func(at string, want error) {
		t.Helper()
		feed.Trade(trade(bolt, 1))
		r.settle()
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: reading the book says %v, want %v", at, err, want)
		}
	}
	look("before anything", feeds.ErrNotLive)
	feed.State(live(acme))
	look("at Live", feeds.ErrNotLive)
	feed.Depth(level(1, market.Buy, 99, 5, false))
	look("in the first batch", feeds.ErrNotLive)
	feed.Depth(level(1, market.Sell, 101, 6, true))
	look("before its range is known", feeds.ErrNotLive)
	feed.Quote(quote(acme, 1))
	look("whole", nil)
	for _, of := range []market.Instrument{acme, {}} {
		feed.State(feeds.StateChange{Instrument: of, State: feeds.Suspect, Why: "planted"})
		look("in doubt", feeds.ErrNotLive)
		feed.State(live(of))
		look("at Live again", feeds.ErrNotLive)
		shows(feed, 2)
		look("shown again", nil)
	}
}

// A feed takes back what can be read in the moment in which it doubts it, also from who has not come to the warning.
func TestNoBookIsReadAheadOfItsWarning(t *testing.T) {
	r, u, feed := newBooks(t)
	shows(feed, 1)
	r.settle()
	u.heardSince()
	feed.Depth(level(2, market.Buy, 100, 7, true))
	feed.State(feeds.StateChange{Instrument: acme, State: feeds.Suspect, Why: "planted"})
	feed.State(live(acme))
	feed.Depth(level(3, market.Buy, 90, 1, true))
	feed.Quote(quote(acme, 3))
	feed.Depth(level(4, market.Buy, 91, 1, true))
	r.settle()
	same(t, u.heardSince(), []string{"state ACME suspect planted", "state ACME live planted", "book ACME 4  91×1 90×1 |", "quote ACME 3"})
}

func TestAViewThatIsKeptAnswersErrView(t *testing.T) {
	r, u, feed := newBooks(t)
	var kept []feeds.BookView
	u.book = func(c *strategy.Context, v feeds.BookView) error {
		again, err := c.Book(acme)
		if err != nil || levels(again) != levels(v) {
			t.Errorf("within the handler the book is %s, %v, want %s", levels(again), err, levels(v))
		}
		if b, err := v.Best(market.Buy); err != nil || b.Qty == 0 {
			t.Errorf("best bid %v, %v, want one", b, err)
		}
		kept = append(kept, v, again)
		return nil
	}
	u.trade = func(*strategy.Context, feeds.Trade) error { // another handler of the same incarnation
		for _, v := range append(kept, feeds.BookView{}) {
			_, errLevel := v.Level(market.Buy, 0)
			_, errAll := v.AppendTo(nil, market.Sell, 1)
			if !errors.Is(v.Err(), feeds.ErrView) || !errors.Is(errLevel, feeds.ErrView) || !errors.Is(errAll, feeds.ErrView) || v.Len(market.Buy) != 0 {
				t.Errorf("a kept view answers %v, %v, %v, %d levels", v.Err(), errLevel, errAll, v.Len(market.Buy))
			}
		}
		return nil
	}
	shows(feed, 1)
	r.settle()
	feed.Trade(trade(acme, 2))
	feed.Depth(level(3, market.Buy, 100, 7, true))
	r.settle()
	feed.Trade(trade(acme, 4))
	r.settle()
	if len(kept) != 4 || len(r.exits) != 0 {
		t.Errorf("%d views, %d ends, want 4 and none", len(kept), len(r.exits))
	}
}

func TestABookBehindALossIsNotReadable(t *testing.T) {
	r, u := newRig(t, func(r *rig) { r.box.Lanes[mailbox.Data-1].Cap = r.box.MaxKeys + 2 }), &bookman{trader: &trader{}}
	r.cfg.Books = strategy.NewBooks(r.cfg.Contracts)
	r.start(u, strategy.State{})
	feed := r.bookFeed(u)
	feed.State(live(acme))
	r.settle()
	feed.Depth(level(1, market.Buy, 99, 5, true))
	feed.Quote(quote(acme, 1))
	r.settle()
	var err error
	u.gate = func(c *strategy.Context, _ strategy.Gate) error {
		_, err = c.Book(acme)
		return nil
	}
	look := func() error {
		r.tell(strategy.GateChanged(strategy.Gate{}))
		return err
	}
	if err := look(); err != nil {
		t.Fatalf("reading the book says %v, want nil", err)
	}
	u.heardSince()
	feed.Trade(trade(bolt, 2))
	feed.Trade(trade(bolt, 3))
	feed.Depth(level(4, market.Buy, 98, 1, true)) // no room for the word of it
	r.settle()
	same(t, u.heardSince(), []string{"trade BOLT 2", "trade BOLT 3", "state ACME suspect box was full"})
	if err := look(); !errors.Is(err, feeds.ErrNotLive) {
		t.Errorf("reading the book says %v, want that it is not Live", err)
	}
	feed.State(live(acme))
	r.settle()
	u.heardSince()
	feed.Depth(level(5, market.Buy, 97, 1, true))
	feed.Quote(quote(acme, 5))
	r.settle()
	same(t, u.heardSince(), []string{"book ACME 5  97×1 |", "quote ACME 5"})
}

func TestWhoHasNoOnBookPaysNothingForBooks(t *testing.T) {
	r, u := newRig(t, nil), &trader{}
	r.cfg.Books = strategy.NewBooks(r.cfg.Contracts)
	r.start(u, strategy.State{})
	feed := r.bookFeed(u)
	before := r.handled()
	d := level(1, market.Buy, 99, 1, true)
	if n := testing.AllocsPerRun(100, func() { feed.Depth(d) }); n != 0 {
		t.Errorf("%v allocations a level, want none", n)
	}
	r.settle()
	if n := r.handled() - before; n != 0 {
		t.Errorf("%d messages, want none", n)
	}
}

func TestABookThatNobodyWantedIsUnknownUntilItIsShown(t *testing.T) {
	r, u := newRig(t, nil), &bookman{trader: &trader{}}
	r.cfg.Books, r.cfg.Interest = strategy.NewBooks(r.cfg.Contracts), &strategy.Interest{}
	needs := strategy.NeedsOf(u)
	needs.Books, needs.Interest = r.cfg.Books, r.cfg.Interest
	u.start = func(c *strategy.Context, _ strategy.Start) error { c.Subscribe(acme, 0); return nil }
	r.start(u, strategy.State{})
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, needs)
	shows(feed, 1)
	feed.Depth(level(2, market.Buy, 100, 7, true)) // goes by
	r.settle()
	u.start = func(c *strategy.Context, _ strategy.Start) error { c.Subscribe(acme, feeds.Depths); return nil }
	u.gate = func(*strategy.Context, strategy.Gate) error { return errPlanted }
	r.tell(strategy.GateChanged(strategy.Gate{}))
	u.gate = nil
	r.start(u, strategy.State{})
	u.heardSince()
	feed.Depth(level(3, market.Buy, 98, 1, true))
	feed.Quote(quote(acme, 3))
	r.settle()
	same(t, u.heardSince(), nil)
	shows(feed, 4)
	r.settle()
	same(t, u.heardSince(), []string{"state ACME live planted", "book ACME 4  99×5 | 101×6"})
}

// TestABookIsWhatTheFeedHas sends random batches, doubts and crashes, and holds what is told against a book of the test's own.
func TestABookIsWhatTheFeedHas(t *testing.T) {
	t.Logf("repeat with -books.seed=%d", *booksSeed)
	rnd := rand.New(rand.NewPCG(*booksSeed, 0)) //nolint:gosec // no secret
	r, u, feed := newBooks(t)
	model, last, told := feeds.NewBook(10_000), "", 0
	crash := false
	u.book = func(_ *strategy.Context, v feeds.BookView) error {
		last, told = levels(v), told+1
		if crash {
			return errPlanted
		}
		return nil
	}
	batch := func(seq uint64, n int) {
		for i := range n {
			side, price, size := market.Buy, market.Price(1+rnd.IntN(5000)), market.Qty(rnd.IntN(4))
			if rnd.IntN(2) == 0 {
				side, price = market.Sell, price+5000
			}
			model.Set(side, price*1e9, size*market.Unit)
			feed.Depth(level(seq, side, price, size, i == n-1))
		}
	}
	feed.State(live(acme))
	feed.Quote(quote(acme, 1))
	for seq := range uint64(400) {
		size := 1 + rnd.IntN(20)
		switch rnd.IntN(20) {
		case 0:
			size = 5000 // more than waits
		case 1:
			feed.State(feeds.StateChange{State: feeds.Stale, Why: "planted"})
			feed.State(live(market.Instrument{}))
			model.Clear()
			feed.Quote(quote(acme, seq))
		case 2:
			crash = true
		}
		batch(seq+1, size)
		if rnd.IntN(3) > 0 && !crash {
			continue
		}
		r.settle()
		if want := levels(lend(model)); last != want {
			t.Fatalf("after batch %d the book is\n%s, want\n%s", seq, last, want)
		}
		if crash {
			crash = false
			r.start(u, strategy.State{})
		}
	}
	if told < 50 {
		t.Errorf("told %d books, want more", told)
	}
}

// lend makes a view of a book of the test's own.
func lend(b *feeds.Book) feeds.BookView {
	l := feeds.NewLender(10_000)
	l.Book().Copy(b)
	return l.Lend(feeds.BookView{})
}
