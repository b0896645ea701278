package risk

import (
	"context"
	"errors"
	"time"

	"github.com/failshut/failshut/actors"
)

// proposalsBound is how many commands may wait for the log. Each is proposed again if it found no room, so the bound costs time only.
const proposalsBound = 256

// Actor is the shell of a Holder: one actor that receives risk messages and one function beside it that proposes, since Propose may
// block. It is the holder and the renewer of a node, and the authority while the node leads.
type Actor struct {
	holder *Holder
	pipe   *actors.Pipe[Proposal]
	renew  time.Duration
	boot   func() int64
	first  []Message
}

// NewActor returns the shell of a holder in a system. boot reads the clock that counts suspended time, in nanoseconds, once a renewal;
// nil where there is none. first are messages it gives itself before any other, beside what the desk was told.
func NewActor(sys *actors.System, h *Holder, boot func() int64, first ...Message) (*Actor, error) {
	pipe, err := actors.NewPipe[Proposal](sys, proposalsBound)
	if err != nil {
		return nil, err
	}
	return &Actor{holder: h, pipe: pipe, renew: h.desk.cfg.Permission.Renew, boot: boot, first: first}, nil
}

// ReadingOf returns both clocks of a moment that an actor or a Run function read from its system.
func ReadingOf(sys *actors.System, t time.Time) Reading {
	return Reading{Wall: t.UnixNano(), Mono: sys.Instant(t)}
}

// Starting sets the renewal timer and takes the desk's messages.
func (a *Actor) Starting(c *actors.Context[Message]) error {
	self := actors.Follow[Message](c.System(), c.Name())
	a.holder.desk.Post(self.Tell)
	c.Every("renew", a.renew, Renew{})
	for _, m := range append(a.first, Message(Renew{})) {
		if err := a.Receive(c, m); err != nil {
			return err
		}
	}
	return nil
}

// Receive gives one message to the holder and what it proposes to the log's side.
func (a *Actor) Receive(c *actors.Context[Message], m Message) error {
	now := ReadingOf(c.System(), c.Now())
	if _, ok := m.(Renew); ok {
		m = a.tick(now)
	}
	for _, p := range a.holder.Step(now, m) {
		if err := a.pipe.Offer(p); err != nil {
			a.holder.lost(p)
		}
	}
	if wait := a.holder.Wait(); wait > 0 {
		c.After("due", wait, Wake{})
	} else {
		c.Cancel("due")
	}
	return nil
}

func (a *Actor) tick(now Reading) Tick {
	t := Tick{Clocks{Reading: now}}
	if a.boot != nil {
		t.Boot = a.boot()
	}
	return t
}

// Stopping shuts what this holder kept open, however it ended.
func (a *Actor) Stopping(c *actors.Context[Message], _ actors.Reason) error {
	a.holder.Close(ReadingOf(c.System(), c.Now()))
	return nil
}

// Propose hands what the holder proposes to the log, one command after the other, and brings each outcome back. It runs until ctx
// ends, then returns nil.
func (a *Actor) Propose(ctx context.Context, out actors.Outside, self actors.Recipient[Message]) error {
	for {
		p, err := a.pipe.Next(ctx, out)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		index, err := a.holder.log.Propose(ctx, p.Command)
		if err := bring(ctx, out, self, p.Done(index, err)); err != nil {
			return err
		}
	}
}

// bring tells the holder an outcome, and waits while its mailbox is full or not open yet: an outcome that is lost would leave its
// proposal under way for good. Only the end of either stops it.
func bring(ctx context.Context, out actors.Outside, self actors.Recipient[Message], m Message) error {
	for {
		err := self.Tell(m)
		if !errors.Is(err, actors.ErrFull) && !errors.Is(err, actors.ErrSuspended) {
			return nil // delivered, or nobody is there who waits for it
		}
		if err := out.Until(ctx, out.Now().Add(time.Millisecond)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}
