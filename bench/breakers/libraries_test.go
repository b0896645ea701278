package breakers_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failshut/failshut/resilience"
	"github.com/sony/gobreaker/v2"
)

var (
	errRefused = errors.New("refused by the breaker")
	errDown    = errors.New("dependency is down")
)

// breaker is what a trap does with one. All open after five failures in a row, for a second or a little less, and let one probe
// through, which closes them.
type breaker interface {
	run(call func() error) error       // guards a call; a panic comes through
	begin() (end func(error), ok bool) // the same in two steps
	state() string                     // closed, open or half-open
	told() []string                    // the states that its hook was told, since it was made
	hold() bool                        // has an operator keep it open; false when it cannot be
}

// ours is resilience.Breaker. The lock stands for the actor around it, and so does the timer that looks at it.
type ours struct {
	mu    sync.Mutex
	b     *resilience.Breaker
	began time.Time
	log   []string
}

func newOurs() breaker {
	o := &ours{began: time.Now()}
	c := resilience.DefaultBreaker()
	c.ProbesOK = 1
	var err error
	o.b, err = resilience.NewBreaker(c, rand.New(rand.NewPCG(rand.Uint64(), 1)), resilience.BreakerEvents{
		State: func(_, to resilience.State, _ resilience.Instant) { o.log = append(o.log, word(to)) },
	})
	if err != nil {
		panic(err)
	}
	return o
}

func word(s resilience.State) string {
	switch s {
	case resilience.BreakerHalfOpen:
		return "half-open"
	default:
		return s.String()
	}
}

func (o *ours) now() resilience.Instant { return resilience.Instant(time.Since(o.began)) }

// turn does something as its actor would: one thing at a time, and then a timer for what time alone will change.
func (o *ours) turn(do func(now resilience.Instant)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	do(o.now())
	if _, next := o.b.Look(o.now()); next != resilience.Never {
		time.AfterFunc(next.Sub(o.now()), func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.b.Look(o.now())
		})
	}
}

func (o *ours) ask() (t resilience.Ticket, ok bool) {
	o.turn(func(now resilience.Instant) {
		var v resilience.Verdict
		t, v = o.b.Ask(now)
		ok = v.Pass != resilience.Refused
	})
	return t, ok
}

func (o *ours) done(t resilience.Ticket, out resilience.Outcome) {
	o.turn(func(now resilience.Instant) { o.b.Done(now, t, out) })
}

func (o *ours) run(call func() error) error {
	t, ok := o.ask()
	if !ok {
		return errRefused
	}
	out := resilience.Abandoned // what the end of an incarnation tells
	defer func() { o.done(t, out) }()
	err := call()
	out = outcome(err)
	return err
}

func outcome(err error) resilience.Outcome {
	if err != nil {
		return resilience.Failed
	}
	return resilience.OK
}

func (o *ours) begin() (func(error), bool) {
	t, ok := o.ask()
	return func(err error) { o.done(t, outcome(err)) }, ok
}

func (o *ours) state() (s string) {
	o.turn(func(now resilience.Instant) {
		is, _ := o.b.Look(now)
		s = word(is)
	})
	return s
}

func (o *ours) told() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log
}

func (o *ours) hold() bool {
	o.turn(func(now resilience.Instant) { o.b.Force(now, resilience.ForcedOpen) })
	return true
}

// failsafeBreaker is failsafe-go's: guarded calls go through its executor.
type failsafeBreaker struct {
	cb  circuitbreaker.CircuitBreaker[any]
	log []string
}

func newFailsafe() breaker {
	f := &failsafeBreaker{}
	f.cb = circuitbreaker.NewBuilder[any]().WithFailureThreshold(5).WithRandomDelay(time.Second/2, time.Second).WithSuccessThreshold(1).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) { f.log = append(f.log, e.NewState.String()) }).Build()
	return f
}

func (f *failsafeBreaker) run(call func() error) error {
	err := failsafe.With[any](f.cb).Run(call)
	if errors.Is(err, circuitbreaker.ErrOpen) {
		return errRefused
	}
	return err
}

func (f *failsafeBreaker) begin() (func(error), bool) {
	return func(err error) {
		if err != nil {
			f.cb.RecordFailure()
			return
		}
		f.cb.RecordSuccess()
	}, f.cb.TryAcquirePermit()
}

func (f *failsafeBreaker) state() string  { return f.cb.State().String() }
func (f *failsafeBreaker) told() []string { return f.log }

func (f *failsafeBreaker) hold() bool {
	f.cb.Open()
	return true
}

// sony is gobreaker's CircuitBreaker, which guards a call in one step.
type sony struct {
	cb  *gobreaker.CircuitBreaker[any]
	log []string
}

// twoStep is gobreaker's TwoStepCircuitBreaker.
type twoStep struct {
	cb  *gobreaker.TwoStepCircuitBreaker[any]
	log []string
}

func settings(log *[]string) gobreaker.Settings {
	return gobreaker.Settings{
		MaxRequests: 1, Timeout: time.Second,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		OnStateChange: func(_ string, _, to gobreaker.State) { *log = append(*log, to.String()) },
	}
}

func newSony() breaker {
	s := &sony{}
	s.cb = gobreaker.NewCircuitBreaker[any](settings(&s.log))
	return s
}

func newTwoStep() breaker {
	s := &twoStep{}
	s.cb = gobreaker.NewTwoStepCircuitBreaker[any](settings(&s.log))
	return s
}

func (s *sony) run(call func() error) error {
	_, err := s.cb.Execute(func() (any, error) { return nil, call() })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return errRefused
	}
	return err
}

// begin is a call that runs until it is told how it ends.
func (s *sony) begin() (func(error), bool) {
	began, ends, over := make(chan bool, 2), make(chan error), make(chan struct{})
	go func() {
		defer close(over)
		err := s.run(func() error {
			began <- true
			return <-ends
		})
		if errors.Is(err, errRefused) {
			began <- false
		}
	}()
	return func(err error) {
		ends <- err
		<-over
	}, <-began
}

func (s *sony) state() string  { return s.cb.State().String() }
func (s *sony) told() []string { return s.log }
func (s *sony) hold() bool     { return false }

func (s *twoStep) run(call func() error) error {
	end, ok := s.begin()
	if !ok {
		return errRefused
	}
	err := call()
	end(err)
	return err
}

func (s *twoStep) begin() (func(error), bool) {
	end, err := s.cb.Allow()
	return end, err == nil
}

func (s *twoStep) state() string  { return s.cb.State().String() }
func (s *twoStep) told() []string { return s.log }
func (s *twoStep) hold() bool     { return false }
