package mailbox_test

import (
	"context"
	"errors"
	"testing"

	"github.com/failshut/failshut/mailbox"
)

// A lane that was found full refuses without a look at anything else, until that may have changed.
func TestALaneThatWasFullAnswersWhatIsTrueNow(t *testing.T) {
	var item [1]mailbox.Item[int]
	for name, tt := range map[string]struct {
		change func(b *mailbox.Box[int])
		want   error
	}{
		"nothing happened":        {func(*mailbox.Box[int]) {}, mailbox.ErrFull},
		"one was taken":           {func(b *mailbox.Box[int]) { b.Take(item[:]) }, nil},
		"suspended":               {func(b *mailbox.Box[int]) { b.Suspend() }, mailbox.ErrSuspended},
		"suspended, and no more":  {func(b *mailbox.Box[int]) { b.Suspend(); b.Resume() }, mailbox.ErrFull},
		"retired":                 {func(b *mailbox.Box[int]) { b.Retire(mailbox.Restarted) }, mailbox.ErrSuspended},
		"closed":                  {func(b *mailbox.Box[int]) { b.Close(mailbox.Stopped) }, mailbox.ErrClosed},
		"taken and offered again": {func(b *mailbox.Box[int]) { b.Take(item[:]); _ = b.Offer(1) }, mailbox.ErrFull},
		"somebody waited and does not": {func(b *mailbox.Box[int]) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := b.OfferWait(ctx, 1); !errors.Is(err, context.Canceled) {
				t.Errorf("OfferWait() = %v, want Canceled", err)
			}
		}, mailbox.ErrFull},
	} {
		for _, bound := range []int{1, 100} { // of one queue, and of two
			b, err := mailbox.New[int](mailbox.One(bound, mailbox.Block))
			if err != nil {
				t.Fatal(err)
			}
			for n := range bound {
				if err := b.Offer(n); err != nil {
					t.Fatal(err)
				}
			}
			const before = 3
			for range before {
				if err := b.Offer(-1); !errors.Is(err, mailbox.ErrFull) {
					t.Fatalf("Offer() to a full lane = %v, want ErrFull", err)
				}
			}
			tt.change(b)
			if err := b.Offer(-1); !errors.Is(err, tt.want) {
				t.Errorf("%s, bound %d: Offer() = %v, want %v", name, bound, err, tt.want)
			}
			s := b.Stats().Lanes[mailbox.Data-1]
			if !s.Balanced() || s.Refused.Of(mailbox.Full) < before {
				t.Errorf("%s, bound %d: counts %+v do not balance", name, bound, s)
			}
		}
	}
}

// A waiter makes the lane full for all others. That it leaves changes their answer, though nothing was taken.
func TestRoomThatAWaiterLeavesIsThereForOthers(t *testing.T) {
	b, err := mailbox.New[int](mailbox.One(1, mailbox.Block))
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Offer(1)
	w, err := b.OfferLater(2, answered(nil))
	if w == nil {
		t.Fatal("not waiting:", err)
	}
	if err := b.Offer(3); !errors.Is(err, mailbox.ErrFull) {
		t.Fatalf("Offer() = %v, want ErrFull", err)
	}
	var item [1]mailbox.Item[int]
	b.Take(item[:]) // the waiter gets the place
	if err := b.Offer(4); !errors.Is(err, mailbox.ErrFull) {
		t.Fatalf("Offer() = %v, want ErrFull", err)
	}
	b.Take(item[:])
	if err := b.Offer(5); err != nil {
		t.Fatalf("Offer() = %v, want nil", err)
	}
}

// answered is a Waiter that forgets.
type answered func(error)

func (answered) Answer(error) {}
