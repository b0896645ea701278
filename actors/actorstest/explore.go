package actorstest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/failshut/failshut/actors"
)

// The flags that repeat a schedule of Explore which failed.
var (
	onlySeed  = flag.Uint64("explore.seed", 0, "the one schedule that Explore runs, as a failure printed it; 0: as many as the test asks for")
	onlyDraws = flag.Int("explore.draws", -1, "how many choices of -explore.seed are drawn; less than 0: all")
)

// Explore runs a scenario under n orders of events, all different and all of them possible, and fails t with the first
// that breaks it. Each run has a fresh System on the virtual clock whose deterministic dispatch draws, at every step, which
// of the ready actors is next and whether the next timer goes before them all. The draws follow from seed, so a test that
// wants new orders each time passes a new one.
//
// A schedule that fails is made simpler: it is run again with fewer draws, after which order of arrival rules, and the
// fewest that still fail are told, with the flags that repeat just that run. The same flags give the same run, event by
// event.
//
// The scenario spawns its actors, drives the system, and fails its own testing.TB, which is not t: only Cleanup, Context,
// Helper, Log, Logf, Name, TempDir and what fails a test may be called of it. When it returns the system is stopped and
// all mailboxes must balance. It runs on a goroutine of its own and must keep nothing from one run to the next.
func Explore(t testing.TB, seed uint64, n int, scenario func(t testing.TB, s *actors.System)) {
	t.Helper()
	if *onlySeed != 0 {
		if failed := attempt(t, schedule{*onlySeed, *onlyDraws}, scenario); failed != nil {
			t.Fatal(failed)
		}
		return
	}
	draw := rand.New(rand.NewPCG(seed, 0x6578706c6f7265))
	for i := range n {
		failed := attempt(t, schedule{seed: draw.Uint64() | 1, draws: -1}, scenario)
		if failed == nil {
			continue
		}
		failed = simplest(t, failed, scenario)
		t.Fatalf("order %d of %d breaks it\n%v", i+1, n, failed)
	}
}

// schedule names an order of events.
type schedule struct {
	seed  uint64
	draws int
}

// failure is a schedule that broke the scenario, and what the scenario said.
type failure struct {
	schedule
	said  []string
	drawn int
}

// Error gives the flags that repeat the failure.
func (f *failure) Error() string {
	return fmt.Sprintf("repeat with -explore.seed=%d -explore.draws=%d\n%s", f.seed, f.draws, strings.Join(f.said, "\n"))
}

// simplest looks for the fewest draws of the same seed that fail, halving the step each time it is too large. That more
// draws fail does not say that fewer do, so what it finds is a failure, and need not be the least there is.
func simplest(t testing.TB, f *failure, scenario func(testing.TB, *actors.System)) *failure {
	f.draws = f.drawn
	for step := f.draws; step > 0; {
		if step > f.draws {
			step = f.draws
			continue
		}
		if fewer := attempt(t, schedule{f.seed, f.draws - step}, scenario); fewer != nil {
			f = fewer
			continue
		}
		step /= 2
	}
	return f
}

// attempt runs the scenario once.
func attempt(t testing.TB, of schedule, scenario func(testing.TB, *actors.System)) *failure {
	s, err := actors.New(actors.Config{
		Name: t.Name(), Clock: actors.Virtual(Start), Dispatch: actors.Deterministic(), Seed: of.seed,
		Explore: &actors.Exploration{Draws: of.draws},
	})
	if err != nil {
		t.Fatal(err)
	}
	try := &trial{TB: t, ctx: t.Context()}
	done := make(chan struct{})
	go func() { // FailNow ends a goroutine
		defer close(done)
		defer try.cleanUp()
		defer func() {
			if p := recover(); p != nil {
				try.Errorf("panic: %v", p)
			}
		}()
		scenario(try, s)
	}()
	<-done
	drawn := s.Drawn() // what the stop draws is not the scenario's
	ctx, cancel := context.WithTimeout(context.Background(), stopMax)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		try.Errorf("System.Stop() error = %v, want nil", err)
	}
	Balanced(try, s)
	if !try.Failed() {
		return nil
	}
	return &failure{of, try.said, drawn}
}

// trial is the testing.TB of one run: it keeps what it is told instead of telling it to the test.
type trial struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	said     []string
	failed   bool
	cleanups []func()
}

func (t *trial) Helper() {}

// Context is that of the test.
func (t *trial) Context() context.Context { return t.ctx }

// Cleanup calls f when the scenario has returned, the last one first.
func (t *trial) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

func (t *trial) cleanUp() {
	for {
		t.mu.Lock()
		n := len(t.cleanups)
		if n == 0 {
			t.mu.Unlock()
			return
		}
		f := t.cleanups[n-1]
		t.cleanups = t.cleanups[:n-1]
		t.mu.Unlock()
		f()
	}
}

func (t *trial) say(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, text)
}

func (t *trial) Fail() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
}

func (t *trial) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *trial) FailNow() {
	t.Fail()
	runtime.Goexit()
}

func (t *trial) Log(args ...any)                 { t.say(fmt.Sprint(args...)) }
func (t *trial) Logf(format string, args ...any) { t.say(fmt.Sprintf(format, args...)) }

func (t *trial) Error(args ...any) {
	t.Log(args...)
	t.Fail()
}

func (t *trial) Errorf(format string, args ...any) {
	t.Logf(format, args...)
	t.Fail()
}

func (t *trial) Fatal(args ...any) {
	t.Log(args...)
	t.FailNow()
}

func (t *trial) Fatalf(format string, args ...any) {
	t.Logf(format, args...)
	t.FailNow()
}
