package risk_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// pass drives the virtual clock on.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	at := h.sys.Now().Add(d)
	if err := h.sys.Drive(h.t.Context(), func() bool { return !h.sys.Now().Before(at) }); err != nil {
		h.t.Fatal(err)
	}
	if h.sys.Now().Before(at) {
		h.t.Fatalf("nothing is left to happen at %s: the holder does not renew", h.sys.Now())
	}
}

// shut wants the node in a mode for a reason, at this very moment.
func (h *house) shut(step string, mode risk.Mode, why risk.Code) {
	h.t.Helper()
	body := h.gatez()
	if body.Open || body.Mode != mode || len(body.Why) == 0 || body.Why[0].Code != why {
		h.t.Fatalf("%s: gate is %s for %+v, want %s for %s", step, body.Mode, body.Why, mode, why)
	}
	if _, err := h.desk.Gate("A1").Check(h.order(market.ClOrdID(step)), h.now()); !errors.Is(err, risk.ErrShut) {
		h.t.Fatalf("%s: Check() error = %v, want ErrShut", step, err)
	}
}

// admits wants the node open at this very moment, and an order through.
func (h *house) admits(id market.ClOrdID) {
	h.t.Helper()
	if body := h.gatez(); !body.Open || body.Permission.LeftMS < 300 {
		h.t.Fatalf("%s: gate is %s for %+v with %+v, want OPEN, renewed in time", id, body.Mode, body.Why, body.Permission)
	}
	g := h.desk.Gate("A1")
	p, err := g.Check(h.order(id), h.now())
	if err != nil {
		h.t.Fatalf("%s: Check() error = %v", id, err)
	}
	if err := p.Test(h.now()); err != nil {
		h.t.Fatalf("%s: Test() error = %v", id, err)
	}
	g.Veto(id)
}

func TestWholeLifeOnAVirtualClock(t *testing.T) {
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(time.Unix(0, start)), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, sys)
	h.feed.live = false
	h.shut("started", risk.Closed, risk.CodeJournalUnknown)
	h.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	h.pass(time.Second)
	h.shut("journal ok", risk.CancelOnly, risk.CodeSessionDown)
	h.desk.Gate("A1").Restore(nil, nil)
	h.tell(risk.Session{Account: "A1", Up: true})
	h.pass(time.Second)
	h.shut("session up", risk.CancelOnly, risk.CodeReconciling)
	h.tell(risk.Reconciled{Account: "A1", Epoch: 1})
	h.pass(time.Second)
	if _, err := h.desk.Gate("A1").Check(h.order("unpriced"), h.now()); !errors.Is(err, risk.ErrStalePrice) {
		t.Fatalf("Check() before prices error = %v, want ErrStalePrice", err)
	}
	h.feed.live = true
	h.admits("first")
	opened := h.gatez().OpenedAt

	for n := range 3600 { // an hour, looked at every second
		h.pass(time.Second)
		h.admits(market.ClOrdID(fmt.Sprint("hour-", n)))
	}
	if got := h.gatez().OpenedAt; opened == nil || got == nil || *got != *opened {
		t.Fatalf("opened_at = %v after an hour, want %v: it was never shut", got, opened)
	}
	h.tripAndReset()
	h.tell(risk.Stop{})
	h.shut("stopped", risk.Closed, risk.CodeStopping)
	h.pass(10 * time.Second)
	h.shut("stopped for long", risk.Closed, risk.CodeStopping)
	if body := h.gatez(); len(body.Latches) != 0 {
		t.Fatalf("an orderly stop latched %+v", body.Latches)
	}
	h.end()
	h.shut("ended", risk.Closed, risk.CodeStopping)
	if err := sys.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantModes("CLOSED", "CANCEL_ONLY", "REDUCE_ONLY", "OPEN", "CLOSED", "REDUCE_ONLY", "OPEN", "CLOSED")
}

// tripAndReset latches account A1 for ten minutes, and opens it again by a reset.
func (h *house) tripAndReset() {
	h.t.Helper()
	l, err := h.desk.Trip(risk.TripRequest{Scope: risk.AccountScope("A1"), By: "ann", Reason: "fat finger"}, h.now())
	if err != nil {
		h.t.Fatal(err)
	}
	h.shut("tripped", risk.Closed, risk.CodeTripped)
	if len(h.cancel) != 1 {
		h.t.Fatalf("the cancel-all hook was called %d times, want once, before Trip returns", len(h.cancel))
	}
	h.pass(10 * time.Minute)
	h.shut("latched", risk.Closed, risk.CodeTripped)
	if names, err := h.trips.Names(); err != nil || len(names) != 1 || !h.desk.Status().Logged[l.ID] {
		h.t.Fatalf("trip files %v (%v), logged %v, want one of each", names, err, h.desk.Status().Logged)
	}
	if r := h.reset(l); r.Err != nil || !slices.Equal(r.Cleared, []string{l.ID}) || len(r.Remain) != 0 {
		h.t.Fatalf("reset = %+v, want %s cleared", r, l.ID)
	}
	h.pass(time.Second)
	h.admits("after-the-reset")
}

// wantModes compares every change that was told with the modes that the node went through.
func (h *house) wantModes(want ...string) {
	h.t.Helper()
	close(h.modes)
	var got []string
	at := risk.Closed
	for c := range h.modes {
		if c.from != at {
			h.t.Fatalf("change %+v does not go on from %s", c, at)
		}
		at = c.to
		got = append(got, c.to.String())
	}
	if !slices.Equal(got, want) {
		h.t.Fatalf("modes = %v, want %v", got, want)
	}
}

func TestTheSameLifeOnAVirtualClockLeavesTheSameLedger(t *testing.T) {
	run := func() (digest [32]byte, index uint64) {
		sys, err := actors.New(actors.Config{Clock: actors.Virtual(time.Unix(0, start)), Dispatch: actors.Deterministic(), Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t, sys)
		h.openUp()
		h.pass(10 * time.Second)
		h.admits("one")
		h.tripAndReset()
		digest = h.desk.Machine().Digest()
		index, _ = h.desk.Machine().Applied()
		h.end()
		if err := sys.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		return digest, index
	}
	digest, index := run()
	for range 3 {
		if d, i := run(); d != digest || i != index || i < 6000 {
			t.Fatalf("another run applied %d entries to %x, the first %d to %x", i, d[:4], index, digest[:4])
		}
	}
}

func TestHolderThatEndsAnswersWhoWaitsAndShuts(t *testing.T) {
	w := opened(t, nil)
	l := w.trip("A1/*/*", risk.Closed)
	w.tell(risk.Wake{})
	var got *risk.ResetResult
	w.holder.Step(w.now, risk.Reset{
		Request: risk.ResetRequest{Scope: l.Scope, IDs: []string{l.ID}, Reason: "r", By: "b"}, Done: func(r risk.ResetResult) { got = &r },
	})
	w.holder.Close(w.now)
	if got == nil || !errors.Is(got.Err, risk.ErrFateUnknown) {
		t.Fatalf("reset under way = %+v, want ErrFateUnknown", got)
	}
	if body := w.desk.Gatez(w.now, "A2/*/*"); body.Mode != risk.Closed || body.Why[0].Code != risk.CodeHolderSilent {
		t.Fatalf("gate without a holder is %s for %+v, want CLOSED for HOLDER_SILENT", body.Mode, body.Why)
	}
}

func TestAPartThatFellShutsEveryGateWhateverPermissionIsLeft(t *testing.T) {
	w := opened(t, nil)
	account := w.desk.Accounts()[0]
	if mode, why := w.desk.Mode(account, w.now); mode != risk.Open {
		t.Fatalf("the gate is %s for %v before anything fell", mode, why)
	}
	w.desk.Fallen(risk.CodeJournalUnknown)
	if mode, why := w.desk.Mode(account, w.now); mode != risk.Closed || why[0].Code != risk.CodeJournalUnknown {
		t.Errorf("the gate is %s for %v, want CLOSED for JOURNAL_UNKNOWN", mode, why)
	}
	if _, err := w.desk.Gate(account).Check(risk.Intent{}, w.now); !errors.Is(err, risk.ErrShut) {
		t.Errorf("an intent is answered %v, want ErrShut", err)
	}
	w.desk.Fallen("")
	if mode, why := w.desk.Mode(account, w.now); mode != risk.Open {
		t.Errorf("the gate is %s for %v when the part is back, want OPEN", mode, why)
	}
}

func TestFormerHolderDoesNothing(t *testing.T) {
	w := opened(t, nil)
	former := w.holder
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	w.advance(time.Second)
	if got := former.Step(w.now, risk.Renew{}); len(got) != 0 {
		t.Fatalf("a former holder proposes %d commands", len(got))
	}
	former.Close(w.now)
	w.open(1)
	if body := w.desk.Gatez(w.now, ""); !body.Open {
		t.Fatalf("gate = %+v, want the new holder to open it", body.Why)
	}
}

func TestWhatTheDeskIsToldHoldsForAHolderThatStartsLater(t *testing.T) {
	w := newWorld(t, nil)
	w.desk.Post(func(risk.Message) error { return actors.ErrSuspended })
	w.holder = nil
	for _, m := range []risk.Message{risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1}} {
		if err := w.desk.Tell(m); err != nil {
			t.Fatalf("Tell(%T) error = %v", m, err)
		}
	}
	if err := w.desk.Tell(risk.Reset{}); !errors.Is(err, actors.ErrSuspended) {
		t.Fatalf("Tell(Reset) error = %v, want that of the mailbox", err)
	}
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	w.desk.Gate("A1").Restore(nil, nil)
	for _, m := range []risk.Message{
		risk.Session{Account: "A1", Up: true},
		risk.Reconciled{Account: "A1", Unknown: 1},
		risk.Session{Account: "A1"},
		risk.Session{Account: "A1", Up: true}, // the report was of the session before
		risk.Session{Account: "nobody", Up: true},
	} {
		if err := w.desk.Tell(m); err != nil {
			t.Fatalf("Tell(%T) error = %v", m, err)
		}
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); body.Why[0].Code != risk.CodeReconciling {
		t.Fatalf("gate is shut for %+v, want RECONCILING", body.Why)
	}
	if err := w.desk.Tell(risk.Reconciled{Account: "A1"}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Fatalf("gate = %+v, want OPEN", body.Why)
	}
}

// A log without a leader refuses at once. What is proposed again at once then keeps a processor busy for as long as there is none.
func TestWhatTheLogRefusesIsProposedAgainAfterAWhileAndNotAtOnce(t *testing.T) {
	w := opened(t, nil)
	tries := 0
	w.fail = func() error {
		tries++
		return risk.ErrNotAppended
	}
	l := w.trip("A1/*/*", risk.Closed)
	w.tell(risk.Wake{})
	if tries != 1 {
		t.Fatalf("the trip was proposed %d times at once, want once", tries)
	}
	w.pass(100 * time.Millisecond)
	if tries < 10 || tries > 100 {
		t.Fatalf("in 100 ms there were %d proposals, want one each 5 ms and those of Syncs", tries)
	}
	w.fail = nil
	w.pass(10 * time.Millisecond)
	if !w.desk.Status().Logged[l.ID] {
		t.Fatal("the log does not know the trip 10 ms after it takes commands again")
	}
}
