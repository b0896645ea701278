package risk

import "slices"

// consent says who wants a scope opened.
type consent struct {
	auto  bool   // the policy reopens what was open
	first bool   // and opens what never was
	by    string // an operator
}

// opening returns the first condition that keeps a scope from opening, in the order of the documentation, or "" when all hold. The
// firm and each account have a phase; what is narrower follows its account, its own latches and its limits. Prices (condition 4) are
// judged order by order, for the instrument alone.
func (l *ledger) opening(k Scope, c consent) Code {
	if l.opened == 0 || l.opened != l.term || !l.seeded {
		return CodeTermOpening
	}
	if k.Account != All {
		if why := l.accountReady(k.Account); why != "" {
			return why
		}
	} else if why := l.othersReady(); why != "" {
		return why
	}
	if l.frozen != "" {
		return CodeDigest
	}
	if l.latched(k) != Open {
		return CodeTripped
	}
	p := l.phases[k]
	if p == nil {
		return CodeTermOpening
	}
	if c.by == "" && (!c.auto || !p.wasOpen && !c.first) {
		return CodeNeedsOperator
	}
	return ""
}

// accountReady is conditions 2 and 3 of an account: its owner spoke in this term, nothing of former owners is open, and the venue's
// answer equals the ledger.
func (l *ledger) accountReady(name string) Code {
	a := l.accounts[name]
	if a == nil || a.inc == 0 {
		return CodeHolderSilent
	}
	if n := l.nodes[a.owner]; n == nil || n.term != l.opened {
		return CodeHolderSilent
	}
	switch a.doubt {
	case resUnknownOrders:
		return CodeUnknownOrders
	case resDifference:
		return CodeDifference
	default:
	}
	if len(a.orphans) > 0 {
		return CodeOrphaned
	}
	if a.reconciled != l.opened {
		return CodeReconciling
	}
	return ""
}

// othersReady is condition 2 of the wide scopes: every living incarnation spoke in this term. What the dead hold stays charged.
func (l *ledger) othersReady() Code {
	living := false
	for _, name := range sortedAccounts(l.accounts) {
		a := l.accounts[name]
		if a.inc == 0 {
			continue
		}
		living = true
		if n := l.nodes[a.owner]; n == nil || n.term != l.opened {
			return CodeHolderSilent
		}
	}
	if !living {
		return CodeHolderSilent
	}
	return ""
}

// unopened returns the scopes that have a phase and are not OPEN, the firm first.
func (l *ledger) unopened() []Scope {
	return slices.DeleteFunc(sortedScopes(l.phases), func(k Scope) bool { return l.phases[k].mode == Open })
}
