package strategy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// resting lets the test say in a trade what it likes.
func resting(t *testing.T) (a *aiming, do func(func(*strategy.Context))) {
	t.Helper()
	a = newAiming(t, 0)
	return a, func(f func(*strategy.Context)) {
		t.Helper()
		a.u.trade = func(c *strategy.Context, _ feeds.Trade) error {
			f(c)
			return nil
		}
		a.tick()
		a.u.trade = nil
	}
}

const fifty = 50 * market.Price(1e9)

func TestRestMovesAnOrderOnlyWhenTheOneBeforeHasEnded(t *testing.T) {
	a, do := resting(t)
	do(func(c *strategy.Context) { c.Rest(acme, market.Buy, fifty, market.Unit) })
	in := a.last(1)
	if in.Side != market.Buy || in.Price != fifty || in.Qty != market.Unit || in.TIF != market.Day || in.Type != market.Limit {
		t.Fatalf("sent %+v, want a limit for the day to buy 1 at 50", in)
	}
	do(func(c *strategy.Context) { c.Rest(acme, market.Buy, fifty+px, market.Unit) })
	a.last(1)
	if len(a.desk.cancelled) != 1 || a.desk.cancelled[0] != in.Cause {
		t.Fatalf("cancelled %v, want the order at the old price", a.desk.cancelled)
	}
	a.tick()
	a.last(1) // its end is awaited
	a.event(a.closed(0, 0))
	if next := a.last(2); next.Price != fifty+px {
		t.Fatalf("then sent %+v, want the order at the new price", next)
	}
}

const px = market.Price(10_000_000)

func TestAHandlerThatChangesItsMindLeavesOneOrder(t *testing.T) {
	a, do := resting(t)
	do(func(c *strategy.Context) {
		c.Rest(acme, market.Sell, fifty, market.Unit)
		c.Rest(acme, market.Sell, fifty+px, market.Unit)
	})
	a.last(1)
	a.tick()
	if len(a.desk.cancelled) != 1 {
		t.Fatalf("cancelled %v, want the order that nobody wants any more", a.desk.cancelled)
	}
	a.event(a.closed(0, 0))
	if next := a.last(2); next.Price != fifty+px {
		t.Fatalf("then sent %+v, want the order at the later price", next)
	}
}

func TestBothSidesRestAndNeitherWaitsForTheOther(t *testing.T) {
	a, do := resting(t)
	both := func(bid, ask market.Price) {
		do(func(c *strategy.Context) {
			c.Rest(acme, market.Buy, bid, market.Unit)
			c.Rest(acme, market.Sell, ask, market.Unit)
		})
	}
	both(fifty-px, fifty+px)
	a.last(2)
	both(fifty, fifty+2*px)
	if len(a.desk.cancelled) != 2 {
		t.Fatalf("%d cancels, want 2", len(a.desk.cancelled))
	}
	a.event(a.closed(1, 0))
	if next := a.last(3); next.Side != market.Sell {
		t.Fatalf("sent %+v, want the ask, though the bid before it has not ended", next)
	}
}

func TestThereAreNeverTwoOnASideUnlessAskedFor(t *testing.T) {
	a, do := resting(t)
	do(func(c *strategy.Context) { c.Rest(acme, market.Buy, fifty, market.Unit) })
	a.last(1)
	do(func(c *strategy.Context) { c.Place(buy(acme)) })
	a.last(1)
	a.heardOf("refused MIXED")
	do(func(c *strategy.Context) { c.Target(acme, market.Unit) })
	a.last(1)
	a.heardOf("held mixed")
	do(func(c *strategy.Context) { c.Place(buy(acme), strategy.Beside()) })
	a.last(2)
	do(func(c *strategy.Context) { c.Place(sell(acme)) })
	a.last(3)
}

func TestTargetRestsAtAPriceWhenToldTo(t *testing.T) {
	a, do := resting(t)
	do(func(c *strategy.Context) { c.Target(acme, market.Unit, strategy.At(fifty)) })
	if in := a.last(1); in.TIF != market.Day || in.Price != fifty {
		t.Fatalf("sent %+v, want a limit for the day at 50", in)
	}
	do(func(c *strategy.Context) { c.Target(acme, market.Unit, strategy.At(fifty)) })
	a.last(1)
	do(func(c *strategy.Context) { c.Target(acme, market.Unit, strategy.At(fifty+px)) })
	if len(a.desk.cancelled) != 1 {
		t.Fatalf("%d cancels, want one of the order that rests elsewhere", len(a.desk.cancelled))
	}
	a.event(a.closed(0, 0))
	if in := a.last(2); in.Price != fifty+px {
		t.Fatalf("then sent %+v, want it at the new price", in)
	}
}

func TestTargetAtNoPriceIsNoWishForTheFarTouch(t *testing.T) {
	a, do := resting(t)
	do(func(c *strategy.Context) { c.Target(acme, market.Unit, strategy.At(0)) })
	a.last(0)
	a.heardOf("refused BAD_INTENT")
}

func TestTargetAtTheFarTouchDoesNotWaitForAnOrderThatWasKeptAtRest(t *testing.T) {
	a := newAimingOver(t, strategy.State{Working: []strategy.Working{kept(1, market.Buy, fifty-px)}})
	a.say(market.Unit)
	a.last(0)
	if want := []risk.Cause{{1}}; !slices.Equal(a.desk.cancelled, want) {
		t.Fatalf("cancelled %v, want %v: it rests where the far touch is wanted", a.desk.cancelled, want)
	}
	a.event(orders.Event{
		Kind: orders.EventClosed, Order: "K1", Cause: risk.Cause{1}, Strategy: "s", Instrument: acme, Side: market.Buy, Qty: market.Unit,
		Price: fifty - px, Evidence: 1,
	})
	if in := a.last(1); in.TIF != market.IOC || in.Qty != market.Unit {
		t.Errorf("then sent %+v, want one unit at the far touch", in)
	}
}

func TestRestSendsNothingWhileShutAndNothingOldWhenItOpens(t *testing.T) {
	a, do := resting(t)
	a.board.mode, a.board.why = risk.Closed, "TRIP"
	do(func(c *strategy.Context) { c.Rest(acme, market.Buy, fifty, market.Unit) })
	a.heardOf("held gate")
	a.pass(2 * time.Second)
	a.heardOf("lapsed gate")
	a.board.mode = risk.Open
	a.tick()
	a.pass(time.Second)
	a.last(0)
	do(func(c *strategy.Context) { c.Rest(acme, market.Buy, fifty, market.Unit) })
	a.last(1)
}

func TestRestOfWhatIsNoSideOrNoSizeIsRefused(t *testing.T) {
	a, do := resting(t)
	do(func(c *strategy.Context) { c.Rest(acme, 0, fifty, market.Unit) })
	a.heardOf("refused BAD_INTENT")
	do(func(c *strategy.Context) { c.Rest(bolt, market.Buy, fifty, -market.Unit) })
	a.heardOf("refused BAD_INTENT")
	a.last(0)
}

// kept is an order that an earlier incarnation left working.
func kept(n byte, side market.Side, price market.Price) strategy.Working {
	return strategy.Working{
		Order: market.ClOrdID(fmt.Sprint("K", n)), Decision: strategy.DecisionOf(risk.Cause{n}), Instrument: acme, Side: side,
		Qty: market.Unit, Leaves: market.Unit, Price: price,
	}
}

func TestRestTakesOverAnOrderThatWasKept(t *testing.T) {
	a := newAimingOver(t, strategy.State{Working: []strategy.Working{
		kept(1, market.Buy, fifty), kept(2, market.Sell, fifty+px), kept(3, market.Buy, fifty-px),
	}})
	say := func(price market.Price) {
		a.u.trade = func(c *strategy.Context, _ feeds.Trade) error {
			c.Rest(acme, market.Buy, price, market.Unit)
			return nil
		}
		a.tick()
		a.u.trade = nil
	}
	say(fifty)
	a.last(0)
	if want := []risk.Cause{{3}}; !slices.Equal(a.desk.cancelled, want) {
		t.Fatalf("cancelled %v, want %v: one to buy is taken over, and there are never two", a.desk.cancelled, want)
	}
	say(fifty - 2*px)
	a.last(0)
	if want := []risk.Cause{{3}, {1}}; !slices.Equal(a.desk.cancelled, want) {
		t.Fatalf("cancelled %v, want %v: the one that was taken over rests elsewhere", a.desk.cancelled, want)
	}
}

// patient keeps its orders.
type patient struct{}

func (*patient) OnStart(*strategy.Context, strategy.Start) error { return nil }
func (*patient) Policy() strategy.Policy                         { return strategy.Policy{OnCrash: strategy.Keep} }

func TestWhoKeepsOrdersHasToHearOfThem(t *testing.T) {
	err := strategy.Define("patient", func() *patient { return &patient{} }).Check()
	if err == nil || !strings.Contains(err.Error(), "keeps orders and has no OnOrder") {
		t.Errorf("Check() = %v, want it to ask for OnOrder", err)
	}
	if p := strategy.PolicyOf(&patient{}); p.KeepFor != strategy.DefaultKeepFor || p.OnStop != strategy.Cancel {
		t.Errorf("the policy is %+v, want it to keep for a minute, after a crash alone", p)
	}
}
