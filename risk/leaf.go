package risk

import (
	"math"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// leaf is one strategy's book in one instrument of an account. Its gate writes it; its published copy is for the holder.
type leaf struct {
	book
	now          exposure // worst case of book, as it stands in every sum
	at           int32
	strategyAt   int32
	instrumentAt int32
	strategy     string
	instrument   market.Instrument
	contract     market.Contract
	scopes       [6]Scope
	listed       bool // in the catalogue
	entitled     bool
	restricted   bool
	unpriced     bool

	out published
}

// published is the copy of a leaf that other goroutines read: words that the gate stores one by one between two steps of its turn
// counter, so that a reader who saw the same even count before and after has one moment's values.
type published struct {
	pos, buys, sells                    atomic.Int64
	longCost, shortCost, long, short    [2]atomic.Uint64
	wantLong, wantShort                 atomic.Int64
	turns                               atomic.Uint64 // how often something else than a check left orders less to reduce
	wantLongNotional, wantShortNotional [2]atomic.Uint64
}

// standing is one moment's reading of a leaf.
type standing struct {
	leaf                market.Instrument
	pos, buys, sells    market.Qty
	longCost, shortCost market.Notional // of the position
	long, short         market.Notional // worst cases, position and live orders
}

func (l *leaf) publish() {
	store(&l.out.pos, int64(l.pos))
	store(&l.out.buys, int64(l.buys.qty))
	store(&l.out.sells, int64(l.sells.qty))
	put(&l.out.longCost, l.longCost)
	put(&l.out.shortCost, l.shortCost)
	put(&l.out.long, l.now.long)
	put(&l.out.short, l.now.short)
}

// store writes only what changed: a load is far cheaper than a store that every processor must see.
func store(w *atomic.Int64, v int64) {
	if w.Load() != v {
		w.Store(v)
	}
}

func put(w *[2]atomic.Uint64, n market.Notional) {
	hi, lo := n.Words()
	if w[0].Load() != uint64(hi) {
		w[0].Store(uint64(hi))
	}
	if w[1].Load() != lo {
		w[1].Store(lo)
	}
}

func get(w *[2]atomic.Uint64) market.Notional {
	return market.NotionalFromWords(int64(w[0].Load()), w[1].Load())
}

// standings reads every leaf at one moment, or reports false when the gate was inside a call each time.
func (g *Gate) standings() ([]standing, []*leaf, bool) {
	for range 64 {
		before := g.turn.Load()
		if before&1 == 1 {
			continue
		}
		leaves := *g.leaves.Load()
		out := make([]standing, len(leaves))
		for i, l := range leaves {
			out[i] = standing{
				l.instrument, market.Qty(l.out.pos.Load()), market.Qty(l.out.buys.Load()), market.Qty(l.out.sells.Load()),
				get(&l.out.longCost), get(&l.out.shortCost), get(&l.out.long), get(&l.out.short),
			}
		}
		if g.turn.Load() == before {
			return out, leaves, true
		}
	}
	return nil, nil, false
}

// leaf returns the leaf of a strategy in an instrument, and makes one that may trade nothing when there is none: a position or an
// order counts whoever made it.
func (g *Gate) leaf(strategy string, i market.Instrument) *leaf {
	if n, ok := g.index[leafKey{strategy, i}]; ok {
		return (*g.leaves.Load())[n]
	}
	l := g.addLeaf(strategy, i, false)
	g.desk.wake()
	return l
}

func (g *Gate) addLeaf(strategy string, i market.Instrument, entitled bool) *leaf {
	old := *g.leaves.Load()
	l := &leaf{
		at: int32(len(old)), strategyAt: int32(len(g.strategies)), instrumentAt: int32(len(g.instruments)),
		strategy: strategy, instrument: i, entitled: entitled, restricted: g.desk.restricted[i],
		scopes: six(string(g.account), strategyPart(strategy), i.String()),
	}
	l.contract, l.listed = g.desk.catalogue.Contract(i)
	if l.multiplier = l.contract.Multiplier; !l.listed {
		l.multiplier = market.Factor(market.Unit)
	}
	for _, o := range old {
		if o.strategy == strategy {
			l.strategyAt = o.strategyAt
		}
		if o.instrument == i {
			l.instrumentAt = o.instrumentAt
		}
	}
	if int(l.strategyAt) == len(g.strategies) {
		g.strategies = append(g.strategies, exposure{})
	}
	if int(l.instrumentAt) == len(g.instruments) {
		g.instruments = append(g.instruments, exposure{})
		g.unknown = append(g.unknown, 0)
	}
	g.index[leafKey{strategy, i}] = l.at
	leaves := append(append(make([]*leaf, 0, len(old)+1), old...), l)
	g.leaves.Store(&leaves)
	return l
}

// strategyPart is how orders without a strategy stand in scopes.
func strategyPart(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// wantCapacity tells the holder what one refused order would have needed.
func (g *Gate) wantCapacity(l *leaf, s market.Side, q market.Qty, n market.Notional) {
	if s == market.Buy {
		store(&l.out.wantLong, int64(q))
		put(&l.out.wantLongNotional, n)
	} else {
		store(&l.out.wantShort, int64(q))
		put(&l.out.wantShortNotional, n)
	}
	g.runsShort()
}

// runsShort wakes the holder once until it has looked.
func (g *Gate) runsShort() {
	if !g.short.Load() && g.short.CompareAndSwap(false, true) {
		g.desk.wake()
	}
}

// distance returns n ticks as a price, the greatest price when that is more.
func distance(n int64, tick market.Price) market.Price {
	if tick <= 0 || n > math.MaxInt64/int64(tick) {
		return math.MaxInt64
	}
	return market.Price(n) * tick
}
