package actors

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// deterministic is the run queue of the single thread. Its lock is only for those who tell from outside.
type deterministic struct {
	mu      sync.Mutex
	queue   ring
	draw    *rand.Rand // nil: order of arrival
	draws   int        // choices that may be drawn; less than 0: all
	drawn   int        // choices that were
	races   bool       // timers race with what is ready
	waiting []*work    // parked under a context that is not their life's, in order of parking
}

func newDeterministic(cfg Config) *deterministic {
	d := &deterministic{draws: -1}
	if cfg.Seed != 0 {
		d.draw = rand.New(rand.NewPCG(cfg.Seed, 0x6f72646572))
	}
	if x := cfg.Explore; x != nil {
		d.draws, d.races = x.Draws, true
	}
	return d
}

// choose draws one of n, the first where there is nothing to choose or all draws were made. The lock must be held.
func (d *deterministic) choose(n int) int {
	if d.draw == nil || n < 2 || d.drawn == d.draws {
		return 0
	}
	d.drawn++
	return d.draw.IntN(n)
}

// timerOvertakes is one in how many times a timer goes before what is ready, where they race.
const timerOvertakes = 8

// overtaken says whether the next timer goes before what is ready, as it does when handlers are slow.
func (d *deterministic) overtaken() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.races && d.queue.n > 0 && d.choose(timerOvertakes) == timerOvertakes-1
}

func (d *deterministic) push(r runnable) {
	d.mu.Lock()
	d.queue.push(r)
	d.mu.Unlock()
}

func (d *deterministic) pushQuietly(r runnable) { d.push(r) }

func (d *deterministic) next() runnable {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue.n == 0 {
		return nil
	}
	return d.queue.pick(d.choose(d.queue.n))
}

func (d *deterministic) replace() {}

func (d *deterministic) stop(context.Context) error { return nil }

// wakeEnded wakes the coroutines whose context has ended, and says whether there were any. Contexts are looked
// at only when nothing is ready, so the moment does not depend on other goroutines.
func (d *deterministic) wakeEnded() bool {
	woken := false
	for _, w := range d.waiting {
		if w.waitsFor.Err() != nil {
			w.wake()
			woken = true
		}
	}
	return woken
}

func (d *deterministic) await(ctx context.Context, w *work) {
	w.waitsFor = ctx
	d.waiting = append(d.waiting, w)
}

func (d *deterministic) forget(w *work) {
	d.waiting = slices.DeleteFunc(d.waiting, func(o *work) bool { return o == w })
}

// driveLook is how many steps pass between two looks at the context of Drive.
const driveLook = 1024

// Drive runs a deterministic system on the calling goroutine, one message at a time. When nothing is ready it
// moves the virtual clock to the next timer. It returns nil when until, asked before every step, is true (nil
// is never), or when nothing is ready and no timer is set; else the cause of ctx. One goroutine drives at a
// time, never a handler.
func (s *System) Drive(ctx context.Context, until func() bool) error {
	if s.ordered == nil {
		return fmt.Errorf("%w: only a deterministic system can be driven", ErrConfig)
	}
	return s.drive(ctx, until, math.MaxInt64)
}

// Advance drives a deterministic system for d of its virtual time: what falls due within it, the end included,
// has happened with all that follows from it, and the clock stands at its end. As Drive otherwise.
func (s *System) Advance(ctx context.Context, d time.Duration) error {
	if s.ordered == nil {
		return fmt.Errorf("%w: only a deterministic system can be driven", ErrConfig)
	}
	end := s.virtual.now.Load() + int64(max(d, 0))
	if err := s.drive(ctx, nil, end); err != nil {
		return err
	}
	s.virtual.now.Store(end)
	return nil
}

// drive runs the steps on a coroutine of the calling goroutine, so that a Goexit of a handler ends that
// coroutine and not the caller.
func (s *System) drive(ctx context.Context, until func() bool, end int64) (err error) {
	for lost := true; lost; {
		next, _ := iter.Pull(func(func(struct{}) bool) { err = s.steps(ctx, until, end) })
		lost = goexits(next)
	}
	return err
}

// goexits runs a coroutine to its end or to its next wait, and says whether a Goexit ended it.
func goexits(next func() (struct{}, bool)) (lost bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != errGoexit { //nolint:errorlint // identity is meant: it is our own panic value.
				panic(p)
			}
			lost = true
		}
	}()
	next()
	return false
}

// steps goes on until there is nothing to do up to the instant end.
func (s *System) steps(ctx context.Context, until func() bool, end int64) error {
	for n := 0; until == nil || !until(); n++ {
		if n%driveLook == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.ordered.races && s.fireEarly(end) {
			continue
		}
		if r := s.ordered.next(); r != nil {
			r.turn()
			continue
		}
		if s.ordered.wakeEnded() {
			continue
		}
		when, ok := s.timers.next()
		if !ok || when > end {
			return nil
		}
		s.fireAt(when)
	}
	return nil
}

func (s *System) fireAt(when int64) {
	s.virtual.now.Store(max(when, s.virtual.now.Load()))
	s.timers.fire(when)
}

// fireEarly fires the next timer although somebody is ready, if the draw says so.
func (s *System) fireEarly(end int64) bool {
	when, ok := s.timers.next()
	if !ok || when > end || !s.ordered.overtaken() {
		return false
	}
	s.fireAt(when)
	return true
}

// Drawn is how many choices of the deterministic dispatch were drawn from the seed so far.
func (s *System) Drawn() int {
	if s.ordered == nil {
		return 0
	}
	s.ordered.mu.Lock()
	defer s.ordered.mu.Unlock()
	return s.ordered.drawn
}
