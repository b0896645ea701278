package orders_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
)

// aheadOf is a bench whose orders leave ahead of the disk, under names of blocks of size.
func aheadOf(t *testing.T, size int) *bench {
	t.Helper()
	b := newBench(t)
	b.wrap = func(p orders.Parts) orders.Parts { p.Block = size; return p }
	b.commit()
	b.restart()
	b.commit()
	b.logon()
	b.hear(orders.MassEnd{})
	return b
}

func absentFor(ids []market.ClOrdID, b *bench) {
	for _, id := range ids {
		b.hear(orders.Absent(id))
	}
}

func TestAnOrderLeavesAheadOfTheDiskUnderANameThatIsOnIt(t *testing.T) {
	b := aheadOf(t, 8)
	b.place(1)
	if len(b.wire.placed) != 1 {
		t.Fatalf("%d orders left before their intent was durable, want 1", len(b.wire.placed))
	}
	id := b.wire.placed[0].ID
	b.restart()
	o, known := b.desk.Machine().Order(orders.Ref{ID: id})
	if !known || o.Status != orders.StatusUnknown || o.Held != 0 || o.Instrument.Valid() {
		t.Fatalf("%s, whose intent was lost: known %v, %+v, want a name that is UNKNOWN and nothing else", id, known, o)
	}
	if n, u := b.desk.Machine().Reserved(), b.desk.Machine().Unknown(); n != 8 || u != 8 {
		t.Errorf("%d names are looked up, %d UNKNOWN, want all 8", n, u)
	}
	if s := b.desk.Status(); s.Reserved != 8 || s.Live != 0 || s.Unknown != 8 {
		t.Errorf("status %+v, want 8 reserved, none live", s)
	}
}

func TestWhatWaitsForTheDiskInHorizonMode(t *testing.T) {
	for name, act := range map[string]func(b *bench){
		"no block is durable": func(b *bench) {
			for cause := byte(10); cause < 13; cause++ { // the block of two is used up, and the next is on its way
				b.place(cause)
			}
		},
		"a held order that is let go": func(b *bench) {
			b.handle(orders.Place{Intent: intent(1), Held: true})
			b.handle(orders.Release{ID: b.desk.Machine().Live(orders.Scope{})[0].ID})
		},
		"a replace": func(b *bench) {
			b.place(1)
			b.hear(newReport(b.wire.placed[0]))
			b.wire.placed = nil
			b.handle(orders.ReplaceOrder{ID: b.desk.Machine().Live(orders.Scope{})[0].ID, Qty: 5 * market.Unit})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := aheadOf(t, 2)
			act(b)
			before := len(b.wire.placed) + len(b.wire.replaced)
			b.commit()
			if after := len(b.wire.placed) + len(b.wire.replaced); after != before+1 {
				t.Fatalf("%d were sent before the disk had them and %d after, want one more", before, after)
			}
		})
	}
}

func TestABlockThatIsUsedUpIsFollowedByTheNext(t *testing.T) {
	b := aheadOf(t, 4)
	for cause := byte(1); cause <= 30; cause++ {
		b.place(cause)
		b.commit()
		if len(b.wire.placed) != int(cause) {
			t.Fatalf("order %d did not leave", cause)
		}
	}
	var ids []market.ClOrdID
	for _, n := range b.wire.placed {
		ids = append(ids, n.ID)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 30 {
		t.Fatalf("names came twice: %v", ids)
	}
	b.restart()
	if n := b.desk.Machine().Reserved(); n == 0 || n > 6 {
		t.Errorf("%d names are looked up, want those of open blocks that no order has, 1 to 6", n)
	}
}

func TestALostOrderThatTheVenueKnowsIsTakenAsItIsAndWithdrawn(t *testing.T) {
	for name, tell := range map[string]func(n orders.New) orders.Inbound{
		"by a report": func(n orders.New) orders.Inbound { return newReport(n) },
		"by a fill":   func(n orders.New) orders.Inbound { return fill(n, "E1", 4*market.Unit, 4*market.Unit) },
		"by an answer": func(n orders.New) orders.Inbound {
			r := newReport(n)
			r.Status, r.Cum, r.Leaves, r.Avg, r.HasAvg = orders.StatusPartFilled, 4*market.Unit, 6*market.Unit, n.Price, true
			return orders.Found(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := aheadOf(t, 8)
			b.place(1)
			n := b.wire.placed[0]
			b.restart()
			b.logon()
			b.wire.cancelled = nil
			b.hear(tell(n))
			o := b.order(n.ID)
			if !o.Foreign || o.Strategy != "" || o.Instrument != acme || o.Total != 10*market.Unit || o.Held != o.Leaves || o.Leaves == 0 {
				t.Fatalf("%+v, want an order of no strategy with the venue's terms, held", o)
			}
			if want := o.Cum; b.desk.Machine().Position(acme) != want {
				t.Errorf("position %v, want %v", b.desk.Machine().Position(acme), want)
			}
			if b.told.held[n.ID] != o.Leaves {
				t.Errorf("the gate holds %v of it, want %v", b.told.held[n.ID], o.Leaves)
			}
			b.pass(time.Second)
			b.handle(orders.Tick{})
			if len(b.wire.cancelled) != 1 || b.wire.cancelled[0].Orig != n.ID {
				t.Errorf("cancelled %+v, want it, once", b.wire.cancelled)
			}
			if d := b.desk.Machine().Differences(); len(d) != 1 {
				t.Errorf("differences %q, want it until it has ended", d)
			}
			end := newReport(n)
			end.Type, end.Status, end.Cum, end.Leaves = orders.ExecCanceled, orders.StatusCanceled, o.Cum, 0
			b.hear(end)
			if d := b.desk.Machine().Differences(); len(d) != 0 {
				t.Errorf("differences %q behind its end, want none", d)
			}
		})
	}
}

func TestNothingOpensBeforeEachNameIsKnownNotToBe(t *testing.T) {
	b := aheadOf(t, 4)
	b.place(1)
	b.restart()
	var ids []market.ClOrdID
	for _, r := range b.desk.Machine().InDoubt() {
		ids = append(ids, r.ID)
	}
	b.wire.asked = nil
	b.logon()
	b.hear(orders.MassEnd{}) // the first time that none is named
	if s := b.desk.Status(); s.Session != "reconciling" || s.Unknown != 4 {
		t.Fatalf("%+v after one list, want reconciling and 4 UNKNOWN", s)
	}
	if n := len(b.wire.asked); n != 5 { // the list, and each name
		t.Errorf("%d questions, want 5", n)
	}
	absentFor(ids, b) // too soon to count
	if b.desk.Machine().Reserved() != 4 {
		t.Fatal("an answer that came at once counted twice")
	}
	b.pass(3 * time.Second)
	absentFor(ids[:3], b)
	if s := b.desk.Status(); s.Session != "reconciling" || s.Unknown != 1 {
		t.Fatalf("%+v with one name left, want reconciling", s)
	}
	absentFor(ids[3:], b)
	s := b.desk.Status()
	if s.Session != "open" || s.Unknown != 0 || s.Reserved != 0 {
		t.Fatalf("%+v, want open", s)
	}
	if _, known := b.desk.Machine().Order(orders.Ref{ID: ids[0]}); known {
		t.Error("a name that was never used is still known")
	}
	b.events = nil
	b.hear(fill(orders.New{ID: ids[0], Instrument: acme, Side: market.Buy, Qty: 10 * market.Unit, Price: dollar}, "E9", market.Unit, market.Unit))
	if d := b.desk.Machine().Differences(); len(d) != 1 {
		t.Errorf("differences %q where the venue contradicts itself, want one", d)
	}
}

func TestAnOrderlyEndGivesTheNamesBack(t *testing.T) {
	b := aheadOf(t, 8)
	b.place(1)
	b.desk.Close()
	b.commit()
	b.restart()
	if n := b.desk.Machine().Reserved(); n != 0 {
		t.Fatalf("%d names are looked up, want none", n)
	}
	if o := b.order(b.wire.placed[0].ID); o.Status != orders.StatusUnknown || o.Total == 0 {
		t.Fatalf("%+v, want the order UNKNOWN with its terms", o)
	}
}

func TestANextOwnerInTheSameProcessHasNothingToLookUp(t *testing.T) {
	b := aheadOf(t, 8)
	b.place(1)
	b.commit()
	for range 3 {
		d, err := orders.Open(b.parts(), b.risk.Now)
		if err != nil {
			t.Fatal(err)
		}
		b.desk = d
		b.commit()
		if n := d.Machine().Reserved(); n != 0 {
			t.Fatalf("%d names are looked up, want none: the life that used them goes on", n)
		}
	}
	b.restart()
	if n := b.desk.Machine().Reserved(); n != 8 { // of the last owner's block alone
		t.Fatalf("%d names are looked up, want 8", n)
	}
}

func TestADeadJournalRefusesAlsoAheadOfTheDisk(t *testing.T) {
	b := aheadOf(t, 8)
	b.faults.Inject(journal.Fault{Call: journal.CallSync, At: b.faults.Calls(journal.CallSync) + 1, Err: errors.New("planted")})
	b.place(1)
	b.commit()
	b.place(2)
	if e := b.last(); len(b.wire.placed) != 1 || e.Kind != orders.EventRefused || e.Reason != orders.ReasonJournal {
		t.Fatalf("%d left, last event %v %s, want one and refused: journal", len(b.wire.placed), e.Kind, e.Reason)
	}
}

func TestACheckpointKnowsTheNamesThatAreLookedUp(t *testing.T) {
	b := aheadOf(t, 8)
	b.place(1)
	n := b.wire.placed[0]
	b.restart()
	b.commit()
	b.logon()
	b.hear(orders.MassEnd{})
	b.commit()
	if err := writeCheckpoint(b.log, b.folded(), 100, func() {}); err != nil {
		t.Fatal(err)
	}
	b.commit()
	b.restart()
	if b.log.Checkpoint().Close == 0 {
		t.Fatal("the restart did not begin at the checkpoint")
	}
	if got := b.desk.Machine().Reserved(); got != 16 { // those of the life before, and of the one that ended now
		t.Fatalf("%d names are looked up, want 16", got)
	}
	b.logon()
	b.hear(newReport(n))
	if o := b.order(n.ID); o.Instrument != acme || !o.Foreign {
		t.Fatalf("%+v, want the order that the venue knows", o)
	}
}

// TestNamesOfManyLivesNeverComeTwice crashes with all, some and none of what was not durable, a hundred times.
func TestNamesOfManyLivesNeverComeTwice(t *testing.T) {
	b := aheadOf(t, 4)
	seen := map[market.ClOrdID]bool{}
	for i := range 100 {
		for n := range 1 + i%7 {
			in := intent(0)
			in.Cause = risk.Cause{byte(i), byte(1 + n), 1}
			b.quotes[acme] = risktest.Live(50*dollar, b.risk.Now.Mono)
			b.handle(orders.Place{Intent: in})
			if i%3 == n%3 {
				b.commit()
			}
		}
		for _, n := range b.wire.placed {
			if seen[n.ID] {
				t.Fatalf("life %d: %s came twice", i, n.ID)
			}
			seen[n.ID] = true
		}
		b.wire.placed = nil
		b.faults.Crash([]journal.Loss{journal.LoseAll, journal.LoseTail, journal.LoseNothing}[i%3])
		b.open()
		b.commit()
		b.logon()
		for round := 0; b.desk.Status().Session != "open"; round++ {
			if round == 10 {
				t.Fatalf("life %d does not open: %+v", i, b.desk.Status())
			}
			b.risk.Pass(3 * time.Second)
			for _, r := range b.desk.Machine().InDoubt() {
				b.hear(orders.Absent(r.ID))
			}
			b.handle(orders.Reconcile{})
			b.hear(orders.MassEnd{})
		}
	}
	if len(seen) < 100 {
		t.Fatalf("%d orders left in 100 lives", len(seen))
	}
}
