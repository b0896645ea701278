package orders_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/venues/sim"
)

func TestSilentOrderThatIsAskedForInVainIsUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		hear func(n orders.New) orders.Inbound
		want orders.Status
	}{
		"nothing":           {nil, orders.StatusUnknown},
		"no answer":         {func(n orders.New) orders.Inbound { return orders.NoAnswer(n.ID) }, orders.StatusUnknown},
		"an answer":         {func(n orders.New) orders.Inbound { r := newReport(n); r.ExecID = ""; return orders.Found(r) }, orders.StatusNew},
		"a report":          {func(n orders.New) orders.Inbound { return fill(n, "E", market.Unit, market.Unit) }, orders.StatusPartFilled},
		"that it is absent": {func(n orders.New) orders.Inbound { return orders.Absent(n.ID) }, orders.StatusUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			b, n := resting(t)
			b.pass(31 * time.Second)
			b.wire.asked = nil
			b.handle(orders.Tick{})
			if len(b.wire.asked) != 1 || b.order(n.ID).Status != orders.StatusNew {
				t.Fatalf("asked %d times, %v, want once, and NEW until the answer is due", len(b.wire.asked), b.order(n.ID).Status)
			}
			if tt.hear != nil {
				b.hear(tt.hear(n)) // within the same moment
			}
			b.pass(6 * time.Second)
			b.handle(orders.Tick{})
			if o := b.order(n.ID); o.Status != tt.want || o.Held < 9*market.Unit {
				t.Fatalf("%v with %v, held %v, want %v", o.Status, o.Doubts, o.Held, tt.want)
			}
		})
	}
}

// Whether a venue cancels with the link is an expectation: nothing is freed by it, and it is told when it was not met.
func TestCancelOnDisconnectIsNoEvidence(t *testing.T) {
	for name, tt := range map[string]struct {
		expected bool
		status   orders.Status
		leaves   market.Qty
		survived int
	}{
		"expected, and done":         {true, orders.StatusCanceled, 0, 0},
		"expected, and not done":     {true, orders.StatusNew, 10 * market.Unit, 1},
		"not expected, and done":     {false, orders.StatusCanceled, 0, 0},
		"not expected, and not done": {false, orders.StatusNew, 10 * market.Unit, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var survived []orders.Event
			b.wrap = func(p orders.Parts) orders.Parts {
				p.CancelOnDisconnect = tt.expected
				p.Events.Survived = func(e orders.Event) { survived = append(survived, e) }
				return p
			}
			b.commit()
			b.restart()
			b.logon()
			b.hear(orders.MassEnd{})
			b.risk.Open(t)
			b.place(1)
			b.commit()
			n := b.wire.placed[0]
			b.hear(newReport(n))
			for range 2 { // told once for each time that the link went
				survived = nil
				b.hear(orders.Link{Event: orders.LinkLogout, Why: "wire"})
				if o := b.order(n.ID); o.Status != orders.StatusUnknown || o.Held != 10*market.Unit || b.liveBuys() != 10*market.Unit {
					t.Fatalf("link down: %v, held %v, charged %v, want UNKNOWN and 10", o.Status, o.Held, b.liveBuys())
				}
				b.logon()
				found := newReport(n)
				found.ExecID, found.Status, found.Leaves = "", tt.status, tt.leaves
				b.hear(orders.Found(found))
				b.hear(orders.MassEnd{Count: 1})
				if o := b.order(n.ID); o.Status != tt.status || o.Held != tt.leaves || len(survived) != tt.survived {
					t.Fatalf("%v, held %v, told %d times, want %v, %v, %d", o.Status, o.Held, len(survived), tt.status, tt.leaves, tt.survived)
				}
				if tt.leaves == 0 {
					return
				}
			}
		})
	}
}

// A frame lost under good heartbeats is noticed by nobody but by who asks.
func TestFillThatWasLostIsFoundWithinTwiceTheSilence(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*1_000_000_000)
		h.event(orders.EventAccepted, 1)
		lost := []sim.Fault{{ID: "lost", Kind: sim.DropAfter, On: sim.FaultOn{Session: "S1", Msg: "8"}, When: sim.FaultWhen{Nth: 1}}}
		if err := h.port.Port.(*sim.Entrance).Arm(lost, nil); err != nil {
			t.Fatal(err)
		}
		before := h.sys.Now()
		h.sell(4 * market.Unit)
		h.event(orders.EventFill, 1)
		if took := h.sys.Now().Sub(before); took > 60*time.Second {
			t.Errorf("found after %v, want within twice 30s", took)
		} else if took < 20*time.Second {
			t.Errorf("found after %v: the fill was not lost", took)
		}
	})
}
