package risk

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/failshut/failshut/market"
)

// The world of the exhaustive test is small and hostile: two accounts on two nodes share one scope with a limit of one or two units a
// side. A process whose node was started again goes on sending on what it knew, until its session is taken. Entries are applied by
// the real ledger; what a process may send it decides as a gate does, by G + P of its last look at the replica.
type smallWorld struct {
	ledger   *ledger
	accounts [2]smallAccount
	term     uint64
	starts   int
}

type smallAccount struct {
	processes []smallProcess // the last one is the living incarnation
	pos       int8           // at the venue
	buys      int8           // live at the venue, of nobody who could still send
	sells     int8
}

type smallProcess struct {
	inc         uint64
	adopted     bool // it was reconciled: it knows what stands at the venue
	long, short int8 // allowance, as it saw it last
	pos         int8
	buys, sells int8
}

var smallScope = Scope{All, All, "X@V"}

func units(n int8) market.Notional { return amount(market.Qty(n)) }

func newSmallWorld(limit int8) smallWorld {
	w := smallWorld{ledger: newLedger(), term: 1}
	w.apply(&termOpen{1, "n0"})
	w.apply(&seed{limits: []Limit{{smallScope, MaxLongQty, units(limit)}, {smallScope, MaxShortQty, units(limit)}}})
	return w
}

func (w *smallWorld) apply(c body) code {
	b, err := encodeCommand(header{actor: "t"}, c)
	if err != nil {
		panic(err)
	}
	res, _, _ := w.ledger.apply(w.ledger.index+1, w.term, b)
	return res
}

func (w *smallWorld) clone() smallWorld {
	n := *w
	n.ledger = w.ledger.clone()
	for i := range n.accounts {
		n.accounts[i].processes = append([]smallProcess(nil), w.accounts[i].processes...)
	}
	return n
}

// clone copies the state; what is never written to in this world is shared.
func (l *ledger) clone() *ledger {
	n := *l
	n.touched = nil
	n.cells, n.nodes, n.accounts = make(map[row]*cell, len(l.cells)), make(map[string]*node, 2), make(map[string]*account, 2)
	n.groups, n.phases = maps.Clone(l.groups), make(map[Scope]*phaseEntry, len(l.phases))
	for k, v := range l.cells {
		c := *v
		c.claims = slices.Clone(v.claims)
		n.cells[k] = &c
	}
	for k, v := range l.nodes {
		c := *v
		n.nodes[k] = &c
	}
	for k, v := range l.accounts {
		c := *v
		c.orphans = slices.Clone(v.orphans)
		n.accounts[k] = &c
	}
	for k, v := range l.phases {
		c := *v
		n.phases[k] = &c
	}
	return &n
}

func name(i int) string { return fmt.Sprintf("A%d", i) }

func host(i int) string { return fmt.Sprintf("n%d", i) }

// look is what a process reads of its own replica.
func (w *smallWorld) look(i int) (long, short int8) {
	for j, m := range []Measure{MaxLongQty, MaxShortQty} {
		p := w.ledger.cells[row{smallScope, m}].part(name(i))
		sum := int8(narrow(plus(p.granted, p.posted)))
		if j == 0 {
			long = sum
		} else {
			short = sum
		}
	}
	return long, short
}

// worst is the exposure that could still arise at the venue, whoever causes it.
func (w *smallWorld) worst() (long, short int8) {
	for i := range w.accounts {
		a := &w.accounts[i]
		long += a.pos + a.buys
		short += a.sells - a.pos
		for _, p := range a.processes {
			long += p.buys
			short += p.sells
		}
	}
	return long, short
}

type smallMove struct {
	rule string
	to   smallWorld
}

// moves returns every next world.
func (w *smallWorld) moves(t *testing.T) []smallMove {
	var out []smallMove
	add := func(rule string, change func(n *smallWorld) bool) {
		n := w.clone()
		if change(&n) {
			out = append(out, smallMove{rule, n})
		}
	}
	if w.term < 2 {
		add("term", func(n *smallWorld) bool {
			n.term++
			return n.apply(&termOpen{n.term, "n0"}) == resOK
		})
	}
	for i := range w.accounts {
		if len(w.accounts[i].processes) < 2 && w.starts < 3 {
			add("hello", func(n *smallWorld) bool { return n.start(i) })
		}
		if len(w.accounts[i].processes) == 0 {
			continue
		}
		add("fence", func(n *smallWorld) bool { return n.fence(i) })
		add("reconcile", func(n *smallWorld) bool { return n.reconcile(t, i) })
		for _, ask := range []Measure{0, MaxLongQty, MaxShortQty} {
			add("sync", func(n *smallWorld) bool { return n.sync(t, i, ask, 0) })
		}
		for _, back := range []Measure{MaxLongQty, MaxShortQty} {
			add("return", func(n *smallWorld) bool { return n.sync(t, i, 0, back) })
		}
		for p := range w.accounts[i].processes {
			for _, s := range []market.Side{market.Buy, market.Sell} {
				add("send", func(n *smallWorld) bool { return n.send(i, p, s) })
				add("fill", func(n *smallWorld) bool { return n.fill(i, p, s) })
				add("cancel", func(n *smallWorld) bool { return n.cancel(i, p, s) })
			}
		}
		for _, s := range []market.Side{market.Buy, market.Sell} {
			add("fill of a fenced life", func(n *smallWorld) bool { return n.fill(i, -1, s) })
		}
		add("look", func(n *smallWorld) bool {
			p := &n.accounts[i].processes[len(n.accounts[i].processes)-1]
			long, short := n.look(i)
			changed := p.long != long || p.short != short
			p.long, p.short = long, short
			return changed && p.adopted
		})
	}
	return out
}

func (w *smallWorld) start(i int) bool {
	w.starts++
	if w.apply(&hello{host(i), fmt.Sprintf("g%d", i), uint32(w.starts), uint64(w.starts), []string{name(i)}, "", commandVersion}) != resOK {
		return false
	}
	w.accounts[i].processes = append(w.accounts[i].processes, smallProcess{inc: w.ledger.nodes[host(i)].inc})
	return true
}

// fence takes the session: nothing more leaves older lives, and what they have at the venue stays there.
func (w *smallWorld) fence(i int) bool {
	a := &w.accounts[i]
	last := a.processes[len(a.processes)-1]
	if w.ledger.accounts[name(i)].reference == fmt.Sprint(last.inc) {
		return false
	}
	if w.apply(&fence{name(i), last.inc - 1, proofSessionTaken, fmt.Sprint(last.inc)}) != resOK {
		return false
	}
	for _, p := range a.processes[:len(a.processes)-1] {
		a.buys += p.buys
		a.sells += p.sells
	}
	a.processes = []smallProcess{last}
	return true
}

// reconcile gives the ledger what stands at the venue. Unfenced, it must be refused.
func (w *smallWorld) reconcile(t *testing.T, i int) bool {
	a := &w.accounts[i]
	p := &a.processes[len(a.processes)-1]
	e := w.ledger.accounts[name(i)]
	pos, buys, sells := a.pos, a.buys+p.buys, a.sells+p.sells
	for _, old := range a.processes[:len(a.processes)-1] {
		buys += old.buys
		sells += old.sells
	}
	res := w.apply(&reconcile{
		account: name(i), inc: p.inc, fenceIndex: e.fenceIndex, reference: fmt.Sprint(p.inc),
		facts: []fact{{strategy: "s", instrument: "X@V", pos: market.Qty(pos), buys: market.Qty(buys), sells: market.Qty(sells)}},
	})
	if len(a.processes) > 1 && res == resOK {
		t.Fatalf("an account with %d lives that may still send was reconciled", len(a.processes))
	}
	if res != resOK {
		return false
	}
	p.pos, p.buys, p.sells, p.adopted = pos, buys, sells, true
	p.long, p.short = w.look(i)
	a.buys, a.sells = 0, 0
	return true
}

// sync posts what the living process knows, and asks for or returns one unit. It is applied twice: the second time must do nothing.
func (w *smallWorld) sync(t *testing.T, i int, ask, back Measure) bool {
	p := &w.accounts[i].processes[len(w.accounts[i].processes)-1]
	if !p.adopted {
		return false
	}
	c := &syncUp{node: host(i), inc: p.inc, seq: w.ledger.nodes[host(i)].seq + 1, sentTerm: w.term, want: true}
	for j, m := range []Measure{MaxLongQty, MaxShortQty} {
		should := p.pos
		if j == 1 {
			should = -p.pos
		}
		part := w.ledger.cells[row{smallScope, m}].part(name(i))
		if d := minusSigned(units(should), part.posted); !d.IsZero() {
			c.posts = append(c.posts, move{name(i), smallScope, m, d})
		}
	}
	if ask != 0 {
		c.asks = []move{{name(i), smallScope, ask, units(1)}}
	}
	if back != 0 { // deducted before it is proposed
		use, allowed := p.pos+p.buys, &p.long
		if back == MaxShortQty {
			use, allowed = p.sells-p.pos, &p.short
		}
		if *allowed-1 < use || len(c.posts) > 0 {
			return false
		}
		*allowed--
		c.returns = []move{{name(i), smallScope, back, units(1)}}
	}
	if ask == 0 && back == 0 && len(c.posts) == 0 {
		return false
	}
	res := w.apply(c)
	before := w.key()
	w.apply(c)
	if w.key() != before {
		t.Fatalf("the same Sync applied twice moved something: %+v", c)
	}
	return res == resOK
}

func (w *smallWorld) send(i, at int, s market.Side) bool {
	p := &w.accounts[i].processes[at]
	if s == market.Buy {
		p.buys++
		return p.pos+p.buys <= p.long
	}
	p.sells++
	return p.sells-p.pos <= p.short
}

func (w *smallWorld) fill(i, at int, s market.Side) bool {
	a := &w.accounts[i]
	buys, sells := &a.buys, &a.sells
	if at >= 0 {
		buys, sells = &a.processes[at].buys, &a.processes[at].sells
	}
	by, left := int8(1), buys
	if s == market.Sell {
		by, left = -1, sells
	}
	*left--
	a.pos += by
	if at >= 0 {
		a.processes[at].pos += by
	}
	return *left >= 0
}

func (w *smallWorld) cancel(i, at int, s market.Side) bool {
	p := &w.accounts[i].processes[at]
	left := &p.buys
	if s == market.Sell {
		left = &p.sells
	}
	*left--
	return *left >= 0
}
