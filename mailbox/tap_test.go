package mailbox_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/failshut/failshut/mailbox"
)

// TestWhatTapWritesIsWholeForWhoHolds: the race detector is the judge, and the two halves that Tap writes are equal.
func TestWhatTapWritesIsWholeForWhoHolds(t *testing.T) {
	var first, second int
	var item [1]mailbox.Item[int]
	b, err := mailbox.New(mailbox.One(8, mailbox.Reject), mailbox.Tap[int](func(int) {
		first = item[0].Message
		runtime.Gosched()
		second = item[0].Message
	}))
	if err != nil {
		t.Fatal(err)
	}
	const messages = 2000
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; n < messages; {
			if b.Take(item[:]) == 0 {
				runtime.Gosched()
				continue
			}
			n++
			if item[0].Message != n {
				t.Errorf("message %d, want %d", item[0].Message, n)
			}
		}
	})
	wg.Go(func() {
		for n := 1; n <= messages; {
			if b.Offer(n) == nil {
				n++
			} else {
				runtime.Gosched()
			}
		}
	})
	for range 200 {
		b.Hold(func() {
			if first != second {
				t.Errorf("%d and %d, want a whole record", first, second)
			}
		})
	}
	wg.Wait()
	if got := b.Taken(); got != messages || first != messages {
		t.Fatalf("%d taken, the last %d, want %d of both", got, first, messages)
	}
}

func TestTheMessageThatWakesIsStampedUnlessThatIsEasy(t *testing.T) {
	for easy, want := range map[bool]int64{false: 7, true: 0} {
		cfg := mailbox.One(8, mailbox.Reject)
		cfg.Now, cfg.EasyWake = func() int64 { return 7 }, easy
		b, err := mailbox.New[int](cfg)
		if err != nil {
			t.Fatal(err)
		}
		var item [1]mailbox.Item[int]
		for n := range 2 { // the first message of a lane is stamped in any case
			if err := b.Offer(n); err != nil || b.Take(item[:]) != 1 {
				t.Fatal("nothing taken", err)
			}
		}
		if item[0].At != want {
			t.Errorf("easy %t: stamp %d, want %d", easy, item[0].At, want)
		}
	}
}
