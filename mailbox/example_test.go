package mailbox_test

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/mailbox"
)

// A consumer that is late gets the newest quote of each instrument, and is told which trades it will never see.
func ExampleDescribe() {
	type update struct {
		instrument mailbox.Key
		seq        uint64
		quote      bool
		text       string
	}
	cfg := mailbox.One(4, mailbox.Conflate)
	cfg.MaxKeys = 2
	box, err := mailbox.New(cfg,
		mailbox.Describe(func(u update) mailbox.Description {
			d := mailbox.Description{Key: u.instrument, Seq: u.seq}
			if u.quote {
				d.Kind = mailbox.State
			}
			return d
		}),
		mailbox.GapOf(func(k mailbox.Key, from, to uint64) update {
			return update{instrument: k, text: fmt.Sprintf("trades %d to %d are lost", from, to)}
		}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range []update{
		{7, 1, true, "bid 99"}, {7, 2, true, "bid 100"}, {8, 1, false, "sold 10"}, {8, 2, false, "sold 20"},
	} {
		if err := box.Offer(u); errors.Is(err, mailbox.ErrGapped) {
			fmt.Println("seq", u.seq, "of", u.instrument, err)
		}
	}
	var item [1]mailbox.Item[update]
	for box.Take(item[:]) == 1 {
		fmt.Println(item[0].Message.instrument, item[0].Message.text, "instead of", item[0].Coalesced.N, "others")
	}
	// Output:
	// seq 2 of 8 mailbox: gapped
	// 7 bid 100 instead of 1 others
	// 8 trades 1 to 2 are lost instead of 0 others
}

// A box with one lane says no when it is full, and the sender knows at once.
func ExampleNew() {
	box, err := mailbox.New[string](mailbox.One(2, mailbox.Reject))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(box.Offer("buy 10"), box.Offer("buy 20"), box.Offer("buy 30"))
	var items [8]mailbox.Item[string]
	for _, item := range items[:box.Take(items[:])] {
		fmt.Println("took", item.Message)
	}
	lane := box.Stats().Lanes[mailbox.Data-1]
	fmt.Println(lane.Offered, "offered =", lane.Accepted, "accepted +", lane.Refused.Total(), "refused")
	// Output:
	// <nil> <nil> mailbox: full
	// took buy 10
	// took buy 20
	// 3 offered = 2 accepted + 1 refused
}

// Of prices that nobody has looked at yet the oldest are worth the least.
func ExampleOne() {
	box, _ := mailbox.New[int](mailbox.One(2, mailbox.DropOldest))
	fmt.Println(box.Offer(99), box.Offer(100), box.Offer(101))
	var items [8]mailbox.Item[int]
	for _, item := range items[:box.Take(items[:])] {
		fmt.Println(item.Message)
	}
	// Output:
	// <nil> <nil> <nil>
	// 100
	// 101
}

func ExampleDefaultConfig() {
	c := mailbox.DefaultConfig("orders")
	for l := mailbox.Control; l <= mailbox.Data; l++ {
		fmt.Println(l, c.Lanes[l-1].Cap, c.Lanes[l-1].Policy)
	}
	// Output:
	// control 1088 reject
	// reports 4096 block
	// commands 1024 reject
	// data 8192 reject
}

// A cancel passes all the prices that wait.
func ExampleByLane() {
	box, _ := mailbox.New(mailbox.DefaultConfig("orders"), mailbox.ByLane(func(m string) mailbox.Lane {
		if m == "cancel" {
			return mailbox.Control
		}
		return mailbox.Data
	}))
	for _, m := range []string{"price 1", "price 2", "cancel"} {
		_ = box.Offer(m)
	}
	var item [1]mailbox.Item[string]
	for box.Take(item[:]) == 1 {
		fmt.Println(item[0].Lane, item[0].Message)
	}
	// Output:
	// control cancel
	// data price 1
	// data price 2
}

// An order that has waited too long is not sent: it is a dead letter.
func ExampleDeadline() {
	type order struct {
		id    int
		until int64 // on the clock of the box
	}
	now := int64(0)
	cfg := mailbox.One(8, mailbox.Reject)
	cfg.Now = func() int64 { return now }
	box, _ := mailbox.New(cfg,
		mailbox.Deadline(func(o order) int64 { return o.until }),
		mailbox.Sink(func(l mailbox.Letter[order]) { fmt.Println("order", l.Message.id, l.Reason) }))
	_ = box.Offer(order{1, 100})
	_ = box.Offer(order{2, 300})
	now = 200
	fmt.Println(box.Offer(order{3, 150}))
	var items [8]mailbox.Item[order]
	for _, item := range items[:box.Take(items[:])] {
		fmt.Println("order", item.Message.id, "taken")
	}
	// Output:
	// mailbox: expired
	// order 1 expired
	// order 2 taken
}

// Nothing that was accepted vanishes: what a closed box still held goes to its sink.
func ExampleSink() {
	box, _ := mailbox.New(mailbox.One(8, mailbox.Reject),
		mailbox.Sink(func(l mailbox.Letter[string]) { fmt.Println(l.Lane, l.Message, l.Reason) }))
	_ = box.Offer("quote")
	fmt.Println(box.Close(mailbox.Stopped).Total(), "left")
	fmt.Println(box.Offer("another"))
	// Output:
	// data quote stopped
	// 1 left
	// mailbox: closed
}

// Whoever cancels an order twice while the first cancel waits takes no room from the cancels of others.
func ExampleByKey() {
	var cfg mailbox.Config
	cfg.Lanes[mailbox.Control-1] = mailbox.LaneConfig{Cap: 2, Policy: mailbox.Reject}
	box, _ := mailbox.New(cfg, mailbox.ByKey(func(order string) (string, bool) { return order, true }))
	fmt.Println(box.Offer("A1"), box.Offer("A1"), box.Offer("A1"), box.Offer("B7"))
	var items [8]mailbox.Item[string]
	for _, item := range items[:box.Take(items[:])] {
		fmt.Println("cancel", item.Message)
	}
	// Output:
	// <nil> <nil> <nil> <nil>
	// cancel A1
	// cancel B7
}

// What was lost is told in its place, as a message of the consumer's own.
func ExampleGapOf() {
	cfg := mailbox.One(3, mailbox.Conflate)
	cfg.MaxKeys = 1
	box, _ := mailbox.New(cfg,
		mailbox.Describe(func(seq int) mailbox.Description { return mailbox.Description{Key: 1, Seq: uint64(seq)} }), //nolint:gosec // small
		mailbox.GapOf(func(_ mailbox.Key, from, to uint64) int { return -int(to - from + 1) }))                       //nolint:gosec // small
	for trade := range 5 {
		_ = box.Offer(trade)
	}
	var items [8]mailbox.Item[int]
	for _, item := range items[:box.Take(items[:])] {
		fmt.Println(-item.Message, "trades are lost")
	}
	// Output: 5 trades are lost
}

// A flight recorder: what the consumer took last, which anybody may read.
func ExampleTap() {
	var last string
	var items [8]mailbox.Item[string]
	box, _ := mailbox.New(mailbox.One(8, mailbox.Reject), mailbox.Tap[string](func(taken int) { last = items[taken-1].Message }))
	_ = box.Offer("buy")
	_ = box.Offer("sell")
	box.Take(items[:])
	box.Hold(func() { fmt.Println("took", last, "last") })
	// Output: took sell last
}

// Few messages of a mailbox have a deadline: the others pay nothing for it.
func ExampleSeldomDeadline() {
	type call struct {
		text  string
		until int64
	}
	now := int64(0)
	cfg := mailbox.One(8, mailbox.Reject)
	cfg.Now = func() int64 { return now }
	box, _ := mailbox.New(cfg, mailbox.SeldomDeadline(func(c call) int64 { return c.until }))
	_ = box.Offer(call{text: "plain"})
	_ = box.OfferBy(mailbox.Data, call{"dated", 100})
	now = 200
	var items [8]mailbox.Item[call]
	for _, item := range items[:box.Take(items[:])] {
		fmt.Println(item.Message.text)
	}
	fmt.Println(box.OfferBy(mailbox.Data, call{"past", 150}))
	// Output:
	// plain
	// mailbox: expired
}
