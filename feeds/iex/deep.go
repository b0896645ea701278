package iex

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// The message types of DEEP 1.0.
const (
	systemEvent       = 'S'
	securityDirectory = 'D'
	tradingStatus     = 'H'
	operationalHalt   = 'O'
	shortSale         = 'P'
	securityEvent     = 'E'
	buyLevel          = '8'
	sellLevel         = '5'
	tradeReport       = 'T'
	officialPrice     = 'X'
	tradeBreak        = 'B'
	auctionInfo       = 'A'
)

// sizes holds the least length of each type: a later version of the specification may add to the end of a message.
var sizes = [256]uint8{
	systemEvent: 10, securityDirectory: 31, tradingStatus: 22, operationalHalt: 18, shortSale: 19, securityEvent: 18,
	buyLevel: 30, sellLevel: 30, tradeReport: 38, officialPrice: 26, tradeBreak: 38, auctionInfo: 80,
}

const (
	eventComplete = 1       // flag of a price level update: the book stands as the matching engine left it
	priceScale    = 100_000 // from 1e-4 to 1e-9
	qtyScale      = market.Unit
	maxPrice      = math.MaxInt64 / priceScale
)

// Deep applies DEEP 1.0 messages to books of price levels. NewDeep makes one for one feeds.Channel.
type Deep struct {
	places map[uint64]*place
	last   *place // messages about one symbol come in runs
	symbol uint64
}

// place is one symbol.
type place struct {
	seat *feeds.Seat // nil for a symbol that cannot be listed
	book *feeds.Book
}

// NewDeep returns a Deep without books.
func NewDeep() *Deep { return &Deep{places: map[uint64]*place{}} }

// Check judges type and length of msg.
func (*Deep) Check(msg []byte) feeds.Judgement {
	switch size := sizes[msg[0]]; {
	case size == 0:
		return feeds.UnknownType
	case len(msg) < int(size):
		return feeds.BadLength
	}
	return feeds.KnownType
}

// Apply applies one message. Only price levels and trades say something about a market; the others are counted by
// the Channel and have no effect here.
func (c *Deep) Apply(d *feeds.Desk, msg []byte) {
	d.Time(market.Timestamp(binary.LittleEndian.Uint64(msg[2:])))
	switch msg[0] {
	case buyLevel:
		c.level(d, msg, market.Buy)
	case sellLevel:
		c.level(d, msg, market.Sell)
	case tradeReport:
		c.trade(d, msg)
	}
}

func (c *Deep) level(d *feeds.Desk, msg []byte, side market.Side) {
	p := c.place(d, msg)
	if p.seat == nil || !d.Applies(p.seat) {
		return
	}
	price, qty, ok := numbers(msg)
	if !ok {
		d.Refuse(p.seat, "price beyond range")
		return
	}
	if known := p.book.Set(side, price, qty); !known && qty == 0 {
		d.UnknownLevel()
	}
	complete := msg[1]&eventComplete != 0
	d.Level(p.seat, side, price, qty, complete)
	d.Applied(p.seat)
	if complete {
		d.Judge(p.seat)
		d.Publish(p.seat)
	}
}

func (c *Deep) trade(d *feeds.Desk, msg []byte) {
	p := c.place(d, msg)
	price, qty, ok := numbers(msg)
	if p.seat == nil || !ok {
		return
	}
	d.Trade(p.seat, price, qty, 0)
}

// numbers reads size and price, which stand at the same place in both kinds of message. A size of 32 bits always
// fits; a price of 64 bits may not.
func numbers(msg []byte) (market.Price, market.Qty, bool) {
	qty := market.Qty(binary.LittleEndian.Uint32(msg[18:])) * qtyScale
	price := int64(binary.LittleEndian.Uint64(msg[22:]))
	if price > maxPrice || price < -maxPrice {
		return 0, 0, false
	}
	return market.Price(price * priceScale), qty, true
}

// place returns the place of the symbol of msg, made at first sight.
func (c *Deep) place(d *feeds.Desk, msg []byte) *place {
	symbol := binary.LittleEndian.Uint64(msg[10:])
	if c.last != nil && c.symbol == symbol {
		return c.last
	}
	p := c.places[symbol]
	if p == nil {
		p = c.list(d, msg[10:18])
		if len(c.places) < d.Limits().Symbols {
			c.places[symbol] = p
		}
	}
	c.last, c.symbol = p, symbol
	return p
}

func (c *Deep) list(d *feeds.Desk, symbol []byte) *place {
	name := string(bytes.TrimRight(symbol, " "))
	i, err := market.Listed(d.Venue(), market.Symbol(name))
	if err != nil {
		d.Unlisted()
		return &place{}
	}
	book := feeds.NewBook(d.Limits().Levels)
	seat, err := d.Seat(i, book, feeds.Live)
	if err != nil {
		d.Unlisted()
		return &place{}
	}
	return &place{seat, book}
}

// Flush has nothing to do: the batch of DEEP is the event, which may end within a segment or outlast it.
func (*Deep) Flush(*feeds.Desk) {}

// Reset empties every book.
func (c *Deep) Reset(*feeds.Desk) {
	for _, p := range c.places {
		if p.book != nil {
			p.book.Clear()
		}
	}
}
