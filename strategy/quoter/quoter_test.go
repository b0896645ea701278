package quoter_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/quoter"
)

const px = market.Price(1e9)

var acme = market.MustListed("SIM", "ACME")

// pit is an account whose orders rest until the test fills them or the strategy cancels them.
type pit struct {
	t    *testing.T
	sys  *actors.System
	to   actors.Address[strategy.Message]
	mode risk.Mode
	bid  market.Price // the ask is two cents above
	told uint64
	seq  uint64
	live []risk.Intent
	sent int
	feed feeds.Sink
}

func (p *pit) Place(in risk.Intent) error {
	p.sent++
	p.live = append(p.live, in)
	return p.tell(in, orders.EventAccepted, 0)
}

func (p *pit) Cancel(_ string, cause risk.Cause) error {
	i := slices.IndexFunc(p.live, func(in risk.Intent) bool { return in.Cause == cause })
	if i < 0 {
		return nil
	}
	in := p.live[i]
	p.live = slices.Delete(p.live, i, i+1)
	return p.tell(in, orders.EventClosed, 0)
}

// fill executes the whole of the order on that side.
func (p *pit) fill(side market.Side) {
	p.t.Helper()
	i := slices.IndexFunc(p.live, func(in risk.Intent) bool { return in.Side == side })
	if i < 0 {
		p.t.Fatalf("no order to %s works, want one to fill", side)
	}
	in := p.live[i]
	p.live = slices.Delete(p.live, i, i+1)
	for _, k := range []orders.EventKind{orders.EventFill, orders.EventClosed} {
		if err := p.tell(in, k, in.Qty); err != nil {
			p.t.Fatal(err)
		}
	}
	actorstest.Settle(p.t, p.sys, 0)
}

func (p *pit) tell(in risk.Intent, k orders.EventKind, cum market.Qty) error {
	p.told++
	e := orders.Event{
		Kind: k, Order: market.ClOrdID(fmt.Sprintf("%x", in.Cause[:])), Cause: in.Cause, Strategy: "q", Instrument: acme, Side: in.Side,
		Qty: in.Qty, Cum: cum, Leaves: in.Qty - cum, Price: in.Price, Evidence: p.told,
	}
	switch k {
	case orders.EventFill:
		e.LastQty, e.LastPx = cum, in.Price
	case orders.EventClosed:
		e.Leaves = 0
	default:
	}
	return p.to.Tell(strategy.Told(e, p.told))
}

func (p *pit) CancelAll(string) error      { return nil }
func (p *pit) Attach(string, uint64) error { return nil }

func (p *pit) Gate(i market.Instrument) strategy.Gate {
	return strategy.Gate{Instrument: i, Mode: p.mode}
}

func (p *pit) Quote(i market.Instrument) (feeds.Quote, bool) {
	return feeds.Quote{
		Pos: feeds.Pos{Epoch: 1, Seq: p.seq}, Instrument: i, State: feeds.Live, Bid: feeds.Level{Price: p.bid, Qty: market.Unit},
		Ask: feeds.Level{Price: p.bid + px/50, Qty: market.Unit},
	}, true
}

// quote moves the market and lets d pass.
func (p *pit) quote(bid market.Price, d time.Duration) {
	p.t.Helper()
	actorstest.Settle(p.t, p.sys, d)
	p.bid = bid
	p.seq++
	q, _ := p.Quote(acme)
	p.feed.Quote(q)
	actorstest.Settle(p.t, p.sys, 0)
}

// shows checks which orders rest: the bid and the ask, 0 for none.
func (p *pit) shows(bid, ask market.Price) {
	p.t.Helper()
	got := map[market.Side]market.Price{}
	for _, in := range p.live {
		if got[in.Side] != 0 {
			p.t.Fatalf("two orders to %s rest: %+v", in.Side, p.live)
		}
		got[in.Side] = in.Price
	}
	if got[market.Buy] != bid || got[market.Sell] != ask {
		p.t.Fatalf("the quotes are %s and %s, want %s and %s", got[market.Buy], got[market.Sell], bid, ask)
	}
}

func newPit(t *testing.T) *pit {
	t.Helper()
	s := quoter.New() // of one unit, three ticks, ten at most
	s.Max = 2 * market.Unit
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	p := &pit{t: t, sys: actorstest.NewSystem(t, 0), mode: risk.Open, bid: 100 * px}
	p.to = actors.Follow[strategy.Message](p.sys, "q")
	contracts := []market.Contract{{Instrument: acme, Currency: "USD", Tick: px / 100, Lot: market.Unit, MinQty: market.Unit, MaxQty: 100 * market.Unit, Multiplier: market.One}}
	shell := strategy.NewShell(strategy.Config{
		Name: "q", Account: "A1", Incarnation: 1, TTL: time.Second, Desk: p, World: p, Contracts: contracts,
	}, s, strategy.WhyFirst, func(string) error { return nil })
	sp, err := actors.Spec[strategy.Message]{Name: "q", Epoch: 1, Class: "strategy", Actor: shell}.With(strategy.Options(strategy.Box(len(contracts), 1))...)
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
	actorstest.Settle(t, p.sys, 0)
	p.feed = strategy.Inlet(p.to, 0, contracts, strategy.NeedsOf(s))
	return p
}

func TestBothQuotesRestAroundTheMiddle(t *testing.T) {
	p := newPit(t)
	p.quote(100*px, 0) // the middle is 100.01
	p.shows(99_980_000_000, 100_040_000_000)
	p.quote(101*px, 100*time.Millisecond)
	p.shows(99_980_000_000, 100_040_000_000) // not before Refresh is over
	p.quote(101*px, 400*time.Millisecond)
	p.shows(100_980_000_000, 101_040_000_000)
	if p.sent != 4 {
		t.Errorf("%d orders were sent, want 4: one of each side for each of two places", p.sent)
	}
}

func TestQuotesLeanAwayFromWhatIsHeldAndNeverPassTheMost(t *testing.T) {
	p := newPit(t)
	p.quote(100*px, 0)
	p.fill(market.Buy)
	p.shows(0, 100_040_000_000) // until the market is looked at again
	p.quote(100*px, time.Second)
	p.shows(99_960_000_000, 100_020_000_000) // holds 1 of 2: half of three ticks lower, down to the tick
	p.fill(market.Buy)
	p.shows(0, 0) // holds the most: OnFill took both away, and the next look shows the one that has room
	p.quote(100*px, time.Second)
	p.shows(0, 100_010_000_000)
}

func TestQuotesGoWhenThePriceOrTheGateIsInDoubt(t *testing.T) {
	for name, doubt := range map[string]func(p *pit){
		"the channel is suspect":    func(p *pit) { p.feed.State(feeds.StateChange{State: feeds.Suspect, Why: "gap"}) },
		"the instrument is suspect": func(p *pit) { p.feed.State(feeds.StateChange{Instrument: acme, State: feeds.Suspect, Why: "gap"}) },
		"the gate only reduces": func(p *pit) {
			p.mode = risk.ReduceOnly
			if err := p.to.Tell(strategy.GateChanged(strategy.Gate{Mode: risk.ReduceOnly})); err != nil {
				p.t.Fatal(err)
			}
		},
		"the book is crossed": func(p *pit) {
			q, _ := p.Quote(acme)
			q.Bid.Price = q.Ask.Price + 1
			p.feed.Quote(q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPit(t)
			p.quote(100*px, 0)
			p.shows(99_980_000_000, 100_040_000_000)
			doubt(p)
			actorstest.Settle(t, p.sys, 0)
			p.shows(0, 0)
		})
	}
}

func TestParametersThatMakeNoQuotesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*quoter.Quoter){
		"no spread":              func(s *quoter.Quoter) { s.HalfSpread = 0 },
		"no size":                func(s *quoter.Quoter) { s.Qty = 0 },
		"more than the position": func(s *quoter.Quoter) { s.Qty = s.Max + 1 },
		"no time between":        func(s *quoter.Quoter) { s.Refresh = 0 },
	} {
		s := quoter.New()
		change(s)
		if s.Validate() == nil {
			t.Errorf("%s: Validate() = nil, want an error", name)
		}
	}
}
