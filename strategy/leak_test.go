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
	// Those that are meant to be gone would be counted still for as long as they take to go, so all of them stay.
	stay := func() { running <- struct{}{}; <-back; running <- struct{}{} }
	leak := func() {
		left++
		go stay()
		<-running
	}
	leakTwo := func() {
		left += 2
		go func() { go stay(); stay() }()
		<-running
		<-running
	}
	var counted []string
	r := newRig(t, func(r *rig) {
		r.cfg.Name = `s "1"`
		r.cfg.Events.Goroutines = func(name string, n int) { counted = append(counted, fmt.Sprintf("%s %d", name, n)) }
	})
	for i, leaks := range [][]func(){{leak, leakTwo}, {}, {leakTwo}} {
		u := &trader{trade: func(*strategy.Context, feeds.Trade) error {
			for _, leak := range leaks {
				leak()
			}
			panic("planted")
		}}
		r.start(u, strategy.State{})
		feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
		r.at(feed, uint64(i+1))
		r.ended(actors.ReasonCrash)
	}
	if want := []string{`s "1" 3`, `s "1" 0`, `s "1" 2`}; !slices.Equal(counted, want) {
		t.Errorf("counted %q, want %q", counted, want)
	}
}
