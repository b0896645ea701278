package fix_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	ordersfix "github.com/failshut/failshut/orders/fix"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

const dollar = market.Price(1_000_000_000)

const (
	first  market.ClOrdID = "0100000000000001"
	second market.ClOrdID = "0100000000000002"
	third  market.ClOrdID = "0100000000000003"
)

// other trades at the exchange without a wire.
type other struct {
	x   *exchange
	seq uint64
}

const otherID = sim.SessionID("other")

func withOther(cfg *sim.Config) {
	s := sim.DefaultSession("A2")
	s.ID = otherID
	cfg.Sessions = append(cfg.Sessions, s)
}

func (x *exchange) other() *other {
	x.t.Helper()
	if err := x.Logon(sim.Session{ID: otherID, Seq: 1, Send: func(sim.Reply) {}}); err != nil {
		x.t.Fatal(err)
	}
	return &other{x: x, seq: 2}
}

func (o *other) limit(id market.ClOrdID, side market.Side, qty market.Qty, px market.Price) {
	o.x.t.Helper()
	err := o.x.Receive(otherID, sim.Request{
		Kind: sim.NewOrder, Seq: o.seq, ClOrdID: id, Symbol: "ACME", Side: side, Type: market.Limit, TIF: market.Day, Qty: qty, Price: px,
	})
	o.seq++
	if err != nil {
		o.x.t.Fatal(err)
	}
}

func TestWhatWasMissedIsToldOnceTheLinkIsBack(t *testing.T) {
	x := openExchange(t, withOther)
	o := x.other()
	n := openNode(t, x, nil)
	n.connect()
	n.place(first, market.Buy, 5*unit, 99*dollar)
	n.report(first, orders.ExecNew)
	if err := n.line.Disconnect("test"); err != nil {
		t.Fatal(err)
	}
	n.link(orders.LinkLogout)
	x.until("the venue knows that the link is gone", func() bool { return x.links("disconnect") == 1 })
	o.limit("m1", market.Sell, 2*unit, 99*dollar)
	o.limit("m2", market.Sell, 3*unit, 99*dollar)
	if err := n.line.Connect(); err != nil {
		t.Fatal(err)
	}
	n.link(orders.LinkLogon)
	if r := n.report(first, orders.ExecTrade); r.LastQty != 2*unit || r.Cum != 2*unit {
		t.Errorf("%+v", r)
	}
	if r := n.report(first, orders.ExecTrade); r.LastQty != 3*unit || r.Status != orders.StatusFilled {
		t.Errorf("%+v", r)
	}
	n.link(orders.LinkReplayed)
}

// TestANextLifeGoesOnFarAheadAndHearsWhatItsJournalLacks has numbers of ours that the venue never saw filled, and its own sent again.
func TestANextLifeGoesOnFarAheadAndHearsWhatItsJournalLacks(t *testing.T) {
	x := openExchange(t, withOther)
	o := x.other()
	n := openNode(t, x, nil)
	n.connect()
	n.place(first, market.Buy, 5*unit, 99*dollar)
	n.report(first, orders.ExecNew)
	journal := n.next
	o.limit("m1", market.Sell, 2*unit, 99*dollar)
	n.report(first, orders.ExecTrade)
	n.stop() // and what was told last was not written down
	n.next = journal
	again := openNode(t, x, func(c *ordersfix.Config) { c.NextOut = 1 << 32 })
	again.next = journal
	again.dial()
	if err := again.line.Connect(); err != nil {
		t.Fatal(err)
	}
	again.link(orders.LinkLogon)
	if r := again.report(first, orders.ExecTrade); !r.PossDup || r.LastQty != 2*unit || r.Seq != journal {
		t.Errorf("%+v, want the fill again, as number %d", r, journal)
	}
	again.link(orders.LinkReplayed)
	again.place(second, market.Buy, unit, 98*dollar)
	again.report(second, orders.ExecNew)
	if err := again.line.Ask(orders.Question{ID: first, Account: "A1", Instrument: acme, Side: market.Buy}); err != nil {
		t.Fatal(err)
	}
	a, ok := again.hear().(orders.Answer)
	if r, found := a.Report(); !ok || !found || r.Cum != 2*unit {
		t.Errorf("%+v, want the order with 2 filled", a)
	}
	if err := again.line.Ask(orders.Question{ID: third, Account: "A1"}); err != nil { // a name, and nothing else
		t.Fatal(err)
	}
	if a, ok := again.hear().(orders.Answer); !ok || !a.IsAbsent() || a.ID() != third {
		t.Errorf("%+v, want absent", a)
	}
	if found := ledger.J1(x.truth()); len(found) != 0 {
		t.Errorf("%v", found)
	}
}

func TestAnOwnerThatCannotFollowHearsItAgain(t *testing.T) {
	x := openExchange(t, withOther)
	o := x.other()
	n := openNode(t, x, nil)
	var mu sync.Mutex
	full, broken := false, 0
	line, err := n.engine.Dial(orders.Ear{
		NextIn: func(string) uint64 { return 1 },
		Hand: func(in orders.Inbound) error {
			mu.Lock()
			defer mu.Unlock()
			if full {
				return errors.New("full")
			}
			n.heard <- in
			return nil
		},
		Broken: func(error) { mu.Lock(); broken++; mu.Unlock() },
	})
	if err != nil {
		t.Fatal(err)
	}
	n.line = line
	n.connect()
	n.place(first, market.Buy, 5*unit, 99*dollar)
	n.report(first, orders.ExecNew)
	mu.Lock()
	full = true
	mu.Unlock()
	o.limit("m1", market.Sell, 2*unit, 99*dollar)
	x.until("the link is cut", func() bool { return x.links("disconnect") == 1 })
	mu.Lock()
	full = false
	if broken != 1 {
		t.Errorf("Broken was told %d times, want once", broken)
	}
	mu.Unlock()
	if err := n.line.Connect(); err != nil {
		t.Fatal(err)
	}
	n.link(orders.LinkLogon)
	if r := n.report(first, orders.ExecTrade); r.LastQty != 2*unit {
		t.Errorf("%+v", r)
	}
	n.link(orders.LinkReplayed)
}

func TestASecondNodeTakesTheSessionOver(t *testing.T) {
	x := openExchange(t, nil)
	n := openNode(t, x, nil)
	n.connect()
	n.place(first, market.Buy, 5*unit, 99*dollar)
	n.report(first, orders.ExecNew)
	n.stop() // its process hangs, as far as the venue can tell: the engine's table of sessions is one to a process
	m := openNode(t, x, func(c *ordersfix.Config) { c.Node, c.NextOut = "n2", 1<<32 })
	m.next = n.next
	m.dial()
	m.connect()
	subs := map[string]bool{}
	for _, l := range ledger.Of[*sim.LinkLine](x.truth()) {
		subs[l.Event] = true
	}
	if !subs["logon"] || !subs["disconnect"] {
		t.Errorf("the ledger has %v", subs)
	}
}

func TestAVenueThatCannotBeReachedIsSaid(t *testing.T) {
	x := openExchange(t, nil)
	x.stop()
	n := openNode(t, x, nil)
	if err := n.line.Connect(); err != nil {
		t.Fatal(err)
	}
	if l := n.link(orders.LinkLogout); !strings.Contains(l.Why, "refused") {
		t.Errorf("why is %q, want that it refused", l.Why)
	}
	if err := n.line.Cancel(orders.Cancel{ID: first}); !errors.Is(err, ordersfix.ErrLinkDown) {
		t.Errorf("Cancel() error = %v, want %v", err, ordersfix.ErrLinkDown)
	}
	x.serve(x.addr)
	n.connect()
}

// TestAVenueThatDoesNotReadIsCutOff has a listener that takes connections and nothing else.
func TestAVenueThatDoesNotReadIsCutOff(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	x := &exchange{t: t, addr: listener.Addr().String()}
	n := openNode(t, x, func(c *ordersfix.Config) { c.LogonWithin = 500 * time.Millisecond })
	if err := n.line.Connect(); err != nil {
		t.Fatal(err)
	}
	c, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	n.link(orders.LinkLogout) // no answer to the logon
}

func (x *exchange) links(event string) (count int) {
	for _, l := range ledger.Of[*sim.LinkLine](x.truth()) {
		if l.Event == event && string(l.Session) == x.t.Name() {
			count++
		}
	}
	return count
}

// until waits for something that another goroutine does soon.
func (x *exchange) until(what string, is func() bool) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for !is() {
		tick, stop := context.WithTimeout(ctx, time.Millisecond)
		<-tick.Done()
		stop()
		if ctx.Err() != nil {
			x.t.Fatalf("never: %s", what)
		}
	}
}
