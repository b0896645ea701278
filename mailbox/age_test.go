package mailbox_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/failshut/failshut/mailbox"
)

// dated is a message with a deadline.
type dated struct {
	lane mailbox.Lane
	n    int
	due  int64
}

// clock is what a box of these tests reads.
type clock struct{ now int64 }

// ageing makes a box of two places a lane whose Data lives for 100 ns, and whose Commands and Data may have deadlines.
func ageing(t testing.TB, c *clock, data mailbox.Policy, opts ...mailbox.Option[dated]) *mailbox.Box[dated] {
	t.Helper()
	cfg := lanes(2, 2, 2, 2)
	cfg.Now = func() int64 { return c.now }
	cfg.Lanes[mailbox.Data-1].Policy = data
	cfg.Lanes[mailbox.Data-1].TTL = 100
	b, err := mailbox.New(cfg, append(opts,
		mailbox.ByLane(func(m dated) mailbox.Lane { return m.lane }), mailbox.Deadline(func(m dated) int64 { return m.due }))...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// taken takes until there is nothing.
func taken(b *mailbox.Box[dated]) []int {
	var out []int
	var item [1]mailbox.Item[dated]
	for b.Pending() {
		if b.Take(item[:]) == 1 {
			out = append(out, item[0].Message.n)
		}
	}
	return out
}

func TestWhatHasGrownTooOldIsDroppedAndTheNextIsLookedAt(t *testing.T) {
	c := &clock{now: 1000}
	var letters []mailbox.Letter[dated]
	b := ageing(t, c, mailbox.Reject, mailbox.Sink(func(l mailbox.Letter[dated]) { letters = append(letters, l) }))
	offer := func(m dated) {
		t.Helper()
		if err := b.Offer(m); err != nil {
			t.Fatalf("Offer(%+v) = %v", m, err)
		}
	}
	offer(dated{lane: mailbox.Data, n: 1})
	offer(dated{lane: mailbox.Commands, n: 2, due: 1040})
	offer(dated{lane: mailbox.Commands, n: 3})
	offer(dated{lane: mailbox.Control, n: 4, due: 1}) // a cancel is never too late
	offer(dated{lane: mailbox.Reports, n: 5, due: 1}) // nor is evidence
	c.now = 1050
	offer(dated{lane: mailbox.Data, n: 6})
	c.now = 1100 // the first of Data is exactly as old as it may not be
	if got := taken(b); !slices.Equal(got, []int{4, 5, 3, 6}) {
		t.Errorf("took %v, want 4, 5, 3 and 6", got)
	}
	if len(letters) != 2 || letters[0].Message.n != 2 || letters[1].Message.n != 1 ||
		letters[0].Reason != mailbox.Expired || letters[1].Lane != mailbox.Data || letters[1].At != 1000 {
		t.Errorf("letters %+v, want 2 and 1, expired", letters)
	}
	s := b.Stats().Total()
	if !s.Balanced() || s.Dropped.Of(mailbox.Expired) != 2 || s.Handled != 4 {
		t.Errorf("counts %+v, want 4 handled and 2 expired", s)
	}
}

func TestADeadlineThatHasPassedIsRefusedAlsoWhereThereIsNoRoom(t *testing.T) {
	c := &clock{now: 1000}
	b := ageing(t, c, mailbox.Block)
	for _, n := range []int{1, 2} {
		if err := b.Offer(dated{lane: mailbox.Data, n: n}); err != nil {
			t.Fatal(err)
		}
		if err := b.Offer(dated{lane: mailbox.Data, n: n, due: 1000}); !errors.Is(err, mailbox.ErrExpired) {
			t.Errorf("with %d queued, Offer() of what is late = %v, want ErrExpired", n, err)
		}
		if err := b.OfferWait(t.Context(), dated{lane: mailbox.Data, n: n, due: 999}); !errors.Is(err, mailbox.ErrExpired) {
			t.Errorf("with %d queued, OfferWait() of what is late = %v, want ErrExpired", n, err)
		}
	}
	if err := b.Offer(dated{lane: mailbox.Data, n: 3, due: 1001}); !errors.Is(err, mailbox.ErrFull) {
		t.Errorf("Offer() of what is in time = %v, want ErrFull", err)
	}
	if s := b.Stats().Total(); s.Refused.Of(mailbox.Expired) != 4 || !s.Balanced() {
		t.Errorf("counts %+v, want 4 refused as expired", s)
	}
}

// The place of an expired message is a place: whoever waits gets it within the same Take.
func TestAnExpiredMessageGivesItsPlaceToWhoWaits(t *testing.T) {
	c := &clock{now: 1}
	b := ageing(t, c, mailbox.Block)
	for n := range 2 {
		if err := b.Offer(dated{lane: mailbox.Data, n: n}); err != nil {
			t.Fatal(err)
		}
	}
	answer := make(answers, 1)
	if w, err := b.OfferLater(dated{lane: mailbox.Data, n: 7}, answer); w == nil {
		t.Fatalf("OfferLater() = %v, want that it waits", err)
	}
	c.now = 101
	if got := taken(b); !slices.Equal(got, []int{7}) || <-answer != nil {
		t.Errorf("took %v, want 7, which had waited", got)
	}
}

type answers chan error

func (a answers) Answer(err error) { a <- err }

func TestDeadlinesNeedAClock(t *testing.T) {
	_, err := mailbox.New(lanes(0, 0, 1, 0), mailbox.ByLane(laneOf), mailbox.Deadline(func(msg) int64 { return 0 }))
	if !errors.Is(err, mailbox.ErrConfig) {
		t.Errorf("New() with deadlines and no clock error = %v, want ErrConfig", err)
	}
}

func TestAgeingAllocatesNothing(t *testing.T) {
	c := &clock{now: 1}
	b := ageing(t, c, mailbox.Reject)
	var item [1]mailbox.Item[dated]
	round := func() {
		_ = b.Offer(dated{lane: mailbox.Data})
		c.now += 60
		_ = b.Offer(dated{lane: mailbox.Data})
		c.now += 60
		if b.Take(item[:]) != 1 {
			t.Fatal("want one too old and one taken")
		}
	}
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("a message that expires and one that does not allocate %v times, want never", n)
	}
}

// TestAgesAgainstModel draws offers, times and takes, and compares with a list that forgets what is too old.
func TestAgesAgainstModel(t *testing.T) {
	t.Logf("-mailbox.seed=%d", *seed)
	r := rand.New(rand.NewPCG(*seed, 5))
	const ttl, bound = 100, 2
	c := &clock{now: 1}
	b := ageing(t, c, mailbox.DropOldest)
	type queued struct {
		n       int
		at, due int64
	}
	var model []queued
	expired, overflown, refused := uint64(0), uint64(0), uint64(0)
	var item [1]mailbox.Item[dated]
	for i := range 20_000 {
		c.now += int64(r.IntN(40))
		if r.IntN(3) > 0 {
			due := int64(0)
			if r.IntN(2) == 0 {
				due = max(1, c.now+int64(r.IntN(120))-20)
			}
			err := b.Offer(dated{lane: mailbox.Data, n: i, due: due})
			if late := due > 0 && due <= c.now; late != errors.Is(err, mailbox.ErrExpired) || !late && err != nil {
				t.Fatalf("step %d: Offer() at %d of due %d = %v", i, c.now, due, err)
			} else if late {
				refused++
				continue
			}
			if len(model) == bound {
				model = model[1:]
				overflown++
			}
			model = append(model, queued{i, c.now, due})
			continue
		}
		want, got := -1, -1
		for want < 0 && len(model) > 0 {
			q := model[0]
			model = model[1:]
			if c.now-q.at >= ttl || q.due > 0 && q.due <= c.now {
				expired++
			} else {
				want = q.n
			}
		}
		if b.Take(item[:]) == 1 {
			got = item[0].Message.n
		}
		s := b.Stats().Lanes[mailbox.Data-1]
		if got != want || !s.Balanced() || s.Queued != len(model) || s.Dropped.Of(mailbox.Expired) != expired ||
			s.Dropped.Of(mailbox.Overflow) != overflown || s.Refused.Of(mailbox.Expired) != refused {
			t.Fatalf("step %d: took %d, want %d; %+v, want %d queued, %d expired, %d overflown, %d refused",
				i, got, want, s, len(model), expired, overflown, refused)
		}
	}
	if expired == 0 || overflown == 0 || refused == 0 {
		t.Errorf("%d expired, %d overflown, %d refused, want some of each", expired, overflown, refused)
	}
}
