package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// The engine deadlocks an actor that sends to its own full mailbox.
func TestT03TellToAFullOwnBoxIsAnswered(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		got := make(chan error, 1)
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Box: mailbox.One(2, mailbox.Reject),
			Actor: actors.Func[int](func(c *actors.Context[int], m int) error {
				if m != 1 {
					return nil
				}
				for range 2 {
					if err := c.Self().Tell(2); err != nil {
						t.Errorf("Tell() with room = %v", err)
					}
				}
				got <- c.Self().Tell(2)
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		tellOpen(t, s, ref, 1)
		if err := await(t, s, got); !errors.Is(err, actors.ErrFull) {
			t.Fatalf("Tell() to a full own box = %v, want ErrFull", err)
		}
	})
}

// The engine discards the mailbox of a stopped actor silently; here every message is handled or a dead letter.
func TestT06EveryQueuedMessageIsAccountedForAtStop(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		ref := spawnScript(t, s, "a", &script{})
		var handled atomic.Int64
		hold, held := make(chan int), make(chan int, 1)
		tellOpen(t, s, ref, func() error {
			handled.Add(1)
			held <- 1
			if !s.Deterministic() {
				<-hold
			}
			return nil
		})
		if !s.Deterministic() {
			<-held
		}
		sent := 1
		for range 990 {
			if ref.Tell(func() error { handled.Add(1); return nil }) == nil {
				sent++
			}
		}
		if err := s.StopActor("a", 1); err != nil {
			t.Fatal(err)
		}
		close(hold)
		await(t, s, ended)
		dead := s.DeadCounts()[actors.DeadCount{Class: "script", Reason: mailbox.Stopped}]
		if n := int(handled.Load()) + int(dead); n != sent || sent != 991 {
			t.Fatalf("handled %d + dead letters %d = %d, want %d", handled.Load(), dead, n, sent)
		}
		if dead == 0 {
			t.Fatal("stop did not go ahead of the queued data")
		}
	})
}

// In the engine a panic while stopping, or a restart, brings the actor back, or hangs its parent; messages come after
// Stopping.
func TestT07T08T09T10NothingIsHandledAfterStoppingBegan(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		a := &script{log: make(chan string, 10)}
		var ref actors.Ref[func() error]
		a.stopping = func(actors.Reason) error {
			if err := ref.Tell(func() error { a.note("handled after stopping"); return nil }); !errors.Is(err, actors.ErrClosed) {
				a.note("Tell() while stopping = %v, want ErrClosed", err)
			}
			panic("while stopping")
		}
		ref = spawnScript(t, s, "a", a)
		tellOpen(t, s, ref, func() error { return nil })
		if err := s.StopActor("a", 0); err != nil {
			t.Fatal(err)
		}
		if x := await(t, s, ended); x.Reason != actors.ReasonCrash {
			t.Fatalf("reason = %s, want crash", x.Reason)
		}
		close(a.log)
		var log []string
		for l := range a.log {
			log = append(log, l)
		}
		if got := strings.Join(log, ", "); got != "starting, stopping shutdown" {
			t.Fatalf("what happened: %s", got)
		}
	})
}

// The engine resumes a failed actor, whose half-changed state then handles the next message.
func TestT11AFailedInstanceNeverSeesAnotherMessage(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		a := &script{log: make(chan string, 10)}
		ref := spawnScript(t, s, "a", a)
		hold, held := make(chan int), make(chan int, 1)
		tellOpen(t, s, ref, func() error {
			held <- 1
			if !s.Deterministic() {
				<-hold
			}
			panic("half-way")
		})
		if !s.Deterministic() {
			<-held
		}
		for range 10 {
			if err := ref.Tell(func() error { a.note("handled"); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		close(hold)
		await(t, s, ended)
		close(a.log)
		var log []string
		for l := range a.log {
			log = append(log, l)
		}
		if got := strings.Join(log, ", "); got != "starting, stopping crash" {
			t.Fatalf("what happened: %s", got)
		}
		if n := s.DeadCounts()[actors.DeadCount{Class: "script", Reason: mailbox.Restarted}]; n != 10 {
			t.Fatalf("%d dead letters, want 10", n)
		}
	})
}

// In the engine a parent is told twice that its child has terminated.
func TestT17EveryPartTellsExactlyOneExit(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	s.OnExit(func(x actors.Exit) { told[fmt.Sprint(x.Name, x.Part)]++ })
	ends := map[actors.Name]func(n actors.Name) error{
		"stopped twice":           func(n actors.Name) error { return errors.Join(s.StopActor(n, 0), s.StopActor(n, 0)) },
		"stopped, killed":         func(n actors.Name) error { return errors.Join(s.StopActor(n, 0), s.Kill(n, 0)) },
		"killed twice":            func(n actors.Name) error { return errors.Join(s.Kill(n, 0), s.Kill(n, 0)) },
		"stopped, then abandoned": func(n actors.Name) error { return errors.Join(s.StopActor(n, 0), s.Abandon(n, 0)) },
		"stopped by the system":   func(actors.Name) error { return nil },
	}
	for n, end := range ends {
		l := begin(t, s, n)
		if _, err := actors.Spawn(s, actors.Spec[func() error]{Life: l, Box: mailbox.One(1, mailbox.Reject), Actor: &script{}}); err != nil {
			t.Fatal(err)
		}
		err := l.Run("/reader", func(ctx context.Context, out actors.Outside) error {
			return out.Until(ctx, out.Now().Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if err := end(n); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, s)
	for n := range ends {
		if told[string(n)] != 1 || told[string(n)+"/reader"] != 1 {
			t.Errorf("%s: %d exits of the actor, %d of the reader, want one each", n, told[string(n)], told[string(n)+"/reader"])
		}
	}
	if len(told) != 2*len(ends) {
		t.Errorf("exits: %v", told)
	}
}

// The engine runs the producer before it finds that the name is taken, and hands out the living actor.
func TestT18ATakenNameIsRefused(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		spawnScript(t, s, "a", &script{})
		second := &script{log: make(chan string, 1)}
		ref, err := actors.Spawn(s, actors.Spec[func() error]{Name: "a", Box: mailbox.One(1, mailbox.Reject), Actor: second})
		if !errors.Is(err, actors.ErrNameTaken) || ref != (actors.Ref[func() error]{}) {
			t.Fatalf("Spawn() = %v, %v, want ErrNameTaken and the zero Ref", ref, err)
		}
		if len(second.log) != 0 {
			t.Fatal("the second actor was started")
		}
		if _, err := s.Begin(actors.Birth{Name: "a"}); !errors.Is(err, actors.ErrNameTaken) {
			t.Fatalf("Begin() = %v, want ErrNameTaken", err)
		}
	})
}

// In the engine a send between registration and start panics the sender, and the actor never runs.
func TestT19TenThousandSpawnsWithConcurrentTell(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(0)})
	if err != nil {
		t.Fatal(err)
	}
	var handled, accepted, refused atomic.Int64
	refs := make(chan actors.Address[int], 64)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for a := range refs {
				for range 3 {
					if err := a.Tell(1); err == nil {
						accepted.Add(1)
					} else {
						refused.Add(1)
					}
				}
			}
		})
	}
	count := actors.Func[int](func(*actors.Context[int], int) error { handled.Add(1); return nil })
	spec := func(i int) actors.Spec[int] {
		return actors.Spec[int]{Name: actors.Name(fmt.Sprint("a", i)), Class: "many", Box: mailbox.One(8, mailbox.Reject), Actor: count}
	}
	for i := range n / 2 {
		refs <- actors.Follow[int](s, spec(i).Name)
		if _, err := actors.Spawn(s, spec(i)); err != nil {
			t.Fatal(err)
		}
	}
	// The other half is spawned by a handler.
	ended := exits(s)
	spawner := spawnScript(t, s, "spawner", &script{})
	tellOpen(t, s, spawner, func() error {
		for i := n / 2; i < n; i++ {
			refs <- actors.Follow[int](s, spec(i).Name)
			if _, err := actors.Spawn(s, spec(i)); err != nil {
				return err
			}
		}
		return actors.ErrDone
	})
	if x := await(t, s, ended); x.Reason != actors.ReasonNormal {
		t.Fatalf("the spawner ended with %s: %v", x.Reason, x.Err)
	}
	s.OnExit(func(actors.Exit) {})
	close(refs)
	wg.Wait()
	stop(t, s)
	dead := s.DeadCounts()[actors.DeadCount{Class: "many", Reason: mailbox.Shutdown}]
	if got := handled.Load() + int64(dead); got != accepted.Load() || accepted.Load()+refused.Load() != int64(3*n) {
		t.Fatalf("handled %d + dead %d, accepted %d, refused %d, want all of %d told", handled.Load(), dead, accepted.Load(), refused.Load(), 3*n)
	}
	if boxes := s.Boxes(); len(boxes) != n+1 {
		t.Fatalf("%d boxes, want %d", len(boxes), n+1)
	}
}

// A Goexit in a handler costs the engine its actor without a word; here the worker is replaced too.
func TestT20GoexitDoesNotShrinkThePool(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(1), PoisonAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	ended := exits(s)
	for i := range 20 {
		ref := spawnScript(t, s, "a", &script{})
		tellOpen(t, s, ref, func() error { runtime.Goexit(); return nil })
		if x := await(t, s, ended); x.Reason != actors.ReasonGoexit || x.Epoch != actors.Epoch(i+1) {
			t.Fatalf("exit = %+v, want goexit of epoch %d", x, i+1)
		}
	}
	stop(t, s)
}

// The engine waits ten seconds for whoever hangs, whatever was asked for.
func TestT21StopEndsWhenItsContextDoesAndNamesWhoHangs(t *testing.T) {
	t.Run("returns late", func(t *testing.T) { hangs(t, func() error { return nil }) })
	t.Run("panics late", func(t *testing.T) { hangs(t, func() error { panic("late") }) })
}

func hangs(t *testing.T, end func() error) {
	t.Helper()
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(1)})
	if err != nil {
		t.Fatal(err)
	}
	ended := exits(s)
	ref := spawnScript(t, s, "hung", &script{})
	held, hold := make(chan int, 1), make(chan int)
	tellOpen(t, s, ref, func() error { held <- 1; <-hold; return end() })
	await(t, s, held)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, actors.ErrUnstopped) || !strings.Contains(err.Error(), "hung#1") {
		t.Fatalf("Stop() error = %v, want ErrUnstopped naming hung#1", err)
	}
	if z := s.Zombies(); len(z) != 1 || z[0].Name != "hung" {
		t.Fatalf("Zombies() = %+v", z)
	}
	if err := ref.Tell(nil); !errors.Is(err, actors.ErrFenced) {
		t.Fatalf("Tell() = %v, want ErrFenced", err)
	}
	close(hold)
	if x := await(t, s, ended); !x.Late {
		t.Fatalf("exit = %+v, want a late one", x)
	}
	if z := s.Zombies(); len(z) != 0 {
		t.Fatalf("Zombies() = %+v, want none", z)
	}
}

// The engine leaves actors running at shutdown, and panics at the second call.
func TestT23StopLeavesNothingRunningAndTwiceIsHarmless(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		for i := range 100 {
			spawnScript(t, s, actors.Name(fmt.Sprint("a", i)), &script{})
		}
		l := begin(t, s, "w")
		err := l.Run("r", func(ctx context.Context, out actors.Outside) error {
			return out.Until(ctx, out.Now().Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		stop(t, s)
		stop(t, s)
		if _, err := s.Begin(actors.Birth{Name: "late"}); !errors.Is(err, actors.ErrStopped) {
			t.Fatalf("Begin() after Stop = %v, want ErrStopped", err)
		}
	})
}

// The engine hands out its own list of children, and panics on a nil address.
func TestT25ZeroAddressesAnswerAndListingsAreCopies(t *testing.T) {
	if err := (actors.Ref[int]{}).Tell(1); !errors.Is(err, actors.ErrUnknown) {
		t.Errorf("zero Ref: %v, want ErrUnknown", err)
	}
	if err := (actors.Address[int]{}).Tell(1); !errors.Is(err, actors.ErrUnknown) {
		t.Errorf("zero Address: %v, want ErrUnknown", err)
	}
	if err := (actors.Fence{}).Check(); !errors.Is(err, actors.ErrFenced) {
		t.Errorf("zero Fence: %v, want ErrFenced", err)
	}
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		spawnScript(t, s, "a", &script{})
		s.Boxes()[0].Name = "changed"
		if n := s.Boxes()[0].Name; n != "a" {
			t.Errorf("a caller changed the name to %s", n)
		}
	})
}

// The engine's restart loses the stack of the panic.
func TestT27TheStackNamesTheLineOfThePanic(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		ref := spawnScript(t, s, "a", &script{})
		tellOpen(t, s, ref, explode)
		x := await(t, s, ended)
		if !strings.Contains(string(x.Stack), "actors_test.explode(") || x.MessageType != "func() error" {
			t.Fatalf("message type %q, stack:\n%s", x.MessageType, x.Stack)
		}
	})
}

func explode() error { panic("here") }
