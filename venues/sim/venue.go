package sim

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// Core is an exchange as a pure state machine: Engine, or the house of a Paper.
type Core interface {
	// Step does one input and gives what is to be carried out, in order; the slice is good until the next Step.
	Step(now market.Timestamp, in Input) []Output
	// Next is when a Tick is due; false: never.
	Next() (market.Timestamp, bool)
}

// Outlets are the ways out of a Venue. Each may be nil.
type Outlets struct {
	Ledger *Ledger                   // gets each line before the message it speaks of leaves
	Feed   func(MarketEvent)         // gets the public events, in order
	Clock  func() market.Timestamp   // the time of inputs that come by the Port; required for the Port
	Due    func(at market.Timestamp) // told the time of the next Tick whenever it may have changed
	Line   func(Line)                // sees each line after it was written: for tests and tools
}

// Venue carries out what a Core decides: it writes the ledger, then sends. It is the imperative part without a goroutine,
// used alike by the actor Exchange, by the simulation of whole nodes and by tests. One caller at a time; the functions it
// calls must not call it back (ErrBusy).
type Venue struct {
	core  Core
	out   Outlets
	sends map[SessionID]func(Reply)
	asked map[SessionID]func(Reply) // of the last logon of each session, which counts from its Welcome on
	busy  atomic.Bool               // within a call, or left by a panic within one
	err   error
	took  error // what refused the request or the faults under way
}

// The ways a Venue can be of no more use. ErrBusy says that it was called within a call, by one of its own outlets or by
// another goroutine; ErrTorn that a panic has left it in the middle of an input.
var (
	ErrBusy = errors.New("venue called within a call")
	ErrTorn = errors.New("venue left in the middle of an input")
)

// NewVenue puts core behind its outlets. Nothing happens before Open.
func NewVenue(core Core, out Outlets) *Venue {
	return &Venue{core: core, out: out, sends: map[SessionID]func(Reply){}, asked: map[SessionID]func(Reply){}}
}

// Handle gives one input to the core and carries out what comes of it. An error is the ledger's (ErrLedger) and final:
// nothing more leaves the venue.
func (v *Venue) Handle(now market.Timestamp, in Input) error {
	return v.within(func() []Output {
		v.took = nil
		if l, ok := in.(Logon); ok {
			v.asked[l.Session.ID] = l.Session.Send
		}
		return v.core.Step(now, in)
	})
}

// within carries out what step decides, unless the venue is busy or over. A panic on the way ends it.
func (v *Venue) within(step func() []Output) error {
	if !v.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer v.busy.Store(false)
	if v.err != nil {
		return v.err
	}
	v.err = ErrTorn
	v.err = v.carry(step())
	v.due()
	return v.err
}

func (v *Venue) due() {
	if v.out.Due == nil {
		return
	}
	if at, ok := v.core.Next(); ok {
		v.out.Due(at)
	}
}

// perform carries out what came of an event that was no Input. The error stays with the venue.
func (v *Venue) perform(outs []Output) {
	if len(outs) > 0 {
		_ = v.within(func() []Output { return outs })
	}
}

// Open begins the day.
func (v *Venue) Open(now market.Timestamp) error { return v.Handle(now, Open{}) }

// Tick does what is due.
func (v *Venue) Tick(now market.Timestamp) error { return v.Handle(now, Tick{}) }

// Shut ends the day and writes the last line.
func (v *Venue) Shut(now market.Timestamp) error { return v.Handle(now, Shut{}) }

// Arm puts faults in place of those there are; see the input Arm. An error of ErrLedger is final; any other says that the
// plan is as it was.
func (v *Venue) Arm(now market.Timestamp, faults []Fault) error {
	if err := v.Handle(now, Arm{faults}); err != nil {
		return err
	}
	return v.took
}

// Operate does what an operator of the exchange does to it. An error of ErrLedger is final; any other says that nothing has
// changed.
func (v *Venue) Operate(now market.Timestamp, op Operation) error {
	if err := v.Handle(now, op); err != nil {
		return err
	}
	return v.took
}

// Next is when a Tick is due; false: never.
func (v *Venue) Next() (market.Timestamp, bool) { return v.core.Next() }

// Logon opens a session; see Port.
func (v *Venue) Logon(s Session) error {
	if s.Send == nil {
		return fmt.Errorf("logon of %q: no Send", s.ID)
	}
	return v.Handle(v.out.Clock(), Logon{s})
}

// Receive takes a request; see Port. A request of a session that is not logged on is an ErrNotLoggedOn here. An error proves
// that the request was not taken; the request on which the ledger fails was.
func (v *Venue) Receive(id SessionID, r Request) error {
	if v.busy.Load() {
		return ErrBusy
	}
	if v.err != nil {
		return v.err
	}
	err := v.Handle(v.out.Clock(), Received{id, r})
	switch {
	case errors.Is(err, ErrBusy):
		return err
	case err != nil:
		return nil // the next call tells
	}
	return v.took
}

// Err is what has ended the venue: an ErrLedger, ErrTorn, or nil.
func (v *Venue) Err() error { return v.err }

// Logout ends a session; see Port.
func (v *Venue) Logout(id SessionID, why string) error {
	return v.Handle(v.out.Clock(), Ended{id, why})
}

func (v *Venue) carry(outs []Output) error {
	for _, o := range outs {
		switch o := o.(type) {
		case Deliver:
			if err := v.flush(); err != nil {
				return err
			}
			v.deliver(o)
		case MarketEvent:
			if v.out.Feed == nil {
				continue
			}
			if err := v.flush(); err != nil {
				return err
			}
			v.out.Feed(o)
		case Line:
			if v.out.Ledger != nil {
				if err := v.out.Ledger.Write(o); err != nil {
					return err
				}
			}
			if v.out.Line != nil {
				v.out.Line(o)
			}
		}
	}
	return v.flush()
}

func (v *Venue) flush() error {
	if v.out.Ledger == nil {
		return nil
	}
	return v.out.Ledger.Flush()
}

// deliver hands a reply to the session it is for. A logon's Send counts from its Welcome on; an end of the link ends it.
func (v *Venue) deliver(d Deliver) {
	switch b := d.Reply.Body.(type) {
	case Welcome:
		v.sends[d.Session] = v.asked[d.Session]
	case Refused:
		if send := v.asked[d.Session]; d.Logon && send != nil {
			delete(v.asked, d.Session)
			send(d.Reply)
			return
		}
		v.took = b.Err
	case Cut, LoggedOut:
		defer delete(v.sends, d.Session)
	}
	if send := v.sends[d.Session]; send != nil {
		send(d.Reply)
	}
}
