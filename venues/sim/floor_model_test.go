package sim_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// naiveVolume is what could trade at px among orders that wait: every one of them looked at.
func naiveVolume(resting []*modelOrder, px market.Price) market.Qty {
	var bought, sold market.Qty
	for _, o := range resting {
		switch {
		case o.side == market.Buy && o.px >= px:
			bought += o.leaves
		case o.side == market.Sell && o.px <= px:
			sold += o.leaves
		}
	}
	return min(bought, sold)
}

// TestAnAuctionTradesTheMostThatAnyPriceCould: at one price, and at no price of the whole range could more be traded. Whoever
// offered a better price than that is filled, and of equals the older one first.
func TestAnAuctionTradesTheMostThatAnyPriceCould(t *testing.T) {
	for _, seed := range seeds(t) {
		rng := rand.New(rand.NewPCG(seed, 5))
		w := traders(t, func(c *sim.Config) {
			c.SelfTrade, c.Phases = sim.SelfTradeOff, []sim.PhaseAt{{Phase: sim.PhaseAuction}}
		})
		var resting []*modelOrder
		for i := range 1 + rng.IntN(40) {
			o := &modelOrder{
				market.ClOrdID("o" + strconv.Itoa(i)), []sim.SessionID{"A1", "A2"}[rng.IntN(2)], market.Side(1 + rng.IntN(2)),
				market.Price(9_990+rng.IntN(21)) * 10_000_000, market.Qty(1+rng.IntN(20)) * market.Unit,
			}
			resting = append(resting, o)
			w.send(o.owner, sim.Request{
				Kind: sim.NewOrder, ClOrdID: o.cl, Symbol: "ACME", Side: o.side, Type: market.Limit, TIF: market.GTC, Qty: o.leaves, Price: o.px,
			})
		}
		w.bodies("A1")
		w.bodies("A2")
		w.phase(sim.PhaseContinuous)
		var most, traded market.Qty
		for px := market.Price(9_980); px <= 10_020; px++ {
			most = max(most, naiveVolume(resting, px*10_000_000))
		}
		filled, at := map[market.ClOrdID]market.Qty{}, market.Price(0)
		for _, r := range append(w.reports("A1"), w.reports("A2")...) {
			if at == 0 {
				at = r.LastPx
			}
			if r.Type != sim.ExecTrade || r.LastPx != at {
				t.Fatalf("seed %d: report %+v, want executions at %v alone", seed, r, at)
			}
			filled[r.ClOrdID] += r.LastQty
			if r.Side == market.Buy {
				traded += r.LastQty
			}
		}
		if traded != most || (most > 0 && naiveVolume(resting, at) != most) {
			t.Fatalf("seed %d: %v traded at %v, want %v, the most of any price", seed, traded, at, most)
		}
		for i, o := range resting {
			left := o.leaves - filled[o.cl]
			if left > 0 && ((o.side == market.Buy && o.px > at) || (o.side == market.Sell && o.px < at)) && traded > 0 {
				t.Fatalf("seed %d: %v left of %+v, want it filled at %v", seed, left, o, at)
			}
			for _, younger := range resting[i+1:] {
				if younger.side == o.side && younger.px == o.px && left > 0 && filled[younger.cl] > 0 {
					t.Fatalf("seed %d: %s was filled ahead of %s, which is older", seed, younger.cl, o.cl)
				}
			}
		}
	}
}

// floor is what the ledger has said of the orders on an exchange.
func (w *world) floor() map[string]*sim.OrderLine {
	out := map[string]*sim.OrderLine{}
	for _, l := range w.lines {
		if o, ok := l.(*sim.OrderLine); ok {
			out[o.OID] = o
		}
	}
	return out
}

// addsUp holds the last exposure of each account against its orders and executions, and the feed against the orders that rest.
func (w *world) addsUp(t *testing.T, seed uint64, step int, phase sim.Phase) {
	t.Helper()
	open := map[market.Account][2]market.Qty{}
	var rest []quote
	woken := map[string]bool{}
	for _, l := range w.lines {
		if o, ok := l.(*sim.OrderLine); ok && o.Why == "triggered" {
			woken[o.OID] = true
		}
	}
	for _, o := range w.floor() {
		if o.Leaves == 0 {
			continue
		}
		sides := open[o.Account]
		sides[o.Side-market.Buy] += o.Leaves
		open[o.Account] = sides
		if o.Type == market.Limit || woken[o.OID] {
			rest = append(rest, quote{o.Side, o.Px, o.Leaves})
		}
	}
	last := map[market.Account]*sim.ExposureLine{}
	pos := map[market.Account]market.Qty{}
	for _, l := range w.lines {
		switch l := l.(type) {
		case *sim.ExposureLine:
			last[l.Account] = l
		case *sim.TradeLine:
			pos[l.Buy.Account] += l.Qty
			pos[l.Sell.Account] -= l.Qty
		case *sim.CorrectionLine:
			pos[l.Account] += market.Qty(l.Side.Sign()) * (l.Qty - l.OldQty)
		}
	}
	for a, e := range last {
		if e.OpenBuy != open[a][0] || e.OpenSell != open[a][1] || e.Pos != pos[a] {
			t.Fatalf("seed %d, step %d: exposure of %s = %+v, want %v open and a position of %v", seed, step, a, e, open[a], pos[a])
		}
	}
	if phase != sim.PhaseContinuous {
		return
	}
	shown := w.tape(t)
	order := func(a, b quote) int {
		if a.side != b.side {
			return int(a.side) - int(b.side)
		}
		if a.px != b.px {
			return int(a.px - b.px)
		}
		return int(a.leaves - b.leaves)
	}
	slices.SortFunc(shown, order)
	slices.SortFunc(rest, order)
	if !slices.Equal(shown, rest) {
		t.Fatalf("seed %d, step %d: the feed shows %v, want %v", seed, step, shown, rest)
	}
	for _, b := range rest {
		for _, s := range rest {
			if b.side == market.Buy && s.side == market.Sell && b.px >= s.px {
				t.Fatalf("seed %d, step %d: %v and %v rest beside each other", seed, step, b, s)
			}
		}
	}
}

// TestAFloorAddsUpUnderEverythingAnOperatorDoes trades at random through every phase and every operation: positions, open
// quantities, the feed and the close line agree after each step.
func TestAFloorAddsUpUnderEverythingAnOperatorDoes(t *testing.T) {
	did := map[string]int{}
	for _, seed := range seeds(t) {
		rng := rand.New(rand.NewPCG(seed, 6))
		w := traders(t, func(c *sim.Config) {
			c.SelfTrade = []sim.SelfTrade{sim.SelfTradeOff, sim.SelfTradeCancelNew, sim.SelfTradeCancelOld, sim.SelfTradeCancelBoth}[rng.IntN(4)]
			if seed%2 == 0 { // a link that is cut within a report cancels orders in the middle of whatever is done
				c.Faults = plan(t, "disconnect_at_byte p=0.1 msg=8")
			}
		})
		phase := sim.PhaseContinuous
		for i := range 150 {
			w.now += market.Timestamp(time.Millisecond)
			w.backAgain()
			if op := w.randomOperation(rng, &phase); op != nil && rng.IntN(4) == 0 {
				if err := w.venue.Operate(w.now, op); err == nil {
					did[nameOf(op)]++
				}
			} else {
				w.randomRequest(rng, i)
			}
			if p := lastOf[*sim.PhaseLine](w); p.Sym == "ACME" || p.Sym == "BOLT" {
				phase = sim.Phase(w.phaseOf("ACME"))
			}
			w.addsUp(t, seed, i, phase)
		}
		w.must(w.venue.Shut(w.now))
		w.sums()
	}
	for _, name := range []string{"phase", "day", "bust", "correct", "restate", "withdraw", "split"} {
		if did[name] == 0 {
			t.Errorf("no %s was done in any run: %v", name, did)
		}
	}
	t.Log(did)
}

// backAgain logs on whoever was cut off.
func (w *world) backAgain() {
	w.t.Helper()
	down := map[sim.SessionID]bool{}
	for _, l := range w.lines {
		if k, ok := l.(*sim.LinkLine); ok && (k.Event == "logon" || k.Event == "disconnect") {
			down[k.Session] = k.Event == "disconnect"
		}
	}
	for _, id := range []sim.SessionID{"A1", "A2"} {
		if down[id] {
			w.logon(id)
		}
	}
}

func (w *world) phaseOf(sym market.Symbol) string {
	phase := ""
	for _, l := range w.lines {
		if p, ok := l.(*sim.PhaseLine); ok && p.Sym == sym {
			phase = p.Phase
		}
	}
	return phase
}

// randomOperation draws what an operator does next, of what there is.
func (w *world) randomOperation(rng *rand.Rand, phase *sim.Phase) sim.Operation {
	var execs, oids []string
	for _, l := range w.lines {
		switch l := l.(type) {
		case *sim.TradeLine:
			execs = append(execs, l.ID, l.Buy.Exec, l.Sell.Exec)
		case *sim.OrderLine:
			oids = append(oids, l.OID)
		}
	}
	switch k := rng.IntN(12); {
	case k < 3 || *phase != sim.PhaseContinuous && k < 5:
		phases := []sim.Phase{
			sim.PhaseContinuous, sim.PhaseContinuous, sim.PhaseContinuous, sim.PhasePreOpen, sim.PhaseAuction, sim.PhaseHalt, sim.PhaseClosed,
		}
		return sim.SetPhase{Phase: phases[rng.IntN(len(phases))]}
	case k < 5:
		return sim.NewDay{}
	case k < 7 && len(execs) > 0:
		return sim.Bust{Exec: execs[rng.IntN(len(execs))]}
	case k < 9 && len(execs) > 0:
		return sim.Correct{
			Exec: execs[rng.IntN(len(execs))], Qty: market.Qty(rng.IntN(10)) * market.Unit, Price: market.Price(rng.IntN(2)*9_995) * 10_000_000,
		}
	case k < 10 && len(oids) > 0:
		return sim.Restate{OrderID: oids[rng.IntN(len(oids))], Qty: market.Qty(rng.IntN(20)) * market.Unit}
	case k < 11 && len(oids) > 0:
		return sim.Withdraw{OrderID: oids[rng.IntN(len(oids))]}
	case rng.IntN(4) == 0:
		return sim.Split{Symbol: "ACME", By: 2}
	}
	return nil
}

// randomRequest sends an order of any kind, a cancel or a replace.
func (w *world) randomRequest(rng *rand.Rand, i int) {
	id, cl := []sim.SessionID{"A1", "A2"}[rng.IntN(2)], market.ClOrdID("x"+strconv.Itoa(i))
	px := market.Price(9_990+rng.IntN(21)) * 10_000_000
	r := sim.Request{
		Kind: sim.NewOrder, ClOrdID: cl, Symbol: "ACME", Side: market.Side(1 + rng.IntN(2)), Type: market.Limit,
		TIF: []market.TIF{market.Day, market.GTC, market.GTC, market.IOC}[rng.IntN(4)], Qty: market.Qty(1+rng.IntN(20)) * market.Unit, Price: px,
	}
	orig := market.ClOrdID("x" + strconv.Itoa(rng.IntN(i+1)))
	switch rng.IntN(10) {
	case 0:
		r = sim.Request{Kind: sim.CancelOrder, ClOrdID: cl, Orig: orig, Symbol: "ACME"}
	case 1:
		r = sim.Request{Kind: sim.ReplaceOrder, ClOrdID: cl, Orig: orig, Qty: r.Qty, Price: px}
	case 2, 3:
		r.Type, r.StopPx, r.TIF = market.Stop, px+market.Price(rng.IntN(5)-2)*10_000_000, market.GTC
		if rng.IntN(2) == 0 {
			r.Price = 0
		}
	case 4:
		r.PostOnly = true
	case 5:
		r.Type, r.Price = market.Market, 0
	case 6:
		r = sim.Request{Kind: sim.MassCancel, ClOrdID: cl}
	}
	w.send(id, r)
}

func nameOf(op sim.Operation) string {
	switch op.(type) {
	case sim.SetPhase:
		return "phase"
	case sim.NewDay:
		return "day"
	case sim.Bust:
		return "bust"
	case sim.Correct:
		return "correct"
	case sim.Restate:
		return "restate"
	case sim.Withdraw:
		return "withdraw"
	case sim.Split:
		return "split"
	}
	return "none"
}
