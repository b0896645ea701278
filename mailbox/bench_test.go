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

// BenchmarkConflate is a lane of 1,000 keys with a State or an Event a message, as full as it gets: the consumer takes
// every eighth time.
func BenchmarkConflate(b *testing.B) {
	const keys = 1000
	b.ReportAllocs()
	cfg := mailbox.One(4*keys, mailbox.Conflate)
	cfg.MaxKeys = keys
	box, err := mailbox.New(cfg, mailbox.Describe(describe), mailbox.GapOf(gapOf))
	if err != nil {
		b.Fatal(err)
	}
	messages := make([]tick, 16*keys) // made before, so that only the lane is measured; of equal Seq, which is not stale
	for i := range messages {
		messages[i] = quoted(mailbox.Key(i*7919%keys), 1)
		if i%16 == 0 {
			messages[i].Kind = mailbox.Event
		}
	}
	i := 0
	for ; i < 2*keys; i++ {
		_ = box.Offer(messages[i])
	}
	var item [1]mailbox.Item[tick]
	for b.Loop() {
		i++
		if err := box.Offer(messages[i%len(messages)]); err != nil {
			b.Fatal(err)
		}
		if i%8 == 0 {
			box.Take(item[:])
		}
	}
}
