package risk_test

import (
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")
	stepsFlag = flag.Int("steps", 0, "steps of the random tests; 0 is short")
)

// drawSeed returns the seed of this run, and prints it.
func drawSeed(t testing.TB) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (repeat with -seed %d)", seed, seed)
	return seed
}

// naive is the gate once more with arbitrary precision and no cleverness: a list of orders and a list of executions.
type naive struct {
	pos    map[string]*big.Int // leaf → signed quantity
	orders map[market.ClOrdID]*naiveOrder
}

type naiveOrder struct {
	leaf       string
	instrument market.Instrument
	strategy   string
	side       market.Side
	leaves     *big.Int
	cum        *big.Int
	price      *big.Int // charged
}

var unit = big.NewInt(1_000_000_000)

func big64[T ~int64](v T) *big.Int { return big.NewInt(int64(v)) }

func bigMoney(n market.Notional) *big.Int {
	hi, lo := n.Words()
	v := new(big.Int).Lsh(big.NewInt(hi), 64)
	return v.Add(v, new(big.Int).SetUint64(lo))
}

// worth is quantity × price in 1e-9 units, rounded up or down.
func worth(q, p *big.Int, up bool) *big.Int {
	v := new(big.Int).Mul(q, p)
	rest := new(big.Int)
	v.QuoRem(v, unit, rest)
	if up && rest.Sign() > 0 {
		v.Add(v, big.NewInt(1))
	}
	return v
}

func (n *naive) worstQty(match func(leaf string, o *naiveOrder) bool, leaves []string) (long, short *big.Int) {
	long, short = new(big.Int), new(big.Int)
	for _, l := range leaves {
		if p := n.pos[l]; p != nil {
			long.Add(long, p)
			short.Sub(short, p)
		}
	}
	for _, o := range n.orders {
		if !match(o.leaf, o) {
			continue
		}
		if o.side == market.Buy {
			long.Add(long, o.leaves)
		} else {
			short.Add(short, o.leaves)
		}
	}
	return long, short
}

// liveValue is the charge of all live orders, each as its whole less what has executed.
func (n *naive) liveValue() *big.Int {
	sum := new(big.Int)
	for _, o := range n.orders {
		sum.Add(sum, worth(new(big.Int).Add(o.leaves, o.cum), o.price, true))
		sum.Sub(sum, worth(o.cum, o.price, true))
	}
	return sum
}

// bounds returns what an account's worst long (or short) notional must lie between: at least what the cheapest choice of reducing
// orders could leave, at most everything.
func (n *naive) bounds(side market.Side, leaves []string) (least *big.Int) {
	least = new(big.Int)
	for _, l := range leaves {
		pos := new(big.Int)
		if p := n.pos[l]; p != nil {
			pos.Set(p)
		}
		if side == market.Sell {
			pos.Neg(pos)
		}
		against := new(big.Int).Neg(pos)
		if against.Sign() < 0 {
			against.SetInt64(0)
		}
		// Reducing is spent on the dearest orders first: what is left is the least that can be left.
		var live []*naiveOrder
		for _, o := range n.orders {
			if o.leaf == l && o.side == side {
				live = append(live, o)
			}
		}
		for len(live) > 0 {
			at := 0
			for i, o := range live {
				if o.price.Cmp(live[at].price) > 0 {
					at = i
				}
			}
			q := new(big.Int).Set(live[at].leaves)
			take := q
			if against.Cmp(q) < 0 {
				take = new(big.Int).Set(against)
			}
			against.Sub(against, take)
			least.Add(least, worth(new(big.Int).Sub(q, take), live[at].price, false))
			live = append(live[:at], live[at+1:]...)
		}
	}
	return least
}

// TestGateAgreesWithANaiveModel runs random orders, fills, cancels and vetoes through a gate and the model, and holds the gate to:
// equal quantities, equal live value, the same decision where quantity, count and size decide, and, since nothing here is the venue's
// doing, no sum above its limit after any step.
func TestGateAgreesWithANaiveModel(t *testing.T) {
	seed := drawSeed(t)
	steps := 30_000
	if *stepsFlag > 0 {
		steps = *stepsFlag
	}
	r := rand.New(rand.NewPCG(seed, 1))
	w := opened(t, limits(map[string]string{"+/*/* max_long_notional": "9000", "+/*/* max_short_notional": "9000", "+/*/* max_gross": "14000"}))
	g := w.desk.Gate("A1")
	m := &naive{pos: map[string]*big.Int{}, orders: map[market.ClOrdID]*naiveOrder{}}
	leaves := []string{"cross1/ACME", "cross1/BOLT", "ann/ACME", "ann/BOLT"}
	limitOf := map[string]market.Qty{"cross1/ACME": qty("60"), "cross1/BOLT": qty("100"), "ann/ACME": qty("100"), "ann/BOLT": qty("100")}
	admitted, refused := 0, map[risk.Code]int{}
	for step := range steps {
		switch k := r.IntN(10); {
		case k < 5:
			strategy, instrument, mid := "cross1", acme, 100.0
			if r.IntN(2) == 0 {
				strategy = "ann"
			}
			if r.IntN(2) == 0 {
				instrument, mid = bolt, 50
			}
			side := market.Side(1 + r.IntN(2))
			in := w.order(func(in *risk.Intent) {
				in.Strategy, in.Instrument, in.Side, in.Confirm = strategy, instrument, side, true
				in.Qty = market.Qty(1+r.IntN(22)) * market.Unit
				in.Price = market.Price(mid*(0.975+0.05*r.Float64())*100) * 10_000_000
			})
			p, err := g.Check(in, w.now)
			wants := m.decide(in, leaves, limitOf)
			var refusal risk.Refusal
			switch {
			case err == nil:
				if wants != "" {
					t.Fatalf("step %d: admitted %+v, the model refuses it: %s", step, in, wants)
				}
				admitted++
				charged := in.Price
				if side == market.Sell {
					charged = market.Price(mid*1.02*100+0.5) * 10_000_000
				}
				if got, want := bigMoney(p.Charge()), worth(big64(in.Qty), big64(charged), true); got.Cmp(want) != 0 {
					t.Fatalf("step %d: charge %s, the model has %s", step, got, want)
				}
				m.orders[in.ID] = &naiveOrder{
					leaf: strategy + "/" + string(instrument.Symbol()), instrument: instrument, strategy: strategy, side: side,
					leaves: big64(in.Qty), cum: new(big.Int), price: big64(charged),
				}
			case errors.As(err, &refusal):
				refused[refusal.Code]++
				byMoney := refusal.Code == risk.CodeNotionalLimit || refusal.Code == risk.CodeGrossLimit || refusal.Code == risk.CodeNoCapacity ||
					refusal.Code == risk.CodeCredit || refusal.Code == risk.CodeLiveValue
				live := refusal.Code == risk.CodeLiveValue // judged before quantities
				if wants != string(refusal.Code) && (wants != "" && !live || !byMoney) {
					t.Fatalf("step %d: refused %+v: %v, the model says %q", step, in, err, wants)
				}
			default:
				t.Fatalf("step %d: error %v is no refusal", step, err)
			}
		case k < 8:
			m.fillOne(r, g, step)
		case k < 9:
			if id, o := m.any(r); o != nil {
				g.Hold(risk.Held{Order: id, Strategy: o.strategy, Instrument: o.instrument, Side: o.side})
				delete(m.orders, id)
			}
		default:
			w.pass(100 * time.Millisecond)
		}
		m.compare(t, step, g, leaves)
	}
	t.Logf("admitted %d, refused %v, open at the end %d", admitted, refused, len(m.orders))
	for _, code := range []risk.Code{risk.CodeOrderQty, risk.CodeCollar, risk.CodeLongLimit, risk.CodeShortLimit, risk.CodeNotionalLimit} {
		if refused[code] == 0 && steps >= 30_000 {
			t.Errorf("no order was refused by %s: the run proves nothing about it", code)
		}
	}
	if admitted < steps/20 {
		t.Errorf("only %d of %d steps admitted an order", admitted, steps)
	}
}

// decide is what quantity, count and price say: the code, or "" where only money is left to judge.
func (m *naive) decide(in risk.Intent, leaves []string, limitOf map[string]market.Qty) string {
	top, bottom := px("102"), px("98")
	if in.Instrument == bolt {
		top, bottom = px("51"), px("49")
	}
	switch {
	case in.Qty > qty("20"):
		return string(risk.CodeOrderQty)
	case in.Price > top || in.Price < bottom:
		return string(risk.CodeCollar)
	}
	if len(m.orders) >= 50 {
		return string(risk.CodeOpenOrders)
	}
	leaf := in.Strategy + "/" + string(in.Instrument.Symbol())
	inBook := []string{"cross1/" + string(in.Instrument.Symbol()), "ann/" + string(in.Instrument.Symbol())}
	ofLeaf := func(l string, _ *naiveOrder) bool { return l == leaf }
	ofBook := func(_ string, o *naiveOrder) bool { return o.instrument == in.Instrument }
	leafLong, leafShort := m.worstQty(ofLeaf, []string{leaf})
	bookLong, bookShort := m.worstQty(ofBook, inBook)
	code, atLeaf, atBook := string(risk.CodeLongLimit), leafLong, bookLong
	if in.Side == market.Sell {
		code, atLeaf, atBook = string(risk.CodeShortLimit), leafShort, bookShort
	}
	atLeaf.Add(atLeaf, big64(in.Qty))
	atBook.Add(atBook, big64(in.Qty))
	if atLeaf.Cmp(big64(limitOf[leaf])) > 0 || atBook.Cmp(big64(qty("150"))) > 0 {
		return code
	}
	return ""
}

func (m *naive) any(r *rand.Rand) (market.ClOrdID, *naiveOrder) {
	if len(m.orders) == 0 {
		return "", nil
	}
	var least market.ClOrdID
	skip := r.IntN(len(m.orders))
	for n := 0; n <= skip; n++ { // the nth id in order, so that a seed repeats
		var next market.ClOrdID
		for id := range m.orders {
			if (n == 0 || id > least) && (next == "" || id < next) {
				next = id
			}
		}
		least = next
	}
	return least, m.orders[least]
}

// fillOne executes a part of one order, in odd sizes too, and tells the gate in either order.
func (m *naive) fillOne(r *rand.Rand, g *risk.Gate, step int) {
	id, o := m.any(r)
	if o == nil {
		return
	}
	q := big.NewInt(1 + r.Int64N(o.leaves.Int64()))
	left := new(big.Int).Sub(o.leaves, q)
	held := risk.Held{
		Order: id, Strategy: o.strategy, Instrument: o.instrument, Side: o.side, Qty: market.Qty(left.Int64()), Price: market.Price(o.price.Int64()),
	}
	e := risk.Execution{
		Exec: fmt.Sprint(step), Order: id, Strategy: o.strategy, Instrument: o.instrument, Side: o.side,
		Qty: market.Qty(q.Int64()), Price: market.Price(o.price.Int64()),
	}
	if r.IntN(2) == 0 {
		g.Hold(held)
		g.Execute(e)
	} else {
		g.Execute(e)
		g.Hold(held)
	}
	if m.pos[o.leaf] == nil {
		m.pos[o.leaf] = new(big.Int)
	}
	if o.side == market.Buy {
		m.pos[o.leaf].Add(m.pos[o.leaf], q)
	} else {
		m.pos[o.leaf].Sub(m.pos[o.leaf], q)
	}
	o.leaves, o.cum = left, new(big.Int).Add(o.cum, q)
	if left.Sign() == 0 {
		delete(m.orders, id)
	}
}

// compare holds the gate's sums to the model's.
func (m *naive) compare(t *testing.T, step int, g *risk.Gate, leaves []string) {
	t.Helper()
	long, short, live, open := g.Sums()
	if int(open) != len(m.orders) {
		t.Fatalf("step %d: %d open orders, the model has %d", step, open, len(m.orders))
	}
	if got, want := bigMoney(live), m.liveValue(); got.Cmp(want) != 0 {
		t.Fatalf("step %d: live value %s, the model has %s", step, got, want)
	}
	for _, s := range []string{"cross1", "ann"} {
		for _, i := range []market.Instrument{acme, bolt} {
			leafLong, leafShort, bookLong, bookShort := g.BookSums(s, i)
			leaf := s + "/" + string(i.Symbol())
			l1, s1 := m.worstQty(func(l string, _ *naiveOrder) bool { return l == leaf }, []string{leaf})
			l2, s2 := m.worstQty(func(_ string, o *naiveOrder) bool { return o.instrument == i }, []string{"cross1/" + string(i.Symbol()), "ann/" + string(i.Symbol())})
			for n, pair := range [4][2]*big.Int{{big64(leafLong), l1}, {big64(leafShort), s1}, {big64(bookLong), l2}, {big64(bookShort), s2}} {
				if pair[0].Cmp(pair[1]) != 0 {
					t.Fatalf("step %d: %s quantity %d is %s, the model has %s", step, leaf, n, pair[0], pair[1])
				}
			}
		}
	}
	for _, c := range []struct {
		name  string
		got   market.Notional
		least *big.Int
		limit market.Notional
	}{{"long", long, m.bounds(market.Buy, leaves), money("9000")}, {"short", short, m.bounds(market.Sell, leaves), money("9000")}} {
		if c.got.Cmp(c.limit) > 0 {
			t.Fatalf("step %d: worst %s notional %s is above the limit %s without the venue's doing", step, c.name, c.got, c.limit)
		}
		if bigMoney(c.got).Cmp(c.least) < 0 {
			t.Fatalf("step %d: worst %s notional %s is below the least it can be, %s", step, c.name, c.got, c.least)
		}
	}
}
