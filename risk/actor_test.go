package risk_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell runs the holder as an actor of a system, and returns its address and what becomes of each account's mode.
func shell(t *testing.T, s *actors.System, change func(*risk.Config)) (*risk.Desk, actors.Ref[risk.Message], chan risk.Mode) {
	t.Helper()
	modes := make(chan risk.Mode, 64)
	c := exampleConfig()
	if change != nil {
		change(&c)
	}
	d, err := risk.NewDesk(c, risk.Parts{
		Catalogue: exampleCatalogue(), Prices: quotes{}, Trips: &risk.MemTrips{},
		Events: risk.Events{Mode: func(k risk.Scope, _, to risk.Mode, _ risk.Code) {
			if k == risk.AccountScope("A1") {
				modes <- to
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := risk.NewHolder(d, risk.NewMemoryLog(d.Machine(), 1), 7, "test")
	a, err := risk.NewActor(s, h, nil, risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	life, err := s.Begin(actors.Birth{Name: "risk/holder", Epoch: 1, Class: "risk"})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := actors.Spawn(s, actors.Spec[risk.Message]{Life: life, Box: mailbox.One(1024, mailbox.Reject), Actor: a})
	if err != nil {
		t.Fatal(err)
	}
	if err := life.Run("propose", func(ctx context.Context, out actors.Outside) error { return a.Propose(ctx, out, ref) }); err != nil {
		t.Fatal(err)
	}
	life.Ready()
	life.Open()
	return d, ref, modes
}

func eachDispatch(t *testing.T, test func(t *testing.T, s *actors.System, until func(<-chan risk.Mode, risk.Mode))) {
	for name, c := range map[string]actors.Config{
		"shared":        {Clock: actors.Real(), Dispatch: actors.Shared(2)},
		"deterministic": {Clock: actors.Virtual(time.Unix(0, start)), Dispatch: actors.Deterministic()},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := actors.New(c)
			if err != nil {
				t.Fatal(err)
			}
			test(t, s, func(ch <-chan risk.Mode, want risk.Mode) { awaitMode(t, s, ch, want) })
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := s.Stop(ctx); err != nil {
				t.Fatalf("Stop() error = %v", err)
			}
		})
	}
}

// awaitMode lets the system run until the account reaches a mode.
func awaitMode(t *testing.T, s *actors.System, ch <-chan risk.Mode, want risk.Mode) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		if s.Deterministic() {
			if err := s.Drive(t.Context(), func() bool { return len(ch) > 0 }); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case got := <-ch:
			if got == want {
				return
			}
		case <-timeout:
			t.Fatalf("account did not become %s", want)
		}
	}
}

func TestHolderActorOpensKeepsOpenAndShuts(t *testing.T) {
	eachDispatch(t, func(t *testing.T, s *actors.System, until func(<-chan risk.Mode, risk.Mode)) {
		d, ref, modes := shell(t, s, nil)
		d.Gate("A1").Restore(nil, nil)
		tell := func(m risk.Message) {
			t.Helper()
			for {
				if err := ref.Tell(m); err == nil {
					return
				}
				if s.Deterministic() {
					if err := s.Drive(t.Context(), ref.Open); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		tell(risk.Session{Account: "A1", Up: true})
		tell(risk.Reconciled{Account: "A1", Epoch: 1})
		until(modes, risk.Open)
		now := risk.ReadingOf(s, s.Now())
		if mode, why := d.Mode("A1", now); mode != risk.Open {
			t.Fatalf("Mode() = %s for %v, want OPEN", mode, why)
		}
		if _, err := d.Trip(risk.TripRequest{Scope: risk.AccountScope("A1"), By: "test", Reason: "test"}, now); err != nil {
			t.Fatal(err)
		}
		until(modes, risk.Closed)
		answer := make(chan risk.ResetResult, 1)
		tell(risk.Reset{
			Request: risk.ResetRequest{Scope: risk.AccountScope("A1"), IDs: []string{d.Latches()[0].ID}, Reason: "r", By: "b"},
			Done:    func(r risk.ResetResult) { answer <- r },
		})
		until(modes, risk.Open)
		if r := <-answer; r.Err != nil {
			t.Fatalf("reset error = %v", r.Err)
		}
		tell(risk.Session{Account: market.Account("A1")})
		until(modes, risk.CancelOnly)
	})
}
