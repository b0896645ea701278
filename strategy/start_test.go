package strategy_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

func TestNothingIsToldBeforeTheStateOfTheJournal(t *testing.T) {
	r, u := newRig(t, nil), &trader{}
	var got strategy.Start
	u.start = func(c *strategy.Context, s strategy.Start) error {
		got = s
		if p := c.Position(acme); p.Qty != 3*market.Unit || len(c.Working(bolt)) != 1 {
			t.Errorf("in OnStart position %+v, working %+v, want what the journal knows", p, c.Working(bolt))
		}
		return nil
	}
	r.spawn(u)
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
	feed.Trade(trade(acme, 1))
	feed.Quote(quote(acme, 2))
	r.tell(strategy.GateChanged(strategy.Gate{Mode: risk.Closed}))
	if len(u.heard) != 0 {
		t.Errorf("heard %q before the state, want nothing", u.heard)
	}
	state := strategy.State{
		Positions: []strategy.Position{{Instrument: acme, Qty: 3 * market.Unit}},
		Working:   []strategy.Working{{Order: "O9", Instrument: bolt, Side: market.Buy, Qty: market.Unit, Leaves: market.Unit}},
	}
	r.tell(strategy.Restored(state))
	feed.Trade(trade(acme, 3))
	r.settle()
	same(t, u.heard, []string{"start adopted", "ready rehydrated", "gate OPEN", "trade ACME 3"})
	if !slices.Equal(got.Positions, state.Positions) || !slices.Equal(got.Working, state.Working) {
		t.Errorf("OnStart was told %+v, want the journal's state", got)
	}
}

func TestAStateOfSomebodyBeforeIsAdopted(t *testing.T) {
	gone := []strategy.Execution{{Exec: "E1", Instrument: acme, Qty: market.Unit, Price: 1}, {Exec: "E2", Instrument: acme, Qty: -market.Unit, Price: 1}}
	for name, c := range map[string]struct {
		why   strategy.Why
		state strategy.State
		want  strategy.Why
	}{
		"nothing":                     {strategy.WhyFirst, strategy.State{}, strategy.WhyFirst},
		"an order":                    {strategy.WhyFirst, strategy.State{Working: []strategy.Working{{Order: "O1", Instrument: acme}}}, strategy.WhyAdopted},
		"executions, and now flat":    {strategy.WhyFirst, strategy.State{Executions: gone}, strategy.WhyAdopted},
		"its own, after a crash":      {strategy.WhyCrash, strategy.State{Executions: gone}, strategy.WhyCrash},
		"its own, after it was ended": {strategy.WhyStop, strategy.State{Executions: gone}, strategy.WhyStop},
	} {
		t.Run(name, func(t *testing.T) {
			var hook, told strategy.Why
			r := newRig(t, func(r *rig) {
				r.why = c.why
				r.cfg.Events.Started = func(_ string, why strategy.Why) { hook = why }
			})
			r.start(&trader{start: func(_ *strategy.Context, s strategy.Start) error { told = s.Why; return nil }}, c.state)
			if told != c.want || hook != c.want {
				t.Errorf("OnStart is told %s, the hook %s, want %s", told, hook, c.want)
			}
		})
	}
}

func TestNothingHeldIsFlat(t *testing.T) {
	r, u := newRig(t, nil), &trader{}
	r.start(u, strategy.State{})
	same(t, r.ready, []string{"flat"})
}

func TestAnAccountThatIsNotUpIsAskedAgain(t *testing.T) {
	r, u := newRig(t, nil), &trader{}
	r.spawn(u)
	r.pass(time.Second)
	if r.desk.attached != 5 || len(u.heard) != 0 {
		t.Errorf("asked %d times in a second, heard %q, want 5 times and nothing heard", r.desk.attached, u.heard)
	}
	r.tell(strategy.Restored(strategy.State{}))
	r.tell(strategy.Restored(strategy.State{})) // the answer to an earlier asking
	r.pass(time.Minute)
	if r.desk.attached != 5 || len(r.ready) != 1 {
		t.Errorf("asked %d times, ready %d times, want none after the state has come", r.desk.attached, len(r.ready))
	}
}

func TestPlacingBeforeReadinessIsRefused(t *testing.T) {
	r, u := newRig(t, nil), &trader{}
	u.start = func(c *strategy.Context, _ strategy.Start) error {
		c.Place(buy(acme))
		c.Target(bolt, market.Unit)
		c.CancelAll()
		return nil
	}
	u.gate = func(c *strategy.Context, _ strategy.Gate) error {
		c.Place(buy(acme))
		return nil
	}
	r.start(u, strategy.State{})
	same(t, u.heard, []string{"start first", "order refused NOT_READY", "order refused NOT_READY", "ready flat", "gate OPEN"})
	if len(r.desk.placed) != 1 || r.desk.swept != 1 || r.noes[strategy.ReasonNotReady] != 2 {
		t.Errorf("placed %d, swept %d, refused %v, want the order of OnGate alone, and the cancel", len(r.desk.placed), r.desk.swept, r.noes)
	}
}

func TestAMissedEventEndsTheIncarnation(t *testing.T) {
	t.Run("a number is missing", func(t *testing.T) {
		r, u := newRig(t, nil), &trader{}
		r.start(u, strategy.State{})
		r.tell(strategy.Told(orders.Event{Kind: orders.EventFill, Instrument: acme, Side: market.Buy}, 2))
		if x := r.ended(actors.ReasonError); !errors.Is(x.Err, strategy.ErrMissed) || slices.Contains(u.heard, "fill 0") {
			t.Errorf("ended with %v, heard %q, want ErrMissed and no fill", x.Err, u.heard)
		}
	})
	t.Run("it is told that it missed some", func(t *testing.T) {
		r, u := newRig(t, nil), &trader{}
		r.told = 4
		r.start(u, strategy.State{})
		r.tell(strategy.Missed(4)) // it is in the state
		if len(r.exits) != 0 {
			t.Fatalf("ended with %+v for what its state has taken in", r.exits)
		}
		r.tell(strategy.Missed(5))
		if x := r.ended(actors.ReasonError); !errors.Is(x.Err, strategy.ErrMissed) {
			t.Errorf("ended with %v, want ErrMissed", x.Err)
		}
	})
	t.Run("a state older than what was missed is not taken", func(t *testing.T) {
		r, u := newRig(t, nil), &trader{}
		r.spawn(u)
		r.tell(strategy.Missed(3))
		r.tell(strategy.Restored(strategy.State{Seq: 2}))
		if len(r.ready) != 0 {
			t.Fatal("it began from a state that lacks an event")
		}
		r.tell(strategy.Restored(strategy.State{Seq: 3}))
		same(t, r.ready, []string{"flat"})
	})
	t.Run("an event that the state has taken in is not told again", func(t *testing.T) {
		r, u := newRig(t, nil), &trader{}
		r.told = 5
		r.start(u, strategy.State{Positions: []strategy.Position{{Instrument: acme, Qty: market.Unit}}})
		u.heardSince()
		r.tell(strategy.Told(orders.Event{Kind: orders.EventFill, Instrument: acme, Side: market.Buy, LastQty: market.Unit}, 5))
		same(t, u.heardSince(), nil)
	})
}

func TestAfterACrashTargetTradesAgain(t *testing.T) {
	r := newRig(t, nil)
	want := func(c *strategy.Context, qty market.Qty) { c.Target(acme, qty) }
	u := &trader{}
	u.trade = func(c *strategy.Context, e feeds.Trade) error {
		want(c, market.Unit)
		if e.Seq == 2 {
			panic("planted")
		}
		return nil
	}
	r.start(u, strategy.State{})
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
	feed.Trade(trade(acme, 1))
	r.settle()
	if len(r.desk.placed) != 1 {
		t.Fatalf("placed %d, want 1", len(r.desk.placed))
	}
	feed.Trade(trade(acme, 2)) // while its order works
	r.settle()
	r.ended(actors.ReasonCrash)

	next := &trader{trade: func(c *strategy.Context, _ feeds.Trade) error {
		want(c, market.Unit)
		return nil
	}}
	first := strategy.DecisionOf(r.desk.placed[0].Cause)
	r.start(next, strategy.State{Working: []strategy.Working{{
		Order: "O0", Decision: first, Instrument: acme, Side: market.Buy, Qty: market.Unit, Leaves: market.Unit, Closing: true,
	}}})
	feed.Trade(trade(acme, 3))
	r.settle()
	if len(r.desk.placed) != 1 || !slices.Contains(next.heard, "order held closing") {
		t.Fatalf("placed %d, heard %q: want to be held while the order of the dead incarnation is closing", len(r.desk.placed), next.heard)
	}
	r.event(r.closed(0, 0))
	if len(r.desk.placed) != 2 {
		t.Fatalf("placed %d, want the want carried out after that end", len(r.desk.placed))
	}
	r.filled(1)
	feed.Trade(trade(acme, 4))
	r.settle()
	if len(r.desk.placed) != 2 {
		t.Errorf("placed %d, want nothing more: the position is what is wanted", len(r.desk.placed))
	}
}

func TestTheStateAndWhatWasMissedGetThroughToOneThatIsStarting(t *testing.T) {
	for want, messages := range map[mailbox.Lane][]strategy.Message{
		mailbox.Control: {strategy.Restored(strategy.State{}), strategy.Missed(1), strategy.GateChanged(strategy.Gate{})},
		mailbox.Reports: {strategy.Told(orders.Event{}, 1)},
	} {
		for _, m := range messages {
			if got := strategy.Lane(m); got != want {
				t.Errorf("%+v waits in lane %s, want %s", m, got, want)
			}
		}
	}
}
