package actors_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

func newLoop(t testing.TB, s *actors.System, w actors.Wait) *actors.Loop {
	t.Helper()
	l, err := s.NewLoop(actors.LoopConfig{Name: "chain", Wait: w})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newShared(t testing.TB) *actors.System {
	t.Helper()
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// relay tells what it gets to the next of its chain, and writes down that it did.
type relay struct {
	name string
	next *actors.Ref[int]
	log  *[]string
	done chan int
}

func (r *relay) Receive(_ *actors.Context[int], m int) error {
	*r.log = append(*r.log, fmt.Sprint(r.name, m))
	if r.next != nil {
		return r.next.Tell(m)
	}
	if m == 3 {
		r.done <- m
	}
	return nil
}

// The chain shares a log without a lock: the race detector would tell if two of it ever ran at once.
func TestAMessageGoesThroughTheWholeLoopBeforeTheNext(t *testing.T) {
	s := newShared(t)
	place := newLoop(t, s, actors.Park).Place()
	var log []string
	done := make(chan int, 1)
	refs := make([]actors.Ref[int], 3)
	for i, name := range []string{"feed", "strategy", "orders"} {
		r := &relay{name: name, log: &log, done: done}
		if i < 2 {
			r.next = &refs[i+1]
		}
		ref, err := actors.Spawn(s, actors.Spec[int]{Name: actors.Name(name), Box: mailbox.One(10, mailbox.Reject), Actor: r, Place: place})
		if err != nil {
			t.Fatal(err)
		}
		refs[i] = ref
	}
	for _, r := range refs {
		for !r.Open() {
			runtime.Gosched()
		}
	}
	hold, held := make(chan int), make(chan int, 1)
	blocker, err := actors.Spawn(s, actors.Spec[int]{
		Name: "blocker", Box: mailbox.One(1, mailbox.Reject), Place: place,
		Actor: actors.Func[int](func(*actors.Context[int], int) error { held <- 1; <-hold; return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	tellOpen(t, s, blocker, 0)
	await(t, s, held)
	for m := 1; m <= 3; m++ { // all three wait before the first is handled
		tellOpen(t, s, refs[0], m)
	}
	close(hold)
	await(t, s, done)
	stop(t, s)
	want := []string{"feed1", "strategy1", "orders1", "feed2", "strategy2", "orders2", "feed3", "strategy3", "orders3"}
	// The next message of feed and the one it told may change places, but nothing runs ahead by more than a hop.
	for m := 1; m <= 2; m++ {
		if at, of := slices.Index(log, fmt.Sprint("orders", m)), slices.Index(log, fmt.Sprint("feed", m+2)); of >= 0 && of < at {
			t.Errorf("feed ran ahead: %v", log)
		}
	}
	if len(log) != len(want) {
		t.Errorf("handled %v, want the messages of %v", log, want)
	}
}

func TestTheOthersOfALoopGoOn(t *testing.T) {
	hold := make(chan int)
	tests := map[string]struct {
		do     func() error
		reason actors.Reason
	}{
		"when one panics": {func() error { panic("boom") }, actors.ReasonCrash},
		"when one fails":  {func() error { return errors.New("boom") }, actors.ReasonError},
		"when one exits":  {func() error { runtime.Goexit(); return nil }, actors.ReasonGoexit},
		"when one hangs":  {func() error { <-hold; return nil }, actors.ReasonHung},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *actors.System, pass func(time.Duration)) {
				hold = make(chan int)
				ended := exits(s)
				defer places.Delete(s)
				l := newLoop(t, s, actors.Park)
				places.Store(s, l.Place())
				bad, err := actors.Spawn(s, actors.Spec[func() error]{
					Name: "bad", Box: mailbox.One(10, mailbox.Reject), Actor: &script{}, Place: l.Place(), Watchdog: time.Second,
				})
				if err != nil {
					t.Fatal(err)
				}
				good := spawnScript(t, s, "good", &script{})
				pass(0)
				handled := make(chan int, 10)
				for range 3 { // what was queued behind the failure is handled too
					if err := errors.Join(bad.Tell(tt.do), good.Tell(func() error { handled <- 1; return nil })); err != nil {
						t.Fatal(err)
					}
				}
				pass(2 * time.Second)
				if x := <-ended; x.Name != "bad" || x.Reason != tt.reason || len(ended) != 0 {
					t.Fatalf("exit = %+v and %d more, want bad, %s", x, len(ended), tt.reason)
				}
				if len(handled) != 3 {
					t.Fatalf("the other handled %d, want 3", len(handled))
				}
				if st := s.Loops(); len(st) != 1 || st[0].Actors != 1 {
					t.Fatalf("loops = %+v, want one with one actor", st)
				}
				close(hold)
				pass(0)
				if err := good.Tell(func() error { handled <- 1; return nil }); err != nil {
					t.Fatal(err)
				}
				pass(0)
				if len(handled) != 4 {
					t.Fatal("the other does not handle any more")
				}
			})
		})
	}
}

func TestAPinnedActorThatHangsIsLeftBehindAndEndsLate(t *testing.T) {
	ends := map[string]func() error{
		"returns": func() error { return nil },
		"panics":  func() error { panic("late") },
		"Goexit":  func() error { runtime.Goexit(); return nil },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *actors.System, pass func(time.Duration)) {
				ended := exits(s)
				hold := make(chan int)
				ref, err := actors.Spawn(s, actors.Spec[func() error]{
					Name: "a", Box: mailbox.One(10, mailbox.Reject), Actor: &script{}, Place: actors.Pinned(actors.Auto), Watchdog: time.Second,
				})
				if err != nil {
					t.Fatal(err)
				}
				pass(0)
				if err := ref.Tell(func() error { <-hold; return end() }); err != nil {
					t.Fatal(err)
				}
				pass(2 * time.Second)
				if x := <-ended; x.Reason != actors.ReasonHung {
					t.Fatalf("exit = %+v, want hung", x)
				}
				if st := s.Loops(); len(st) != 0 {
					t.Fatalf("loops = %+v, want none that is counted on", st)
				}
				close(hold)
				pass(0)
				if len(ended) != 1 {
					t.Fatalf("%d late exits, want 1", len(ended))
				}
				if x := <-ended; !x.Late {
					t.Fatalf("exit = %+v, want a late one", x)
				}
			})
		})
	}
}

func TestSpinnersAreAsManyAsSpareCores(t *testing.T) {
	undo := actors.SpareCores(2)
	defer undo()
	var refused []actors.Name
	s, err := actors.New(actors.Config{
		Clock: actors.Real(), Dispatch: actors.Shared(1),
		Events: actors.Events{SpinRefused: func(n actors.Name) { refused = append(refused, n) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	spec := func(n actors.Name, p actors.Place) actors.Spec[func() error] {
		return actors.Spec[func() error]{Name: n, Box: mailbox.One(1, mailbox.Reject), Actor: &script{}, Place: p}
	}
	newLoop(t, s, actors.Spin)
	if _, err := actors.Spawn(s, spec("a", actors.Pinned(actors.Auto))); err != nil {
		t.Fatal(err)
	}
	if n := actors.Spinning(); n != 2 {
		t.Fatalf("%d spin, want 2", n)
	}
	if _, err := actors.Spawn(s, spec("b", actors.Pinned(actors.Spin))); !errors.Is(err, actors.ErrNoSpareCore) {
		t.Fatalf("Spawn() error = %v, want ErrNoSpareCore", err)
	}
	if !slices.Equal(refused, []actors.Name{"b"}) {
		t.Fatalf("refused = %v, want b", refused)
	}
	b, err := actors.Spawn(s, spec("b", actors.Pinned(actors.Auto))) // the name is free, and it parks
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range s.Loops() {
		if l.Spins != (l.Name != "b") {
			t.Errorf("%+v: spins = %v", l, l.Spins)
		}
	}
	handled := make(chan int, 1)
	tellOpen(t, s, b, func() error { handled <- 1; return nil })
	await(t, s, handled)
	stop(t, s)
	if n := actors.Spinning(); n != 0 {
		t.Fatalf("%d claims are left after stop, want 0", n)
	}
	if l := s.Loops(); len(l) != 0 {
		t.Fatalf("loops = %+v after stop, want none", l)
	}
	if _, err := s.NewLoop(actors.LoopConfig{Wait: actors.Spin}); !errors.Is(err, actors.ErrStopped) {
		t.Fatalf("NewLoop() after stop = %v, want ErrStopped", err)
	}
	if n := actors.Spinning(); n != 0 {
		t.Fatalf("%d claims are left after a refusal, want 0", n)
	}
}

func TestPlacesThatAreRefused(t *testing.T) {
	s, other := newShared(t), newShared(t)
	defer stop(t, s)
	defer stop(t, other)
	for name, p := range map[string]actors.Place{
		"loop of another system": newLoop(t, other, actors.Park).Place(),
		"unknown wait":           actors.Pinned(actors.Spin + 1),
	} {
		_, err := actors.Spawn(s, actors.Spec[func() error]{Name: "a", Box: mailbox.One(1, mailbox.Reject), Actor: &script{}, Place: p})
		if !errors.Is(err, actors.ErrConfig) {
			t.Errorf("%s: Spawn() error = %v, want ErrConfig", name, err)
		}
	}
	if _, err := actors.Spawn(s, actors.Spec[func() error]{Name: "a", Box: mailbox.One(1, mailbox.Reject), Actor: &script{}}); err != nil {
		t.Errorf("the name is not free after a refusal: %v", err)
	}
}

func TestTheSpinWindowFollowsTheGaps(t *testing.T) {
	if got := actors.SpinWindow(1000); got[0] < 4000 || got[0] > actors.SpinMost {
		t.Errorf("window after a gap of 1000 = %d, want at least 4000", got[0])
	}
	misses := slices.Repeat([]int{-1}, 100)
	got := actors.SpinWindow(misses...)
	if !slices.Contains(got, 0) {
		t.Errorf("window of an idle spinner = %v, want nothing in the end", got)
	}
	tried := 0
	for i := 1; i < len(got); i++ {
		if got[i] == actors.SpinMost {
			tried++
		}
	}
	if tried != 1 {
		t.Errorf("an idle spinner tries the full window %d times in 100 waits, want once: %v", tried, got)
	}
	sum := 0
	for _, w := range got {
		sum += w
	}
	if sum > 5*actors.SpinMost {
		t.Errorf("100 idle waits cost %d looks, want at most %d", sum, 5*actors.SpinMost)
	}
}

func TestALineKeepsTheOrderOfEachPusher(t *testing.T) {
	const pushers, each = 4, 10_000
	var l actors.Line
	var wg sync.WaitGroup
	for p := range pushers {
		wg.Go(func() {
			for i := range each {
				l.Push(p*each + i)
			}
		})
	}
	next := [pushers]int{}
	for got := 0; got < pushers*each; {
		n, ok := l.Pop()
		if !ok {
			runtime.Gosched()
			continue
		}
		got++
		if p := n / each; n%each != next[p] {
			t.Fatalf("pusher %d: popped %d, want %d", p, n%each, next[p])
		}
		next[n/each]++
	}
	wg.Wait()
	if n, ok := l.Pop(); ok {
		t.Fatalf("popped %d from an empty line", n)
	}
}

// Every hop wakes a sleeper: a wake that were lost would stop the game.
func TestNoWakeIsLostBetweenPinnedActors(t *testing.T) {
	for _, w := range []actors.Wait{actors.Park, actors.Spin} {
		t.Run(w.String(), func(t *testing.T) {
			undo := actors.SpareCores(2)
			defer undo()
			const hops = 20_000
			s := newShared(t)
			done := make(chan int, 1)
			var refs [2]actors.Ref[int]
			for i := range refs {
				ref, err := actors.Spawn(s, actors.Spec[int]{
					Name: actors.Name(fmt.Sprint(i)), Box: mailbox.One(2, mailbox.Reject), Place: actors.Pinned(w),
					Actor: actors.Func[int](func(_ *actors.Context[int], m int) error {
						if m == hops {
							done <- m
							return nil
						}
						return refs[1-i].Tell(m + 1)
					}),
				})
				if err != nil {
					t.Fatal(err)
				}
				refs[i] = ref
			}
			for !refs[0].Open() || !refs[1].Open() {
				runtime.Gosched()
			}
			tellOpen(t, s, refs[0], 0)
			await(t, s, done)
			st := s.Loops()
			if len(st) != 2 || st[0].Turns < hops/4 || w == actors.Spin != (st[0].Looks > 0) {
				t.Errorf("loops = %+v, want two with more than %d turns each", st, hops/4)
			}
			stop(t, s)
		})
	}
}

func TestAFloodedActorLeavesTurnsToTheOthersOfItsLoop(t *testing.T) {
	s := newShared(t)
	place := newLoop(t, s, actors.Park).Place()
	var floods atomic.Int64
	flood, err := actors.Spawn(s, actors.Spec[int]{
		Name: "flood", Box: mailbox.One(10, mailbox.Reject), Place: place,
		Actor: actors.Func[int](func(c *actors.Context[int], m int) error { floods.Add(1); return c.Self().Tell(m + 1) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	tellOpen(t, s, flood, 0)
	places.Store(s, place)
	defer places.Delete(s)
	light := spawnScript(t, s, "light", &script{})
	for range 100 {
		handled := make(chan int, 1)
		tellOpen(t, s, light, func() error { handled <- 1; return nil })
		await(t, s, handled)
	}
	stop(t, s)
}

func TestAThousandIdlePinnedActorsUseNoCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("measures a quarter of a second")
	}
	undo := actors.SpareCores(1)
	defer undo()
	s := newShared(t)
	for i := range 1000 {
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: actors.Name(fmt.Sprint(i)), Box: mailbox.One(1, mailbox.Reject), Place: actors.Pinned(actors.Auto),
			Actor: actors.Func[int](func(*actors.Context[int], int) error { return nil }),
		})
		if err != nil {
			t.Fatal(err)
		}
		for !ref.Open() {
			runtime.Gosched()
		}
	}
	quiet(t, "1000 idle pinned actors")
	stop(t, s)
}
