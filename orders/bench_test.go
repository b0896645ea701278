package orders_test

import (
	"strconv"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

func working(tb testing.TB, m *orders.Machine, id market.ClOrdID, qty market.Qty) {
	tb.Helper()
	m.Step(0, orders.Create{New: orders.New{
		ID: id, Account: account, Strategy: strategy, Instrument: acme, Side: market.Buy, Type: market.Limit,
		TIF: market.Day, Qty: qty, Price: 50 * 1_000_000_000,
	}})
	m.Step(0, orders.HandOver{ID: id})
	m.Step(0, orders.Report{
		ID: id, OrderID: "V" + string(id), ExecID: "N" + string(id), Type: orders.ExecNew, Status: orders.StatusNew,
		Instrument: acme, Side: market.Buy, Qty: qty, Leaves: qty,
	})
}

// BenchmarkStepTrade is a fill of a known order: the longest of the ordinary
// ways through the machine. A fresh machine every 10,000 fills keeps the
// history of one order as long as a day's.
func BenchmarkStepTrade(b *testing.B) {
	const fills = 10_000
	reports := make([]orders.Report, fills)
	for i := range reports {
		reports[i] = orders.Report{
			ID: "X", OrderID: "VX", ExecID: "E" + strconv.Itoa(i), Type: orders.ExecTrade, Status: orders.StatusPartFilled,
			Instrument: acme, Side: market.Buy, Qty: 1 << 40, LastQty: 100, LastPx: 50 * 1_000_000_000,
		}
	}
	var m *orders.Machine
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if i%fills == 0 {
			b.StopTimer()
			m = orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
			working(b, m, "X", 1<<40)
			b.StartTimer()
		}
		r := &reports[i%fills]
		r.Cum = market.Qty(i%fills+1) * 100
		r.Leaves = 1<<40 - r.Cum
		m.Step(int64(i), r)
		i++
	}
}

// TestTradeOfAKnownOrderAllocatesNothing averages over many fills, so that the
// room that keeps them, which grows by doubling, does not count.
func TestTradeOfAKnownOrderAllocatesNothing(t *testing.T) {
	m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
	working(t, m, "X", 1<<40)
	const fills = 20_000
	ids := make([]string, fills+1)
	for i := range ids {
		ids[i] = "E" + strconv.Itoa(i)
	}
	r := &orders.Report{
		ID: "X", OrderID: "VX", Type: orders.ExecTrade, Status: orders.StatusPartFilled, Instrument: acme, Side: market.Buy,
		Qty: 1 << 40, LastQty: 100, LastPx: 50 * 1_000_000_000,
	}
	i := 0
	if n := testing.AllocsPerRun(fills, func() {
		r.ExecID, r.Cum = ids[i], market.Qty(i+1)*100
		r.Leaves = r.Qty - r.Cum
		m.Step(int64(i), r)
		i++
	}); n != 0 {
		t.Errorf("%v allocations a fill, want 0", n)
	}
	if o, _ := m.Order(orders.Ref{ID: "X"}); o.Cum != (fills+1)*100 {
		t.Errorf("cum %v, want every fill counted", o.Cum)
	}
}

// BenchmarkStepOrders is the memory of open orders.
func BenchmarkStepOrders(b *testing.B) {
	b.ReportAllocs()
	m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
	n := 0
	for b.Loop() {
		n++
		working(b, m, market.ClOrdID("10000010000"+strconv.Itoa(n)), 100*market.Unit)
	}
}
