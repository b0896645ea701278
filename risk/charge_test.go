package risk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// book is a gate under wide limits and a reader of what it has charged.
func (w *world) charged() (long, short string) {
	l, s, _, _ := w.desk.Gate("A1").Sums()
	return l.String(), s.String()
}

func (w *world) wantCharged(when, long, short string) {
	w.t.Helper()
	if l, s := w.charged(); l != long || s != short {
		w.t.Fatalf("%s: charged %s long, %s short, want %s and %s", when, l, s, long, short)
	}
}

func hold(id market.ClOrdID, s market.Side, q, p string) risk.Held {
	return risk.Held{Order: id, Strategy: "cross1", Instrument: acme, Side: s, Qty: qty(q), Price: px(p)}
}

func executed(id market.ClOrdID, s market.Side, q, p string) risk.Execution {
	return risk.Execution{Exec: "e", Order: id, Strategy: "cross1", Instrument: acme, Side: s, Qty: qty(q), Price: px(p)}
}

func TestChargePriceIsKeptForLife(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	if _, err := w.check(with(quantity("10"), price("101"), func(in *risk.Intent) { in.ID = "a" })); err != nil {
		t.Fatal(err)
	}
	w.wantCharged("after the check", "1010", "0")
	g.Hold(hold("a", market.Buy, "10", "99"))
	w.wantCharged("after a report of a lower price", "1010", "0")
	g.Execute(executed("a", market.Buy, "4", "98"))
	g.Hold(hold("a", market.Buy, "6", "99"))
	w.wantCharged("after a fill at a better price", "1010", "0")
	g.Hold(hold("a", market.Buy, "6", "101.5"))
	w.wantCharged("after a replace to a higher price", "1013", "0") // 4 × 101 + 6 × 101.5 = 404 + 609
	g.Hold(hold("a", market.Buy, "0", "101.5"))
	w.wantCharged("after the cancel", "404", "0")
}

func TestBustTakesBackAndAReopenedOrderIsChargedAgain(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	w.mustCheck("a")
	g.Execute(executed("a", market.Buy, "1", "100"))
	g.Hold(hold("a", market.Buy, "0", "100"))
	w.wantCharged("after the fill", "100", "0")
	g.Execute(executed("a", market.Buy, "-1", "100"))
	w.wantCharged("after the bust", "0", "0")
	g.Hold(hold("a", market.Buy, "1", "100"))
	w.wantCharged("after the order is open again", "100", "0")
	if _, _, _, open := g.Sums(); open != 1 {
		t.Fatalf("%d open orders, want 1", open)
	}
}

func TestTwoSellsCannotBothLeanOnOneLong(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	g.Execute(executed("old", market.Buy, "10", "100"))
	for n, id := range []market.ClOrdID{"a", "b"} {
		if _, err := w.check(with(quantity("6"), sell, price([]string{"100", "101"}[n]), func(in *risk.Intent) { in.ID = id })); err != nil {
			t.Fatal(err)
		}
		want := []string{"0", "204"} // of 12 to sell, 10 reduce; 2 are charged at the collar's top
		w.wantCharged("after a sell", "1000", want[n])
	}
	g.Hold(hold("b", market.Sell, "4", "101"))
	w.wantCharged("after both fit", "1000", "0")
}

func TestReducingOrdersAtDifferentPricesAreFree(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	g.Execute(executed("old", market.Sell, "10", "100"))
	for n, p := range []string{"99", "101"} {
		if _, err := w.check(with(quantity("5"), price(p), func(in *risk.Intent) { in.ID = market.ClOrdID([]string{"a", "b"}[n]) })); err != nil {
			t.Fatal(err)
		}
	}
	w.wantCharged("two buys that only reduce", "0", "1000")
	g.Execute(executed("b", market.Buy, "5", "101"))
	g.Hold(hold("b", market.Buy, "0", "101"))
	w.wantCharged("one has filled", "0", "500")
}

func TestFreedChargeIsRoundedDownAndNothingIsLeftAtZero(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	g.Execute(executed("old", market.Buy, "3", "0.333333333"))
	g.Execute(risk.Execution{Exec: "p", Order: "old", Strategy: "cross1", Instrument: acme, Side: market.Buy, Qty: 1, Price: 1}) // 1e-18, charged 1e-9
	w.wantCharged("three and a crumb", "1", "0")
	g.Execute(executed("new", market.Sell, "1", "0.3"))
	w.wantCharged("two and a crumb", "0.666666667", "0")
	g.Execute(executed("new", market.Sell, "2.000000001", "0.3"))
	w.wantCharged("flat", "0", "0")
}

func TestRepeatedHoldsChangeNothingAndAForeignOrderIsCharged(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	for range 3 {
		g.Hold(hold("foreign", market.Sell, "2", "90"))
	}
	w.wantCharged("a foreign sell below the market", "0", "200.02") // at the ask, since it may fill there
	for range 2 {
		g.Hold(hold("foreign", market.Sell, "0", "90"))
	}
	w.wantCharged("ended", "0", "0")
	g.Hold(hold("never seen", market.Sell, "0", "90"))
	if _, _, _, open := g.Sums(); open != 0 {
		t.Fatalf("%d open orders, want 0", open)
	}
}

func TestRestoreForgetsAndKeepsWhatTheJournalSays(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	w.mustCheck("a")
	g.Restore([]risk.Position{{Strategy: "cross1", Instrument: acme, Qty: qty("-2"), Price: px("100")}}, []risk.Held{hold("b", market.Buy, "3", "100")})
	w.wantCharged("restored", "100", "200") // of 3 to buy, 2 reduce
	if got := w.desk.Positions("A1"); len(got) != 1 || got[0].Qty != qty("-2") || got[0].Instrument != acme {
		t.Fatalf("Positions() = %+v", got)
	}
}

func TestRestoredPositionWithoutAPriceShutsUntilThereIsOne(t *testing.T) {
	w := opened(t, nil)
	live := w.quotes[bolt]
	w.quotes[bolt] = risk.Price{}
	w.desk.Gate("A1").Restore([]risk.Position{{Strategy: "cross1", Instrument: bolt, Qty: qty("2")}}, nil)
	if _, err := w.check(nil); !errors.Is(err, risk.ErrStalePrice) {
		t.Fatalf("Check() error = %v, want ErrStalePrice", err)
	}
	w.quotes[bolt] = live
	if _, err := w.check(nil); err != nil {
		t.Fatalf("Check() with a price error = %v", err)
	}
	w.wantCharged("priced at the ask", "200.02", "0")
}

func TestMoreLiveOrdersThanSlotsShutsForGood(t *testing.T) {
	w := opened(t, nil)
	for n := range 257 {
		w.desk.Gate("A1").Hold(hold(market.ClOrdID([]byte{'f', byte('0' + n/64), byte('0' + n%64)}), market.Buy, "0.001", "1"))
	}
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() error = %v, want ErrShut", err)
	}
}

func TestHugeNumbersAreRefusedOrShutAndNeverWrap(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	for n := range 3 {
		g.Execute(risk.Execution{Exec: "e", Strategy: "cross1", Instrument: acme, Side: market.Buy, Qty: 1<<62 + market.Qty(n), Price: 1 << 62})
	}
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() error = %v, want ErrShut", err)
	}
}

func TestLimitCutHoldsAtOnceAndALooserOneAfterIt(t *testing.T) {
	w := opened(t, nil)
	set := func(value string) error {
		l, err := risk.ParseLimit("A1/cross1/ACME", "max_long_qty", value)
		if err != nil {
			t.Fatal(err)
		}
		got := errors.New("not answered")
		w.tell(risk.SetLimit{
			Request: risk.LimitRequest{Limit: l, Reason: "r", By: "ann"}, Done: func(r risk.LimitResult) { got = r.Err },
		})
		return got
	}
	if err := set("4"); err != nil {
		t.Fatalf("cut error = %v", err)
	}
	_, err := w.check(quantity("5"))
	var r risk.Refusal
	if !errors.As(err, &r) || r.Code != risk.CodeLongLimit && r.Code != risk.CodeReduceOnly {
		t.Fatalf("Check() of 5 under a limit of 4 error = %v", err)
	}
	if err := set("70"); err != nil {
		t.Fatalf("loosening error = %v", err)
	}
	w.pass(time.Second)
	if _, err := w.check(with(quantity("20"))); err != nil {
		t.Fatalf("Check() of 20 under a limit of 70 error = %v", err)
	}
}

func TestNewTermEndsPermissionAtOnceAndOpensOnlyAfterReconciliation(t *testing.T) {
	w := opened(t, nil)
	w.desk.Machine().Apply(1_000_000, 2, []byte{1, 4})
	if _, err := w.check(nil); !errors.Is(err, risk.ErrNoPermission) && !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() after an entry of a newer term error = %v", err)
	}
	w.log = risk.NewMemoryLog(shifted{w.desk.Machine(), 2_000_000}, 2)
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	w.tell(risk.Leading{Term: 2, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	for _, a := range w.desk.Accounts() {
		w.tell(risk.Session{Account: a, Up: true})
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, ""); body.Open || body.Term != 2 {
		t.Fatalf("gate of the new term = %+v, want shut", body)
	}
	for _, a := range w.desk.Accounts() {
		w.tell(risk.Reconciled{Account: a})
	}
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, ""); !body.Open || body.Incarnation != 1 {
		t.Fatalf("gate after reconciliation in the new term = %+v", body)
	}
}

func TestHolderThatFollowsAnotherFindsEverythingShut(t *testing.T) {
	w := opened(t, nil)
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	if _, err := w.check(nil); !errors.Is(err, risk.ErrShut) {
		t.Fatalf("Check() error = %v, want ErrShut", err)
	}
	w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1}, risk.Session{Account: "A1", Up: true})
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); body.Open {
		t.Fatalf("open without a report in this holder's session: %+v", body)
	}
	w.tell(risk.Reconciled{Account: "A1"})
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, "A1/*/*"); !body.Open {
		t.Fatalf("gate = %+v, want open", body)
	}
}

func TestExampleOfTheDocumentationIsWhatGatezSays(t *testing.T) {
	w := opened(t, nil)
	w.trip("A2/*/*", risk.Closed)
	w.tell(risk.Wake{})
	body := w.desk.Gatez(w.now, "")
	if body.Open || body.Mode != risk.Closed || body.Node != "n1" || body.Term != 1 || body.Incarnation != 1 || body.OpenedAt != nil ||
		body.ShutAt == nil || !body.Permission.Valid || len(body.Scopes) != 3 || len(body.Latches) != 1 || body.Why[0].Code != risk.CodeTripped ||
		body.Why[0].Since == nil {
		t.Fatalf("Gatez() = %+v", body)
	}
	for scope, want := range map[string]risk.Mode{"A1/*/*": risk.Open, "A2/*/*": risk.Closed, "A9/*/*": risk.Closed, "nonsense": risk.Closed, "A1/cross1/ACME": risk.Open} {
		if got := w.desk.Gatez(w.now, scope).Mode; got != want {
			t.Errorf("Gatez(%s) = %s, want %s", scope, got, want)
		}
	}
	latch := body.Latches[0]
	if latch.State != "PENDING" {
		t.Fatalf("latch is %s before the venue answered", latch.State)
	}
	w.desk.Confirm(latch.TripID)
	if got := w.desk.Gatez(w.now, "").Latches[0].State; got != "CONFIRMED" {
		t.Fatalf("latch is %s after Confirm", got)
	}
}
