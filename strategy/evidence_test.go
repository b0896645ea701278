package strategy_test

import (
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/strategy"
)

func TestAFillIsInThePositionBeforeItIsTold(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme)) })
	want := market.Qty(0)
	var got strategy.Fill
	u.fill = func(c *strategy.Context, f strategy.Fill) error {
		got = f
		if p := c.Position(acme).Qty; p != want {
			t.Errorf("in OnFill the position is %s, want %s", p, want)
		}
		return nil
	}
	r.at(feed, 1)
	want = market.Unit / 2
	r.event(r.fill(0, market.Unit/2, market.Unit/2))
	if got.Kind != strategy.Filled || got.Qty != market.Unit/2 || got.Decision.Cause() != r.desk.placed[0].Cause || got.Replay {
		t.Errorf("told %+v, want half a unit of the decision", got)
	}
	r.trades(feed, func(c *strategy.Context) {
		if w := c.Working(acme); len(w) != 1 || w[0].Leaves != market.Unit/2 {
			t.Errorf("working %+v, want the other half", w)
		}
	}, u, 2)

	want = 0
	bust := r.of(0, orders.EventBusted)
	bust.LastQty = -market.Unit / 2
	r.event(bust)
	if got.Kind != strategy.Busted || got.Qty != -market.Unit/2 {
		t.Errorf("told %+v, want a bust of half a unit, below zero", got)
	}

	want = -market.Unit / 4
	corrected := r.of(0, orders.EventCorrected)
	corrected.LastQty, corrected.Replay = -market.Unit/4, true
	r.event(corrected)
	if got.Kind != strategy.Corrected || !got.Replay {
		t.Errorf("told %+v, want a correction that an earlier incarnation may have seen", got)
	}
}

func TestReplayedEventsAreFlagged(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme)) })
	r.at(feed, 1)
	e := r.of(0, orders.EventAccepted)
	e.Replay, e.Paper = true, true
	r.event(e)
	if got := u.told(); len(got) != 1 || !got[0].Replay || !got[0].Paper || got[0].Kind != "accepted" {
		t.Errorf("told %+v, want accepted, replayed, on paper", got)
	}
}

func TestAnUnknownOrderMakesThePositionDoubtful(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, n uint64) {
		if n == 1 {
			c.Place(buy(acme))
		} else {
			c.Target(acme, 5*market.Unit)
		}
	})
	r.at(feed, 1)
	r.event(r.of(0, orders.EventUnknown))
	r.at(feed, 2)
	if got := u.told(); len(r.desk.placed) != 1 || got[len(got)-1].Kind != strategy.KindHeld || got[len(got)-1].Reason != "unknown" {
		t.Errorf("placed %d, told %+v, want Target held by the unknown order", len(r.desk.placed), got)
	}
	doubtful := func(want bool) {
		t.Helper()
		r.trades(feed, func(c *strategy.Context) {
			if p := c.Position(acme); p.Unknown != want {
				t.Errorf("position %+v, want unknown %v", p, want)
			}
		}, u, 3)
	}
	doubtful(true)
	r.event(r.of(0, orders.EventResolved))
	doubtful(false)
}

func TestACancelThatDidNotLeaveEndsNoOrder(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, n uint64) {
		if n == 1 {
			c.Place(buy(acme))
		} else {
			c.Cancel(c.Working(acme)[0].Decision)
		}
	})
	r.at(feed, 1)
	r.event(r.of(0, orders.EventAccepted))
	r.at(feed, 2)
	e := r.of(0, orders.EventUnsent)
	e.Request, e.Reason = "C1", orders.ReasonGateway
	r.event(e)
	r.trades(feed, func(c *strategy.Context) {
		if w := c.Working(acme); len(w) != 1 || w[0].Closing {
			t.Errorf("working %+v, want the order, not closing", w)
		}
	}, u, 3)
	e = r.of(0, orders.EventUnsent) // the order itself
	e.Leaves = 0
	r.event(e)
	r.trades(feed, func(c *strategy.Context) {
		if w := c.Working(acme); len(w) != 0 {
			t.Errorf("working %+v, want none", w)
		}
	}, u, 4)
}
