package sim

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/failshut/failshut/market"
)

// flowPrefix begins the account of every participant of the background flow.
const flowPrefix = "flow"

// flow is the background order flow: participants that keep the levels around a wandering reference filled, and cross the
// spread now and then, so that there is a market. All chance comes from one seeded source.
type flow struct {
	cfg          FlowConfig
	rng          *rand.Rand
	participants int
	walks        []walk // of the symbols that have a reference
	due          market.Timestamp
	orders       uint64
}

// walk is the wandering reference of one symbol. It moves by single ticks with a trend, and stays within the bound around
// the anchor, which is its value at the start of the minute.
type walk struct {
	sym         int
	ref, anchor market.Price
	until       market.Timestamp // the end of the anchor's minute
	up          bool
}

func newFlow(cfg Config, rng *rand.Rand) *flow {
	f := &flow{cfg: cfg.Flow, rng: rng}
	for i, l := range cfg.Listings {
		if l.Reference != 0 && cfg.Flow.Rate > 0 {
			f.walks = append(f.walks, walk{sym: i, ref: l.Reference, anchor: l.Reference})
		}
	}
	if len(f.walks) > 0 {
		f.participants = cfg.Flow.Participants
	}
	return f
}

// begin fills every level once, so that the market is whole from the first moment, and sets the first beat.
func (f *flow) begin(e *Engine) {
	if len(f.walks) == 0 {
		return
	}
	for i := range f.walks {
		f.layer(e, &f.walks[i])
	}
	f.due = e.now
	f.again(e)
}

// layer fills every level of a symbol once.
func (f *flow) layer(e *Engine, w *walk) {
	for k := range f.cfg.Levels {
		f.rest(e, w, market.Buy, k)
		f.rest(e, w, market.Sell, k)
	}
}

// again sets the next beat: uniform around the mean interval. A venue that was asleep for over a second does not catch up.
func (f *flow) again(e *Engine) {
	mean := int64(time.Second) / int64(f.cfg.Rate)
	f.due = max(f.due, e.now-market.Timestamp(time.Second)) + market.Timestamp(1+f.rng.Int64N(2*mean))
	e.timers.add(f.due, func() { f.beat(e) })
}

// beat is one order of the flow in one symbol: across the spread, or to rest where a level is empty. What the reference has
// left behind is cancelled first.
func (f *flow) beat(e *Engine) {
	w := &f.walks[f.rng.IntN(len(f.walks))]
	if e.symbols[w.sym].phase != PhaseContinuous {
		f.again(e)
		return
	}
	f.wander(e, w)
	f.tidy(e, w, market.Buy)
	f.tidy(e, w, market.Sell)
	side := market.Buy
	if f.rng.IntN(2) == 1 {
		side = market.Sell
	}
	if f.rng.IntN(10_000) >= f.cfg.TradeShareBps || !f.cross(e, w, side) {
		f.fill(e, w, side)
	}
	f.again(e)
}

// split moves the reference of a symbol to the by-th part of what it is, and fills the levels around it anew.
func (f *flow) split(e *Engine, sym int, by market.Qty) {
	for i := range f.walks {
		w := &f.walks[i]
		if w.sym != sym {
			continue
		}
		w.ref = e.parted(sym, w.ref, by, 0)
		w.anchor, w.until = w.ref, 0
		if e.symbols[sym].phase == PhaseContinuous {
			f.layer(e, w)
		}
	}
}

func (f *flow) wander(e *Engine, w *walk) {
	if e.now >= w.until {
		w.anchor, w.until = w.ref, e.now+market.Timestamp(time.Minute)
	}
	if f.rng.IntN(20) == 0 {
		w.up = !w.up
	}
	if f.rng.IntN(8) != 0 {
		return
	}
	step := e.symbols[w.sym].c.Tick
	if !w.up {
		step = -step
	}
	bound, err := w.anchor.Bps(int64(f.cfg.DriftBpsPerMinute), false)
	if to := w.ref + step; err == nil && to <= w.anchor+bound && to >= w.anchor-bound {
		w.ref = to
		return
	}
	w.up = !w.up
}

// touch is the price of level k of a side, level 0 being the best that the flow offers.
func (f *flow) touch(e *Engine, w *walk, side market.Side, k int) market.Price {
	tick := e.symbols[w.sym].c.Tick
	half := market.Price(f.cfg.SpreadTicks / 2)
	if side == market.Buy {
		return w.ref - (half+market.Price(k))*tick
	}
	return w.ref + (market.Price(f.cfg.SpreadTicks)-half+market.Price(k))*tick
}

// cross takes from the best level of the other side, unless it is the last one there: a market has two sides.
func (f *flow) cross(e *Engine, w *walk, side market.Side) bool {
	l := e.books[w.sym].of(side.Opposite())
	if len(l.levels) < 2 {
		return false
	}
	best := l.best()
	f.place(e, w, best.head.account, &order{side: side, typ: market.Limit, tif: market.IOC, px: best.px, qty: f.size(e, w)})
	return true
}

// rest adds an order at level k.
func (f *flow) rest(e *Engine, w *walk, side market.Side, k int) {
	f.place(e, w, nil, &order{side: side, typ: market.Limit, tif: market.Day, px: f.touch(e, w, side, k), qty: f.size(e, w)})
}

// tidy cancels one of the flow's orders that the reference has left behind, at the far end of a side or ahead of its touch,
// as long as the side keeps another level.
func (f *flow) tidy(e *Engine, w *walk, side market.Side) {
	l := e.books[w.sym].of(side)
	if len(l.levels) < 2 {
		return
	}
	worst, best := l.levels[0].head, l.best().head
	if l.better(f.touch(e, w, side, f.cfg.Levels-1), worst.px) && worst.account.session == nil {
		e.finish(worst, StatusCancelled, "flow")
		return
	}
	if l.better(best.px, f.touch(e, w, side, 0)) && best.account.session == nil {
		e.finish(best, StatusCancelled, "flow")
	}
}

// fill adds to the first empty level of the thinner side, or else to any level of the given one; a level grown over four
// times the largest order loses its oldest.
func (f *flow) fill(e *Engine, w *walk, side market.Side) {
	if o := side.Opposite(); len(e.books[w.sym].of(o).levels) < len(e.books[w.sym].of(side).levels) {
		side = o
	}
	l := e.books[w.sym].of(side)
	for k := range f.cfg.Levels {
		if _, ok := l.search(f.touch(e, w, side, k)); !ok {
			f.rest(e, w, side, k)
			return
		}
	}
	k := f.rng.IntN(f.cfg.Levels)
	i, _ := l.search(f.touch(e, w, side, k))
	if lv := l.levels[i]; lv.qty/4 > f.cfg.MaxQty && lv.head.account.session == nil {
		e.finish(lv.head, StatusCancelled, "flow")
	}
	f.rest(e, w, side, k)
}

func (f *flow) size(e *Engine, w *walk) market.Qty {
	c := e.symbols[w.sym].c
	low, high := max(f.cfg.MinQty, c.MinQty), min(f.cfg.MaxQty, c.MaxQty)
	if high <= low {
		return low
	}
	return low + market.Qty(f.rng.Int64N(int64((high-low)/c.Lot)+1))*c.Lot
}

// place enters an order of a participant other than not, where there is another.
func (f *flow) place(e *Engine, w *walk, not *account, o *order) {
	first := len(e.accounts) - f.participants
	i := f.rng.IntN(f.participants)
	if e.accounts[first+i] == not {
		i = (i + 1) % f.participants
	}
	a := e.accounts[first+i]
	f.orders++
	o.cl0 = market.ClOrdID(flowPrefix + strconv.FormatUint(f.orders, 10))
	if _, why := e.valid(a, o, e.symbols[w.sym].sym); why == "" {
		e.accept(a, o)
	}
}
