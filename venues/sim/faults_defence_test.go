package sim_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// defended is a real desk with its gateway on an exchange with a fault, in a market that A2 makes by hand.
type defended struct {
	*node
	problems []string
	asked    int64
	again    func() // what a naive node does next
	naively  int    // how often it did something naive
	named    []market.ClOrdID
	most     market.Qty // that a report has said to be executed
}

// bent is a port whose replies a defence was taken out of.
type bent struct {
	sim.Port
	bend func(sim.Reply) []sim.Reply
}

func (b bent) Logon(s sim.Session) error {
	send := s.Send
	s.Send = func(r sim.Reply) {
		for _, x := range b.bend(r) {
			send(x)
		}
	}
	return b.Port.Logon(s)
}

// naive is how a defence is switched off: what the desk is told, or the gateway, or what is done when an order is in doubt. Whoever
// asks in time repairs almost everything, so most of them are mute too: they hear no answer to a question.
type naive struct {
	mute  bool
	hears func(d *defended, in orders.Inbound) []orders.Inbound
	port  func(d *defended) func(sim.Reply) []sim.Reply
	told  func(d *defended, e orders.Event)
}

// more reports whether a naive node lacks more than its answers.
func (n naive) more() bool { return n.hears != nil || n.port != nil || n.told != nil }

func defend(t *testing.T, n *naive, faults ...string) *defended {
	t.Helper()
	cfg := config(t)
	cfg.Listings, cfg.Faults = cfg.Listings[:1], plan(t, faults...)
	for i := range cfg.Sessions {
		cfg.Sessions[i].COD, cfg.Sessions[i].Reset = sim.CODOff, sim.ResetAlways // what a lost link ends cannot be lost
	}
	d := &defended{}
	d.node = newNodeWith(t, cfg, func(n *node) {
		d.node = n
		n.reach = 1000 * market.Unit
	}, func(port sim.Port) sim.Port {
		if n == nil || n.port == nil {
			return port
		}
		return bent{port, n.port(d)}
	})
	if n != nil {
		d.filter = func(in orders.Inbound) []orders.Inbound {
			switch {
			case n.mute && answers(in):
				return nil
			case n.hears != nil:
				return n.hears(d, in)
			}
			return []orders.Inbound{in}
		}
		if n.told != nil {
			d.told = func(e orders.Event) { n.told(d, e) }
		}
	}
	d.logon("A2")
	return d
}

// answers reports whether an inbound value answers a question.
func answers(in orders.Inbound) bool {
	switch in.(type) {
	case orders.Answer, orders.MassEnd:
		return true
	}
	return false
}

// want places an order and gives its id; "" if the node refused it.
func (d *defended) want(side market.Side, qty int64, px string) market.ClOrdID {
	d.t.Helper()
	d.causes++
	before := len(d.ids)
	d.desk.Handle(d.risk.Now, orders.Place{Intent: risk.Intent{
		Cause: risk.Cause{d.causes, 1}, Strategy: "s", Instrument: d.acme, Side: side, Type: market.Limit, TIF: market.GTC,
		Qty: market.Qty(qty) * market.Unit, Price: price(d.t, px), DecidedWall: market.Timestamp(d.risk.Now.Wall), Decided: d.risk.Now.Mono,
	}})
	d.settle(0)
	if len(d.ids) == before {
		return ""
	}
	return d.ids[len(d.ids)-1]
}

func (d *defended) stop(id market.ClOrdID) {
	d.t.Helper()
	d.desk.Handle(d.risk.Now, orders.CancelOrder{ID: id})
	d.settle(0)
}

func (d *defended) offer(qty int64, px string) {
	d.t.Helper()
	d.limit("A2", market.ClOrdID("m"+strconv.FormatUint(d.out["A2"], 10)), market.Sell, qty, px, market.GTC)
	d.settle(0)
}

// hit sells into what the node bids.
func (d *defended) hit(qty int64, px string) {
	d.t.Helper()
	d.limit("A2", market.ClOrdID("h"+strconv.FormatUint(d.out["A2"], 10)), market.Sell, qty, px, market.IOC)
	d.settle(0)
}

// cut breaks the link, has something happen meanwhile, and lets it come back.
func (d *defended) cut(meanwhile func()) {
	d.t.Helper()
	sulks := d.sulks
	d.sulks = true
	d.must(d.venue.Logout("A1", "wire"))
	d.settle(0)
	meanwhile()
	d.sulks = sulks
	d.settle(0)
}

// settle lets time pass, does what the reconciler of an account does, and holds the node's worst case against the ledger.
func (d *defended) settle(span time.Duration) {
	d.t.Helper()
	d.pump()
	d.covers()
	if again := d.again; again != nil {
		d.again = nil
		again()
	}
	for ; span > 0; span -= 20 * time.Millisecond {
		d.elapse(20 * time.Millisecond)
		d.covers()
		if again := d.again; again != nil {
			d.again = nil
			again()
		}
		if d.asked++; d.asked%50 != 0 {
			continue
		}
		if s := d.desk.Status(); s.Session == "reconciling" {
			d.desk.Handle(d.risk.Now, orders.Reconcile{})
		} else if s.Unknown > 0 {
			d.desk.Handle(d.risk.Now, orders.AskUnknown{})
		}
		d.pump()
	}
}

func (d *defended) problem(format string, args ...any) {
	if p := fmt.Sprintf(format, args...); !slices.Contains(d.problems, p) {
		d.problems = append(d.problems, p)
	}
}

// covers: what the node holds of an order is never less than what is open of it at the venue.
func (d *defended) covers() {
	for _, o := range d.floor() {
		if o.Account != "A1" || o.Leaves == 0 {
			continue
		}
		if mine, ok := d.desk.Machine().Order(orders.Ref{ID: o.Cl0}); !ok || mine.Held < o.Leaves {
			d.problem("%v of %s are open and the node holds %v", o.Leaves, o.Cl0, mine.Held)
		}
	}
}

func (d *defended) state(id market.ClOrdID) orders.OrderState {
	o, _ := d.desk.Machine().Order(orders.Ref{ID: id})
	return o
}

// expect says what must hold of an order at the node.
func (d *defended) expect(id market.ClOrdID, status orders.Status, cum int64) {
	if o := d.state(id); o.Status != status || o.Cum != market.Qty(cum)*market.Unit {
		d.problem("order %s is %v with %v executed, want %v with %d", id, o.Status, o.Cum, status, cum)
	}
}

// judged adds what the judges find: the ledger is the truth.
func (d *defended) judged(bought int64) {
	d.t.Helper()
	l, err := ledger.Read(bytes.NewReader(d.file.Bytes()))
	d.must(err)
	held := map[market.Symbol]market.Qty{}
	for _, p := range d.desk.Machine().Positions() {
		held[p.Instrument.Symbol()] += p.Qty
	}
	var known []ledger.NodeOrder
	for _, id := range d.ids {
		if o, ok := d.desk.Machine().Order(orders.Ref{ID: id}); ok {
			known = append(known, ledger.NodeOrder{ID: id, Ended: o.Leaves == 0})
		}
	}
	for _, f := range slices.Concat(ledger.J1(l), ledger.J2(l, "A1", held), ledger.J7(l, "A1", known)) {
		d.problem("%v", f)
	}
	if got := ledger.Positions(l)["A1"]["ACME"]; got != market.Qty(bought)*market.Unit {
		d.problem("A1 has %v, want the %d that it decided to buy", got, bought)
	}
	if n := d.desk.Status().Unknown; n > 0 {
		d.problem("%d orders are UNKNOWN at the end", n)
	}
}

// calm says that a venue may do all of this: the machine finds nothing odd.
func (d *defended) calm() {
	if len(d.flags) > 0 {
		d.problem("flags %v, want none", d.flags)
	}
}

// flagged says that the desk must have raised a flag.
func (d *defended) flagged(name string) {
	if d.flags[name] == 0 {
		d.problem("no flag %s, want one: %v", name, d.flags)
	}
}
