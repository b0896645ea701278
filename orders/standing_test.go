package orders_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// reporting is a bench that keeps what is said of reconciliations.
func reporting(t *testing.T, change func(*orders.Parts)) (*bench, func() []risk.Reconciled) {
	t.Helper()
	var said []risk.Reconciled
	b := newBench(t)
	b.wrap = func(p orders.Parts) orders.Parts {
		p.Risk = func(m risk.Message) {
			if r, ok := m.(risk.Reconciled); ok {
				said = append(said, r)
			}
		}
		if change != nil {
			change(&p)
		}
		return p
	}
	b.commit()
	b.restart()
	return b, func() []risk.Reconciled { now := said; said = nil; return now }
}

func (b *bench) logon() {
	b.hear(orders.Link{Event: orders.LinkLogon})
	b.hear(orders.Link{Event: orders.LinkReplayed})
}

// wantSaid compares what was said with pairs of UNKNOWN orders and differences.
func wantSaid(t *testing.T, when string, got []risk.Reconciled, want ...[2]int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: said %+v, want %v", when, got, want)
	}
	for i, r := range got {
		if (r.Unknown != want[i][0]) || len(r.Differences) != want[i][1] || r.Account != account {
			t.Fatalf("%s: said %+v, want %v", when, got, want)
		}
	}
}

func stranger(s orders.Status, exec string) orders.Report {
	r := orders.Report{
		ID: "PHONE", OrderID: "V9", ExecID: exec, Type: orders.ExecNew, Status: s,
		Instrument: acme, Side: market.Buy, Qty: 5 * market.Unit, Leaves: 5 * market.Unit,
	}
	if s == orders.StatusCanceled {
		r.Type, r.Leaves = orders.ExecCanceled, 0
	}
	return r
}

// TestRiskHearsHowAnAccountStandsWheneverThatChanges is condition 3 of an
// opening, which holds for as long as the account is open.
func TestRiskHearsHowAnAccountStandsWheneverThatChanges(t *testing.T) {
	b, said := reporting(t, nil)
	b.logon()
	wantSaid(t, "before the list", said())
	b.hear(orders.MassEnd{})
	wantSaid(t, "at the first list", said(), [2]int{0, 0})
	b.risk.Open(t)

	b.place(1)
	b.commit()
	b.pass(6 * time.Second)
	b.handle(orders.Tick{})
	wantSaid(t, "with an order UNKNOWN", said(), [2]int{1, 0})
	b.handle(orders.Tick{})
	wantSaid(t, "with nothing new", said())
	b.hear(newReport(b.wire.placed[0]))
	wantSaid(t, "with the order known again", said(), [2]int{0, 0})

	b.hear(stranger(orders.StatusNew, "E1"))
	wantSaid(t, "with an order that is not ours", said(), [2]int{0, 1})
	b.hear(stranger(orders.StatusCanceled, "E2"))
	wantSaid(t, "with that order gone", said(), [2]int{0, 0})

	b.handle(orders.Reconcile{})
	b.hear(orders.Found(newReport(b.wire.placed[0])))
	wantSaid(t, "in the middle of a list", said())
	b.hear(orders.MassEnd{Count: 1})
	wantSaid(t, "at another whole list", said(), [2]int{0, 0})
	b.handle(orders.Reconcile{})
	b.hear(orders.MassEnd{Count: 1})
	wantSaid(t, "at a list that is short", said())

	b.hear(orders.Link{Event: orders.LinkLogout})
	b.handle(orders.Tick{})
	wantSaid(t, "with the link down", said())
	b.logon()
	wantSaid(t, "before the list of the next logon", said())
	b.hear(orders.Found(newReport(b.wire.placed[0])))
	b.hear(orders.MassEnd{Count: 1})
	wantSaid(t, "at the list of the next logon", said(), [2]int{0, 0})
}

// TestRiskHearsOfAWholeListThatLeavesAnOrderUnknown has the account stay short
// of open, for a reason that risk can name.
func TestRiskHearsOfAWholeListThatLeavesAnOrderUnknown(t *testing.T) {
	b, said := reporting(t, nil)
	b.logon()
	b.hear(orders.MassEnd{})
	b.risk.Open(t)
	b.place(1)
	b.commit()
	b.hear(orders.Link{Event: orders.LinkLogout})
	said()
	b.logon()
	b.hear(orders.MassEnd{}) // the list is whole, and does not name it
	wantSaid(t, "at the list", said(), [2]int{1, 0})
	b.hear(orders.Found(newReport(b.wire.placed[0])))
	wantSaid(t, "with the order found", said(), [2]int{0, 0})
}

// TestManyChangesAreSaidOnceATick bounds what an account that comes back with
// many orders has the log carry.
func TestManyChangesAreSaidOnceATick(t *testing.T) {
	b, said := reporting(t, nil)
	b.logon()
	b.hear(orders.MassEnd{})
	b.risk.Open(t)
	for c := range byte(20) {
		b.place(c + 1)
		b.commit()
		b.pass(10 * time.Millisecond)
	}
	if len(b.wire.placed) < 10 {
		t.Fatalf("%d orders left, want 10 at least", len(b.wire.placed))
	}
	b.hear(orders.Link{Event: orders.LinkLogout})
	b.logon()
	b.hear(orders.MassEnd{})
	said()
	for i, n := range b.wire.placed {
		b.hear(orders.Found(newReport(n)))
		if i == 5 {
			b.handle(orders.Tick{})
		}
	}
	wantSaid(t, "while they come to be known", said(), [2]int{len(b.wire.placed) - 6, 0}, [2]int{0, 0})
}
