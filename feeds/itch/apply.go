package itch

import (
	"encoding/binary"

	"github.com/failshut/failshut/feeds"
)

func (c *Codec) add(d *feeds.Desk, msg []byte) {
	p := c.listed(d, locateOf(msg), msg[24:])
	if p == nil || p.seat == nil || !d.Applies(p.seat) {
		return
	}
	o := order{ref: refOf(msg), shares: u32(msg, 20), price: u32(msg, 32), locate: uint16(p.locate), live: true}
	var known bool
	if o.side, known = sideFrom(msg[19]); !known {
		d.Contradict(p.seat, "order without side")
		return
	}
	if i := c.orders.find(o.ref); i >= 0 {
		c.both(d, p, i, "order added twice")
		return
	}
	if c.rest(d, p, o) {
		c.changed(d, p)
	}
}

// rest puts o, whose reference is not there, into the book of p.
func (c *Codec) rest(d *feeds.Desk, p *place, o order) bool {
	if !c.sound(d, p, o) {
		return false
	}
	now, why := p.book.add(o.side, o.price, o.shares, d.Limits().Levels)
	switch why {
	case tooMuch:
		d.Refuse(p.seat, "level beyond range")
		return false
	case tooMany:
		d.Refuse(p.seat, "too many levels")
		return false
	case done:
	}
	c.orders.add(o)
	d.Level(p.seat, o.side.market(), priceOf(o.price), qtyOf(uint64(now)), true)
	return true
}

// sound judges what an order that is to rest says of itself.
func (c *Codec) sound(d *feeds.Desk, p *place, o order) bool {
	switch {
	case o.shares == 0:
		d.Contradict(p.seat, "order without shares")
	case o.price == 0:
		d.Refuse(p.seat, "order without price")
	case c.orders.live >= c.orders.most:
		d.Refuse(p.seat, "too many orders")
	default:
		return true
	}
	return false
}

func (c *Codec) execute(d *feeds.Desk, msg []byte) {
	p := c.named(d, msg, refOf(msg))
	if p == nil {
		return
	}
	if o, ok := c.cut(d, p, msg); ok {
		c.print(d, p, o, o.price, u32(msg, 19))
		c.changed(d, p)
	}
}

// executeAt executes at a price of its own, which is but a print: what rests, rests at the order's price.
func (c *Codec) executeAt(d *feeds.Desk, msg []byte) {
	p := c.named(d, msg, refOf(msg))
	if p == nil {
		return
	}
	if o, ok := c.cut(d, p, msg); ok {
		if msg[31] == printable {
			c.print(d, p, o, u32(msg, 32), u32(msg, 19))
		}
		c.changed(d, p)
	}
}

func (c *Codec) cancel(d *feeds.Desk, msg []byte) {
	p := c.named(d, msg, refOf(msg))
	if p == nil {
		return
	}
	if _, ok := c.cut(d, p, msg); ok {
		c.changed(d, p)
	}
}

// cut takes the shares that msg names off the order that it names, and returns the order as it was.
func (c *Codec) cut(d *feeds.Desk, p *place, msg []byte) (order, bool) {
	i, ok := c.resting(d, p, refOf(msg))
	if !ok {
		return order{}, false
	}
	shares, o := u32(msg, 19), c.orders.table[i]
	if shares > o.shares {
		d.Contradict(p.seat, "more taken than rests")
		return order{}, false
	}
	if shares == o.shares {
		c.orders.free(i)
	} else {
		c.orders.table[i].shares -= shares
	}
	c.lower(d, p, o, shares, true)
	return o, true
}

// lower takes shares of o off its level.
func (c *Codec) lower(d *feeds.Desk, p *place, o order, shares uint32, complete bool) {
	now := p.book.take(o.side, o.price, shares)
	d.Level(p.seat, o.side.market(), priceOf(o.price), qtyOf(uint64(now)), complete)
}

func (c *Codec) delete(d *feeds.Desk, msg []byte) {
	p := c.named(d, msg, refOf(msg))
	if p == nil {
		return
	}
	i, ok := c.resting(d, p, refOf(msg))
	if !ok {
		return
	}
	o := c.orders.table[i]
	c.orders.free(i)
	c.lower(d, p, o, o.shares, true)
	c.changed(d, p)
}

// replace is a deletion and an addition in one batch: the new order inherits symbol and side.
func (c *Codec) replace(d *feeds.Desk, msg []byte) {
	p := c.named(d, msg, refOf(msg))
	if p == nil {
		return
	}
	i, ok := c.resting(d, p, refOf(msg))
	if !ok {
		return
	}
	old := c.orders.table[i]
	o := order{ref: binary.BigEndian.Uint64(msg[19:]), shares: u32(msg, 27), price: u32(msg, 31), side: old.side, locate: old.locate, live: true}
	if o.ref != old.ref {
		if j := c.orders.find(o.ref); j >= 0 {
			c.both(d, p, j, "order added twice")
			return
		}
	}
	c.orders.free(i)
	c.lower(d, p, old, old.shares, false)
	if c.rest(d, p, o) {
		c.changed(d, p)
	}
}

// print tells of an execution against the resting order o.
func (c *Codec) print(d *feeds.Desk, p *place, o order, price, shares uint32) {
	if shares > 0 {
		d.Trade(p.seat, priceOf(price), qtyOf(uint64(shares)), o.side.market().Opposite())
	}
}

// trade tells of an execution against an order that was never shown. No book is touched.
func (c *Codec) trade(d *feeds.Desk, msg []byte) {
	p := c.listed(d, locateOf(msg), msg[24:])
	if shares := u32(msg, 20); p != nil && p.seat != nil && shares > 0 {
		d.Trade(p.seat, priceOf(u32(msg, 32)), qtyOf(uint64(shares)), 0)
	}
}

// cross tells of an auction. One without shares is no trade, and more than can be held exactly is none that can be told.
func (c *Codec) cross(d *feeds.Desk, msg []byte) {
	p := c.listed(d, locateOf(msg), msg[19:])
	if shares := binary.BigEndian.Uint64(msg[11:]); p != nil && p.seat != nil && shares > 0 && shares <= sharesMost {
		d.Trade(p.seat, priceOf(u32(msg, 27)), qtyOf(shares), 0)
	}
}
