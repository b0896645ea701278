package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// Config describes a System. Clock and Dispatch have no default.
type Config struct {
	// Name labels the system in logs.
	Name string
	// Clock is Real() or Virtual(start).
	Clock Clock
	// Dispatch is Shared(n) or Deterministic(). The virtual clock makes every dispatch deterministic; the
	// deterministic dispatch refuses the real clock.
	Dispatch Dispatch
	// Seed draws the order of the deterministic dispatch, 0 is order of arrival, and feeds Rand.
	Seed uint64
	// AskMax is how long an ask without a deadline waits for its answer; 0 is 5 seconds.
	AskMax time.Duration
	// PoisonAfter is how many incarnations of one name a message may end within 10 minutes, as a crash, a Goexit or an
	// error, before the next one of its fingerprint is put in quarantine; 0 is 2, less than 0 is no quarantine.
	PoisonAfter int
	// Explore widens what a Seed may do, for tests that look for an order of events that breaks something; nil: nothing.
	Explore *Exploration
	// Log is where changes of state are told; nil discards.
	Log *slog.Logger
	// Events are the hooks of the system, Boxes those of every mailbox in it that has none of its own.
	Events Events
	Boxes  mailbox.Events
}

// Exploration is how a deterministic system is driven through unlikely orders: with a Seed, a timer may also fire while
// actors are ready, as it does where handlers are slow.
type Exploration struct {
	// Draws is how many choices are drawn from the Seed; after them order of arrival rules. Less than 0: all are. A failure
	// that needs few draws is easier to read.
	Draws int
}

// Validate lists every mistake of the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Clock == nil {
		errs = append(errs, errors.New("clock is missing, want Real() or Virtual(start)"))
	}
	if c.Dispatch.kind == 0 {
		errs = append(errs, errors.New("dispatch is missing, want Shared(n) or Deterministic()"))
	}
	if _, virtual := c.Clock.(*virtualClock); c.Dispatch.kind == deterministicKind && c.Clock != nil && !virtual {
		errs = append(errs, errors.New("dispatch is deterministic and the clock real, want Virtual(start)"))
	}
	if c.Dispatch.workers < 0 {
		errs = append(errs, fmt.Errorf("workers = %d, want 0 or more", c.Dispatch.workers))
	}
	if c.AskMax < 0 {
		errs = append(errs, fmt.Errorf("ask max = %s, want 0 or more", c.AskMax))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(errs...))
}

// askMax is the AskMax of a Config that has none.
const askMax = 5 * time.Second

// System is a set of actors under one clock and one dispatch. Safe for any number of goroutines, except for
// Drive.
type System struct {
	name        string
	clock       Clock
	virtual     *virtualClock // nil under the real clock
	dispatch    dispatcher
	ordered     *deterministic // nil under the shared dispatch
	pool        *shared        // nil under the deterministic one
	timers      timers
	patience    patience
	quarantine  quarantine
	poisonAfter int
	log         *slog.Logger
	events      Events
	hooks       hooks
	boxes       mailbox.Events
	onExit      atomic.Pointer[func(Exit)]
	dead        deadLetters
	engine      *engine

	randMu sync.Mutex
	rand   *rand.Rand

	mu       sync.Mutex
	entries  map[Name]*entry
	memory   memory
	lives    map[*Life]struct{}
	loops    map[*Loop]struct{} // that have not ended
	zombies  []*Life
	serial   uint64
	stopping bool
	drained  chan struct{} // closed when stopping and no life is left

	timerOnce sync.Once
	timerWake chan struct{}
	timerStop chan struct{}
	timerDone chan struct{}
	stopOnce  sync.Once
}

// New makes a System. It starts nothing: workers and the timer begin with the first actor.
func New(cfg Config) (*System, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &System{
		name:    cfg.Name,
		clock:   cfg.Clock,
		log:     cfg.Log,
		events:  cfg.Events,
		boxes:   cfg.Boxes,
		engine:  newEngine(),
		rand:    rand.New(rand.NewPCG(cfg.Seed, 0x6661696c73687574)),
		entries: make(map[Name]*entry),
		lives:   make(map[*Life]struct{}),
		loops:   make(map[*Loop]struct{}),
		drained: make(chan struct{}),
	}
	s.patience.sys, s.patience.max = s, int64(cmp.Or(cfg.AskMax, askMax))
	s.poisonAfter = cmp.Or(cfg.PoisonAfter, poisonAfter)
	s.patience.pos, s.patience.owns = -1, &s.patience
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if v, ok := cfg.Clock.(*virtualClock); ok {
		s.virtual = v
		s.ordered = newDeterministic(cfg)
		s.dispatch = s.ordered
		return s, nil
	}
	s.pool = newShared(cfg.Dispatch.workers, s.timerMoved)
	s.dispatch = s.pool
	s.timerWake = make(chan struct{}, 1)
	s.timerStop = make(chan struct{})
	s.timerDone = make(chan struct{})
	s.timers.moved = s.timerMoved
	return s, nil
}

// timerMoved makes the timer goroutine look again. It takes no lock.
func (s *System) timerMoved() {
	s.timerOnce.Do(func() {
		go func() {
			defer close(s.timerDone)
			runTimers(&s.timers, s.pool, s.clock, s.timerWake, s.timerStop)
		}()
	})
	select {
	case s.timerWake <- struct{}{}:
	default:
	}
}

// Name is the name given in Config.
func (s *System) Name() string { return s.name }

// Now is the present time of the system's clock.
func (s *System) Now() time.Time { return s.clock.Now() }

// Instant is t in nanoseconds of the system's monotonic clock: since Real was called, or since the start of
// the virtual clock.
func (s *System) Instant(t time.Time) int64 { return int64(t.Sub(s.clock.origin())) }

// Mono is the present Instant, cheaper than Instant(Now()).
func (s *System) Mono() int64 { return s.clock.instant() }

// TimeOf is the time of an Instant.
func (s *System) TimeOf(instant int64) time.Time {
	return s.clock.origin().Add(time.Duration(instant))
}

// Deterministic says whether the system must be driven.
func (s *System) Deterministic() bool { return s.ordered != nil }

// Rand draws from the source seeded with Config.Seed. Under the deterministic dispatch the draws are the same
// in every run.
func (s *System) Rand() uint64 {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	return s.rand.Uint64()
}

// Log is the logger of the system, never nil.
func (s *System) Log() *slog.Logger { return s.log }

// OnExit sets the guardian: f is told every Exit, on the goroutine where the part ended and after its mailbox
// was closed. f must not block. A second call replaces the first.
func (s *System) OnExit(f func(Exit)) { s.onExit.Store(&f) }

func (s *System) tellExit(e Exit) {
	s.hooks.ended(&s.events, e)
	if f := s.onExit.Load(); f != nil && *f != nil {
		(*f)(e)
	}
}

// entry gives or makes the entry of a name.
func (s *System) entry(n Name) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entryLocked(n)
}

func (s *System) entryLocked(n Name) *entry {
	e := s.entries[n]
	if e == nil {
		e = &entry{sys: s, name: n}
		e.target.Store(&target{err: ErrUnknown})
		s.entries[n] = e
	}
	return e
}

// living finds an incarnation that has not ended; epoch 0 means the present one.
func (s *System) living(n Name, epoch Epoch) *Life {
	s.mu.Lock()
	e := s.entries[n]
	s.mu.Unlock()
	if e == nil {
		return nil
	}
	l := e.current()
	if l == nil || epoch != 0 && l.epoch != epoch {
		return nil
	}
	return l
}

// StopActor asks an incarnation to stop: its context is cancelled, its actor is told ahead of all data, its
// Stopping runs. ErrFenced when that incarnation is not alive.
func (s *System) StopActor(n Name, epoch Epoch) error { return s.with(n, epoch, (*Life).Stop) }

// Abandon leaves an incarnation behind: it is fenced, its mailbox goes to dead letters, its name is free. What
// is left of it is named by Zombies until it ends. ErrFenced when that incarnation is not alive.
func (s *System) Abandon(n Name, epoch Epoch) error { return s.with(n, epoch, (*Life).Abandon) }

// Hang does what the watchdog does to an incarnation that hangs: it is left behind as by Abandon, and its Exit, with ReasonHung,
// is told at once. It is for the deterministic dispatch, on which nothing can hang and no watchdog runs: an actor that calls it in
// its own turn goes on as one that comes back late, fenced. ErrFenced when that incarnation is not alive.
func (s *System) Hang(n Name, epoch Epoch) error {
	return s.with(n, epoch, func(l *Life) { l.hang("") })
}

// Kill ends an incarnation without its Stopping: fenced and closed at once, its exit follows when the handler
// it may be in returns. ErrFenced when that incarnation is not alive.
func (s *System) Kill(n Name, epoch Epoch) error { return s.with(n, epoch, (*Life).Kill) }

func (s *System) with(n Name, epoch Epoch, do func(*Life)) error {
	l := s.living(n, epoch)
	if l == nil {
		return fmt.Errorf("%w: %s#%d", ErrFenced, n, epoch)
	}
	do(l)
	return nil
}

// Expect says what a Tell to a name without an incarnation gets: ErrSuspended if it will be started again,
// else ErrUnknown. Without it, a name that ended abnormally is expected back.
func (s *System) Expect(n Name, again bool) { s.entry(n).expect(again) }

// Stop stops everything that runs in the system, latest first, waits for it until ctx ends, then abandons what
// is left and names it in an error that matches ErrUnstopped. Under the deterministic dispatch it drives the
// system itself. Stopping again is harmless. It must not be called from a handler.
func (s *System) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	all := make([]*Life, 0, len(s.lives))
	for l := range s.lives {
		all = append(all, l)
	}
	if len(all) == 0 {
		s.stopOnce.Do(func() { close(s.drained) })
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *Life) int { return cmp.Compare(b.serial, a.serial) })
	for _, l := range all {
		l.Stop()
		l.endIfEmpty()
	}
	unstopped := s.await(ctx, all)
	entries, _ := s.allEntries()
	for _, e := range entries {
		e.giveUp()
	}
	s.dropQuarantine()
	if err := s.halt(ctx); err != nil {
		return err
	}
	if len(unstopped) > 0 {
		return fmt.Errorf("%w: %s", ErrUnstopped, strings.Join(unstopped, " "))
	}
	return nil
}

// await waits for the lives to end and abandons those that do not.
func (s *System) await(ctx context.Context, all []*Life) []string {
	if s.ordered != nil {
		_ = s.Drive(ctx, func() bool { return s.count() == 0 })
	} else {
		select {
		case <-s.drained:
		case <-ctx.Done():
		}
	}
	var left []string
	for _, l := range all {
		if l.Abandoned() || !l.isOver.Load() {
			l.Abandon()
			left = append(left, fmt.Sprintf("%s#%d", l.name, l.epoch))
		}
	}
	if s.ordered != nil {
		// What was left behind may now find out that it is fenced and end.
		_ = s.Drive(ctx, nil)
	}
	return left
}

// halt ends the workers and the timer goroutine.
func (s *System) halt(ctx context.Context) error {
	if s.ordered != nil {
		return nil
	}
	// Zombies that only wait end by themselves now; those in a handler do not count as workers any more.
	if err := s.dispatch.stop(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	for _, l := range s.allLoops() {
		if err := l.stop(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	s.timers.mu.Lock()
	s.timerOnce.Do(func() { close(s.timerDone) })
	select {
	case <-s.timerStop:
	default:
		close(s.timerStop)
	}
	s.timers.mu.Unlock()
	<-s.timerDone
	return nil
}

// allEntries lists the names, and in the same cut what the forgotten ones have counted.
func (s *System) allEntries() ([]*entry, []BoxStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.entries)), s.forgottenBoxes()
}

func (s *System) allLoops() []*Loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.loops))
}

func (s *System) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lives)
}
