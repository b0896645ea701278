package sim_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/venues/sim"
)

// row is one kind of fault: what happens under it, the rule that answers it, and a node without that rule.
type row struct {
	faults  []string
	defence string
	day     func(d *defended)
	without naive
}

// TestFaults fires every kind of fault that needs no wire in front of a real desk. With its defence the desk has no problem: its
// positions are the ledger's, what it decided to buy was bought once, what it holds covers what is open, and nothing is in doubt
// at the end. Without the defence the same day has one, so the test would fail.
func TestFaults(t *testing.T) {
	for _, kind := range sim.FaultKinds() {
		r, ok := faultRows[kind]
		if !ok {
			t.Errorf("fault kind %s has no row, want one", kind)
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			with := defend(t, nil, r.faults...)
			r.day(with)
			if fired := with.fired(); fired[kind] == 0 {
				t.Errorf("fired: %v, want %s: nothing was tested", fired, kind)
			}
			for _, p := range with.problems {
				t.Error(p)
			}
			without := defend(t, &r.without, r.faults...)
			r.day(without)
			if fired := without.fired(); fired[kind] == 0 {
				t.Errorf("without its defence fired: %v, want %s", fired, kind)
			}
			if len(without.problems) == 0 {
				t.Errorf("no problem without its defence (%s), want one: the fault tests nothing", r.defence)
			}
			t.Logf("%s; without: %q", r.defence, without.problems)
			if !r.without.mute || !r.without.more() {
				return
			}
			mute := defend(t, &naive{mute: true}, r.faults...)
			r.day(mute)
			if !slices.ContainsFunc(without.problems, func(p string) bool { return !slices.Contains(mute.problems, p) }) {
				t.Errorf("whoever only asks nobody has the problems %q too: the defence (%s) is not what is tested", mute.problems, r.defence)
			}
		})
	}
	for kind := range faultRows {
		if !slices.Contains(sim.FaultKinds(), kind) {
			t.Errorf("there is a row for %s, which is no kind of fault", kind)
		}
	}
}

// TestTheFaultsPageNamesEveryKind: and the message that it is on, and no other kind.
func TestTheFaultsPageNamesEveryKind(t *testing.T) {
	page, err := os.ReadFile("../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1)
	var kinds []sim.FaultKind
	for _, m := range named {
		kinds = append(kinds, sim.FaultKind(m[1]))
	}
	want := sim.FaultKinds()
	slices.Sort(kinds)
	slices.Sort(want)
	if !slices.Equal(kinds, want) {
		t.Errorf("docs/faults.md names %v, want %v", kinds, want)
	}
	for _, k := range sim.WireFaults() {
		if !strings.Contains(string(page), "`"+string(k)+"`") {
			t.Errorf("docs/faults.md does not say that %s is refused", k)
		}
	}
}

// fired is how often each kind fired.
func (d *defended) fired() map[sim.FaultKind]uint64 {
	out := map[sim.FaultKind]uint64{}
	for _, l := range d.lines {
		if f, ok := l.(*sim.FaultLine); ok {
			out[sim.FaultKind(f.Kind)] = max(out[sim.FaultKind(f.Kind)], f.Firing)
		}
	}
	return out
}

// came is how many orders of A1 the venue has read.
func (d *defended) came() (n int) {
	for _, l := range d.lines {
		if r, ok := l.(*sim.RecvLine); ok && r.Account == "A1" && r.Msg == "D" {
			n++
		}
	}
	return n
}

// The ways to have no defence.

// hearsNot hears no answers and nothing that deaf says of.
func hearsNot(deaf func(d *defended, in orders.Inbound) bool) naive {
	return naive{mute: true, hears: func(d *defended, in orders.Inbound) []orders.Inbound {
		if deaf(d, in) {
			return nil
		}
		return []orders.Inbound{in}
	}}
}

// asksNot hears no answers: asking is the defence.
var asksNot = naive{mute: true}

// takes hears something else in place of what it is told.
func takes(as func(d *defended, in orders.Inbound) orders.Inbound) naive {
	return naive{hears: func(d *defended, in orders.Inbound) []orders.Inbound { return []orders.Inbound{as(d, in)} }}
}

// report gives what is told as a report of a type.
func report(in orders.Inbound, types ...orders.ExecType) (orders.Report, bool) {
	r, ok := in.(orders.Report)
	return r, ok && (len(types) == 0 || slices.Contains(types, r.Type))
}

// sendsAgain takes an order in doubt for refused, and places it again.
var sendsAgain = naive{told: func(d *defended, e orders.Event) {
	if e.Kind != orders.EventUnknown || d.naively > 0 {
		return
	}
	d.naively++ // once is enough
	d.queue = append(d.queue, orders.BusinessReject{ID: e.Order, Reason: 4})
	o := d.state(e.Order)
	d.again = func() { d.want(o.Side, int64(o.Total/market.Unit), o.Limit.String()) }
}}

// countsTwice takes every report for a new one.
func countsTwice(d *defended, in orders.Inbound) orders.Inbound {
	if r, ok := report(in); ok {
		d.naively++
		r.ExecID += "/" + strconv.Itoa(d.naively)
		return r
	}
	return in
}

// ends makes a report that ends an order of the node.
func ends(id market.ClOrdID, o orders.OrderState) orders.Report {
	return orders.Report{
		ID: id, OrderID: o.OrderID, ExecID: "made up " + string(id), Type: orders.ExecCanceled, Status: orders.StatusCanceled,
		Instrument: o.Instrument, Side: o.Side, Qty: o.Total, Cum: o.Cum, Price: o.Limit,
	}
}

// believesLists takes an order that a list does not name for gone.
func believesLists() naive {
	return naive{hears: func(d *defended, in orders.Inbound) []orders.Inbound {
		switch in := in.(type) {
		case orders.Answer:
			d.named = append(d.named, in.ID())
		case orders.MassEnd:
			var out []orders.Inbound
			for _, of := range d.desk.Machine().Live(orders.Scope{}) {
				if !slices.Contains(d.named, of.ID) {
					out = append(out, ends(of.ID, d.state(of.ID)))
				}
			}
			return append(out, in)
		}
		return []orders.Inbound{in}
	}}
}

// numbers gives the replies of a venue numbers that follow, whatever they were, but for those that lost says are not heard; and
// hears no answers.
func numbers(lost func(sim.Reply) bool) naive {
	n := asksNot
	n.port = func(*defended) func(sim.Reply) []sim.Reply {
		next := uint64(0)
		return func(r sim.Reply) []sim.Reply {
			if lost(r) {
				return nil
			}
			if w, ok := r.Body.(sim.Welcome); ok {
				w.Reset = false
				r.Body = w
			}
			if r.Seq != 0 {
				next++
				r.Seq = next
			}
			return []sim.Reply{r}
		}
	}
	return n
}
