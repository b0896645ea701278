package sim_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

var faultSeed = flag.Uint64("faultseed", 1, "the first seed of the tests of faults")

// habit is what a small node does wrong; the zero habit is a node that behaves.
type habit struct {
	resends  bool // sends an order again that was not answered in time
	counts   bool // counts an execution each time it is told, and never asks
	deaf     bool // takes no fill of an order that it is cancelling, and never asks
	trusts   bool // believes that it has heard everything, and never asks
	ends     bool // calls an order ended that was not answered in time
	forgets  bool // forgets an order that was not answered in time
	cancelOK bool // calls an order ended as soon as it has asked for its cancel
}

// smallNode is a node in the fewest words: what it was told of its orders, and a position made of that.
type smallNode struct {
	*world
	habit
	pos    market.Qty
	orders []*smallOrder
	byID   map[market.ClOrdID]*smallOrder
}

type smallOrder struct {
	id         market.ClOrdID
	side       market.Side
	cum        market.Qty
	asked      market.Timestamp
	answered   bool
	cancelling bool
	ended      bool
	settled    bool // the exchange has said how it stands
}

// patience is how long a small node with a habit waits for an answer.
const patience = 300 * time.Millisecond

// act places an order near the market or cancels one, and lets some time pass.
func (n *smallNode) act(rng *rand.Rand) {
	open := slices.DeleteFunc(slices.Clone(n.orders), func(o *smallOrder) bool { return o.ended || o.cancelling || !o.answered })
	if len(open) > 0 && rng.IntN(2) == 0 {
		n.cancelOf(open[rng.IntN(len(open))])
	} else {
		o := &smallOrder{id: market.ClOrdID("a" + strconv.Itoa(len(n.orders))), side: market.Buy, asked: n.now}
		if rng.IntN(4) == 0 { // seldom: a missed buy and a missed sale would make up for each other
			o.side = market.Sell
		}
		n.orders, n.byID[o.id] = append(n.orders, o), o
		n.limit("A1", o.id, o.side, int64(1+rng.IntN(20)), fmt.Sprintf("%d.%02d", 99+rng.IntN(2), rng.IntN(100)), market.Day)
	}
	n.pass(time.Duration(1+rng.IntN(10)) * 20 * time.Millisecond)
	n.hear()
	n.lookBack()
}

func (n *smallNode) cancelOf(o *smallOrder) {
	o.cancelling = true
	o.ended = o.ended || n.cancelOK
	n.byID["c"+o.id] = o
	n.cancel("A1", "c"+o.id, o.id)
}

// hear takes what the exchange has said. Cumulative quantities only rise, so a report that comes late or twice does no harm.
func (n *smallNode) hear() {
	for _, r := range n.reports("A1") {
		o := n.byID[r.ClOrdID]
		if o == nil {
			continue
		}
		o.answered = true
		o.settled = o.settled || r.Type == sim.ExecStatus
		o.ended = o.ended || !r.Status.Open()
		if n.deaf && o.cancelling {
			continue
		}
		new := max(0, r.Cum-o.cum)
		if n.counts {
			new = r.LastQty
		}
		o.cum = max(o.cum, r.Cum)
		n.pos += market.Qty(o.side.Sign()) * new
	}
}

// lookBack is where the habits of the impatient show.
func (n *smallNode) lookBack() {
	for _, o := range n.orders {
		if o.answered || time.Duration(n.now-o.asked) < patience {
			continue
		}
		switch {
		case n.resends:
			o.answered = true // once is enough
			n.limit("A1", o.id, o.side, 1, "90", market.Day)
		case n.ends:
			o.ended = true
		case n.forgets:
			delete(n.byID, o.id)
		}
	}
}

// settle waits for what is late, and asks about every order that may have more to tell.
func (n *smallNode) settle() {
	n.pass(2 * sim.LateDelay)
	n.hear()
	if n.counts || n.deaf || n.trusts {
		return
	}
	for range 100 { // an answer may be lost too
		waits := false
		for _, o := range n.orders {
			if !o.settled && n.byID[o.id] != nil {
				waits = true
				n.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: o.id})
			}
		}
		if !waits {
			return
		}
		n.hear()
	}
	n.t.Error("orders without an answer after 100 questions")
}

// story trades on an exchange with a flow and a fault, and gives the ledger of the day up to its evening.
func (n *smallNode) story(seed uint64) *ledger.Ledger {
	rng := rand.New(rand.NewPCG(seed, 9))
	n.logon("A1")
	for range 80 {
		n.act(rng)
	}
	n.settle()
	l, err := ledger.Read(bytes.NewReader(n.file.Bytes()))
	n.must(err)
	return l
}

func newSmallNode(t *testing.T, seed uint64, h habit, faults ...string) *smallNode {
	t.Helper()
	cfg := config(t)
	cfg.Seed, cfg.Flow, cfg.Listings = seed, sim.DefaultFlow(), cfg.Listings[:1]
	cfg.Flow.Rate = 50
	cfg.Faults = plan(t, faults...)
	return &smallNode{world: open(t, cfg), habit: h, byID: map[market.ClOrdID]*smallOrder{}}
}

// findings asks J1, J2 and J7.
func (n *smallNode) findings(l *ledger.Ledger) map[string][]ledger.Finding {
	var known []ledger.NodeOrder
	for id, o := range n.byID {
		known = append(known, ledger.NodeOrder{ID: id, Ended: o.ended})
	}
	return map[string][]ledger.Finding{
		"J1": ledger.J1(l), "J2": ledger.J2(l, "A1", map[market.Symbol]market.Qty{"ACME": n.pos}), "J7": ledger.J7(l, "A1", known),
	}
}

// firings is how often each fault fired.
func firings(l *ledger.Ledger) map[string]uint64 {
	fired := map[string]uint64{}
	for _, f := range ledger.Of[*sim.FaultLine](l) {
		fired[f.ID] = max(fired[f.ID], f.Firing)
	}
	return fired
}

// TestTheJudgesTellANodeThatBehavesFromOneThatDoesNot lets two nodes trade under the same faults. The one that behaves is
// found nothing; the other has one bug, that the faults bring out, and the judge of that promise finds it.
func TestTheJudgesTellANodeThatBehavesFromOneThatDoesNot(t *testing.T) {
	tests := map[string]struct {
		fault string
		bug   habit
		judge string
	}{
		"a late answer, and the order is sent again":       {"late_ack p=0.3", habit{resends: true}, "J1"},
		"a lost answer, and the order is sent again":       {"drop_after p=0.3", habit{resends: true}, "J1"},
		"an execution told twice is counted twice":         {"dup_exec p=0.5", habit{counts: true}, "J2"},
		"a fill is ignored while a cancel is under way":    {"fill_while_pending_cancel p=0.5", habit{deaf: true}, "J2"},
		"a part fill is ignored while a cancel is, too":    {"fill_while_pending_cancel p=0.5 qty=1", habit{deaf: true}, "J2"},
		"a lost fill is never asked for":                   {"drop_after p=0.5 msg=8", habit{trusts: true}, "J2"},
		"a late answer is taken for a refusal":             {"late_ack p=0.3", habit{ends: true}, "J7"},
		"a lost answer is taken for a refusal":             {"drop_after p=0.3", habit{ends: true}, "J7"},
		"an order whose answer is lost is forgotten":       {"drop_after p=0.3", habit{forgets: true}, "J7"},
		"a cancel that is lost is taken for a cancel done": {"drop_before p=0.3 msg=F", habit{cancelOK: true}, "J7"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const days = 2 // in one of them a bug may do no harm: two missed fills can make up for each other
			caught := 0
			for seed := *faultSeed; seed < *faultSeed+days; seed++ {
				good, bad := newSmallNode(t, seed, habit{}, tt.fault), newSmallNode(t, seed, tt.bug, tt.fault)
				l := good.story(seed)
				for judge, found := range good.findings(l) {
					if len(found) > 0 {
						t.Errorf("-faultseed %d: %s of a node that behaves = %v, want none", seed, judge, found)
					}
				}
				for id, n := range firings(l) {
					t.Logf("seed %d: %s fired %d times", seed, id, n)
				}
				if len(firings(l)) == 0 {
					t.Errorf("-faultseed %d: the fault did not fire: nothing was tested", seed)
				}
				for _, f := range bad.findings(bad.story(seed))[tt.judge] {
					if caught++; f.Judge != tt.judge {
						t.Errorf("-faultseed %d: %v, want one of %s", seed, f, tt.judge)
					}
				}
			}
			if caught == 0 {
				t.Errorf("-faultseed %d: %s found nothing of a node with the bug in %d days, want a finding", *faultSeed, tt.judge, days)
			}
		})
	}
}

// TestTheSameSeedMakesTheSameFaults: every line of the ledger is equal, faults and draws with it, also of faults that are
// armed in the day; another seed makes other faults.
func TestTheSameSeedMakesTheSameFaults(t *testing.T) {
	faults := []string{"late_ack p=0.2", "dup_exec p=0.3", "drop_after p=0.1 msg=8", "fill_while_pending_cancel p=0.4 qty=2"}
	run := func(seed uint64, armed bool) ([]byte, string) {
		n := newSmallNode(t, seed, habit{})
		if armed {
			n.must(n.venue.Arm(n.now, plan(t, faults...)))
		} else {
			n = newSmallNode(t, seed, habit{}, faults...)
		}
		l := n.story(*faultSeed) // the node's own chance is the same under every seed of the exchange
		if len(firings(l)) != len(faults) {
			t.Errorf("-faultseed %d: firings of seed %d = %v, want some of each of %d", *faultSeed, seed, firings(l), len(faults))
		}
		drawn := ""
		for _, f := range ledger.Of[*sim.FaultLine](l) {
			drawn += f.ID + " " + f.Target + " " + f.Drawn + "\n"
		}
		return n.file.Bytes(), drawn
	}
	for _, armed := range []bool{false, true} {
		one, drawn := run(*faultSeed, armed)
		two, _ := run(*faultSeed, armed)
		if !bytes.Equal(one, two) {
			t.Errorf("-faultseed %d: two runs of one seed, armed in the day: %v, have ledgers of %d and %d bytes that differ", *faultSeed, armed, len(one), len(two))
		}
		if _, other := run(*faultSeed+1, armed); other == drawn {
			t.Errorf("-faultseed %d: another seed made the same faults, armed in the day: %v", *faultSeed, armed)
		}
	}
}
