package mailbox_test

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/mailbox"
)

// request is a message of Control; an order of "" is never merged.
type request struct {
	order string
	n     int
}

func orderOf(r request) (string, bool) { return r.order, r.order != "" }

func newMerging(t testing.TB, capacity int, opts ...mailbox.Option[request]) *mailbox.Box[request] {
	t.Helper()
	var cfg mailbox.Config
	cfg.Lanes[mailbox.Control-1] = mailbox.LaneConfig{Cap: capacity, Policy: mailbox.Reject}
	b, err := mailbox.New(cfg, append(opts, mailbox.ByKey(orderOf))...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func offerAll(t testing.TB, b *mailbox.Box[request], requests ...request) {
	t.Helper()
	for _, r := range requests {
		if err := b.Offer(r); err != nil {
			t.Fatalf("Offer(%+v) error = %v, want nil", r, err)
		}
	}
}

func takeRequests(b *mailbox.Box[request]) (out []int) {
	var item [1]mailbox.Item[request]
	for b.Take(item[:]) == 1 {
		out = append(out, item[0].Message.n)
	}
	return out
}

func TestASecondCancelOfAnOrderMergesWithTheOneThatWaits(t *testing.T) {
	var letters []mailbox.Letter[request]
	b := newMerging(t, 3, mailbox.Sink(func(l mailbox.Letter[request]) { letters = append(letters, l) }))
	offerAll(t, b, request{"a", 1}, request{"b", 2}, request{"a", 3}, request{"", 4})
	offerAll(t, b, request{"b", 5}) // the lane is full, but b waits already
	if err := b.Offer(request{"c", 6}); !errors.Is(err, mailbox.ErrFull) {
		t.Fatalf("Offer() of another order = %v, want ErrFull", err)
	}
	if err := b.Offer(request{"", 7}); !errors.Is(err, mailbox.ErrFull) {
		t.Fatalf("Offer() of what is never merged = %v, want ErrFull", err)
	}
	if got, want := takeRequests(b), []int{1, 2, 4}; !slices.Equal(got, want) {
		t.Fatalf("taken %v, want %v: the first of an order keeps its place", got, want)
	}
	want := []mailbox.Letter[request]{
		{Message: request{"a", 3}, Lane: mailbox.Control, Reason: mailbox.Conflated},
		{Message: request{"b", 5}, Lane: mailbox.Control, Reason: mailbox.Conflated},
	}
	if !slices.Equal(letters, want) {
		t.Fatalf("dead letters %+v, want %+v", letters, want)
	}
	s := b.Stats().Lanes[mailbox.Control-1]
	if !s.Balanced() || s.Accepted != 5 || s.Handled != 3 || s.Dropped.Of(mailbox.Conflated) != 2 {
		t.Fatalf("counts %+v, want 5 accepted, 3 handled, 2 conflated", s)
	}
}

func TestACancelThatWasTakenMergesWithNone(t *testing.T) {
	b := newMerging(t, 2)
	for n := range 3 {
		offerAll(t, b, request{"a", n}, request{"a", -1})
		if got := takeRequests(b); !slices.Equal(got, []int{n}) {
			t.Fatalf("taken %v, want %d alone", got, n)
		}
	}
}

func TestMergedCancelsSurviveARestartOnce(t *testing.T) {
	old, next := newMerging(t, 4), newMerging(t, 4)
	next.Suspend()
	old.Retire(mailbox.Restarted)
	offerAll(t, old, request{"a", 1}, request{"a", 2}, request{"b", 3})
	offerAll(t, next, request{"b", 4}) // it came first
	old.HandOn(next)
	next.Resume()
	if got, want := takeRequests(next), []int{4, 1}; !slices.Equal(got, want) {
		t.Fatalf("taken %v, want %v", got, want)
	}
	for name, b := range map[string]*mailbox.Box[request]{"old": old, "next": next} {
		if s := b.Stats().Lanes[mailbox.Control-1]; !s.Balanced() || s.Queued != 0 {
			t.Errorf("%s: counts %+v do not balance", name, s)
		}
	}
}

func TestAClosedBoxMergesNothing(t *testing.T) {
	b := newMerging(t, 2)
	offerAll(t, b, request{"a", 1})
	b.Close(mailbox.Stopped)
	if err := b.Offer(request{"a", 2}); !errors.Is(err, mailbox.ErrClosed) {
		t.Fatalf("Offer() = %v, want ErrClosed: what it would merge with is a dead letter", err)
	}
}

func TestMergingNeedsControl(t *testing.T) {
	if _, err := mailbox.New(mailbox.One(1, mailbox.Reject), mailbox.ByKey(orderOf)); !errors.Is(err, mailbox.ErrConfig) {
		t.Fatalf("New() = %v, want ErrConfig", err)
	}
}

func TestAKeyThatEqualsNothingIsNeverMerged(t *testing.T) {
	var cfg mailbox.Config
	cfg.Lanes[mailbox.Control-1] = mailbox.LaneConfig{Cap: 4, Policy: mailbox.Reject}
	b, err := mailbox.New(cfg, mailbox.ByKey(func(f float64) (float64, bool) { return f, true }))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Offer(math.NaN()); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.Stats().Lanes[mailbox.Control-1]; s.Queued != 2 {
		t.Fatalf("%d queued, want 2", s.Queued)
	}
}

// A key that cannot be compared is a bug of its maker, who gets the panic; the box must not stay locked.
func TestAKeyThatCannotBeComparedLeavesTheBoxInOrder(t *testing.T) {
	var cfg mailbox.Config
	cfg.Lanes[mailbox.Control-1] = mailbox.LaneConfig{Cap: 4, Policy: mailbox.Reject}
	b, err := mailbox.New(cfg, mailbox.ByKey(func(m any) (any, bool) { return m, true }))
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic for a key that cannot be compared")
			}
		}()
		_ = b.Offer([]int{1})
	}()
	if err := b.Offer(1); err != nil || b.Stats().Lanes[mailbox.Control-1].Queued != 1 {
		t.Fatalf("Offer() after it = %v, %+v", err, b.Stats())
	}
}

func TestMergingAllocatesNothing(t *testing.T) {
	b := newMerging(t, 64)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	var item [8]mailbox.Item[request]
	i := 0
	got := testing.AllocsPerRun(20_000, func() {
		i++
		_ = b.Offer(request{names[i%8], i})
		_ = b.Offer(request{names[i%8], i})
		if i%8 == 0 {
			b.Take(item[:])
		}
	})
	if got != 0 {
		t.Fatalf("%v allocations an offer, want 0", got)
	}
}

// Whoever was told yes is served: of each key the last message that was offered is handled, or one of its key that
// waited when it came.
func TestMergingLosesNoRequestBetweenProducersAndConsumer(t *testing.T) {
	const producers, each = 4, 5000
	names := []string{"a", "b", "c"}
	b := newMerging(t, 2)
	yes := make([]atomic.Int64, len(names)) // offers of a key that were answered with nil
	var served [3]int64                     // of them, at the last take of the key
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				k := (i + p) % len(names)
				if b.Offer(request{names[k], i}) == nil {
					yes[k].Add(1)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { wg.Wait(); close(over) }()
	var item [1]mailbox.Item[request]
	for running := true; running || b.Pending(); {
		select {
		case <-over:
			running = false
		default:
		}
		if b.Take(item[:]) == 1 {
			k := slices.Index(names, item[0].Message.order)
			served[k] = yes[k].Load()
		}
		runtime.Gosched()
	}
	s := b.Stats().Lanes[mailbox.Control-1]
	if !s.Balanced() || s.Queued != 0 {
		t.Fatalf("counts %+v do not balance", s)
	}
	for k, name := range names {
		// A producer may have been told yes and not have counted it when the take came: at most each of them once.
		if late := yes[k].Load() - served[k]; late > producers {
			t.Errorf("%d offers of %s came after its last take and were answered with yes", late, name)
		}
	}
}
