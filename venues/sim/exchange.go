package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/supervision"
)

// ExchangeMessage is what the actor of an Exchange takes: an input of its Port, faults, or a timer.
type ExchangeMessage struct {
	in   Input
	told func(error) // of faults and operations: hears what became of them
}

// exchangeBox bounds what waits for an exchange. One lane, since the messages of a session must stay in order; full is an
// error of the Port, and so proof that nothing was taken.
var exchangeBox = mailbox.One(8192, mailbox.Reject)

// Exchange is a Venue as an actor, on the real clock or the virtual one. Its state outlives an incarnation that ended
// between two inputs: the venue goes on where it was, sessions and all. An incarnation that died within an input leaves a
// state nobody can trust, and the next one refuses to start (ErrTorn).
type Exchange struct {
	venue  *Venue
	ctx    *actors.Context[ExchangeMessage] // of the turn under way
	opened bool
	over   bool             // the day has ended
	inside bool             // within a turn of its own
	due    market.Timestamp // of the timer that is set; 0: none
}

// NewExchange puts core into an actor that is yet to be spawned. Due of the outlets is the actor's own, and Clock is not used.
func NewExchange(core Core, out Outlets) *Exchange {
	x := &Exchange{}
	out.Due = x.arm
	x.venue = NewVenue(core, out)
	return x
}

// NewPaperExchange is a Paper as an actor. Its feeds are given levels and prints within the turns of other actors, so it is
// for the deterministic dispatch only.
func NewPaperExchange(cfg Config, latency time.Duration, out Outlets) (*Exchange, *Paper, error) {
	x := &Exchange{}
	out.Due = x.arm
	p, err := NewPaper(cfg, latency, out)
	if err != nil {
		return nil, nil, err
	}
	x.venue = p.Venue
	return x, p, nil
}

// ExchangeBox is the mailbox that an Exchange is spawned with.
func ExchangeBox() mailbox.Config { return exchangeBox }

// Child is the exchange as a child of a supervisor: permanent, since it goes on where it was. Its supervisor should allow
// some restarts, for one that stops it ends its day, and an exchange whose day has ended does not start again (ErrShut).
func (x *Exchange) Child(name string) supervision.Child {
	return supervision.DefaultChild(name, func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn[ExchangeMessage](b, x, actors.WithBox(exchangeBox))
		return err
	})
}

// Starting opens the day, or goes on with it.
func (x *Exchange) Starting(c *actors.Context[ExchangeMessage]) error {
	if err := x.venue.Err(); err != nil {
		return err
	}
	if x.over {
		return ErrShut
	}
	x.due = 0
	if x.opened {
		return x.do(c, Tick{})
	}
	x.opened = true
	return x.do(c, Open{})
}

// Receive does one input. An error of the ledger ends the actor: an exchange whose truth cannot be written must not trade.
func (x *Exchange) Receive(c *actors.Context[ExchangeMessage], m ExchangeMessage) error {
	if _, tick := m.in.(Tick); tick {
		x.due = 0
	}
	err := x.do(c, m.in)
	if m.told != nil {
		m.told(errors.Join(err, x.venue.took))
	}
	return err
}

// Stopping ends the day in order, unless the incarnation failed.
func (x *Exchange) Stopping(c *actors.Context[ExchangeMessage], r actors.Reason) error {
	if r.Abnormal() || x.venue.Err() != nil {
		return nil
	}
	x.over = true
	return x.do(c, Shut{})
}

func (x *Exchange) do(c *actors.Context[ExchangeMessage], in Input) error {
	if err := c.Fence().Check(); errors.Is(err, actors.ErrFenced) {
		return err
	}
	x.ctx, x.inside = c, true
	defer func() { x.inside = false }()
	return x.venue.Handle(x.now(), in)
}

func (x *Exchange) now() market.Timestamp { return market.StampOf(x.ctx.Now()) }

// arm sets the timer of what is due next. In the turn of a paper venue's feed it does not: only what was due may have been
// done there, so the timer that is set comes too early at worst, and sets the next.
func (x *Exchange) arm(at market.Timestamp) {
	if at == x.due || !x.inside {
		return
	}
	x.due = at
	x.ctx.After("due", max(0, time.Duration(at-x.now())), ExchangeMessage{in: Tick{}})
}

// Entrance is the Port of an exchange that is an actor. Safe for any number of goroutines; an error proves that nothing was
// taken.
type Entrance struct {
	to actors.Recipient[ExchangeMessage]
}

// NewEntrance is the Port before the actor to, an address that follows the exchange over its incarnations.
func NewEntrance(to actors.Recipient[ExchangeMessage]) *Entrance { return &Entrance{to: to} }

// Logon opens a session; see Port.
func (e *Entrance) Logon(s Session) error {
	if s.Send == nil {
		return fmt.Errorf("logon of %q: no Send", s.ID)
	}
	return e.to.Tell(ExchangeMessage{in: Logon{s}})
}

// Receive takes a request; see Port.
func (e *Entrance) Receive(id SessionID, r Request) error {
	return e.to.Tell(ExchangeMessage{in: Received{id, r}})
}

// Logout ends a session; see Port.
func (e *Entrance) Logout(id SessionID, why string) error {
	return e.to.Tell(ExchangeMessage{in: Ended{id, why}})
}

// Arm puts faults in place of those the exchange has, in its turn; see the input Arm. told, which may be nil, is called
// within that turn, so it must not block, with nil or with what refused them. An error of Arm itself proves that nothing was
// taken, and told will not be called; nor is it where the exchange is stopped first.
func (e *Entrance) Arm(faults []Fault, told func(error)) error {
	return e.to.Tell(ExchangeMessage{in: Arm{slices.Clone(faults)}, told: told})
}

// Operate does an operation in the exchange's turn; told is as that of Arm.
func (e *Entrance) Operate(op Operation, told func(error)) error {
	return e.to.Tell(ExchangeMessage{in: op, told: told})
}
