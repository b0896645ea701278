package orders_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCancelsGoAheadOfReportsAndThoseAheadOfOrders(t *testing.T) {
	for _, c := range []struct {
		m    orders.Message
		want mailbox.Lane
	}{
		{orders.CancelOrder{}, mailbox.Control},
		{orders.CancelAll{}, mailbox.Control},
		{orders.Received{}, mailbox.Reports},
		{orders.Durable{}, mailbox.Reports},
		{orders.Tick{}, mailbox.Reports},
		{orders.Place{}, mailbox.Commands},
		{orders.ReplaceOrder{}, mailbox.Commands},
		{orders.Release{}, mailbox.Commands},
	} {
		if got := orders.LaneOf(c.m); got != c.want {
			t.Errorf("LaneOf(%T) = %v, want %v", c.m, got, c.want)
		}
	}
}

// TestOwnerPlacesFillsAndAsksAgain runs the actor, the journal's writer and the
// reconciler on the virtual clock: an order leaves when it is durable, its lost
// answer is asked for, and what the answer says is told.
func TestOwnerPlacesFillsAndAsksAgain(t *testing.T) {
	start := time.Unix(1_767_600_000, 0)
	sys, err := actors.New(actors.Config{Name: "t", Clock: actors.Virtual(start), Dispatch: actors.Deterministic(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	r := newRoom(t, sys)
	r.drive(func() bool { return r.status().Session == "down" })
	for _, in := range []orders.Inbound{orders.Link{Event: orders.LinkLogon}, orders.Link{Event: orders.LinkReplayed}, orders.MassEnd{}} {
		r.tell(orders.Received{In: in})
	}
	r.tell(orders.Place{Intent: intent(1)})
	r.drive(func() bool { return len(r.wire.placed) == 1 })
	asked := len(r.wire.asked)
	r.drive(func() bool { return len(r.wire.asked) >= asked+2 }) // by the timeout, then by the reconciler
	n := r.wire.placed[0]
	f := orders.Report{
		ID: n.ID, OrderID: "V1", Type: orders.ExecStatus, Status: orders.StatusFilled, Instrument: acme, Side: market.Buy,
		Qty: n.Qty, Cum: n.Qty, Avg: n.Price, HasAvg: true,
	}
	r.tell(orders.Received{In: orders.Found(f)})
	r.drive(func() bool { return r.fills == 1 && r.status().Unknown == 0 })
	if got := r.status().Positions; len(got) != 1 || got[0].Qty != n.Qty {
		t.Fatalf("positions %v, want %v of one instrument", got, n.Qty)
	}
}

// room is one account in a system: owner, journal writer and reconciler.
type room struct {
	t     *testing.T
	sys   *actors.System
	ref   actors.Ref[orders.Message]
	now   atomic.Pointer[orders.AccountStatus]
	wire  *wire
	fills int
}

func newRoom(t *testing.T, sys *actors.System) *room {
	t.Helper()
	r := &room{t: t, sys: sys, wire: &wire{}}
	reading := func() risk.Reading { return risk.Reading{Wall: sys.Now().UnixNano(), Mono: sys.Instant(sys.Now())} }
	r.wire.spend = reading
	b := newBench(t)
	gate := openGate{desk: b.risk.Desk.Gate(account), node: b.risk}
	fs := journal.NewMemFS(1 << 30)
	var owner atomic.Pointer[actors.Ref[orders.Message]]
	log, _, err := journal.Open(fs, "j", journal.Options{
		Node: "n1", Group: "20", Segment: 1 << 20, Floor: 2 << 20, OnDurable: func(l journal.LSN) {
			if to := owner.Load(); to != nil {
				_ = to.Tell(orders.Durable{LSN: l})
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.wire.spend = func() risk.Reading { return b.risk.Now }
	life, err := sys.Begin(actors.Birth{Name: "venues/a/orders", Epoch: 1, Class: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	act := orders.NewOwner(&r.now, func(now risk.Reading, _ actors.Fence) (*orders.Desk, error) {
		return orders.Open(orders.Parts{
			Options: orders.Options{Account: account}, Gate: gate, Gateway: r.wire, Log: log,
			Records: journal.Read(fs, "j", 0), Listener: func(e orders.Event) {
				if e.Kind == orders.EventFill {
					r.fills++
				}
			},
			AnswerAfter: time.Second, TTL: time.Hour,
		}, now)
	})
	r.ref, err = actors.Spawn(sys, actors.Spec[orders.Message]{Life: life, Box: orders.Box("orders"), Lane: orders.LaneOf, Actor: act})
	if err != nil {
		t.Fatal(err)
	}
	owner.Store(&r.ref)
	run := func(name string, f func(context.Context, actors.Outside) error) {
		if err := life.Run(name, f); err != nil {
			t.Fatal(err)
		}
	}
	run("reconciler", orders.Reconciler(&r.now, r.ref))
	run("journal", func(ctx context.Context, out actors.Outside) error {
		for {
			if _, err := log.Commit(); err != nil {
				return err
			}
			if err := out.Until(ctx, out.Now().Add(time.Millisecond)); err != nil {
				return nil
			}
		}
	})
	life.Ready()
	life.Open()
	return r
}

// openGate is a real gate that is asked at its own node's time, so that a test
// of the shell needs no renewals.
type openGate struct {
	desk *risk.Gate
	node *risktest.Node
}

func (g openGate) Check(in risk.Intent, _ risk.Reading) (risk.Permit, error) {
	return g.desk.Check(in, g.node.Now)
}
func (g openGate) Veto(id market.ClOrdID)                   { g.desk.Veto(id) }
func (g openGate) Hold(h risk.Held)                         { g.desk.Hold(h) }
func (g openGate) Execute(e risk.Execution)                 { g.desk.Execute(e) }
func (g openGate) Restore(p []risk.Position, h []risk.Held) { g.desk.Restore(p, h) }

func (r *room) status() orders.AccountStatus {
	if p := r.now.Load(); p != nil {
		return *p
	}
	return orders.AccountStatus{}
}

func (r *room) tell(m orders.Message) {
	r.t.Helper()
	if err := r.ref.Tell(m); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) drive(until func() bool) {
	r.t.Helper()
	if err := r.sys.Drive(r.t.Context(), until); err != nil {
		r.t.Fatal(err)
	}
	if !until() {
		r.t.Fatalf("nothing is left to do, and it has not come: %+v", r.status())
	}
}

func TestRoundsAskWithGrowingJitterAndStopWhenAllIsKnown(t *testing.T) {
	doubt := orders.AccountStatus{Session: "open", ListWhole: true, Unknown: 1}
	var r orders.Rounds
	now, asked := int64(0), 0
	for range 200 {
		m, wait := r.Next(now, doubt, 1<<63)
		if wait <= 0 || wait > 30*time.Second {
			t.Fatalf("wait %v, want above 0 and at most 30 s", wait)
		}
		if _, ok := m.(orders.AskUnknown); ok {
			asked++
		} else if m != nil {
			t.Fatalf("got %T, want AskUnknown", m)
		}
		now += int64(wait)
	}
	if asked < 190 {
		t.Fatalf("asked %d times in 200 rounds", asked)
	}
	if m, _ := r.Next(now, orders.AccountStatus{Session: "open"}, 0); m != nil {
		t.Fatalf("asked %T when all is known", m)
	}
	if m, _ := r.Next(now, orders.AccountStatus{Session: "down", Unknown: 9}, 0); m != nil {
		t.Fatalf("asked %T over a link that is down", m)
	}
	r.Next(now, orders.AccountStatus{Session: "reconciling", Unknown: 1}, 0)
	if m, _ := r.Next(now+int64(time.Second), orders.AccountStatus{Session: "reconciling", Unknown: 1}, 0); m != (orders.Reconcile{}) {
		t.Fatalf("got %T for a list that did not come, want Reconcile", m)
	}
}
