package risk

import (
	"github.com/failshut/failshut/market"
)

// view is what a gate judges by, made by the holder from the ledger and the configuration, and swapped as a whole. It is not changed
// once made.
type view struct {
	rules []rule // by leaf
	mode  Mode   // of the account, by the phases of the log
	why   Code
	scope Scope // whose mode it is

	limits uint64 // which of the ledger's limits it is made of

	maxOpen    int64
	maxLive    market.Notional
	credit     market.Notional
	maxUnknown int64
}

// rule is everything that one leaf's orders are judged by.
type rule struct {
	terms
	groups [3]*groupBound // firm, account, strategy
	books  [3]*bookBound  // firm, account and leaf in one instrument
	over   bool           // one of the six scopes is charged above its limit: only what reduces
	scope  Scope          // which
}

// terms is the part of a rule that changes only with the limits.
type terms struct {
	complete    bool
	missing     Missing // the first measure that is unset
	maxQty      market.Qty
	softQty     market.Qty
	soft        bool
	maxNotional market.Notional
	bps         int64
	ticks       market.Price // the collar in ticks, as a distance
}

// bound is a limit, what this account may use of it now (its grant and its posted facts, never above the limit), and the use above
// which the holder should ask for more.
type bound[T any] struct{ limit, allow, low T }

type groupBound struct{ long, short, gross bound[market.Notional] }

type bookBound struct{ long, short bound[market.Qty] }

// within compares the worst case with what an order would add to it in the six scopes. It returns a refusal when a limit is passed, else the scope
// whose capacity does not suffice, or -1.
func (g *Gate) within(r *rule, l *leaf, s market.Side, by exposure) (int, error) {
	short := -1
	add, qty, code := by.long, by.longQty, CodeLongLimit
	if s == market.Sell {
		add, qty, code = by.short, by.shortQty, CodeShortLimit
	}
	sums := [3]*exposure{&g.instruments[l.instrumentAt], &g.instruments[l.instrumentAt], &l.now}
	for i := range sums {
		now, b := sums[i].longQty, &r.books[i].long
		if s == market.Sell {
			now, b = sums[i].shortQty, &r.books[i].short
		}
		worst, err := now.Add(qty)
		if err != nil {
			return short, Refusal{Code: CodeOverflow, Scope: l.scopes[3+i]}
		}
		if worst > b.limit {
			return short, Refusal{Code: code, Scope: l.scopes[3+i], Value: worst.String(), Limit: b.limit.String()}
		}
		if worst > b.allow && short < 0 {
			short = 3 + i
		}
		if i == 0 && worst > b.low {
			g.runsShort()
		}
	}
	if add.Sign() > 0 {
		sums := [3]*exposure{&g.total, &g.total, &g.strategies[l.strategyAt]}
		for i := range sums {
			full, low, err := r.groups[i].judge(sums[i], s, add)
			if err != nil {
				err.Scope = l.scopes[i]
				return short, *err
			}
			if full && short < 0 {
				short = i
			}
			if low {
				g.runsShort()
			}
		}
	}
	return short, nil
}

// judge compares a group's sum after an addition to one side with its bounds: full when only the capacity does not suffice, low
// when it soon will not.
func (b *groupBound) judge(sum *exposure, s market.Side, add market.Notional) (full, low bool, refused *Refusal) {
	now, side := sum.long, &b.long
	if s == market.Sell {
		now, side = sum.short, &b.short
	}
	worst, err := now.Add(add)
	if err != nil {
		return false, false, &Refusal{Code: CodeOverflow}
	}
	if worst.Cmp(side.limit) > 0 {
		return false, false, &Refusal{Code: CodeNotionalLimit, Value: worst.String(), Limit: side.limit.String()}
	}
	gross, err1 := sum.long.Add(sum.short)
	gross, err2 := gross.Add(add)
	if first(err1, err2) != nil {
		return false, false, &Refusal{Code: CodeOverflow}
	}
	if gross.Cmp(b.gross.limit) > 0 {
		return false, false, &Refusal{Code: CodeGrossLimit, Value: gross.String(), Limit: b.gross.limit.String()}
	}
	return worst.Cmp(side.allow) > 0 || gross.Cmp(b.gross.allow) > 0, worst.Cmp(side.low) > 0 || gross.Cmp(b.gross.low) > 0, nil
}

// ofAccount judges what the account as a whole is bound by: orders of unknown state, open orders if there are to be more, live value.
func (g *Gate) ofAccount(v *view, l *leaf, cost market.Notional, more int64) error {
	scope := l.scopes[1]
	if n := g.unknown[l.instrumentAt]; int64(n) > v.maxUnknown {
		return Refusal{Code: CodeUnknownOrders, Scope: l.scopes[4], Value: text(int64(n)), Limit: text(v.maxUnknown)}
	}
	if more > 0 && g.open >= v.maxOpen {
		return Refusal{Code: CodeOpenOrders, Scope: scope, Value: text(g.open + 1), Limit: text(v.maxOpen)}
	}
	live, err := g.live.Add(cost)
	if err != nil {
		return Refusal{Code: CodeOverflow, Scope: scope}
	}
	if live.Cmp(v.maxLive) > 0 {
		return Refusal{Code: CodeLiveValue, Scope: scope, Value: live.String(), Limit: v.maxLive.String()}
	}
	return nil
}

// withinCredit judges what the account's worst case would cost in all, by what the order adds to it.
func (g *Gate) withinCredit(v *view, l *leaf, by exposure) error {
	if by.long.IsZero() && by.short.IsZero() {
		return nil
	}
	sum, err1 := g.total.add(by)
	gross, err2 := sum.long.Add(sum.short)
	if err1 != nil || err2 != nil {
		return Refusal{Code: CodeOverflow, Scope: l.scopes[1]}
	}
	if gross.Cmp(v.credit) > 0 {
		return Refusal{Code: CodeCredit, Scope: l.scopes[1], Value: gross.String(), Limit: v.credit.String()}
	}
	return nil
}
