package mailbox_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/mailbox"
)

var seed = flag.Uint64("mailbox.seed", uint64(time.Now().UnixNano()), "seed of the random tests")

// model is a box as a naive reader of its documentation would write it.
type model struct {
	bounds            [4]int
	policies          [4]mailbox.Policy
	queues            [4][]int
	letters           []letter
	overflown         int
	suspended, closed bool
	handled, dropped  int
	signals           mailbox.Signal
}

// letter is a dead letter as far as the model knows of it.
type letter struct {
	n      int
	lane   mailbox.Lane
	reason mailbox.Reason
}

func (m *model) offer(l mailbox.Lane, n int) error {
	switch {
	case m.closed:
		return mailbox.ErrClosed
	case !l.Valid() || m.bounds[l-1] == 0:
		return mailbox.ErrPolicy
	case m.suspended && l != mailbox.Control:
		return mailbox.ErrSuspended
	case len(m.queues[l-1]) < m.bounds[l-1]:
	case m.policies[l-1] == mailbox.DropOldest:
		m.letters = append(m.letters, letter{m.queues[l-1][0], l, mailbox.Overflow})
		m.queues[l-1] = m.queues[l-1][1:]
		m.overflown++
	case m.policies[l-1] == mailbox.DropNewest:
		m.letters = append(m.letters, letter{n, l, mailbox.Full})
		return mailbox.ErrFull
	default:
		return mailbox.ErrFull
	}
	m.queues[l-1] = append(m.queues[l-1], n)
	return nil
}

func (m *model) take(n int) []int {
	var out []int
	for i := range m.queues {
		for len(out) < n && len(m.queues[i]) > 0 && !m.suspended && !m.closed {
			out = append(out, m.queues[i][0])
			m.queues[i] = m.queues[i][1:]
		}
	}
	m.handled += len(out)
	return out
}

// policiesTried are those that the fuzzing draws from, for each lane.
var policiesTried = [4][]mailbox.Policy{
	{mailbox.Reject},
	{mailbox.Reject},
	{mailbox.Reject, mailbox.DropNewest},
	{mailbox.Reject, mailbox.DropOldest, mailbox.DropNewest},
}

// FuzzBoxAgainstModel runs a script of operations, two bytes each, on a box and on the model.
func FuzzBoxAgainstModel(f *testing.F) {
	bounds := []int{0, 1, 63, 64, 65, 200}
	f.Add(uint8(1), []byte{0, 4, 0, 4, 1, 1})
	f.Add(uint8(5), []byte{0, 1, 3, 0, 0, 4, 1, 255, 4, 0, 1, 255, 5, 0, 0, 1})
	for i := range bounds {
		script := make([]byte, 0, 1200)
		for range 300 {
			script = append(script, 0, 4)
		}
		f.Add(uint8(i), append(script, 1, 200, 1, 200, 0, 4, 5, 0))
	}
	f.Fuzz(func(t *testing.T, pick uint8, script []byte) {
		m := &model{}
		cfg := mailbox.Config{}
		for i := range m.bounds {
			m.bounds[i] = bounds[(int(pick)+i)%len(bounds)]
			m.policies[i] = policiesTried[i][int(pick)%len(policiesTried[i])]
			cfg.Lanes[i] = mailbox.LaneConfig{Cap: m.bounds[i], Policy: m.policies[i]}
		}
		var letters []letter
		b := newBox(t, cfg, mailbox.Sink(func(l mailbox.Letter[msg]) {
			letters = append(letters, letter{l.Message.n, l.Lane, l.Reason})
		}))
		for i := 0; i+1 < len(script); i += 2 {
			step(t, b, m, script[i]%7, script[i+1], i)
			compare(t, b, m)
		}
		if !slices.Equal(letters, m.letters) {
			t.Fatalf("dead letters %v, want %v", letters, m.letters)
		}
	})
}

func step(t *testing.T, b *mailbox.Box[msg], m *model, op, arg byte, i int) {
	t.Helper()
	switch op {
	case 0, 6:
		l := mailbox.Lane(arg % 6)
		if got, want := b.Offer(msg{l, i}), m.offer(l, i); !errors.Is(got, want) {
			t.Fatalf("step %d: Offer on %s = %v, want %v", i, l, got, want)
		}
	case 1:
		buf := make([]mailbox.Item[msg], int(arg))
		var got []int
		for _, it := range buf[:b.Take(buf)] {
			got = append(got, it.Message.n)
		}
		if want := m.take(int(arg)); !slices.Equal(got, want) {
			t.Fatalf("step %d: Take = %v, want %v", i, got, want)
		}
	case 2:
		b.Raise(mailbox.Signal(arg))
		m.signals |= mailbox.Signal(arg)
		if arg%2 == 0 {
			if got := b.Signals(); got != m.signals {
				t.Fatalf("step %d: Signals = %b, want %b", i, got, m.signals)
			}
			m.signals = 0
		}
	case 3:
		b.Suspend()
		m.suspended = true
	case 4:
		b.Resume()
		m.suspended = false
	case 5:
		if arg%16 != 0 {
			return
		}
		want := 0
		for l := range m.queues {
			want += len(m.queues[l])
			for _, n := range m.queues[l] {
				m.letters = append(m.letters, letter{n, mailbox.Lane(l + 1), mailbox.Stopped})
			}
			m.queues[l] = nil
		}
		m.dropped += want
		m.closed = true
		if got := b.Close(mailbox.Stopped).Total(); got != want {
			t.Fatalf("step %d: Close drained %d, want %d", i, got, want)
		}
	}
}

func compare(t *testing.T, b *mailbox.Box[msg], m *model) {
	t.Helper()
	checkBalance(t, b)
	s := b.Stats()
	total := s.Total()
	if total.Handled != uint64(m.handled) || total.Dropped.Of(mailbox.Stopped) != uint64(m.dropped) || total.Dropped.Of(mailbox.Overflow) != uint64(m.overflown) {
		t.Fatalf("handled %d dropped %v, want %d, %d stopped and %d overflown", total.Handled, total.Dropped, m.handled, m.dropped, m.overflown)
	}
	pending := m.signals != 0
	for i, q := range m.queues {
		if s.Lanes[i].Queued != len(q) {
			t.Fatalf("lane %s holds %d, want %d", mailbox.Lane(i+1), s.Lanes[i].Queued, len(q))
		}
		pending = pending || len(q) > 0 && !m.suspended
	}
	if b.Pending() != pending {
		t.Fatalf("Pending() = %v, want %v", !pending, pending)
	}
}

// TestNoMessageIsLostUnderContention runs producers of both kinds, a slow consumer that suspends, resumes and at
// last closes, and a reader of statistics, under each policy of the lanes, and then balances the senders' books with the box's.
func TestNoMessageIsLostUnderContention(t *testing.T) {
	t.Logf("-mailbox.seed=%d", *seed)
	rounds := max(*messages/(producers*eachSends), 1)
	if testing.Short() {
		rounds = min(rounds, 10)
	}
	for round := range rounds {
		bounds := [][4]int{{3, 5, 64, 65}, {64, 200, 63, 300}, {1000, 64, 1000, 1}}[round%3]
		cfg := lanes(bounds[0], bounds[1], bounds[2], bounds[3])
		for _, l := range []mailbox.Lane{mailbox.Commands, mailbox.Data} {
			tried := policiesTried[l-1]
			if l == mailbox.Data {
				tried = append(slices.Clip(tried), mailbox.Conflate)
			}
			cfg.Lanes[l-1].Policy = tried[round/3%len(tried)]
			if cfg.Lanes[l-1].Policy == mailbox.Conflate {
				cfg.MaxKeys = producers
				cfg.Lanes[l-1].Cap += producers
			}
		}
		conserve(t, cfg, *seed+uint64(round))
	}
}

// What one round of the conservation test sends.
const (
	producers = 6
	eachSends = 2000
)

var messages = flag.Int("mailbox.messages", 1_200_000, "messages that the conservation test sends")

// ordered wants the messages of one producer in one lane in the order in which they were sent, whatever is missing.
type ordered [producers][4]int

func (o *ordered) check(t *testing.T, seed uint64, m msg) {
	t.Helper()
	if m.n < 0 {
		return // a gap, which may stand ahead of States that were sent before what it speaks of
	}
	last := &o[m.n/eachSends][m.lane-1]
	if m.n < *last {
		t.Fatalf("seed %d: message %d of lane %s came after %d", seed, m.n, m.lane, *last)
	}
	*last = m.n
}

// handle takes what the consumer got; now and then its handler panics, which is handled too.
func (o *ordered) handle(t *testing.T, seed uint64, r *rand.Rand, items []mailbox.Item[msg]) {
	t.Helper()
	for _, item := range items {
		func() {
			defer func() { _ = recover() }()
			o.check(t, seed, item.Message)
			if r.IntN(100) == 0 {
				panic("in the handler")
			}
		}()
	}
}

// describeMsg makes all messages of a producer one key, so that their order is that in which they were sent.
func describeMsg(m msg) mailbox.Description {
	d := mailbox.Description{Key: mailbox.Key(m.n / eachSends), Seq: uint64(m.n), Kind: mailbox.State}
	switch {
	case m.n%64 == 0:
		d.Kind, d.Snapshot = mailbox.Barrier, true
	case m.n%3 == 0:
		d.Kind = mailbox.Event
	}
	return d
}

func gapOfMsg(mailbox.Key, uint64, uint64) msg { return msg{lane: mailbox.Data, n: -1} }

func conserve(t *testing.T, cfg mailbox.Config, seed uint64) {
	t.Helper()
	var letters, unaccepted atomic.Int64
	b := newBox(t, cfg, mailbox.Sink(func(l mailbox.Letter[msg]) {
		if l.Reason == mailbox.Full {
			unaccepted.Add(1)
			return
		}
		letters.Add(1)
	}), mailbox.Describe(describeMsg), mailbox.GapOf(gapOfMsg))
	const each = eachSends
	var accepted, offered atomic.Int64
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(p)))
			for i := range each {
				m := msg{mailbox.Lane(1 + r.IntN(4)), p*each + i}
				send := b.Offer
				if p < 2 {
					m.lane = mailbox.Reports
					send = func(m msg) error { return b.OfferWait(t.Context(), m) }
				}
				offered.Add(1)
				if send(m) == nil {
					accepted.Add(1)
				}
			}
		})
	}
	var finished atomic.Bool
	go func() { wg.Wait(); finished.Store(true) }()
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				checkBalance(t, b)
				runtime.Gosched() // a reader that never rests starves everybody else of the lock
			}
		}
	})
	r := rand.New(rand.NewPCG(seed, 99))
	handled := 0
	var order ordered
	buf := make([]mailbox.Item[msg], 7)
	for handled < producers*eachSends/4 && !finished.Load() {
		n := b.Take(buf[:1+r.IntN(len(buf))])
		handled += n
		order.handle(t, seed, r, buf[:n])
		if n == 0 {
			runtime.Gosched()
		}
		if r.IntN(50) == 0 {
			b.Suspend()
			b.Resume()
		}
	}
	b.Close(mailbox.Stopped)
	wg.Wait()
	close(stop)
	readers.Wait()
	s := b.Stats().Total()
	if s.Accepted-s.Gaps != uint64(accepted.Load()) || s.Offered-s.Gaps != uint64(offered.Load()) ||
		uint64(handled)+uint64(letters.Load()) != s.Accepted || s.Queued != 0 || s.Waiting != 0 {
		t.Fatalf("seed %d: senders: offered %d accepted %d, consumer: handled %d, letters %d, box: %+v",
			seed, offered.Load(), accepted.Load(), handled, letters.Load(), s)
	}
	full := uint64(0)
	for i, l := range b.Stats().Lanes {
		if cfg.Lanes[i].Policy == mailbox.DropNewest {
			full += l.Refused.Of(mailbox.Full)
		}
	}
	if uint64(unaccepted.Load()) != full {
		t.Fatalf("seed %d: %d letters of messages that were not accepted, want %d", seed, unaccepted.Load(), full)
	}
	checkBalance(t, b)
}
