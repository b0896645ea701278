package risk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/risk"
)

func (w *world) withhold(id uint64) risk.Latch {
	w.t.Helper()
	l, err := w.desk.Withhold(risk.Evidence{ID: id, Account: "A1", What: "a fill of O1"}, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tell(risk.Wake{})
	return l
}

func (w *world) wantWaits(when string) {
	w.t.Helper()
	mode, why := w.desk.Mode("A1", w.now)
	found := false
	for _, r := range why {
		found = found || r.Code == risk.CodeEvidenceWaits
	}
	if mode != risk.Closed || !found {
		w.t.Fatalf("%s A1 is %s for %v, want CLOSED for %s", when, mode, why, risk.CodeEvidenceWaits)
	}
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		w.t.Fatalf("%s Check() error = %v, want ErrShut", when, err)
	}
}

func TestAReportThatWaitsShutsItsAccountUntilItIsHandledAndReset(t *testing.T) {
	w := opened(t, nil)
	l := w.withhold(1)
	w.wantWaits("with a report set aside")
	if len(w.cancels) != 1 || w.cancels[0].ID != l.ID {
		t.Errorf("the cancel-all hook was called with %+v, want %s", w.cancels, l.ID)
	}
	if body := w.desk.Gatez(w.now, "A2/*/*"); !body.Open {
		t.Errorf("another account is shut too: %+v", body)
	}
	other := w.trip("A1/*/*", risk.Closed)
	w.tell(risk.Wake{})
	for _, id := range []string{l.ID, other.ID} {
		if r := w.reset("A1/*/*", id); !errors.Is(r.Err, risk.ErrEvidence) || len(r.Cleared) != 0 || len(r.Remain) != 2 {
			t.Errorf("reset of %s = %+v, want ErrEvidence and both latches to remain", id, r)
		}
	}
	if !w.desk.Handle(1) || w.desk.Handle(1) || len(w.desk.Withheld()) != 0 {
		t.Fatal("a report is handled once")
	}
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() before the reset error = %v, want ErrShut: a person must look", err)
	}
	if r := w.reset("A1/*/*"); r.Err != nil || len(r.Cleared) != 2 {
		t.Fatalf("reset of what was handled = %+v", r)
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Fatalf("gate after the reset = %+v, want OPEN", body)
	}
}

// The other report keeps the account shut: one that was handled says nothing of it.
func TestEachReportOfAnAccountIsWaitedFor(t *testing.T) {
	w := opened(t, nil)
	w.withhold(1)
	w.withhold(2)
	if _, err := w.desk.Withhold(risk.Evidence{ID: 2, Account: "A1"}, w.now); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("Withhold() of the same again error = %v, want ErrInvalid", err)
	}
	if _, err := w.desk.Withhold(risk.Evidence{ID: 3, Account: "nobody"}, w.now); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("Withhold() of no account error = %v, want ErrInvalid", err)
	}
	w.desk.Handle(1)
	w.wantWaits("with one of two handled")
	if r := w.reset("A1/*/*"); !errors.Is(r.Err, risk.ErrEvidence) {
		t.Errorf("reset error = %v, want ErrEvidence", r.Err)
	}
}

// A dead disk and a restart are when it counts.
func TestAReportThatWaitsShutsWithADeadDiskAndItsLatchOutlivesTheProcess(t *testing.T) {
	w := opened(t, nil)
	l := w.withhold(1)
	w.process(exampleConfig(), nil, 2)
	w.open(2)
	if body := w.desk.Gatez(w.now, "A1/*/*"); body.Mode != risk.Closed || len(body.Latches) != 1 || body.Latches[0].TripID != l.ID {
		t.Fatalf("gate after the restart = %+v, want the latch %s", body, l.ID)
	}
	w.trips.Fail = errors.New("disk is dead")
	if _, err := w.desk.Withhold(risk.Evidence{ID: 1, Account: "A1", What: "a fill"}, w.now); !errors.Is(err, risk.ErrTripNotKept) {
		t.Fatalf("Withhold() error = %v, want ErrTripNotKept", err)
	}
	w.wantWaits("with a dead disk")
}
