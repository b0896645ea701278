package actors_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

var seed = flag.Uint64("actors.seed", uint64(time.Now().UnixNano()), "seed of the random tests")

// herd is a handful of supervised names that are started again whenever they end.
type herd struct {
	sys     *actors.System
	handled atomic.Int64
	mu      sync.Mutex
	lives   map[actors.Name]*actors.Life
}

const herdSize = 4

func herdName(i int) actors.Name { return actors.Name(fmt.Sprint("h", i)) }

// up starts the incarnation after this one, unless somebody has done so or the system stops.
func (h *herd) up(n actors.Name, ended actors.Epoch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.lives[n]; old != nil {
		if old.Epoch() != ended {
			return
		}
		old.End(true)
	}
	l, err := h.sys.Begin(actors.Birth{Name: n, Class: "herd"})
	if err != nil {
		return
	}
	h.lives[n] = l
	box := mailbox.DefaultConfig("herd")
	for i := range box.Lanes {
		box.Lanes[i].Cap = 20
	}
	_, err = actors.Spawn(h.sys, actors.Spec[order]{
		Life: l, Box: box, Lane: func(o order) mailbox.Lane { return o.lane },
		Actor: actors.Func[order](func(_ *actors.Context[order], o order) error {
			h.handled.Add(1)
			if o.fail {
				return errors.New("boom")
			}
			return nil
		}),
	})
	if err == nil {
		l.Open()
	}
}

func (h *herd) epoch(n actors.Name) actors.Epoch {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lives[n].Epoch()
}

// send tells random messages until done, and counts those that were accepted.
func (h *herd) send(r *rand.Rand, done <-chan struct{}, accepted *atomic.Int64) {
	for {
		select {
		case <-done:
			return
		default:
		}
		to := actors.Follow[order](h.sys, herdName(r.IntN(herdSize)))
		if to.Tell(order{lane: mailbox.Lane(1 + r.IntN(4)), fail: r.IntN(100) == 0}) == nil {
			accepted.Add(1)
		} else {
			runtime.Gosched()
		}
	}
}

// TestBoxesAreOneCutWhenTheSystemStopsInTheMiddle stops a system whose actors fail, are killed, abandoned and started
// again while four senders are at work, and balances the senders' and the handlers' books with Boxes. All that time a
// reader finds every cut balanced.
func TestBoxesAreOneCutWhenTheSystemStopsInTheMiddle(t *testing.T) {
	t.Logf("-actors.seed=%d", *seed)
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		stopInTheMiddle(t, *seed+uint64(round))
	}
}

func stopInTheMiddle(t *testing.T, seed uint64) {
	t.Helper()
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2), PoisonAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	h := &herd{sys: s, lives: make(map[actors.Name]*actors.Life)}
	s.OnExit(func(x actors.Exit) {
		if !x.Late {
			h.up(x.Name, x.Epoch)
		}
	})
	for i := range herdSize {
		h.up(herdName(i), 0)
	}
	done := make(chan struct{})
	var accepted atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { h.send(rand.New(rand.NewPCG(seed, uint64(i))), done, &accepted) })
	}
	wg.Go(func() {
		for ended := false; !ended; runtime.Gosched() {
			select {
			case <-done:
				ended = true
			default:
			}
			if bad := unbalanced(s); bad != "" {
				t.Errorf("seed %d: %s", seed, bad)
				return
			}
		}
	})
	r := rand.New(rand.NewPCG(seed, 99))
	for step := int64(1); step <= 20; step++ {
		for until := time.Now().Add(10 * time.Second); h.handled.Load() < 100*step; runtime.Gosched() {
			if time.Now().After(until) {
				close(done)
				t.Fatalf("seed %d: nothing is handled any more: %+v", seed, s.Boxes())
			}
		}
		n := herdName(r.IntN(herdSize))
		if r.IntN(2) == 0 {
			_ = s.Kill(n, 0) // ErrFenced: it has just ended by itself
		} else if e := h.epoch(n); s.Abandon(n, e) == nil {
			h.up(n, e)
		}
	}
	stop(t, s)
	close(done)
	wg.Wait()
	for len(s.Zombies()) > 0 { // an abandoned handler may have taken a message that it has not counted
		runtime.Gosched()
	}
	if bad := unbalanced(s); bad != "" {
		t.Fatalf("seed %d: %s", seed, bad)
	}
	var sum mailbox.LaneStats
	boxes := s.Boxes()
	for _, b := range boxes {
		sum = sum.Add(b.Total())
		if b.Live {
			t.Errorf("seed %d: %s has a mailbox after Stop", seed, b.Name)
		}
	}
	// A cancel that is handed on was told once and accepted twice.
	if got := int64(sum.Accepted - sum.Dropped.Of(mailbox.HandedOn)); got != accepted.Load() ||
		int64(sum.Handled) != h.handled.Load() || sum.Queued != 0 || sum.Waiting != 0 {
		t.Fatalf("seed %d: senders count %d accepted, handlers %d handled, boxes %d and %+v", seed, accepted.Load(), h.handled.Load(), got, sum)
	}
	var dead uint64
	for _, n := range s.DeadCounts() {
		dead += n
	}
	if want := sum.Dropped.Total() - sum.Dropped.Of(mailbox.HandedOn); dead != want {
		t.Fatalf("seed %d: %d dead letters, want the %d dropped", seed, dead, want)
	}
	if !reflect.DeepEqual(boxes, s.Boxes()) {
		t.Fatalf("seed %d: two cuts after Stop differ", seed)
	}
}

// unbalanced names a lane whose counts do not add up, "" if there is none.
func unbalanced(s *actors.System) string {
	for _, b := range s.Boxes() {
		for i, l := range b.Lanes {
			if !l.Balanced() {
				return fmt.Sprintf("%s lane %s does not balance: %+v", b.Name, mailbox.Lane(i+1), l)
			}
		}
	}
	return ""
}

// The engine reads priorities of raw messages only, and a batch is handled to its end.
func TestControlIsHandledNextInsideABatchOfData(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		box := mailbox.DefaultConfig("flood")
		finished := make(chan int, 1)
		hold := make(chan int)
		due, data, control := false, 0, 0
		ref, err := actors.Spawn(s, actors.Spec[order]{
			Name: "a", Box: box, Lane: func(o order) mailbox.Lane { return o.lane },
			Actor: actors.Func[order](func(c *actors.Context[order], o order) error {
				if data == 0 && !s.Deterministic() {
					<-hold
				}
				if due != (o.lane == mailbox.Control) {
					t.Errorf("after %d data messages: handled %s, control waits: %v", data, o.lane, due)
				}
				if due = false; o.lane == mailbox.Control {
					control++
					return nil
				}
				if data++; data == 500 {
					finished <- control
					return nil
				}
				if data%7 == 0 {
					due = true
					return c.Self().Tell(order{lane: mailbox.Control})
				}
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			tellOpen(t, s, ref, order{lane: mailbox.Data})
		}
		close(hold)
		if n := await(t, s, finished); n != 500/7 {
			t.Fatalf("%d control messages handled, want %d", n, 500/7)
		}
	})
}

func TestADeterministicHopAllocatesNothing(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	const hops = 10_000
	left := 0
	var ping, pong actors.Ref[order]
	spawn := func(n actors.Name, to *actors.Ref[order]) actors.Ref[order] {
		ref, err := actors.Spawn(s, actors.Spec[order]{
			Name: n, Box: mailbox.DefaultConfig("hop"), Lane: func(o order) mailbox.Lane { return o.lane },
			Actor: actors.Func[order](func(_ *actors.Context[order], o order) error {
				if left--; left <= 0 {
					return nil
				}
				return to.Tell(o)
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	ping, pong = spawn("ping", &pong), spawn("pong", &ping)
	_ = s.Drive(t.Context(), nil)
	allocs := testing.AllocsPerRun(5, func() {
		left = hops
		if err := ping.Tell(order{lane: mailbox.Data}); err != nil {
			t.Fatal(err)
		}
		_ = s.Drive(context.Background(), nil)
	})
	if left != 0 || allocs > hops/100 { // a Drive makes a coroutine
		t.Errorf("%v allocations in %d hops, %d left", allocs, hops, left)
	}
	stop(t, s)
}
