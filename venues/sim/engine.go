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
	matches uint64
	flow    *flow
	day     bool // the public feed has told of the day's opening and not of its end
	marked  []MarkLine
}

// NewEngine makes an exchange; every mistake of the configuration is an error.
func NewEngine(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	e := &Engine{marked: make([]MarkLine, len(cfg.Listings))}
	e.house = *newHouse(cfg, e)
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
	for i := range e.symbols {
		e.line("phase", &PhaseLine{Sym: e.symbols[i].sym, Phase: "continuous"})
		e.emit(MarketEvent{Kind: Trading, Time: e.now, Locate: locate(i), Symbol: e.symbols[i].sym})
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

// enter matches an order that has been acknowledged, price first, then time, and rests what may rest.
func (e *Engine) enter(o *order) {
	if o.meets != nil {
		e.trade(o, o.meets, o.qty)
		return
	}
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
	case o.typ == market.Market:
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
	return o.typ == market.Market || px == o.px || l.better(px, o.px)
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
	px := maker.px
	e.matches++
	e.tradeCount++
	e.fill(maker, q, px)
	e.books[maker.sym].of(maker.side).take(maker, q)
	e.fill(o, q, px)
	execs := map[*order]string{o: e.execID(), maker: e.execID()}
	buy, sell := o, maker
	if o.side == market.Sell {
		buy, sell = maker, o
	}
	e.line("trade", &TradeLine{
		ID: e.prefix + "T" + strconv.FormatUint(e.matches, 10), Sym: e.symbols[o.sym].sym, Qty: q, Px: px,
		Buy: party(buy, execs[buy]), Sell: party(sell, execs[sell]), Aggressor: o.side,
	})
	for _, x := range [2]*order{maker, o} {
		e.orderLine(x, "trade")
		e.exposure(x.account, x.sym)
	}
	for _, x := range [2]*order{maker, o} {
		e.report(x, ExecTrade, func(r *Report) { r.ExecID, r.LastQty, r.LastPx = execs[x], q, px })
	}
	ev := e.event(Executed, maker, q)
	ev.Match = e.matches
	e.emit(ev)
}

func party(o *order, exec string) *Party {
	return &Party{OID: o.oid, Account: o.account.id, Cl: o.cl, Exec: exec}
}

// remove takes an order that has ended out of its book.
func (e *Engine) remove(o *order) {
	if e.books[o.sym].of(o.side).remove(o) {
		e.emit(e.event(Deleted, o, 0))
	}
}

// cut takes by off what rests of o, where it stands.
func (e *Engine) cut(o *order, by market.Qty) {
	if o.level != nil {
		o.level.qty -= by
		e.emit(e.event(Reduced, o, by))
	}
}

// move takes o out of its book under the terms it had; the feed hears of it once change has written them down.
func (e *Engine) move(o *order, change func()) {
	rested, gone := e.books[o.sym].of(o.side).remove(o), e.event(Deleted, o, 0)
	change()
	if rested {
		e.emit(gone)
	}
}

func (e *Engine) event(k MarketKind, o *order, q market.Qty) MarketEvent {
	ev := MarketEvent{Kind: k, Time: e.now, Locate: locate(o.sym), Symbol: e.symbols[o.sym].sym, Ref: o.shown}
	if k != Deleted {
		ev.Side, ev.Qty, ev.Price = o.side, q, o.px
	}
	return ev
}
