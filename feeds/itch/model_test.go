package itch_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/market"
)

// resting is one order of the model.
type resting struct {
	ref    uint64
	symbol int
	side   market.Side
	price  market.Price
	qty    market.Qty
}

// model is the naive book: every order is kept by itself, and levels are summed up whenever somebody asks.
type model map[uint64]resting

func (m model) levels(symbol int) (bids, asks []feeds.Level) {
	sums := map[market.Side]map[market.Price]market.Qty{market.Buy: {}, market.Sell: {}}
	for _, o := range m {
		if o.symbol == symbol {
			sums[o.side][o.price] += o.qty
		}
	}
	for _, p := range slices.Sorted(maps.Keys(sums[market.Sell])) {
		asks = append(asks, feeds.Level{Price: p, Qty: sums[market.Sell][p]})
	}
	for _, p := range slices.Sorted(maps.Keys(sums[market.Buy])) {
		bids = append(bids, feeds.Level{Price: p, Qty: sums[market.Buy][p]})
	}
	slices.Reverse(bids)
	return bids, asks
}

// flow makes messages of a market that lives: seeded, and always in accordance with itself.
type flow struct {
	rnd     *rand.Rand
	symbols []market.Symbol
	most    int // live orders, about
	live    []resting
	next    uint64
	match   uint64
	apart   bool // bids and asks never meet
	keep    bool // in orders
	orders  model
}

func newFlow(seed uint64, symbols, most int) *flow {
	f := &flow{rnd: rand.New(rand.NewPCG(seed, 50)), most: most, next: 1, orders: model{}}
	for i := range symbols {
		f.symbols = append(f.symbols, market.Symbol(fmt.Sprintf("S%d", i+1)))
	}
	return f
}

func (f *flow) head(symbol int) itch.Head { return itch.Head{Locate: uint16(symbol + 1), Time: start} }

// open appends the directory.
func (f *flow) open() [][]byte {
	msgs := [][]byte{itch.AppendSystem(nil, itch.Head{Time: start}, itch.StartOfMessages)}
	for i, s := range f.symbols {
		b, _ := itch.AppendDirectory(nil, f.head(i), s, 100)
		msgs = append(msgs, b)
	}
	return msgs
}

// step makes one message and says which symbol it changed.
func (f *flow) step() (msg []byte, symbol int, err error) {
	switch r := f.rnd.IntN(100); {
	case len(f.live) == 0 || r < 45 && len(f.live) < f.most:
		return f.add()
	case r < 60:
		return f.execute()
	case r < 70:
		return f.cancel()
	case r < 80:
		return f.replace()
	case r < 83:
		o := f.fresh(f.rnd.IntN(len(f.symbols)))
		msg, err = itch.AppendTrade(nil, f.head(o.symbol), f.wire(o), f.match)
		return msg, o.symbol, err
	default:
		i := f.pick()
		o := f.live[i]
		f.drop(i)
		return itch.AppendDelete(nil, f.head(o.symbol), o.ref), o.symbol, nil
	}
}

func (f *flow) wire(o resting) itch.Order {
	return itch.Order{Ref: o.ref, Side: o.side, Qty: o.qty, Price: o.price, Symbol: f.symbols[o.symbol]}
}

// fresh draws an order: most are near the middle, some far away, some across.
func (f *flow) fresh(symbol int) resting {
	o := resting{ref: f.next, symbol: symbol, side: market.Buy, qty: market.Qty(1+f.rnd.IntN(500)) * market.Unit}
	f.next += 1 + f.rnd.Uint64N(3)
	if f.rnd.IntN(2) == 0 {
		o.side = market.Sell
	}
	away := market.Price(f.rnd.IntN(20)) - 1
	if f.rnd.IntN(10) == 0 {
		away = market.Price(f.rnd.IntN(5000))
	}
	if f.apart {
		away += 2
	}
	o.price = 10_000*cent - market.Price(o.side.Sign())*away*cent
	return o
}

func (f *flow) add() ([]byte, int, error) {
	o := f.fresh(f.rnd.IntN(len(f.symbols)))
	f.put(o)
	msg, err := itch.AppendAdd(nil, f.head(o.symbol), f.wire(o))
	if f.rnd.IntN(10) == 0 {
		msg = append(msg, "NSDQ"...)
		msg[0] = 'F'
	}
	return msg, o.symbol, err
}

func (f *flow) put(o resting) {
	f.live = append(f.live, o)
	if f.keep {
		f.orders[o.ref] = o
	}
}

// pick prefers orders that came lately, as a market does.
func (f *flow) pick() int {
	n := len(f.live)
	if f.rnd.IntN(3) > 0 {
		return n - 1 - f.rnd.IntN(min(n, 64))
	}
	return f.rnd.IntN(n)
}

func (f *flow) drop(i int) {
	delete(f.orders, f.live[i].ref)
	f.live[i] = f.live[len(f.live)-1]
	f.live = f.live[:len(f.live)-1]
}

// take takes part of order i, or all of it.
func (f *flow) take(i int, all bool) (resting, market.Qty) {
	o := f.live[i]
	n := int(o.qty / market.Unit)
	q := market.Qty(1+f.rnd.IntN(n)) * market.Unit
	if all && f.rnd.IntN(2) == 0 {
		q = o.qty
	}
	if q == o.qty {
		f.drop(i)
		return o, q
	}
	f.live[i].qty -= q
	if f.keep {
		f.orders[o.ref] = f.live[i]
	}
	return o, q
}

func (f *flow) execute() (msg []byte, symbol int, err error) {
	o, q := f.take(f.pick(), true)
	f.match++
	if f.rnd.IntN(5) == 0 {
		msg, err = itch.AppendExecutedAt(nil, f.head(o.symbol), o.ref, q, f.match, o.price+cent)
		return msg, o.symbol, err
	}
	msg, err = itch.AppendExecuted(nil, f.head(o.symbol), o.ref, q, f.match)
	return msg, o.symbol, err
}

func (f *flow) cancel() ([]byte, int, error) {
	o, q := f.take(f.pick(), false)
	msg, err := itch.AppendCancel(nil, f.head(o.symbol), o.ref, q)
	return msg, o.symbol, err
}

func (f *flow) replace() ([]byte, int, error) {
	i := f.pick()
	old := f.live[i]
	f.drop(i)
	o := f.fresh(old.symbol)
	if o.side != old.side {
		o.side, o.price = old.side, 20_000*cent-o.price
	}
	f.put(o)
	msg, err := itch.AppendReplace(nil, f.head(o.symbol), old.ref, f.wire(o))
	return msg, o.symbol, err
}

// side returns one side of a ladder, best first.
func sideOf(l feeds.Ladder, side market.Side) []feeds.Level {
	var out []feeds.Level
	for i := range l.Len(side) {
		out = append(out, l.Level(side, i))
	}
	return out
}

// TestBookEqualsTheModel is F5: after each event the book of the symbol equals the naive one, and so does the book
// that a reader makes of Depth, and the quote.
func TestBookEqualsTheModel(t *testing.T) {
	t.Logf("seed %d, %d events", *seed, *events)
	f := newFlow(*seed, 3, 150)
	f.keep = true
	r := newRig(t, nil)
	r.send(f.open()...)
	ladders := map[market.Symbol]feeds.Ladder{}
	for _, s := range r.Desk().Seats() {
		ladders[s.Instrument().Symbol()] = s.Ladder()
	}
	for n := range *events {
		msg, symbol, err := f.step()
		if err != nil {
			t.Fatal(err)
		}
		r.send(msg)
		bids, asks := f.orders.levels(symbol)
		name := f.symbols[symbol]
		i := market.MustListed("SIM", name)
		if b, a := sideOf(ladders[name], market.Buy), sideOf(ladders[name], market.Sell); !slices.Equal(b, bids) || !slices.Equal(a, asks) {
			t.Fatalf("after event %d (%q) of %s:\n bids %v\n want %v\n asks %v\n want %v", n, msg[0], name, b, bids, a, asks)
		}
		if shown := r.reader.books[i]; shown != nil && (!slices.Equal(sideOf(shown, market.Buy), bids) || !slices.Equal(sideOf(shown, market.Sell), asks)) {
			t.Fatalf("after event %d (%q) of %s: a reader's book is %s", n, msg[0], name, levels(shown))
		}
		q := r.reader.quotes[i]
		if q.Bid != first(bids) || q.Ask != first(asks) {
			t.Fatalf("after event %d (%q) of %s: quote %v %v, want %v %v", n, msg[0], name, q.Bid, q.Ask, first(bids), first(asks))
		}
		if r.codec.Orders() != len(f.orders) {
			t.Fatalf("after event %d: %d live orders, want %d", n, r.codec.Orders(), len(f.orders))
		}
	}
	c := r.Desk().Counts
	if c.UnknownOrders+c.Contradictions+c.Refused+c.Malformed+c.UnknownTypes+c.Unapplied != 0 || c.Messages != uint64(*events)+4 {
		t.Errorf("counts = %+v", c)
	}
	for _, kind := range []string{"A", "F", "E", "C", "X", "D", "U", "P"} {
		if r.ByType()[kind] < uint64(*events/1000) {
			t.Errorf("only %d messages of type %s", r.ByType()[kind], kind)
		}
	}
}

func first(l []feeds.Level) feeds.Level {
	if len(l) == 0 {
		return feeds.Level{}
	}
	return l[0]
}

// TestManyOrdersInOnePacket fills packets, so that quotes are published once for many messages, and grows the table.
func TestManyOrdersInOnePacket(t *testing.T) {
	t.Logf("seed %d", *seed)
	f := newFlow(*seed, 5, 20_000)
	f.keep = true
	r := newRig(t, nil)
	msgs := f.open()
	for range 60_000 {
		msg, _, err := f.step()
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, msg)
	}
	for _, m := range msgs {
		full, err := r.packer.Add(m)
		if err != nil {
			t.Fatal(err)
		}
		if full != nil {
			r.now++
			r.Step(r.now, feeds.Input{Kind: feeds.Packet, Data: full})
		}
	}
	r.flush()
	if len(f.orders) < 10_000 || r.codec.Orders() != len(f.orders) {
		t.Fatalf("live orders = %d, want %d, and many", r.codec.Orders(), len(f.orders))
	}
	for n, s := range r.Desk().Seats() {
		bids, asks := f.orders.levels(n)
		if !slices.Equal(sideOf(s.Ladder(), market.Buy), bids) || !slices.Equal(sideOf(s.Ladder(), market.Sell), asks) {
			t.Errorf("book of %s differs from the model", s.Instrument())
		}
		if q := r.reader.quotes[s.Instrument()]; q.Bid != first(bids) || q.Ask != first(asks) {
			t.Errorf("quote of %s = %v %v, want %v %v", s.Instrument(), q.Bid, q.Ask, first(bids), first(asks))
		}
	}
}
