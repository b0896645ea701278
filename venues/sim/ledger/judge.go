package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// Finding is one thing that should not be. An empty list of findings is a promise kept, as far as the ledger goes.
type Finding struct {
	Judge string // J1 … J7
	N     uint64 // of the ledger line it was found on; 0: on none
	What  string
}

// String gives judge, line and cause.
func (f Finding) String() string { return fmt.Sprintf("%s at line %d: %s", f.Judge, f.N, f.What) }

// J1 finds every new order that was applied under a ClOrdID of the account that had been applied before (P3).
func J1(l *Ledger) []Finding {
	type key struct {
		account market.Account
		cl      market.ClOrdID
	}
	first := map[key]uint64{}
	var out []Finding
	for _, r := range Of[*sim.RecvLine](l) {
		if r.Msg != "D" || (r.Fate != sim.FateApplied && r.Fate != sim.FateAppliedDuplicate) {
			continue
		}
		k := key{r.Account, r.Cl}
		if n, again := first[k]; again {
			out = append(out, Finding{"J1", r.N, fmt.Sprintf("%s of %s applied again, first at line %d", r.Cl, r.Account, n)})
			continue
		}
		first[k] = r.N
		if r.Fate == sim.FateAppliedDuplicate {
			out = append(out, Finding{"J1", r.N, fmt.Sprintf("%s of %s applied as a duplicate", r.Cl, r.Account)})
		}
	}
	return out
}

// J2 finds every symbol in which the node's position of an account differs from the ledger's (P4). Symbols that either side
// does not name are at 0.
func J2(l *Ledger, account market.Account, node map[market.Symbol]market.Qty) []Finding {
	truth := Positions(l)[account]
	symbols := map[market.Symbol]bool{}
	for s := range truth {
		symbols[s] = true
	}
	for s := range node {
		symbols[s] = true
	}
	var out []Finding
	for _, s := range slices.Sorted(maps.Keys(symbols)) {
		if truth[s] != node[s] {
			out = append(out, Finding{"J2", 0, fmt.Sprintf("%s in %s: node has %v, ledger %v", account, s, node[s], truth[s])})
		}
	}
	return out
}

// Limits are the greatest worst cases that an account may have in a symbol.
type Limits struct{ Long, Short market.Qty }

// J3 finds every line on which the worst case of an account was above its limit (P1). A symbol that limit does not know
// must not be traded.
func J3(l *Ledger, account market.Account, limit map[market.Symbol]Limits) []Finding {
	var out []Finding
	for _, e := range Of[*sim.ExposureLine](l) {
		if e.Account != account {
			continue
		}
		if m := limit[e.Sym]; e.WorstLong > m.Long || e.WorstShort > m.Short {
			out = append(out, Finding{"J3", e.N, fmt.Sprintf("%s in %s: worst long %v, short %v, limit %v, %v", account, e.Sym, e.WorstLong, e.WorstShort, m.Long, m.Short)})
		}
	}
	return out
}

// J4 finds every trade of the account whose execution is not in the node's journal exactly once; execs are the ids that the
// journal counted, in any order. Ids that the ledger does not know are found too, save synthetic ones (SYN/…), which stand
// for executions the node never heard of and make J4 unfit for a run with lost reports.
func J4(l *Ledger, account market.Account, execs []string) []Finding {
	counted := map[string]int{}
	for _, e := range execs {
		counted[e]++
	}
	var out []Finding
	for _, t := range Of[*sim.TradeLine](l) {
		for _, p := range []*sim.Party{t.Buy, t.Sell} {
			if p == nil || p.Account != account {
				continue
			}
			if n := counted[p.Exec]; n != 1 {
				out = append(out, Finding{"J4", t.N, fmt.Sprintf("execution %s of %s counted %d times, want once", p.Exec, account, n)})
			}
			delete(counted, p.Exec)
		}
	}
	for _, c := range Of[*sim.CorrectionLine](l) { // a journal may count what became of an execution under its new id
		if n := counted[c.Exec]; c.Account == account && n > 1 {
			out = append(out, Finding{"J4", c.N, fmt.Sprintf("%s %s of %s counted %d times, want at most once", c.K, c.Exec, account, n)})
		}
		delete(counted, c.Exec)
	}
	for _, e := range slices.Sorted(maps.Keys(counted)) {
		if len(e) < 4 || e[:4] != "SYN/" {
			out = append(out, Finding{"J4", 0, fmt.Sprintf("execution %s of %s is not in the ledger", e, account)})
		}
	}
	return out
}

// J5 finds every order and replace of the account that was applied after a close was confirmed (P2); confirmed is the
// venue's time of that, in ns since 1970 UTC.
func J5(l *Ledger, account market.Account, confirmed market.Timestamp) []Finding {
	var out []Finding
	for _, r := range Of[*sim.RecvLine](l) {
		opens := r.Msg == "D" || r.Msg == "G"
		applied := r.Fate == sim.FateApplied || r.Fate == sim.FateAppliedDuplicate
		if r.Account == account && opens && applied && r.T > int64(confirmed) {
			out = append(out, Finding{"J5", r.N, fmt.Sprintf("%s %s of %s applied %d ns after the close", r.Msg, r.Cl, account, r.T-int64(confirmed))})
		}
	}
	return out
}

// J6 finds every order of the account that is still open at the end of the ledger: after a cancel-all there is none (P7).
func J6(l *Ledger, account market.Account) []Finding {
	var out []Finding
	for _, o := range Orders(l) {
		if o.Account == account && o.Leaves != 0 {
			out = append(out, Finding{"J6", o.N, fmt.Sprintf("order %s (%s) of %s has %v open", o.OID, o.Cl0, account, o.Leaves)})
		}
	}
	return out
}

// NodeOrder is an order as a node sees it. ID is any id of its chain.
type NodeOrder struct {
	ID    market.ClOrdID
	Ended bool
}

// J7 finds every order that the node calls ended and the ledger does not, and every order that is open in the ledger and
// missing from the node (P3, P7). An order the venue never had may be ended at the node, and unknown there.
func J7(l *Ledger, account market.Account, node []NodeOrder) []Finding {
	sorted := slices.SortedFunc(slices.Values(node), func(a, b NodeOrder) int { return cmp.Compare(a.ID, b.ID) })
	known := map[market.ClOrdID]bool{}
	for _, o := range sorted {
		known[o.ID] = known[o.ID] || o.Ended
	}
	var out []Finding
	for _, o := range Orders(l) {
		if o.Account != account || o.Leaves == 0 {
			continue
		}
		found, ended := false, false
		for _, id := range o.IDs {
			e, ok := known[id]
			found, ended = found || ok, ended || e
		}
		switch {
		case !found:
			out = append(out, Finding{"J7", o.N, fmt.Sprintf("order %s (%s) of %s is open and missing from the node", o.OID, o.Cl0, account)})
		case ended:
			out = append(out, Finding{"J7", o.N, fmt.Sprintf("order %s (%s) of %s is open here and ended at the node", o.OID, o.Cl0, account)})
		}
	}
	return out
}
