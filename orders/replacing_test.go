package orders_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
)

// resting is a bench with a buy of ten at 50 that the venue has taken.
func resting(t *testing.T) (*bench, orders.New) {
	t.Helper()
	b := newBench(t)
	b.place(1)
	b.commit()
	n := b.wire.placed[0]
	b.hear(newReport(n))
	return b, n
}

func (b *bench) replace(r orders.ReplaceOrder) {
	b.quotes[acme] = risktest.Live(50*1_000_000_000, b.risk.Now.Mono)
	b.handle(r)
}

// toldGate keeps what the gate was told last of each order: Restore tells all of them.
type toldGate struct {
	orders.Gate
	held map[market.ClOrdID]market.Qty
}

func (g *toldGate) Hold(h risk.Held) {
	g.held[h.Order] = h.Qty
	g.Gate.Hold(h)
}

func (g *toldGate) Restore(p []risk.Position, held []risk.Held) {
	clear(g.held)
	for _, h := range held {
		g.held[h.Order] = h.Qty
	}
	g.Gate.Restore(p, held)
}

// liveBuys is what could still be bought, as the gate knows it.
func (b *bench) liveBuys() (sum market.Qty) {
	for _, q := range b.told.held {
		sum += q
	}
	return sum
}

func replaced(n orders.New, r orders.Replace, cum market.Qty) orders.Report {
	return orders.Report{
		ID: r.ID, Orig: r.Orig, OrderID: "V-" + string(n.ID), ExecID: "R-" + string(r.ID), Type: orders.ExecReplaced,
		Status: orders.StatusNew, Instrument: n.Instrument, Side: n.Side, Qty: r.Qty, Cum: cum, Leaves: r.Qty - cum, Price: r.Price,
	}
}

func TestReplaceLeavesOnlyWhenItIsDurableAndHoldsTheWorseOfBothTerms(t *testing.T) {
	for name, c := range map[string]struct {
		qty, pending, after market.Qty
	}{
		"up":   {15 * market.Unit, 15 * market.Unit, 15 * market.Unit},
		"down": {4 * market.Unit, 10 * market.Unit, 4 * market.Unit},
	} {
		t.Run(name, func(t *testing.T) {
			b, n := resting(t)
			b.replace(orders.ReplaceOrder{ID: n.ID, Qty: c.qty, Price: 49 * 1_000_000_000})
			if len(b.wire.replaced) != 0 {
				t.Fatal("a replace left before it was durable")
			}
			if o := b.order(n.ID); o.Held != c.pending || b.liveBuys() != c.pending {
				t.Fatalf("held %v, charged %v before it left, want %v", o.Held, b.liveBuys(), c.pending)
			}
			b.commit()
			if len(b.wire.replaced) != 1 {
				t.Fatalf("%d replaces left, want 1", len(b.wire.replaced))
			}
			r := b.wire.replaced[0]
			if r.Orig != n.ID || r.Qty != c.qty || r.Price != 49*1_000_000_000 || r.Side != n.Side || r.TIF != n.TIF || r.Type != n.Type {
				t.Fatalf("sent %+v", r)
			}
			b.hear(replaced(n, r, 0))
			o := b.order(n.ID)
			if o.Total != c.qty || o.Limit != r.Price || o.InForce != r.ID || o.Held != c.after || b.liveBuys() != c.after {
				t.Fatalf("after it: %+v, charged %v", o, b.liveBuys())
			}
			if !b.saw(orders.EventReplaced) {
				t.Error("nobody was told")
			}
		})
	}
}

func TestWhatAReplaceAddedIsFreeAgainWhenItDidNotCome(t *testing.T) {
	up := func(n orders.New) orders.ReplaceOrder { return orders.ReplaceOrder{ID: n.ID, Qty: 15 * market.Unit} }
	for name, tt := range map[string]struct {
		happens func(b *bench, n orders.New)
		told    orders.EventKind
		why     orders.Reason
	}{
		"refused by the venue": {func(b *bench, n orders.New) {
			b.replace(up(n))
			b.commit()
			b.hear(orders.CancelReject{ID: b.wire.replaced[0].ID, Orig: n.ID, Status: orders.StatusNew})
		}, orders.EventReplaceRejected, ""},
		"a business reject": {func(b *bench, n orders.New) {
			b.replace(up(n))
			b.commit()
			b.hear(orders.BusinessReject{ID: b.wire.replaced[0].ID, Reason: 3})
		}, orders.EventReplaceRejected, ""},
		"refused by the link": {func(b *bench, n orders.New) {
			b.replace(up(n))
			b.wire.refuse = errors.New("link is down")
			b.commit()
		}, orders.EventUnsent, orders.ReasonGateway},
		"too old when its turn came": {func(b *bench, n orders.New) {
			r := up(n)
			r.TTL = 10 * time.Millisecond
			b.replace(r)
			b.risk.Now.Mono += int64(r.TTL) + 1
			b.commit()
		}, orders.EventUnsent, orders.ReasonStale},
		"tripped while the disk wrote": {func(b *bench, n orders.New) {
			b.replace(up(n))
			b.trip(risk.CancelOnly)
			b.commit()
		}, orders.EventUnsent, orders.Reason(risk.CodeShut)},
		"the journal took no record": {func(b *bench, n orders.New) {
			log := b.crowd()
			b.hear(orders.Found(newReport(n)))
			log.full.Store(true)
			b.replace(up(n))
		}, orders.EventRefused, orders.ReasonJournal},
		"the order was cancelled before it left": {func(b *bench, n orders.New) {
			b.replace(up(n))
			b.handle(orders.CancelOrder{ID: n.ID})
			b.commit()
		}, orders.EventUnsent, orders.ReasonUnsent},
		"lost, as an answer shows": {func(b *bench, n orders.New) {
			b.replace(up(n))
			b.commit()
			b.risk.Now.Mono += int64(5 * time.Second)
			b.handle(orders.Tick{})
			if o := b.order(n.ID); o.Status != orders.StatusUnknown || o.Held != 15*market.Unit || b.liveBuys() != 15*market.Unit {
				b.t.Errorf("without an answer: %v, held %v, charged %v, want UNKNOWN and 15", o.Status, o.Held, b.liveBuys())
			}
			found := newReport(n)
			found.ExecID = ""
			b.hear(orders.Found(found))
		}, orders.EventReplaceLost, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, n := resting(t)
			tt.happens(b, n)
			if o := b.order(n.ID); o.Held != 10*market.Unit || o.Total != 10*market.Unit || b.liveBuys() != 10*market.Unit {
				t.Fatalf("held %v of %v, charged %v, want 10", o.Held, o.Total, b.liveBuys())
			}
			i := slices.IndexFunc(b.events, func(e orders.Event) bool { return e.Kind == tt.told })
			if i < 0 || tt.why != "" && b.events[i].Reason != tt.why {
				t.Fatalf("told %+v, want %v %s", b.events, tt.told, tt.why)
			}
			if n := len(b.wire.replaced); n > 1 {
				t.Fatalf("%d replaces left", n)
			}
		})
	}
}

func TestReplaceIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(b *bench, n orders.New)
		ask    orders.ReplaceOrder
		want   orders.Reason
	}{
		"no such order":           {ask: orders.ReplaceOrder{ID: "X", Qty: market.Unit}, want: orders.ReasonNoOrder},
		"no such decision":        {ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{9}, Qty: market.Unit}, want: orders.ReasonNoOrder},
		"no order named":          {ask: orders.ReplaceOrder{Qty: market.Unit}, want: orders.ReasonNoOrder},
		"below zero":              {ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: -1}, want: orders.ReasonInvalid},
		"who asked is no more":    {ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Alive: func() error { return errEnd }}, want: orders.ReasonFenced},
		"all of it executed":      {before: func(b *bench, n orders.New) { b.hear(fill(n, "E", 4*market.Unit, 4*market.Unit)) }, ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 4 * market.Unit}, want: orders.ReasonBelowCum},
		"the gate: order qty":     {ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 5000 * market.Unit}, want: orders.Reason(risk.CodeLot)},
		"the gate: shut":          {before: func(b *bench, _ orders.New) { b.trip(risk.Closed) }, ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 4 * market.Unit}, want: orders.Reason(risk.CodeShut)},
		"UNKNOWN":                 {before: func(b *bench, n orders.New) { b.hear(orders.NoAnswer(n.ID)) }, ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 4 * market.Unit}, want: orders.ReasonUnknown},
		"closing":                 {before: func(b *bench, n orders.New) { b.handle(orders.CancelOrder{ID: n.ID}) }, ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 4 * market.Unit}, want: orders.ReasonClosing},
		"the session is down":     {before: func(b *bench, _ orders.New) { b.hear(orders.Link{Event: orders.LinkLogout}) }, ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 4 * market.Unit}, want: orders.ReasonSession},
		"filled":                  {before: func(b *bench, n orders.New) { b.hear(fill(n, "E", n.Qty, n.Qty)) }, ask: orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 14 * market.Unit}, want: orders.ReasonFilled},
		"an order of the venue's": {before: func(b *bench, _ orders.New) { b.hear(stranger(orders.StatusNew, "F")) }, ask: orders.ReplaceOrder{OrderID: "V9", Qty: market.Unit}, want: orders.Reason(risk.CodeNotEntitled)},
	} {
		t.Run(name, func(t *testing.T) {
			b, n := resting(t)
			if tt.before != nil {
				tt.before(b, n)
			}
			charged := b.liveBuys()
			tt.ask.Cause = risk.Cause{7}
			b.replace(tt.ask)
			if e := b.last(); e.Kind != orders.EventRefused || e.Reason != tt.want || e.Cause != tt.ask.Cause {
				t.Fatalf("told %v %s of %v, want refused %s", e.Kind, e.Reason, e.Cause, tt.want)
			}
			b.commit()
			if len(b.wire.replaced) != 0 || b.liveBuys() != charged {
				t.Fatalf("%d replaces left, %v charged, want none and %v", len(b.wire.replaced), b.liveBuys(), charged)
			}
		})
	}
}

func TestReplaceDoesNotOvertakeItsOrder(t *testing.T) {
	b := newBench(t)
	b.handle(orders.Place{Intent: intent(1), Held: true})
	b.place(2) // and this one waits for the disk
	for cause, want := range map[byte]orders.Reason{1: orders.ReasonUnsupported, 2: ""} {
		b.events = nil
		b.replace(orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{cause}, Qty: 15 * market.Unit})
		if e := b.last(); e.Reason != want {
			t.Errorf("order %d: told %v %s, want %q", cause, e.Kind, e.Reason, want)
		}
	}
	b.commit()
	if len(b.wire.placed) != 1 || len(b.wire.replaced) != 1 || b.wire.replaced[0].Orig != b.wire.placed[0].ID {
		t.Fatalf("placed %v, replaced %v, want one each", b.wire.placed, b.wire.replaced)
	}
}

func TestReplaceOfOneDecisionIsCarriedOutOnce(t *testing.T) {
	b, n := resting(t)
	ask := orders.ReplaceOrder{Strategy: strategy, Of: risk.Cause{1}, Qty: 15 * market.Unit, Cause: risk.Cause{7}}
	b.replace(ask)
	b.commit()
	for range 2 {
		b.replace(ask)
		b.commit()
		if e := b.last(); e.Kind != orders.EventRepeated || e.Order != n.ID {
			t.Fatalf("told %v of %s, want repeated", e.Kind, e.Order)
		}
		b.restart()
		b.logon()
	}
	if len(b.wire.replaced) != 1 {
		t.Fatalf("%d replaces left, want 1", len(b.wire.replaced))
	}
}

func TestReplacesInTurnNameTheOneBefore(t *testing.T) {
	b, n := resting(t)
	for i, q := range []market.Qty{15, 12, 20} {
		b.replace(orders.ReplaceOrder{ID: n.ID, Qty: q * market.Unit, Price: market.Price(50-i) * 1_000_000_000})
	}
	if b.liveBuys() != 20*market.Unit {
		t.Fatalf("charged %v, want 20", b.liveBuys())
	}
	b.commit()
	if len(b.wire.replaced) != 3 {
		t.Fatalf("%d replaces left, want 3", len(b.wire.replaced))
	}
	orig := n.ID
	for _, r := range b.wire.replaced {
		if r.Orig != orig {
			t.Fatalf("%s names %s, want %s", r.ID, r.Orig, orig)
		}
		orig = r.ID
	}
}

// TestCrashWithAReplaceInFlight ends the process at every point of a replace:
// it is never sent twice, and what may have left is UNKNOWN and held.
func TestCrashWithAReplaceInFlight(t *testing.T) {
	for _, point := range []int{
		orders.CrashChecked, orders.CrashAppended, orders.CrashArmed, orders.CrashHanding, orders.CrashHandedOver,
		orders.CrashHeard, orders.CrashEvidence, orders.CrashStepped, orders.CrashPosted,
	} {
		t.Run(fmt.Sprint(point), func(t *testing.T) {
			b, n := resting(t)
			b.commit()
			hit := false
			b.crash = func(p int) {
				if p == point && (point < orders.CrashHeard || len(b.wire.replaced) > 0) { // the report's, and not the intent's
					hit = true
					panic(errEnd)
				}
			}
			b.until(func() {
				b.replace(orders.ReplaceOrder{ID: n.ID, Qty: 15 * market.Unit})
				b.commit()
				b.hear(replaced(n, b.wire.replaced[0], 0))
			})
			if !hit {
				t.Fatalf("point %d was not reached", point)
			}
			b.restart()
			o := b.order(n.ID)
			want := 15 * market.Unit // by the journal it may have left, whatever became of it
			if point < orders.CrashHeld {
				want = n.Qty // the intent was lost with the process, before anything left
			}
			if o.Held != want || b.liveBuys() != want || o.Status != orders.StatusUnknown {
				t.Fatalf("%v, held %v, charged %v, want UNKNOWN and %v", o.Status, o.Held, b.liveBuys(), want)
			}
			b.logon()
			b.commit()
			if sent := len(b.wire.replaced); sent > 1 {
				t.Fatalf("%d replaces left", sent)
			}
		})
	}
}

func (b *bench) trip(m risk.Mode) {
	b.t.Helper()
	k := risk.AccountScope(account)
	if _, err := b.risk.Desk.Trip(risk.TripRequest{Scope: k, Mode: m, By: "test", Reason: "test"}, b.risk.Now); err != nil {
		b.t.Fatal(err)
	}
}
