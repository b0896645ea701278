package orders

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// ErrNoLine says that an account has no venue link now: nothing has left.
var ErrNoLine = errors.New("orders: no venue link")

// Bounds of a session's schedule.
const (
	logonWithin = 10 * time.Second       // for the venue's answer to a logon
	linkEvery   = time.Second            // between two looks, should a notice be lost
	tellEvery   = 10 * time.Millisecond  // between two tries to tell an owner whose mailbox was full
	leastDial   = 100 * time.Millisecond // between two logons
)

// Line is one link to a venue, made by AccountConfig.Dial for one incarnation
// of the owner. None of its methods blocks.
type Line interface {
	Gateway
	// Connect logs on, also again. What comes of it is handed on as Links. An
	// error means that nothing will come.
	Connect() error
	// Disconnect drops the link.
	Disconnect(why string) error
	// Logout ends the session in order.
	Logout() error
}

// Ear is what a line needs of the incarnation that it speaks for.
type Ear struct {
	// NextIn returns the number of the first message of the session that the
	// journal lacks, from 1.
	NextIn func(session string) uint64
	// Hand takes what the venue says, in order, from any one goroutine at a time,
	// and does not block. An error means that the owner could not take it: the
	// line hands on nothing more until the next Connect, which asks for it again.
	Hand func(Inbound) error
	// Broken is told once that Hand failed.
	Broken func(error)
	// Fence is nil unless the incarnation has ended: the last check before
	// anything leaves.
	Fence func() error
}

// speaker is an incarnation of the owner, as its session knows it.
type speaker struct {
	to     actors.Ref[Message]
	fence  actors.Fence
	nextIn map[string]uint64
}

// linkMessage is what a session takes: an owner to speak for, or, empty, a
// notice that there is something to look at.
type linkMessage struct{ owner *speaker }

// linkState is how the line stands. It is moved by the venue's goroutine and
// by the session.
type linkState = int32

const (
	linkDown linkState = iota
	linkDialling
	linkUp
	linkDeaf // the owner could not take a message, and is yet to be told that the link is down
)

// link is the actor that keeps an account's venue session up for its owner.
type link struct {
	account  *Account
	speaker  *speaker
	line     Line
	state    *atomic.Int32 // of the line; a line that was replaced keeps its own
	attempt  int
	due      time.Time // of the next logon
	deadline time.Time // of the answer to the last
}

// StartSession is the Start function of the child "session". It is ready at
// once: it logs on when an owner asks for it, and again for as long as there is
// one, with full jitter from 1 s to 30 s.
func (a *Account) StartSession(_ context.Context, b *supervision.Birth) error {
	a.line.Store(nil)
	if _, err := supervision.Spawn(b, &link{account: a, state: new(atomic.Int32)}, actors.WithBox(mailbox.One(64, mailbox.Reject))); err != nil {
		return err
	}
	to := actors.Follow[linkMessage](b.System(), b.Path())
	a.session.Store(&to)
	return nil
}

// attach hands an incarnation of the owner to the session.
func (a *Account) attach(s speaker) error {
	to := a.session.Load()
	if to == nil {
		return fmt.Errorf("%w: account %s has no session", ErrNoLine, a.cfg.Parts.Options.Account)
	}
	return to.Tell(linkMessage{&s})
}

// Starting sets the look that needs no notice.
func (l *link) Starting(c *actors.Context[linkMessage]) error {
	c.Every("look", linkEvery, linkMessage{})
	return nil
}

// Receive takes an owner, or looks at the line.
func (l *link) Receive(c *actors.Context[linkMessage], m linkMessage) error {
	if err := c.Fence().Check(); errors.Is(err, actors.ErrFenced) {
		return err
	}
	if m.owner != nil {
		if err := l.take(c, m.owner); err != nil {
			return err
		}
	}
	l.look(c)
	return nil
}

// Stopping logs out in order, or drops the link of one that failed.
func (l *link) Stopping(_ *actors.Context[linkMessage], r actors.Reason) error {
	if l.line == nil {
		return nil
	}
	l.account.line.Store(nil)
	if r.Abnormal() || l.line.Logout() != nil {
		l.drop("session ended")
	}
	return nil
}

// take gives the session to an incarnation: a new line, which begins at what
// the journal lacks. What was on its way to an earlier one is asked for again.
func (l *link) take(c *actors.Context[linkMessage], s *speaker) error {
	if l.line != nil {
		l.drop("the owner was started again")
	}
	state := new(atomic.Int32)
	self := c.Self()
	notice := func() { _ = self.Tell(linkMessage{}) } // one that is lost is made good within linkEvery
	line, err := l.account.cfg.Dial(Ear{
		NextIn: func(session string) uint64 { return max(1, s.nextIn[session]) },
		Hand: func(in Inbound) error {
			if state.Load() == linkDeaf {
				return ErrNoLine
			}
			if err := s.to.Tell(Received{In: in}); err != nil {
				return err
			}
			if v, ok := in.(Link); ok && linked(state, v.Event) {
				notice()
			}
			return nil
		},
		Broken: func(error) { state.Store(linkDeaf); notice() },
		Fence:  func() error { return fenced(s.fence) },
	})
	if err != nil {
		return fmt.Errorf("orders: dialling for %s: %w", l.account.cfg.Parts.Options.Account, err)
	}
	l.speaker, l.line, l.state, l.attempt, l.due = s, line, state, 0, time.Time{}
	l.account.line.Store(&line)
	return nil
}

// linked moves the state by what the venue said of the link, and reports
// whether the session has to look.
func linked(state *atomic.Int32, e LinkEvent) bool {
	switch e {
	case LinkLogon:
		state.Store(linkUp)
	case LinkLogout:
		state.Store(linkDown)
		return true
	case LinkReplayed:
	}
	return false
}

// fenced is nil for an incarnation that has not ended, ready or not: before an
// account is reconciled its questions and cancels leave, and its orders are
// kept back by the machine.
func fenced(f actors.Fence) error {
	if err := f.Check(); errors.Is(err, actors.ErrFenced) {
		return err
	}
	return nil
}

// look does what the state of the line asks for.
func (l *link) look(c *actors.Context[linkMessage]) {
	if l.speaker == nil || fenced(l.speaker.fence) != nil {
		return // nobody to speak for: the next incarnation asks
	}
	now := c.Now()
	switch l.state.Load() {
	case linkDeaf:
		l.deaf(c)
	case linkDialling:
		if !now.Before(l.deadline) {
			l.drop("no answer to the logon")
			l.state.Store(linkDown)
			l.later(c)
		}
	case linkDown:
		switch {
		case l.due.IsZero():
			l.dial(c)
		case !l.deadline.IsZero(): // it was dialled, and went down
			l.later(c)
		case !now.Before(l.due):
			l.dial(c)
		}
	case linkUp:
		l.attempt = 0
	}
}

// deaf tells the owner that the link is down, until it can take it.
func (l *link) deaf(c *actors.Context[linkMessage]) {
	l.drop("the owner could not follow")
	if err := l.speaker.to.Tell(Received{In: Link{Event: LinkLogout, Why: "mailbox full"}}); err != nil {
		c.After("deaf", tellEvery, linkMessage{})
		return
	}
	l.state.Store(linkDown)
	l.later(c)
}

// dial logs on.
func (l *link) dial(c *actors.Context[linkMessage]) {
	l.due, l.deadline = c.Now(), c.Now().Add(logonWithin)
	l.state.Store(linkDialling) // before the answer can come
	if err := l.line.Connect(); err != nil {
		c.Log().Warn("logon failed", "err", err)
		l.state.Store(linkDown)
		l.later(c)
		return
	}
	c.After("dial", logonWithin, linkMessage{})
}

// later plans the next logon.
func (l *link) later(c *actors.Context[linkMessage]) {
	wait := max(leastDial, jitter(l.attempt, c.System().Rand()))
	l.attempt++
	l.due, l.deadline = c.Now().Add(wait), time.Time{}
	c.After("dial", wait, linkMessage{})
}

func (l *link) drop(why string) { _ = l.line.Disconnect(why) } // a link that is down already is dropped

// wire is the gateway of one incarnation's desk: the present line of the
// account, unless the incarnation has ended.
type wire struct {
	account *Account
	fence   actors.Fence
}

func (w wire) line() (Line, error) {
	if err := fenced(w.fence); err != nil {
		return nil, err
	}
	l := w.account.line.Load()
	if l == nil {
		return nil, ErrNoLine
	}
	return *l, nil
}

// Place hands over a new order.
func (w wire) Place(p risk.Permit, n New) error {
	return w.with(func(l Line) error { return l.Place(p, n) })
}

// Replace hands over other terms of an order.
func (w wire) Replace(p risk.Permit, r Replace) error {
	return w.with(func(l Line) error { return l.Replace(p, r) })
}

// Cancel hands over a cancel.
func (w wire) Cancel(c Cancel) error { return w.with(func(l Line) error { return l.Cancel(c) }) }

// MassCancel asks for the end of all orders of the scope.
func (w wire) MassCancel(s Scope) error {
	return w.with(func(l Line) error { return l.MassCancel(s) })
}

// Ask asks for the state of one order or of all.
func (w wire) Ask(q Question) error { return w.with(func(l Line) error { return l.Ask(q) }) }

func (w wire) with(f func(Line) error) error {
	l, err := w.line()
	if err != nil {
		return err
	}
	return f(l)
}

var _ Gateway = wire{}
