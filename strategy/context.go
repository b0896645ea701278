package strategy

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/goroutine"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Context is what a handler may use. It is valid only inside a handler, on the goroutine that runs it. Used after the handler has
// returned, also in a later handler, or on another goroutine, it panics in a test binary; elsewhere it does nothing and is counted by
// Events.OutOfTurn. A test binary makes one for each call of a handler. Elsewhere a call costs no allocation: an incarnation has 64,
// which go round, so that one which is kept is that of a handler again once in 64 calls, and then does no harm.
//
// No method returns an error: every answer to a wish, also an immediate no, is an OrderEvent with its reason, so that a wish needs
// no if and a refusal is no crash.
//
// What a handler wishes for leaves when it returns nil; a panic or an error has placed nothing. Cancels alone leave at once.
type Context struct {
	s    *shell
	turn atomic.Uintptr // the goroutine that is inside a handler; 0: none is
	stop bool           // inside OnStop: nothing may be placed
}

// panics is whether a Context that is used out of its turn panics.
var panics = testing.Testing()

// mostContexts is how many calls pass before an incarnation gives a Context anew.
const mostContexts = 64

// open gives the Context of the next call of a handler.
func (s *shell) open(stopping bool) *Context {
	c := &s.contexts[s.calls%mostContexts]
	s.calls++
	if panics {
		c = &Context{s: s}
	}
	c.stop = stopping
	c.turn.Store(goroutine.ID())
	return c
}

// close ends it.
func (c *Context) close() { c.turn.Store(0) }

// may reports whether the caller is the handler that the Context is open for.
func (c *Context) may() bool {
	if c.turn.Load() == goroutine.ID() {
		return true
	}
	if f := c.s.cfg.Events.OutOfTurn; f != nil {
		f(c.s.cfg.Name)
	}
	if panics {
		panic("strategy: the Context of " + c.s.cfg.Name + " is used outside its handler")
	}
	return false
}

// Now is the time of this turn.
func (c *Context) Now() time.Time {
	if !c.may() {
		return time.Time{}
	}
	return c.s.now
}

// Instant is Now in nanoseconds of the system's monotonic clock.
func (c *Context) Instant() int64 {
	if !c.may() {
		return 0
	}
	return c.s.instant
}

// Log is a logger with the strategy's name and epoch.
func (c *Context) Log() *slog.Logger { return c.s.log }

// Instruments are those the strategy is configured for, in the order of the configuration.
func (c *Context) Instruments() []market.Instrument {
	return append([]market.Instrument{}, c.s.instruments...)
}

// Contract says how i trades: its tick, its lot and what they are worth. It is the zero Contract, which has no tick, for an
// instrument that the strategy is not configured for.
func (c *Context) Contract(i market.Instrument) market.Contract { return c.s.contracts[i] }

// ErrKept says that a Context was used after its handler, or on another goroutine.
var ErrKept = errors.New("the context is used outside its handler")

// Subscribe says, in OnStart alone, that data of these kinds is wanted of i. A strategy that never calls it is told what it has
// handlers for, of all its instruments; one that does is told what it has subscribed to and nothing else, but for changes of
// state, which all are. An instrument that is not configured and a kind without a handler end the incarnation with an error.
func (c *Context) Subscribe(i market.Instrument, kinds feeds.Kinds) {
	if c.may() {
		c.s.subscribe(i, kinds)
	}
}

// Quote returns the touch of i, or an error unless it may be traded on.
func (c *Context) Quote(i market.Instrument) (feeds.Quote, error) {
	if !c.may() {
		return feeds.Quote{}, ErrKept
	}
	q, ok := c.s.cfg.World.Quote(i)
	if !ok {
		return feeds.Quote{}, fmt.Errorf("%w: no feed speaks of %s", feeds.ErrNotLive, i)
	}
	if c.s.blind(i) {
		return feeds.Quote{}, fmt.Errorf("%w: %s: %s", feeds.ErrNotLive, i, gapWhy)
	}
	return q, q.Tradable()
}

// Book returns the book of i as it is now, lent until the handler returns, or an error unless it is Live and whole. A strategy without
// OnBook has none. Within one handler it is the same to each who asks.
func (c *Context) Book(i market.Instrument) (feeds.BookView, error) {
	if !c.may() {
		return feeds.BookView{}, ErrKept
	}
	return c.s.bookOf(i)
}

// Position returns what this strategy holds of i, from its own executions alone: zero where it has none, Unknown where an order
// may yet change it or a sum does not fit.
func (c *Context) Position(i market.Instrument) Position {
	if !c.may() {
		return Position{Instrument: i, Unknown: true}
	}
	return c.s.book.standing(i)
}

// Working returns the strategy's open orders in i, oldest first, those of unknown state included.
func (c *Context) Working(i market.Instrument) []Working {
	if !c.may() {
		return nil
	}
	return c.s.book.working(i)
}

// Gate returns the mode that touches everything the strategy does now, or the strictest of those that touch it in the instruments
// that are named. Outside its handler it is CLOSED.
func (c *Context) Gate(of ...market.Instrument) Gate {
	if !c.may() {
		return Gate{}
	}
	if len(of) == 0 {
		return c.s.cfg.World.Gate(market.Instrument{})
	}
	g := c.s.cfg.World.Gate(of[0])
	for _, i := range of[1:] {
		if next := c.s.cfg.World.Gate(i); next.Mode.Severity() > g.Mode.Severity() {
			g = next
		}
	}
	return g
}

// Place wishes for an order and returns the name of the wish. The user sets instrument, side, type, time in force,
// quantity and price; account, strategy, cause and stamps are set here. Beside a working order of Target or Rest on the
// same side it needs the option Beside, else it is refused MIXED. In OnStart it is refused NOT_READY, in OnStop STOPPING.
func (c *Context) Place(in risk.Intent, options ...PlaceOption) Decision {
	if !c.may() {
		return Decision{}
	}
	d := c.decision()
	o := placingOf(options)
	if o.once != "" {
		if c.s.cfg.Horizon {
			c.s.refuse(effect{intent: in, decision: d}, ReasonNoMemory)
			return d
		}
		d = once(o.once)
	}
	c.s.wish(c, effect{intent: in, decision: d, beside: o.beside})
	return d
}

// PlaceOption changes what Place does.
type PlaceOption func(*placing)

type placing struct {
	once   string
	beside bool
}

// placingOf takes memory for what options change only where there are any.
func placingOf(options []PlaceOption) placing {
	if len(options) == 0 {
		return placing{}
	}
	o := new(placing)
	for _, set := range options {
		set(o)
	}
	return *o
}

// Once makes the decision a function of text alone: one order over every crash, for as long as the journal remembers it. Where orders
// are in horizon mode it remembers no decision over the end of the process, and the wish is refused NO_MEMORY.
func Once(text string) PlaceOption { return func(p *placing) { p.once = text } }

// Beside allows a second order on a side where Target or Rest has one.
func Beside() PlaceOption { return func(p *placing) { p.beside = true } }

// Cancel asks for the end of the order of d. It leaves at once and is never refused for lack of room or permission (P7).
// What this handler placed itself has not left yet: it is taken back, and refused with the reason cancelled.
func (c *Context) Cancel(d Decision) {
	if c.may() {
		c.s.cancel(d)
	}
}

// CancelAll asks for the end of every open order of the strategy, at once, and takes back what this handler placed before.
func (c *Context) CancelAll() {
	if c.may() {
		c.s.cancelAll()
	}
}

// Target wishes for a position: a limit order, immediate or cancel, at the far touch plus 5 bps, for what is missing; with the
// option At, a limit for the day at a price of the caller's. Saying the same again changes nothing. What stands against it
// (unknown order, gate, book, an order of Rest on that side) is told once as held, and after the intent's time to live the wish
// lapses: a reopening never fires an old wish. A position is brought through zero in two legs, never in one. Nothing is clipped:
// what is beyond a limit is refused with its reason.
func (c *Context) Target(i market.Instrument, qty market.Qty, options ...TargetOption) {
	if !c.may() {
		return
	}
	o := targetingOf(options)
	if o.rests && !o.price.Valid() { // no price is no wish for the far touch
		c.s.refuse(effect{intent: risk.Intent{Instrument: i, Qty: qty}, decision: c.decision()}, ReasonBadIntent)
		return
	}
	c.s.target(c, i, qty, o.price)
}

// TargetOption changes what Target does.
type TargetOption func(*targeting)

type targeting struct {
	price market.Price
	rests bool
}

// targetingOf is placingOf for Target.
func targetingOf(options []TargetOption) targeting {
	if len(options) == 0 {
		return targeting{}
	}
	o := new(targeting)
	for _, set := range options {
		set(o)
	}
	return *o
}

// At lets the orders of Target rest for the day at price, which has to be on the contract's tick, instead of taking the far touch.
// A price of 0 is refused BAD_INTENT.
func At(price market.Price) TargetOption {
	return func(t *targeting) { t.price, t.rests = price, true }
}

// Rest wishes for one order of qty that rests on a side at price, for the day; a qty of 0 wants none there. Saying the same again
// changes nothing while it works, also when a part of it is filled. For another price or size the order is cancelled, its end
// awaited, and the next one leaves then: there are never two on a side. What stands against it is told as for Target, and the
// wish lapses in the same time. After a whole fill nothing rests until the strategy says so again.
func (c *Context) Rest(i market.Instrument, side market.Side, price market.Price, qty market.Qty) {
	switch {
	case !c.may():
	case !side.Valid():
		c.s.refuse(effect{intent: risk.Intent{Instrument: i, Side: side, Qty: qty, Price: price}, decision: c.decision()}, ReasonBadIntent)
	default:
		c.s.rest(c, i, side, price, qty)
	}
}

// After asks for one tick of key when d has passed. A key has one pending tick at most; the later wish replaces the earlier.
func (c *Context) After(key string, d time.Duration) {
	if c.may() {
		c.s.after(key, d)
	}
}

// Every asks for a tick of key each time d has passed, until Stop or another wish of the key. What falls due while the
// tick before has not been told is skipped and counted in its Missed. A d of 0 or less asks for nothing.
func (c *Context) Every(key string, d time.Duration) {
	if c.may() && d > 0 {
		c.s.every(key, d)
	}
}

// At asks for one tick of key at the time at, or at once when that has passed; otherwise as After.
func (c *Context) At(key string, at time.Time) {
	if c.may() {
		c.s.after(key, at.Sub(c.s.now))
	}
}

// Stop takes back the tick of key.
func (c *Context) Stop(key string) {
	if c.may() {
		c.s.self.Cancel(timerKey(key))
	}
}

func (c *Context) decision() Decision {
	d := c.s.root.nth(c.s.ordinal)
	c.s.ordinal++
	return d
}

var _ actors.Stopper[Message] = (*shell)(nil)
