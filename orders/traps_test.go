package orders_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// What an answer knows and no report told is made up under a name that is a function of the facts: however often a process ends
// around it, it is the same execution, and the report that comes after all is it too.
func TestMadeUpFillIsTheSameOverRestarts(t *testing.T) {
	b, n := resting(t)
	b.commit()
	found := newReport(n)
	found.ExecID, found.Status, found.Cum, found.Leaves = "", orders.StatusPartFilled, 4*market.Unit, 6*market.Unit
	found.Avg, found.HasAvg = n.Price, true
	want := []orders.Executed{{ID: "SYN/" + string(n.ID) + "/4", Qty: 4 * market.Unit, Price: n.Price, Synthetic: true}}
	for i, kept := range []bool{false, true, true} { // is what was made up on the disk when the process ends
		b.restart()
		b.logon()
		if i < 2 || b.order(n.ID).Cum != 0 {
			b.hear(orders.Found(found))
			b.hear(orders.MassEnd{Count: 1})
		}
		if o := b.order(n.ID); !slices.Equal(o.Executed, want) || o.Held != 6*market.Unit {
			t.Fatalf("start %d: %+v, held %v, want %+v and 6", i+1, o.Executed, o.Held, want)
		}
		if got := b.desk.Machine().Position(acme); got != 4*market.Unit {
			t.Fatalf("start %d: position %v, want 4", i+1, got)
		}
		if kept {
			b.commit()
		}
	}
	b.hear(fill(n, "E1", 4*market.Unit, 4*market.Unit))
	if got := b.desk.Machine().Position(acme); got != 4*market.Unit {
		t.Fatalf("position %v after the report that was lost, want 4", got)
	}
}

// Cancels need no journal: whatever state it is in, a thousand of them leave under fresh ids, and no order does.
func TestAThousandCancelsNeedNoJournal(t *testing.T) {
	fails := func(call journal.Call, err error) func(*bench) {
		return func(b *bench) {
			b.faults.Inject(journal.Fault{Call: call, At: b.faults.Calls(call) + 1, Err: err})
			b.hear(newReport(b.wire.placed[0])) // something to write
			if _, err := b.log.Commit(); !errors.Is(err, journal.ErrDead) {
				b.t.Fatalf("Commit() error = %v, want dead", err)
			}
		}
	}
	for name, breaks := range map[string]func(b *bench){
		"a sync failed":                 fails(journal.CallSync, syscall.EIO),
		"the disk is mounted read-only": fails(journal.CallWrite, syscall.EROFS),
		"the disk is full":              fails(journal.CallWrite, syscall.ENOSPC),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			const orderCount = 1000
			for i := range orderCount {
				in := intent(byte(i))
				in.Cause[1], in.Qty = byte(i>>8)+1, market.Unit
				b.handle(orders.Place{Intent: in})
			}
			b.commit()
			if len(b.wire.placed) != orderCount {
				t.Fatalf("placed %d, the last word was %+v, want %d", len(b.wire.placed), b.last(), orderCount)
			}
			breaks(b)
			b.handle(orders.CancelAll{Why: name})
			b.place(200)
			b.replace(orders.ReplaceOrder{ID: b.wire.placed[1].ID, Qty: 2 * market.Unit})
			b.commit()
			ids := map[market.ClOrdID]bool{}
			for _, c := range b.wire.cancelled {
				ids[c.ID] = true
			}
			for _, n := range b.wire.placed {
				ids[n.ID] = true
			}
			if len(b.wire.cancelled) != orderCount || len(ids) != 2*orderCount || len(b.wire.placed) != orderCount || len(b.wire.replaced) != 0 {
				t.Fatalf("%d cancels, %d ids, %d orders, %d replaces left, want 1000 under ids of their own, and no order more",
					len(b.wire.cancelled), len(ids), len(b.wire.placed), len(b.wire.replaced))
			}
		})
	}
}

// ungated is the gate of an account that nothing is asked of.
type ungated struct{ orders.Gate }

func (ungated) Restore([]risk.Position, []risk.Held) {}
func (ungated) Hold(risk.Held)                       {}

// Two accounts share a journal, and may hear of the same execution id: each counts its own.
func TestSameExecutionIDOfTwoAccountsIsTwoExecutions(t *testing.T) {
	b, n := resting(t)
	b.hear(fill(n, "E1", 4*market.Unit, 4*market.Unit))
	_, body, err := orders.Encode(nil, "B", b.risk.Now.Mono, fill(n, "E1", 10*market.Unit, 10*market.Unit))
	if err == nil {
		_, err = b.log.Append(orders.KindEvidence, 1, body)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.commit()
	b.restart()
	if got := b.desk.Machine().Position(acme); got != 4*market.Unit {
		t.Fatalf("position of A %v after a restart, want 4", got)
	}
	other := b.parts()
	other.Options.Account = "B"
	other.Gate = ungated{}
	d, err := orders.Open(other, b.risk.Now)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Machine().Position(acme); got != 10*market.Unit {
		t.Fatalf("position of B %v, want 10", got)
	}
}
