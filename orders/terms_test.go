package orders_test

import (
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// moved is a machine with a buy of ten at 50, and a replace of it whose answer did not come.
func moved(t *testing.T, c orders.Change) *orders.Machine {
	t.Helper()
	m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
	n := orders.New{ID: "X", Instrument: acme, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: 10, Price: 50}
	c.ID, c.Of = "Y", orders.Ref{ID: "X"}
	for _, in := range []orders.Input{orders.Create{New: n}, orders.HandOver{ID: "X"}, newReport(n), c, orders.HandOver{ID: "Y"}, orders.Timeout{ID: "Y"}} {
		m.Step(0, in)
	}
	return m
}

// An answer that names the order by its first id, or by none, is evidence by its terms.
func TestAnswerSettlesAReplaceByItsTerms(t *testing.T) {
	for name, tt := range map[string]struct {
		change orders.Change
		found  orders.Report
		status orders.Status
		qty    market.Qty
		px     market.Price
		id     market.ClOrdID
	}{
		"price alone, done":                 {orders.Change{Price: 60}, orders.Report{ID: "X", Qty: 10, Leaves: 10, Price: 60}, orders.StatusNew, 10, 60, "Y"},
		"price alone, done, no id":          {orders.Change{Price: 60}, orders.Report{Qty: 10, Leaves: 10, Price: 60}, orders.StatusNew, 10, 60, "Y"},
		"price alone, lost":                 {orders.Change{Price: 60}, orders.Report{ID: "X", Qty: 10, Leaves: 10, Price: 50}, orders.StatusNew, 10, 50, "X"},
		"price alone, no price in it":       {orders.Change{Price: 60}, orders.Report{ID: "X", Qty: 10, Leaves: 10}, orders.StatusNew, 10, 50, "X"},
		"price alone, by the new id":        {orders.Change{Price: 60}, orders.Report{ID: "Y", Qty: 10, Leaves: 10}, orders.StatusNew, 10, 60, "Y"},
		"both, done":                        {orders.Change{Qty: 15, Price: 60}, orders.Report{ID: "X", Qty: 15, Leaves: 15, Price: 60}, orders.StatusNew, 15, 60, "Y"},
		"both, the price is another's":      {orders.Change{Qty: 15, Price: 60}, orders.Report{ID: "X", Qty: 10, Leaves: 10, Price: 70}, orders.StatusNew, 10, 70, "X"},
		"quantity alone, done, and a price": {orders.Change{Qty: 15}, orders.Report{ID: "X", Qty: 15, Leaves: 15, Price: 50}, orders.StatusNew, 15, 50, "Y"},
	} {
		t.Run(name, func(t *testing.T) {
			m := moved(t, tt.change)
			tt.found.Instrument, tt.found.Side, tt.found.Status = acme, market.Buy, orders.StatusNew
			m.Step(0, orders.Found(tt.found).About("X", ""))
			o, _ := m.Order(orders.Ref{ID: "X"})
			if o.Status != tt.status || o.Total != tt.qty || o.Limit != tt.px || o.InForce != tt.id || len(o.Pending) != 0 {
				t.Errorf("%v, %v at %v under %s, pending %v, want %v, %v at %v under %s", o.Status, o.Total, o.Limit, o.InForce, o.Pending, tt.status, tt.qty, tt.px, tt.id)
			}
		})
	}
}

// A request that the venue only said was pending is asked for as long as nothing else comes.
func TestRequestThatStaysPendingIsAskedFor(t *testing.T) {
	for name, ask := range map[string]orders.Message{
		"cancel":  orders.CancelOrder{},
		"replace": orders.ReplaceOrder{Qty: 4 * market.Unit},
	} {
		t.Run(name, func(t *testing.T) {
			b, n := resting(t)
			pending := newReport(n)
			pending.ExecID = ""
			switch v := ask.(type) {
			case orders.CancelOrder:
				v.ID, pending.Status = n.ID, orders.StatusPendingCancel
				b.handle(v)
			case orders.ReplaceOrder:
				v.ID, pending.Status = n.ID, orders.StatusPendingReplace
				b.replace(v)
			}
			b.commit()
			b.risk.Now.Mono += 6e9
			b.handle(orders.Tick{}) // its answer timer
			b.hear(orders.Found(pending))
			if o := b.order(n.ID); o.Status != pending.Status {
				t.Fatalf("%v, want %v", o.Status, pending.Status)
			}
			for range 2 {
				b.wire.asked = nil
				b.risk.Now.Mono += 31e9
				b.handle(orders.Tick{})
				if o := b.order(n.ID); o.Status != orders.StatusUnknown || len(b.wire.asked) != 1 {
					t.Fatalf("%v, asked %d times, want UNKNOWN and once", o.Status, len(b.wire.asked))
				}
				b.hear(orders.Found(pending))
			}
			b.risk.Now.Mono += 31e9
			b.handle(orders.Tick{})
			refused := newReport(n)
			refused.ExecID = ""
			b.hear(orders.Found(refused)) // its refusal was lost
			if o := b.order(n.ID); o.Status == pending.Status || o.Status == orders.StatusUnknown {
				t.Fatalf("%v with %v", o.Status, o.Pending)
			}
		})
	}
}
