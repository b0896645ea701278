package strategy_test

import (
	"errors"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// narrow is a strategy whose box holds two data messages, behind a feed that shows on asking.
type narrow struct {
	*rig
	u     *trader
	feed  feeds.Sink
	shown int
	err   error // what a showing answers
}

func newNarrow(t *testing.T) *narrow {
	t.Helper()
	n := &narrow{u: &trader{}}
	n.rig = newRig(t, func(r *rig) { r.box.Lanes[mailbox.Data-1].Cap = 2 })
	n.start(n.u, strategy.State{})
	n.feed = strategy.Inlet(n.to, 0, strategy.NeedsOf(n.u), func() error {
		n.shown++
		return n.err
	})
	n.u.heardSince()
	return n
}

// fills the box, and loses what comes then.
func (n *narrow) fill() {
	n.feed.Trade(trade(acme, 1))
	n.feed.Trade(trade(acme, 2))
}

// blind checks which books can be read, at a trade of DART that nobody hears of but the inlet.
func (n *narrow) readable(seq uint64, want ...market.Instrument) {
	n.t.Helper()
	got := map[market.Instrument]error{}
	n.u.order = nil
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
			n.t.Errorf("after %d: reading %s says %v, want readable %v", seq, i, got[i], readable)
		}
	}
}

func TestAFullBoxIsAGapOfThatInstrument(t *testing.T) {
	n := newNarrow(t)
	n.fill()
	n.feed.Trade(trade(acme, 3)) // lost
	n.settle()
	same(t, n.u.heardSince(), []string{"trade ACME 1", "trade ACME 2"})
	n.feed.Trade(trade(acme, 4))
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME suspect box was full", "trade ACME 4"})
	if n.shown != 1 {
		t.Errorf("asked for %d showings, want 1", n.shown)
	}
	n.readable(4, bolt)
	n.feed.State(feeds.StateChange{Instrument: acme, State: feeds.Live})
	n.settle()
	n.readable(5, acme, bolt)
}

func TestEveryGapIsToldAheadOfTheNextData(t *testing.T) {
	n := newNarrow(t)
	n.fill()
	n.feed.Quote(quote(bolt, 3)) // lost, and no data of it comes for long
	n.settle()
	n.u.heardSince()
	n.feed.Trade(trade(acme, 4))
	n.settle()
	same(t, n.u.heardSince(), []string{"state BOLT suspect box was full", "trade ACME 4"})
	n.readable(4, acme)
}

func TestALostChangeOfTheChannelBlindsEveryInstrument(t *testing.T) {
	for _, reset := range []bool{false, true} {
		n := newNarrow(t)
		n.fill()
		n.feed.State(feeds.StateChange{Pos: feeds.Pos{Epoch: 1, Seq: 3}, State: feeds.Suspect, Reset: reset}) // lost
		n.settle()
		n.u.heardSince()
		n.feed.Trade(trade(acme, 4))
		n.settle()
		same(t, n.u.heardSince(), []string{"state * suspect box was full", "trade ACME 4"})
		n.readable(4)
		n.feed.State(feeds.StateChange{Instrument: acme, State: feeds.Live}) // of one book, which is no better than its channel
		n.settle()
		n.readable(5)
		n.feed.State(feeds.StateChange{State: feeds.Live, Reset: true, Why: "shown"})
		n.settle()
		n.readable(6, acme, bolt)
	}
}

func TestAShowingIsAskedForUntilItIsTaken(t *testing.T) {
	n := newNarrow(t)
	n.err = errPlanted
	n.fill()
	n.feed.Trade(trade(acme, 3))
	n.settle()
	for seq := uint64(4); seq < 7; seq++ {
		n.feed.Trade(trade(acme, seq))
		n.settle()
	}
	n.err = nil
	n.feed.Trade(trade(acme, 7))
	n.settle()
	n.feed.Trade(trade(acme, 8))
	n.settle()
	if n.shown != 4 {
		t.Errorf("asked for %d showings, want one at each data until it is taken, and none after", n.shown)
	}
}

func TestAGapThatFindsNoRoomIsNotForgotten(t *testing.T) {
	n := newNarrow(t)
	n.fill()
	n.feed.Trade(trade(acme, 3))
	n.feed.Trade(trade(bolt, 4))
	n.feed.Trade(trade(acme, 5)) // the box is still full
	n.settle()
	n.u.heardSince()
	n.feed.Trade(trade(acme, 6)) // room for both warnings, none for the trade
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME suspect box was full", "state BOLT suspect box was full"})
	n.feed.Trade(trade(acme, 7))
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME suspect box was full", "trade ACME 7"})
}

func TestAChannelThatIsLiveSaysNothingOfAnother(t *testing.T) {
	n := newNarrow(t)
	other := strategy.Inlet(n.to, 1, strategy.NeedsOf(n.u), nil)
	n.fill()
	n.feed.Trade(trade(acme, 3))
	n.settle()
	n.feed.Trade(trade(acme, 4))
	n.settle()
	other.State(feeds.StateChange{State: feeds.Live, Reset: true})
	n.settle()
	n.readable(4, bolt)
}

func TestNobodyIsToldDataThatItHasNoHandlerFor(t *testing.T) {
	r := newRig(t, nil)
	u := &onlyStates{}
	r.start(u, strategy.State{})
	feed := strategy.Inlet(r.to, 0, strategy.NeedsOf(u), nil)
	feed.Trade(trade(acme, 1))
	feed.Quote(quote(acme, 2))
	feed.Depth(feeds.Depth{Instrument: acme})
	feed.State(feeds.StateChange{Instrument: acme, State: feeds.Live})
	r.settle()
	for _, b := range r.sys.Boxes() {
		if b.Name == "s" && b.Lanes[mailbox.Data-1].Accepted != 1 {
			t.Errorf("%d data messages were told, want the change of state alone", b.Lanes[mailbox.Data-1].Accepted)
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
	n := newNarrow(t)
	n.feed.Trade(trade(dart, 1))
	n.feed.Quote(quote(dart, 2))
	n.settle()
	same(t, n.u.heardSince(), nil)
}

func TestBehindANewBeginningNothingFromBeforeIsMissed(t *testing.T) {
	n := newNarrow(t)
	n.err = errPlanted
	n.fill()
	n.feed.Trade(trade(acme, 3)) // lost
	n.settle()
	n.feed.Trade(trade(bolt, 4)) // the gap is told, and a showing is owed
	n.settle()
	n.fill()
	n.feed.Trade(trade(bolt, 5)) // lost, and not told
	n.settle()
	n.u.heardSince()
	n.feed.State(feeds.StateChange{State: feeds.Live, Reset: true, Why: "shown"})
	n.feed.Trade(trade(bolt, 6))
	n.settle()
	same(t, n.u.heardSince(), []string{"state * live shown", "trade BOLT 6"})
	if n.shown != 3 {
		t.Errorf("asked for %d showings, want none after the one that came", n.shown)
	}
	n.readable(6, acme, bolt)
}
