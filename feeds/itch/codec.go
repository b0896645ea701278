package itch

import (
	"encoding/binary"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// Codec applies ITCH 5.0 messages to books of orders. NewCodec makes one for one feeds.Channel.
//
// Each message is a batch of its own: after it the book stands as the venue left it. Quotes are published once a
// datagram. Times of day become times by the receive time that they are nearest to, the day beginning at midnight UTC;
// without a receive time they stay as they are.
type Codec struct {
	orders   orders
	byLocate []*place // nil for a code that nothing has been listed under in this epoch
	bySymbol map[uint64]*place
	midnight market.Timestamp
}

// place is one symbol.
type place struct {
	seat   *feeds.Seat // nil for a symbol that cannot be listed
	symbol uint64
	locate int // -1 while it is not listed in this epoch
	book   ladder
}

// MaxOrders bounds the live orders of one Codec, where NewCodec is not told another number. A full day of Nasdaq has
// between two and three million at a time.
const MaxOrders = 1 << 23

// NewCodec returns a Codec without books, for at most orders live orders; 0 or less is MaxOrders. A symbol whose order
// would be one too many is shut.
func NewCodec(orders int) *Codec {
	if orders <= 0 {
		orders = MaxOrders
	}
	return &Codec{orders: newOrders(orders), bySymbol: map[uint64]*place{}}
}

// Orders returns the number of live orders.
func (c *Codec) Orders() int { return c.orders.live }

// Check judges type and length of msg. The length of a known type is exact.
func (*Codec) Check(msg []byte) feeds.Judgement {
	switch size := sizes[msg[0]]; {
	case size == 0:
		return feeds.UnknownType
	case len(msg) != int(size):
		return feeds.BadLength
	}
	return feeds.KnownType
}

// Apply applies one message. Types that speak of no order and no trade have no effect on a book.
func (c *Codec) Apply(d *feeds.Desk, msg []byte) {
	d.Time(c.time(d, msg))
	switch msg[0] {
	case addOrder, addAttributed:
		c.add(d, msg)
	case orderExecuted:
		c.execute(d, msg)
	case executedAtPrice:
		c.executeAt(d, msg)
	case orderCancel:
		c.cancel(d, msg)
	case orderDelete:
		c.delete(d, msg)
	case orderReplace:
		c.replace(d, msg)
	case trade:
		c.trade(d, msg)
	case crossTrade:
		c.cross(d, msg)
	case stockDirectory:
		c.listed(d, locateOf(msg), msg[11:])
	case systemEvent:
		if msg[11] == endOfMessages {
			c.endDay(d)
		}
	}
}

func locateOf(msg []byte) int       { return int(binary.BigEndian.Uint16(msg[1:])) }
func refOf(msg []byte) uint64       { return binary.BigEndian.Uint64(msg[11:]) }
func u32(msg []byte, at int) uint32 { return binary.BigEndian.Uint32(msg[at:]) }

// time returns when msg happened.
func (c *Codec) time(d *feeds.Desk, msg []byte) market.Timestamp {
	since := market.Timestamp(binary.BigEndian.Uint64(msg[3:]) & stampMost)
	recv := d.Recv()
	if recv == 0 {
		return since
	}
	if t := c.midnight + since; t-recv <= halfDay && recv-t <= halfDay {
		return t
	}
	c.midnight = recv - recv%day
	switch t := c.midnight + since; {
	case t-recv > halfDay:
		c.midnight -= day
	case recv-t > halfDay:
		c.midnight += day
	}
	return c.midnight + since
}

// at returns the place listed under locate, nil when there is none.
func (c *Codec) at(locate int) *place {
	if locate >= len(c.byLocate) {
		return nil
	}
	return c.byLocate[locate]
}

// named returns the place that msg is about when its book may be touched. ref is the order that msg names.
func (c *Codec) named(d *feeds.Desk, msg []byte, ref uint64) *place {
	p := c.at(locateOf(msg))
	if p == nil {
		c.orphan(d, ref)
		return nil
	}
	if p.seat == nil || !d.Applies(p.seat) {
		return nil
	}
	return p
}

// orphan judges a message about an order of a symbol that was never listed.
func (c *Codec) orphan(d *feeds.Desk, ref uint64) {
	if !d.Exact() {
		d.Counts.Unapplied++
		return
	}
	d.Counts.UnknownOrders++
	if i := c.orders.find(ref); i >= 0 {
		c.contradict(d, c.at(int(c.orders.table[i].locate)), "order of another symbol")
	}
}

// contradict turns the book of p Suspect, if there is one that is trusted.
func (c *Codec) contradict(d *feeds.Desk, p *place, kind string) {
	if p != nil && p.seat != nil && d.Exact() && p.seat.Own() == feeds.Live {
		d.Contradict(p.seat, kind)
	}
}

// both turns Suspect the book of p and the one that holds the order at place i: one of them is wrong, or both.
func (c *Codec) both(d *feeds.Desk, p *place, i int, kind string) {
	q := c.at(int(c.orders.table[i].locate))
	c.contradict(d, p, kind)
	c.contradict(d, q, kind)
}

// resting finds the order ref of p, and judges a message that names one that p does not have.
func (c *Codec) resting(d *feeds.Desk, p *place, ref uint64) (i int, ok bool) {
	i = c.orders.find(ref)
	switch {
	case i < 0:
		d.UnknownOrder(p.seat)
		return i, false
	case int(c.orders.table[i].locate) != p.locate:
		c.both(d, p, i, "order of another symbol")
		return i, false
	}
	return i, true
}

// changed ends a message that was applied to the book of p.
func (c *Codec) changed(d *feeds.Desk, p *place) {
	d.Applied(p.seat)
	if p.book.meets() {
		d.Judge(p.seat)
	}
	d.Touch(p.seat)
}

// listed returns the place of symbol under locate, listed there at first sight; nil when code and symbol do not go
// together, which makes the books of both Suspect.
func (c *Codec) listed(d *feeds.Desk, locate int, symbol []byte) *place {
	name := binary.BigEndian.Uint64(symbol)
	p := c.at(locate)
	if p != nil && p.symbol == name {
		return p
	}
	known := c.bySymbol[name]
	if p != nil || known != nil && known.locate >= 0 {
		c.contradict(d, p, "locate code of another symbol")
		c.contradict(d, known, "symbol under another locate code")
		return nil
	}
	if known == nil {
		known = c.seat(d, name)
	}
	known.locate = locate
	for len(c.byLocate) <= locate {
		c.byLocate = append(c.byLocate, nil)
	}
	c.byLocate[locate] = known
	return known
}

// seat makes the place of a symbol never seen before.
func (c *Codec) seat(d *feeds.Desk, name uint64) *place {
	p := &place{symbol: name}
	text := binary.BigEndian.AppendUint64(nil, name)
	for len(text) > 0 && text[len(text)-1] == ' ' {
		text = text[:len(text)-1]
	}
	i, err := market.Listed(d.Venue(), market.Symbol(text))
	if err == nil {
		p.seat, err = d.Seat(i, &p.book, feeds.Live)
	}
	if err != nil {
		d.Unlisted()
		return p
	}
	c.bySymbol[name] = p
	return p
}

// endDay empties every book that is trusted, and tells readers.
func (c *Codec) endDay(d *feeds.Desk) {
	if !d.Exact() {
		return
	}
	for _, p := range c.byLocate {
		if p == nil || p.seat == nil || p.seat.Own() != feeds.Live {
			continue
		}
		for _, side := range [2]market.Side{market.Buy, market.Sell} {
			for i := p.book.Len(side) - 1; i >= 0; i-- {
				last := i == 0 && (side == market.Sell || p.book.Len(market.Sell) == 0)
				d.Level(p.seat, side, p.book.Level(side, i).Price, 0, last)
			}
		}
		p.book.clear()
		d.Touch(p.seat)
	}
	c.orders.clear()
}

// Flush has nothing to do: the Channel publishes what was touched.
func (*Codec) Flush(*feeds.Desk) {}

// Reset empties every book and forgets the locate codes, which hold for a day.
func (c *Codec) Reset(*feeds.Desk) {
	c.orders.clear()
	for _, p := range c.byLocate {
		if p != nil {
			p.book.clear()
			p.locate = -1
		}
	}
	clear(c.byLocate)
	c.byLocate = c.byLocate[:0]
}
