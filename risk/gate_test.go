package risk_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// limits replaces, or with "" removes, measures of the example rows. Keys are "scope measure".
func limits(changes map[string]string) func(*risk.Config) {
	return func(c *risk.Config) {
		for k, v := range changes {
			scope, measure, _ := strings.Cut(k, " ")
			kept := c.Limits[:0:0]
			for _, l := range c.Limits {
				if l.Scope.String() != scope || l.Measure.String() != measure {
					kept = append(kept, l)
				}
			}
			c.Limits = kept
			if v == "" {
				continue
			}
			l, err := risk.ParseLimit(scope, measure, v)
			if err != nil {
				panic(err)
			}
			c.Limits = append(c.Limits, l)
		}
	}
}

// control is one row of the table of controls: what is set up, what is asked, and the code that must come; "" admits.
type control struct {
	name   string
	config func(*risk.Config)
	before func(*world)
	intent func(*risk.Intent)
	want   risk.Code
}

func sell(in *risk.Intent) { in.Side = market.Sell }

func with(change func(*risk.Intent), more ...func(*risk.Intent)) func(*risk.Intent) {
	return func(in *risk.Intent) {
		change(in)
		for _, f := range more {
			f(in)
		}
	}
}

func quantity(s string) func(*risk.Intent) {
	return func(in *risk.Intent) { in.Qty, in.Confirm = qty(s), true }
}

func price(s string) func(*risk.Intent) { return func(in *risk.Intent) { in.Price = px(s) } }

func quote(change func(*risk.Price)) func(*world) {
	return func(w *world) {
		q := w.quotes[acme]
		change(&q)
		w.quotes[acme] = q
	}
}

// fill executes one order of A1 whole: a position that limits then count.
func fill(side market.Side, i market.Instrument, q, at string) func(*world) {
	return func(w *world) {
		g := w.desk.Gate("A1")
		e := risk.Execution{Strategy: "cross1", Instrument: i, Side: side, Qty: qty(q), Price: px(at), Exec: "x", Order: "old"}
		g.Execute(e)
		w.pass(100 * time.Millisecond)
	}
}

func controlTable() []control {
	market_ := func(in *risk.Intent) { in.Type, in.Price = market.Market, 0 }
	return []control{
		{name: "an ordinary buy", want: ""},
		{name: "an ordinary sell", intent: sell, want: ""},

		{name: "mode: latched", before: func(w *world) { w.trip("A1/*/*", risk.Closed) }, want: risk.CodeShut},
		{name: "mode: another strategy is latched", before: func(w *world) { w.trip("A1/ann/*", risk.Closed) }, want: ""},
		{name: "mode: reduce only and the order adds", before: func(w *world) { w.trip("A1/*/*", risk.ReduceOnly) }, want: risk.CodeReduceOnly},
		{name: "mode: stopping", before: func(w *world) { w.tell(risk.Stop{}) }, want: risk.CodeShut},

		{name: "permission: at its deadline", before: func(w *world) { w.advance(500 * time.Millisecond) }, want: risk.CodeNoPermission},
		{name: "permission: only the wall clock passed it", before: func(w *world) { w.now.Wall += int64(time.Second) }, want: risk.CodeNoPermission},
		{name: "permission: only the monotonic clock passed it", before: func(w *world) { w.now.Mono += int64(time.Second) }, want: risk.CodeNoPermission},

		{name: "entitlement: strategy", intent: func(in *risk.Intent) { in.Strategy = "cross9" }, want: risk.CodeNotEntitled},
		{name: "entitlement: no strategy", intent: func(in *risk.Intent) { in.Strategy = "" }, want: risk.CodeNotEntitled},
		{name: "entitlement: account", intent: func(in *risk.Intent) { in.Account = "A2" }, want: risk.CodeNotEntitled},
		{name: "entitlement: instrument", intent: func(in *risk.Intent) { in.Instrument = market.MustListed("SIM", "COIL") }, want: risk.CodeNotEntitled},
		{name: "entitlement: zero instrument", intent: func(in *risk.Intent) { in.Instrument = market.Instrument{} }, want: risk.CodeNotEntitled},
		{name: "entitlement: a trader by hand", intent: func(in *risk.Intent) { in.Strategy = "ann" }, want: ""},
		{name: "restricted", config: func(c *risk.Config) { c.Controls.Restricted = []market.Instrument{acme} }, want: risk.CodeRestricted},
		{name: "restricted: another", config: func(c *risk.Config) { c.Controls.Restricted = []market.Instrument{bolt} }, want: ""},

		{name: "intent: no id", intent: func(in *risk.Intent) { in.ID = "" }, want: risk.CodeInvalid},
		{name: "intent: no side", intent: func(in *risk.Intent) { in.Side = 0 }, want: risk.CodeInvalid},
		{name: "intent: no type", intent: func(in *risk.Intent) { in.Type = 0 }, want: risk.CodeInvalid},
		{name: "intent: type out of range", intent: func(in *risk.Intent) { in.Type = 200 }, want: risk.CodeInvalid},
		{name: "intent: no time in force", intent: func(in *risk.Intent) { in.TIF = 0 }, want: risk.CodeInvalid},
		{name: "intent: ttl below zero", intent: func(in *risk.Intent) { in.TTL = -1 }, want: risk.CodeInvalid},
		{name: "intent: limit order with a stop price", intent: func(in *risk.Intent) { in.StopPrice = px("100") }, want: risk.CodeInvalid},
		{name: "phase: type not named", intent: func(in *risk.Intent) { in.Type, in.StopPrice = market.Stop, px("100") }, want: risk.CodePhase},
		{name: "phase: market not named", config: func(c *risk.Config) { c.Controls.Types = []market.OrderType{market.Limit} }, intent: market_, want: risk.CodePhase},

		{name: "lot: zero", intent: quantity("0"), want: risk.CodeLot},
		{name: "lot: negative", intent: quantity("-1"), want: risk.CodeLot},
		{name: "lot: half", intent: quantity("1.5"), want: risk.CodeLot},
		{name: "lot: smallest", intent: quantity("1"), want: ""},
		{name: "lot: above the contract's most", intent: quantity("1001"), want: risk.CodeLot},
		{name: "lot: greatest number", intent: func(in *risk.Intent) { in.Qty = math.MaxInt64 }, want: risk.CodeLot},
		{name: "tick: off", intent: price("100.001"), want: risk.CodeTick},
		{name: "tick: zero", intent: price("0"), want: risk.CodeTick},
		{name: "tick: negative", intent: price("-100"), want: risk.CodeTick},

		{name: "price source: no book", before: func(w *world) { delete(w.quotes, acme) }, want: risk.CodeStalePrice},
		{name: "price source: zero state", before: quote(func(p *risk.Price) { p.State = 0 }), want: risk.CodeStalePrice},
		{name: "price source: suspect", before: quote(func(p *risk.Price) { p.State = risk.PriceSuspect }), want: risk.CodeStalePrice},
		{name: "price source: stale", before: quote(func(p *risk.Price) { p.State = risk.PriceStale }), want: risk.CodeStalePrice},
		{name: "price source: as old as may be", before: quote(func(p *risk.Price) { p.Mono -= int64(3 * time.Second) }), want: ""},
		{name: "price source: older", before: quote(func(p *risk.Price) { p.Mono -= int64(3*time.Second) + 1 }), want: risk.CodeStalePrice},
		{name: "price source: of the future", before: quote(func(p *risk.Price) { p.Mono++ }), want: risk.CodeStalePrice},
		{name: "price source: crossed", before: quote(func(p *risk.Price) { p.Bid = p.Ask }), want: risk.CodeStalePrice},
		{name: "price source: one side", before: quote(func(p *risk.Price) { p.Bid = 0 }), want: risk.CodeStalePrice},
		{name: "price source: last is enough where it is the reference", config: func(c *risk.Config) { c.Controls.Reference = risk.ReferenceLast }, before: quote(func(p *risk.Price) { p.Bid, p.Ask = 0, 0 }), want: ""},
		{name: "price source: no last where it is the reference", config: func(c *risk.Config) { c.Controls.Reference = risk.ReferenceLast }, before: quote(func(p *risk.Price) { p.Last = 0 }), want: risk.CodeStalePrice},

		{name: "order qty: at the limit", intent: quantity("20"), want: ""},
		{name: "order qty: above", intent: quantity("21"), want: risk.CodeOrderQty},
		{name: "order qty: unset", config: limits(map[string]string{"+/+/+ max_order_qty": ""}), want: risk.CodeNoLimit},
		{name: "order qty: zero denies", config: limits(map[string]string{"+/+/+ max_order_qty": "0"}), want: risk.CodeOrderQty},
		{name: "order qty: the tightest scope that has it counts", config: limits(map[string]string{"*/*/* max_order_qty": "2"}), intent: quantity("3"), want: risk.CodeOrderQty},
		{name: "soft qty: at the limit", intent: with(quantity("10"), func(in *risk.Intent) { in.Confirm = false }), want: ""},
		{name: "soft qty: above without confirm", intent: with(quantity("11"), func(in *risk.Intent) { in.Confirm = false }), want: risk.CodeSoftQty},
		{name: "soft qty: above with confirm", intent: quantity("11"), want: ""},
		{name: "soft qty: unset is off", config: limits(map[string]string{"+/+/+ soft_order_qty": ""}), intent: with(quantity("11"), func(in *risk.Intent) { in.Confirm = false }), want: ""},
		{name: "order notional: at the limit", config: limits(map[string]string{"+/+/+ max_order_notional": "2000"}), intent: quantity("20"), want: ""},
		{name: "order notional: above", config: limits(map[string]string{"+/+/+ max_order_notional": "1999.999999999"}), intent: quantity("20"), want: risk.CodeOrderNotional},
		{name: "order notional: a sell is charged at the collar's top", config: limits(map[string]string{"+/+/+ max_order_notional": "2000"}), intent: with(quantity("20"), sell), want: risk.CodeOrderNotional},
		{name: "order notional: unset", config: limits(map[string]string{"+/+/+ max_order_notional": ""}), want: risk.CodeNoLimit},

		{name: "market order: at the collar", intent: market_, want: ""},
		{name: "market order: not admitted", config: func(c *risk.Config) { c.Controls.MarketAtCollar = false }, intent: market_, want: risk.CodeMarketNoCollar},
		{name: "market order: with a price", intent: func(in *risk.Intent) { in.Type = market.Market }, want: risk.CodeInvalid},
		{name: "collar: top", intent: price("102"), want: ""},
		{name: "collar: above", intent: price("102.01"), want: risk.CodeCollar},
		{name: "collar: bottom", intent: price("98"), want: ""},
		{name: "collar: below", intent: price("97.99"), want: risk.CodeCollar},
		{name: "collar: ticks are the tighter", config: limits(map[string]string{"+/+/+ collar_ticks": "10"}), intent: price("100.11"), want: risk.CodeCollar},
		{name: "collar: ticks at the limit", config: limits(map[string]string{"+/+/+ collar_ticks": "10"}), intent: price("100.10"), want: ""},
		{name: "collar: bps unset", config: limits(map[string]string{"+/+/+ collar_bps": ""}), want: risk.CodeNoLimit},
		{name: "collar: ticks unset", config: limits(map[string]string{"+/+/+ collar_ticks": ""}), want: risk.CodeNoLimit},
		{name: "collar: out of range", before: quote(func(p *risk.Price) { p.Bid, p.Ask = math.MaxInt64-1, math.MaxInt64 }), want: risk.CodeOverflow},

		{name: "duplicate id", before: func(w *world) { w.mustCheck("dup") }, intent: func(in *risk.Intent) { in.ID = "dup" }, want: risk.CodeDuplicateID},
		{name: "duplicate id: of an order that ended", before: func(w *world) {
			w.mustCheck("dup")
			w.desk.Gate("A1").Veto("dup")
		}, intent: func(in *risk.Intent) { in.ID = "dup" }, want: risk.CodeDuplicateID},

		{name: "worst long: at the limit", before: fill(market.Buy, acme, "40", "1"), intent: quantity("20"), want: ""},
		{name: "worst long: above, by the exact row", before: fill(market.Buy, acme, "41", "1"), intent: quantity("20"), want: risk.CodeLongLimit},
		{name: "worst long: a short position makes room", before: fill(market.Sell, acme, "60", "1"), intent: quantity("20"), want: ""},
		{name: "worst short: at the limit", before: fill(market.Sell, acme, "40", "1"), intent: with(quantity("20"), sell), want: ""},
		{name: "worst short: above", before: fill(market.Sell, acme, "41", "1"), intent: with(quantity("20"), sell), want: risk.CodeShortLimit},
		{name: "worst long: unset", config: limits(map[string]string{"+/+/+ max_long_qty": "", "A1/cross1/ACME max_long_qty": ""}), want: risk.CodeNoLimit},
		{name: "worst long of the account: above", config: limits(map[string]string{"+/*/+ max_long_qty": "10"}), intent: quantity("11"), want: risk.CodeLongLimit},
		{name: "worst long of the firm: above", config: limits(map[string]string{"*/*/+ max_long_qty": "10"}), intent: quantity("11"), want: risk.CodeLongLimit},

		{name: "notional: at the strategy's limit", config: limits(map[string]string{"+/+/* max_long_notional": "2000"}), intent: quantity("20"), want: ""},
		{name: "notional: above", config: limits(map[string]string{"+/+/* max_long_notional": "1999.999999999"}), intent: quantity("20"), want: risk.CodeNotionalLimit},
		{name: "notional: short side, above", config: limits(map[string]string{"+/+/* max_short_notional": "2000"}), intent: with(quantity("20"), sell), want: risk.CodeNotionalLimit},
		{name: "notional: firm unset", config: limits(map[string]string{"*/*/* max_long_notional": ""}), want: risk.CodeNoLimit},
		{name: "notional: does not net over instruments", config: limits(map[string]string{"+/*/* max_gross": "3000"}), before: fill(market.Sell, bolt, "20", "50"), intent: quantity("20"), want: ""},
		{name: "gross: above", config: limits(map[string]string{"+/*/* max_gross": "2999.99"}), before: fill(market.Sell, bolt, "20", "50"), intent: quantity("20"), want: risk.CodeGrossLimit},
		{name: "gross: unset", config: limits(map[string]string{"*/*/* max_gross": ""}), want: risk.CodeNoLimit},
		{name: "notional: what only reduces is free", config: limits(map[string]string{"+/*/* max_long_notional": "1"}), before: fill(market.Sell, acme, "20", "1"), intent: quantity("20"), want: ""},

		{name: "open orders: at the limit", config: limits(map[string]string{"+/*/* max_open_orders": "1"}), want: ""},
		{name: "open orders: above", config: limits(map[string]string{"+/*/* max_open_orders": "1"}), before: func(w *world) { w.mustCheck("a") }, want: risk.CodeOpenOrders},
		{name: "open orders: zero denies", config: limits(map[string]string{"+/*/* max_open_orders": "0"}), want: risk.CodeOpenOrders},
		{name: "open orders: unset", config: limits(map[string]string{"+/*/* max_open_orders": ""}), want: risk.CodeNoLimit},
		{name: "live value: at the limit", config: limits(map[string]string{"+/*/* max_live_notional": "100"}), want: ""},
		{name: "live value: above", config: limits(map[string]string{"+/*/* max_live_notional": "99.999999999"}), want: risk.CodeLiveValue},
		{name: "live value: unset", config: limits(map[string]string{"+/*/* max_live_notional": ""}), want: risk.CodeNoLimit},
		{name: "credit: at the limit", config: limits(map[string]string{"+/*/* credit": "100"}), want: ""},
		{name: "credit: above", config: limits(map[string]string{"+/*/* credit": "99.999999999"}), want: risk.CodeCredit},
		{name: "credit: unset", config: limits(map[string]string{"+/*/* credit": ""}), want: risk.CodeNoLimit},

		{name: "capacity: more than the holder keeps of a shared scope", config: limits(map[string]string{"*/*/* max_long_notional": "3000"}), intent: quantity("20"), want: risk.CodeNoCapacity},
		{name: "unknown orders: one in the instrument", before: unknownOrder(acme), want: risk.CodeUnknownOrders},
		{name: "unknown orders: one in another", before: unknownOrder(bolt), want: ""},
		{name: "unknown orders: admitted by the limit", config: limits(map[string]string{"+/*/* max_unknown_orders": "1"}), before: unknownOrder(acme), want: ""},
		{name: "unknown orders: unset is none", config: limits(map[string]string{"+/*/* max_unknown_orders": ""}), before: unknownOrder(acme), want: risk.CodeUnknownOrders},

		{name: "reduce only: adds", intent: func(in *risk.Intent) { in.ReduceOnly = true }, want: risk.CodeReduceOnly},
		{name: "reduce only: reduces", before: fill(market.Sell, acme, "5", "1"), intent: with(quantity("5"), func(in *risk.Intent) { in.ReduceOnly = true }), want: ""},
		{name: "reduce only: passes zero", before: fill(market.Sell, acme, "5", "1"), intent: with(quantity("6"), func(in *risk.Intent) { in.ReduceOnly = true }), want: risk.CodeReduceOnly},
		{name: "reduce only: another order leans on the same position", before: func(w *world) {
			fill(market.Sell, acme, "5", "1")(w)
			w.mustCheck("a")
		}, intent: with(quantity("5"), func(in *risk.Intent) { in.ReduceOnly = true }), want: risk.CodeReduceOnly},

		{name: "not built yet, but required", config: limits(map[string]string{"+/*/* submit_rate": ""}), want: risk.CodeNoLimit},
		{name: "not built yet, but required somewhere", config: limits(map[string]string{"+/+/+ max_duplicates": ""}), want: risk.CodeNoLimit},
		{name: "not built yet, but required of the firm's instrument", config: limits(map[string]string{"*/*/+ max_concentration_bps": ""}), want: risk.CodeNoLimit},
	}
}

func unknownOrder(i market.Instrument) func(*world) {
	return func(w *world) {
		w.desk.Gate("A1").Hold(risk.Held{Order: "lost", Strategy: "cross1", Instrument: i, Side: market.Buy, Qty: qty("1"), Price: px("1"), Unknown: true})
	}
}

func (w *world) mustCheck(id market.ClOrdID) risk.Permit {
	w.t.Helper()
	p, err := w.check(func(in *risk.Intent) { in.ID = id })
	if err != nil {
		w.t.Fatalf("Check(%s) error = %v", id, err)
	}
	return p
}

func (w *world) trip(scope string, m risk.Mode) risk.Latch {
	w.t.Helper()
	k, err := risk.ParseScope(scope, false)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := w.desk.Trip(risk.TripRequest{Scope: k, Mode: m, By: "test", Reason: "test"}, w.now)
	if err != nil {
		w.t.Fatalf("Trip(%s) error = %v", scope, err)
	}
	return l
}

func TestControls(t *testing.T) {
	for _, c := range controlTable() {
		t.Run(c.name, func(t *testing.T) {
			w := opened(t, c.config)
			if c.before != nil {
				c.before(w)
			}
			p, err := w.check(c.intent)
			var r risk.Refusal
			switch {
			case c.want == "" && err != nil:
				t.Fatalf("Check() error = %v, want a permit", err)
			case c.want == "":
				if err := p.Test(w.now); err != nil {
					t.Fatalf("Test() of the permit error = %v", err)
				}
			case !errors.As(err, &r) || r.Code != c.want:
				t.Fatalf("Check() error = %v, want %s", err, c.want)
			case p != risk.Permit{}:
				t.Fatalf("a refusal came with a permit: %+v", p)
			}
		})
	}
}

func TestEveryRequiredMeasureIsMissedWhenItIsNotSet(t *testing.T) {
	c := exampleConfig()
	if missing := risk.MissingLimits(c.Limits, c.Controls.Entitlements); len(missing) > 0 {
		t.Fatalf("the example lacks %v", missing)
	}
	optional := map[risk.Measure]bool{risk.SoftOrderQty: true, risk.MaxUnknownOrders: true}
	for _, m := range risk.Measures() {
		var kept []risk.Limit
		for _, l := range c.Limits {
			if l.Measure != m {
				kept = append(kept, l)
			}
		}
		missing := risk.MissingLimits(kept, c.Controls.Entitlements)
		if got := len(missing) > 0; got == optional[m] {
			t.Errorf("without %s: missing %v, want some: %v", m, missing, !optional[m])
		}
		w := newWorld(t, func(c *risk.Config) { c.Limits = kept })
		w.open(1)
		_, err := w.check(nil)
		if got := errors.Is(err, risk.ErrNoLimit); got == optional[m] {
			t.Errorf("without %s: Check() error = %v, want NO_LIMIT: %v", m, err, !optional[m])
		}
	}
}

func TestMarketOrderLeavesAsALimitOrderAtTheCollarOnTheTick(t *testing.T) {
	for side, want := range map[market.Side]string{market.Buy: "102", market.Sell: "98"} {
		w := opened(t, nil)
		p, err := w.check(func(in *risk.Intent) { in.Type, in.Price, in.Side = market.Market, 0, side })
		if err != nil {
			t.Fatal(err)
		}
		if in := p.Intent(); in.Type != market.Limit || in.Price != px(want) {
			t.Errorf("%s leaves as %s at %s, want limit at %s", side, in.Type, in.Price, want)
		}
	}
}

func TestWantedCapacityIsThereAfterTheNextSync(t *testing.T) {
	w := opened(t, limits(map[string]string{"*/*/* max_long_notional": "3000"}))
	if _, err := w.check(quantity("20")); !errors.Is(err, risk.ErrNoCapacity) {
		t.Fatalf("Check() error = %v, want ErrNoCapacity", err)
	}
	w.pass(20 * time.Millisecond)
	if _, err := w.check(quantity("20")); err != nil {
		t.Fatalf("Check() after the holder asked error = %v", err)
	}
}
