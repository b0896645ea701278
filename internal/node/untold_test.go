package node

import (
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/orders"
)

func TestAnEventIsToldUntilAnIncarnationHasDealtWithIt(t *testing.T) {
	var dead error
	var ids atomic.Uint64
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
	if got := u.take(0, ids.Add); len(got) != 0 {
		t.Errorf("set aside %+v, of which one has ended", got)
	}
	e.Telling(3)
	e.Heard(3)
	e.Telling(3)
	e.Heard(3)
	e.Telling(2)
	if got := u.take(77, ids.Add); len(got) != 1 || got[0].N != 2 || got[0].id != 1 || got[0].again {
		t.Errorf("set aside %+v, want the second, of which two have ended", got)
	}
	want("two have ended of one", 5, 3, 4, 5)
	e.Told(4)
	want("of one that is not ready yet for its supervisor", 5, 5)
	for n := range uint64(2 * maxUntold) {
		u.add(n+6, orders.Event{})
	}
	if got := u.upTo(1 << 20); len(got) != maxUntold-1 || got[0].N != maxUntold+7 {
		t.Errorf("%d wait, from %d, want the last %d beside what is aside", len(got), got[0].N, maxUntold-1)
	}
	if got := u.kept(); len(got) != 1 || got[0].N != 2 || got[0].at != 77 {
		t.Errorf("kept %+v, want the second, which gives way to nothing", got)
	}
	e.Told(4000)
	want("all that is not aside was told", 1<<20)
	if x, ok := u.release(1); !ok || x.N != 2 {
		t.Errorf("released %+v, want the second", x)
	}
	u.add(4001, orders.Event{})
	e.Told(4001)
	want("a later one was told: what was released is dealt with by itself", 1<<20, 2)
	dead = actors.ErrFenced
	e.Telling(2)
	e.Telling(2)
	dead = nil
	if got := u.take(78, ids.Add); len(got) != 0 {
		t.Errorf("set aside %+v for an incarnation that was left behind", got)
	}
	e.Telling(2)
	e.Telling(2)
	if got := u.take(78, ids.Add); len(got) != 1 || got[0].id != 1 || !got[0].again {
		t.Errorf("set aside %+v, want the second again under its id", got)
	}
	u.release(1)
	for n := range uint64(2 * maxUntold) { // what was released and not dealt with gives way no more than what is aside
		u.add(n+5000, orders.Event{})
	}
	if got := u.kept(); len(got) != 1 || got[0].N != 2 {
		t.Errorf("kept %+v after many more, want the second", got)
	}
	e.Told(2)
	if got := u.kept(); len(got) != 0 {
		t.Errorf("kept %+v, want nothing: it was dealt with", got)
	}
}
