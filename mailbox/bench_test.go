package mailbox_test

import (
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
