package risk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// feed is prices that are proven at the moment they are read, once they are live.
type feed struct {
	sys  *actors.System
	live bool
}

func (f *feed) Price(market.Instrument) (risk.Price, bool) {
	if !f.live {
		return risk.Price{}, false
	}
	return risk.Price{Bid: px("99.99"), Ask: px("100.01"), Last: px("100"), State: risk.PriceLive, Mono: f.sys.Instant(f.sys.Now())}, true
}

// house is a desk, and the tree that holds its holder and nothing else.
type house struct {
	t      *testing.T
	sys    *actors.System
	tree   *supervision.Tree
	desk   *risk.Desk
	trips  *risk.MemTrips
	feed   *feed
	modes  chan change // of the whole node
	cancel chan risk.Latch
}

// change is one change of the node's effective mode, and when it was told.
type change struct {
	at       time.Duration
	from, to risk.Mode
	why      risk.Code
}

func newHouse(t *testing.T, sys *actors.System) *house {
	t.Helper()
	h := &house{t: t, sys: sys, trips: &risk.MemTrips{}, feed: &feed{sys: sys, live: true}, modes: make(chan change, 256), cancel: make(chan risk.Latch, 16)}
	began := sys.Now()
	c := exampleConfig()
	c.Controls.Entitlements = c.Controls.Entitlements[:1] // A1 alone
	desk, err := risk.NewDesk(c, risk.Parts{
		Nonce: 7, Catalogue: exampleCatalogue(), Prices: h.feed, Trips: h.trips, OnTrip: func(l risk.Latch) { h.cancel <- l },
		Events: risk.Events{Mode: func(k risk.Scope, from, to risk.Mode, why risk.Code) {
			if k == risk.Firm {
				h.modes <- change{sys.Now().Sub(began), from, to, why}
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.desk = desk
	log := risk.NewMemoryLog(desk.Machine(), 1)
	root := supervision.DefaultSpec("root", supervision.SubTree("risk", risk.Spec(desk, risk.HolderOptions{
		Log: func() (risk.Log, error) { return log, nil }, Build: "test",
	})))
	if h.tree, err = supervision.Start(t.Context(), sys, root, supervision.Options{}); err != nil {
		t.Fatalf("supervision.Start() error = %v", err)
	}
	return h
}

func (h *house) now() risk.Reading { return risk.ReadingOf(h.sys, h.sys.Now()) }

func (h *house) gatez() risk.GatezBody { return h.desk.Gatez(h.now(), "") }

func (h *house) tell(ms ...risk.Message) {
	h.t.Helper()
	for _, m := range ms {
		if err := h.desk.Tell(m); err != nil {
			h.t.Fatalf("Tell(%T) error = %v", m, err)
		}
	}
}

// until lets the system run until the node reaches a mode.
func (h *house) until(want risk.Mode) change {
	h.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		if h.sys.Deterministic() {
			if err := h.sys.Drive(h.t.Context(), func() bool { return len(h.modes) > 0 }); err != nil {
				h.t.Fatal(err)
			}
		}
		select {
		case got := <-h.modes:
			if got.to == want {
				return got
			}
		case <-timeout:
			h.t.Fatalf("the node did not become %s: %+v", want, h.gatez())
		}
	}
}

// end shuts the tree down in order.
func (h *house) end() {
	h.t.Helper()
	h.tree.Shutdown()
	if h.sys.Deterministic() {
		over := false
		if err := h.sys.Drive(h.t.Context(), func() bool { over = len(h.tree.Done()) > 0; return over }); err != nil || !over {
			h.t.Fatalf("the tree does not end: %v", err)
		}
	}
	if r := <-h.tree.Done(); r.Code != supervision.CodeOrderly {
		h.t.Fatalf("the tree ended with %+v, want code %d", r, supervision.CodeOrderly)
	}
}

// openUp tells everything that opens account A1, and waits until it is open.
func (h *house) openUp() {
	h.t.Helper()
	h.desk.Gate("A1").Restore(nil, nil)
	h.tell(
		risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1},
		risk.Session{Account: "A1", Up: true}, risk.Reconciled{Account: "A1", Epoch: 1},
	)
	h.until(risk.Open)
}

func (h *house) reset(l risk.Latch) risk.ResetResult {
	h.t.Helper()
	answer := make(chan risk.ResetResult, 1)
	h.tell(risk.Reset{
		Request: risk.ResetRequest{Scope: l.Scope, IDs: []string{l.ID}, Reason: "looked into", By: "ann"},
		Done:    func(r risk.ResetResult) { answer <- r },
	})
	if h.sys.Deterministic() {
		if err := h.sys.Drive(h.t.Context(), func() bool { return len(answer) > 0 }); err != nil {
			h.t.Fatal(err)
		}
	}
	return <-answer
}

func eachDispatch(t *testing.T, test func(h *house)) {
	t.Helper()
	for name, c := range map[string]actors.Config{
		"shared":        {Clock: actors.Real(), Dispatch: actors.Shared(2)},
		"deterministic": {Clock: actors.Virtual(time.Unix(0, start)), Dispatch: actors.Deterministic()},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := actors.New(c)
			if err != nil {
				t.Fatal(err)
			}
			h := newHouse(t, s)
			test(h)
			h.end()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := s.Stop(ctx); err != nil {
				t.Fatalf("Stop() error = %v", err)
			}
		})
	}
}

func TestHolderUnderSupervisionOpensTripsResetsAndShuts(t *testing.T) {
	eachDispatch(t, func(h *house) {
		if got := h.until(risk.Closed); got.from != risk.Closed {
			t.Fatalf("first word of the node = %+v, want CLOSED from CLOSED", got)
		}
		h.openUp()
		l, err := h.desk.Trip(risk.TripRequest{Scope: risk.AccountScope("A1"), By: "test", Reason: "test"}, h.now())
		if err != nil {
			t.Fatal(err)
		}
		h.until(risk.Closed)
		if r := h.reset(l); r.Err != nil || len(r.Cleared) != 1 {
			t.Fatalf("reset = %+v", r)
		}
		h.until(risk.Open)
		h.tell(risk.Session{Account: "A1"})
		h.until(risk.CancelOnly)
	})
}

func TestHolderThatCrashesComesBackShutAndIsToldNothingTwice(t *testing.T) {
	eachDispatch(t, func(h *house) {
		h.openUp()
		h.tell(risk.SetLimit{Done: func(risk.LimitResult) { panic("of the test") }})
		if got := h.until(risk.Closed); got.why != risk.CodeHolderSilent {
			t.Fatalf("the crash shuts for %s, want %s", got.why, risk.CodeHolderSilent)
		}
		if got := h.until(risk.CancelOnly); got.why != risk.CodeSessionDown {
			t.Fatalf("the next holder is shut for %s, want %s: journal and leader are known, the session is not", got.why, risk.CodeSessionDown)
		}
		if _, err := h.desk.Gate("A1").Check(h.order("1"), h.now()); !errors.Is(err, risk.ErrShut) {
			t.Fatalf("Check() error = %v, want ErrShut", err)
		}
		h.tell(risk.Session{Account: "A1", Up: true}, risk.Reconciled{Account: "A1", Epoch: 1})
		h.until(risk.Open)
		if got := h.gatez(); got.Incarnation != 1 || got.OpenedAt == nil {
			t.Fatalf("gate = %+v, want incarnation 1 of the same life, opened anew", got)
		}
	})
}

func (h *house) order(id market.ClOrdID) risk.Intent {
	return risk.Intent{
		ID: id, Account: "A1", Strategy: "cross1", Instrument: acme, Side: market.Buy, Type: market.Limit, TIF: market.Day,
		Qty: qty("1"), Price: px("100"),
	}
}
