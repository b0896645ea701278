package strategy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/strategy"
)

// TestGoroutinesThatAnIncarnationLeavesAreCountedAtItsEnd however it ends, those of each incarnation apart, and those that a
// goroutine of its own has started among them.
func TestGoroutinesThatAnIncarnationLeavesAreCountedAtItsEnd(t *testing.T) {
	back := make(chan struct{})
	running := make(chan struct{}, 16)
	left := 0
	defer func() {
		close(back)
		for range left {
			<-running
		}
	}()
	leak := func() {
		left++
		go func() {
			running <- struct{}{}
			<-back
			running <- struct{}{}
		}()
		<-running
	}
	var counted []string
	r := newRig(t, func(r *rig) {
		r.cfg.Name = `s "1"`
		r.cfg.Events.Goroutines = func(name string, n int) { counted = append(counted, fmt.Sprintf("%s %d", name, n)) }
	})
	for _, n := range []int{3, 0, 2} {
		u := &trader{trade: func(*strategy.Context, feeds.Trade) error {
			for i := range n {
				if i%2 == 1 { // by a goroutine of its own, which is over
					done := make(chan struct{})
					go func() { leak(); close(done) }()
					<-done
				} else {
					leak()
				}
			}
			panic("planted")
		}}
		r.start(u, strategy.State{})
		feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
		r.at(feed, uint64(n+1))
		r.ended(actors.ReasonCrash)
	}
	if want := []string{`s "1" 3`, `s "1" 0`, `s "1" 2`}; !slices.Equal(counted, want) {
		t.Errorf("counted %q, want %q", counted, want)
	}
}
