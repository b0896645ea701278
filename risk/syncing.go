package risk

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// maxMoves bounds one Sync: with names of ordinary length it stays below the 64 KiB of a command.
const maxMoves = 300

// plan is the list of cells that one account's leaves are charged to, so that use can be summed without a look-up per leaf.
type plan struct {
	leaves int
	keys   []row
	at     [][15]int32 // of each leaf: three measures of three groups, then two of three books
	use    []market.Notional
	want   []market.Notional
	cells  []*cell // of the replica below; nil where there is none yet
	of     *ledger
	turn   uint64 // of the gate when use was summed
	fresh  bool
}

// planOf returns an account's plan with the use of every cell, or false while the gate cannot be read at one moment.
func (h *Holder) planOf(name market.Account) (*plan, []standing, bool) {
	g := h.desk.gates[name]
	all, leaves, ok := g.standings()
	if !ok {
		return nil, nil, false
	}
	p := h.trades[name]
	if p == nil || p.leaves != len(leaves) {
		p = newPlan(leaves)
		h.trades[name] = p
	}
	p.sum(all)
	return p, all, true
}

func newPlan(leaves []*leaf) *plan {
	p := &plan{leaves: len(leaves), at: make([][15]int32, len(leaves))}
	index := map[row]int32{}
	for i, l := range leaves {
		n := 0
		for j, k := range l.scopes {
			ms := requiredGroup
			if j >= 3 {
				ms = requiredInstrument
			}
			for _, m := range ms {
				key := row{k, m}
				at, ok := index[key]
				if !ok {
					at = int32(len(p.keys))
					index[key] = at
					p.keys = append(p.keys, key)
				}
				p.at[i][n] = at
				n++
			}
		}
	}
	p.use = make([]market.Notional, len(p.keys))
	p.want = make([]market.Notional, len(p.keys))
	return p
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

// sync renews, posts and asks: one Sync under way at a time, repeated with the same content under the same number until the replica
// shows it applied.
func (h *Holder) sync(l *ledger) {
	n := l.nodes[h.desk.cfg.Node]
	renew, urgent := int64(h.desk.cfg.Permission.Renew), int64(h.desk.cfg.Escrow.Urgent)
	if p := h.pending; p != nil {
		if n.seq >= p.seq {
			h.pending = nil
		} else {
			if !h.busy["sync"] && h.now.Mono-p.last >= urgent {
				p.last = h.now.Mono
				h.send("sync", p.command)
			}
			h.at(p.last + max(urgent, 1))
			return
		}
	}
	elapsed := h.now.Mono - h.lastSync
	due := !h.synced || elapsed >= renew-renew/10 || n.term != l.opened // a timer may come a little early
	if !due && h.seen.moved == l.moved && !h.runsShort() {
		return
	}
	if h.synced && elapsed < urgent && !h.more && n.term == l.opened {
		h.at(h.lastSync + urgent) // nothing is planned before it may be sent, so that no plan is lost
		return
	}
	moves, more := h.moves(l)
	h.more = more
	if !due && len(moves.asks) == 0 {
		for _, p := range h.trades {
			p.fresh = false // posts alone wait for the renewal
		}
		return
	}
	moves.node, moves.inc, moves.seq, moves.sentTerm, moves.want = h.desk.cfg.Node, h.inc, n.seq+1, h.log.Term(), true
	b, err := encodeCommand(header{h.desk.cfg.Node, "sync", h.now.Wall}, &moves)
	if err != nil {
		return
	}
	h.desk.machine.sent = sentSync{h.inc, moves.seq, h.now}
	h.pending = &pendingSync{moves.seq, b, h.now.Mono}
	h.lastSync, h.synced = h.now.Mono, true
	h.send("sync", b)
}

// runsShort reports whether a gate was refused capacity, or soon will be.
func (h *Holder) runsShort() bool {
	for _, name := range h.desk.accounts {
		if h.desk.gates[name].short.Load() {
			return true
		}
	}
	return false
}

// moves collects posts and asks of every account that is reconciled in this life. More says that some were left for the next Sync.
func (h *Holder) moves(l *ledger) (s syncUp, more bool) {
	for _, name := range h.desk.accounts {
		g, a := h.desk.gates[name], l.accounts[string(name)]
		if a == nil || a.inc != h.inc || a.matched == "" {
			continue
		}
		turn, short := g.turn.Load(), g.short.Load()
		if p := h.trades[name]; p != nil && p.fresh && p.turn == turn && !short && h.seen.moved == l.moved {
			continue
		}
		g.short.Store(false)
		p, all, ok := h.planOf(name)
		if !ok {
			g.short.Store(true) // look again
			h.at(h.now.Mono + int64(h.desk.cfg.Escrow.Urgent))
			continue
		}
		h.wanted(g, p)
		before := len(s.posts) + len(s.asks)
		full := h.movesOf(l, string(name), p, p.positions(all), &s)
		p.turn, p.fresh = turn, !full
		more = more || full && len(s.posts)+len(s.asks) > before
	}
	h.seen.moved = l.moved
	return s, more
}

func (h *Holder) movesOf(l *ledger, name string, p *plan, posted []market.Notional, s *syncUp) (full bool) {
	if p.of != l {
		p.of, p.cells = l, make([]*cell, len(p.keys))
	}
	mayAsk := l.opened == l.term && l.accounts[name].reconciled == l.opened && len(l.accounts[name].orphans) == 0
	for i, key := range p.keys {
		if len(s.posts)+len(s.asks) >= maxMoves {
			return true
		}
		if p.cells[i] == nil {
			p.cells[i] = l.cells[key]
		}
		c := p.cells[i]
		part := c.part(name)
		if d := minusSigned(posted[i], part.posted); !d.IsZero() {
			s.posts = append(s.posts, move{name, key.scope, key.measure, d})
		}
		if !mayAsk {
			continue
		}
		if ask := h.askFor(l, key, c, part, p.use[i], p.want[i]); ask.Sign() > 0 {
			s.asks = append(s.asks, move{name, key.scope, key.measure, ask})
		}
		p.want[i] = market.Notional{}
	}
	return false
}

// askFor sizes one ask. A scope of the account's own is asked for whole, since nobody else may use it; of a shared one a part of the
// limit is kept free, topped up when half of it is used, or as much as a refused order wanted.
func (h *Holder) askFor(l *ledger, key row, c *cell, part claim, use, want market.Notional) market.Notional {
	free, limit := market.Notional{}, market.Notional{}
	if c != nil {
		free, limit = c.free(), c.limit
	} else if v, _, ok := l.table.resolve(key.scope, key.measure); ok {
		free, limit = v, v
	}
	if free.Sign() <= 0 || l.latched(key.scope) == Closed {
		return market.Notional{}
	}
	if key.scope.Account != All {
		return free
	}
	target, err := limit.MulBps(h.desk.cfg.Escrow.AskMaxBps, false)
	if err != nil {
		return market.Notional{}
	}
	target = target.Max(want)
	headroom := minusSigned(plus(part.granted, part.posted), use)
	half, err := target.MulBps(5_000, false)
	if err != nil || headroom.Cmp(half) >= 0 && headroom.Cmp(want) >= 0 {
		return market.Notional{}
	}
	return minus(target, headroom).Min(free)
}

// wanted brings what refused orders would have needed into the plan, once.
func (h *Holder) wanted(g *Gate, p *plan) {
	for i, l := range *g.leaves.Load() {
		if i >= p.leaves {
			return
		}
		long, short := get(&l.out.wantLongNotional), get(&l.out.wantShortNotional)
		if long.IsZero() && short.IsZero() {
			continue
		}
		gross := plus(long, short)
		at := &p.at[i]
		for j, n := range []market.Notional{long, short, gross} {
			for k := 0; k < 9; k += 3 {
				p.want[at[k+j]] = p.want[at[k+j]].Max(n)
			}
		}
		qtys := []market.Notional{amount(market.Qty(l.out.wantLong.Load())), amount(market.Qty(l.out.wantShort.Load()))}
		for j, n := range qtys {
			for k := 9; k < 15; k += 2 {
				p.want[at[k+j]] = p.want[at[k+j]].Max(n)
			}
		}
		if slices.Max([]int{long.Sign(), short.Sign()}) > 0 {
			l.forgetWant(long, short)
		}
	}
}

// forgetWant clears a want that was taken over, unless the gate has put another in its place meanwhile.
func (l *leaf) forgetWant(long, short market.Notional) {
	if get(&l.out.wantLongNotional) == long {
		put(&l.out.wantLongNotional, market.Notional{})
	}
	if get(&l.out.wantShortNotional) == short {
		put(&l.out.wantShortNotional, market.Notional{})
	}
}
