package mailbox_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// A ring of the whole bound touches all its memory at depth 1, and a mailbox that never frees a chunk grows
// with the number of messages.
func TestMemoryFollowsTheGreatestDepth(t *testing.T) {
	messages := 10_000_000
	if testing.Short() {
		messages = 100_000
	}
	b := newBox(t, lanes(0, 0, 0, 8192))
	var item [1]mailbox.Item[msg]
	for i := range messages {
		if b.Offer(msg{mailbox.Data, i}) != nil || b.Take(item[:]) != 1 {
			t.Fatal("lost a message")
		}
	}
	if n := mailbox.Chunks(b, mailbox.Data); n > 2 {
		t.Errorf("%d chunks held at depth 1, want at most 2", n)
	}
	fill := func() {
		for i := range 8192 {
			if err := b.Offer(msg{mailbox.Data, i}); err != nil {
				t.Fatal(err)
			}
		}
		for i, m := range takeAll(b) {
			if m.n != i {
				t.Fatalf("took %d, want %d", m.n, i)
			}
		}
	}
	fill()
	held := mailbox.Chunks(b, mailbox.Data)
	if grown := testing.AllocsPerRun(1, fill); mailbox.Chunks(b, mailbox.Data) != held {
		t.Errorf("second fill: %d chunks after %d, %v allocations", mailbox.Chunks(b, mailbox.Data), held, grown)
	}
	if held > 8192/64+1 {
		t.Errorf("%d chunks held for a bound of 8192", held)
	}
}

func TestAPoppedMessageIsNotKeptAlive(t *testing.T) {
	b, err := mailbox.New[*[1 << 20]byte](mailbox.One(8, mailbox.Reject))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	func() {
		big := new([1 << 20]byte)
		runtime.AddCleanup(big, func(int) { close(gone) }, 0)
		if err := b.Offer(big); err != nil {
			t.Fatal(err)
		}
	}()
	var item [1]mailbox.Item[*[1 << 20]byte]
	b.Take(item[:])
	item[0].Message = nil
	runtime.GC()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the queue still refers to a message that was taken")
	}
	runtime.KeepAlive(b)
}

func TestAgesOfQueuedMessages(t *testing.T) {
	now := int64(1000)
	cfg := lanes(0, 0, 0, 200)
	cfg.Now = func() int64 { return now }
	b := newBox(t, cfg)
	for i := range 100 {
		now++
		if err := b.Offer(msg{mailbox.Data, i}); err != nil {
			t.Fatal(err)
		}
	}
	age := func() time.Duration { return b.Stats().Lanes[mailbox.Data-1].OldestAge }
	if got := age(); got != 99 { // the first, which woke the consumer, at 1001; now is 1100
		t.Errorf("oldest age = %d, want 99", got)
	}
	b.Take(make([]mailbox.Item[msg], 1))
	if got := age(); got != 35 { // the 65th, at 1065
		t.Errorf("oldest age = %d, want 35", got)
	}
	if hw := b.Stats().Lanes[mailbox.Data-1].HighWater; hw != 99 {
		t.Errorf("high water since the last look = %d, want 99", hw)
	}
}

func TestOfferAndTakeAllocateNothing(t *testing.T) {
	b := newBox(t, mailbox.DefaultConfig("test"))
	var item [1]mailbox.Item[msg]
	allocs := testing.AllocsPerRun(10_000, func() {
		if b.Offer(msg{lane: mailbox.Data}) != nil || b.Take(item[:]) != 1 {
			t.Fatal("lost a message")
		}
	})
	if allocs != 0 {
		t.Fatalf("%v allocations a message, want 0", allocs)
	}
}

// A consumer may keep its buffer where it likes, on its stack too.
func TestABufferOfTheConsumersStaysWhereItIs(t *testing.T) {
	b, err := mailbox.New[int](mailbox.One(8, mailbox.Reject))
	if err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(1000, func() {
		var item [1]mailbox.Item[int]
		_ = b.Offer(1)
		if b.Take(item[:]) != 1 {
			t.Error("nothing taken")
		}
	}); got != 0 {
		t.Errorf("%v allocations a message, want 0", got)
	}
}

// BenchmarkBoxBytes says how many bytes a box with one lane of 16 keeps: empty, and full.
func BenchmarkBoxBytes(b *testing.B) {
	for _, n := range []int{0, 16} {
		b.Run(fmt.Sprint(n, " queued"), func(b *testing.B) {
			const boxes = 1000
			kept := make([]*mailbox.Box[int64], boxes)
			var before, after runtime.MemStats
			for b.Loop() {
				clear(kept)
				runtime.GC()
				runtime.ReadMemStats(&before)
				for i := range kept {
					box, err := mailbox.New[int64](mailbox.One(16, mailbox.Reject))
					if err != nil {
						b.Fatal(err)
					}
					for range n {
						if err := box.Offer(1); err != nil {
							b.Fatal(err)
						}
					}
					kept[i] = box
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
			}
			b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/boxes, "B/box") //nolint:gosec // a heap is far below 2⁶³
			runtime.KeepAlive(kept)
		})
	}
}
