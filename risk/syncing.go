package risk

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// maxMoves bounds one Sync: with names of ordinary length it stays below the 64 KiB of a command.
const maxMoves = 300

// sync renews, posts and asks: one Sync under way at a time, repeated with the same content under the same number until the replica
// shows it applied, by whichever holder lives: the log may bring what a former one sent, and a permission runs from then.
func (h *Holder) sync(l *ledger) {
	n := l.nodes[h.desk.cfg.Node]
	renew, urgent := int64(h.desk.cfg.Permission.Renew), int64(h.desk.cfg.Escrow.Urgent)
	if sent := &h.desk.machine.sent; sent.inc == h.inc && sent.seq > n.seq {
		h.repeat(sent.command, urgent)
		return
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
	h.desk.machine.sent = sentSync{h.inc, moves.seq, h.now, b}
	h.lastSync, h.synced = h.now.Mono, true
	h.lastTry, h.tried = h.now.Mono, true
	h.send("sync", b)
}

// repeat sends the Sync under way again, at most once in an interval. While one is with the log there is nothing to look at before
// its outcome.
func (h *Holder) repeat(command []byte, interval int64) {
	switch {
	case h.busy["sync"]:
	case !h.tried || h.now.Mono-h.lastTry >= interval:
		h.tried, h.lastTry = true, h.now.Mono
		h.send("sync", command)
	default:
		h.at(h.lastTry + interval)
	}
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
	p.look(l)
	mayAsk := l.opened == l.term && l.accounts[name].reconciled == l.opened && len(l.accounts[name].orphans) == 0
	for i, key := range p.keys {
		if len(s.posts)+len(s.asks) >= maxMoves {
			return true
		}
		c := p.cells[i]
		part := c.part(name)
		if d := minusSigned(posted[i], part.posted); !d.IsZero() {
			s.posts = append(s.posts, move{name, key.scope, key.measure, d})
		}
		if !mayAsk {
			continue
		}
		if ask := h.askFor(l, key, c, part, p.limits[i], p.use[i], p.want[i]); ask.Sign() > 0 {
			s.asks = append(s.asks, move{name, key.scope, key.measure, ask})
		}
		p.want[i] = market.Notional{}
	}
	return false
}

// askFor sizes one ask. A scope of the account's own is asked for whole, since nobody else may use it; of a shared one a part of the
// limit is kept free, topped up when half of it is used, or as much as a refused order wanted.
func (h *Holder) askFor(l *ledger, key row, c *cell, part claim, limit, use, want market.Notional) market.Notional {
	free := limit // of a cell that is not there yet
	if c != nil {
		free, limit = c.free(), c.limit
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
