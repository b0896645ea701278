package risk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

func TestZeroPermitAuthorisesNothing(t *testing.T) {
	if err := (risk.Permit{}).Test(risk.Reading{}); !errors.Is(err, risk.ErrNoPermit) {
		t.Fatalf("Test() error = %v, want ErrNoPermit", err)
	}
	if err := (risk.Permit{}).Spend(risk.Reading{}); !errors.Is(err, risk.ErrNoPermit) {
		t.Fatalf("Spend() error = %v, want ErrNoPermit", err)
	}
}

func TestPermitIsSpentOnceOverAllCopies(t *testing.T) {
	w := opened(t, nil)
	p := w.mustCheck("a")
	q := p
	if err := p.Spend(w.now); err != nil {
		t.Fatalf("Spend() error = %v", err)
	}
	for _, again := range []risk.Permit{p, q} {
		if err := again.Spend(w.now); !errors.Is(err, risk.ErrPermitUsed) {
			t.Fatalf("second Spend() error = %v, want ErrPermitUsed", err)
		}
		if err := again.Test(w.now); !errors.Is(err, risk.ErrPermitUsed) {
			t.Fatalf("Test() of a spent permit error = %v, want ErrPermitUsed", err)
		}
	}
}

func TestPermitIsVoidAfter(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(w *world)
		want    error
	}{
		"its deadline, though permission was renewed": {func(w *world) { w.pass(time.Second) }, risk.ErrPermitExpired},
		"a step of the wall clock":                    {func(w *world) { w.now.Wall += int64(time.Hour) }, risk.ErrPermitExpired},
		"a pause that only the monotonic clock saw":   {func(w *world) { w.now.Mono += int64(time.Hour) }, risk.ErrPermitExpired},
		"an entry of a newer term": {func(w *world) {
			w.desk.Machine().Apply(1_000_000, 2, []byte{1, 4})
		}, risk.ErrPermitExpired},
		"a trip of its leaf":                    {func(w *world) { w.trip("A1/cross1/ACME", risk.Closed) }, risk.ErrShut},
		"a trip of the firm":                    {func(w *world) { w.trip("*/*/*", risk.CancelOnly) }, risk.ErrShut},
		"an orderly stop":                       {func(w *world) { w.tell(risk.Stop{}) }, risk.ErrShut},
		"the session going down":                {func(w *world) { w.tell(risk.Session{Account: "A1"}) }, risk.ErrShut},
		"the journal dying":                     {func(w *world) { w.tell(risk.Journal{State: risk.JournalDead}) }, risk.ErrShut},
		"a trip of its account to REDUCE_ONLY":  {func(w *world) { w.trip("A1/*/*", risk.ReduceOnly) }, risk.ErrShut},
		"a phase of REDUCE_ONLY, no latch left": {func(w *world) { w.reduceOnlyByPhase() }, risk.ErrShut},
		"fills beyond the limit": {func(w *world) {
			fill(market.Buy, acme, "70", "100")(w)
			w.pass(200 * time.Millisecond)
		}, risk.ErrShut},
		"a cut of the order size":  {func(w *world) { w.cut("A1/cross1/ACME", "max_order_qty", "5") }, risk.ErrPermitExpired},
		"a cut of the worst case":  {func(w *world) { w.cut("A1/cross1/ACME", "max_long_qty", "50") }, risk.ErrPermitExpired},
		"a cut of another account": {func(w *world) { w.cut("A2/*/*", "max_live_notional", "5") }, risk.ErrPermitExpired},
		"a veto":                   {func(w *world) { w.desk.Gate("A1").Veto("a") }, risk.ErrPermitUsed},
		"a restore of the gate":    {func(w *world) { w.desk.Gate("A1").Restore(nil, nil) }, risk.ErrPermitUsed},
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, nil)
			p := w.mustCheck("a")
			if err := p.Test(w.now); err != nil {
				t.Fatalf("Test() before error = %v", err)
			}
			c.happens(w)
			if err := p.Spend(w.now); !errors.Is(err, c.want) {
				t.Fatalf("Spend() error = %v, want %v", err, c.want)
			}
		})
	}
}

func TestPermitOfAnOrderThatReducesOutlivesREDUCE_ONLY(t *testing.T) {
	for name, happens := range map[string]func(w *world){
		"a trip":  func(w *world) { w.trip("A1/*/*", risk.ReduceOnly) },
		"a phase": func(w *world) { w.reduceOnlyByPhase() },
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, nil)
			fill(market.Buy, acme, "10", "100")(w)
			w.pass(200 * time.Millisecond)
			var permits []risk.Permit
			for _, q := range []string{"4", "6", "1"} { // the third would go short
				p, err := w.check(with(quantity(q), sell))
				if err != nil {
					t.Fatalf("Check() error = %v", err)
				}
				permits = append(permits, p)
			}
			happens(w)
			for i, p := range permits[:2] {
				if err := p.Spend(w.now); err != nil {
					t.Errorf("Spend() of sell %d error = %v, want nil: it reduces", i, err)
				}
			}
			var r risk.Refusal
			if err := permits[2].Spend(w.now); !errors.As(err, &r) || r.Code != risk.CodeReduceOnly {
				t.Errorf("Spend() of the sell that would go short error = %v, want REDUCE_ONLY", err)
			}
		})
	}
}

func TestPermitOfAnOrderThatReducedIsVoidWhenABustTookThePosition(t *testing.T) {
	for name, c := range map[string]struct {
		busted string
		intent func(*risk.Intent)
		mode   risk.Mode
		want   risk.Code
	}{
		"all of it":                           {"10", nil, risk.ReduceOnly, risk.CodeReduceOnly},
		"more than the order leaves":          {"5", nil, risk.ReduceOnly, risk.CodeReduceOnly},
		"as much as the order leaves":         {"4", nil, risk.ReduceOnly, ""},
		"all of it, of a reduce-only order":   {"10", func(in *risk.Intent) { in.ReduceOnly = true }, risk.Open, risk.CodeReduceOnly},
		"all of it, of an order that may add": {"10", nil, risk.Open, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, nil)
			fill(market.Buy, acme, "10", "100")(w)
			w.pass(200 * time.Millisecond)
			p, err := w.check(with(quantity("6"), sell, func(in *risk.Intent) {
				if c.intent != nil {
					c.intent(in)
				}
			}))
			if err != nil {
				t.Fatalf("Check() error = %v", err)
			}
			if c.mode == risk.ReduceOnly {
				w.trip("A1/*/*", risk.ReduceOnly)
			}
			w.desk.Gate("A1").Execute(risk.Execution{
				Strategy: "cross1", Instrument: acme, Side: market.Buy, Qty: -qty(c.busted), Price: px("100"), Exec: "x", Order: "old",
			})
			var r risk.Refusal
			errors.As(p.Spend(w.now), &r)
			if r.Code != c.want {
				t.Errorf("Spend() is refused for %q, want %q", r.Code, c.want)
			}
		})
	}
}

func TestPermitOfAnOrderThatReducedIsVoidWhenAnotherSellCameToLight(t *testing.T) {
	w := opened(t, nil)
	fill(market.Buy, acme, "10", "100")(w)
	w.pass(200 * time.Millisecond)
	p, err := w.check(with(quantity("6"), sell))
	if err != nil {
		t.Fatalf("Check() error = %v", err)
	}
	w.trip("A1/*/*", risk.ReduceOnly)
	w.desk.Gate("A1").Hold(hold("phone", market.Sell, "5", "100"))
	var r risk.Refusal
	if err := p.Spend(w.now); !errors.As(err, &r) || r.Code != risk.CodeReduceOnly {
		t.Errorf("Spend() error = %v, want REDUCE_ONLY: with the other one it would go short", err)
	}
}

func TestPermitOfAnotherInstrumentOutlivesTheTripOfALeaf(t *testing.T) {
	w := opened(t, nil)
	p := w.mustCheck("a")
	w.trip("A1/cross1/BOLT", risk.ReduceOnly)
	if err := p.Spend(w.now); err != nil {
		t.Fatalf("Spend() error = %v", err)
	}
}

// reduceOnlyByPhase leaves account A1 in REDUCE_ONLY by the log's phase alone: its latch is reset, and nobody leads who would open
// the account again.
func (w *world) reduceOnlyByPhase() {
	w.t.Helper()
	l := w.trip("A1/*/*", risk.ReduceOnly)
	w.tell(risk.Wake{}, risk.Leading{Term: 1})
	if r := w.reset("A1/*/*", l.ID); r.Err != nil || len(w.desk.Latches()) != 0 {
		w.t.Fatalf("reset = %+v, latches %v", r, w.desk.Latches())
	}
	if mode, _ := w.desk.Mode("A1", w.now); mode != risk.ReduceOnly {
		w.t.Fatalf("mode = %s, want REDUCE_ONLY by its phase", mode)
	}
}

// cut sets a limit that is lower than before.
func (w *world) cut(scope, measure, value string) {
	w.t.Helper()
	l, err := risk.ParseLimit(scope, measure, value)
	if err != nil {
		w.t.Fatal(err)
	}
	var got risk.LimitResult
	w.tell(risk.SetLimit{
		Request: risk.LimitRequest{Limit: l, By: "ann", Reason: "less"},
		Done:    func(r risk.LimitResult) { got = r },
	})
	if got.Err != nil || got.Index == 0 {
		w.t.Fatalf("limit = %+v", got)
	}
}

func TestPermissionRunsFromTheMomentTheSyncWasSent(t *testing.T) {
	w := opened(t, nil)
	w.fail = func() error { return risk.ErrNotAppended }
	w.pass(300 * time.Millisecond) // the first of these Syncs is not in the log, and is repeated
	once := false
	w.fail = func() error {
		if once {
			return risk.ErrNotAppended
		}
		once = true
		return nil
	}
	w.advance(10 * time.Millisecond)
	w.tell(risk.Renew{})
	// Sent first at 100 ms, applied at 310 ms: 500 − 210 are left.
	if left := w.desk.Gatez(w.now, "").Permission.LeftMS; left < 280 || left > 300 {
		t.Fatalf("permission has %d ms left, want what is left since its Sync was first sent, about 290", left)
	}
	w.fail = nil
	w.pass(200 * time.Millisecond)
	if left := w.desk.Gatez(w.now, "").Permission.LeftMS; left < 300 {
		t.Fatalf("permission has %d ms left after clean renewals", left)
	}
}

func TestLostPermissionShutsThenClosesAfterAWhileAndOpensAnew(t *testing.T) {
	w := opened(t, nil)
	before := w.desk.Gatez(w.now, "")
	w.fail = func() error { return risk.ErrNotAppended }
	w.pass(500 * time.Millisecond)
	for _, step := range []struct {
		wait time.Duration
		want risk.Mode
	}{{0, risk.CancelOnly}, {4900 * time.Millisecond, risk.CancelOnly}, {200 * time.Millisecond, risk.Closed}} {
		w.pass(step.wait)
		if body := w.desk.Gatez(w.now, ""); body.Mode != step.want || body.Permission.Valid {
			t.Fatalf("%v later: %s, permission %+v, want %s", step.wait, body.Mode, body.Permission, step.want)
		}
	}
	w.fail = nil
	w.pass(time.Second)
	after := w.desk.Gatez(w.now, "")
	if !after.Open || *after.OpenedAt == *before.OpenedAt {
		t.Fatalf("after the log is back: open %v, opened at %v, before %v", after.Open, *after.OpenedAt, *before.OpenedAt)
	}
}

func TestGatezTestsTheDeadlineAtEachRequest(t *testing.T) {
	w := opened(t, nil)
	w.now.Wall += int64(time.Minute) // suspended: nobody ran
	if body := w.desk.Gatez(w.now, ""); body.Open || body.OpenedAt != nil {
		t.Fatalf("gate of a node that woke up: %+v", body)
	}
}

func TestEachOfThreeClocksShutsWhenItJumps(t *testing.T) {
	tick := func(w *world, boot int64) risk.Tick {
		return risk.Tick{Clocks: risk.Clocks{Reading: w.now, Boot: boot}}
	}
	for name, jump := range map[string]func(w *world, boot *int64){
		"wall forward":  func(w *world, _ *int64) { w.now.Wall += int64(51 * time.Millisecond) },
		"wall backward": func(w *world, _ *int64) { w.now.Wall -= int64(51 * time.Millisecond) },
		"monotonic behind": func(w *world, b *int64) {
			w.now.Wall += int64(60 * time.Millisecond)
			*b += int64(60 * time.Millisecond)
		},
		"boot forward": func(_ *world, b *int64) { *b += int64(51 * time.Millisecond) },
		"holder late": func(w *world, b *int64) {
			w.advance(400 * time.Millisecond)
			*b += int64(400 * time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, nil)
			boot := int64(1)
			step := func(extra func(*world, *int64)) {
				w.advance(100 * time.Millisecond)
				boot += int64(100 * time.Millisecond)
				if extra != nil {
					extra(w, &boot)
				}
				w.tell(tick(w, boot))
			}
			step(nil)
			step(nil)
			if _, err := w.check(nil); err != nil {
				t.Fatalf("Check() before the jump error = %v", err)
			}
			step(jump)
			_, err := w.check(nil)
			var r risk.Refusal
			if !errors.As(err, &r) || r.Why != risk.CodeClockJump {
				t.Fatalf("Check() after the jump error = %v, want SHUT (CLOCK_JUMP)", err)
			}
			step(nil)
			if _, err := w.check(nil); err != nil {
				t.Fatalf("Check() after a clean renewal error = %v", err)
			}
		})
	}
}
