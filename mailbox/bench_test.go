package mailbox_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/failshut/failshut/mailbox"
)

type quote struct {
	lane mailbox.Lane
	_    [2]int64 // the size of a real message
	_    int32
	_    *int
}

func laneOfQuote(q quote) mailbox.Lane { return q.lane }

func BenchmarkOfferTake(b *testing.B) {
	run := func(b *testing.B, box *mailbox.Box[quote]) {
		b.Helper()
		b.ReportAllocs()
		var item [1]mailbox.Item[quote]
		q := quote{lane: mailbox.Data}
		for b.Loop() {
			if err := box.Offer(q); err != nil {
				b.Fatal(err)
			}
			if box.Take(item[:]) != 1 {
				b.Fatal("nothing to take")
			}
		}
	}
	b.Run("one lane", func(b *testing.B) {
		box, err := mailbox.New[quote](mailbox.One(1024, mailbox.Reject))
		if err != nil {
			b.Fatal(err)
		}
		run(b, box)
	})
	b.Run("four lanes", func(b *testing.B) {
		box, err := mailbox.New(mailbox.DefaultConfig("bench"), mailbox.ByLane(laneOfQuote))
		if err != nil {
			b.Fatal(err)
		}
		run(b, box)
	})
	b.Run("channel", func(b *testing.B) {
		b.ReportAllocs()
		ch := make(chan quote, 1024)
		for b.Loop() {
			ch <- quote{}
			<-ch
		}
	})
}

// BenchmarkTell is one message from a producer at full speed to a consumer on another goroutine, beside a channel.
func BenchmarkTell(b *testing.B) {
	for _, producers := range []int{1, 4} {
		b.Run(fmt.Sprintf("%d producers", producers), func(b *testing.B) {
			b.ReportAllocs()
			box, err := mailbox.New(mailbox.DefaultConfig("bench"), mailbox.ByLane(laneOfQuote))
			if err != nil {
				b.Fatal(err)
			}
			produce(b, producers, func() bool { return box.Offer(quote{lane: mailbox.Data}) == nil }, func() bool {
				var item [1]mailbox.Item[quote]
				return box.Take(item[:]) == 1
			})
		})
		b.Run(fmt.Sprintf("%d producers, channel", producers), func(b *testing.B) {
			b.ReportAllocs()
			ch := make(chan quote, 8192)
			produce(b, producers, func() bool { ch <- quote{lane: mailbox.Data}; return true }, func() bool { <-ch; return true })
		})
	}
}

// produce lets producers offer b.N messages in all and takes them.
func produce(b *testing.B, producers int, offer, take func() bool) {
	b.Helper()
	each := b.N/producers + 1
	for range producers {
		go func() {
			for range each {
				for !offer() {
					runtime.Gosched()
				}
			}
		}()
	}
	b.ResetTimer()
	for n := 0; n < each*producers; {
		if take() {
			n++
		} else {
			runtime.Gosched()
		}
	}
}
