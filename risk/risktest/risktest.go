// Package risktest brings up the risk of one node in tests of what stands above it: a desk whose gates open by the real conditions, on
// a log in memory, driven by hand and without a goroutine. It grants nothing by itself and has no switch around a control.
package risktest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Quotes is a book of prices that a test writes; the key's price is read by every check.
type Quotes map[market.Instrument]risk.Price

// Price returns the price of i as it was written.
func (q Quotes) Price(i market.Instrument) (risk.Price, bool) {
	p, ok := q[i]
	return p, ok
}

// Live returns a Live price around mid, one tick of 1e-2 wide on each side, proven at the instant mono.
func Live(mid market.Price, mono int64) risk.Price {
	return risk.Price{Bid: mid - 10_000_000, Ask: mid + 10_000_000, Last: mid, State: risk.PriceLive, Mono: mono}
}

// Node is the risk of one node. Its methods are for one goroutine.
type Node struct {
	Desk   *risk.Desk
	Holder *risk.Holder
	Log    risk.Log
	Now    risk.Reading
	Trips  []risk.Latch // latches that the cancel-all hook was called with

	queue []risk.Message
}

// Config returns a configuration that admits ordinary orders of the accounts, strategies and instruments given, under wide limits in
// every required scope, and opens by itself.
func Config(entitlements ...risk.Entitlement) risk.Config {
	c := risk.DefaultConfig()
	c.Node, c.Reopen, c.FirstOpen = "n1", risk.PolicyAuto, risk.PolicyAuto
	c.Controls = risk.Controls{
		Entitlements: entitlements, Restricted: []market.Instrument{}, Types: []market.OrderType{market.Limit, market.Market},
		Reference: risk.ReferenceMid, MaxAge: 5 * time.Second, MarketAtCollar: true,
	}
	c.Limits = WideLimits()
	return c
}

// WideLimits sets every measure, required or not, in every form of scope.
func WideLimits() []risk.Limit {
	wide := map[risk.Measure]string{
		risk.MaxOrderNotional: "10000000", risk.CollarBps: "1000", risk.CollarTicks: "1000000000000000", risk.MaxOpenOrders: "1000",
		risk.MaxConcentrationBps: "10000", risk.MaxLongQty: "1000000", risk.MaxShortQty: "1000000", risk.MaxOrderQty: "1000000",
		risk.MaxUnknownOrders: "0",
	}
	var out []risk.Limit
	for _, scope := range []string{"*/*/*", "+/*/*", "+/+/*", "+/+/+", "+/*/+", "*/*/+"} {
		for _, m := range risk.Measures() {
			value := wide[m]
			if value == "" {
				value = "1000000000"
			}
			l, err := risk.ParseLimit(scope, m.String(), value)
			if err == nil && m != risk.SoftOrderQty {
				out = append(out, l)
			}
		}
	}
	return out
}

// New makes a node that is shut. A mistake in the configuration ends the test.
func New(t testing.TB, c risk.Config, catalogue *market.Catalogue, prices risk.Prices, now risk.Reading) *Node {
	t.Helper()
	n := &Node{Now: now}
	d, err := risk.NewDesk(c, risk.Parts{
		Nonce: 1, Catalogue: catalogue, Prices: prices, Trips: &risk.MemTrips{}, OnTrip: func(l risk.Latch) { n.Trips = append(n.Trips, l) },
	})
	if err != nil {
		t.Fatalf("risk.NewDesk() error = %v", err)
	}
	n.Desk, n.Log = d, risk.NewMemoryLog(d.Machine(), 1)
	n.Holder = risk.NewHolder(d, n.Log, "test")
	d.Post(func(m risk.Message) error {
		n.queue = append(n.queue, m)
		return nil
	})
	return n
}

// Open brings the node up as a process does: leadership, journal, sessions, restored gates, clean reconciliation. Gates that were
// restored before keep what they hold. It ends the test when an account does not open.
func (n *Node) Open(t testing.TB) {
	t.Helper()
	n.Tell(risk.Leading{Term: n.Log.Term(), Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	for _, a := range n.Desk.Accounts() {
		if !n.Desk.Gate(a).Restored() {
			n.Desk.Gate(a).Restore(nil, nil)
		}
		n.Tell(risk.Session{Account: a, Up: true}, risk.Reconciled{Account: a, Epoch: 1})
	}
	n.Pass(100 * time.Millisecond)
	if body := n.Desk.Gatez(n.Now, ""); !body.Open {
		t.Fatalf("gates are not open: %s for %+v", body.Mode, body.Why)
	}
}

// Tell gives the holder messages, and everything that follows from them now.
func (n *Node) Tell(ms ...risk.Message) {
	n.queue = append(n.queue, ms...)
	for len(n.queue) > 0 {
		m := n.queue[0]
		n.queue = n.queue[1:]
		for _, p := range slices.Clone(n.Holder.Step(n.Now, m)) {
			n.queue = append(n.queue, p.Done(n.Log.Propose(context.Background(), p.Command)))
		}
	}
}

// Pass moves both clocks, while the holder renews in time. Prices are the test's own: what it does not write anew grows old.
func (n *Node) Pass(d time.Duration) {
	for left := d; left > 0; {
		step := min(left, 100*time.Millisecond)
		if wait := n.Holder.Wait(); wait > 0 {
			step = min(step, wait)
		}
		n.Now.Wall += int64(step)
		n.Now.Mono += int64(step)
		n.Tell(risk.Renew{})
		left -= step
	}
}
