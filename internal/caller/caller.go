// Package caller carries out the rules of package resilience for one dependency inside the actor that owns the connection to
// it: breaker, rate limit, bulkhead, retry budget and backoff. It keeps P7: a retry is a message that the actor sends itself,
// so nothing sleeps, and a cancel is the next thing that is handled however many retries wait. It never asks an order
// twice; what it is for are questions.
//
// Whoever stands above gives it an attempt as a function that tells somebody and returns, and tells it what came back. Other
// actors ask through the owner, by message, and so share one budget.
package caller

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/resilience"
)

// ErrKey says that a call of this key is under way.
var ErrKey = errors.New("caller: key is under way")

// Config is one dependency. Retry is required.
type Config struct {
	resilience.Dependency
	Limit resilience.LimitConfig
	// Answer is when an asking without an answer has failed. More than 0.
	Answer time.Duration
}

// Validate lists every mistake.
func (c Config) Validate() error {
	var errs []error
	if c.Retry == nil || c.Breaker == nil || c.Budget == nil || c.Bulkhead == nil {
		errs = append(errs, errors.New("want retry, breaker, budget and bulkhead"))
	}
	if c.Answer <= 0 {
		errs = append(errs, fmt.Errorf("answer = %v, want more than 0", c.Answer))
	}
	errs = append(errs, c.Dependency.Validate(), c.Limit.Validate())
	return errors.Join(errs...)
}

// Events are hooks; a nil one is skipped. They must not block.
type Events struct {
	State   func(from, to resilience.State)
	Retry   func(why resilience.Why, at resilience.Instant) // an attempt waits; why is "" after a failure, else what it waits for
	Refused func(why resilience.Why)                        // a call ended without an answer
	Tokens  func(thousandths int64)                         // of the budget, after a retry was paid
	Late    func()                                          // an answer that nobody waits for
	Overrun func()                                          // a cancel over the limit was sent
	Hedged  func(won bool)                                  // a read was asked twice; whether the second asking answered first
}

// Attempt is one asking. Whoever brings its answer brings it back.
type Attempt struct {
	Key    uint64
	N      int  // 0 is the first, n the n-th retry
	Hedge  bool // the second asking of a read
	serial uint64
}

// Call is what shall be asked.
type Call struct {
	Key      uint64           // the owner's own, of one call at a time
	Owner    resilience.Owner // the incarnation for which it is asked; its end ends the call
	Deadline resilience.Deadline
	Class    resilience.Class
	Read     resilience.Read // one that is slow is asked twice; nil never
	Try      func(Attempt)   // tells somebody and returns
	Drop     func(Attempt)   // this asking needs no answer any more; may be nil
	End      func(End)       // called once; may be nil
}

// End is what became of a call.
type End struct {
	Key  uint64
	Asks int            // how often it was asked
	Why  resilience.Why // "" when it was answered
}

// Answer is what came back of an attempt.
type Answer struct {
	OK      bool
	Failure resilience.Failure // when not OK
	Hint    resilience.Hint
}

// Wake is what the actor's timers bring. The actor hands it to Woken.
type Wake struct {
	call       *call
	generation uint64
	down       actors.Down
	kind       wakeKind
}

type wakeKind uint8

const (
	wakeAttempt wakeKind = iota + 1
	wakeAnswer
	wakeHedge
	wakeBreaker
	wakeDown
)

// Caller is the rules of one dependency. It belongs to one actor of messages M and is called in its turns only; a restarted actor
// makes its own. Everything that was under way ends with it: see Close.
type Caller[M any] struct {
	cfg     Config
	wrap    func(Wake) M
	events  Events
	chance  resilience.Source
	breaker *resilience.Breaker
	limit   *resilience.Limit
	seats   *resilience.Bulkhead
	budget  *resilience.Budget
	hedge   resilience.Hedge
	calls   map[uint64]*call
	spare   []*call
	serial  uint64
	wakeAt  resilience.Instant // of the breaker's timer, 0 none
	closed  bool
}

// New makes the rules. wrap makes a message of the actor of a Wake. The error lists the mistakes of the configuration.
func New[M any](cfg Config, r resilience.Source, wrap func(Wake) M, ev Events) (*Caller[M], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	k := &Caller[M]{cfg: cfg, wrap: wrap, events: ev, chance: r, calls: map[uint64]*call{}}
	var err error
	k.breaker, err = resilience.NewBreaker(*cfg.Breaker, r, resilience.BreakerEvents{State: k.stated, Late: ev.Late})
	if err != nil {
		return nil, err
	}
	if k.limit, err = resilience.NewLimit(cfg.Limit); err != nil {
		return nil, err
	}
	if k.seats, err = resilience.NewBulkhead(*cfg.Bulkhead); err != nil {
		return nil, err
	}
	k.budget, err = resilience.NewBudget(*cfg.Budget)
	return k, err
}

func (k *Caller[M]) stated(from, to resilience.State, _ resilience.Instant) {
	if k.events.State != nil {
		k.events.State(from, to)
	}
}

// Call asks, now or when the rules allow it. End is called for it once, possibly before Call returns. ErrKey when a call of its
// key is under way, which is the only error: all else is an End.
func (k *Caller[M]) Call(c *actors.Context[M], in Call) error {
	if k.calls[in.Key] != nil {
		return fmt.Errorf("%w: %d", ErrKey, in.Key)
	}
	x := k.fresh(in)
	k.calls[in.Key] = x
	now := resilience.Instant(c.Instant())
	switch at, ok, why := k.cfg.Retry.Next(now, x.until(), 0, 0, k.chance, resilience.Hint{}); {
	case k.closed:
		k.end(c, x, resilience.WhyClosing)
	case !ok:
		k.end(c, x, why)
	case at > now:
		k.later(c, x, at, "")
	default:
		k.attempt(c, x)
	}
	return nil
}

// Answered takes what came back of an attempt. What comes of a call that has ended is late. A success ends its call whichever
// attempt it answers, also while a retry waits; a failure of an earlier attempt was counted already.
func (k *Caller[M]) Answered(c *actors.Context[M], a Attempt, w Answer) {
	now := resilience.Instant(c.Instant())
	x := k.calls[a.Key]
	if x == nil || a.serial < x.first || a.serial > k.serial {
		if k.events.Late != nil {
			k.events.Late()
		}
		return
	}
	if !w.OK && w.Hint != (resilience.Hint{}) {
		k.limit.Learn(now, w.Hint, k.chance)
		k.breaker.Learn(now, w.Hint)
	}
	i := x.asking(a.serial)
	switch {
	case w.OK:
		k.succeeded(c, x, i, now)
	case i >= 0:
		k.failed(c, x, i, w)
	}
	k.look(c)
}

// Woken takes a Wake of the actor's own.
func (k *Caller[M]) Woken(c *actors.Context[M], w Wake) {
	switch {
	case w.kind == wakeDown:
		k.Gone(c, resilience.Owner{Name: string(w.down.Name), Epoch: uint64(w.down.Epoch)})
		return
	case w.kind == wakeBreaker:
		k.wakeAt = 0
	case w.call == nil || w.call.generation != w.generation:
		return // of a call that has ended, or has gone on
	case w.kind == wakeAttempt:
		k.attempt(c, w.call)
	case w.kind == wakeAnswer:
		k.unanswered(c, w.call)
	case w.kind == wakeHedge:
		k.again(c, w.call)
	}
	k.look(c)
}

// Watch has the end of an incarnation end what is asked for it.
func (k *Caller[M]) Watch(c *actors.Context[M], ref actors.Watched) error {
	return c.Watch(ref, func(d actors.Down) M { return k.wrap(Wake{kind: wakeDown, down: d}) })
}

// Gone ends what is asked for an incarnation that is no more: its permits are free in this step, and a probe of it has failed.
func (k *Caller[M]) Gone(c *actors.Context[M], o resilience.Owner) {
	for _, key := range slices.Sorted(maps.Keys(k.calls)) {
		if x := k.calls[key]; x != nil && x.Owner == o { // one that ends may have ended another
			k.end(c, x, resilience.WhyGone)
		}
	}
	k.seats.ReleaseAll(o)
	k.serve(c)
	k.look(c)
}

// Close ends every call, and each that comes later.
func (k *Caller[M]) Close(c *actors.Context[M]) {
	k.closed = true
	for _, key := range slices.Sorted(maps.Keys(k.calls)) {
		k.end(c, k.calls[key], resilience.WhyClosing)
	}
	c.Cancel(k)
}

// Cancelled counts n cancels that are sent. They are never held: those over the limit are counted as overruns, and questions wait for them.
func (k *Caller[M]) Cancelled(c *actors.Context[M], n int) {
	before := k.limit.Overruns()
	k.limit.Take(resilience.Instant(c.Instant()), n, resilience.Cancel)
	if k.events.Overrun != nil && k.limit.Overruns() > before {
		k.events.Overrun()
	}
}

// Force sets what an operator wants of the breaker.
func (k *Caller[M]) Force(c *actors.Context[M], f resilience.Forced) {
	k.breaker.Force(resilience.Instant(c.Instant()), f)
	k.look(c)
}

// State is the breaker's.
func (k *Caller[M]) State(c *actors.Context[M]) resilience.State {
	s, _ := k.breaker.Look(resilience.Instant(c.Instant()))
	return s
}

// Waiting is how many calls are under way.
func (k *Caller[M]) Waiting() int { return len(k.calls) }

// look arms a timer for what time alone changes of the breaker, so that it is told also when nobody asks.
func (k *Caller[M]) look(c *actors.Context[M]) {
	now := resilience.Instant(c.Instant())
	_, next := k.breaker.Look(now)
	switch {
	case next == resilience.Never && k.wakeAt != 0:
		c.Cancel(k)
		k.wakeAt = 0
	case next != resilience.Never && next != k.wakeAt && !k.closed:
		k.wakeAt = next
		c.After(k, next.Sub(now), k.wrap(Wake{kind: wakeBreaker}))
	}
}
