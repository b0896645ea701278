package orders_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

func TestCancelThatOvertookItsOrderRefusesIt(t *testing.T) {
	b := newBench(t)
	b.handle(orders.CancelOrder{Strategy: "s", Cause: risk.Cause{9}})
	b.place(9)
	b.commit()
	if e := b.last(); e.Kind != orders.EventRefused || e.Reason != orders.ReasonCancelled || len(b.wire.placed) != 0 {
		t.Fatalf("got %v %v and %d orders, want refused cancelled and none", e.Kind, e.Reason, len(b.wire.placed))
	}
	b.place(9) // said again, it is a new wish
	b.commit()
	if len(b.wire.placed) != 1 {
		t.Fatalf("placed %d, want 1", len(b.wire.placed))
	}
}

func TestOrderOfOneWhoIsNoMoreIsRefused(t *testing.T) {
	b := newBench(t)
	b.handle(orders.Place{Intent: intent(1), Alive: func() error { return errors.New("fenced") }})
	if e := b.last(); e.Kind != orders.EventRefused || e.Reason != orders.ReasonFenced {
		t.Fatalf("got %v %v, want refused FENCED", e.Kind, e.Reason)
	}
}

func TestCancelAllOfAStrategyLeavesTheOthersAlone(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.place(2)
	b.commit()
	b.handle(orders.CancelAll{Scope: orders.Scope{Strategy: "other"}})
	if len(b.wire.cancelled) != 0 || b.wire.mass != 0 {
		t.Fatalf("cancelled %v, %d mass cancels, want none", b.wire.cancelled, b.wire.mass)
	}
	b.handle(orders.CancelAll{Scope: orders.Scope{Strategy: strategy}})
	if len(b.wire.cancelled) != 2 || b.wire.mass != 0 {
		t.Fatalf("%d cancels, %d mass cancels, want 2 and none", len(b.wire.cancelled), b.wire.mass)
	}
}

// TestNothingOfAStrategyIsLeftWhateverStateItsOrdersAreIn is what its end asks
// for: no mass cancel, and no order that goes out afterwards.
func TestNothingOfAStrategyIsLeftWhateverStateItsOrdersAreIn(t *testing.T) {
	all := orders.CancelAll{Scope: orders.Scope{Strategy: strategy}, Why: "down"}
	for name, c := range map[string]struct {
		before         func(b *bench)
		placed, cancel int
	}{
		"waits for the disk": {func(b *bench) { b.place(1) }, 0, 0},
		"held":               {func(b *bench) { b.handle(orders.Place{Intent: intent(1), Held: true}); b.commit() }, 0, 0},
		"unanswered":         {func(b *bench) { b.place(1); b.commit() }, 1, 1},
		"unknown": {func(b *bench) {
			b.place(1)
			b.commit()
			b.risk.Now.Mono += int64(6 * time.Second)
			b.handle(orders.Tick{})
		}, 1, 1},
		"link down":        {func(b *bench) { b.place(1); b.commit(); b.hear(orders.Link{Event: orders.LinkLogout}) }, 1, 1},
		"asked for before": {func(b *bench) { b.place(1); b.commit(); b.handle(all) }, 1, 1},
		"journal dead": {func(b *bench) {
			b.place(1)
			b.commit()
			b.faults.Inject(journal.Fault{Call: journal.CallSync, At: b.faults.Calls(journal.CallSync) + 1})
			b.hear(orders.MassCancelAck{})
			_, _ = b.log.Commit()
		}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.before(b)
			b.handle(all)
			b.commit()
			for o := range b.desk.Machine().Orders() {
				b.handle(orders.Release{ID: o.ID})
			}
			b.commit()
			b.hear(orders.Link{Event: orders.LinkLogon})
			if len(b.wire.placed) != c.placed || len(b.wire.cancelled) != c.cancel || b.wire.mass != 0 {
				t.Fatalf("%d orders, %d cancels and %d mass cancels left, want %d, %d and none",
					len(b.wire.placed), len(b.wire.cancelled), b.wire.mass, c.placed, c.cancel)
			}
		})
	}
}

func TestCancelAllAsksTheVenueAlsoWhenWeKnowOfNoOrder(t *testing.T) {
	b := newBench(t)
	b.handle(orders.CancelAll{Why: "kill"})
	if b.wire.mass != 1 || len(b.wire.cancelled) != 0 {
		t.Fatalf("%d mass cancels and %d cancels, want 1 and none", b.wire.mass, len(b.wire.cancelled))
	}
}

func TestUnsupportedIsRefusedByName(t *testing.T) {
	b := newBench(t)
	in := intent(1)
	in.PostOnly = true
	b.handle(orders.Place{Intent: in})
	if e := b.last(); e.Kind != orders.EventRefused || e.Reason != orders.ReasonUnsupported {
		t.Errorf("post-only: got %v %v, want refused unsupported", e.Kind, e.Reason)
	}
}

func TestGateIsToldWhatAnOrderCouldStillDo(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.commit()
	n := b.wire.placed[0]
	b.hear(fill(n, "E1", 4*market.Unit, 4*market.Unit))
	p := b.risk.Desk.Positions(account)
	if len(p) != 1 || p[0].Qty != 4*market.Unit {
		t.Fatalf("the gate holds %v, want a position of 4", p)
	}
	b.commit()
	b.restart()
	p = b.risk.Desk.Positions(account)
	if len(p) != 1 || p[0].Qty != 4*market.Unit {
		t.Fatalf("after the restart the gate holds %v, want a position of 4", p)
	}
}

func TestInboundCounterIsWhatTheJournalKnows(t *testing.T) {
	b := newBench(t)
	for seq := range uint64(3) {
		b.hear(orders.MassCancelAck{Origin: orders.Origin{Session: "s1", Seq: seq + 1}})
	}
	b.commit()
	b.hear(orders.MassCancelAck{Origin: orders.Origin{Session: "s1", Seq: 4}})
	b.restart() // the fourth was not durable
	if got := b.desk.NextIn("s1"); got != 4 {
		t.Fatalf("NextIn() = %d, want 4", got)
	}
	if got := b.desk.NextIn("s2"); got != 1 {
		t.Fatalf("NextIn() of an unknown session = %d, want 1", got)
	}
}

// TestWhatABustTakesAwayIsBelowZero for whoever adds up: the listener, the hook
// and the gate.
func TestWhatABustTakesAwayIsBelowZero(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.commit()
	n := b.wire.placed[0]
	b.hear(fill(n, "E1", 4*market.Unit, 4*market.Unit))
	b.hear(fill(n, "E2", 7*market.Unit, 3*market.Unit))
	correct := fill(n, "C1", 5*market.Unit, 2*market.Unit)
	correct.Type, correct.ExecRef = orders.ExecCorrect, "E1"
	b.hear(correct)
	bust := fill(n, "B1", 2*market.Unit, 3*market.Unit)
	bust.Type, bust.ExecRef = orders.ExecBust, "E2"
	b.hear(bust)
	sum, got := market.Qty(0), map[orders.EventKind]market.Qty{}
	for _, e := range b.events {
		sum += e.LastQty
		got[e.Kind] += e.LastQty
		if e.LastQty != 0 && e.Cum != sum {
			t.Errorf("%v of %v makes %v, want %v", e.Kind, e.LastQty, e.Cum, sum)
		}
	}
	if got[orders.EventFill] != 7*market.Unit || got[orders.EventCorrected] != -2*market.Unit || got[orders.EventBusted] != -3*market.Unit {
		t.Errorf("told %v, want fills of 7, a correction of -2 and a bust of -3", got)
	}
	if p := b.risk.Desk.Positions(account); len(p) != 1 || p[0].Qty != 2*market.Unit || p[0].Qty != sum {
		t.Errorf("the gate holds %v, want the sum of 2", p)
	}
}

// TestExecutionsOfAStrategyAreToldInTheOrderInWhichTheyWereKnown also of two orders, as corrected, before and after a
// restart: an average price depends on it.
func TestExecutionsOfAStrategyAreToldInTheOrderInWhichTheyWereKnown(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.place(2)
	b.commit()
	one, two := b.wire.placed[0], b.wire.placed[1]
	b.hear(fill(two, "E1", 4*market.Unit, 4*market.Unit))
	b.hear(fill(one, "E2", 3*market.Unit, 3*market.Unit))
	b.hear(fill(two, "E3", 6*market.Unit, 2*market.Unit))
	for _, c := range []struct {
		of, id string
		is     orders.ExecType
		qty    market.Qty
		cum    market.Qty
	}{{"E1", "C1", orders.ExecCorrect, 2, 4}, {"C1", "C2", orders.ExecCorrect, 1, 3}, {"E3", "B1", orders.ExecBust, 2, 1}} {
		r := fill(two, c.id, c.cum*market.Unit, c.qty*market.Unit)
		r.Type, r.ExecRef = c.is, c.of
		b.hear(r)
	}
	refs := map[string]string{}
	for _, e := range b.events {
		if e.Ref != "" {
			refs[e.Exec] = e.Ref
		}
	}
	if want := map[string]string{"C1": "E1", "C2": "E1", "E3": "E3"}; !maps.Equal(refs, want) {
		t.Errorf("changes speak of %v, want %v: the ids under which the fills were told", refs, want)
	}
	want := []orders.Execution{
		{Order: two.ID, Exec: "E1", Instrument: two.Instrument, Qty: market.Unit, Price: two.Price},
		{Order: one.ID, Exec: "E2", Instrument: one.Instrument, Qty: 3 * market.Unit, Price: one.Price},
	}
	for _, when := range []string{"at once", "after a restart"} {
		var got orders.Recalled
		b.handle(orders.Recall{Strategy: strategy, Reply: func(r orders.Recalled) { got = r }})
		if !slices.Equal(got.Executions, want) {
			t.Errorf("%s: executions %+v, want %+v", when, got.Executions, want)
		}
		if len(got.Positions) != 1 || got.Positions[0].Qty != 4*market.Unit {
			t.Errorf("%s: positions %v, want the sum of 4", when, got.Positions)
		}
		b.commit()
		b.restart()
	}
}

func TestRecallTellsAStrategyWhatTheJournalKnows(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.place(2)
	b.commit()
	n := b.wire.placed[0]
	b.hear(fill(n, "E1", 10*market.Unit, 10*market.Unit))
	b.commit()
	b.restart()
	var got orders.Recalled
	b.handle(orders.Recall{Strategy: strategy, Reply: func(r orders.Recalled) { got = r }})
	if len(got.Orders) != 1 || got.Orders[0].ID != b.wire.placed[1].ID || got.Orders[0].Cause != (risk.Cause{2}) {
		t.Errorf("orders %+v, want the one of decision 2", got.Orders)
	}
	if len(got.Positions) != 1 || got.Positions[0].Qty != 10*market.Unit {
		t.Errorf("positions %v, want 10", got.Positions)
	}
}

// TestDeskOfAnIncarnationThatWasLeftHasNoEffect is one that hung, was left, and
// goes on with what it was doing.
func TestDeskOfAnIncarnationThatWasLeftHasNoEffect(t *testing.T) {
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(houseStart), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	life, err := sys.Begin(actors.Birth{Name: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	b.wrap = func(p orders.Parts) orders.Parts { return orders.FencedParts(p, life.Fence()) }
	b.commit()
	b.restart()
	b.hear(orders.Link{Event: orders.LinkLogon})
	b.hear(orders.Link{Event: orders.LinkReplayed})
	b.hear(orders.MassEnd{})
	b.place(1)
	b.place(2)
	b.commit()
	n := b.wire.placed
	b.hear(fill(n[0], "E1", 4*market.Unit, 4*market.Unit))
	b.commit()
	life.Abandon()

	told, at := len(b.events), b.log.Watermark()
	b.hear(fill(n[1], "E2", 10*market.Unit, 10*market.Unit))
	b.place(3)
	b.commit()
	if p := b.risk.Desk.Positions(account); len(p) != 1 || p[0].Qty != 4*market.Unit {
		t.Errorf("the gate holds %v, want the 4 of before", p)
	}
	if len(b.events) != told || b.log.Watermark() != at || len(b.wire.placed) != 2 {
		t.Errorf("told %v, appended %d records, placed %d orders", b.events[told:], b.log.Watermark()-at, len(b.wire.placed)-2)
	}
}

// TestIncarnationLeftInItsReplayRestoresNothing hung while it read the journal.
// Its successor has opened and traded since; what the first one read is old.
func TestIncarnationLeftInItsReplayRestoresNothing(t *testing.T) {
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(houseStart), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	life, err := sys.Begin(actors.Birth{Name: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	hung := b.parts()
	records := hung.Records
	hung.Settled = b.log.Watermark()
	hung.Records = func(yield func(journal.Record, error) bool) { life.Abandon(); records(yield) }
	b.place(1)
	b.place(2)
	b.commit()
	n := b.wire.placed[0]
	b.hear(fill(n, "E1", 4*market.Unit, 4*market.Unit))
	b.place(3) // permitted, and not handed over yet

	if _, err := orders.Open(orders.FencedParts(hung, life.Fence()), b.risk.Now); err != nil {
		t.Fatal(err)
	}
	if p := b.risk.Desk.Positions(account); len(p) != 1 || p[0].Qty != 4*market.Unit {
		t.Errorf("the gate holds %v, want the 4 that the successor knows", p)
	}
	b.commit()
	if len(b.wire.placed) != 3 {
		t.Errorf("%d orders left, want 3: the permit of the third was the successor's", len(b.wire.placed))
	}
}

// Causes are names that each strategy gives for itself: two of them may well answer the same trade.
func TestTwoStrategiesMayNameTheirWishesAlike(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.commit()
	b.hear(newReport(b.wire.placed[0]))
	in := intent(1)
	in.Strategy = "other"
	b.handle(orders.CancelOrder{Strategy: "third", Cause: in.Cause}) // overtakes nobody else's
	b.handle(orders.Place{Intent: in})
	b.commit()
	if len(b.wire.placed) != 2 || b.wire.placed[1].Strategy != "other" {
		t.Fatalf("%d orders left, want one of each strategy: %v", len(b.wire.placed), b.last())
	}
	b.handle(orders.CancelOrder{Strategy: "other", Cause: in.Cause})
	if len(b.wire.cancelled) != 1 || b.wire.cancelled[0].Orig != b.wire.placed[1].ID {
		t.Errorf("cancelled %+v, want the order of the strategy that asked", b.wire.cancelled)
	}
}

func TestLiveOrdersAreCountedByScope(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.place(2)
	in := intent(3)
	in.Strategy = "other"
	b.handle(orders.Place{Intent: in})
	b.commit()
	b.hear(orders.Report{
		ID: "PHONE", OrderID: "V9", Status: orders.StatusNew, Type: orders.ExecNew, ExecID: "E9", Instrument: acme, Side: market.Buy, Qty: market.Unit, Leaves: market.Unit,
	})
	s := b.desk.Status()
	for scope, want := range map[string]int{
		"*/*/*": 4, "A/*/*": 4, "B/*/*": 0, "A/*/ACME@SIM": 4, "A/*/ACME": 4, "A/*/BOLT@SIM": 0,
		"A/s/*": 3, "A/other/ACME@SIM": 2, // and that which may be anybody's
	} {
		k, err := risk.ParseScope(scope, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.LiveIn(k); got != want {
			t.Errorf("%d orders are live in %s, want %d", got, scope, want)
		}
	}
}

// A node that stops while its disk hangs waits for every order's end: what was withdrawn before it left has had it.
func TestAnOrderThatIsWithdrawnWaitsForTheDiskNoMore(t *testing.T) {
	b := newBench(t)
	b.place(1)
	if n := b.desk.Status().Waiting; n != 1 {
		t.Fatalf("%d orders wait for the disk, want 1", n)
	}
	b.handle(orders.CancelAll{Why: "shutdown"})
	if s := b.desk.Status(); s.Waiting != 0 || s.Live != 0 {
		t.Errorf("%d orders wait for the disk and %d are live, want none", s.Waiting, s.Live)
	}
	b.commit()
	if len(b.wire.placed) != 0 {
		t.Errorf("%d orders left, want none", len(b.wire.placed))
	}
}
