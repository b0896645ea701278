package risk

import "github.com/failshut/failshut/market"

func (e *encoder) limit(l Limit) {
	e.scope(l.Scope)
	e.uint(uint64(l.Measure))
	e.amount(l.Value)
}

func (d *decoder) limit() Limit { return Limit{d.scope(), Measure(d.small()), d.amount()} }

func (c seed) encode(e *encoder) {
	e.uint(uint64(len(c.limits)))
	for _, l := range c.limits {
		e.limit(l)
	}
	e.string(c.hash)
}

func (c *seed) decode(d *decoder) {
	for range d.length() {
		c.limits = append(c.limits, d.limit())
	}
	c.hash = d.string()
}

func (c hello) encode(e *encoder) {
	e.string(c.node)
	e.string(c.group)
	e.uint(uint64(c.epoch))
	e.uint(c.nonce)
	e.strings(c.accounts)
	e.string(c.build)
	e.uint(c.version)
}

func (c *hello) decode(d *decoder) {
	c.node, c.group = d.string(), d.string()
	epoch := d.uint()
	if epoch > 1<<32-1 {
		d.fail("epoch above 32 bits")
	}
	c.epoch, c.nonce, c.accounts, c.build, c.version = uint32(epoch), d.uint(), d.strings(), d.string(), d.uint()
}

func (e *encoder) moves(list []move) {
	e.uint(uint64(len(list)))
	for _, m := range list {
		e.string(m.account)
		e.scope(m.scope)
		e.uint(uint64(m.measure))
		e.amount(m.amount)
	}
}

func (d *decoder) moves() (list []move) {
	for range d.length() {
		list = append(list, move{d.string(), d.scope(), Measure(d.small()), d.amount()})
		if d.err != nil {
			return nil
		}
	}
	return list
}

func (c syncUp) encode(e *encoder) {
	e.string(c.node)
	e.uint(c.inc)
	e.uint(c.seq)
	e.uint(c.sentTerm)
	e.moves(c.asks)
	e.moves(c.returns)
	e.moves(c.posts)
	e.bool(c.want)
}

func (c *syncUp) decode(d *decoder) {
	c.node, c.inc, c.seq, c.sentTerm = d.string(), d.uint(), d.uint(), d.uint()
	c.asks, c.returns, c.posts, c.want = d.moves(), d.moves(), d.moves(), d.bool()
}

func (c fence) encode(e *encoder) {
	e.string(c.account)
	e.uint(c.inc)
	e.uint(uint64(c.proof))
	e.string(c.reference)
}

func (c *fence) decode(d *decoder) {
	c.account, c.inc, c.proof, c.reference = d.string(), d.uint(), proof(d.small()), d.string()
}

func (c reconcile) encode(e *encoder) {
	e.string(c.account)
	e.uint(c.inc)
	e.uint(c.fenceIndex)
	e.string(c.reference)
	e.uint(uint64(len(c.facts)))
	for _, f := range c.facts {
		e.string(f.strategy)
		e.string(f.instrument)
		e.int(int64(f.pos))
		e.int(int64(f.buys))
		e.int(int64(f.sells))
		e.amount(f.longCost)
		e.amount(f.shortCost)
		e.amount(f.long)
		e.amount(f.short)
	}
	e.uint(c.unknown)
	e.strings(c.differences)
	e.string(c.signedBy)
}

func (c *reconcile) decode(d *decoder) {
	c.account, c.inc, c.fenceIndex, c.reference = d.string(), d.uint(), d.uint(), d.string()
	for range d.length() {
		c.facts = append(c.facts, fact{
			d.string(), d.string(), market.Qty(d.int()), market.Qty(d.int()), market.Qty(d.int()),
			d.amount(), d.amount(), d.amount(), d.amount(),
		})
		if d.err != nil {
			return
		}
	}
	c.unknown, c.differences, c.signedBy = d.uint(), d.strings(), d.string()
}

func (c setLimit) encode(e *encoder) {
	e.limit(c.limit)
	e.string(c.reason)
	e.string(c.by)
	e.uint(c.expect)
}

func (c *setLimit) decode(d *decoder) {
	c.limit, c.reason, c.by, c.expect = d.limit(), d.string(), d.string(), d.uint()
}

func (e *encoder) latch(l Latch) {
	e.string(l.ID)
	e.scope(l.Scope)
	e.uint(uint64(l.Mode))
	e.string(l.By)
	e.string(l.Reason)
	e.string(l.Origin)
	e.int(int64(l.At))
}

func (d *decoder) latch() Latch {
	return Latch{d.string(), d.scope(), Mode(d.small()), d.string(), d.string(), d.string(), market.Timestamp(d.int())}
}

func (c trip) encode(e *encoder)  { e.latch(c.latch) }
func (c *trip) decode(d *decoder) { c.latch = d.latch() }

func (c reset) encode(e *encoder) {
	e.scope(c.scope)
	e.strings(c.ids)
	e.string(c.reason)
	e.string(c.by)
	e.uint(c.expect)
}

func (c *reset) decode(d *decoder) {
	c.scope, c.ids, c.reason, c.by, c.expect = d.scope(), d.strings(), d.string(), d.string(), d.uint()
}

func (c termOpen) encode(e *encoder)  { e.uint(c.term); e.string(c.leader) }
func (c *termOpen) decode(d *decoder) { c.term, c.leader = d.uint(), d.string() }

func (c phase) encode(e *encoder) {
	e.uint(c.term)
	e.scope(c.scope)
	e.uint(uint64(c.mode))
	e.bool(c.auto)
	e.bool(c.first)
	e.string(c.by)
}

func (c *phase) decode(d *decoder) {
	c.term, c.scope, c.mode, c.auto, c.first, c.by = d.uint(), d.scope(), Mode(d.small()), d.bool(), d.bool(), d.string()
}
