package actorstest

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
)

// ErrFault is what a handler returns that FailAt lets fail.
var ErrFault = errors.New("actorstest: a fault that the test wanted")

// Fault is something that goes wrong with a message.
type Fault struct {
	at   uint64 // the message, from 1; 0 is each
	what string
	do   func(f *Faults, system *actors.System) error
}

// String says what goes wrong, and when.
func (f Fault) String() string {
	if f.at == 0 {
		return f.what + " at any message"
	}
	return fmt.Sprintf("%s at message %d", f.what, f.at)
}

// PanicAt panics with the k-th message, from 1, before the actor sees it.
func PanicAt(k uint64) Fault {
	return Fault{k, "panic", func(*Faults, *actors.System) error { panic(fmt.Sprintf("actorstest: panic at message %d", k)) }}
}

// GoexitAt ends the goroutine of the k-th message, as t.FailNow does in a handler.
func GoexitAt(k uint64) Fault {
	return Fault{k, "goexit", func(*Faults, *actors.System) error { runtime.Goexit(); return nil }}
}

// FailAt returns ErrFault for the k-th message.
func FailAt(k uint64) Fault {
	return Fault{k, "error", func(*Faults, *actors.System) error { return ErrFault }}
}

// HangAt hangs with the k-th message until the test ends. A deterministic system would hang with it, so there it panics.
func HangAt(k uint64) Fault {
	return Fault{k, "hang", func(f *Faults, s *actors.System) error {
		if s.Deterministic() {
			panic("actorstest: HangAt in a deterministic system, want one of NewShared")
		}
		<-f.over
		return nil
	}}
}

// Slow takes d for each message, of the clock of the testing/synctest bubble or the real one. On a deterministic system time
// stands still while a handler runs, so there it panics.
func Slow(d time.Duration) Fault {
	return Fault{0, "slow", func(f *Faults, s *actors.System) error {
		if s.Deterministic() {
			panic("actorstest: Slow in a deterministic system, want one of NewShared")
		}
		wait := time.NewTimer(d)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-f.over:
		}
		return nil
	}}
}

// Faults are what goes wrong with the messages of an actor, counted over all the incarnations that Faulty makes of it: an
// actor that crashed at message 3 goes on with message 4 when it is started again.
type Faults struct {
	faults []Fault
	came   []atomic.Bool // by fault
	seen   atomic.Uint64
	over   chan struct{}
}

// NewFaults makes a plan. The test fails at its end for each fault that did not happen, because its message did not come or
// another fault of that message ended it: a fault that never was shows nothing. Make it after the system.
func NewFaults(t testing.TB, faults ...Fault) *Faults {
	t.Helper()
	f := &Faults{faults: slices.Clone(faults), came: make([]atomic.Bool, len(faults)), over: make(chan struct{})}
	t.Cleanup(func() {
		close(f.over)
		for i, fault := range f.faults {
			if !f.came[i].Load() {
				t.Errorf("%s did not happen: there were %d messages", fault, f.seen.Load())
			}
		}
	})
	return f
}

// Seen is how many messages have come.
func (f *Faults) Seen() uint64 { return f.seen.Load() }

// hit does what goes wrong with the next message.
func (f *Faults) hit(s *actors.System) error {
	k := f.seen.Add(1)
	for i, fault := range f.faults {
		if fault.at != 0 && fault.at != k {
			continue
		}
		f.came[i].Store(true)
		if err := fault.do(f, s); err != nil {
			return err
		}
	}
	return nil
}

// Faulty is a, with faults. Give each incarnation a fresh a and the same f.
func Faulty[M any](f *Faults, a actors.Actor[M]) actors.Actor[M] { return faulty[M]{f, a} }

type faulty[M any] struct {
	faults *Faults
	actor  actors.Actor[M]
}

func (a faulty[M]) Receive(c *actors.Context[M], m M) error {
	if err := a.faults.hit(c.System()); err != nil {
		return err
	}
	return a.actor.Receive(c, m)
}

// Starting is that of the actor.
func (a faulty[M]) Starting(c *actors.Context[M]) error {
	if s, ok := a.actor.(actors.Starter[M]); ok {
		return s.Starting(c)
	}
	return nil
}

// Stopping is that of the actor.
func (a faulty[M]) Stopping(c *actors.Context[M], r actors.Reason) error {
	if s, ok := a.actor.(actors.Stopper[M]); ok {
		return s.Stopping(c, r)
	}
	return nil
}
