package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/failshut/failshut/market"
)

// Engine is the embedded exchange as a pure state machine: no goroutine, no clock, no I/O, nothing that depends on the order
// of a map. The same configuration and inputs give the same outputs, byte for byte. Not safe for concurrent use.
type Engine struct {
	house
	books   []book
	stops   [][]*order // by symbol: stop orders that wait, in order of entry
	matches uint64
	// executions are those of sessions and their counterparts, by every id of their chains and by that of the trade
	executions map[string]*execution
	flow       *flow
	day        bool // the public feed has told of the day's opening and not of its end
	marked     []MarkLine
}

// NewEngine makes an exchange; every mistake of the configuration is an error.
func NewEngine(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	e := &Engine{marked: make([]MarkLine, len(cfg.Listings)), stops: make([][]*order, len(cfg.Listings)), executions: map[string]*execution{}}
	e.house = *newHouse(cfg, e)
	e.engine = e
	for range e.symbols {
		e.books = append(e.books, newBook())
	}
	e.stranger = e.addAccount(flowPrefix + "0")
	e.flow = newFlow(cfg, rand.New(rand.NewPCG(cfg.Seed, 0xf107)))
	for i := range e.flow.participants {
		e.addAccount(market.Account(flowPrefix + strconv.Itoa(i+1)))
	}
	return e, nil
}

// Step does one input at a time that must not fall (one that falls is taken as the last), after all that was due before.
// The outputs, to be carried out in order, are good until the next Step.
func (e *Engine) Step(now market.Timestamp, in Input) []Output {
	clear(e.out)
	e.out = e.out[:0]
	e.step(now, in)
	if e.open && !e.day {
		e.day = true
		e.openDay()
	}
	if e.shut && e.day {
		e.day, e.open = false, false
		e.emit(MarketEvent{Kind: DayClosed, Time: e.now})
	}
	return e.out
}

// Next is the time at which something is due; give a Tick then. False: nothing is.
func (e *Engine) Next() (market.Timestamp, bool) { return e.timers.next() }

func (e *Engine) openDay() {
	e.emit(MarketEvent{Kind: DayOpened, Time: e.now})
	for i := range e.symbols {
		e.emit(MarketEvent{Kind: Listed, Time: e.now, Locate: locate(i), Symbol: e.symbols[i].sym})
	}
	e.schedule()
	for i := range e.symbols {
		told := Halted
		if e.symbols[i].phase == PhaseContinuous {
			told = Trading
		}
		e.line("phase", &PhaseLine{Sym: e.symbols[i].sym, Phase: string(e.symbols[i].phase)})
		e.emit(MarketEvent{Kind: told, Time: e.now, Locate: locate(i), Symbol: e.symbols[i].sym})
	}
	e.flow.begin(e)
	if e.cfg.MarkEvery > 0 {
		e.after(e.cfg.MarkEvery, e.mark)
	}
}

func locate(sym int) uint16 { return uint16(sym + 1) }

// mark writes the market of each symbol that has changed since its last mark.
func (e *Engine) mark() {
	for i := range e.symbols {
		m := MarkLine{Sym: e.symbols[i].sym, Last: e.symbols[i].last}
		if b := e.books[i].bids.best(); b != nil {
			m.Bid = b.px
		}
		if a := e.books[i].asks.best(); a != nil {
			m.Ask = a.px
		}
		if m != e.marked[i] {
			e.marked[i] = m
			e.line("mark", &m)
		}
	}
	e.after(e.cfg.MarkEvery, e.mark)
}

// enter takes an order that has been acknowledged, as the phase of its symbol has it. Stop orders that it wakes follow it.
//
// Every report may be the one in which a fault cuts the link, and a lost link cancels orders: whoever goes on with one behind a
// report looks first whether it is still open.
func (e *Engine) enter(o *order) {
	switch {
	case !o.status.Open():
		return
	case o.meets != nil:
		e.trade(o, o.meets, o.qty)
		return
	}
	switch p := e.symbols[o.sym].phase; {
	case o.typ == market.Stop && !o.triggered:
		e.sleep(o)
	case p == PhaseContinuous:
		e.match(o)
	default:
		o.hidden = true
		e.books[o.sym].of(o.side).add(o)
	}
	if e.symbols[o.sym].phase == PhaseHalt && o.status != StatusSuspended {
		e.suspendOne(o)
	}
	e.runStops(o.sym)
}

// match takes from the other side, price first, then time, and rests what may rest.
func (e *Engine) match(o *order) {
	b := &e.books[o.sym]
	against := b.of(o.side.Opposite())
	if o.tif == market.FOK && against.within(o, e.cfg.SelfTrade) < o.qty {
		e.drop(o, "fok")
		return
	}
	for o.status.Open() {
		lv := against.best()
		if lv == nil || !against.meets(o, lv.px) {
			break
		}
		maker := lv.head
		if maker.account == o.account && e.cfg.SelfTrade != SelfTradeOff {
			if e.preventSelfTrade(o, maker) {
				return
			}
			continue
		}
		e.trade(o, maker, min(o.leaves(), maker.leaves()))
	}
	switch {
	case !o.status.Open():
	case o.market():
		e.drop(o, "market")
	case o.tif == market.IOC || o.tif == market.FOK:
		e.drop(o, o.tif.String())
	default:
		b.of(o.side).add(o)
		e.emit(e.event(Added, o, o.leaves()))
	}
}

// meets reports whether a level of price px is good enough for o.
func (l *ladder) meets(o *order, px market.Price) bool {
	return o.market() || px == o.px || l.better(px, o.px)
}

// within is how much o would find under a self-trade policy, up to its quantity.
func (l *ladder) within(o *order, policy SelfTrade) market.Qty {
	var sum market.Qty
	for i := len(l.levels) - 1; i >= 0 && sum < o.qty && l.meets(o, l.levels[i].px); i-- {
		for m := l.levels[i].head; m != nil && sum < o.qty; m = m.next {
			switch {
			case m.account != o.account || policy == SelfTradeOff:
				sum += min(m.leaves(), o.qty-sum)
			case policy != SelfTradeCancelOld:
				return sum // o would end here
			}
		}
	}
	return sum
}

// drop ends what is left of an order that may not rest.
func (e *Engine) drop(o *order, why string) {
	e.finish(o, StatusCancelled, why)
	e.report(o, ExecCancelled, nil)
}

// preventSelfTrade ends what the policy says, and reports whether the new order is over.
func (e *Engine) preventSelfTrade(o, maker *order) bool {
	if e.cfg.SelfTrade != SelfTradeCancelNew {
		e.drop(maker, "self_trade")
	}
	if e.cfg.SelfTrade == SelfTradeCancelOld {
		return false
	}
	e.drop(o, "self_trade")
	return true
}

// trade executes q of the new order against a resting one, at the resting one's price.
func (e *Engine) trade(o, maker *order, q market.Qty) {
	e.execute(maker, o, q, maker.px, o.side)
}

// execute executes q of two orders at px. The feed is told of the one that it shows, the first if it shows both; of two that it
// does not show it is told that they traded.
func (e *Engine) execute(x, y *order, q market.Qty, px market.Price, aggressor market.Side) {
	both, shown := [2]*order{x, y}, [2]bool{x.shows(), y.shows()}
	e.matches++
	e.tradeCount++
	for _, o := range both {
		e.fill(o, q, px)
		if o.level != nil {
			e.books[o.sym].of(o.side).take(o, q)
		}
	}
	execs := map[*order]string{y: e.execID()}
	execs[x] = e.execID()
	buy, sell := x, y
	if x.side == market.Sell {
		buy, sell = y, x
	}
	trade := e.prefix + "T" + strconv.FormatUint(e.matches, 10)
	e.remember(trade, q, px, x, y, execs)
	e.line("trade", &TradeLine{
		ID: trade, Sym: e.symbols[x.sym].sym, Qty: q, Px: px,
		Buy: party(buy, execs[buy]), Sell: party(sell, execs[sell]), Aggressor: aggressor,
	})
	for _, o := range both {
		e.orderLine(o, "trade")
		e.exposure(o.account, o.sym)
	}
	e.print(both, shown, q, px) // ahead of the reports, in which a link may be cut and an order cancelled
	for _, o := range both {
		e.report(o, ExecTrade, func(r *Report) { r.ExecID, r.LastQty, r.LastPx = execs[o], q, px })
	}
}

func party(o *order, exec string) *Party {
	return &Party{OID: o.oid, Account: o.account.id, Cl: o.cl, Exec: exec}
}

// remove takes an order that has ended out of its book.
func (e *Engine) remove(o *order) {
	e.unsleep(o)
	shown := o.shows()
	if e.books[o.sym].of(o.side).remove(o); shown {
		e.emit(e.event(Deleted, o, 0))
	}
}

// cut takes by off what rests of o, where it stands.
func (e *Engine) cut(o *order, by market.Qty) {
	if o.level == nil {
		return
	}
	o.level.qty -= by
	if !o.hidden {
		e.emit(e.event(Reduced, o, by))
	}
}

// move takes o out of its book under the terms it had; the feed hears of it once change has written them down.
func (e *Engine) move(o *order, change func()) {
	e.unsleep(o)
	shown, gone := o.shows(), e.event(Deleted, o, 0)
	e.books[o.sym].of(o.side).remove(o)
	change()
	if shown {
		e.emit(gone)
	}
}

// place gives an order that is to enter the book anew a place and a reference of its own.
func (h *house) place(o *order) {
	h.refs++
	h.priorities++
	o.shown, o.priority, o.hidden = h.refs, h.priorities, false
}

// shows reports whether the feed shows that o rests.
func (o *order) shows() bool { return o.level != nil && !o.hidden }

// print tells the feed of a trade of two orders, which it shows or does not.
func (e *Engine) print(both [2]*order, shown [2]bool, q market.Qty, px market.Price) {
	told := false
	for i, o := range both {
		switch {
		case !shown[i]:
		case told: // of two that are shown, one tells of the trade
			e.emit(e.event(Reduced, o, q))
		default:
			told = true
			ev := e.event(Executed, o, q)
			if ev.Match = e.matches; px != o.px {
				ev.Kind, ev.Price = ExecutedAt, px
			}
			e.emit(ev)
		}
	}
	if !told {
		ev := e.event(Printed, both[0], q)
		ev.Match, ev.Price, ev.Ref = e.matches, px, 0
		e.emit(ev)
	}
}

func (e *Engine) event(k MarketKind, o *order, q market.Qty) MarketEvent {
	ev := MarketEvent{Kind: k, Time: e.now, Locate: locate(o.sym), Symbol: e.symbols[o.sym].sym, Ref: o.shown}
	if k != Deleted {
		ev.Side, ev.Qty, ev.Price = o.side, q, o.px
	}
	return ev
}
