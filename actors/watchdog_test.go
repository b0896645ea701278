package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// inBubble gives a system of n workers on the bubble's clock.
func inBubble(t *testing.T, n int, test func(t *testing.T, s *actors.System, pass func(time.Duration))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(n)})
		if err != nil {
			t.Fatal(err)
		}
		test(t, s, func(d time.Duration) {
			w := time.NewTimer(d)
			<-w.C
			synctest.Wait()
		})
		stop(t, s)
	})
}

func TestAHangingHandlerIsAbandonedAndItsWorkerReplaced(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *actors.System, pass func(time.Duration)) {
		ended := exits(s)
		ref, err := actors.Spawn(s, actors.Spec[chan int]{
			Name: "a", Watchdog: time.Second, Box: mailbox.One(10, mailbox.Reject),
			Actor: actors.Func[chan int](func(_ *actors.Context[chan int], hold chan int) error { <-hold; return nil }),
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second) // idle is not hung
		hold := make(chan int)
		for range 3 {
			if err := ref.Tell(hold); err != nil {
				t.Fatal(err)
			}
		}
		pass(900 * time.Millisecond)
		if len(ended) != 0 {
			t.Fatalf("abandoned too early: %+v", <-ended)
		}
		pass(400 * time.Millisecond)
		if x := <-ended; x.Reason != actors.ReasonHung || x.Late || x.Left != 1 {
			t.Fatalf("exit = %+v, want hung", x)
		}
		if err := ref.Tell(hold); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("Tell() = %v, want ErrFenced", err)
		}
		if n := s.DeadCounts()[actors.DeadCount{Reason: mailbox.Abandoned}]; n != 2 {
			t.Fatalf("%d dead letters, want the 2 that waited", n)
		}
		// The one worker is stuck, and still the next incarnation works.
		handled := make(chan int, 1)
		next := spawnScript(t, s, "a", &script{})
		pass(0)
		if err := next.Tell(func() error { handled <- 1; return nil }); err != nil {
			t.Fatal(err)
		}
		<-handled
		close(hold)
		if x := <-ended; !x.Late || x.Epoch != 1 {
			t.Fatalf("exit = %+v, want the late end of epoch 1", x)
		}
	})
}

func TestARunFunctionThatDoesNotBeatIsHung(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *actors.System, pass func(time.Duration)) {
		ended := exits(s)
		l, err := s.Begin(actors.Birth{Name: "w", Watchdog: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		hold := make(chan int)
		err = l.Run("reader", func(ctx context.Context, out actors.Outside) error {
			if err := out.Until(ctx, out.Now().Add(time.Minute)); err != nil { // waiting here is alive
				return err
			}
			for range 10 {
				w := time.NewTimer(900 * time.Millisecond)
				<-w.C
				out.Beat()
			}
			<-hold
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(69 * time.Second)
		if len(ended) != 0 {
			t.Fatalf("ended too early: %+v", <-ended)
		}
		pass(1500 * time.Millisecond)
		if x := <-ended; x.Reason != actors.ReasonHung || x.Part != "reader" {
			t.Fatalf("exit = %+v, want reader hung", x)
		}
		if err := l.Fence().Check(); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("fence = %v, want ErrFenced", err)
		}
		close(hold)
		if x := <-ended; !x.Late {
			t.Fatalf("exit = %+v, want a late one", x)
		}
	})
}

// A worker that was given up is replaced once, however the handler that held it ends.
func TestAnAbandonedHandlerCostsNoWorkerHoweverItEnds(t *testing.T) {
	tests := map[string]func() error{
		"returns": func() error { return nil },
		"fails":   func() error { return errors.New("boom") },
		"panics":  func() error { panic("late") },
		"Goexit":  func() error { runtime.Goexit(); return nil },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *actors.System, pass func(time.Duration)) {
				for range 3 {
					hold := make(chan int)
					ref := spawnScript(t, s, "a", &script{})
					pass(0)
					if err := ref.Tell(func() error { <-hold; return end() }); err != nil {
						t.Fatal(err)
					}
					pass(0)
					if err := s.Abandon("a", 0); err != nil {
						t.Fatal(err)
					}
					close(hold)
					pass(0)
					if counted, parked := actors.Workers(s); counted != 1 || parked != 1 {
						t.Fatalf("%d workers counted, %d parked, want 1", counted, parked)
					}
				}
			})
		})
	}
}

func TestBlockedHandlersDoNotHoldUpTheOthers(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *actors.System, pass func(time.Duration)) {
		hold := make(chan int)
		for i := range 5 {
			ref := spawnScript(t, s, actors.Name(fmt.Sprint("blocked", i)), &script{})
			pass(20 * time.Millisecond)
			if err := ref.Tell(func() error { <-hold; return nil }); err != nil {
				t.Fatal(err)
			}
			pass(20 * time.Millisecond)
		}
		handled := make(chan int, 1)
		ref := spawnScript(t, s, "cancel", &script{})
		pass(20 * time.Millisecond)
		if err := ref.Tell(func() error { handled <- 1; return nil }); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Millisecond)
		if len(handled) != 1 {
			t.Fatal("one actor waits behind the blocked ones")
		}
		close(hold)
	})
}

func TestAFloodedActorLeavesTurnsToTheOthers(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(1)})
	if err != nil {
		t.Fatal(err)
	}
	// One actor feeds itself for ever; a light one is handled all the same.
	flood, err := actors.Spawn(s, actors.Spec[int]{
		Name: "flood", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[int](func(c *actors.Context[int], m int) error { return c.Self().Tell(m + 1) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	tellOpen(t, s, flood, 0)
	light := spawnScript(t, s, "light", &script{})
	for range 100 {
		handled := make(chan int, 1)
		tellOpen(t, s, light, func() error { handled <- 1; return nil })
		await(t, s, handled)
	}
	stop(t, s)
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quiet lets a quarter of a second pass, in which the process must use next to no CPU.
func quiet(t *testing.T, who string) {
	t.Helper()
	before := cpu()
	wait := time.NewTimer(250 * time.Millisecond)
	<-wait.C
	if used := cpu() - before; used > 25*time.Millisecond {
		t.Errorf("%s used %s of CPU in 250 ms", who, used)
	}
}

// The engine's dropping mailbox loops for ever after a drop, and its bounded one spins: one waiting sender takes
// 221 ms of CPU a second.
func TestT01T02IdleActorsAndWaitingSendersUseNoCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("measures half a second")
	}
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		t.Fatal(err)
	}
	hold, held := make(chan int), make(chan int, 1)
	var handled atomic.Int64
	box := mailbox.Config{}
	box.Lanes[mailbox.Reports-1] = mailbox.LaneConfig{Cap: 10, Policy: mailbox.Block}
	ref, err := actors.Spawn(s, actors.Spec[int]{
		Name: "a", Box: box,
		Actor: actors.Func[int](func(*actors.Context[int], int) error {
			if handled.Add(1) == 1 {
				held <- 1
				<-hold
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	tellOpen(t, s, ref, 0)
	await(t, s, held)
	l := begin(t, s, "senders")
	for i := range 1000 {
		err := l.Run(fmt.Sprint(i), func(ctx context.Context, out actors.Outside) error { return ref.OfferWait(ctx, out, i) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for s.Boxes()[0].Lanes[mailbox.Reports-1].Waiting < 990 {
		runtime.Gosched()
	}
	quiet(t, "1000 waiting senders")
	close(hold)
	for l.Parts() > 0 {
		runtime.Gosched()
	}
	if n := handled.Load(); n < 991 {
		t.Errorf("handled %d, want at least 991", n)
	}
	for s.Boxes()[0].Total().Queued > 0 {
		runtime.Gosched()
	}
	quiet(t, "an actor that has drained its mailbox")
	stop(t, s)
	for _, b := range s.Boxes() {
		if tot := b.Total(); tot.Accepted != 1001 || tot.Handled != 1001 || !tot.Balanced() {
			t.Errorf("box %+v, want 1001 accepted and handled", tot)
		}
	}
}

// Engine metrics keep 2.9 KB of every actor that ever lived.
func TestRespawnsKeepNoMemory(t *testing.T) {
	n := 100_000
	if testing.Short() {
		t.Skip("200,000 respawns")
	}
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	respawn := func(times int) {
		for range times {
			ref := spawnScript(t, s, "a", &script{})
			_ = s.Drive(t.Context(), ref.Open)
			_ = ref.Tell(func() error { return actors.ErrDone })
			_ = s.Drive(t.Context(), nil)
		}
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	// The engine's registry is 32,768 little maps, each of which takes its memory at its first use.
	respawn(n)
	before := heap()
	respawn(n)
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d respawns keep %d bytes", n, after-before)
	}
	b := s.Boxes()
	if len(b) != 1 || b[0].Ended != 2*n || b[0].Total().Handled != uint64(2*n) {
		t.Errorf("boxes = %+v", b)
	}
	stop(t, s)
}

// TestAHangCanBePlayedWhereNoWatchdogRuns lets an actor of the deterministic dispatch be left behind in its own turn.
func TestAHangCanBePlayedWhereNoWatchdogRuns(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	ended := exits(s)
	late := make(chan error, 1)
	ref, err := actors.Spawn(s, actors.Spec[int]{
		Name: "a", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[int](func(c *actors.Context[int], _ int) error {
			if err := c.System().Hang(c.Name(), c.Epoch()); err != nil {
				return err
			}
			late <- c.Fence().Check()
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(t.Context(), time.Second); err != nil { // it starts
		t.Fatal(err)
	}
	if err := ref.Tell(1); err != nil {
		t.Fatal(err)
	}
	if x := await(t, s, ended); x.Reason != actors.ReasonHung || x.Late {
		t.Errorf("the first exit is %q, late %v, want hung at once", x.Reason, x.Late)
	}
	if err := await(t, s, late); !errors.Is(err, actors.ErrFenced) {
		t.Errorf("behind its hang the fence says %v, want %v", err, actors.ErrFenced)
	}
	if x := await(t, s, ended); !x.Late {
		t.Errorf("the second exit is %q, want a late one", x.Reason)
	}
	if err := s.Hang("a", 1); !errors.Is(err, actors.ErrFenced) {
		t.Errorf("Hang() of what is over = %v, want %v", err, actors.ErrFenced)
	}
	stop(t, s)
}
