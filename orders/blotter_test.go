package orders_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// shown compares a blotter with the machine behind it, which is asked in its owner's turn.
func (b *bench) shown(what string) *orders.Blotter {
	b.t.Helper()
	got, m := b.desk.Blotter(), b.desk.Machine()
	var want []orders.OrderState
	for o := range m.Orders() {
		want = append(want, o)
	}
	slices.Reverse(want)
	n := 0
	for r := range got.Orders() {
		if n >= len(want) || !reflect.DeepEqual(r.OrderState, want[n]) {
			b.t.Fatalf("%s: row %d is %+v, want %+v", what, n, r.OrderState, want[min(n, len(want)-1)])
		}
		n++
	}
	if n != len(want) || got.Unknown != m.Unknown() {
		b.t.Fatalf("%s: %d rows and %d UNKNOWN, want %d and %d", what, n, got.Unknown, len(want), m.Unknown())
	}
	for _, p := range got.Positions {
		var sum market.Inventory
		executions := m.ExecutionsOf(p.Strategy)
		for _, e := range executions {
			if err := sum.Take(e.Price, e.Qty); err != nil {
				b.t.Fatal(err)
			}
		}
		if p.Inventory != sum || p.Executions != len(executions) {
			b.t.Fatalf("%s: %s holds %+v by %d, want %+v by %d", what, p.Strategy, p.Inventory, p.Executions, sum, len(executions))
		}
	}
	return got
}

// Whatever is placed, filled, busted, corrected, found and replayed, the blotter shows what the machine has, and each one
// that was shown before stays as it was.
func TestABlotterShowsWhatTheMachineHas(t *testing.T) {
	s := drawSeed(t)
	fills, edits := 0, 0
	for run := range uint64(30) {
		r := rand.New(rand.NewPCG(s, run))
		b := newBench(t)
		cums, execs := map[market.ClOrdID]market.Qty{}, map[market.ClOrdID][]string{}
		var kept *orders.Blotter
		var was string
		for i := range 120 {
			switch r.IntN(8) {
			case 0:
				b.place(byte(1 + i))
				b.commit()
			case 7:
				if kept != nil && fmt.Sprint(rowsOf(kept)) != was {
					t.Fatalf("-seed %d, run %d: a blotter has changed", s, run)
				}
				kept = b.shown(fmt.Sprintf("-seed %d, run %d, step %d", s, run, i))
				was = fmt.Sprint(rowsOf(kept))
			default:
				if len(b.wire.placed) == 0 {
					continue
				}
				n := b.wire.placed[r.IntN(len(b.wire.placed))]
				f, e := b.anyReport(r, n, fmt.Sprintf("E%d", i), cums, execs)
				fills, edits = fills+f, edits+e
			}
		}
		b.shown(fmt.Sprintf("-seed %d, run %d", s, run))
		b.commit()
		b.restart()
		b.shown(fmt.Sprintf("-seed %d, run %d, after a restart", s, run))
	}
	if fills < 100 || edits < 100 {
		t.Fatalf("-seed %d: %d fills and %d busts and corrections, want 100 of each or this proves little", s, fills, edits)
	}
}

// anyReport says something of an order: a fill, a bust, a correction, or an answer that knows of more than we.
func (b *bench) anyReport(r *rand.Rand, n orders.New, id string, cums map[market.ClOrdID]market.Qty, execs map[market.ClOrdID][]string) (fills, edits int) {
	cum, one := cums[n.ID], market.Unit
	report := fill(n, id, cum+one, one)
	report.LastPx += market.Price(r.IntN(9)) * 10_000_000
	switch known := execs[n.ID]; {
	case r.IntN(3) > 0 && cum < n.Qty:
		execs[n.ID] = append(known, id)
		cums[n.ID] = cum + one
		fills++
	case r.IntN(4) == 0 && cum < n.Qty: // its report comes never, or later
		report.ExecID, report.Type, report.LastQty = "", orders.ExecStatus, 0
		cums[n.ID] = cum + one
	case len(known) == 0:
		return 0, 0
	default:
		at := r.IntN(len(known))
		report.Type, report.ExecRef, report.Status = orders.ExecCorrect, known[at], orders.StatusPartFilled
		report.Cum, report.Leaves = cum, n.Qty-cum
		if r.IntN(2) == 0 {
			report.Type, report.Cum, report.Leaves = orders.ExecBust, cum-one, n.Qty-cum+one
			execs[n.ID], cums[n.ID] = slices.Delete(known, at, at+1), cum-one
		}
		edits++
	}
	b.hear(report)
	return fills, edits
}

func rowsOf(b *orders.Blotter) (out []orders.OrderRow) {
	for r := range b.Orders() {
		out = append(out, *r)
	}
	return out
}

func TestABlotterForgetsWhatClosedLongAgoAndNotItsGain(t *testing.T) {
	b := newBench(t)
	b.desk.KeepClosed(3)
	for i := range 8 {
		b.place(byte(1 + i))
		b.commit()
		n := b.wire.placed[i]
		if i == 0 {
			continue // this one works
		}
		b.hear(fill(n, fmt.Sprintf("E%d", i), n.Qty, n.Qty))
		b.desk.Blotter()
	}
	names := func() (out []market.ClOrdID) {
		for r := range b.desk.Blotter().Orders() {
			out = append(out, r.ID)
		}
		return out
	}
	p := b.wire.placed
	if got, want := names(), []market.ClOrdID{p[7].ID, p[6].ID, p[5].ID, p[0].ID}; !slices.Equal(got, want) {
		t.Fatalf("orders %v, want the one that works and the three that closed last, %v", got, want)
	}
	bust := fill(p[2], "B", 9*market.Unit, market.Unit)
	bust.Type, bust.ExecRef = orders.ExecBust, "E2"
	b.hear(bust)
	got := b.desk.Blotter()
	if _, ok := got.Order(string(p[2].ID)); !ok || got.Positions[0].Inventory.Qty() != 60*market.Unit || got.Positions[0].Executions != 6 {
		t.Fatalf("after a bust of an order that was not shown any more: %v, %+v, want it shown and a position of 60", names(), got.Positions)
	}
}

// lines reads the history of an order as a node does: from the disk, up to what is durable.
func (b *bench) lines(id market.ClOrdID) (out []string) {
	b.t.Helper()
	r, ok := b.desk.Blotter().Order(string(id))
	if !ok {
		b.t.Fatalf("no order %s", id)
	}
	for l, err := range orders.History(r, account, journal.Read(b.faults, "journal", r.First), b.log.Watermark()) {
		if err != nil {
			b.t.Fatal(err)
		}
		if l.LSN == 0 || l.Text == "" {
			b.t.Errorf("line %+v lacks something", l)
		}
		out = append(out, l.Kind)
	}
	return out
}

func TestTheLifeOfAnOrderIsReadFromTheJournal(t *testing.T) {
	b := newBench(t)
	b.place(1)
	b.place(2)
	b.commit()
	one, two := b.wire.placed[0], b.wire.placed[1]
	b.hear(fill(two, "E1", market.Unit, market.Unit))
	b.hear(fill(one, "E2", 4*market.Unit, 4*market.Unit))
	b.handle(orders.CancelOrder{ID: one.ID})
	cancelled := orders.Report{
		ID: b.wire.cancelled[0].ID, Orig: one.ID, OrderID: "V-" + string(one.ID), ExecID: "X1", Type: orders.ExecCanceled, Status: orders.StatusCanceled,
		Instrument: acme, Side: market.Buy, Qty: one.Qty, Cum: 4 * market.Unit,
	}
	b.hear(cancelled)
	b.hear(fill(two, "E3", 2*market.Unit, market.Unit))
	b.commit()
	want := []string{"intent", "sent", "report", "cancel", "report"}
	if got := b.lines(one.ID); !slices.Equal(got, want) {
		t.Errorf("life %v, want %v", got, want)
	}
	b.restart()
	b.commit()
	if got := b.lines(b.wire.cancelled[0].ID); !slices.Equal(got, want) {
		t.Errorf("life after a restart, by the id of its cancel: %v, want %v", got, want)
	}
	if got, want := strings.Join(b.lines(two.ID), " "), "intent sent report report crash"; got != want {
		t.Errorf("life of the one that works %q, want %q", got, want)
	}
}
