package sim_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

func (w *world) replace(id sim.SessionID, cl, orig market.ClOrdID, qty int64, px string) {
	w.t.Helper()
	w.send(id, sim.Request{Kind: sim.ReplaceOrder, ClOrdID: cl, Orig: orig, Symbol: "ACME", Qty: market.Qty(qty) * market.Unit, Price: price(w.t, px)})
}

// TestOnlyACutKeepsItsPlaceInTheQueue has two orders at one price; a is replaced, and who is filled first tells who is ahead.
func TestOnlyACutKeepsItsPlaceInTheQueue(t *testing.T) {
	tests := map[string]struct {
		qty  int64
		px   string
		want string // of whom the next sale of one buys
	}{
		"a cut":                     {3, "100", "a2"},
		"more":                      {6, "100", "b"},
		"the same again":            {5, "100", "b"},
		"another price, and back":   {5, "99", "b"},
		"a cut and a better price":  {3, "100.01", "a2"},
		"a cut and a worse price":   {3, "99.99", "b"},
		"a cut to all but a little": {1, "100", "a2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := open(t, config(t))
			w.logon("A1")
			w.logon("A2")
			w.limit("A1", "a", market.Buy, 5, "100", market.Day)
			w.limit("A1", "b", market.Buy, 5, "100", market.Day)
			w.bodies("A1")
			w.replace("A1", "a2", "a", tt.qty, tt.px)
			r := w.reports("A1")
			if len(r) != 1 || r[0].Type != sim.ExecReplaced || r[0].ClOrdID != "a2" || r[0].Orig != "a" || r[0].Qty != market.Qty(tt.qty)*market.Unit || r[0].Price != price(t, tt.px) || r[0].Leaves != r[0].Qty {
				t.Fatalf("reports = %+v, want one RPL with the terms that were asked for", r)
			}
			w.limit("A2", "s", market.Sell, 1, "99", market.IOC)
			w.want("A1", "T "+tt.want)
		})
	}
}

func TestAReplacedOrderTakesWhatItMeets(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.logon("A2")
	w.limit("A2", "m", market.Sell, 3, "100.05", market.Day)
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.bodies("A1")
	w.replace("A1", "a2", "a", 5, "100.10")
	r := w.reports("A1")
	if len(r) != 2 || r[0].Type != sim.ExecReplaced || r[1].Type != sim.ExecTrade || r[1].LastPx != price(t, "100.05") || r[1].Cum != 3*market.Unit {
		t.Fatalf("reports = %+v, want RPL, then 3 at the resting price", r)
	}
	w.cancel("A1", "c", "a") // any id of the chain names it
	w.want("A1", "CXL c")
}

func TestAReplaceAtOrBelowWhatWasExecutedFillsTheOrder(t *testing.T) {
	for _, qty := range []int64{2, 1} {
		w := open(t, config(t))
		w.logon("A1")
		w.logon("A2")
		w.limit("A1", "a", market.Buy, 5, "100", market.Day)
		w.limit("A2", "s", market.Sell, 2, "100", market.IOC)
		w.bodies("A1")
		w.replace("A1", "a2", "a", qty, "100")
		r := w.reports("A1")
		if len(r) != 1 || r[0].Type != sim.ExecReplaced || r[0].Status != sim.StatusFilled || r[0].Qty != 2*market.Unit || r[0].Leaves != 0 {
			t.Fatalf("replace to %d: reports = %+v, want RPL of a filled order of 2", qty, r)
		}
		if e := lastOf[*sim.ExposureLine](w); e.Account != "A1" || e.OpenBuy != 0 || e.Pos != 2*market.Unit {
			t.Errorf("replace to %d: exposure = %+v, want nothing open", qty, e)
		}
		if left := w.tape(t); len(left) != 0 {
			t.Errorf("replace to %d: the feed still shows %v", qty, left)
		}
		w.replace("A1", "a3", "a2", 9, "100")
		w.want("A1", "9 a3")
	}
}

func TestAReplaceThatCannotBeLeavesTheOrderAsItWas(t *testing.T) {
	good := sim.Request{Kind: sim.ReplaceOrder, ClOrdID: "g", Orig: "a", Symbol: "ACME", Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: 6 * market.Unit, Price: 99 * 1_000_000_000}
	tests := map[string]struct {
		spoil  func(*sim.Request)
		want   string
		reason sim.Reason
		fate   string
	}{
		"nobody's order":        {func(r *sim.Request) { r.Orig = "never" }, "9 g", sim.CancelUnknown, sim.FateUnknownOrder},
		"no order named":        {func(r *sim.Request) { r.Orig = "" }, "3 g", 0, sim.FateMalformed},
		"an id used before":     {func(r *sim.Request) { r.ClOrdID = "a" }, "9 a", sim.CancelDuplicate, sim.FateRefusedDuplicate},
		"another symbol":        {func(r *sim.Request) { r.Symbol = "BOLT" }, "9 g", sim.CancelOther, sim.FateRejected},
		"another side":          {func(r *sim.Request) { r.Side = market.Sell }, "9 g", sim.CancelOther, sim.FateRejected},
		"another type":          {func(r *sim.Request) { r.Type = market.Market }, "9 g", sim.CancelOther, sim.FateRejected},
		"another time in force": {func(r *sim.Request) { r.TIF = market.GTC }, "9 g", sim.CancelOther, sim.FateRejected},
		"no quantity":           {func(r *sim.Request) { r.Qty = 0 }, "9 g", sim.CancelOther, sim.FateRejected},
		"less than nothing":     {func(r *sim.Request) { r.Qty = -market.Unit }, "9 g", sim.CancelOther, sim.FateRejected},
		"too much":              {func(r *sim.Request) { r.Qty = 1001 * market.Unit }, "9 g", sim.CancelOther, sim.FateRejected},
		"between the lots":      {func(r *sim.Request) { r.Qty++ }, "9 g", sim.CancelOther, sim.FateRejected},
		"no price":              {func(r *sim.Request) { r.Price = 0 }, "9 g", sim.CancelOther, sim.FateRejected},
		"between the ticks":     {func(r *sim.Request) { r.Price++ }, "9 g", sim.CancelOther, sim.FateRejected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.Dedupe = sim.DedupeStrict
			w := open(t, cfg)
			w.logon("A1")
			w.limit("A1", "a", market.Buy, 5, "100", market.Day)
			w.heard["A1"] = nil
			before, feed := lastOf[*sim.OrderLine](w), len(w.feed)
			r := good
			tt.spoil(&r)
			w.send("A1", r)
			if len(w.heard["A1"]) == 1 {
				if c, ok := w.heard["A1"][0].Body.(sim.CancelReject); ok && c.Reason != tt.reason {
					t.Errorf("reason = %d, want %d", c.Reason, tt.reason)
				}
			}
			w.want("A1", tt.want)
			if got := lastOf[*sim.RecvLine](w).Fate; got != tt.fate {
				t.Errorf("fate = %q, want %q", got, tt.fate)
			}
			if lastOf[*sim.OrderLine](w) != before || len(w.feed) != feed {
				t.Error("the order changed")
			}
		})
	}
}

// TestASecondReplaceOfOneIDIsMetAsAgreed: a venue without dedupe gives the order the terms again, and says so.
func TestASecondReplaceOfOneIDIsMetAsAgreed(t *testing.T) {
	tests := map[string]struct {
		dedupe sim.Dedupe
		resend bool
		fate   string
		want   []string
	}{
		"none":                     {sim.DedupeNone, true, sim.FateAppliedDuplicate, []string{"RPL b"}},
		"possresend, not marked":   {sim.DedupePossResend, false, sim.FateAppliedDuplicate, []string{"RPL b"}},
		"possresend, and marked":   {sim.DedupePossResend, true, sim.FateRefusedDuplicate, []string{"STS b"}},
		"strict, marked as resent": {sim.DedupeStrict, true, sim.FateRefusedDuplicate, []string{"STS b"}},
		"strict":                   {sim.DedupeStrict, false, sim.FateRefusedDuplicate, []string{"9 b"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.Dedupe = tt.dedupe
			w := open(t, cfg)
			w.logon("A1")
			w.limit("A1", "a", market.Buy, 5, "100", market.Day)
			w.replace("A1", "b", "a", 6, "100")
			w.bodies("A1")
			w.send("A1", sim.Request{Kind: sim.ReplaceOrder, ClOrdID: "b", Orig: "a", Qty: 6 * market.Unit, Price: price(t, "100"), PossResend: tt.resend})
			w.want("A1", tt.want...)
			if got := lastOf[*sim.RecvLine](w).Fate; got != tt.fate {
				t.Errorf("fate = %q, want %q", got, tt.fate)
			}
		})
	}
}

// randomReplace gives one of the model's resting orders other terms, there and at the exchange.
func (w *world) randomReplace(rng *rand.Rand, m *modelBook, i int) {
	if len(m.resting) == 0 {
		return
	}
	at := rng.IntN(len(m.resting))
	o := m.resting[at]
	var done market.Qty
	for _, f := range m.fills[o.cl] {
		done += f.qty
	}
	total := done + o.leaves
	qty, px := market.Qty(1+rng.IntN(20))*market.Unit, o.px
	if rng.IntN(2) == 0 {
		px = market.Price(9_990+rng.IntN(21)) * 10_000_000
	}
	w.send(o.owner, sim.Request{Kind: sim.ReplaceOrder, ClOrdID: market.ClOrdID("g" + strconv.Itoa(i)), Orig: o.cl, Qty: qty, Price: px})
	qty = max(qty, done)
	if qty == done {
		m.resting = slices.Delete(m.resting, at, at+1)
		return
	}
	stays := qty < total && px == o.px
	o.leaves, o.px = qty-done, px
	if !stays {
		m.resting = slices.Delete(m.resting, at, at+1)
		m.place(o, market.Limit, market.Day)
	}
}
