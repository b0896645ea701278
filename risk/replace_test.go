package risk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// other makes an intent one that gives the live order "a" other terms: it had a limit of 100, of which done has executed.
func other(id market.ClOrdID, q, p, done string) func(*risk.Intent) {
	return func(in *risk.Intent) {
		in.ID, in.Qty, in.Price, in.Confirm = id, qty(q), px(p), true
		in.Amends = risk.Amends{Order: "a", Done: qty(done), Price: px("100")}
	}
}

// live places a buy of ten at 100, named "a".
func live(w *world) {
	w.t.Helper()
	p, err := w.check(with(quantity("10"), func(in *risk.Intent) { in.ID = "a" }))
	if err == nil {
		err = p.Spend(w.now)
	}
	if err != nil {
		w.t.Fatalf("the order to be replaced: %v", err)
	}
}

func TestReplaceIsChargedForTheWorseOfBothTerms(t *testing.T) {
	for name, c := range map[string]struct {
		intent   func(*risk.Intent)
		adds     string // by the permit
		long     string // charged until the venue has spoken
		accepted risk.Held
		after    string
		refused  string // charged when it was refused: the charge price is kept for life
	}{
		"more":                {other("r", "15", "100", "0"), "500", "1500", hold("a", market.Buy, "15", "100"), "1500", "1000"},
		"less":                {other("r", "4", "100", "0"), "0", "1000", hold("a", market.Buy, "4", "100"), "400", "1000"},
		"dearer":              {other("r", "10", "101", "0"), "10", "1010", hold("a", market.Buy, "10", "101"), "1010", "1010"},
		"cheaper":             {other("r", "10", "99", "0"), "0", "1000", hold("a", market.Buy, "10", "99"), "1000", "1000"},
		"less, but dearer":    {other("r", "4", "101", "0"), "10", "1010", hold("a", market.Buy, "4", "101"), "404", "1010"},
		"more, but cheaper":   {other("r", "15", "99", "0"), "500", "1500", hold("a", market.Buy, "15", "99"), "1500", "1000"},
		"the same once again": {other("r", "10", "100", "0"), "0", "1000", hold("a", market.Buy, "10", "100"), "1000", "1000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, nil)
			g := w.desk.Gate("A1")
			for _, accepted := range []bool{true, false} {
				g.Restore(nil, nil)
				live(w)
				p, err := w.check(c.intent)
				if err != nil {
					t.Fatal(err)
				}
				if got := p.Charge().String(); got != c.adds {
					t.Errorf("Charge() = %s, want %s", got, c.adds)
				}
				w.wantCharged("while it is pending", c.long, "0")
				if err := p.Spend(w.now); err != nil {
					t.Fatalf("Spend() error = %v", err)
				}
				if err := p.Spend(w.now); !errors.Is(err, risk.ErrPermitUsed) {
					t.Errorf("second Spend() error = %v, want ErrPermitUsed", err)
				}
				if accepted {
					g.Hold(c.accepted)
					w.wantCharged("after it was accepted", c.after, "0")
				} else {
					g.Hold(hold("a", market.Buy, "10", "100"))
					w.wantCharged("after it was refused", c.refused, "0")
				}
				g.Hold(hold("a", market.Buy, "0", "100"))
				w.wantCharged("after the end", "0", "0")
			}
		})
	}
}

func TestReplaceOfAPartFilledOrderIsChargedForWhatIsLeft(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	live(w)
	g.Execute(executed("a", market.Buy, "4", "100"))
	g.Hold(hold("a", market.Buy, "6", "100"))
	if _, err := w.check(other("r", "12", "101", "4")); err != nil {
		t.Fatal(err)
	}
	w.wantCharged("six more may cost a dollar more each, and two are added", "1208", "0") // 400 + 8 × 101
	if _, _, _, open := g.Sums(); open != 1 {
		t.Errorf("%d open orders, want 1: a replace is none", open)
	}
	g.Restore([]risk.Position{{Strategy: "cross1", Instrument: acme, Qty: qty("4"), Price: px("100")}}, []risk.Held{hold("a", market.Buy, "6", "100")})
	if _, err := w.check(other("r", "12", "101", "4")); err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	w.wantCharged("after a restart", "1208", "0")
}

func TestReplaceIsJudgedByWhatItAdds(t *testing.T) {
	trip := func(m risk.Mode) func(*world) {
		return func(w *world) { w.trip("A1/*/*", m) }
	}
	stale := func(w *world) { delete(w.quotes, acme) }
	for name, c := range map[string]struct {
		config func(*risk.Config)
		before func(*world)
		intent func(*risk.Intent)
		want   risk.Code
	}{
		"worst long: only the increase counts":          {before: fill(market.Buy, acme, "40", "1"), intent: other("r", "20", "100", "0")},
		"worst long: above":                             {before: fill(market.Buy, acme, "45", "1"), intent: other("r", "16", "100", "0"), want: risk.CodeLongLimit},
		"worst long: less is never above":               {before: fill(market.Buy, acme, "70", "1"), intent: other("r", "9", "100", "0")},
		"order qty: of the whole, above":                {intent: other("r", "21", "100", "0"), want: risk.CodeOrderQty},
		"order notional: of the whole, at the limit":    {config: limits(map[string]string{"+/+/+ max_order_notional": "1500"}), intent: other("r", "15", "100", "0")},
		"order notional: of the whole, above":           {config: limits(map[string]string{"+/+/+ max_order_notional": "1499.99"}), intent: other("r", "15", "100", "0"), want: risk.CodeOrderNotional},
		"live value: at the limit":                      {config: limits(map[string]string{"+/*/* max_live_notional": "1500"}), intent: other("r", "15", "100", "0")},
		"live value: above":                             {config: limits(map[string]string{"+/*/* max_live_notional": "1499.99"}), intent: other("r", "15", "100", "0"), want: risk.CodeLiveValue},
		"credit: above":                                 {config: limits(map[string]string{"+/*/* credit": "1499.99"}), intent: other("r", "15", "100", "0"), want: risk.CodeCredit},
		"open orders: at the limit":                     {config: limits(map[string]string{"+/*/* max_open_orders": "1"}), intent: other("r", "15", "100", "0")},
		"collar: above":                                 {intent: other("r", "10", "102.01", "0"), want: risk.CodeCollar},
		"price source: dearer needs a price":            {before: stale, intent: other("r", "10", "101", "0"), want: risk.CodeStalePrice},
		"price source: more needs a price":              {before: stale, intent: other("r", "11", "100", "0"), want: risk.CodeStalePrice},
		"price source: the same terms need a price":     {before: stale, intent: other("r", "10", "100", "0"), want: risk.CodeStalePrice},
		"price source: less needs none":                 {before: stale, intent: other("r", "9", "100", "0")},
		"price source: cheaper needs none":              {before: stale, intent: other("r", "10", "99", "0")},
		"tick: off":                                     {intent: other("r", "9", "99.999", "0"), want: risk.CodeTick},
		"lot: half":                                     {intent: other("r", "9.5", "100", "0"), want: risk.CodeLot},
		"permission: none, though it takes away":        {before: func(w *world) { w.advance(500 * time.Millisecond) }, intent: other("r", "9", "100", "0"), want: risk.CodeNoPermission},
		"mode: reduce only and it adds":                 {before: trip(risk.ReduceOnly), intent: other("r", "11", "100", "0"), want: risk.CodeReduceOnly},
		"mode: reduce only and it is dearer":            {before: trip(risk.ReduceOnly), intent: other("r", "10", "101", "0"), want: risk.CodeReduceOnly},
		"mode: reduce only and it takes away":           {before: trip(risk.ReduceOnly), intent: other("r", "9", "100", "0")},
		"mode: cancel only and it takes away":           {before: trip(risk.CancelOnly), intent: other("r", "9", "100", "0")},
		"mode: cancel only and it is the same":          {before: trip(risk.CancelOnly), intent: other("r", "10", "100", "0"), want: risk.CodeShut},
		"mode: closed and it takes away":                {before: trip(risk.Closed), intent: other("r", "9", "100", "0"), want: risk.CodeShut},
		"unknown orders: the order itself":              {before: func(w *world) { h := hold("a", market.Buy, "10", "100"); h.Unknown = true; w.desk.Gate("A1").Hold(h) }, intent: other("r", "11", "100", "0"), want: risk.CodeUnknownOrders},
		"order: none of that id":                        {intent: with(other("r", "9", "100", "0"), func(in *risk.Intent) { in.Amends.Order = "b" }), want: risk.CodeInvalid},
		"order: ended":                                  {before: func(w *world) { w.desk.Gate("A1").Hold(hold("a", market.Buy, "0", "100")) }, intent: other("r", "9", "100", "0"), want: risk.CodeInvalid},
		"order: of the other side":                      {intent: with(other("r", "11", "100", "0"), sell), want: risk.CodeInvalid},
		"order: of another instrument":                  {intent: with(other("r", "11", "50", "0"), func(in *risk.Intent) { in.Instrument = bolt }), want: risk.CodeInvalid},
		"order: of another strategy":                    {intent: with(other("r", "11", "100", "0"), func(in *risk.Intent) { in.Strategy = "ann" }), want: risk.CodeInvalid},
		"executed: all of it":                           {intent: other("r", "9", "100", "9"), want: risk.CodeInvalid},
		"executed: less than none":                      {intent: other("r", "9", "100", "-1"), want: risk.CodeInvalid},
		"duplicate id: that of the order":               {intent: other("a", "9", "100", "0"), want: risk.CodeDuplicateID},
		"duplicate id: that of an earlier replace":      {before: func(w *world) { _, _ = w.check(other("r", "11", "100", "0")) }, intent: other("r", "12", "100", "0"), want: risk.CodeDuplicateID},
		"entitlement: strategy":                         {intent: with(other("r", "9", "100", "0"), func(in *risk.Intent) { in.Strategy = "cross9" }), want: risk.CodeNotEntitled},
		"capacity: more than the holder keeps":          {config: limits(map[string]string{"*/*/* max_long_notional": "4000"}), intent: other("r", "20", "100", "0"), want: risk.CodeNoCapacity},
		"reduce only: other terms of what would reduce": {before: fill(market.Sell, acme, "12", "1"), intent: with(other("r", "12", "100", "0"), func(in *risk.Intent) { in.ReduceOnly = true })},
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, c.config)
			live(w)
			if c.before != nil {
				c.before(w)
			}
			long, short := w.charged()
			p, err := w.check(c.intent)
			var r risk.Refusal
			switch {
			case c.want == "" && err != nil:
				t.Fatalf("Check() error = %v, want a permit", err)
			case c.want == "":
				if err := p.Spend(w.now); err != nil {
					t.Fatalf("Spend() error = %v", err)
				}
			case !errors.As(err, &r) || r.Code != c.want:
				t.Fatalf("Check() error = %v, want %s", err, c.want)
			case p != risk.Permit{}:
				t.Fatalf("a refusal came with a permit: %+v", p)
			default:
				w.wantCharged("after a refusal", long, short)
			}
		})
	}
}

func TestPermitOfAReplaceIsVoidAfter(t *testing.T) {
	for name, c := range map[string]struct {
		intent  func(*risk.Intent)
		happens func(w *world)
		want    error
	}{
		"a trip, though it takes away":              {other("r", "9", "100", "0"), func(w *world) { w.trip("A1/*/*", risk.Closed) }, risk.ErrShut},
		"a trip to CANCEL_ONLY when it adds":        {other("r", "11", "100", "0"), func(w *world) { w.trip("A1/*/*", risk.CancelOnly) }, risk.ErrShut},
		"a trip to REDUCE_ONLY when it adds":        {other("r", "11", "100", "0"), func(w *world) { w.trip("A1/*/*", risk.ReduceOnly) }, risk.ErrShut},
		"a veto":                                    {other("r", "11", "100", "0"), func(w *world) { w.desk.Gate("A1").Veto("r") }, risk.ErrPermitUsed},
		"a restore of the gate":                     {other("r", "11", "100", "0"), func(w *world) { w.desk.Gate("A1").Restore(nil, nil) }, risk.ErrPermitUsed},
		"its deadline":                              {other("r", "9", "100", "0"), func(w *world) { w.pass(time.Second) }, risk.ErrPermitExpired},
		"nothing: CANCEL_ONLY admits what it takes": {other("r", "9", "100", "0"), func(w *world) { w.trip("A1/*/*", risk.CancelOnly) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, nil)
			live(w)
			p, err := w.check(c.intent)
			if err != nil {
				t.Fatal(err)
			}
			c.happens(w)
			if err := p.Spend(w.now); !errors.Is(err, c.want) {
				t.Fatalf("Spend() error = %v, want %v", err, c.want)
			}
		})
	}
}

// A sell may bring more than its limit, up to the collar: other terms never lower what it was charged at.
func TestReplaceOfASellIsChargedAtWhatItMayBring(t *testing.T) {
	w := opened(t, nil)
	if _, err := w.check(with(quantity("10"), sell, func(in *risk.Intent) { in.ID = "a" })); err != nil {
		t.Fatal(err)
	}
	w.wantCharged("ten at the collar's top", "0", "1020")
	for _, p := range []string{"99", "101"} {
		if _, err := w.check(with(other(market.ClOrdID("r"+p), "10", p, "0"), sell)); err != nil {
			t.Fatal(err)
		}
		w.wantCharged("after a sell was moved to "+p, "0", "1020")
	}
	if _, err := w.check(with(other("r", "12", "100", "0"), sell)); err != nil {
		t.Fatal(err)
	}
	w.wantCharged("after two more", "0", "1224")
}
