package actors_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// spawnNothing starts an actor that takes numbers, and ends at 0.
func spawnNothing(t *testing.T, s *actors.System, name string) actors.Ref[int] {
	t.Helper()
	ref, err := actors.Spawn(s, actors.Spec[int]{
		Name: actors.Name(name), Class: "many", Box: mailbox.One(16, mailbox.Reject),
		Actor: actors.Func[int](func(_ *actors.Context[int], n int) error {
			if n == 0 {
				return actors.ErrDone
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	return ref
}

func TestTenThousandIdleActorsAndAThousandRefusedSendersUseNoCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("measures a second")
	}
	s := newShared(t)
	for i := range 10_000 {
		tellOpen(t, s, spawnNothing(t, s, fmt.Sprint(i)), 1)
	}
	hold, held := make(chan int), make(chan int, 1)
	full := spawnScript(t, s, "full", &script{})
	tellOpen(t, s, full, func() error { held <- 1; <-hold; return nil })
	await(t, s, held)
	refused := 0
	for i := range 1000 {
		sender := spawnScript(t, s, actors.Name(fmt.Sprint("sender", i)), &script{})
		told := make(chan error, 1)
		tellOpen(t, s, sender, func() error {
			err := full.Tell(func() error { return nil })
			for err == nil { // until it is full
				err = full.Tell(func() error { return nil })
			}
			told <- err
			return nil
		})
		if errors.Is(await(t, s, told), actors.ErrFull) {
			refused++
		}
	}
	if refused != 1000 {
		t.Fatalf("%d senders were refused, want 1000", refused)
	}
	runtime.GC()
	before := cpu()
	<-time.NewTimer(time.Second).C
	// 1 % of a core; what is measured is a fiftieth of that.
	if used := cpu() - before; used > 10*time.Millisecond {
		t.Errorf("10,000 idle actors and 1,000 refused senders used %s of CPU in 1 s", used)
	}
	close(hold)
	stop(t, s)
}

// A system in which every order has an actor of its own must not keep something of each for ever.
func TestActorsThatEndedAreForgotten(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 3_000
	}
	s := newShared(t)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) //nolint:gosec // far below 2⁶³
	}
	names := 0
	live := func(times int) {
		for range times {
			names++
			tellOpen(t, s, spawnNothing(t, s, fmt.Sprint("order ", names)), 0)
		}
	}
	ended := func() (n int) {
		for _, b := range s.Boxes() {
			n += b.Ended
		}
		return n
	}
	live(n) // the engine's registry takes its memory at first use
	for ended() < names {
		runtime.Gosched()
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	live(n)
	for ended() < names {
		runtime.Gosched()
	}
	if kept := heap() - before; kept > 1<<20 && !testing.Short() {
		t.Errorf("%d actors that ended keep %d bytes, want less than 1 MB", n, kept)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines, want %d as before", now, goroutines)
	}
	boxes := s.Boxes()
	if len(boxes) != 257 || boxes[0].Name != "" || boxes[0].Class != "many" {
		t.Fatalf("%d lines, the first %q of class %q, want the last 256 and the sum of the class", len(boxes), boxes[0].Name, boxes[0].Class)
	}
	var handled uint64
	for _, b := range boxes {
		handled += b.Total().Handled
		if tot := b.Total(); !tot.Balanced() {
			t.Errorf("%q does not balance: %+v", b.Name, tot)
		}
	}
	if handled != uint64(names) { //nolint:gosec // positive
		t.Errorf("%d messages handled, want %d", handled, names)
	}
	stop(t, s)
}

func TestAForgottenNameIsFoundAgainAndItsEpochsRise(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		first := spawnNothing(t, s, "first")
		address := actors.Follow[int](s, "first")
		end := func(name string) actors.Ref[int] {
			ended := exits(s)
			ref := spawnNothing(t, s, name)
			tellOpen(t, s, ref, 0)
			await(t, s, ended)
			return ref
		}
		ended := exits(s)
		tellOpen(t, s, first, 0)
		await(t, s, ended)
		for i := range 300 {
			end(fmt.Sprint(i))
		}
		if err := address.Tell(1); !errors.Is(err, actors.ErrUnknown) {
			t.Fatalf("Tell() to a forgotten name = %v, want ErrUnknown", err)
		}
		again := spawnNothing(t, s, "first")
		if again.Epoch() <= first.Epoch() {
			t.Errorf("epoch %d after %d, want a later one", again.Epoch(), first.Epoch())
		}
		if err := address.Tell(1); err != nil {
			t.Errorf("Tell() by the old address = %v, want nil", err)
		}
		if err := first.Tell(1); !errors.Is(err, actors.ErrFenced) {
			t.Errorf("Tell() by the old Ref = %v, want ErrFenced", err)
		}
	})
}

// A Late exit names its incarnation by name and epoch, and what a supervisor begins has its epochs in journals.
func TestWhatWasAbandonedOrSupervisedIsNotForgotten(t *testing.T) {
	s := newShared(t)
	hold, held := make(chan int), make(chan int, 1)
	hung := spawnScript(t, s, "hung", &script{})
	tellOpen(t, s, hung, func() error { held <- 1; <-hold; return nil })
	await(t, s, held)
	if err := s.Abandon("hung", 1); err != nil {
		t.Fatal(err)
	}
	life := begin(t, s, "supervised")
	life.End(false)
	for i := range 300 {
		ended := exits(s)
		tellOpen(t, s, spawnNothing(t, s, fmt.Sprint(i)), 0)
		await(t, s, ended)
	}
	for _, name := range []string{"hung", "supervised"} {
		l, err := s.Begin(actors.Birth{Name: actors.Name(name)})
		if err != nil || l.Epoch() != 2 {
			t.Errorf("Begin(%s) = epoch %d, %v, want 2: the name is remembered", name, l.Epoch(), err)
		}
	}
	close(hold)
	stop(t, s)
}
