package actors

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// Context is what a handler may ask for. It belongs to its actor and is valid only inside Starting, Receive
// and Stopping, on their goroutine. What it is asked for after they have returned is a bug: it panics in a test binary;
// elsewhere it is counted by Events.OutOfTurn and, where it would change something, not done. Only what never changes,
// Self, Name, Epoch, Fence, System and Context, may be asked for at any time.
type Context[M any] struct{ in *incarnation[M] }

// mayAct says whether the actor has its turn. A caller on another goroutine while a handler runs is not found out.
func (c *Context[M]) mayAct() bool {
	in := c.in
	if in.hasTurn() {
		return true
	}
	in.sys.hooks.outOfTurn(&in.sys.events, in.life.class)
	if testing.Testing() {
		panic(fmt.Sprintf("actors: the Context of %s#%d is used outside its handler", in.life.name, in.life.epoch))
	}
	return false
}

// Self is the Ref of this incarnation.
func (c *Context[M]) Self() Ref[M] { return Ref[M]{in: c.in} }

// Name is the name of the actor.
func (c *Context[M]) Name() Name { return c.in.life.name }

// Epoch is the ordinal of this incarnation.
func (c *Context[M]) Epoch() Epoch { return c.in.life.epoch }

// Fence is the fence of this incarnation.
func (c *Context[M]) Fence() Fence { return c.in.life.Fence() }

// System is the system the actor runs in.
func (c *Context[M]) System() *System { return c.in.sys }

// Now is the time of this turn, the same for all its messages: at most 100 microseconds and the present message old.
func (c *Context[M]) Now() time.Time {
	if v := c.in.sys.virtual; v != nil {
		return v.Now()
	}
	if !c.mayAct() {
		return c.in.sys.clock.Now()
	}
	return c.in.time()
}

// Fresh reads the clock again, for who decides to the microsecond.
func (c *Context[M]) Fresh() time.Time { return c.in.sys.clock.Now() }

// Instant is Now as an Instant of the system.
func (c *Context[M]) Instant() int64 {
	if v := c.in.sys.virtual; v != nil {
		return v.instant()
	}
	return c.in.instant
}

// Coalesced says which older States of its key the message in hand replaced in a mailbox that conflates.
func (c *Context[M]) Coalesced() mailbox.Coalesced {
	if !c.mayAct() {
		return mailbox.Coalesced{}
	}
	return c.in.item[0].Coalesced
}

// Context ends when the incarnation is asked to stop, or is over.
func (c *Context[M]) Context() context.Context { return c.in.life.ctx }

// Log is a logger that names the actor and its epoch.
func (c *Context[M]) Log() *slog.Logger {
	if c.in.log == nil {
		c.in.log = c.in.life.logger()
	}
	return c.in.log
}

func (l *Life) logger() *slog.Logger {
	return l.sys.log.With(slog.String("actor", string(l.name)), slog.Uint64("epoch", uint64(l.epoch)))
}

// After delivers m to this actor once, when d has passed. key must be comparable; a timer of the same key is
// replaced. A tick needs no room in the mailbox: it is delivered ahead of what waits in the lane of its message,
// behind what waits in higher lanes. Once cancelled or replaced it is never delivered. All timers end with the
// incarnation.
func (c *Context[M]) After(key any, d time.Duration, m M) {
	if c.mayAct() {
		c.in.ticks.set(c.in, key, d, 0, m)
	}
}

// Every delivers m every d, first when d has passed; otherwise as After. A tick that falls due while the one
// before has not been delivered is skipped and counted by Events.TimerMissed. d must be more than 0, else
// nothing is set.
func (c *Context[M]) Every(key any, d time.Duration, m M) {
	if d > 0 && c.mayAct() {
		c.in.ticks.set(c.in, key, d, d, m)
	}
}

// Cancel takes back the timer of key, also if it has fallen due, and says whether there was one.
func (c *Context[M]) Cancel(key any) bool { return c.mayAct() && c.in.ticks.cancel(c.in, key) }
