package node

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// script is a channel whose events are given: it is Live from the start, and does one step after the other. It stands where a
// recorded channel stands.
type script struct {
	steps    []strategy.Step
	page     *feeds.Page
	readers  *feeds.Fanout
	trip     func()
	watch    func() // called after each step
	finished atomic.Bool

	sink  feeds.Sink
	next  int
	due   bool // the next step's wait is over
	seq   uint64
	books []*shown // as they were told

	tripped bool
	paused  bool // who is told is dead
}

func newScript(steps []strategy.Step) *script { return &script{steps: steps} }

func (s *script) child() supervision.Child {
	c := supervision.DefaultChild("channel", func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn[turn](b, s, actors.WithBox(mailbox.One(16, mailbox.Reject)))
		return err
	})
	c.Restart = supervision.Temporary // a script is told once
	return supervision.SubTree("recording", supervision.Spec{
		Strategy: supervision.OneForOne, Intensity: 0, Period: time.Second, Children: []supervision.Child{c},
	})
}

// Starting takes the channel's place on the board. It says that it is Live with the first turn, when who listens is there.
func (s *script) Starting(c *actors.Context[turn]) error {
	fence := c.Fence()
	s.sink = s.page.Turn(func() bool { return errors.Is(fence.Check(), actors.ErrFenced) }, s.readers)
	return nil
}

// Receive does the step that is due, and waits for the next.
func (s *script) Receive(c *actors.Context[turn], m turn) error {
	if s.paused {
		return nil
	}
	if s.seq == 0 {
		s.say(c, feeds.StateChange{State: feeds.Live, Reset: true})
		s.show(c)
	}
	if s.due {
		step := s.steps[s.next]
		s.next++
		for _, e := range step.Events {
			s.tell(c, e)
		}
		if step.Trip {
			s.trip()
			s.tripped = true
		}
		s.watch()
	}
	s.due = s.next < len(s.steps)
	if !s.due {
		s.finished.Store(true)
		return nil
	}
	c.After(turn{}, s.steps[s.next].Wait, m)
	return nil
}

// tell says an event that changes what is known.
func (s *script) tell(c *actors.Context[turn], e feeds.Event) {
	s.keep(e)
	s.say(c, e)
}

// say says an event with the present time and the next number.
func (s *script) say(c *actors.Context[turn], e feeds.Event) {
	s.seq++
	pos, recv, mono := feeds.Pos{Epoch: 1, Seq: s.seq}, market.StampOf(c.Now()), c.Instant()
	switch e := e.(type) {
	case feeds.Quote:
		e.Pos, e.Event, e.Recv, e.Mono = pos, recv, recv, mono
		s.sink.Quote(e)
	case feeds.Depth:
		e.Pos, e.Event, e.Recv, e.Mono = pos, recv, recv, mono
		s.sink.Depth(e)
	case feeds.Trade:
		e.Pos, e.Event, e.Recv, e.Mono = pos, recv, recv, mono
		s.sink.Trade(e)
	case feeds.StateChange:
		e.Pos, e.Recv, e.Mono = pos, recv, mono
		s.sink.State(e)
	}
}
