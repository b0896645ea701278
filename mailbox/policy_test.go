package mailbox_test

import (
	"errors"
	"testing"

	"github.com/failshut/failshut/mailbox"
)

// told is what a box told of one message that it did not keep.
type told struct {
	n       int
	reason  mailbox.Reason
	refused bool
}

// overflowing offers 1 to 5 to a box of two places and gives what it told and what it kept.
func overflowing(t *testing.T, p mailbox.Policy) (letters []mailbox.Letter[msg], hooks []told, kept []msg, errs []error) {
	t.Helper()
	cfg := of(mailbox.Data, p)
	cfg.Now = func() int64 { return 7 }
	cfg.Events = mailbox.Events{
		Refused: func(_ string, _ mailbox.Lane, r mailbox.Reason) { hooks = append(hooks, told{1, r, true}) },
		Dropped: func(_ string, _ mailbox.Lane, r mailbox.Reason, n int) { hooks = append(hooks, told{n, r, false}) },
	}
	b := newBox(t, cfg, mailbox.Sink(func(l mailbox.Letter[msg]) { letters = append(letters, l) }))
	for n := 1; n <= 5; n++ {
		errs = append(errs, b.Offer(msg{mailbox.Data, n}))
		checkBalance(t, b)
	}
	return letters, hooks, takeAll(b), errs
}

func TestDropOldestKeepsTheNewest(t *testing.T) {
	letters, hooks, kept, errs := overflowing(t, mailbox.DropOldest)
	if err := errors.Join(errs...); err != nil {
		t.Errorf("offers to a lane that makes room = %v, want nil", err)
	}
	if len(kept) != 2 || kept[0].n != 4 || kept[1].n != 5 {
		t.Errorf("kept %v, want 4 and 5", kept)
	}
	for i, l := range letters {
		if l.Message.n != i+1 || l.Lane != mailbox.Data || l.Reason != mailbox.Overflow || hooks[i] != (told{1, mailbox.Overflow, false}) {
			t.Errorf("letter %+v and hook %+v, want %d dropped for overflow", l, hooks[i], i+1)
		}
	}
	if len(letters) != 3 || len(hooks) != 3 || letters[0].At != 7 {
		t.Errorf("%d letters and %d hooks, want three of each, the first stamped: %+v", len(letters), len(hooks), letters)
	}
}

func TestDropNewestRefusesAndLeavesALetter(t *testing.T) {
	letters, hooks, kept, errs := overflowing(t, mailbox.DropNewest)
	for i, err := range errs {
		if full := i >= 2; errors.Is(err, mailbox.ErrFull) != full {
			t.Errorf("offer %d = %v, want full %v", i+1, err, full)
		}
	}
	if len(kept) != 2 || kept[0].n != 1 || kept[1].n != 2 {
		t.Errorf("kept %v, want 1 and 2", kept)
	}
	for i, l := range letters {
		if l.Message.n != i+3 || l.Reason != mailbox.Full || hooks[i] != (told{1, mailbox.Full, true}) {
			t.Errorf("letter %+v and hook %+v, want %d refused for want of room", l, hooks[i], i+3)
		}
	}
	if len(letters) != 3 || len(hooks) != 3 {
		t.Errorf("%d letters and %d hooks, want three of each", len(letters), len(hooks))
	}
}

func TestMakingRoomAllocatesNothing(t *testing.T) {
	b := newBox(t, of(mailbox.Data, mailbox.DropOldest))
	if n := testing.AllocsPerRun(1000, func() { _ = b.Offer(msg{lane: mailbox.Data}) }); n != 0 {
		t.Errorf("an offer to a full lane allocates %v times, want never", n)
	}
}

// Neither policy waits: who asks to wait there is told so at once.
func TestNobodyWaitsWhereSomethingIsDropped(t *testing.T) {
	for _, p := range []mailbox.Policy{mailbox.DropNewest, mailbox.DropOldest} {
		b := newBox(t, of(mailbox.Data, p))
		if err := b.OfferWait(t.Context(), msg{lane: mailbox.Data}); !errors.Is(err, mailbox.ErrPolicy) {
			t.Errorf("%s: OfferWait() = %v, want ErrPolicy", p, err)
		}
	}
}
