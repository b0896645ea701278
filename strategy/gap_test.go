package strategy_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// narrow is a strategy whose box holds two data messages beside one mark of each stream, behind a feed that shows on asking.
type narrow struct {
	*rig
	u     *trader
	feed  feeds.Sink
	shown int
	err   error // what a showing answers
}

func newNarrow(t *testing.T, room int) *narrow {
	t.Helper()
	n := &narrow{u: &trader{}}
	n.rig = newRig(t, func(r *rig) {
		r.box.Lanes[mailbox.Data-1].Cap = r.box.MaxKeys + room
		r.cfg.Show = func() error {
			n.shown++
			return n.err
		}
	})
	n.start(n.u, strategy.State{})
	n.feed = strategy.Inlet(n.to, 0, n.cfg.Contracts, strategy.NeedsOf(n.u))
	n.u.heardSince()
	return n
}

// readable checks which books can be read.
func (n *narrow) readable(want ...market.Instrument) {
	n.t.Helper()
	got := map[market.Instrument]error{}
	n.u.gate = func(c *strategy.Context, _ strategy.Gate) error {
		for _, i := range []market.Instrument{acme, bolt} {
			_, got[i] = c.Quote(i)
		}
		return nil
	}
	n.tell(strategy.GateChanged(strategy.Gate{}))
	n.u.heardSince()
	for _, i := range []market.Instrument{acme, bolt} {
		readable := false
		for _, w := range want {
			readable = readable || w == i
		}
		if readable != (got[i] == nil) || !readable && !errors.Is(got[i], feeds.ErrNotLive) {
			n.t.Errorf("reading %s says %v, want readable %v", i, got[i], readable)
		}
	}
}

func live(i market.Instrument) feeds.StateChange {
	return feeds.StateChange{Instrument: i, State: feeds.Live, Why: "planted"}
}

// everything is what a showing begins with.
var everything = feeds.StateChange{State: feeds.Live, Reset: true, Why: "shown"}

func TestANewerQuoteTakesThePlaceOfOneThatWaits(t *testing.T) {
	n := newNarrow(t, 4)
	n.feed.Quote(quote(acme, 1))
	n.feed.Quote(quote(bolt, 2))
	n.feed.Quote(quote(acme, 3))
	n.feed.Quote(quote(acme, 4))
	n.settle()
	same(t, n.u.heardSince(), []string{"quote ACME 4", "quote BOLT 2"})
	n.readable(acme, bolt)
}

func TestTradesAreEachToldAndNoQuoteOvertakesThem(t *testing.T) {
	n := newNarrow(t, 8)
	n.feed.Quote(quote(acme, 1))
	n.feed.Trade(trade(acme, 2))
	n.feed.Trade(trade(acme, 3))
	n.feed.Quote(quote(acme, 4))
	n.feed.Quote(quote(acme, 5))
	n.settle()
	same(t, n.u.heardSince(), []string{"trade ACME 2", "trade ACME 3", "quote ACME 5"})
}

func TestNoQuoteOvertakesTheWarningAheadOfIt(t *testing.T) {
	for name, of := range map[string]market.Instrument{"of its own": acme, "of the channel": {}} {
		t.Run(name, func(t *testing.T) {
			text := "*"
			if of.Valid() {
				text = "ACME"
			}
			for _, bad := range []feeds.State{feeds.Suspect, feeds.Stale, feeds.Down, feeds.Quarantined} {
				n := newNarrow(t, 16)
				n.feed.Quote(quote(acme, 1)) // void before anybody saw it
				n.feed.State(feeds.StateChange{Instrument: of, State: bad, Why: "planted"})
				n.feed.State(live(of))
				n.feed.Quote(quote(acme, 2))
				n.feed.State(feeds.StateChange{Instrument: of, State: bad, Why: "planted"})
				n.feed.State(live(of))
				n.feed.Quote(quote(acme, 3))
				n.feed.Quote(quote(acme, 4))
				n.settle()
				warning := []string{"state " + text + " " + bad.String() + " planted", "state " + text + " live planted"}
				same(t, n.u.heardSince(), append(append(warning, warning...), "quote ACME 4"))
			}
		})
	}
}

func TestChangesOfStateAreEachToldInOrder(t *testing.T) {
	n := newNarrow(t, 8)
	for _, why := range []string{"one", "two", "three", "four"} {
		n.feed.State(feeds.StateChange{State: feeds.Suspect, Why: why})
	}
	n.settle()
	same(t, n.u.heardSince(), []string{"state * suspect one", "state * suspect two", "state * suspect three", "state * suspect four"})
}

func TestAFullBoxIsAGapOfThatInstrumentWhereTheDataIsMissing(t *testing.T) {
	n := newNarrow(t, 2)
	n.feed.Trade(trade(acme, 1))
	n.feed.Trade(trade(bolt, 2))
	n.feed.Trade(trade(acme, 3)) // lost, and with it what waits of the same stream
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME suspect box was full", "trade BOLT 2"})
	n.feed.Trade(trade(acme, 4)) // no trade of it until Live
	n.feed.Trade(trade(bolt, 5))
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME suspect box was full", "trade BOLT 5"})
	n.readable(bolt)
	n.feed.State(live(acme))
	n.feed.Trade(trade(acme, 6))
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME live planted", "trade ACME 6"})
	n.readable(acme, bolt)
}

func TestAQuoteThatFindsNoRoomIsAGap(t *testing.T) {
	n := newNarrow(t, 2)
	n.feed.Trade(trade(acme, 1))
	n.feed.Trade(trade(acme, 2))
	n.feed.Quote(quote(bolt, 3)) // lost, and no data of it comes for long
	n.settle()
	same(t, n.u.heardSince(), []string{"trade ACME 1", "trade ACME 2", "state BOLT suspect box was full"})
	n.readable(acme)
}

func TestALostChangeOfTheChannelBlindsEveryInstrument(t *testing.T) {
	n := newNarrow(t, 2)
	n.feed.Trade(trade(acme, 1))
	n.feed.Trade(trade(acme, 2))
	n.feed.State(feeds.StateChange{State: feeds.Suspect, Why: "planted"}) // lost
	n.settle()
	same(t, n.u.heardSince(), []string{"trade ACME 1", "trade ACME 2", "state * suspect box was full"})
	n.readable()
	n.feed.State(live(acme)) // of one book, which is no better than its channel
	n.settle()
	n.readable()
	n.feed.State(everything)
	n.settle()
	n.readable(acme, bolt)
}

func TestALossAfterALiveThatWaitsIsNotHealedByIt(t *testing.T) {
	for name, of := range map[string]market.Instrument{"of its own": acme, "of the channel": {}} {
		t.Run(name, func(t *testing.T) {
			n := newNarrow(t, 2)
			n.feed.Trade(trade(acme, 1))
			n.feed.Trade(trade(acme, 2))
			n.feed.Trade(trade(acme, 3)) // lost
			n.feed.State(live(of))
			n.feed.Trade(trade(bolt, 4))
			n.feed.Trade(trade(bolt, 5))
			n.feed.Trade(trade(acme, 6)) // lost
			n.settle()
			n.u.heardSince()
			n.feed.Trade(trade(acme, 7))
			n.settle()
			if heard := n.u.heardSince(); len(heard) != 0 && heard[0] == "trade ACME 7" {
				t.Errorf("heard %q, want no trade behind the hole before a Live", heard)
			}
			n.feed.State(live(of))
			n.feed.Trade(trade(acme, 8))
			n.settle()
			heard := n.u.heardSince()
			if heard[len(heard)-1] != "trade ACME 8" {
				t.Errorf("heard %q, want the trade behind the Live", heard)
			}
			n.feed.State(live(bolt)) // whose second trade found no room
			n.settle()
			n.readable(acme, bolt)
		})
	}
}

func TestTheFeedIsAskedOnceToShowWhatWasMissed(t *testing.T) {
	n := newNarrow(t, 2)
	n.err = errPlanted
	for seq := range uint64(5) {
		n.feed.Trade(trade(acme, seq))
		n.feed.Trade(trade(bolt, seq))
	}
	n.settle()
	if n.shown != 0 {
		t.Fatalf("asked at once, want it asked for all gaps of a bunch")
	}
	n.pass(10 * time.Millisecond)
	if n.shown != 1 {
		t.Fatalf("asked for %d showings, want 1", n.shown)
	}
	n.pass(500 * time.Millisecond)
	if n.shown != 3 {
		t.Fatalf("asked %d times, want it asked each 250 ms until it is taken", n.shown)
	}
	n.err = nil
	n.pass(time.Hour)
	if n.shown != 4 {
		t.Errorf("asked %d times, want no more after it was taken", n.shown)
	}
	n.readable()
	n.feed.State(everything)
	n.settle()
	n.readable(acme, bolt)
}

func TestAChannelThatIsLiveSaysNothingOfAnother(t *testing.T) {
	n := &narrow{u: &trader{}}
	n.rig = newRig(t, func(r *rig) {
		r.box = strategy.Box(2, 2)
		r.box.Lanes[mailbox.Data-1].Cap = r.box.MaxKeys + 2
	})
	n.start(n.u, strategy.State{})
	n.feed = strategy.Inlet(n.to, 0, n.cfg.Contracts, strategy.NeedsOf(n.u))
	other := strategy.Inlet(n.to, 1, n.cfg.Contracts, strategy.NeedsOf(n.u))
	n.feed.Trade(trade(acme, 1))
	n.feed.Trade(trade(acme, 2))
	n.feed.Trade(trade(acme, 3))
	n.settle()
	n.u.heardSince()
	other.State(everything)
	other.Trade(trade(bolt, 1))
	n.settle()
	same(t, n.u.heardSince(), []string{"state * live shown", "trade BOLT 1"}) // there is room for its marks
	n.readable(bolt)
}

func TestTheNextIncarnationMissesNothingOfTheOneBefore(t *testing.T) {
	n := newNarrow(t, 2)
	n.u.trade = func(*strategy.Context, feeds.Trade) error { return errPlanted }
	n.feed.Trade(trade(bolt, 1))
	n.feed.Trade(trade(acme, 2))
	n.feed.Trade(trade(acme, 3)) // lost
	n.settle()
	n.ended("error")
	n.u.trade = nil
	n.start(n.u, strategy.State{})
	n.u.heardSince()
	n.feed.Trade(trade(acme, 4))
	n.settle()
	same(t, n.u.heardSince(), []string{"trade ACME 4"})
	n.readable(acme, bolt)
}

func TestNobodyIsToldDataThatItHasNoHandlerFor(t *testing.T) {
	r := newRig(t, nil)
	u := &onlyStates{}
	r.start(u, strategy.State{})
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
	feed.Trade(trade(acme, 1))
	feed.Quote(quote(acme, 2))
	feed.Depth(feeds.Depth{Instrument: acme})
	feed.State(live(acme))
	r.settle()
	for _, b := range r.sys.Boxes() {
		if b.Name == "s" && b.Lanes[mailbox.Data-1].Accepted != 2 {
			t.Errorf("%d data messages were told, want the change of state and its mark alone", b.Lanes[mailbox.Data-1].Accepted)
		}
	}
	if u.n != 1 {
		t.Errorf("told %d changes, want 1", u.n)
	}
}

type onlyStates struct{ n int }

func (o *onlyStates) OnFeedState(*strategy.Context, feeds.StateChange) error {
	o.n++
	return nil
}

func TestDataOfAnInstrumentThatIsNotItsOwnIsNotTold(t *testing.T) {
	n := newNarrow(t, 2)
	n.feed.Trade(trade(dart, 1))
	n.feed.Quote(quote(dart, 2))
	n.feed.State(live(dart))
	n.settle()
	same(t, n.u.heardSince(), nil)
}

// TestAGapIsAtThePositionBehindWhichDataIsMissing of its own stream: an instrument, its book, or the channel.
func TestAGapIsAtThePositionBehindWhichDataIsMissing(t *testing.T) {
	r, u := newRig(t, func(r *rig) { r.box.Lanes[mailbox.Data-1].Cap = r.box.MaxKeys + 2 }), &bookman{trader: &trader{}}
	r.cfg.Books = strategy.NewBooks(r.cfg.Contracts)
	r.start(u, strategy.State{})
	feed := r.bookFeed(u)
	var at []feeds.Pos
	u.state = func(_ *strategy.Context, e feeds.StateChange) error {
		if e.Why == "box was full" {
			at = append(at, e.Pos)
		}
		return nil
	}
	want := func(when string, want ...feeds.Pos) {
		t.Helper()
		r.settle()
		if !slices.Equal(at, want) {
			t.Errorf("%s: gaps at %v, want %v", when, at, want)
		}
		at = nil
	}
	lose := func(i market.Instrument, from uint64) {
		for n := range uint64(3) {
			feed.Trade(trade(i, from+n))
		}
	}
	lose(acme, 1)
	want("nothing was told before", feeds.Pos{})
	feed.State(feeds.StateChange{Pos: feeds.Pos{Epoch: 1, Seq: 4}, Instrument: acme, State: feeds.Live})
	r.settle()
	feed.Trade(trade(bolt, 5))
	feed.Trade(trade(acme, 6))
	r.settle()
	lose(acme, 7)
	want("behind a trade", feeds.Pos{Epoch: 1, Seq: 6})
	feed.Quote(quote(bolt, 10))
	r.settle()
	lose(bolt, 11)
	want("behind a quote", feeds.Pos{Epoch: 1, Seq: 10})
	feed.State(feeds.StateChange{Pos: feeds.Pos{Epoch: 1, Seq: 14}, State: feeds.Live, Reset: true})
	r.settle()
	feed.Depth(level(15, market.Buy, 99, 5, true))
	feed.Quote(quote(acme, 15))
	r.settle()
	feed.Trade(trade(acme, 16))
	feed.Trade(trade(bolt, 17))
	feed.Depth(level(18, market.Buy, 98, 5, true))                                                   // no room for the word of it
	feed.State(feeds.StateChange{Pos: feeds.Pos{Epoch: 1, Seq: 19}, State: feeds.Suspect, Why: "?"}) // nor for this
	want("of a book, and of the channel", feeds.Pos{Epoch: 1, Seq: 15}, feeds.Pos{Epoch: 1, Seq: 14})
}
