package strategy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// aiming is a strategy that says at each trade what the test wants, if anything.
type aiming struct {
	*rig
	u        *trader
	feed     feeds.Sink
	seq      uint64
	want     *market.Qty
	absorbed int
}

func newAiming(t *testing.T, held market.Qty) *aiming {
	t.Helper()
	state := strategy.State{}
	if held != 0 {
		state.Positions = []strategy.Position{{Instrument: acme, Qty: held}}
	}
	return newAimingOver(t, state)
}

func newAimingOver(t *testing.T, state strategy.State) *aiming {
	t.Helper()
	a := &aiming{u: &trader{}}
	a.rig = newRig(t, func(r *rig) { r.cfg.Events.Absorbed = func(string) { a.absorbed++ } })
	a.u.trade = func(c *strategy.Context, _ feeds.Trade) error {
		if a.want != nil {
			c.Target(acme, *a.want)
		}
		return nil
	}
	a.start(a.u, state)
	a.feed = strategy.Inlet(a.to, 0, a.cfg.Contracts, strategy.NeedsOf(a.u))
	return a
}

// say says a want, look lets data come without one.
func (a *aiming) say(q market.Qty) {
	a.t.Helper()
	a.want = &q
	a.tick()
	a.want = nil
}

func (a *aiming) tick() {
	a.t.Helper()
	a.seq++
	a.at(a.feed, a.seq)
}

// last is the order of Target that left last, the n-th of all.
func (a *aiming) last(n int) risk.Intent {
	a.t.Helper()
	if len(a.desk.placed) != n {
		a.t.Fatalf("%d orders have left, want %d; told %+v", len(a.desk.placed), n, a.u.told())
	}
	if n == 0 {
		return risk.Intent{}
	}
	return a.desk.placed[n-1]
}

// heardOf checks the kinds and reasons of what was told since the last look.
func (a *aiming) heardOf(want ...string) {
	a.t.Helper()
	var got []string
	for _, e := range a.u.told() {
		got = append(got, e.Kind+" "+e.Reason)
	}
	same(a.t, got, want)
}

func TestTargetTakesTheFarTouchAndALittleMore(t *testing.T) {
	a := newAiming(t, 0)
	a.say(2 * market.Unit)
	in := a.last(1)
	if in.Side != market.Buy || in.Qty != 2*market.Unit || in.Type != market.Limit || in.TIF != market.IOC || in.ReduceOnly || in.Price != 50_030_000_000 {
		t.Errorf("%+v left, want to buy 2 at 50.01 and 5 bps, on tick, immediate or cancel", in)
	}
	a.say(2 * market.Unit)
	a.tick()
	a.last(1) // the same want changes nothing while its order works
	a.filled(0)
	a.say(2 * market.Unit)
	a.last(1)

	a.say(0)
	if in := a.last(2); in.Side != market.Sell || in.Qty != 2*market.Unit || !in.ReduceOnly || in.Price != 49_970_000_000 {
		t.Errorf("%+v left, want to sell 2 at 49.99 less 5 bps, reducing", in)
	}
}

func TestTargetGoesThroughZeroInTwoLegs(t *testing.T) {
	a := newAiming(t, 2*market.Unit)
	a.say(-market.Unit)
	if in := a.last(1); in.Side != market.Sell || in.Qty != 2*market.Unit || !in.ReduceOnly {
		t.Fatalf("%+v left first, want to be flat first", in)
	}
	a.event(a.fill(0, 2*market.Unit, 2*market.Unit))
	a.last(1) // its end is awaited
	a.event(a.closed(0, 2*market.Unit))
	if in := a.last(2); in.Side != market.Sell || in.Qty != market.Unit || in.ReduceOnly {
		t.Fatalf("%+v left then, want what lies beyond", in)
	}
}

func TestAnotherMindCancelsAndAwaitsTheEnd(t *testing.T) {
	a := newAiming(t, 0)
	a.say(5 * market.Unit)
	a.event(a.of(0, orders.EventAccepted))
	a.say(market.Unit)
	if len(a.desk.cancelled) != 1 {
		t.Fatalf("%d cancels, want the order that is too large cancelled", len(a.desk.cancelled))
	}
	a.say(market.Unit)
	a.last(1)
	a.event(a.of(0, orders.EventCancelRejected)) // too late or too early: the order works on
	a.say(market.Unit)
	if len(a.desk.cancelled) != 2 {
		t.Errorf("%d cancels, want another after the first was rejected", len(a.desk.cancelled))
	}
	a.event(a.fill(0, 3*market.Unit, 3*market.Unit)) // crosses the cancel
	a.event(a.closed(0, 3*market.Unit))
	if in := a.last(2); in.Side != market.Sell || in.Qty != 2*market.Unit {
		t.Errorf("%+v left, want what was filled too much sold", in)
	}
}

func TestReopeningFiresNoOldWish(t *testing.T) {
	a := newAiming(t, 0)
	a.board.mode, a.board.why = risk.Closed, risk.CodeTripped
	a.say(market.Unit)
	a.tick()
	a.heardOf("held gate")
	a.pass(900 * time.Millisecond)
	a.say(market.Unit)
	a.pass(900 * time.Millisecond) // said again meanwhile: it has its time anew
	a.heardOf()
	a.pass(8 * time.Second)
	a.heardOf("lapsed gate")
	a.board.mode = risk.Open
	a.tell(strategy.GateChanged(strategy.Gate{Mode: risk.Open}))
	a.tick()
	a.last(0)
	a.say(market.Unit)
	a.last(1)
}

func TestAHeldWantGoesOnWithinItsTime(t *testing.T) {
	a := newAiming(t, 0)
	suspect := quote(acme, 1)
	suspect.State = feeds.Suspect
	a.board.quotes[acme] = suspect
	a.say(market.Unit)
	a.heardOf("held book")
	a.pass(500 * time.Millisecond)
	a.board.quotes[acme] = quote(acme, 2)
	a.tick()
	a.last(1)
	a.pass(time.Minute)
	a.heardOf()
}

func TestWhatEndsUnfilledIsNotTriedAgainByItself(t *testing.T) {
	ends := map[string]func(a *aiming){
		"filled in part": func(a *aiming) {
			a.event(a.fill(0, market.Unit, market.Unit))
			a.event(a.closed(0, market.Unit))
		},
		"refused by the gate": func(a *aiming) { a.event(a.refusal(0, risk.CodeCollar)) },
		"decided before":      func(a *aiming) { e := a.of(0, orders.EventRepeated); e.Leaves = 0; a.event(e) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			a := newAiming(t, 0)
			a.say(2 * market.Unit)
			end(a)
			a.tick()
			a.say(2 * market.Unit)
			a.last(1)
			if a.absorbed != 1 {
				t.Errorf("absorbed %d, want the same want said at once absorbed", a.absorbed)
			}
			a.pass(250 * time.Millisecond)
			a.tick()
			a.last(1)
			a.say(2 * market.Unit)
			a.last(2)
		})
	}
}

func TestAReopenedOrderOfTargetIsItsOwn(t *testing.T) {
	a := newAiming(t, 0)
	a.say(2 * market.Unit)
	a.event(a.closed(0, 0))
	a.event(a.of(0, orders.EventReopened)) // the venue has it after all
	a.pass(time.Second)
	a.say(2 * market.Unit)
	a.last(1)
	a.say(market.Unit)
	if len(a.desk.cancelled) != 1 {
		t.Errorf("%d cancels, want the reopened order judged like any of Target's", len(a.desk.cancelled))
	}
}

// The order was given up for dead, and Target has sent another since: the first one, back, is beside it and too much.
func TestAReopenedOrderThatIsNotTargetsLastIsCancelled(t *testing.T) {
	a := newAiming(t, 0)
	a.say(2 * market.Unit)
	a.event(a.closed(0, 0))
	a.pass(time.Second)
	a.say(2 * market.Unit)
	a.last(2)
	a.event(a.of(0, orders.EventReopened))
	if want := []risk.Cause{a.desk.placed[0].Cause}; !slices.Equal(a.desk.cancelled, want) {
		t.Fatalf("%v was cancelled, want %v, the order that came back", a.desk.cancelled, want)
	}
	a.event(a.closed(1, 0))
	a.pass(time.Second)
	a.say(2 * market.Unit)
	a.last(2) // while it is on its way out nothing is sent
	a.event(a.closed(0, 0))
	a.say(2 * market.Unit)
	a.last(3)
}

func TestTargetOfWhatHasNoPriceIsHeld(t *testing.T) {
	a := newAiming(t, 0)
	a.u.trade = func(c *strategy.Context, _ feeds.Trade) error {
		c.Target(dart, market.Unit)
		return nil
	}
	a.tick()
	a.heardOf("held book")
	a.last(0)
}

func TestTargetSendsWhereOnlyReducingIsAllowed(t *testing.T) {
	a := newAiming(t, 2*market.Unit)
	a.board.mode = risk.ReduceOnly
	a.say(0)
	if in := a.last(1); !in.ReduceOnly {
		t.Errorf("%+v left, want a reducing order", in)
	}
}
