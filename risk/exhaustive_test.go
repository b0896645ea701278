package risk

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"testing"
)

var statesFlag = flag.Int("states", 15_000, "states that the exhaustive test of the ledger looks at, at most")

// key is the state without what only counts how it was reached, as a hash.
func (w *smallWorld) key() [16]byte {
	e := &encoder{b: make([]byte, 0, 256)}
	e.uint(w.term)
	e.uint(uint64(w.starts))
	e.uint(w.ledger.opened)
	for _, m := range []Measure{MaxLongQty, MaxShortQty} {
		c := w.ledger.cells[row{smallScope, m}]
		for i := range w.accounts {
			p := c.part(name(i))
			e.amount(p.granted)
			e.amount(p.posted)
			e.amount(p.orphan)
		}
		e.bool(c != nil && c.over)
	}
	for i := range w.accounts {
		if a := w.ledger.accounts[name(i)]; a != nil {
			e.uint(a.inc)
			e.uint(a.fenced)
			e.string(a.reference)
			e.string(a.matched)
			e.uint(a.reconciled)
			for _, o := range a.orphans {
				e.uint(o)
			}
		}
		a := &w.accounts[i]
		for _, v := range [3]int8{a.pos, a.buys, a.sells} {
			e.int(int64(v))
		}
		for _, p := range a.processes {
			e.uint(p.inc)
			e.bool(p.adopted)
			for _, v := range [5]int8{p.long, p.short, p.pos, p.buys, p.sells} {
				e.int(int64(v))
			}
		}
		e.b = append(e.b, 0xff)
	}
	sum := sha256.Sum256(e.b)
	return [16]byte(sum[:16])
}

func TestExhaustiveLedgerNeverLetsTheWorstCaseExceedTheLimit(t *testing.T) {
	for _, limit := range []int8{1, 2} {
		first := newSmallWorld(limit)
		seen := map[[16]byte]bool{first.key(): true}
		queue := []smallWorld{first}
		fired := map[string]int{}
		transitions, spent := 0, 0
		for len(queue) > 0 && len(seen) < *statesFlag {
			w := queue[0]
			queue = queue[1:]
			for _, m := range w.moves(t) {
				transitions++
				fired[m.rule]++
				if m.to.ledger.frozen != "" {
					t.Fatalf("limit %d: after %s the ledger froze: %s\n%+v", limit, m.rule, m.to.ledger.frozen, w.accounts)
				}
				long, short := m.to.worst()
				if long > limit || short > limit {
					t.Fatalf("limit %d: after %s the worst case is %d long, %d short\nbefore %+v\nafter %+v", limit, m.rule, long, short, w.accounts, m.to.accounts)
				}
				if long == limit || short == limit {
					spent++
				}
				if k := m.to.key(); !seen[k] {
					seen[k] = true
					queue = append(queue, m.to)
				}
			}
		}
		line, err := json.Marshal(map[string]any{
			"limit": limit, "states": len(seen), "transitions": transitions, "complete": len(queue) == 0, "at_limit": spent, "rules_fired": fired, "breaches": 0,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(string(line))
		for _, rule := range []string{"hello", "fence", "reconcile", "sync", "return", "send", "fill", "cancel", "term", "look", "fill of a fenced life"} {
			if fired[rule] == 0 {
				t.Errorf("limit %d: %q never happened: the run proves nothing about it", limit, rule)
			}
		}
		if spent == 0 {
			t.Errorf("limit %d: the limit was never reached", limit)
		}
	}
}
