package supervision

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Roster is a child that starts others beside it: one supervisor per account, channel or strategy. It is a plain child, ready
// at once, so that nobody waits for an account or a feed; once the supervisor above is up it asks for what is wanted, without
// waiting for one before it asks for the next. What it starts is temporary, so that it never spends the intensity of the
// supervisor above: its giving up leaves its own scope shut and touches no sibling.
//
// A call that fails, and a child that gave up, is asked for again after the backoff; after GiveUps of them Within it is left
// down and Events.GaveUp of the tree is called: an operator's matter. The roster itself may crash and come back at any moment:
// it only adds what is missing.
type Roster struct {
	o    RosterOptions
	addr atomic.Pointer[actors.Address[rosterNote]]
}

// RosterOptions say what a roster starts.
type RosterOptions struct {
	// Children lists what is wanted now. It is called in the roster's handler, when it comes up and at each Look, and must
	// not block. Their Restart is set to Temporary.
	Children func() []Child
	Backoff  Backoff       // the zero Backoff is 1 s .. 30 s, forgotten after 1 min
	GiveUps  int           // 0 is 3
	Within   time.Duration // 0 is 10 min
}

// NewRoster returns a roster. Its Start is the Start function of a permanent plain child, see RosterChild.
func NewRoster(o RosterOptions) *Roster {
	if o.Backoff == (Backoff{}) {
		o.Backoff = Backoff{Base: time.Second, Cap: 30 * time.Second, Reset: time.Minute}
	}
	if o.GiveUps == 0 {
		o.GiveUps = 3
	}
	if o.Within == 0 {
		o.Within = 10 * time.Minute
	}
	return &Roster{o: o}
}

// RosterChild is the child that runs r, under the name "roster".
func RosterChild(r *Roster) Child { return DefaultChild("roster", r.Start) }

// rosterNote is what a roster is told.
type rosterNote struct {
	kind   noteKind
	name   string
	answer Answer
	reason Reason
}

type noteKind uint8

const (
	noteLook     noteKind = iota + 1 // compare what is wanted with what is there
	noteAnswered                     // a start_child was answered
	noteDue                          // a wait is over
	noteGone                         // a child has ended
)

// Start is the Start function of the roster.
func (r *Roster) Start(_ context.Context, b *Birth) error {
	a := &rosterActor{
		r: r, tree: b.Tree(), above: b.Above(), self: actors.Follow[rosterNote](b.System(), b.Path()),
		m: muster{backoff: r.o.Backoff, giveUps: r.o.GiveUps, within: r.o.Within},
	}
	r.addr.Store(&a.self)
	_, err := Spawn(b, a, actors.WithLane(func(n rosterNote) mailbox.Lane {
		if n.kind == noteLook {
			return mailbox.Control
		}
		return mailbox.Reports
	}))
	if err != nil {
		return err
	}
	WhenUp(b, rosterNote{kind: noteLook})
	return nil
}

// Look tells the roster that what is wanted may have changed: what is missing is started, what is not wanted any more is
// terminated. The errors are those of a Tell; a roster that is down looks by itself when it comes up.
func (r *Roster) Look() error {
	addr := r.addr.Load()
	if addr == nil {
		return actors.ErrUnknown
	}
	return addr.Tell(rosterNote{kind: noteLook})
}

// rosterActor carries a muster out.
type rosterActor struct {
	r     *Roster
	tree  *Tree
	above string
	self  actors.Address[rosterNote]
	m     muster
}

// Receive does what the muster asks for.
func (a *rosterActor) Receive(c *actors.Context[rosterNote], n rosterNote) error {
	now, draw := c.Now(), a.tree.draw()
	var todo []errand
	switch n.kind {
	case noteLook:
		todo = a.m.look(a.r.o.Children())
	case noteAnswered:
		todo = a.m.answered(n.name, n.answer, now, draw)
	case noteDue:
		todo = a.m.due(n.name)
	case noteGone:
		todo = a.m.gone(n.name, n.reason, now, draw)
	}
	for _, e := range todo {
		a.run(c, e)
	}
	return nil
}

// run does one errand. Whoever answers tells the present roster, which need not be the one that asked.
func (a *rosterActor) run(c *actors.Context[rosterNote], e errand) {
	name := e.child.Name
	gone := func(r Reason) { a.note(rosterNote{kind: noteGone, name: name, reason: r}) }
	switch e.do {
	case startIt:
		answered := func(ans Answer) { a.note(rosterNote{kind: noteAnswered, name: name, answer: ans}) }
		a.tree.StartChild(a.above, e.child, answered, gone)
	case terminateIt:
		a.tree.TerminateChild(a.above, name, func(Answer) { gone(ShutdownEnd) })
	case again:
		c.After(name, e.delay, rosterNote{kind: noteDue, name: name})
	case page:
		c.Log().Error("left down", "child", join(a.above, name), "times", e.times)
		if gaveUp := a.tree.o.Events.GaveUp; gaveUp != nil {
			a.tree.post(func() { gaveUp(join(a.above, name), e.times) })
		}
	}
}

// note tells the present roster. One that is down asks anew when it comes up, so nothing is lost with the note.
func (a *rosterActor) note(n rosterNote) { _ = a.self.Tell(n) }
