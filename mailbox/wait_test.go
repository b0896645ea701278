package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/failshut/failshut/mailbox"
)

func TestControlIsHandedOnAndTheRestIsDropped(t *testing.T) {
	letters := map[mailbox.Reason]int{}
	sink := mailbox.Sink(func(l mailbox.Letter[msg]) { letters[l.Reason]++ })
	old, next := newBox(t, lanes(9, 9, 9, 9), sink), newBox(t, lanes(3, 9, 9, 9), sink)
	next.Suspend()
	for i := range 16 {
		if err := old.Offer(msg{mailbox.Lane(1 + i%4), i}); err != nil {
			t.Fatal(err)
		}
	}
	if n := old.Retire(mailbox.Restarted).Total(); n != 12 || letters[mailbox.Restarted] != 12 {
		t.Fatalf("Retire() dropped %d, %v, want all but Control", n, letters)
	}
	if err := old.Offer(msg{mailbox.Reports, 0}); !errors.Is(err, mailbox.ErrSuspended) {
		t.Fatalf("report to a retired box = %v, want ErrSuspended", err)
	}
	if err := old.Offer(msg{mailbox.Control, 16}); err != nil {
		t.Fatalf("control to a retired box = %v, want nil", err)
	}
	if got := takeAll(old); got != nil {
		t.Fatalf("a retired box handed out %v", got)
	}
	checkBalance(t, old)
	old.HandOn(next)
	old.HandOn(next)
	next.Resume()
	if got := fmt.Sprint(takeAll(next)); got != "[{1 0} {1 4} {1 8}]" {
		t.Fatalf("handed on: %s", got)
	}
	if letters[mailbox.Restarted] != 14 { // two found no room
		t.Fatalf("letters = %v, want 14 restarted", letters)
	}
	c := old.Stats().Lanes[mailbox.Control-1]
	if c.Dropped.Of(mailbox.HandedOn) != 3 || c.Dropped.Of(mailbox.Restarted) != 2 || !old.Stats().Closed {
		t.Fatalf("counts = %+v", c)
	}
	checkBalance(t, old)
	checkBalance(t, next)
}

func TestOfferWaitIsServedInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, lanes(0, 2, 0, 0))
		for i := range 2 {
			if err := b.Offer(msg{mailbox.Reports, i}); err != nil {
				t.Fatal(err)
			}
		}
		errs := make(chan error, 3)
		for i := range 3 {
			go func() { errs <- b.OfferWait(t.Context(), msg{mailbox.Reports, 2 + i}) }()
			synctest.Wait()
		}
		if n := b.Stats().Lanes[mailbox.Reports-1].Waiting; n != 3 {
			t.Fatalf("waiting = %d, want 3", n)
		}
		var got []int
		var item [1]mailbox.Item[msg]
		for b.Take(item[:]) == 1 {
			got = append(got, item[0].Message.n)
			if err := b.Offer(msg{mailbox.Reports, 99}); len(got) < 3 && !errors.Is(err, mailbox.ErrFull) {
				t.Errorf("an offer slipped in before those who wait: %v", err)
			} else if err == nil {
				break
			}
		}
		if want := "[0 1 2 3]"; fmt.Sprint(got) != want {
			t.Errorf("order = %v, want %s", got, want)
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Errorf("OfferWait() error = %v", err)
			}
		}
		checkBalance(t, b)
	})
}

// The engine leaves those who wait for a failed actor's mailbox stuck for ever.
func TestT04WhoeverWaitsIsReleased(t *testing.T) {
	gaveUp := errors.New("gave up")
	tests := map[string]struct {
		release func(b *mailbox.Box[msg], cancel context.CancelCauseFunc)
		want    error
		counted mailbox.Reason
	}{
		"by suspend": {func(b *mailbox.Box[msg], _ context.CancelCauseFunc) { b.Suspend() }, mailbox.ErrSuspended, mailbox.Suspended},
		"by close":   {func(b *mailbox.Box[msg], _ context.CancelCauseFunc) { b.Close(mailbox.Stopped) }, mailbox.ErrClosed, mailbox.Closed},
		"by context": {func(_ *mailbox.Box[msg], c context.CancelCauseFunc) { c(gaveUp) }, gaveUp, mailbox.Cancelled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				b := newBox(t, lanes(0, 1, 0, 0))
				if err := b.Offer(msg{lane: mailbox.Reports}); err != nil {
					t.Fatal(err)
				}
				errs := make(chan error, 20)
				for range 20 {
					go func() { errs <- b.OfferWait(ctx, msg{lane: mailbox.Reports}) }()
				}
				synctest.Wait()
				tt.release(b, cancel)
				for range 20 {
					if err := <-errs; !errors.Is(err, tt.want) {
						t.Fatalf("OfferWait() error = %v, want %v", err, tt.want)
					}
				}
				if n := b.Stats().Lanes[mailbox.Reports-1].Refused.Of(tt.counted); n != 20 {
					t.Errorf("%d counted as %s, want 20", n, tt.counted)
				}
				checkBalance(t, b)
			})
		})
	}
}

func TestOfferWaitIsForBlockLanesOnly(t *testing.T) {
	b := newBox(t, lanes(1, 1, 1, 1))
	for _, l := range []mailbox.Lane{0, mailbox.Control, mailbox.Commands, mailbox.Data} {
		if err := b.OfferWait(t.Context(), msg{lane: l}); !errors.Is(err, mailbox.ErrPolicy) {
			t.Errorf("OfferWait() on %s = %v, want ErrPolicy", l, err)
		}
	}
	checkBalance(t, b)
}
