package sim_test

import (
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// arm puts faults on the exchange of the tree, and waits until it has said what became of them.
func (h *housed) arm(texts ...string) error {
	h.t.Helper()
	heard, told := false, error(nil)
	entrance := sim.NewEntrance(actors.Follow[sim.ExchangeMessage](h.sys, "exchange"))
	h.must(entrance.Arm(plan(h.t, texts...), func(err error) { h.with(func() { heard, told = true, err }) }))
	h.until("the exchange has taken the faults", func() (yes bool) {
		h.with(func() { yes = heard })
		return yes
	})
	return told
}

// rest bids one far below the market and waits until the exchange has it.
func (h *housed) rest(n byte) market.ClOrdID {
	h.t.Helper()
	in := risk.Intent{
		Cause: risk.Cause{n, 1}, Strategy: "s", Instrument: h.acme, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: market.Unit,
		Price: price(h.t, "96"), DecidedWall: market.StampOf(h.sys.Now()), Decided: h.now().Mono,
	}
	h.must(h.account.Tell(orders.Place{Intent: in}))
	var id market.ClOrdID
	h.until("the order rests", func() bool {
		h.with(func() {
			for _, e := range h.events {
				if e.Cause == in.Cause && e.Kind == orders.EventAccepted {
					id = e.Order
				}
			}
		})
		return id != ""
	})
	return id
}

// TestFaultsAreArmedOnAnExchangeThatRuns arms each fault on the actor Exchange, on the real clock and on the virtual one,
// below a real account: it behaves, so the judges find nothing.
func TestFaultsAreArmedOnAnExchangeThatRuns(t *testing.T) {
	for name, cfg := range map[string]func() actors.Config{
		"shared": func() actors.Config { return actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)} },
		"deterministic": func() actors.Config {
			return actors.Config{Clock: actors.Virtual(start.Time()), Dispatch: actors.Deterministic(), Seed: 1}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := settle(t, cfg())
			h.buy(1)
			if err := h.arm("late_ack nth=1 session=A9"); err == nil {
				t.Error("a fault on a session that the exchange does not have was armed")
			}
			for i, text := range []string{
				"late_ack nth=1 delay=700ms", "dup_exec nth=2 session=A1", "drop_after nth=1 session=A1",
			} {
				h.must(h.arm(text))
				h.buy(byte(i + 2))
			}
			h.must(h.arm("fill_while_pending_cancel nth=1"))
			id := h.rest(9)
			h.must(h.account.Tell(orders.CancelOrder{ID: id}))
			h.until("the fill that overtook the cancel is counted", func() bool { return len(h.execs(risk.Cause{9, 1})) == 1 })
			h.until("nothing is open", func() bool { s := h.account.Status(); return s.Live == 0 && s.Unknown == 0 })
			l := h.stop()
			held := map[market.Symbol]market.Qty{"ACME": 5 * market.Unit}
			for _, f := range append(append(ledger.J1(l), ledger.J2(l, "A1", held)...), ledger.J7(l, "A1", nil)...) {
				t.Error(f)
			}
			fired := firings(l)
			for _, f := range ledger.Of[*sim.FaultLine](l) {
				if fired[f.ID] != 1 {
					t.Errorf("fault %s fired %d times, want once", f.ID, fired[f.ID])
				}
			}
			if len(fired) != 4 {
				t.Errorf("faults armed = %v, want 4", fired)
			}
		})
	}
}

func TestAPaperVenueTakesNoFaults(t *testing.T) {
	w := openPaper(t)
	if err := w.paper.Arm(start, plan(t, "late_ack nth=1")); err == nil {
		t.Error("Arm() error = nil, want a refusal")
	}
	if err := w.paper.Arm(start, nil); err != nil {
		t.Errorf("Arm() of no faults: error = %v, want nil", err)
	}
}

// take buys one as buy does; an order that is refused since the link is down is decided anew once it is up.
func (h *housed) take(n byte) {
	h.t.Helper()
	for try := byte(0); ; try++ {
		in := risk.Intent{
			Cause: risk.Cause{n, 2, try}, Strategy: "s", Instrument: h.acme, Side: market.Buy, Type: market.Limit, TIF: market.IOC,
			Qty: market.Unit, Price: price(h.t, "105"), DecidedWall: market.StampOf(h.sys.Now()), Decided: h.now().Mono,
		}
		h.must(h.account.Tell(orders.Place{Intent: in}))
		refused := false
		h.until("the order is filled or refused", func() bool {
			h.with(func() {
				for _, e := range h.events {
					refused = refused || (e.Cause == in.Cause && e.Kind == orders.EventRefused)
				}
			})
			return refused || len(h.execs(in.Cause)) > 0
		})
		if !refused {
			return
		}
		h.until("the account is open", func() bool { s := h.account.Status(); return s.Session == "open" && s.Unknown == 0 })
	}
}

// TestALinkThatFailsUnderAnAccountComesBack: numbers that do not follow, links that are dead, venues that restart and logons that
// are refused or slow. The account's own session brings the link back each time, and the fill that was lost with it is heard. It
// waits longer from failure to failure, so this is for the virtual clock.
func TestALinkThatFailsUnderAnAccountComesBack(t *testing.T) {
	h := settle(t, actors.Config{Clock: actors.Virtual(start.Time()), Dispatch: actors.Deterministic(), Seed: 1})
	plans := [][]string{
		{"seq_gap nth=1 session=A1"},
		{"seq_too_low nth=2 session=A1"},
		{"restart nth=1 session=A1 delay=100ms"},
		{"half_open nth=1 session=A1 msg=8 delay=200ms"},
		{"disconnect_at_byte nth=2 session=A1 msg=8 id=c1", "logon_refused nth=1 session=A1"},
		{"disconnect_at_byte nth=2 session=A1 msg=8 id=c2", "logon_slow nth=1 session=A1 delay=100ms"},
		{"disconnect_at_byte nth=2 session=A1 msg=8 id=c3", "gap_fill_for_replay nth=1 session=A1"},
		{"disconnect_at_byte nth=2 session=A1 msg=8 id=c4", "dup_resend nth=1 session=A1"},
	}
	faults := 0
	for i, texts := range plans {
		h.must(h.arm(texts...))
		faults += len(texts)
		h.take(byte(i + 1))
		h.until("the account is open again after "+texts[0], func() bool {
			s := h.account.Status()
			return s.Session == "open" && s.Unknown == 0 && s.Live == 0
		})
	}
	l := h.stop()
	held := map[market.Symbol]market.Qty{"ACME": market.Qty(len(plans)) * market.Unit}
	for _, f := range append(append(ledger.J1(l), ledger.J2(l, "A1", held)...), ledger.J7(l, "A1", nil)...) {
		t.Error(f)
	}
	fired := firings(l)
	for id, n := range fired {
		if n == 0 {
			t.Errorf("fault %s did not fire", id)
		}
	}
	if len(fired) != faults {
		t.Errorf("fired: %v, want each of the %d", fired, faults)
	}
}
