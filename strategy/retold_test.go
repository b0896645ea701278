package strategy_test

import (
	"fmt"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// earing notes what the shell says of its events.
type earing struct{ said []string }

func (e *earing) Telling(n uint64) { e.said = append(e.said, fmt.Sprint("telling ", n)) }
func (e *earing) Heard(n uint64)   { e.said = append(e.said, fmt.Sprint("heard ", n)) }
func (e *earing) Told(n uint64)    { e.said = append(e.said, fmt.Sprint("told ", n)) }

func (e *earing) since() []string {
	out := e.said
	e.said = nil
	return out
}

// bought is a fill that no test's order has caused.
func bought() orders.Event {
	return orders.Event{
		Kind: orders.EventFill, Order: "O7", Cause: risk.Cause{7}, Strategy: "s", Instrument: acme, Side: market.Buy, Qty: market.Unit,
		Cum: market.Unit, LastQty: market.Unit, LastPx: 50e9, Exec: "E7", Evidence: 70,
	}
}

func TestWhatNobodyWasToldIsToldToTheNextIncarnationOnceItIsReady(t *testing.T) {
	ear := &earing{}
	r := newRig(t, func(r *rig) { r.cfg.Ear = ear })
	u := &trader{}
	u.fill = func(c *strategy.Context, f strategy.Fill) error {
		if !f.Replay || f.Kind != strategy.Filled || c.Position(acme).Qty != market.Unit {
			t.Errorf("told %+v with a position of %s, want a replayed fill that is in it already, once", f, c.Position(acme).Qty)
		}
		c.Place(sell(acme))
		return nil
	}
	r.told = 3
	r.start(u, strategy.State{
		Executions: []strategy.Execution{{Order: "O7", Exec: "E7", Instrument: acme, Qty: market.Unit, Price: 50e9}},
		Untold:     []strategy.Untold{{N: 3, Event: bought()}},
	})
	same(t, u.heardSince(), []string{"start adopted", "ready rehydrated", "gate OPEN", "fill 1", "order fill "})
	if len(r.desk.placed) != 1 {
		t.Fatalf("%d orders were placed, want the one of OnFill", len(r.desk.placed))
	}
	same(t, ear.since(), []string{"telling 3", "heard 3"}) // the account has not said a word of the order yet
	r.event(r.of(0, orders.EventAccepted))
	same(t, ear.since(), []string{"telling 4", "heard 4", "told 3", "told 4"})
}

func TestAnEventIsDealtWithWhenTheAccountHasAnsweredWhatItLedTo(t *testing.T) {
	ear := &earing{}
	r := newRig(t, func(r *rig) { r.cfg.Ear = ear })
	u := &trader{}
	r.start(u, strategy.State{})
	u.fill = func(c *strategy.Context, _ strategy.Fill) error {
		c.Place(sell(acme))
		c.Place(buy(bolt))
		return nil
	}
	r.event(bought())
	u.fill = nil
	same(t, ear.since(), []string{"telling 1", "heard 1"})
	r.event(r.of(0, orders.EventAccepted))
	same(t, ear.since(), []string{"telling 2", "heard 2"})
	r.event(r.refusal(1, risk.CodeShut))
	same(t, ear.since(), []string{"telling 3", "heard 3", "told 1", "told 2", "told 3"})

	u.fill = func(*strategy.Context, strategy.Fill) error { return errPlanted }
	r.event(bought())
	r.ended(actors.ReasonError)
	same(t, ear.since(), []string{"telling 4"})
}

func TestAnEventThatWasSetAsideIsToldAgainOnce(t *testing.T) {
	ear := &earing{}
	r := newRig(t, func(r *rig) { r.cfg.Ear = ear })
	u := &trader{}
	r.told = 9
	aside := strategy.Untold{N: 3, Event: bought()}
	r.spawn(u)
	r.tell(strategy.Again(aside)) // ahead of the state
	r.tell(strategy.Restored(strategy.State{Untold: []strategy.Untold{aside}, Seq: 9}))
	same(t, ear.since(), []string{"telling 3", "heard 3", "told 3"})
	r.tell(strategy.Again(aside))
	same(t, ear.since(), nil)
	aside.N = 4
	u.heardSince()
	r.tell(strategy.Again(aside))
	same(t, u.heardSince(), []string{"fill 1", "order fill "})
	same(t, ear.since(), []string{"telling 4", "heard 4", "told 4"})

	r2 := newRig(t, func(r *rig) { r.cfg.Ear = ear })
	r2.told = 9
	r2.spawn(&trader{})
	r2.tell(strategy.Again(aside))
	r2.tell(strategy.Restored(strategy.State{Seq: 9}))
	same(t, ear.since(), []string{"telling 4", "heard 4", "told 4"})
}

// TestAQuoteThatEndsTwoIncarnationsIsNotToldToTheThird, whichever showing brings it, and nothing but quotes and trades is set aside: a gate
// that ends every incarnation goes on to.
func TestAQuoteThatEndsTwoIncarnationsIsNotToldToTheThird(t *testing.T) {
	r := newRig(t, nil)
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.Needs{Quotes: true})
	bad := func(*strategy.Context, feeds.Quote) error { return errPlanted }
	for n := range 2 {
		r.start(&trader{quote: bad}, strategy.State{})
		feed.Quote(quote(acme, 7))
		r.settle()
		r.ended(actors.ReasonError)
		if got := r.sys.Quarantine(); len(got) != 0 {
			t.Fatalf("after %d ends %+v is set aside, want nothing yet", n+1, got)
		}
	}
	u := &trader{quote: bad}
	r.start(u, strategy.State{})
	u.heardSince()
	feed.Quote(quote(acme, 7))
	r.settle()
	if got := r.sys.Quarantine(); len(got) != 1 || got[0].Name != "s" || got[0].Lane != mailbox.Data {
		t.Errorf("set aside %+v, want the quote", got)
	}
	u.quote = nil
	feed.Quote(quote(acme, 8))
	r.settle()
	same(t, u.heardSince(), []string{"quote ACME 8"})

	u.gate = func(*strategy.Context, strategy.Gate) error { return errPlanted }
	for range 4 {
		r.tell(strategy.GateChanged(strategy.Gate{Mode: risk.Closed}))
		r.ended(actors.ReasonError)
		u = &trader{}
		r.start(u, strategy.State{})
		u.gate = func(*strategy.Context, strategy.Gate) error { return errPlanted }
	}
	if got := r.sys.Quarantine(); len(got) != 1 {
		t.Errorf("set aside %+v, want the quote alone", got)
	}
}
