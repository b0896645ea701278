package sim_test

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

var (
	seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 is a fixed set of seeds")
	runs     = flag.Int("runs", 40, "runs of the random tests")
)

// seeds gives the seeds to run, and says them.
func seeds(t *testing.T) []uint64 {
	t.Helper()
	if *seedFlag != 0 {
		t.Logf("-seed %d", *seedFlag)
		return []uint64{*seedFlag}
	}
	var s []uint64
	n := *runs
	if testing.Short() {
		n = min(n, 6)
	}
	for i := range n {
		s = append(s, uint64(i)+1)
	}
	t.Logf("seeds 1 to %d; -seed N runs one", n)
	return s
}

// modelOrder and modelBook are the exchange in the plainest way there is: a list, searched from end to end.
type modelOrder struct {
	cl     market.ClOrdID
	owner  sim.SessionID
	side   market.Side
	px     market.Price
	leaves market.Qty
}

type modelBook struct {
	resting []*modelOrder
	fills   map[market.ClOrdID][]fill
	traded  market.Qty
}

type fill struct {
	qty market.Qty
	px  market.Price
}

func (m *modelBook) place(o *modelOrder, typ market.OrderType, tif market.TIF) {
	if tif == market.FOK {
		var found market.Qty
		for _, r := range m.resting {
			if r.side != o.side && (typ == market.Market || crosses(o, r)) {
				found += r.leaves
			}
		}
		if found < o.leaves {
			return
		}
	}
	for o.leaves > 0 {
		var best *modelOrder
		for _, r := range m.resting {
			if r.side == o.side || (typ == market.Limit && !crosses(o, r)) {
				continue
			}
			if best == nil || (r.side == market.Sell && r.px < best.px) || (r.side == market.Buy && r.px > best.px) {
				best = r
			}
		}
		if best == nil {
			break
		}
		q := min(o.leaves, best.leaves)
		o.leaves -= q
		best.leaves -= q
		m.traded += q
		m.fills[o.cl] = append(m.fills[o.cl], fill{q, best.px})
		m.fills[best.cl] = append(m.fills[best.cl], fill{q, best.px})
		m.resting = slices.DeleteFunc(m.resting, func(r *modelOrder) bool { return r.leaves == 0 })
	}
	if o.leaves > 0 && typ == market.Limit && (tif == market.Day || tif == market.GTC) {
		m.resting = append(m.resting, o)
	}
}

func crosses(o, r *modelOrder) bool {
	if o.side == market.Buy {
		return r.px <= o.px
	}
	return r.px >= o.px
}

// TestTheEngineEqualsANaiveBook drives both with the same random orders, cancels and replaces: every order has the same fills in the same order,
// what rests is the same, quantity is conserved, and a book built from the public feed is the same too.
func TestTheEngineEqualsANaiveBook(t *testing.T) {
	for _, seed := range seeds(t) {
		rng := rand.New(rand.NewPCG(seed, 1))
		cfg := config(t)
		cfg.SelfTrade = sim.SelfTradeOff
		w := open(t, cfg)
		w.logon("A1")
		w.logon("A2")
		m := &modelBook{fills: map[market.ClOrdID][]fill{}}
		got, first := map[market.ClOrdID][]fill{}, map[market.ClOrdID]market.ClOrdID{}
		for i := range 400 {
			id := []sim.SessionID{"A1", "A2"}[rng.IntN(2)]
			if n := len(m.resting); n > 0 && rng.IntN(5) == 0 {
				w.randomReplace(rng, m, i)
			} else if n > 0 && rng.IntN(4) == 0 {
				o := m.resting[rng.IntN(n)]
				w.cancel(o.owner, market.ClOrdID("c"+strconv.Itoa(i)), o.cl)
				m.resting = slices.DeleteFunc(m.resting, func(r *modelOrder) bool { return r == o })
			} else {
				w.random(rng, m, id, market.ClOrdID("o"+strconv.Itoa(i)))
			}
			for _, id := range []sim.SessionID{"A1", "A2"} {
				for _, r := range w.reports(id) {
					if r.Type == sim.ExecReplaced {
						first[r.ClOrdID] = cmp.Or(first[r.Orig], r.Orig)
					}
					if r.Type == sim.ExecTrade {
						cl := cmp.Or(first[r.ClOrdID], r.ClOrdID)
						got[cl] = append(got[cl], fill{r.LastQty, r.LastPx})
					}
				}
			}
			if want := tapeOf(m.resting); !slices.Equal(w.tape(t), want) {
				t.Fatalf("seed %d, step %d: book from the feed = %v, want %v", seed, i, w.tape(t), want)
			}
		}
		for cl, want := range m.fills {
			if !slices.Equal(got[cl], want) {
				t.Fatalf("seed %d: fills of %s = %v, want %v", seed, cl, got[cl], want)
			}
		}
		if len(got) != len(m.fills) {
			t.Fatalf("seed %d: %d orders filled, want %d", seed, len(got), len(m.fills))
		}
		if m.traded == 0 {
			t.Fatalf("seed %d: nothing traded, so nothing was tested", seed)
		}
	}
}

func (w *world) random(rng *rand.Rand, m *modelBook, id sim.SessionID, cl market.ClOrdID) {
	side := market.Side(1 + rng.IntN(2))
	typ := market.Limit
	tif := []market.TIF{market.Day, market.Day, market.Day, market.GTC, market.IOC, market.FOK}[rng.IntN(6)]
	px := market.Price(9_990+rng.IntN(21)) * 10_000_000
	if rng.IntN(10) == 0 {
		typ, px = market.Market, 0
	}
	qty := market.Qty(1+rng.IntN(20)) * market.Unit
	w.send(id, sim.Request{Kind: sim.NewOrder, ClOrdID: cl, Symbol: "ACME", Side: side, Type: typ, TIF: tif, Qty: qty, Price: px})
	m.place(&modelOrder{cl, id, side, px, qty}, typ, tif)
}

// quote is one resting order as the public feed shows it.
type quote struct {
	side   market.Side
	px     market.Price
	leaves market.Qty
}

func tapeOf(resting []*modelOrder) []quote {
	var q []quote
	for _, r := range resting {
		q = append(q, quote{r.side, r.px, r.leaves})
	}
	return q
}

// tape is what the public feed says rests, in order of entry.
func (w *world) tape(t *testing.T) []quote {
	t.Helper()
	var refs []uint64
	at := map[uint64]*quote{}
	for _, e := range w.feed {
		o := at[e.Ref]
		switch e.Kind {
		case sim.Added:
			if o != nil {
				t.Fatalf("ref %d added twice", e.Ref)
			}
			at[e.Ref] = &quote{e.Side, e.Price, e.Qty}
			refs = append(refs, e.Ref)
		case sim.Executed, sim.ExecutedAt, sim.Reduced:
			if o == nil || o.leaves < e.Qty {
				t.Fatalf("ref %d: %v of %v", e.Ref, e, o)
			}
			o.leaves -= e.Qty
		case sim.Deleted:
			if o == nil || o.leaves == 0 {
				t.Fatalf("ref %d deleted, and was %v", e.Ref, o)
			}
			o.leaves = 0
		case sim.DayOpened, sim.Listed, sim.Trading, sim.Halted, sim.Printed, sim.Broken, sim.DayClosed:
		}
	}
	var q []quote
	for _, r := range refs {
		if at[r].leaves > 0 {
			q = append(q, *at[r])
		}
	}
	return q
}

// TestTheFlowIsAMarketAndTheSameEveryTime runs a minute of flow with two traders and faults: quantity is conserved, there is
// a touch on both sides, the reference stays within its bound, and the ledger is the same byte for byte.
func TestTheFlowIsAMarketAndTheSameEveryTime(t *testing.T) {
	run := func() *world {
		cfg := config(t)
		cfg.Flow = sim.DefaultFlow()
		cfg.Faults = []sim.Fault{
			{ID: "late", Kind: sim.LateAck, On: sim.FaultOn{Session: "A2"}, When: sim.FaultWhen{P: sim.Certain / 10}, With: sim.FaultWith{Delay: 30_000_000}},
			{ID: "twice", Kind: sim.DupExec, When: sim.FaultWhen{Every: 7}},
		}
		w := open(t, cfg)
		w.logon("A1")
		w.logon("A2")
		for i := range 600 {
			w.pass(100_000_000)
			id := []sim.SessionID{"A1", "A2"}[i%2]
			side := market.Side(1 + i/2%2)
			w.send(id, sim.Request{
				Kind: sim.NewOrder, ClOrdID: market.ClOrdID("o" + strconv.Itoa(i)), Symbol: "BOLT", Side: side,
				Type: market.Market, TIF: market.IOC, Qty: 3 * market.Unit,
			})
		}
		w.must(w.venue.Shut(w.now))
		return w
	}
	a, b := run(), run()
	if a.file.String() != b.file.String() {
		t.Fatal("two runs of one seed wrote different ledgers")
	}
	net, trades, fired := map[market.Symbol]market.Qty{}, map[market.Symbol]int{}, 0
	low, high := map[market.Symbol]market.Price{}, map[market.Symbol]market.Price{}
	marks := 0
	for _, l := range a.lines {
		switch l := l.(type) {
		case *sim.TradeLine:
			trades[l.Sym]++
			if low[l.Sym] == 0 || l.Px < low[l.Sym] {
				low[l.Sym] = l.Px
			}
			high[l.Sym] = max(high[l.Sym], l.Px)
		case *sim.CloseLine:
			for _, of := range l.PerAccount {
				for s, q := range of {
					net[s] += q
				}
			}
		case *sim.MarkLine:
			marks++
			if l.Bid == 0 || l.Ask == 0 || l.Bid >= l.Ask {
				t.Errorf("mark at line %d: %v by %v, want a market", l.N, l.Bid, l.Ask)
			}
		case *sim.FaultLine:
			fired++
		}
	}
	for _, s := range []market.Symbol{"ACME", "BOLT"} {
		if net[s] != 0 {
			t.Errorf("%s: positions sum to %v, want 0", s, net[s])
		}
		if trades[s] < 500 {
			t.Errorf("%s: %d trades in a minute, want a market", s, trades[s])
		}
		if spread := high[s] - low[s]; spread > high[s]/50 {
			t.Errorf("%s: traded from %v to %v, want within 2 %%", s, low[s], high[s])
		}
	}
	if marks < 60 || fired < 20 {
		t.Errorf("%d marks, %d faults, want a mark a second and faults that fire", marks, fired)
	}
}
