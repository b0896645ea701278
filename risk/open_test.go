package risk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

func TestNodeOpensByTheStatedConditionsAndInTheirOrder(t *testing.T) {
	w := newWorld(t, nil)
	want := func(step, mode, why string) {
		t.Helper()
		body := w.desk.Gatez(w.now, "A1/*/*")
		got := "none"
		if len(body.Why) > 0 {
			got = string(body.Why[0].Code)
		}
		if body.Mode.String() != mode || got != why {
			t.Fatalf("%s: gate is %s for %s, want %s for %s (%+v)", step, body.Mode, got, mode, why, body.Why)
		}
	}
	want("nothing said", "CLOSED", "JOURNAL_UNKNOWN")
	w.tell(risk.Renew{})
	want("no leader", "CLOSED", "JOURNAL_UNKNOWN")
	w.tell(risk.Leading{Term: 1, Yes: true})
	want("no journal", "CLOSED", "JOURNAL_UNKNOWN")
	w.tell(risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	w.pass(time.Second)
	want("no session", "CANCEL_ONLY", "SESSION_DOWN")
	w.tell(risk.Session{Account: "A1", Up: true})
	w.pass(time.Second)
	want("session up, not reconciled", "CANCEL_ONLY", "RECONCILING")
	w.tell(risk.Reconciled{Account: "A1", Epoch: 1})
	w.pass(time.Second)
	want("reconciled, but the journal is not replayed into the gate", "CANCEL_ONLY", "RECONCILING")
	w.desk.Gate("A1").Restore(nil, nil)
	w.pass(time.Second)
	want("restored", "OPEN", "none")
	if body := w.desk.Gatez(w.now, ""); body.Open {
		t.Fatalf("node is open although A2 is not: %+v", body)
	}
}

func TestDoubtOfReconciliationKeepsTheAccountShutUntilAReportWithoutIt(t *testing.T) {
	w := newWorld(t, nil)
	w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	w.desk.Gate("A1").Restore(nil, nil)
	w.tell(risk.Session{Account: "A1", Up: true})
	for _, step := range []struct {
		report risk.Reconciled
		why    risk.Code
	}{
		{risk.Reconciled{Account: "A1", Unknown: 2}, risk.CodeUnknownOrders},
		{risk.Reconciled{Account: "A1", Differences: []string{"position"}}, risk.CodeDifference},
	} {
		w.tell(step.report)
		w.pass(time.Second)
		if body := w.desk.Gatez(w.now, "A1/*/*"); body.Open || body.Why[0].Code != step.why {
			t.Fatalf("after %+v: open %v, why %+v, want %s", step.report, body.Open, body.Why, step.why)
		}
	}
	w.tell(risk.Reconciled{Account: "A1"})
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Fatalf("clean report does not open: %+v", body.Why)
	}

	// From now on UNKNOWN is the matter of max_unknown_orders in its instrument; a difference shuts the account again.
	w.tell(risk.Reconciled{Account: "A1", Unknown: 1})
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Errorf("an order of unknown state in the open shuts the whole account: %+v", body.Why)
	}
	w.tell(risk.Reconciled{Account: "A1", Unknown: 1, Differences: []string{"position"}})
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); body.Open || body.Why[0].Code != risk.CodeDifference {
		t.Errorf("after a difference: open %v, why %+v", body.Open, body.Why)
	}
	w.tell(risk.Reconciled{Account: "A1"})
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Errorf("a clean report does not open again: %+v", body.Why)
	}
}

func TestFirstOpenNeedsAnOperatorUnlessTheConfigurationSaysAuto(t *testing.T) {
	w := newWorld(t, func(c *risk.Config) { c.FirstOpen = risk.PolicyOperator })
	w.open(1)
	body := w.desk.Gatez(w.now, "")
	if body.Open || body.Why[0].Code != risk.CodeNeedsOperator {
		t.Fatalf("gate = %+v, want NEEDS_OPERATOR", body)
	}
}

func TestSessionLostShutsAndOpensOnlyAfterAnotherReconciliation(t *testing.T) {
	w := opened(t, nil)
	w.tell(risk.Session{Account: "A1"})
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() with the session down error = %v, want ErrShut", err)
	}
	w.tell(risk.Session{Account: "A1", Up: true})
	w.pass(time.Second)
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() before reconciliation error = %v, want ErrShut", err)
	}
	w.tell(risk.Reconciled{Account: "A1"})
	w.pass(time.Second)
	if _, err := w.check(nil); err != nil {
		t.Fatalf("Check() after reconciliation error = %v", err)
	}
}

func TestDeadOrCorruptJournalShuts(t *testing.T) {
	for state, why := range map[risk.JournalState]risk.Code{
		risk.JournalDead: risk.CodeJournalDead, risk.JournalCorrupt: risk.CodeJournalCorrupt, risk.JournalUnknown: risk.CodeJournalUnknown,
	} {
		w := opened(t, nil)
		w.tell(risk.Journal{State: state})
		_, err := w.check(nil)
		var r risk.Refusal
		if !errors.As(err, &r) || r.Code != risk.CodeShut || r.Why != why {
			t.Errorf("Check() with journal %d error = %v, want SHUT (%s)", state, err, why)
		}
	}
}

func TestEverythingProposedMayFailOrBeOfUnknownFate(t *testing.T) {
	for name, err := range map[string]error{"not appended": risk.ErrNotAppended, "fate unknown": risk.ErrFateUnknown} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			n := 0
			w.fail = func() error {
				if n++; n%3 != 0 {
					return err
				}
				return nil
			}
			w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
			for _, a := range w.desk.Accounts() {
				w.desk.Gate(a).Restore(nil, nil)
				w.tell(risk.Session{Account: a, Up: true}, risk.Reconciled{Account: a})
			}
			w.pass(2 * time.Second)
			if body := w.desk.Gatez(w.now, ""); !body.Open {
				t.Fatalf("gates are not open: %+v", body)
			}
			if _, err := w.check(nil); err != nil {
				t.Fatalf("Check() error = %v", err)
			}
		})
	}
}

func TestFullDiskShutsUntilThereIsRoomAgain(t *testing.T) {
	w := opened(t, nil)
	journal := risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1, Full: true}
	p := w.mustCheck("a")
	before := w.desk.Gatez(w.now, "")
	w.tell(journal)
	var r risk.Refusal
	if _, err := w.check(nil); !errors.As(err, &r) || r.Code != risk.CodeShut || r.Why != risk.CodeDiskFull {
		t.Fatalf("Check() with a full disk error = %v, want SHUT (DISK_FULL)", err)
	}
	if err := p.Test(w.now); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Test() of a permit from before error = %v, want ErrShut", err)
	}
	fill(market.Buy, acme, "3", "100")(w)
	index := w.desk.Status().Index
	w.pass(10 * time.Second)
	body := w.desk.Gatez(w.now, "")
	if body.Mode != risk.Closed || body.Why[0].Code != risk.CodeDiskFull || body.Why[0].Since == nil {
		t.Fatalf("gate ten seconds later = %s for %+v, want CLOSED for DISK_FULL", body.Mode, body.Why)
	}
	if body.Incarnation != before.Incarnation || !body.Permission.Valid || w.desk.Status().Index == index {
		t.Fatalf("incarnation %d, permission %+v: want the node bound and its facts posted", body.Incarnation, body.Permission)
	}
	journal.Full = false
	w.tell(journal)
	if body := w.desk.Gatez(w.now, ""); !body.Open {
		t.Fatalf("gate with room again = %s for %+v", body.Mode, body.Why)
	}
}

func TestDiskThatDoesNotAnswerShutsForAsLong(t *testing.T) {
	for stall, want := range map[risk.Stall]struct {
		mode risk.Mode
		why  risk.Code
	}{risk.StallSlow: {risk.CancelOnly, risk.CodeDiskSlow}, risk.StallStuck: {risk.Closed, risk.CodeDiskStuck}} {
		w := opened(t, nil)
		journal := risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1, Stall: stall}
		p := w.mustCheck("a")
		w.tell(journal)
		var r risk.Refusal
		if _, err := w.check(nil); !errors.As(err, &r) || r.Code != risk.CodeShut || r.Why != want.why {
			t.Errorf("Check() error = %v, want SHUT (%s)", err, want.why)
		}
		if err := p.Test(w.now); !errors.Is(err, risk.ErrShut) {
			t.Errorf("Test() of a permit from before error = %v, want ErrShut", err)
		}
		if body := w.desk.Gatez(w.now, ""); body.Mode != want.mode || body.Why[0].Code != want.why {
			t.Errorf("gate is %s for %+v, want %s for %s", body.Mode, body.Why, want.mode, want.why)
		}
		journal.Stall = risk.StallNone
		w.tell(journal)
		if body := w.desk.Gatez(w.now, ""); !body.Open {
			t.Errorf("gate of a disk that answered = %s for %+v", body.Mode, body.Why)
		}
	}
}

func TestDeadJournalIsNamedBeforeAFullDisk(t *testing.T) {
	w := opened(t, nil)
	w.tell(risk.Journal{State: risk.JournalDead, Full: true})
	if body := w.desk.Gatez(w.now, ""); body.Why[0].Code != risk.CodeJournalDead {
		t.Fatalf("gate is shut for %+v, want JOURNAL_DEAD", body.Why)
	}
}

// A report that finds the pipe to the log full is not in the log.
func TestACleanReportThatFoundNoRoomIsProposedAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	w.desk.Gate("A1").Restore(nil, nil)
	w.tell(risk.Session{Account: "A1", Up: true}, risk.Reconciled{Account: "A1", Epoch: 1, Unknown: 1})
	w.pass(time.Second)
	for _, p := range w.holder.Step(w.now, risk.Reconciled{Account: "A1", Epoch: 1}) {
		w.holder.Lost(p)
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Errorf("the account is shut: %+v", body.Why)
	}
}

// The report of an order in doubt was taken; the one that it is resolved meets a log without a leader, once.
func TestACleanReportThatTheLogDidNotTakeIsProposedAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	w.desk.Gate("A1").Restore(nil, nil)
	w.tell(risk.Session{Account: "A1", Up: true}, risk.Reconciled{Account: "A1", Epoch: 1, Unknown: 1})
	w.pass(time.Second)
	w.fail = func() error { return risk.ErrNotAppended }
	w.tell(risk.Reconciled{Account: "A1", Epoch: 1})
	w.fail = nil
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Errorf("the account is shut: %+v", body.Why)
	}
}
