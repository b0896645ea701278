package binance

import (
	"errors"

	"github.com/failshut/failshut/market"
)

// level is one price of a depth message.
type level struct {
	price market.Price
	qty   market.Qty
}

// fields says which of its fields a frame had.
type fields uint32

const (
	hasStream fields = 1 << iota
	hasEvent
	hasTime
	hasSymbol
	hasFirst
	hasLast
	hasBids
	hasAsks
	hasBook // a REST body: lastUpdateId
	hasPrice
	hasQty
	hasBid
	hasBidQty
	hasAsk
	hasAskQty
	hasMaker
	hasResult
	hasID
	hasCode
	hasDetails
)

// frame is what one text frame or REST body says. Byte slices lie within the frame; level slices are used again.
// A key means the same in every message of the venue but for b and a, which are prices in a bookTicker, levels in a
// depth message and order ids in a trade, and told apart by their form.
type frame struct {
	has           fields
	stream, event []byte
	symbol        []byte
	time          uint64 // E, ms
	traded        uint64 // T, ms
	first, last   uint64 // U, u
	book          uint64 // lastUpdateId
	bids, asks    []level
	price         market.Price
	qty           market.Qty
	bid, ask      level
	maker         bool  // the buyer is the maker
	refused       error // a number that is right in form but cannot be held exactly
	scan          scanner
}

// parse reads b, and reports whether it is one JSON object whose known keys have values of the right form.
func (f *frame) parse(b []byte) bool {
	*f = frame{bids: f.bids[:0], asks: f.asks[:0]}
	f.scan = scanner{b: b}
	return f.members(0) && f.scan.end()
}

// members reads an object. What the venue wraps in "data" counts like what stands beside "stream".
func (f *frame) members(depth int) bool {
	s := &f.scan
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		key, ok := s.text()
		if !ok || !s.take(':') || !f.member(key, depth) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (f *frame) member(key []byte, depth int) bool {
	if len(key) == 1 {
		return f.short(key[0])
	}
	switch string(key) {
	case "stream":
		return f.text(&f.stream, hasStream)
	case "data":
		if depth > 0 || f.scan.space() != '{' {
			return f.scan.skip(1)
		}
		return f.members(1)
	case "lastUpdateId":
		return f.whole(&f.book, hasBook)
	case "bids":
		return f.levels(&f.bids, hasBids)
	case "asks":
		return f.levels(&f.asks, hasAsks)
	case "id":
		f.has |= hasID
	case "result", "error":
		f.has |= hasResult
	case "code":
		f.has |= hasCode
	case "msg":
		f.has |= hasDetails
	}
	return f.scan.skip(1)
}

// short reads the value of a key of one letter.
func (f *frame) short(key byte) bool {
	quoted, listed := f.scan.space() == '"', f.scan.space() == '['
	switch {
	case key == 'e' && quoted:
		return f.text(&f.event, hasEvent)
	case key == 's' && quoted:
		return f.text(&f.symbol, hasSymbol)
	case key == 'E' && !quoted:
		return f.whole(&f.time, hasTime)
	case key == 'T' && !quoted:
		return f.whole(&f.traded, 0)
	case key == 'U' && !quoted:
		return f.whole(&f.first, hasFirst)
	case key == 'u' && !quoted:
		return f.whole(&f.last, hasLast)
	case key == 'b' && listed:
		return f.levels(&f.bids, hasBids)
	case key == 'a' && listed:
		return f.levels(&f.asks, hasAsks)
	case key == 'b' && quoted:
		return f.number(&f.bid.price, nil, hasBid)
	case key == 'B' && quoted:
		return f.number(nil, &f.bid.qty, hasBidQty)
	case key == 'a' && quoted:
		return f.number(&f.ask.price, nil, hasAsk)
	case key == 'A' && quoted:
		return f.number(nil, &f.ask.qty, hasAskQty)
	case key == 'p' && quoted:
		return f.number(&f.price, nil, hasPrice)
	case key == 'q' && quoted:
		return f.number(nil, &f.qty, hasQty)
	case key == 'm':
		f.maker = f.scan.space() == 't'
		f.has |= hasMaker
	}
	return f.scan.skip(1)
}

func (f *frame) text(to *[]byte, bit fields) bool {
	v, ok := f.scan.text()
	*to = v
	f.has |= bit
	return ok
}

func (f *frame) whole(to *uint64, bit fields) bool {
	v, ok := f.scan.whole()
	*to = v
	f.has |= bit
	return ok
}

// number reads a quoted decimal.
func (f *frame) number(p *market.Price, q *market.Qty, bit fields) bool {
	v, ok := f.scan.plain()
	if !ok {
		b, found := f.scan.text()
		if !found {
			return false
		}
		v, ok = f.decimal(b)
	}
	if p != nil {
		*p = market.Price(v)
	} else {
		*q = market.Qty(v)
	}
	f.has |= bit
	return ok
}

// levels reads [["price","quantity"],…]. Values behind the first two of a level are skipped.
func (f *frame) levels(to *[]level, bit fields) bool {
	f.has |= bit
	s := &f.scan
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		l, ok := f.level()
		if !ok {
			return false
		}
		*to = append(*to, l)
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (f *frame) level() (l level, ok bool) {
	s := &f.scan
	if !s.take('[') || !f.number(&l.price, nil, 0) || !s.take(',') || !f.number(nil, &l.qty, 0) {
		return l, false
	}
	for !s.take(']') {
		if !s.take(',') || !s.skip(1) {
			return l, false
		}
	}
	return l, true
}

// decimal reads b in units of 1e-9. A number of the right form that we cannot hold exactly is noted and read as 0;
// one of the wrong form, or below 0, which no price or quantity of the venue is, returns false.
func (f *frame) decimal(b []byte) (int64, bool) {
	p, err := market.ParsePriceBytes(b)
	switch {
	case err == nil:
		return int64(p), p >= 0
	case errors.Is(err, market.ErrSyntax):
		return 0, false
	}
	f.refused = err
	return 0, b[0] != '-'
}

// kind is what a frame is to a book. The zero kind says nothing about one.
type kind uint8

const (
	other kind = iota
	depth
	ticker
	trade
	snapshot
	control
	broken  // lacks what its kind must have
	unknown // of no kind that is known
)

// classify returns the kind of f, and the name that it is counted by.
func (f *frame) classify(body bool) (kind, []byte) {
	need := func(want fields, k kind) kind {
		if f.has&want != want || f.has&(hasFirst|hasLast) == hasFirst|hasLast && f.first > f.last {
			return broken
		}
		return k
	}
	name := f.name()
	switch {
	case body && f.has&hasBook != 0, len(name) == 0 && f.has&(hasBook|hasStream) == hasBook:
		return need(hasBook|hasBids|hasAsks, snapshot), []byte("snapshot")
	case body && f.has&(hasCode|hasDetails) == hasCode|hasDetails:
		return control, nil // the venue says why it sends no book
	case body:
		return broken, nil
	case string(name) == "depth":
		return need(hasSymbol|hasFirst|hasLast|hasBids|hasAsks, depth), name
	case string(name) == "bookTicker":
		return need(hasSymbol|hasLast|hasBid|hasBidQty|hasAsk|hasAskQty, ticker), name
	case string(name) == "trade", string(name) == "aggTrade":
		return need(hasSymbol|hasPrice|hasQty, trade), name
	case string(name) == "serverShutdown":
		return control, nil
	case len(name) > 0:
		return other, name
	case f.has&(hasResult|hasID) == hasResult|hasID, f.has&(hasResult|hasCode) != 0:
		return control, nil
	}
	return unknown, nil
}

// name returns the name of the stream without its symbol and parameters, or without a stream that of the event.
func (f *frame) name() []byte {
	if f.has&hasStream == 0 {
		switch {
		case string(f.event) == "depthUpdate":
			return []byte("depth")
		case f.has&hasEvent != 0:
			return f.event
		case f.has&(hasLast|hasBid|hasAsk) == hasLast|hasBid|hasAsk:
			return []byte("bookTicker")
		}
		return nil
	}
	n := f.stream
	if i := index(n, '@'); i >= 0 && n[0] != '!' {
		n = n[i+1:]
	} else if len(n) > 0 && n[0] == '!' {
		n = n[1:]
	}
	for i, c := range n {
		if c == '@' || c == '_' {
			return n[:i]
		}
	}
	return n
}

func index(b []byte, c byte) int {
	for i, v := range b {
		if v == c {
			return i
		}
	}
	return -1
}
