package node

import (
	"log/slog"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

// buyer wants to buy one at each trade.
type buyer struct{ X int }

// OnTrade places an order that dies at once.
func (*buyer) OnTrade(c *strategy.Context, t feeds.Trade) error {
	c.Place(risk.Intent{Instrument: t.Instrument, Side: market.Buy, Type: market.Limit, TIF: market.IOC, Qty: market.Unit, Price: t.Price})
	return nil
}

// TestPositionsOfTwoChannelsAreNotTheSameDecision lets two channels print one trade each, of one instrument and at one position.
func TestPositionsOfTwoChannelsAreNotTheSameDecision(t *testing.T) {
	acme := market.MustListed("SIM", "ACME")
	log := slog.New(slog.DiscardHandler)
	plan, err := trialPlan(strategy.Trial{
		Def: strategy.Define("buyer", func() *buyer { return &buyer{} }),
		Contracts: []market.Contract{{
			Instrument: acme, Currency: "USD", Tick: 10_000_000, Lot: market.Unit, MinQty: market.Unit, MaxQty: 1000 * market.Unit, Multiplier: market.One,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sys, err := actors.New(systemConfig("trial", actors.Virtual(trialStart), actors.Deterministic(), 0, log))
	if err != nil {
		t.Fatal(err)
	}
	exchange, book, err := paperVenue(plan, 0, sim.DedupeNone, nil, sim.Outlets{})
	if err != nil {
		t.Fatal(err)
	}
	w := paperWorld(sys, 0, log, exchange, book, nil)
	names := []string{"first", "second"}
	var scripts []*script
	w.Feeds = func(n *Node, subscribers Subscribers) ([]supervision.Child, error) {
		var out []supervision.Child
		for feed, name := range names {
			to, err := subscribers(uint8(feed)) //nolint:gosec // 0 and 1
			if err != nil {
				return nil, err
			}
			fanout, err := feeds.NewFanout(to...)
			if err != nil {
				return nil, err
			}
			s := &script{page: n.Board.Page(nil), readers: fanout, watch: func() {}, steps: []strategy.Step{
				{Wait: time.Second, Events: []feeds.Event{feeds.Trade{Instrument: acme, State: feeds.Live, Price: 50e9, Qty: market.Unit}}},
			}}
			scripts = append(scripts, s)
			c := s.child()
			c.Name = name
			out = append(out, c)
		}
		return out, nil
	}
	causes := map[risk.Cause]bool{}
	n, err := New(plan, w, Hooks{Intent: func(in risk.Intent) { causes[in.Cause] = true }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := openGates(ctx, n); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := actors.Follow[turn](sys, path(inFeeds, name, "channel")).Tell(turn{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sys.Drive(ctx, func() bool { return scripts[0].finished.Load() && scripts[1].finished.Load() }); err != nil {
		t.Fatal(err)
	}
	if err := sys.Advance(ctx, time.Second); err != nil {
		t.Fatal(err)
	}
	if len(causes) != 2 {
		t.Errorf("%d decisions of two trades, want one each", len(causes))
	}
	if err := takeDown(ctx, n); err != nil {
		t.Error(err)
	}
	if err := sys.Stop(ctx); err != nil {
		t.Error(err)
	}
}
