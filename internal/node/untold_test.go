package node

import (
	"log/slog"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/orders"
)

func TestAnEventIsToldUntilAnIncarnationHasDealtWithIt(t *testing.T) {
	var dead error
	alive := func() error { return dead }
	u := &untold{n: &Node{log: slog.New(slog.DiscardHandler)}, name: "s"}
	e := ear{u, alive}
	want := func(when string, upTo uint64, numbers ...uint64) {
		t.Helper()
		got := u.upTo(upTo)
		same := len(got) == len(numbers)
		for i := range numbers {
			same = same && got[i].N == numbers[i]
		}
		if !same {
			t.Errorf("%s: untold %+v, want %d", when, got, numbers)
		}
	}
	for n := range uint64(5) {
		u.add(n+1, orders.Event{Kind: orders.EventFill})
	}
	want("of a state that takes in less", 3, 1, 2, 3)
	e.Telling(1)
	e.Told(1)
	want("one was told", 5, 2, 3, 4, 5)
	e.Telling(2)
	want("it ended of one", 5, 2, 3, 4, 5)
	dead = actors.ErrFenced
	e.Told(5)
	want("one that was left behind says that it has told", 5, 2, 3, 4, 5)
	dead = actors.ErrNotReady
	e.Telling(2)
	want("two have ended of one", 5, 3, 4, 5)
	e.Told(4)
	want("of one that is not ready yet for its supervisor", 5, 5)
	for n := range uint64(2 * maxUntold) {
		u.add(n+6, orders.Event{})
	}
	if got := u.upTo(1 << 20); len(got) != maxUntold || got[0].N != maxUntold+6 {
		t.Errorf("%d wait, from %d, want the last %d", len(got), got[0].N, maxUntold)
	}
}
