package strategy_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

var restatedSeed = flag.Uint64("restated.seed", uint64(time.Now().UnixNano()), "seed of the random executions that are restated")

// pair is a living strategy and the machine of orders that it hears of.
type pair struct {
	*rig
	u *trader
	m *orders.Machine
	n int // reports so far
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{rig: newRig(t, nil), u: &trader{}, m: orders.NewMachine(orders.Options{Account: "A1", SessionOpen: true})}
	p.start(p.u, strategy.State{})
	return p
}

// step tells the strategy what the machine tells.
func (p *pair) step(in orders.Input) {
	p.t.Helper()
	for _, out := range p.m.Step(0, in) {
		if out.Kind == orders.OutEvent {
			e := out.Event
			e.Evidence = p.told + 1
			p.event(e)
		}
	}
}

// order brings an order to work.
func (p *pair) order(id market.ClOrdID, side market.Side, qty market.Qty) {
	p.t.Helper()
	p.step(orders.Create{Cause: risk.Cause{id[0]}, New: orders.New{
		ID: id, Account: "A1", Strategy: "s", Instrument: acme, Side: side, Type: market.Limit, TIF: market.Day, Qty: qty, Price: 50e9,
	}})
	p.step(orders.HandOver{ID: id})
	r := p.report(id, orders.ExecNew)
	r.Status = orders.StatusNew
	p.step(r)
}

// report is one that says of the order what the machine knows.
func (p *pair) report(id market.ClOrdID, is orders.ExecType) orders.Report {
	p.t.Helper()
	o, _ := p.m.Order(orders.Ref{ID: id})
	p.n++
	return orders.Report{
		ID: id, OrderID: "V" + string(id), ExecID: fmt.Sprint("E", p.n), Type: is, Status: orders.StatusPartFilled, Instrument: acme, Side: o.Side,
		Qty: o.Total, Cum: o.Cum, Leaves: o.Leaves, Price: 50e9,
	}
}

func (p *pair) trade(id market.ClOrdID, qty market.Qty, at market.Price) {
	p.t.Helper()
	r := p.report(id, orders.ExecTrade)
	r.LastQty, r.LastPx, r.Cum, r.Leaves = qty, at, r.Cum+qty, r.Leaves-qty
	p.step(r)
}

// split restates an order as a corporate action does: num new units for den old ones.
func (p *pair) split(id market.ClOrdID, num, den market.Qty) {
	p.t.Helper()
	r := p.report(id, orders.ExecRestated)
	r.Restate = orders.RestateCorporate
	r.Qty, r.Cum = r.Qty/den*num, r.Cum/den*num
	r.Leaves = r.Qty - r.Cum
	p.step(r)
}

// position is that of the living incarnation.
func (p *pair) position() (got strategy.Position) {
	p.t.Helper()
	p.u.gate = func(c *strategy.Context, _ strategy.Gate) error {
		got = c.Position(acme)
		return nil
	}
	p.tell(strategy.GateChanged(strategy.Gate{}))
	p.u.gate = nil
	return got
}

// next is what an incarnation starts from that knows the journal alone.
func (p *pair) next() strategy.Position {
	p.t.Helper()
	var state strategy.State
	for _, e := range p.m.ExecutionsOf("s") {
		state.Executions = append(state.Executions, strategy.Execution(e))
	}
	fresh := &pair{rig: newRig(p.t, nil), u: &trader{}}
	fresh.start(fresh.u, state)
	defer fresh.stop()
	return fresh.position()
}

func TestARestatementReachesThePositionOfTheLiving(t *testing.T) {
	p := newPair(t)
	p.order("X", market.Buy, 100*market.Unit)
	p.trade("X", 10*market.Unit, 50e9)
	p.trade("X", 10*market.Unit, 52e9)
	want := strategy.Position{Instrument: acme, Qty: 20 * market.Unit, Avg: 51e9}
	if got := p.position(); got != want {
		t.Fatalf("position %+v, want %+v", got, want)
	}
	p.split("X", 2, 1)
	want.Qty, want.Avg = 40*market.Unit, 25_500_000_000
	if got := p.position(); got != want {
		t.Errorf("after a split of 2 for 1 the position is %+v, want %+v", got, want)
	}
	p.order("Y", market.Sell, 100*market.Unit)
	p.trade("Y", 50*market.Unit, 26e9)
	p.split("Y", 1, 2)
	want = strategy.Position{Instrument: acme, Qty: 15 * market.Unit, Avg: 25_500_000_000}
	want.Realised, _ = market.ParseNotional("662.5")
	if got := p.position(); got != want {
		t.Errorf("after 1 for 2 of what was sold the position is %+v, want %+v", got, want)
	}
}

// TestTheLivingAndTheNextAgreeOverRestatements walks over executions, busts, corrections and restatements.
func TestTheLivingAndTheNextAgreeOverRestatements(t *testing.T) {
	t.Logf("repeat with -restated.seed=%d", *restatedSeed)
	restated := 0
	for round := range 40 {
		rnd := rand.New(rand.NewPCG(*restatedSeed, uint64(round))) //nolint:gosec // no secret
		p := newPair(t)
		p.order("X", market.Buy, 1_000_000*market.Unit)
		p.order("Y", market.Sell, 1_000_000*market.Unit)
		for n := range 25 {
			id := []market.ClOrdID{"X", "Y"}[rnd.IntN(2)]
			before := p.position()
			switch k := rnd.IntN(5); {
			case k < 3:
				p.trade(id, market.Qty(1+rnd.Int64N(1e10)), market.Price(1+rnd.Int64N(1e11)))
			case k == 3:
				p.split(id, market.Qty(1+rnd.IntN(7)), market.Qty(1+rnd.IntN(7)))
				if p.position() != before {
					restated++
				}
			default:
				p.bust(id, rnd)
			}
			if living, next := p.position(), p.next(); living != next {
				t.Fatalf("round %d, step %d: the living has %+v, the next one %+v", round, n, living, next)
			}
		}
		p.stop()
	}
	if restated == 0 {
		t.Error("no restatement changed a position, want some that do")
	}
}

// bust takes the newest execution of an order back.
func (p *pair) bust(id market.ClOrdID, rnd *rand.Rand) {
	p.t.Helper()
	var of []orders.Execution
	for _, e := range p.m.ExecutionsOf("s") {
		if e.Order == id {
			of = append(of, e)
		}
	}
	if len(of) == 0 {
		return
	}
	e := of[rnd.IntN(len(of))]
	r := p.report(id, orders.ExecBust)
	qty := max(e.Qty, -e.Qty)
	r.ExecRef, r.LastQty, r.LastPx, r.Cum, r.Leaves = e.Exec, qty, e.Price, r.Cum-qty, r.Leaves+qty
	p.step(r)
}
