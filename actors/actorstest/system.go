// Package actorstest helps to test actors: Behave shows what one actor does with a message, a Probe stands where another
// would and records what it is told, Faults make an actor fail where a test wants it to, and Explore looks for an order of
// events that breaks a scenario. It is for tests and never waits in real time under the virtual clock.
package actorstest

import (
	"context"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Start is the time at which the virtual clock of NewSystem starts.
var Start = time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)

// stopMax is how long a test system may take to stop.
const stopMax = 10 * time.Second

// NewSystem makes a deterministic system on the virtual clock, which is stopped when the test ends. seed 0 is order
// of arrival. The test fails if it does not stop or a mailbox does not balance.
func NewSystem(t testing.TB, seed uint64) *actors.System {
	t.Helper()
	return newSystem(t, actors.Config{
		Name: t.Name(), Clock: actors.Virtual(Start), Dispatch: actors.Deterministic(), Seed: seed,
	})
}

// NewShared makes a system of two workers on the real clock, which is that of the testing/synctest bubble
// where there is one, and stops it when the test ends, as NewSystem does.
func NewShared(t testing.TB) *actors.System {
	t.Helper()
	return newSystem(t, actors.Config{Name: t.Name(), Clock: actors.Real(), Dispatch: actors.Shared(2)})
}

func newSystem(t testing.TB, cfg actors.Config) *actors.System {
	t.Helper()
	s, err := actors.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopMax)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("System.Stop() error = %v, want nil", err)
		}
		Balanced(t, s)
	})
	return s
}

// Balanced fails the test if a mailbox of s has lost count of a message.
func Balanced(t testing.TB, s *actors.System) {
	t.Helper()
	for _, b := range s.Boxes() {
		for i, l := range b.Lanes {
			if !l.Balanced() {
				t.Errorf("%s, lane %s: accepted %d, handled %d, dropped %d, queued %d, offered %d, refused %d: does not balance",
					b.Name, mailbox.Lane(i+1), l.Accepted, l.Handled, l.Dropped.Total(), l.Queued, l.Offered, l.Refused.Total())
			}
		}
	}
}

// Settle drives a deterministic system for d of its virtual time: everything that happens within it has
// happened, and the clock stands at the end of it.
func Settle(t testing.TB, s *actors.System, d time.Duration) {
	t.Helper()
	if err := s.Advance(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}
