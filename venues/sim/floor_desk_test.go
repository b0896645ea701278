package sim_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/venues/sim"
)

// mine are the open orders of A1, and the executions of A1 that stand, as the ledger has them.
func (w *world) mine() (open, execs []string) {
	at, gone := map[string]bool{}, map[string]bool{}
	for _, l := range w.lines {
		switch l := l.(type) {
		case *sim.TradeLine:
			for _, p := range []*sim.Party{l.Buy, l.Sell} {
				if p.Account == "A1" {
					execs = append(execs, p.Exec)
				}
			}
		case *sim.OrderLine:
			if l.Account != "A1" {
				continue
			}
			if !at[l.OID] {
				at[l.OID] = true
				open = append(open, l.OID)
			}
		case *sim.CorrectionLine:
			gone[l.Ref] = true
		}
	}
	floor := w.floor()
	var live, standing []string
	for _, oid := range open {
		if floor[oid].Leaves > 0 {
			live = append(live, oid)
		}
	}
	for _, e := range execs {
		if !gone[e] {
			standing = append(standing, e)
		}
	}
	return live, standing
}

// operateAtRandom does something to the orders of A1, or to the market as a whole.
func (n *node) operateAtRandom(rng *rand.Rand, done map[string]int) {
	n.t.Helper()
	open, execs := n.mine()
	var ops []sim.Operation
	if len(execs) > 0 {
		e := execs[rng.IntN(len(execs))]
		ops = append(ops, sim.Bust{Exec: e}, sim.Correct{Exec: e, Price: 99 * 1_000_000_000}, sim.Correct{Exec: e, Qty: market.Unit})
	}
	if len(open) > 0 {
		o := open[rng.IntN(len(open))]
		ops = append(ops, sim.Withdraw{OrderID: o}, sim.Restate{OrderID: o, Qty: 2 * market.Unit, Reason: sim.RestateDecline}, sim.Restate{OrderID: o, Price: 99_500_000_000})
	}
	for _, p := range []sim.Phase{sim.PhaseHalt, sim.PhaseAuction} {
		ops = append(ops, sim.SetPhase{Phase: p})
	}
	ops = append(ops, sim.NewDay{})
	op := ops[rng.IntN(len(ops))]
	if err := n.venue.Operate(n.now, op); err == nil {
		done[nameOf(op)]++
	}
	n.pump()
	if _, phase := op.(sim.SetPhase); phase {
		n.place(rng)
		n.elapse(40 * time.Millisecond)
		n.must(n.venue.Operate(n.now, sim.SetPhase{Phase: sim.PhaseContinuous}))
		n.pump()
	}
}

// TestADeskFollowsWhatAnOperatorDoes: over busts, corrections, restatements, halts, auctions and days, the node's positions and
// orders are those of the ledger, and nothing of it puts an order in doubt.
func TestADeskFollowsWhatAnOperatorDoes(t *testing.T) {
	done, trades := map[string]int{}, 0
	for seed := uint64(1); seed <= 4; seed++ {
		cfg := config(t)
		cfg.Seed, cfg.Flow, cfg.Listings = seed, sim.DefaultFlow(), cfg.Listings[:1]
		n, rng := newNode(t, cfg), rand.New(rand.NewPCG(seed, 11))
		n.reach *= 2
		for range 40 {
			n.place(rng)
			n.elapse(time.Duration(1+rng.IntN(3)) * 20 * time.Millisecond)
			n.operateAtRandom(rng, done)
			if len(n.ids) > 0 && rng.IntN(4) == 0 {
				n.desk.Handle(n.risk.Now, orders.CancelOrder{ID: n.ids[rng.IntN(len(n.ids))]})
				n.pump()
			}
		}
		shut := n.end(rng)
		if len(n.flags) > 0 || n.count(orders.EventUnknown) > 0 {
			t.Errorf("seed %d: flags %v and %d doubts, want none: a venue may do all of this", seed, n.flags, n.count(orders.EventUnknown))
		}
		trades += n.judge(seed, shut, false)
	}
	t.Log(trades, done)
	for _, name := range []string{"phase", "day", "bust", "correct", "restate", "withdraw"} {
		if done[name] == 0 {
			t.Errorf("no %s was done: %v", name, done)
		}
	}
}

// TestADeskFollowsASplit: the positions and the terms of an order that is restated for a split.
func TestADeskFollowsASplit(t *testing.T) {
	n := newNode(t, config(t))
	n.logon("A2")
	n.limit("A2", "s", market.Sell, 2, "99.95", market.Day)
	for n.count(orders.EventFill) == 0 { // the first of a kind that rests and meets it
		n.place(rand.New(rand.NewPCG(uint64(n.causes), 1)))
	}
	n.operate(sim.Split{Symbol: "ACME", By: 2})
	n.pump()
	if len(n.flags) > 0 {
		t.Errorf("flags %v, want none", n.flags)
	}
	n.judge(1, n.end(rand.New(rand.NewPCG(1, 1))), false)
}

// TestADeskPlacesAStop: the stop price goes over the gateway, the order sleeps with its worst case held, and a trade wakes it.
func TestADeskPlacesAStop(t *testing.T) {
	d := defend(t, nil)
	d.offer(5, "100.05")
	d.causes++
	d.desk.Handle(d.risk.Now, orders.Place{Intent: risk.Intent{
		Cause: risk.Cause{d.causes, 1}, Strategy: "s", Instrument: d.acme, Side: market.Buy, Type: market.Stop, TIF: market.GTC,
		Qty: 3 * market.Unit, Price: price(t, "100.05"), StopPrice: price(t, "100.05"), DecidedWall: market.Timestamp(d.risk.Now.Wall), Decided: d.risk.Now.Mono,
	}})
	d.settle(0)
	if len(d.ids) == 0 {
		t.Fatalf("the stop was refused: %+v", d.events[len(d.events)-1])
	}
	stop := d.ids[len(d.ids)-1]
	d.expect(stop, orders.StatusNew, 0)
	if o := lastOf[*sim.OrderLine](d.world); o.Type != market.Stop || o.Px != price(t, "100.05") || o.Leaves != 3*market.Unit {
		t.Errorf("order = %+v, want a stop at 100.05", o)
	}
	d.expect(d.want(market.Buy, 1, "100.05"), orders.StatusFilled, 1)
	d.expect(stop, orders.StatusFilled, 3)
	d.judged(4)
	for _, p := range d.problems {
		t.Error(p)
	}
	if len(d.flags) > 0 {
		t.Errorf("flags %v, want none", d.flags)
	}
}
