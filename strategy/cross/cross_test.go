package cross_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/cross"
)

var acme = market.MustListed("SIM", "ACME")

// pit fills every order at once, at the price that the test shows.
type pit struct {
	t     *testing.T
	sys   *actors.System
	to    actors.Address[strategy.Message]
	price market.Price
	told  uint64
	got   []risk.Intent
}

func (p *pit) Place(in risk.Intent) error {
	p.got = append(p.got, in)
	e := orders.Event{Order: "O", Cause: in.Cause, Strategy: "cross", Instrument: acme, Side: in.Side, Qty: in.Qty, Cum: in.Qty, LastQty: in.Qty, LastPx: in.Price}
	for _, e.Kind = range []orders.EventKind{orders.EventFill, orders.EventClosed} {
		p.told++
		e.Evidence = p.told
		if err := p.to.Tell(strategy.Told(e, p.told)); err != nil {
			p.t.Error(err)
		}
		e.LastQty = 0
	}
	return nil
}

func (p *pit) Cancel(string, risk.Cause) error { return nil }
func (p *pit) CancelAll(string) error          { return nil }
func (p *pit) Attach(string, uint64) error     { return nil }

func (p *pit) Gate(i market.Instrument) strategy.Gate {
	return strategy.Gate{Instrument: i, Mode: risk.Open}
}

func (p *pit) Quote(i market.Instrument) (feeds.Quote, bool) {
	l := feeds.Level{Price: p.price, Qty: market.Unit}
	return feeds.Quote{Instrument: i, State: feeds.Live, Bid: l, Ask: l}, true
}

func TestCrossHoldsWhileTheFastAverageIsAboveTheSlowOne(t *testing.T) {
	s := cross.New()
	s.Fast, s.Slow, s.Qty = 2, 4, 3*market.Unit
	p := &pit{t: t, sys: actorstest.NewSystem(t, 0)}
	p.to = actors.Follow[strategy.Message](p.sys, "cross")
	contracts := []market.Contract{{Instrument: acme, Tick: 1, Lot: market.Unit, MinQty: market.Unit, MaxQty: 100 * market.Unit, Multiplier: market.One}}
	shell := strategy.NewShell(strategy.Config{
		Name: "cross", Account: "A1", TTL: time.Second, Desk: p, World: p, Contracts: contracts,
	}, s, strategy.WhyFirst, func(string) error { return nil })
	sp, err := actors.Spec[strategy.Message]{Name: "cross", Actor: shell}.With(strategy.Options(strategy.Box(len(contracts), 1))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := actors.Spawn(p.sys, sp); err != nil {
		t.Fatal(err)
	}
	actorstest.Settle(t, p.sys, 0)
	if err := p.to.Tell(strategy.Restored(strategy.State{})); err != nil {
		t.Fatal(err)
	}
	feed := strategy.Inlet(p.to, 0, contracts, strategy.NeedsOf(s))
	seq := uint64(0)
	see := func(price market.Price, want int) {
		t.Helper()
		seq++
		p.price = price * 1e9
		feed.Trade(feeds.Trade{Pos: feeds.Pos{Epoch: 1, Seq: seq}, Instrument: acme, State: feeds.Live, Price: p.price, Qty: market.Unit})
		actorstest.Settle(t, p.sys, 0)
		if len(p.got) != want {
			t.Fatalf("after trade %d at %d: %d orders, want %d", seq, price, len(p.got), want)
		}
	}
	see(10, 0)
	see(11, 0)
	see(12, 0) // the slow average has not seen enough
	see(13, 1)
	see(14, 1)
	see(5, 2)
	see(4, 2)
	if buy, sell := p.got[0], p.got[1]; buy.Side != market.Buy || buy.Qty != s.Qty || sell.Side != market.Sell || sell.Qty != s.Qty || !sell.ReduceOnly {
		t.Errorf("orders %+v, want 3 bought on the way up, and sold on the way down", p.got)
	}
}

func TestCrossWantsAveragesThatCanCross(t *testing.T) {
	if err := cross.New().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for _, c := range []cross.Cross{{Fast: 0, Slow: 2, Qty: 1}, {Fast: 2, Slow: 2, Qty: 1}, {Fast: 3, Slow: 2, Qty: 1}, {Fast: 1, Slow: 2}, {Fast: -1, Slow: 2, Qty: 1}, {Fast: 1, Slow: 2, Qty: -1}} {
		if c.Validate() == nil {
			t.Errorf("fast %d, slow %d, qty %s was taken", c.Fast, c.Slow, c.Qty)
		}
	}
}
