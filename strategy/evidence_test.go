package strategy_test

import (
	"slices"
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

// TestAPositionIsOfTheStrategysOwnExecutions over a bust and a correction, and for the next incarnation, which has them from the journal.
func TestAPositionIsOfTheStrategysOwnExecutions(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, n uint64) {
		if n < 3 {
			c.Place(buy(acme), strategy.Beside())
		}
	})
	r.at(feed, 1)
	r.at(feed, 2)
	fill := func(n int, exec string, price int64) orders.Event {
		e := r.fill(n, market.Unit, market.Unit)
		e.Exec, e.LastPx = exec, market.Price(price*1e9)
		return e
	}
	r.event(fill(0, "E1", 50))
	r.event(fill(1, "E2", 52))
	var got strategy.Position
	look := func(seq uint64) strategy.Position {
		t.Helper()
		r.trades(feed, func(c *strategy.Context) { got = c.Position(acme) }, u, seq)
		return got
	}
	want := strategy.Position{Instrument: acme, Qty: 2 * market.Unit, Avg: 51e9}
	if got := look(3); got != want {
		t.Errorf("position %+v, want %+v", got, want)
	}
	change := r.of(1, orders.EventCorrected)
	change.Exec, change.Ref, change.LastQty, change.LastPx = "C1", "E2", 0, 54e9
	r.event(change)
	if want.Avg = 52e9; look(4) != want {
		t.Errorf("corrected to a price of 54, position %+v, want %+v", got, want)
	}
	bust := r.of(0, orders.EventBusted)
	bust.Exec, bust.Ref, bust.LastQty, bust.LastPx = "E1", "E1", -market.Unit, 50e9
	r.event(bust)
	if want.Qty, want.Avg = market.Unit, 54e9; look(5) != want {
		t.Errorf("busted, position %+v, want %+v", got, want)
	}
	unknown := r.of(0, orders.EventUnknown)
	r.event(unknown)
	if want.Unknown = true; look(6) != want {
		t.Errorf("with an order of unknown state position %+v, want %+v", got, want)
	}

	var told strategy.Start
	next := &trader{start: func(_ *strategy.Context, s strategy.Start) error { told = s; return nil }}
	r.stop()
	r2 := newRig(t, nil)
	r2.start(next, strategy.State{Executions: []strategy.Execution{
		{Order: "O1", Exec: "E2", Instrument: acme, Qty: market.Unit, Price: 54e9},
		{Order: "O2", Exec: "E1", Instrument: bolt, Qty: market.Unit, Price: 10e9},
		{Order: "O3", Exec: "E1", Instrument: bolt, Qty: -market.Unit, Price: 11e9},
	}})
	want.Unknown = false
	if !slices.Equal(told.Positions, []strategy.Position{want}) {
		t.Errorf("the next incarnation starts from %+v, want %+v and nothing of what is flat", told.Positions, want)
	}
	next.gate = func(c *strategy.Context, _ strategy.Gate) error {
		got = c.Position(bolt)
		return nil
	}
	r2.tell(strategy.GateChanged(strategy.Gate{}))
	flat := strategy.Position{Instrument: bolt}
	flat.Realised, _ = market.NotionalOf(1, 0)
	if got != flat {
		t.Errorf("what is flat stands at %+v, want its gain", got)
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
