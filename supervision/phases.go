package supervision

import (
	"context"
	"time"
)

// Phase is one step of going down while everything still lives: trip the gate, cancel all, confirm. None can stop the next.
type Phase struct {
	Name    string
	Timeout time.Duration                   // 0 is 5 s; Infinity waits for Run
	Run     func(ctx context.Context) error // ctx ends at the timeout; nil is ok
}

// course is how far a tree that goes down has come.
type course struct {
	phases []Phase
	down   bool // the phases have begun
	closed bool // the root was told to stop
	next   int
	timer  uint64
	failed bool
}

// goDown freezes the tree and begins the phases.
func (t *trunk) goDown() {
	t.course.down = true
	t.places.waiting = nil
	t.freeze("")
	t.nextPhase()
}

// freeze tells a supervisor and all below it, from the top, that nothing is restarted any more.
func (t *trunk) freeze(path string) {
	s := t.sups[path]
	if s == nil {
		return
	}
	t.carry(s, s.Decide(Freeze{}, t.at))
	for _, e := range s.kids {
		if e.child.Sub != nil {
			t.freeze(e.path)
		}
	}
}

func (t *trunk) nextPhase() {
	c := &t.course
	if c.next == len(c.phases) {
		c.closed = true
		t.closeRoot()
		return
	}
	p := c.phases[c.next]
	c.next++
	t.emit(Decision{Kind: LinePhase, Path: p.Name})
	c.timer = 0
	if p.Timeout != Infinity {
		c.timer = t.arm(phaseTimer, Action{Delay: p.Timeout})
	}
	t.out = append(t.out, Action{Do: doPhase, Path: p.Name, Epoch: uint64(c.next), Delay: p.Timeout})
}

// phaseEnded takes the result of phase n, counted from 1; one that comes late changes nothing.
func (t *trunk) phaseEnded(n int, reason Reason) {
	c := &t.course
	if !c.down || c.closed || n != c.next {
		return
	}
	t.disarm(phaseTimer, c.timer)
	c.timer = 0
	p := c.phases[n-1]
	if reason == "" {
		t.emit(Decision{Kind: LinePhaseOK, Path: p.Name})
	} else {
		c.failed = true
		t.emit(Decision{Kind: LinePhaseFailed, Path: p.Name, Reason: reason})
	}
	t.nextPhase()
}

func (t *trunk) phaseTimeout(n uint64) {
	if t.course.timer != n {
		return
	}
	t.course.timer = 0
	t.phaseEnded(t.course.next, TimedOut)
}

// skip leaves out the phases that are left, and the one that runs.
func (t *trunk) skip() {
	c := &t.course
	if !c.down || c.closed {
		return
	}
	n := c.next
	c.next = len(c.phases)
	c.failed = true
	t.disarm(phaseTimer, c.timer)
	c.timer = 0
	t.emit(Decision{Kind: LinePhaseFailed, Path: c.phases[n-1].Name, Reason: "skipped"})
	t.nextPhase()
}
