package risk

import "github.com/failshut/failshut/market"

// plan is the list of cells that one account's leaves are charged to, so that use can be summed and bounds be read without a look-up
// per leaf: a whole market has tens of thousands of cells, and every entry of the log that grants makes the bounds anew.
type plan struct {
	leaves   int
	keys     []row
	at       [][15]int32 // of each leaf: three measures of three groups, then two of three books
	groups   []int32     // first key of each group scope; its other two follow
	books    []int32     // first key of each instrument scope; the other follows
	groupsOf [][3]int32  // of each leaf
	booksOf  [][3]int32

	use   []market.Notional
	want  []market.Notional
	turn  uint64 // of the gate when use was summed
	fresh bool

	of     *ledger           // that the rest was read from
	cells  []*cell           // nil where there is none yet
	seen   int               // cells of the ledger when they were looked up
	limits []market.Notional // where there is no cell
	since  uint64            // limits of the ledger when they were resolved
}

// layout returns an account's plan for the leaves given.
func (h *Holder) layout(name market.Account, leaves []*leaf) *plan {
	p := h.trades[name]
	if p == nil || p.leaves != len(leaves) {
		p = newPlan(leaves)
		h.trades[name] = p
	}
	return p
}

// planOf returns an account's plan with the use of every cell, or false while the gate cannot be read at one moment.
func (h *Holder) planOf(name market.Account) (*plan, []standing, bool) {
	all, leaves, ok := h.desk.gates[name].standings()
	if !ok {
		return nil, nil, false
	}
	p := h.layout(name, leaves)
	p.sum(all)
	return p, all, true
}

func newPlan(leaves []*leaf) *plan {
	n := len(leaves)
	p := &plan{leaves: n, at: make([][15]int32, n), groupsOf: make([][3]int32, n), booksOf: make([][3]int32, n)}
	groups, books := map[Scope]int32{}, map[Scope]int32{}
	for i, l := range leaves {
		for j, k := range l.scopes[:3] {
			n := p.place(groups, &p.groups, k, requiredGroup)
			p.groupsOf[i][j] = n
			for m := range int32(3) {
				p.at[i][3*j+int(m)] = p.groups[n] + m
			}
		}
		for j, k := range l.scopes[3:] {
			n := p.place(books, &p.books, k, requiredInstrument)
			p.booksOf[i][j] = n
			p.at[i][9+2*j], p.at[i][10+2*j] = p.books[n], p.books[n]+1
		}
	}
	p.use = make([]market.Notional, len(p.keys))
	p.want = make([]market.Notional, len(p.keys))
	return p
}

// place returns the number of a scope among those of its kind, and gives it keys when it is new.
func (p *plan) place(index map[Scope]int32, firsts *[]int32, k Scope, ms []Measure) int32 {
	if n, ok := index[k]; ok {
		return n
	}
	n := int32(len(*firsts))
	index[k] = n
	*firsts = append(*firsts, int32(len(p.keys)))
	for _, m := range ms {
		p.keys = append(p.keys, row{k, m})
	}
	return n
}

// look finds the cells of the plan in a ledger, and the limits of those that are not there yet, where either may have changed.
func (p *plan) look(l *ledger) {
	if p.of != l {
		p.of, p.cells, p.limits = l, make([]*cell, len(p.keys)), make([]market.Notional, len(p.keys))
		p.seen, p.since = -1, l.limitsAt-1
	}
	if p.seen == len(l.cells) && p.since == l.limitsAt {
		return
	}
	for i, key := range p.keys {
		if p.cells[i] != nil {
			continue
		}
		if p.cells[i] = l.cells[key]; p.cells[i] == nil && p.since != l.limitsAt {
			p.limits[i], _, _ = l.table.resolve(key.scope, key.measure)
		}
	}
	p.seen, p.since = len(l.cells), l.limitsAt
}

// over reports whether one of the six scopes of a leaf is charged above its limit.
func (p *plan) over(leaf, scope int) bool {
	first, n := int32(0), int32(2)
	if scope < 3 {
		first, n = p.groups[p.groupsOf[leaf][scope]], 3
	} else {
		first = p.books[p.booksOf[leaf][scope-3]]
	}
	for _, c := range p.cells[first : first+n] {
		if c != nil && c.over {
			return true
		}
	}
	return false
}

// sum adds up what every cell is used for. A sum that leaves its range stays at the greatest amount: nothing fits above it.
func (p *plan) sum(all []standing) {
	clear(p.use)
	for i, s := range all {
		at := &p.at[i]
		gross := plus(s.long, s.short)
		for j := 0; j < 9; j += 3 {
			p.add(at[j], s.long)
			p.add(at[j+1], s.short)
			p.add(at[j+2], gross)
		}
		long, short := plus(amount(s.pos), amount(s.buys)), minusSigned(amount(s.sells), amount(s.pos))
		for j := 9; j < 15; j += 2 {
			p.add(at[j], long)
			p.add(at[j+1], short)
		}
	}
}

func (p *plan) add(at int32, n market.Notional) {
	if !n.IsZero() {
		p.use[at] = plus(p.use[at], n)
	}
}

// plus adds, and stays at the greatest amount.
func plus(a, b market.Notional) market.Notional {
	if s, err := a.Add(b); err == nil {
		return s
	}
	return market.MaxNotional()
}

func minusSigned(a, b market.Notional) market.Notional {
	if s, err := a.Sub(b); err == nil {
		return s
	}
	return market.MaxNotional()
}

// positions returns the posted part that every cell should have: what positions, without live orders, charge.
func (p *plan) positions(all []standing) []market.Notional {
	posted := make([]market.Notional, len(p.keys))
	add := func(at int32, n market.Notional) {
		if !n.IsZero() {
			posted[at] = plus(posted[at], n)
		}
	}
	for i, s := range all {
		at := &p.at[i]
		for j := 0; j < 9; j += 3 {
			add(at[j], s.longCost)
			add(at[j+1], s.shortCost)
			add(at[j+2], plus(s.longCost, s.shortCost))
		}
		for j := 9; j < 15; j += 2 {
			add(at[j], amount(s.pos))
			add(at[j+1], minusSigned(market.Notional{}, amount(s.pos)))
		}
	}
	return posted
}
