package strategy_test

import (
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// TestADoubtHealsNoLoss wants a mark that says anything but Live to leave the hole where it is.
func TestADoubtHealsNoLoss(t *testing.T) {
	n := newNarrow(t, 2)
	for seq := range uint64(3) {
		n.feed.Trade(trade(acme, seq+1)) // the third is lost
	}
	n.settle()
	n.u.heardSince()
	n.feed.State(feeds.StateChange{Instrument: acme, State: feeds.Suspect, Why: "planted"})
	n.feed.Trade(trade(acme, 4))
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME suspect box was full"}) // the doubt is lost like any of what is behind a hole
	n.readable(bolt)
	n.feed.State(live(acme))
	n.feed.Trade(trade(acme, 5))
	n.settle()
	same(t, n.u.heardSince(), []string{"state ACME live planted", "trade ACME 5"})
	n.readable(acme, bolt)
}

// starting is a strategy with room for two data messages that waits for its state, and a feed that tells it what it cannot hear yet.
func starting(t *testing.T) *narrow {
	t.Helper()
	n := &narrow{u: &trader{}}
	n.rig = newRig(t, func(r *rig) { r.box.Lanes[mailbox.Data-1].Cap = r.box.MaxKeys + 2 })
	n.spawn(n.u)
	n.feed = strategy.Inlet(n.to, 0, n.cfg.Contracts, strategy.NeedsOf(n.u))
	for seq := range uint64(3) {
		n.feed.Trade(trade(acme, seq+1))
	}
	n.settle()
	return n
}

func TestALossBeforeTheStateHasComeLeavesTheBookUnreadable(t *testing.T) {
	n := starting(t)
	n.tell(strategy.Restored(strategy.State{}))
	n.readable(bolt)
	n.feed.State(live(acme))
	n.settle()
	n.readable(acme, bolt)
}

func TestALiveBeforeTheStateHasComeHealsTheLossBeforeIt(t *testing.T) {
	n := starting(t)
	n.feed.State(live(acme))
	n.settle()
	n.tell(strategy.Restored(strategy.State{}))
	n.readable(acme, bolt)
}

// TestABoxHasRoomForEachMarkBesidesItsData fills the box of a strategy that is told everything: its own room of data, and a mark of each
// stream.
func TestABoxHasRoomForEachMarkBesidesItsData(t *testing.T) {
	r, u := newRig(t, nil), &bookman{trader: &trader{}}
	r.cfg.Books = strategy.NewBooks(r.cfg.Contracts)
	r.start(u, strategy.State{})
	feed := r.bookFeed(u)
	u.heardSince()
	room := mailbox.DefaultConfig("").Lanes[mailbox.Data-1].Cap
	feed.State(everything)
	for _, i := range []market.Instrument{acme, bolt} {
		d := level(1, market.Buy, 99, 5, true)
		d.Instrument = i
		feed.Depth(d)
		feed.Quote(quote(i, 1))
	}
	for n := range uint64(room - 5) { // besides the change of state, two books and two quotes
		feed.Trade(trade(acme, n+2))
	}
	r.settle()
	heard := u.heardSince()
	if want := []string{"state * live shown", "book ACME 1  99×5 |", "quote ACME 1", "book BOLT 1  99×5 |", "quote BOLT 1", "trade ACME 2"}; len(heard) >= len(want) {
		same(t, heard[:len(want)], want)
	}
	if len(heard) != room {
		t.Errorf("heard %d messages, the last %q, want all %d that there is room for", len(heard), heard[len(heard)-1], room)
	}
}
