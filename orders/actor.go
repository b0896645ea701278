package orders

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// tickEvery is how often answer timers and silence are looked at.
const tickEvery = 100 * time.Millisecond

// AccountStatus is how an account stood at its owner's last look.
type AccountStatus struct {
	Account    market.Account
	Session    string // down, recovering, reconciling or open
	ListWhole  bool   // the venue's list of orders was whole since the logon
	Unknown    int    // orders that are UNKNOWN
	Live       int    // orders that are not closed
	ByStatus   [StatusSent + 1]int
	Waiting    int // orders that wait for the disk
	Journal    journal.State
	At         risk.Reading
	Positions  []Position
	Generation uint64 // epoch of the incarnation that wrote this
}

// Owner is the actor of one venue account: the single writer around a Desk.
// Another incarnation opens another desk from the journal.
type Owner struct {
	open   func(now risk.Reading, fence actors.Fence) (*Desk, error)
	desk   *Desk
	status *atomic.Pointer[AccountStatus]
}

// NewOwner returns the actor that is yet to be spawned. open makes its desk in
// each incarnation. What the owner last saw is kept in status, which outlives
// it; nobody else writes it.
func NewOwner(status *atomic.Pointer[AccountStatus], open func(risk.Reading, actors.Fence) (*Desk, error)) *Owner {
	return &Owner{open: open, status: status}
}

// Box returns the bounds of an owner's mailbox: cancels ahead of what the venue
// says, that ahead of new orders. All lanes refuse when they are full.
func Box(class string) mailbox.Config {
	return mailbox.Config{Class: class, Lanes: [4]mailbox.LaneConfig{
		{Cap: 4096, Policy: mailbox.Reject},
		{Cap: 8192, Policy: mailbox.Reject},
		{Cap: 1024, Policy: mailbox.Reject},
		{},
	}}
}

// LaneOf says in which lane a message waits.
func LaneOf(m Message) mailbox.Lane {
	switch m.(type) {
	case CancelOrder, CancelAll:
		return mailbox.Control
	case Received, Durable, Tick, AskUnknown, Reconcile, Day, Recall:
		return mailbox.Reports
	default:
		return mailbox.Commands
	}
}

// Starting opens the desk.
func (o *Owner) Starting(c *actors.Context[Message]) error {
	d, err := o.open(reading(c), c.Fence())
	if err != nil {
		return err
	}
	o.desk = d
	c.Every("tick", tickEvery, Tick{})
	o.publish(c)
	return nil
}

// Receive applies one message. An incarnation that was left behind applies
// nothing.
func (o *Owner) Receive(c *actors.Context[Message], m Message) error {
	if err := c.Fence().Check(); errors.Is(err, actors.ErrFenced) {
		return err
	}
	o.desk.Handle(reading(c), m)
	switch v := m.(type) {
	case Tick:
		o.publish(c)
	case Received:
		switch v.In.(type) {
		case Link, MassEnd, Answer:
			o.publish(c)
		}
	}
	return nil
}

func (o *Owner) publish(c *actors.Context[Message]) {
	s := o.desk.Status()
	s.Generation = uint64(c.Epoch())
	o.status.Store(&s)
}

func reading(c *actors.Context[Message]) risk.Reading {
	return risk.Reading{Wall: c.Now().UnixNano(), Mono: c.Instant()}
}

// Status returns how the account stands.
func (d *Desk) Status() AccountStatus {
	s := AccountStatus{
		Account: d.p.Options.Account, Session: d.m.Session(), ListWhole: d.m.listWhole, Unknown: d.m.Unknown(),
		Waiting: len(d.pending), Journal: d.p.Log.State(), At: d.now, Positions: d.m.Positions(),
	}
	for _, o := range d.m.sweep() {
		s.Live++
		s.ByStatus[o.status()]++
	}
	return s
}
