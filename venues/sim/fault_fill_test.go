package sim_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// plan reads the faults of a test.
func plan(t testing.TB, texts ...string) []sim.Fault {
	t.Helper()
	faults, err := sim.ParseFaults(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// resting is an exchange with these faults, with A1 logged on and bidding 5 at 99 behind a better and an older bid of A2.
func resting(t *testing.T, faults ...string) *world {
	t.Helper()
	cfg := config(t)
	cfg.Faults = plan(t, faults...)
	w := open(t, cfg)
	w.logon("A1")
	w.logon("A2")
	w.limit("A2", "better", market.Buy, 5, "99.01", market.Day)
	w.limit("A2", "older", market.Buy, 5, "99", market.Day)
	w.limit("A1", "a", market.Buy, 5, "99", market.Day)
	w.want("A1", "welcome", "replayed", "NEW a")
	return w
}

func TestACancelThatAFillOvertakesIsTooLate(t *testing.T) {
	w := resting(t, "fill_while_pending_cancel nth=1 id=f")
	w.cancel("A1", "c", "a")
	if got := w.heard["A1"]; len(got) != 2 || got[1].Seq != got[0].Seq+1 {
		t.Fatalf("heard %+v, want the fill and then the refusal of the cancel", got)
	}
	fill, ok := w.heard["A1"][0].Body.(sim.Report)
	if !ok || fill.Type != sim.ExecTrade || fill.Cum != 5*market.Unit || fill.LastPx != price(t, "99") || fill.ClOrdID != "a" {
		t.Errorf("first heard %+v, want a fill of 5 at 99 under the id that the order had", w.heard["A1"][0].Body)
	}
	late, ok := w.heard["A1"][1].Body.(sim.CancelReject)
	if !ok || late.Reason != sim.CancelTooLate || late.Status != sim.StatusFilled {
		t.Errorf("then heard %+v, want that it is too late to cancel a filled order", w.heard["A1"][1].Body)
	}
	if r := lastOf[*sim.RecvLine](w); r.Cl != "c" || r.Fate != sim.FateRejected || r.Fault != "f" {
		t.Errorf("recv line = %+v, want the cancel refused, and f with it", r)
	}
	w.wantFates("sent sent sent")
}

func TestACancelEndsWhatAFillLeftOfItsOrder(t *testing.T) {
	w := resting(t, "fill_while_pending_cancel nth=1 qty=1.5 id=f")
	w.cancel("A1", "c", "a")
	rs := w.reports("A1")
	if len(rs) != 2 || rs[0].Type != sim.ExecTrade || rs[0].LastQty != 2*market.Unit || rs[0].Leaves != 3*market.Unit {
		t.Fatalf("reports = %+v, want a fill of 2, 1.5 rounded up to the lot, and an end", rs)
	}
	if rs[1].Type != sim.ExecCancelled || rs[1].Cum != 2*market.Unit || rs[1].Leaves != 0 || rs[1].Orig != "a" || rs[1].ClOrdID != "c" {
		t.Errorf("then %+v, want the other 3 cancelled", rs[1])
	}
	w.wantFates("sent sent sent")
}

// TestTheLedgerTellsAFaultFromAFill: the lines of the fill are by the fault, those of the cancel by the cancel, and the
// exchange's sums hold.
func TestTheLedgerTellsAFaultFromAFill(t *testing.T) {
	w := resting(t, "fill_while_pending_cancel p=1 qty=2 id=f")
	before := len(w.lines)
	w.cancel("A1", "c", "a")
	fault, recv := lastOf[*sim.FaultLine](w), lastOf[*sim.RecvLine](w)
	var by []string
	for _, l := range w.lines[before:] {
		switch l := l.(type) {
		case *sim.OrderLine:
			by = append(by, map[uint64]string{fault.N: "fault", recv.N: "recv"}[l.By])
		case *sim.SendLine:
			if answers := map[uint64]bool{0: true, recv.N: false}; answers[l.Answers] != (l.Type == sim.ExecTrade) {
				t.Errorf("line %+v answers %d, want the end to answer the cancel and the fill nothing", l, l.Answers)
			}
		}
	}
	if got := strings.Join(by, " "); got != "fault fault fault recv" {
		t.Errorf("order lines are by %q, want the fill's by the fault and the cancel's by the request", got)
	}
	if fault.Drawn == "" || fault.Kind != string(sim.FillWhilePendingCancel) || fault.Target != "F c" || fault.N > recv.N {
		t.Errorf("fault line = %+v, want kind, target and draw, ahead of the request's line", fault)
	}
	w.must(w.venue.Shut(w.now))
	w.sums() // its reader checks the sums of the close line
	if trade := lastOf[*sim.TradeLine](w); trade.Buy.Account != "A1" || trade.Sell.Account != "flow0" || trade.Qty != 2*market.Unit {
		t.Errorf("trade = %+v, want 2 of A1 with a participant of the exchange", trade)
	}
}

func TestOnlyACancelOfAnOpenOrderCountsForAFill(t *testing.T) {
	w := resting(t, "fill_while_pending_cancel nth=2")
	w.cancel("A1", "c1", "never")
	w.cancel("A1", "c2", "a")
	w.cancel("A1", "c3", "a")
	w.send("A1", sim.Request{Kind: sim.MassCancel, ClOrdID: "c4"})
	w.limit("A1", "b", market.Buy, 5, "99", market.Day)
	if f := lastOf[*sim.FaultLine](w); f != nil {
		t.Fatalf("fault line = %+v, want none: only one cancel named an open order", f)
	}
	w.cancel("A1", "c5", "b")
	if f := lastOf[*sim.FaultLine](w); f == nil || f.Target != "F c5" {
		t.Errorf("fault line = %+v, want one on the second cancel of an open order", f)
	}
}

// TestTheFeedShowsAFillOfAFault: the order that was filled, and no other of the book.
func TestTheFeedShowsAFillOfAFault(t *testing.T) {
	w := resting(t, "fill_while_pending_cancel nth=1")
	before := len(w.feed)
	w.cancel("A1", "c", "a")
	if len(w.feed) != before+1 || w.feed[before].Kind != sim.Executed || w.feed[before].Qty != 5*market.Unit || w.feed[before].Match == 0 {
		t.Errorf("feed = %+v, want one execution of 5", w.feed[before:])
	}
	w.limit("A1", "s", market.Sell, 10, "99", market.IOC)
	w.want("A1", "T a", "9 c", "NEW s", "T s", "T s")
}

func TestFaultsAreArmedInTheDay(t *testing.T) {
	w := resting(t, "drop_before nth=1 session=A1 msg=H id=old")
	w.must(w.venue.Arm(w.now, plan(t, "fill_while_pending_cancel nth=1 id=f", "late_ack nth=1 at=1s id=l")))
	var lines []string
	for _, l := range w.lines {
		if f, ok := l.(*sim.FaultLine); ok {
			lines = append(lines, f.ID+" "+f.Target)
		}
	}
	if want := []string{"old disarmed", "f armed", "l armed"}; !slices.Equal(lines, want) {
		t.Errorf("fault lines = %q, want %q", lines, want)
	}
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
	w.want("A1", "STS a") // the old fault is gone
	w.cancel("A1", "c", "a")
	w.want("A1", "T a", "9 c")
	w.pass(time.Second)
	w.limit("A1", "b", market.Buy, 5, "98", market.Day)
	w.want("A1")
	w.pass(sim.LateDelay)
	w.want("A1", "NEW b")
	w.must(w.venue.Arm(w.now, nil))
	w.must(w.venue.Shut(w.now))
	w.sums()
}

func TestAPlanThatCannotFireIsRefusedWhole(t *testing.T) {
	tests := map[string]struct {
		texts []string
		want  string
	}{
		"a session that is not there": {[]string{"late_ack nth=1 session=A9"}, `on.session = "A9"`},
		"a symbol that is not listed": {[]string{"late_ack nth=1 symbol=NONE"}, `on.symbol = "NONE"`},
		"one id twice":                {[]string{"late_ack nth=1 id=x", "dup_exec nth=1 id=x"}, "want one of its own"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := resting(t, "fill_while_pending_cancel nth=1")
			faults := plan(t, tt.texts...)
			if err := w.venue.Arm(w.now, faults); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Arm() error = %v, want one that says %s", err, tt.want)
			}
			w.cancel("A1", "c", "a")
			w.want("A1", "T a", "9 c") // the plan is as it was
			cfg := config(t)
			cfg.Faults = faults
			if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Validate() error = %v, want one that says %s", err, tt.want)
			}
		})
	}
}

func TestNothingIsArmedOutsideOfADay(t *testing.T) {
	w := resting(t)
	w.must(w.venue.Shut(w.now))
	if err := w.venue.Arm(w.now, plan(t, "late_ack nth=1")); err == nil || !strings.Contains(err.Error(), "shut") {
		t.Errorf("Arm() error = %v, want %v", err, sim.ErrShut)
	}
}

// sums reads the ledger of a day that was shut: its reader holds the close line against the lines.
func (w *world) sums() {
	w.t.Helper()
	l, err := ledger.Read(bytes.NewReader(w.file.Bytes()))
	w.must(err)
	if !l.Closed {
		w.t.Error("the ledger has no close line")
	}
}
