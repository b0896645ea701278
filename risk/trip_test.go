package risk_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/failshut/failshut/risk"
)

func (w *world) reset(scope string, ids ...string) risk.ResetResult {
	w.t.Helper()
	k, err := risk.ParseScope(scope, false)
	if err != nil {
		w.t.Fatal(err)
	}
	var got *risk.ResetResult
	w.tell(risk.Reset{
		Request: risk.ResetRequest{Scope: k, IDs: ids, Reason: "checked", By: "ann"},
		Done:    func(r risk.ResetResult) { got = &r },
	})
	if got == nil {
		w.t.Fatal("reset was not answered")
	}
	return *got
}

func TestTripShutsAtOnceWithEverythingElseDead(t *testing.T) {
	w := opened(t, nil)
	w.trips.Fail = errors.New("disk is dead")
	w.desk.Post(func(risk.Message) error { return nil }) // mailbox full: nothing arrives
	_, err := w.desk.Trip(risk.TripRequest{Scope: risk.Firm, By: "signal", Reason: "signal"}, w.now)
	if !errors.Is(err, risk.ErrTripNotKept) {
		t.Fatalf("Trip() error = %v, want ErrTripNotKept", err)
	}
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() error = %v, want ErrShut", err)
	}
	if body := w.desk.Gatez(w.now, ""); body.Open || body.Mode != risk.Closed {
		t.Fatalf("gate = %+v, want CLOSED", body)
	}
	if len(w.cancels) != 1 || w.cancels[0].Scope != risk.Firm {
		t.Fatalf("cancel-all hook was called with %+v, want the firm", w.cancels)
	}
}

func TestTripRefusesWhatIsNoTrip(t *testing.T) {
	w := opened(t, nil)
	for _, r := range []risk.TripRequest{{}, {Scope: risk.Firm, Mode: risk.Open}, {Scope: risk.Scope{Account: "+", Strategy: "*", Instrument: "*"}}} {
		if _, err := w.desk.Trip(r, w.now); !errors.Is(err, risk.ErrInvalid) {
			t.Errorf("Trip(%+v) error = %v, want ErrInvalid", r, err)
		}
	}
	if _, err := w.check(nil); err != nil {
		t.Fatalf("Check() error = %v", err)
	}
}

func TestTripOutlivesTheProcessAndTheLogLearnsOfIt(t *testing.T) {
	w := opened(t, nil)
	l := w.trip("A1/*/*", risk.Closed)
	w.process(exampleConfig(), nil, 2) // a new process, an empty log
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() in the new process error = %v, want ErrShut", err)
	}
	w.open(2)
	if body := w.desk.Gatez(w.now, "A1/*/*"); body.Mode != risk.Closed || len(body.Latches) != 1 || body.Latches[0].TripID != l.ID {
		t.Fatalf("gate after the restart = %+v", body)
	}
	if !w.desk.Status().Logged[l.ID] {
		t.Fatal("the log does not know the trip")
	}
	if body := w.desk.Gatez(w.now, "A2/*/*"); !body.Open {
		t.Fatalf("another account is shut too: %+v", body)
	}
}

func TestUnreadableTripFileIsAFirmTrip(t *testing.T) {
	for name, content := range map[string]string{
		"t-n1-1.json": "", "t-n1-2.json": "{", "t-n1-3.json": `{"version":1,"crc32c":1,"trip":{}}`, "strange": "x",
	} {
		w := newWorld(t, nil)
		if err := w.trips.Write(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		w.process(exampleConfig(), nil, 2)
		w.open(1)
		body := w.desk.Gatez(w.now, "")
		if body.Mode != risk.Closed || len(body.Latches) != 1 || body.Latches[0].Scope != risk.Firm {
			t.Errorf("%s with %q: gate = %s, latches %+v, want a firm trip", name, content, body.Mode, body.Latches)
		}
	}
}

func TestTripFilesOnDiskAreReadBackAndDamageIsSeen(t *testing.T) {
	dir := t.TempDir()
	c := exampleConfig()
	desk := func() *risk.Desk {
		d, err := risk.NewDesk(c, risk.Parts{Nonce: 1, Catalogue: exampleCatalogue(), Prices: quotes{}, Trips: risk.NewDirTrips(dir)})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	l, err := desk().Trip(risk.TripRequest{Scope: risk.AccountScope("A1"), By: "ann", Reason: "fat finger"}, risk.Reading{Wall: start})
	if err != nil {
		t.Fatal(err)
	}
	if got := desk().Latches(); len(got) != 1 || got[0] != l {
		t.Fatalf("Latches() = %+v, want %+v", got, l)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files = %v, %v", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[at] ^= 0x10
		if err := os.WriteFile(files[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		got := desk().Latches()
		if len(got) != 1 || got[0].Scope != risk.Firm && got[0] != l {
			t.Fatalf("byte %d flipped: latches %+v, want the trip as it was, or a firm one", at, got)
		}
	}
}

func TestResetClearsOnlyWhatItNamesAndOpensByTheConditions(t *testing.T) {
	w := opened(t, nil)
	a, b := w.trip("A1/*/*", risk.Closed), w.trip("A1/*/*", risk.CancelOnly)
	w.tell(risk.Wake{})
	if r := w.reset("A1/*/*", "t-unknown"); !errors.Is(r.Err, risk.ErrUnknownLatch) {
		t.Fatalf("reset of an unknown trip error = %v", r.Err)
	}
	if r := w.reset("A1/*/*", a.ID); r.Err != nil || len(r.Remain) != 1 || r.Remain[0] != b.ID {
		t.Fatalf("reset = %+v, want %s to remain", r, b.ID)
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); body.Open {
		t.Fatal("open although a latch remains")
	}
	if r := w.reset("A1/*/*"); r.Err != nil {
		t.Fatalf("reset error = %v", r.Err)
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open || len(body.Latches) != 0 {
		t.Fatalf("gate after the reset = %+v", body)
	}
	names, err := w.trips.Names()
	if err != nil || len(names) != 0 {
		t.Fatalf("trip files left: %v %v", names, err)
	}
}

func TestResetWithoutReasonOrOfAStaleRevisionIsRefused(t *testing.T) {
	w := opened(t, nil)
	l := w.trip("A1/*/*", risk.Closed)
	w.tell(risk.Wake{})
	ask := func(r risk.ResetRequest) error {
		var err error
		r.Scope, r.IDs = risk.AccountScope("A1"), []string{l.ID}
		w.tell(risk.Reset{Request: r, Done: func(got risk.ResetResult) { err = got.Err }})
		return err
	}
	if err := ask(risk.ResetRequest{By: "ann"}); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("without a reason error = %v, want ErrInvalid", err)
	}
	if err := ask(risk.ResetRequest{By: "ann", Reason: "r", Expect: 1}); !errors.Is(err, risk.ErrStaleRevision) {
		t.Errorf("of revision 1 error = %v, want ErrStaleRevision", err)
	}
	if err := ask(risk.ResetRequest{By: "ann", Reason: "r", Expect: w.desk.Gatez(w.now, "").Revision}); err != nil {
		t.Errorf("of the present revision error = %v", err)
	}
}

func TestFirmResetNeedsTwoPersons(t *testing.T) {
	w := opened(t, nil)
	l := w.trip("*/*/*", risk.Closed)
	w.tell(risk.Wake{})
	if r := w.reset("*/*/*", l.ID); !errors.Is(r.Err, risk.ErrTwoPersons) {
		t.Fatalf("reset of the firm error = %v, want ErrTwoPersons", r.Err)
	}
	if body := w.desk.Gatez(w.now, ""); body.Open {
		t.Fatal("open after a refused reset")
	}
}
