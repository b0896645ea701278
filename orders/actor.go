package orders

import (
	"errors"
	"maps"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/risk"
)

// tickEvery is how often answer timers and silence are looked at.
const tickEvery = 100 * time.Millisecond

// owner is the actor of one venue account: the single writer around a Desk.
// Each incarnation has a desk of its own, opened from the journal.
type owner struct {
	account *Account
	desk    *Desk
	before  *settling // what was not settled when the desk was opened: it only closes; nil: all was
}

// attach has an owner ask for its session, once it takes messages.
type attach struct{}

func (attach) orderMessage() {}

// ownerBox bounds the mailbox: cancels ahead of what the venue says, that
// ahead of new orders. No lane makes anybody wait: what finds it full is told
// so, and a venue link that is told so logs on again.
func ownerBox() mailbox.Config {
	return mailbox.Config{Class: "orders", Lanes: [4]mailbox.LaneConfig{
		{Cap: 4096, Policy: mailbox.Reject},
		{Cap: 8192, Policy: mailbox.Reject},
		{Cap: 1024, Policy: mailbox.Reject},
		{},
	}}
}

// LaneOf says in which lane of an owner's mailbox a message waits: cancels in
// Control, what the venue and the journal say in Reports, the rest in Commands.
func LaneOf(m Message) mailbox.Lane {
	switch m.(type) {
	case CancelOrder, CancelAll:
		return mailbox.Control
	case Received, Durable, Tick, AskUnknown, Reconcile, Day, attach:
		return mailbox.Reports
	default:
		return mailbox.Commands
	}
}

// sameCancel is what a cancel asks for: a second one that asks for it while
// the first waits is that one, so that their lane does not fill by repetition.
func sameCancel(m Message) any {
	switch m.(type) {
	case CancelOrder, CancelAll:
		return m
	default:
		return nil
	}
}

// Starting sets the timers. The session is asked for in the first turn, since
// what it brings finds a closed mailbox before.
func (o *owner) Starting(c *actors.Context[Message]) error {
	c.Every("tick", tickEvery, Tick{})
	c.After("attach", 0, attach{})
	return nil
}

// Receive applies one message. An incarnation that was left behind applies
// nothing.
func (o *owner) Receive(c *actors.Context[Message], m Message) error {
	if err := c.Fence().Check(); errors.Is(err, actors.ErrFenced) {
		return err
	}
	if _, ok := m.(attach); ok {
		return o.attach(c)
	}
	o.desk.Handle(readingFor(c, m), m)
	switch v := m.(type) {
	case Tick:
		o.publish(c)
		o.account.show(uint64(c.Epoch()), o.desk)
		return o.outlived(c)
	case Received:
		switch v.In.(type) {
		case Link, MassEnd, Answer:
			o.publish(c)
		default: // the next tick shows it
		}
	default: // the next tick shows it
	}
	return nil
}

// outlived ends a desk that was opened while the disk did not answer, or for
// whose evidence the journal had no room, once that is over: the next
// incarnation knows everything.
func (o *owner) outlived(c *actors.Context[Message]) error {
	if o.desk.relieved() {
		return o.again(c, "there is room in the journal")
	}
	if o.before == nil {
		return nil
	}
	over, err := o.before.look(c.System().Instant(c.Now()))
	if err != nil || !over {
		return err
	}
	o.account.settled.Store(o.before)
	return o.again(c, "the journal's disk has answered")
}

func (o *owner) again(c *actors.Context[Message], why string) error {
	c.Log().Warn("the account is opened again", "event", "journal_settled", "account", o.account.cfg.Parts.Options.Account, "why", why)
	return actors.ErrDone
}

// Stopping shows how the desk stood last: whoever reads the account afterwards
// sees everything that was applied.
func (o *owner) Stopping(c *actors.Context[Message], _ actors.Reason) error {
	o.desk.Close()
	o.publish(c)
	o.account.show(uint64(c.Epoch()), o.desk)
	return nil
}

// attach has the session speak for this incarnation, from the first message
// that the journal lacks.
func (o *owner) attach(c *actors.Context[Message]) error {
	return o.account.attach(speaker{
		to: c.Self(), fence: c.Fence(), nextIn: maps.Clone(o.desk.nextIn),
	})
}

func (o *owner) publish(c *actors.Context[Message]) { o.account.publish(uint64(c.Epoch()), o.desk) }

// readingFor reads both clocks: afresh for a message at which a permit is
// given or tested, else as of the beginning of the turn.
func readingFor(c *actors.Context[Message], m Message) risk.Reading {
	now := c.Now()
	switch m.(type) {
	case Place, ReplaceOrder, Release, Durable, Tick:
		now = c.Fresh()
	default: // at most 100 µs old, and nothing is judged by it
	}
	return readingAt(c.System(), now)
}

func readingAt(s *actors.System, now time.Time) risk.Reading {
	return risk.Reading{Wall: now.UnixNano(), Mono: s.Instant(now)}
}
