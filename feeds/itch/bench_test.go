package itch_test

import (
	"encoding/binary"
	"slices"
	"sort"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/market"
)

// naive is the book that one would write first: a map of orders, and per symbol and side a slice of levels, best
// first, searched from the front of a sort.Search.
type naive struct {
	orders map[uint64]*naiveOrder
	books  map[uint16]*naiveBook
}

type naiveOrder struct {
	side   byte
	price  uint32
	shares uint32
}

type naiveBook struct{ bids, asks []naiveLevel }

type naiveLevel struct {
	price uint32
	qty   uint64
}

func (n *naive) apply(msg []byte) {
	be := binary.BigEndian
	book := n.books[be.Uint16(msg[1:])]
	if book == nil {
		book = &naiveBook{}
		n.books[be.Uint16(msg[1:])] = book
	}
	switch msg[0] {
	case 'A', 'F':
		o := &naiveOrder{msg[19], be.Uint32(msg[32:]), be.Uint32(msg[20:])}
		n.orders[be.Uint64(msg[11:])] = o
		book.change(o.side, o.price, int64(o.shares))
	case 'E', 'C', 'X':
		ref, shares := be.Uint64(msg[11:]), be.Uint32(msg[19:])
		o := n.orders[ref]
		book.change(o.side, o.price, -int64(shares))
		if o.shares -= shares; o.shares == 0 {
			delete(n.orders, ref)
		}
	case 'D':
		ref := be.Uint64(msg[11:])
		o := n.orders[ref]
		book.change(o.side, o.price, -int64(o.shares))
		delete(n.orders, ref)
	case 'U':
		ref := be.Uint64(msg[11:])
		o := n.orders[ref]
		book.change(o.side, o.price, -int64(o.shares))
		delete(n.orders, ref)
		next := &naiveOrder{o.side, be.Uint32(msg[31:]), be.Uint32(msg[27:])}
		n.orders[be.Uint64(msg[19:])] = next
		book.change(next.side, next.price, int64(next.shares))
	}
}

func (b *naiveBook) change(side byte, price uint32, by int64) {
	levels := &b.asks
	better := func(i int) bool { return (*levels)[i].price >= price }
	if side == 'B' {
		levels = &b.bids
		better = func(i int) bool { return (*levels)[i].price <= price }
	}
	i := sort.Search(len(*levels), better)
	if i == len(*levels) || (*levels)[i].price != price {
		*levels = slices.Insert(*levels, i, naiveLevel{price: price})
	}
	(*levels)[i].qty = uint64(int64((*levels)[i].qty) + by)
	if (*levels)[i].qty == 0 {
		*levels = slices.Delete(*levels, i, i+1)
	}
}

// BenchmarkBook decodes and books the same messages with the Codec and with the naive book, hot (one symbol) and wide
// (8,000 symbols). One op is all messages; the metric is a second's worth of them.
func BenchmarkBook(b *testing.B) {
	for _, set := range []struct {
		name                string
		symbols, most, msgs int
	}{{"hot", 1, 2_000, 400_000}, {"wide", 8_000, 400_000, 1_500_000}} {
		f := newFlow(1, set.symbols, set.most)
		f.apart = true
		var stream []byte // as in packets: length, message, length, message
		count := 0
		put := func(m []byte) {
			stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(m))), m...)
			count++
		}
		for _, m := range f.open() {
			put(m)
		}
		for range set.msgs {
			m, _, err := f.step()
			if err != nil {
				b.Fatal(err)
			}
			put(m)
		}
		b.Run(set.name+"/codec", func(b *testing.B) {
			codec := itch.NewCodec(0)
			cfg := feeds.Config{Venue: "SIM", Limits: feeds.DefaultLimits()}
			desk := feeds.NewDesk(cfg, feeds.Live, true)
			run := func() {
				codec.Reset(&desk)
				for rest := stream; len(rest) > 0; {
					var m []byte
					if m, rest = (mold.Transport{}).Next(rest); codec.Check(m) == feeds.KnownType {
						codec.Apply(&desk, m)
					}
				}
			}
			run() // what grows, grows here
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
			report(b, count)
			if n := desk.Counts; n.UnknownOrders+n.Contradictions+n.Refused+n.Unapplied != 0 {
				b.Fatalf("counts = %+v", n)
			}
		})
		b.Run(set.name+"/naive", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := naive{map[uint64]*naiveOrder{}, map[uint16]*naiveBook{}}
				for rest := stream; len(rest) > 0; {
					var m []byte
					m, rest = mold.Transport{}.Next(rest)
					n.apply(m)
				}
			}
			report(b, count)
		})
	}
}

func report(b *testing.B, msgs int) {
	b.ReportMetric(float64(msgs)*float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(msgs)/float64(b.N), "ns/msg")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkChannel is the whole way of a packet of the wire: sequence, decode, books, board.
func BenchmarkChannel(b *testing.B) {
	f := newFlow(1, 1, 2_000)
	f.apart = true
	var board feeds.Board
	r := newRig(b, func(c *feeds.Config) { c.Sink = board.Page(nil); c.Applied = nil })
	var packets [][]byte
	msgs := f.open()
	for range 400_000 {
		m, _, _ := f.step()
		msgs = append(msgs, m)
	}
	for _, m := range msgs {
		if full, _ := r.packer.Add(m); full != nil {
			packets = append(packets, slices.Clone(full))
		}
	}
	end := slices.Clone(r.packer.End())
	session, n := byte(0), 0
	b.ReportAllocs()
	for b.Loop() {
		session++
		for i, d := range packets {
			d[0] = session
			if i == 0 { // a new session, after the end of the one before
				end[0] = session - 1
				r.Step(int64(n), feeds.Input{Kind: feeds.Packet, Data: end})
			}
			r.Step(int64(n), feeds.Input{Kind: feeds.Packet, Data: d, Recv: start + market.Timestamp(n)})
			n++
		}
	}
	report(b, len(msgs))
	if c := r.Desk().Counts; c.Gaps+c.Malformed+c.Contradictions+c.UnknownOrders != 0 {
		b.Fatalf("counts = %+v", c)
	}
}
