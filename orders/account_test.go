package orders_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

const dollar = market.Price(1_000_000_000)

// TestAccountPlacesFillsCancelsAndComesBackFromACrash is an account's whole
// life with an exchange: up, an order filled in part, one cancelled, the owner
// crashes with an order at the venue, and the next incarnation knows all from
// the journal, reconciles and opens.
func TestAccountPlacesFillsCancelsAndComesBackFromACrash(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.mu.Lock()
		h.catchUp()
		if body := h.risk.Desk.Gatez(h.risk.Now, ""); !body.Open {
			h.t.Errorf("the gate is %s for %+v after the reconciliation, want open", body.Mode, body.Why)
		}
		h.mu.Unlock()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.sell(4 * market.Unit)
		if e := h.event(orders.EventFill, 1); e.LastQty != 4*market.Unit || e.Leaves != 6*market.Unit {
			h.t.Fatalf("fill of %v with %v left, want 4 and 6", e.LastQty, e.Leaves)
		}
		h.place(2, strategy, 49*dollar)
		h.event(orders.EventAccepted, 2)
		h.tell(orders.CancelOrder{Strategy: "s", Cause: risk.Cause{2}})
		h.event(orders.EventCancelled, 2)

		h.crash("orders")
		h.open()
		s := h.account.Status()
		if s.Unknown != 0 || s.Live != 1 || len(s.Positions) != 1 || s.Positions[0].Qty != 4*market.Unit {
			h.t.Fatalf("after the crash %+v, want one live order, none UNKNOWN and a position of 4", s)
		}
		h.place(1, strategy, 50*dollar) // the decision is known
		if e := h.event(orders.EventRepeated, 1); e.Cum != 4*market.Unit {
			h.t.Errorf("repeated with %v filled, want 4", e.Cum)
		}
		h.place(3, strategy, 48*dollar)
		h.event(orders.EventAccepted, 3)
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.opened) != 2 || h.dialed != 2 {
			h.t.Errorf("opened %v and dialled %d times, want 2 of each", h.opened, h.dialed)
		}
	})
}

func TestAccountAsksUntilALostOrderIsProvenAbsent(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.port.set(func(g *gate) { g.lose = sim.NewOrder })
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventUnknown, 1)
		h.crash("orders")
		h.until("the list has come", func() bool { return h.account.Status().ListWhole })
		if e, _ := h.tree.Snapshot().Find("venues/" + string(account) + "/reconciler"); e.Ready {
			h.t.Fatal("the reconciler is ready while an order is UNKNOWN")
		}
		if e := h.event(orders.EventRejected, 1); e.Reason != orders.ReasonAbsent {
			h.t.Fatalf("rejected for %q, want absent", e.Reason)
		}
		h.open()
		if h.port.lost != 1 {
			h.t.Fatalf("the order left %d times, want once", h.port.lost)
		}
	})
}

// TestAVenueThatAnswersNoQuestionIsAskedLessAndLess has the breaker open, and nothing given up: the order is known as soon as
// the venue answers again.
func TestAVenueThatAnswersNoQuestionIsAskedLessAndLess(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.port.set(func(g *gate) { g.lose = sim.NewOrder })
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventUnknown, 1)
		h.port.set(func(g *gate) { g.lose, g.lost = sim.StatusRequest, 0 })
		asked := func(d time.Duration) int {
			h.t.Helper()
			before, end := h.port.lost, h.sys.Now().Add(d)
			h.until("time has passed", func() bool { return !h.sys.Now().Before(end) })
			return h.port.lost - before
		}
		first, later := asked(2*time.Minute), asked(8*time.Minute)
		if first < 5 || later < 8 || later > 60 {
			h.t.Errorf("asked %d times in two minutes and %d in the next eight, want at least 5, and 8 to 60", first, later)
		}
		if s := h.account.Status(); s.Unknown != 1 || s.Session != "open" {
			h.t.Errorf("session %s with %d UNKNOWN, want it open with 1: no answer is no proof", s.Session, s.Unknown)
		}
		h.port.set(func(g *gate) { g.lose = 0 })
		since := h.sys.Now()
		if e := h.event(orders.EventRejected, 1); e.Reason != orders.ReasonAbsent {
			h.t.Errorf("rejected for %q, want absent", e.Reason)
		}
		if took := h.sys.Now().Sub(since); took > 65*time.Second { // open, and then the spread of a retry
			h.t.Errorf("known %v after the venue is back, want at most 65 s", took)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if !slices.Contains(h.breaker, "open") || !slices.Contains(h.breaker, "half_open") {
			h.t.Errorf("the breaker went through %q, want it open and half open", h.breaker)
		}
		h.t.Logf("asked %d times, then %d; breaker %q", first, later, h.breaker)
	})
}

func TestAccountLogsOnAgainWhenTheVenueIsBack(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.port.set(func(g *gate) { g.shut = true })
		if err := h.port.Logout("S1", "wire"); err != nil {
			h.t.Fatal(err)
		}
		h.until("the link is down", func() bool { return h.account.Status().Session == "down" })
		h.tell(orders.CancelAll{Scope: orders.Scope{Strategy: strategy}, Why: "down"})
		h.event(orders.EventQueued, 1)
		h.port.set(func(g *gate) { g.shut = false })
		h.event(orders.EventCancelled, 1) // first thing at the logon
		h.open()
		if h.dialed != 1 || h.account.Status().Live != 0 {
			h.t.Fatalf("dialled %d lines, %d orders live, want 1 and 0", h.dialed, h.account.Status().Live)
		}
	})
}

func TestSessionThatCrashesTakesTheOwnerWithItAndBothComeBack(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.crash("session")
		h.until("another owner", func() bool { return h.account.Status().Generation == 2 })
		h.open()
		if s := h.account.Status(); s.Live != 1 || s.Unknown != 0 {
			h.t.Fatalf("%+v, want the one order live", s)
		}
	})
}

// TestWhatOneStrategyLeavesIsCancelledAndTheOthersIsNot is what a node does
// when a strategy goes down, at a venue without a mass cancel by strategy.
func TestWhatOneStrategyLeavesIsCancelledAndTheOthersIsNot(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 49*dollar)
		h.place(2, "other", 48*dollar)
		h.place(3, strategy, 47*dollar)
		for c := range byte(3) {
			h.event(orders.EventAccepted, c+1)
		}
		h.tell(orders.CancelAll{Scope: orders.Scope{Strategy: strategy}, Why: "down"})
		h.event(orders.EventCancelled, 1)
		h.event(orders.EventCancelled, 3)
		h.until("the status shows it", func() bool { return h.account.Status().Live == 1 })
		h.mu.Lock()
		defer h.mu.Unlock()
		if slices.ContainsFunc(h.events, func(e orders.Event) bool { return e.Kind == orders.EventCancelled && e.Strategy == "other" }) {
			h.t.Error("the other strategy's order was cancelled")
		}
	})
}

// TestNextOwnerKnowsWhatTheLastOneAppended crashes the owner while the disk is
// slow: the intent that was on its way to it is not forgotten, since it may
// turn up in the journal for ever after.
func TestNextOwnerKnowsWhatTheLastOneAppended(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.slow.Store(true)
		h.place(1, strategy, 50*dollar)
		h.until("it waits for the disk", func() bool { return h.account.Status().Waiting == 1 })
		path := "venues/" + string(account) + "/orders"
		if err := h.tree.Inject(path, supervision.Panic); err != nil {
			h.t.Fatal(err)
		}
		h.until("the next owner starts", func() bool {
			e, _ := h.tree.Snapshot().Find(path)
			return e.Epoch == 2
		})
		if err := h.sys.Advance(h.t.Context(), time.Minute); err != nil {
			h.t.Fatal(err)
		}
		if s := h.account.Status(); s.Generation != 2 || !errors.Is(s.Partial, orders.ErrUnsettled) {
			h.t.Fatalf("%+v before the disk has answered, want a desk that closes and says why", s)
		}
		h.slow.Store(false)
		if e := h.event(orders.EventRejected, 1); e.Reason != orders.ReasonAbsent {
			h.t.Fatalf("rejected for %q, want absent", e.Reason)
		}
		h.open()
	})
}

// TestOwnerThatStartsWhileTheDiskHangsCancels is P7 in the middle of a stall: the next owner does not wait for the disk, nor does
// it know what is on its way there, and so it withdraws what it can read. It opens when the disk has answered.
func TestOwnerThatStartsWhileTheDiskHangsCancels(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.slow.Store(true)
		h.crash("orders")
		h.event(orders.EventCancelled, 1)
		h.until("nothing is live", func() bool { return h.account.Status().Live == 0 })
		h.place(2, strategy, 49*dollar)
		h.event(orders.EventRefused, 2)
		if s := h.account.Status(); s.Session == "open" || !errors.Is(s.Partial, orders.ErrUnsettled) {
			h.t.Errorf("session %s, partial %v: want a desk that closes and says why", s.Session, s.Partial)
		}
		h.slow.Store(false)
		h.open()
		h.place(3, strategy, 49*dollar)
		h.event(orders.EventAccepted, 3)
		h.until("one order is live", func() bool { return h.account.Status().Live == 1 })
		if s := h.account.Status(); s.Partial != nil {
			h.t.Errorf("partial %v, want an account that knows all", s.Partial)
		}
	})
}

// Whoever closed wrote nothing, so the next one has nothing more to wait for: restarts that go on for as long as a disk is slow would
// spend the intensity of the tree.
func TestOwnerOpensOnceADiskThatIsAlwaysTooSlowHasAnswered(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.lag.Store(int64(1500 * time.Millisecond))
		h.crash("orders")
		h.until("a desk that closes", func() bool { return errors.Is(h.account.Status().Partial, orders.ErrUnsettled) })
		h.open()
		if s := h.account.Status(); s.Generation != 3 || s.Partial != nil {
			h.t.Errorf("incarnation %d, partial %v: want the third, which opens", s.Generation, s.Partial)
		}
	})
}

// A journal is read from its first record, which takes longer than any one message may: an owner that reads is not hung.
func TestOwnerThatReadsALongJournalIsNotTakenForHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inHouse(t, actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}, false, func(h *house) {
			h.open()
			h.place(1, strategy, 50*dollar)
			h.event(orders.EventAccepted, 1)
			h.drag.Store(int64(900 * time.Millisecond))
			h.crash("orders")
			h.open()
			if s := h.account.Status(); s.Generation != 2 || s.Live != 1 {
				h.t.Errorf("incarnation %d with %d orders live, want the second with one", s.Generation, s.Live)
			}
		})
	})
}

func TestOwnerThatCannotFollowIsToldTheLinkIsDownAndHearsAllAgain(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		var err error
		for n := 0; err == nil; n++ {
			if n > 10_000 {
				h.t.Fatal("a mailbox without a bound")
			}
			err = h.ear.Hand(orders.MassCancelAck{})
		}
		if !errors.Is(err, actors.ErrFull) {
			h.t.Fatalf("Hand() error = %v, want %v", err, actors.ErrFull)
		}
		h.ear.Broken(err)
		h.until("the owner knows", func() bool { return h.account.Status().Session == "down" })
		if s := h.account.Status(); s.Unknown != 1 {
			h.t.Errorf("%d orders UNKNOWN over a link that is down, want 1", s.Unknown)
		}
		h.open()
		if !slices.Contains(h.whys, "mailbox full") {
			h.t.Errorf("the owner was told %q, want that its mailbox was full", h.whys)
		}
		if h.port.logons != 2 || h.account.Status().Unknown != 0 {
			h.t.Errorf("%d logons, %d UNKNOWN, want 2 and none", h.port.logons, h.account.Status().Unknown)
		}
	})
}

func TestSessionTriesAgainLaterAndLaterWhenTheVenueSaysNothing(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.port.set(func(g *gate) { g.dumb = true })
		if err := h.port.Logout("S1", "wire"); err != nil {
			h.t.Fatal(err)
		}
		if err := h.sys.Advance(h.t.Context(), 10*time.Minute); err != nil {
			h.t.Fatal(err)
		}
		if n := h.port.logons - 1; n < 15 || n > 60 { // each takes ten seconds and at most thirty more
			h.t.Errorf("%d logons in ten minutes, want 15 to 60", n)
		}
		h.port.set(func(g *gate) { g.dumb = false })
		h.open()
	})
}

// TestAccountWhoseVenueIsAwayHoldsOnlyItself has a node come up without it.
func TestAccountWhoseVenueIsAwayHoldsOnlyItself(t *testing.T) {
	bothWays(t, true, func(h *house) {
		h.until("a logon fails", func() bool {
			h.port.mu.Lock()
			defer h.port.mu.Unlock()
			return h.port.logons > 0
		})
		h.tell(orders.Place{Intent: intent(1)})
		if e := h.event(orders.EventRefused, 1); e.Reason != orders.ReasonSession {
			h.t.Errorf("refused for %q, want session", e.Reason)
		}
		h.port.set(func(g *gate) { g.shut = false })
		h.open()
	})
}

// TestOwnerThatFindsItsJournalDeadCancelsAndNeverOpens starts an owner again
// whose predecessor may have heard of fills that nobody wrote down.
func TestOwnerThatFindsItsJournalDeadCancelsAndNeverOpens(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.dead.Store(true)
		h.crash("orders")
		h.event(orders.EventCancelled, 1)
		h.until("the list has come", func() bool {
			s := h.account.Status()
			return s.ListWhole && s.Unknown == 0 && s.Live == 0
		})
		h.place(2, strategy, 50*dollar)
		h.event(orders.EventRefused, 2)
		if s := h.account.Status(); s.Session != "reconciling" || !errors.Is(s.Partial, orders.ErrPartial) {
			h.t.Errorf("session %s, partial %v: want one that stays short of open and says why", s.Session, s.Partial)
		}
		if e, _ := h.tree.Snapshot().Find("venues/" + string(account) + "/reconciler"); e.Ready {
			h.t.Error("the account is reported reconciled")
		}
	})
}

// TestSameInputGivesTheSameJournal is promise P9 for a whole account, with an
// exchange, a crash and a reconciliation.
func TestSameInputGivesTheSameJournal(t *testing.T) {
	var runs [2][]journal.Record
	for i := range runs {
		onVirtualTime(t, func(h *house) {
			h.open()
			h.place(1, strategy, 50*dollar)
			h.event(orders.EventAccepted, 1)
			h.sell(4 * market.Unit)
			h.event(orders.EventFill, 1)
			h.crash("orders")
			h.open()
			h.tell(orders.CancelAll{Why: "done"})
			h.event(orders.EventCancelled, 1)
			h.until("all is on disk", func() bool { return h.log.Queued() == 0 })
			for r, err := range journal.Read(h.fs, "j", 0) {
				if err != nil {
					h.t.Fatal(err)
				}
				r.Body = slices.Clone(r.Body)
				runs[i] = append(runs[i], r)
			}
		})
	}
	if len(runs[0]) < 10 || !reflect.DeepEqual(runs[0], runs[1]) {
		t.Errorf("%d and %d records, want the same, and at least 10\n%v\n%v", len(runs[0]), len(runs[1]), runs[0], runs[1])
	}
}

// Another account goes on writing while the owner of this one reads: what is behind the settled record looks damaged then.
func TestWhatIsBehindTheSettledRecordIsNotLookedAt(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.commit()
	p := b.parts()
	p.Settled = b.log.Watermark()
	records := p.Records
	p.Records = func(yield func(journal.Record, error) bool) {
		for r, err := range records {
			if !yield(r, err) {
				return
			}
		}
		yield(journal.Record{}, errors.New("half a record"))
	}
	if _, err := orders.Open(p, b.risk.Now); err != nil {
		t.Errorf("Open() error = %v, want an account that opens on what is settled", err)
	}
}

// TestCancelsOfOneOrderDoNotFillTheirLane: who says the same cancel over and
// over, because the order is still there, must not be told that there is no
// room, and must not take the room of another order's cancel.
func TestCancelsOfOneOrderDoNotFillTheirLane(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.place(2, strategy, 49*dollar)
		h.event(orders.EventAccepted, 1)
		h.event(orders.EventAccepted, 2)
		for range 10_000 {
			h.tell(orders.CancelOrder{Strategy: strategy, Cause: risk.Cause{1}})
			h.tell(orders.CancelAll{Scope: orders.Scope{Strategy: "other"}, Why: "again"})
		}
		h.tell(orders.CancelOrder{Strategy: strategy, Cause: risk.Cause{2}})
		h.event(orders.EventCancelled, 1)
		h.event(orders.EventCancelled, 2)
	})
}
