package sim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// traders is an exchange without a flow, with both sessions logged on and nothing heard yet.
func traders(t *testing.T, change func(*sim.Config)) *world {
	t.Helper()
	cfg := config(t)
	if change != nil {
		change(&cfg)
	}
	w := open(t, cfg)
	w.logon("A1")
	w.logon("A2")
	w.bodies("A1")
	w.bodies("A2")
	return w
}

func (w *world) operate(op sim.Operation) {
	w.t.Helper()
	w.must(w.venue.Operate(w.now, op))
}

func (w *world) phase(p sim.Phase) {
	w.t.Helper()
	w.operate(sim.SetPhase{Phase: p})
}

// why is the text of the last refusal of a session's order.
func (w *world) why(id sim.SessionID) (sim.Reason, string) {
	for _, heard := range slices.Backward(w.heard[id]) {
		if r, ok := heard.Body.(sim.Report); ok && r.Type == sim.ExecRejected {
			return r.Reason, r.Text
		}
	}
	return 0, ""
}

// oid is the exchange's id of the order that was entered as cl.
func (w *world) oid(cl market.ClOrdID) string {
	for _, l := range w.lines {
		if o, ok := l.(*sim.OrderLine); ok && o.Cl0 == cl {
			return o.OID
		}
	}
	w.t.Fatalf("there is no order %s", cl)
	return ""
}

func TestAnAuctionMatchesAtOnePriceWhatWaited(t *testing.T) {
	w := traders(t, func(c *sim.Config) { c.Phases = []sim.PhaseAt{{Phase: sim.PhasePreOpen}} })
	w.limit("A1", "b1", market.Buy, 10, "100.05", market.Day)
	w.limit("A1", "b2", market.Buy, 5, "100.01", market.GTC)
	w.limit("A2", "s1", market.Sell, 8, "99.90", market.Day)
	w.limit("A2", "s2", market.Sell, 4, "100.01", market.Day)
	w.want("A1", "NEW b1", "NEW b2")
	w.want("A2", "NEW s1", "NEW s2")
	for _, e := range w.feed {
		if e.Kind == sim.Added || e.Kind == sim.Trading && e.Symbol == "ACME" {
			t.Errorf("the feed showed %+v before the auction", e)
		}
	}
	w.limit("A1", "now", market.Buy, 1, "100", market.IOC)
	if reason, why := w.why("A1"); reason != sim.OrderOther || !strings.Contains(why, "pre_open") {
		t.Errorf("an IOC before the opening: %d %q, want it refused for the phase", reason, why)
	}
	w.bodies("A1")
	w.phase(sim.PhaseAuction)
	w.want("A1")
	w.phase(sim.PhaseContinuous)
	for _, r := range append(w.reports("A1"), w.reports("A2")...) {
		if r.Type == sim.ExecTrade && r.LastPx != price(t, "100.01") {
			t.Errorf("%s traded at %v, want all at 100.01", r.ClOrdID, r.LastPx)
		}
	}
	if got := w.tape(t); len(got) != 1 || got[0] != (quote{market.Buy, price(t, "100.01"), 3 * market.Unit}) {
		t.Errorf("the feed shows %v, want the 3 that are left of b2", got)
	}
	if last := w.feed[len(w.feed)-1]; last.Kind != sim.Trading || last.Symbol != "BOLT" {
		t.Errorf("last of the feed = %+v, want that trading has begun, behind the auction", last)
	}
}

func TestAHaltSuspendsOrdersAndTakesCancels(t *testing.T) {
	w := traders(t, nil)
	w.limit("A1", "a", market.Buy, 5, "99", market.Day)
	w.limit("A1", "b", market.Buy, 5, "98", market.GTC)
	w.limit("A2", "half", market.Sell, 2, "99", market.IOC)
	w.want("A1", "NEW a", "NEW b", "T a")
	w.bodies("A2")
	w.operate(sim.SetPhase{Symbols: []market.Symbol{"ACME"}, Phase: sim.PhaseHalt})
	rs := w.reports("A1")
	if len(rs) != 2 || rs[0].Type != sim.ExecSuspended || rs[0].Status != sim.StatusSuspended || rs[0].Leaves != 3*market.Unit || rs[1].ClOrdID != "b" {
		t.Errorf("reports = %+v, want both orders suspended with what is open of them", rs)
	}
	w.limit("A2", "s", market.Sell, 5, "97", market.Day)
	w.want("A2", "NEW s", "SUS s")
	w.send("A2", sim.Request{Kind: sim.NewOrder, ClOrdID: "m", Symbol: "ACME", Side: market.Sell, Type: market.Market, TIF: market.Day, Qty: market.Unit})
	w.want("A2", "REJ m")
	w.cancel("A1", "c", "b")
	w.want("A1", "CXL c")
	w.replace("A1", "r", "a", 4, "98.50")
	if rs := w.reports("A1"); len(rs) != 1 || rs[0].Type != sim.ExecReplaced || rs[0].Status != sim.StatusSuspended {
		t.Errorf("reports = %+v, want a replace of an order that stays suspended", rs)
	}
	w.phase(sim.PhaseContinuous)
	rs = w.reports("A1")
	if len(rs) != 2 || rs[0].Type != sim.ExecNew || rs[0].Status != sim.StatusPartial || rs[1].Type != sim.ExecTrade || rs[1].LastQty != 2*market.Unit {
		t.Errorf("reports = %+v, want the order back, and then what it met", rs)
	}
	w.want("A2", "NEW s", "T s")
	w.must(w.venue.Shut(w.now))
	w.sums()
}

func TestAClosedMarketTakesNothingAndEndsDayOrders(t *testing.T) {
	w := traders(t, nil)
	w.limit("A1", "day", market.Buy, 5, "99", market.Day)
	w.limit("A1", "gtc", market.Buy, 5, "98", market.GTC)
	w.bodies("A1")
	w.phase(sim.PhaseClosed)
	if rs := w.reports("A1"); len(rs) != 1 || rs[0].Type != sim.ExecExpired || rs[0].Status != sim.StatusExpired || rs[0].ClOrdID != "day" || rs[0].Leaves != 0 {
		t.Errorf("reports = %+v, want the day order expired and the other told nothing", rs)
	}
	w.limit("A1", "x", market.Buy, 5, "99", market.Day)
	if reason, why := w.why("A1"); reason != sim.OrderClosed || why != "phase closed" {
		t.Errorf("refused for %d %q, want for the close", reason, why)
	}
	w.bodies("A1")
	w.replace("A1", "r", "gtc", 5, "98.50")
	w.want("A1", "9 r")
	w.phase(sim.PhasePreOpen)
	rs := w.reports("A1")
	if len(rs) != 1 || rs[0].Type != sim.ExecRestated || rs[0].Restate != sim.RestateRenewal || rs[0].ClOrdID != "gtc" {
		t.Errorf("reports = %+v, want the order renewed on the next day", rs)
	}
	w.phase(sim.PhaseContinuous)
	w.limit("A2", "s", market.Sell, 5, "98", market.IOC)
	w.want("A1", "T gtc")
	w.must(w.venue.Shut(w.now))
	w.sums()
}

func TestANewDayRenewsWhatIsGoodTillCancelled(t *testing.T) {
	w := traders(t, nil)
	w.limit("A1", "day", market.Buy, 5, "99", market.Day)
	w.limit("A1", "gtc", market.Buy, 5, "98", market.GTC)
	w.bodies("A1")
	w.operate(sim.NewDay{})
	w.want("A1", "EXP day", "RST gtc")
	w.limit("A2", "s", market.Sell, 5, "98", market.IOC)
	w.want("A1", "T gtc")
}

func TestPhasesComeAtTheirTimes(t *testing.T) {
	w := traders(t, func(c *sim.Config) {
		c.Phases = []sim.PhaseAt{
			{Phase: sim.PhaseAuction, Symbols: []market.Symbol{"ACME"}},
			{After: time.Second, Phase: sim.PhaseContinuous},
			{After: 2 * time.Second, Phase: sim.PhaseClosed, Symbols: []market.Symbol{"BOLT"}},
		}
	})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.limit("A2", "b", market.Sell, 5, "99", market.Day)
	w.bodies("A1")
	w.pass(time.Second)
	w.want("A1", "T a")
	w.pass(time.Second)
	var got []string
	for _, l := range w.lines {
		if p, ok := l.(*sim.PhaseLine); ok {
			got = append(got, string(p.Sym)+" "+p.Phase)
		}
	}
	if want := "ACME auction BOLT continuous ACME continuous BOLT closed"; strings.Join(got, " ") != want {
		t.Errorf("phase lines = %q, want %q", got, want)
	}
}

func TestAnOperationThatCannotBeIsRefused(t *testing.T) {
	w := traders(t, nil)
	w.limit("A1", "a", market.Buy, 5, "99", market.Day)
	for name, op := range map[string]sim.Operation{
		"a phase that is none":        sim.SetPhase{Phase: "lunch"},
		"a symbol that is not listed": sim.SetPhase{Symbols: []market.Symbol{"NONE"}, Phase: sim.PhaseHalt},
		"a bust of nothing":           sim.Bust{Exec: "never"},
		"a correction of nothing":     sim.Correct{Exec: "never", Qty: market.Unit},
		"a restatement of nothing":    sim.Restate{OrderID: "never"},
		"a withdrawal of nothing":     sim.Withdraw{OrderID: "never"},
		"a split into one":            sim.Split{Symbol: "ACME", By: 1},
		"a split of nothing":          sim.Split{Symbol: "NONE", By: 2},
		"a price off the tick":        sim.Restate{OrderID: w.oid("a"), Price: 1},
	} {
		before := len(w.lines)
		if err := w.venue.Operate(w.now, op); !errors.Is(err, sim.ErrOperation) || len(w.lines) != before {
			t.Errorf("%s: error = %v and %d lines, want %v and none", name, err, len(w.lines)-before, sim.ErrOperation)
		}
	}
	if err := openPaper(t).paper.Operate(start, sim.NewDay{}); !errors.Is(err, sim.ErrOperation) {
		t.Errorf("an operation of a paper venue: error = %v, want %v", err, sim.ErrOperation)
	}
	w.must(w.venue.Shut(w.now))
	if err := w.venue.Operate(w.now, sim.NewDay{}); !errors.Is(err, sim.ErrShut) {
		t.Errorf("an operation behind the day: error = %v, want %v", err, sim.ErrShut)
	}
}

// TestAnOrderThatEndsWithItsLinkDoesNotRest: the report of a replace is cut, the lost link cancels the order, and it must not come
// back to the book as the replace goes on.
func TestAnOrderThatEndsWithItsLinkDoesNotRest(t *testing.T) {
	w := traders(t, func(c *sim.Config) {
		c.Faults = plan(t, "disconnect_at_byte nth=2 session=A1 msg=8")
		c.Phases = []sim.PhaseAt{{Phase: sim.PhaseAuction}}
	})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.replace("A1", "r", "a", 5, "101")
	if o := lastOf[*sim.OrderLine](w); o.Status != sim.StatusCancelled || o.Why != "cod" {
		t.Fatalf("order = %+v, want it cancelled with the link", o)
	}
	w.phase(sim.PhaseContinuous)
	w.limit("A2", "s", market.Sell, 5, "99", market.IOC)
	if trade := lastOf[*sim.TradeLine](w); trade != nil {
		t.Errorf("trade = %+v, want none with an order that has ended", trade)
	}
	if q := w.tape(t); len(q) != 0 {
		t.Errorf("the feed shows %v, want nothing", q)
	}
}

// TestALinkCutWithinAReportEndsEachOrderOnce: whatever is under way with the orders of an account, one that the lost link has
// cancelled meanwhile is left alone.
func TestALinkCutWithinAReportEndsEachOrderOnce(t *testing.T) {
	for name, do := range map[string]func(w *world){
		"mass cancel": func(w *world) { w.send("A1", sim.Request{Kind: sim.MassCancel, ClOrdID: "q"}) },
		"close":       func(w *world) { w.phase(sim.PhaseClosed) },
		"halt":        func(w *world) { w.phase(sim.PhaseHalt) },
		"a new day":   func(w *world) { w.operate(sim.NewDay{}) },
		"a split":     func(w *world) { w.operate(sim.Split{Symbol: "ACME", By: 2}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := traders(t, func(c *sim.Config) { c.Faults = plan(t, "disconnect_at_byte nth=4 session=A1 msg=8") })
			w.limit("A1", "a", market.Buy, 5, "99", market.Day)
			w.limit("A1", "b", market.Buy, 5, "98", market.Day)
			w.limit("A1", "c", market.Buy, 5, "97", market.GTC)
			do(w)
			if f := lastOf[*sim.FaultLine](w); f == nil {
				t.Fatal("the link was not cut")
			}
			ended := map[string]int{}
			for _, l := range w.lines {
				if o, ok := l.(*sim.OrderLine); ok && !o.Status.Open() {
					ended[o.OID]++
				}
			}
			for oid, n := range ended {
				if n != 1 {
					t.Errorf("order %s ended %d times", oid, n)
				}
			}
			if len(ended) != 3 {
				t.Errorf("ended: %v, want all three", ended)
			}
			w.addsUp(t, 0, 0, sim.PhaseContinuous)
			w.must(w.venue.Shut(w.now))
			w.sums()
		})
	}
}
