package risk

import (
	"fmt"
	"time"

	"github.com/failshut/failshut/market"
)

// session is what is known of an account's session with its venue.
type session struct {
	up        bool
	count     uint64
	reference string // names this logon in the log; new for each
	report    *Reconciled
	sent      bool // the report was proposed
}

func (h *Holder) session(a market.Account) *session {
	s := h.sessions[a]
	if s == nil {
		s = &session{}
		h.sessions[a] = s
	}
	return s
}

// accounts has each account whose session is up fenced, which the answered logon proves, and then reconciled by what its orders actor
// reports and its gate holds.
func (h *Holder) accounts(l *ledger) {
	for _, name := range h.desk.accounts {
		s, a := h.sessions[name], l.accounts[string(name)]
		if s == nil || !s.up || a == nil || a.inc != h.inc {
			continue
		}
		if a.reference != s.reference {
			h.propose("fence/"+string(name), &fence{string(name), h.inc - 1, proofSessionTaken, s.reference})
			continue
		}
		if s.report == nil || s.sent && a.doubt == 0 && a.matched == s.reference && a.reconciled == l.opened {
			continue
		}
		if a.doubt != 0 && s.sent {
			continue // refused; the next report decides
		}
		facts, ok := h.facts(name)
		if !ok {
			continue
		}
		s.sent = h.propose("reconcile/"+string(name), &reconcile{
			account: string(name), inc: h.inc, fenceIndex: a.fenceIndex, reference: s.reference, facts: facts,
			unknown: uint64(max(0, s.report.Unknown)), differences: clipAll(s.report.Differences),
		}) || s.sent
	}
}

// clipAll bounds what a report may carry into the log.
func clipAll(list []string) []string {
	if len(list) > 16 {
		list = append(append([]string(nil), list[:16]...), fmt.Sprintf("and %d more", len(list)-16))
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clip(s)
	}
	return out
}

// facts returns what a gate holds, leaf by leaf, or false while it is not restored.
func (h *Holder) facts(name market.Account) ([]fact, bool) {
	g := h.desk.gates[name]
	if !g.restored.Load() {
		return nil, false
	}
	all, leaves, ok := g.standings()
	if !ok {
		h.at(h.now.Mono + int64(time.Millisecond))
		return nil, false
	}
	var facts []fact
	for i, s := range all {
		if s.pos == 0 && s.buys == 0 && s.sells == 0 {
			continue
		}
		facts = append(facts, fact{
			leaves[i].scopes[5].Strategy, leaves[i].scopes[5].Instrument, s.pos, s.buys, s.sells, s.longCost, s.shortCost, s.long, s.short,
		})
	}
	return facts, true
}
