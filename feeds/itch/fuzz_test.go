package itch_test

import (
	"slices"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/market"
)

// FuzzCodec gives a channel packets of anything, cut by the lengths in the input. Whatever comes, no book has a level
// without quantity or out of order, and readers have exactly the books that are live.
func FuzzCodec(f *testing.F) {
	seedOf := func(msgs ...[]byte) []byte {
		var b []byte
		for _, m := range msgs {
			b = append(append(b, byte(len(m))), m...)
		}
		return b
	}
	flow := newFlow(1, 2, 20)
	msgs := flow.open()
	for range 60 {
		m, _, _ := flow.step()
		msgs = append(msgs, m)
	}
	f.Add(seedOf(msgs...))
	f.Add(seedOf(msgs[2:]...))
	a := add(f, 1, order(1, market.Buy, 1, 1, "ACME"))
	most := slices.Clone(a)
	for i := range 4 {
		most[20+i], most[32+i] = 0xFF, 0xFF
	}
	f.Add(seedOf(a, most, most))
	f.Add(seedOf(nil, a[:35], a))
	f.Add(seedOf(a, exec(f, 0xFFFF, 1<<64-1, 1), exec(f, 1, 1, 1<<32-1)))
	f.Add(seedOf(a, itch.AppendDelete(nil, at(1), 0), itch.AppendSystem(nil, at(0), 'C'), a))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newRigOf(t, itch.NewCodec(64), func(c *feeds.Config) { c.Limits.Levels, c.Limits.Symbols, c.Limits.Seen = 16, 8, 64 })
		for len(data) > 0 {
			n := min(int(data[0]), len(data)-1)
			r.send(data[1 : 1+n])
			data = data[1+n:]
		}
		total := 0
		for _, s := range r.Desk().Seats() {
			bids, asks := sideOf(s.Ladder(), market.Buy), sideOf(s.Ladder(), market.Sell)
			sound(t, bids, -1)
			sound(t, asks, 1)
			if r.Desk().StateOf(s) == feeds.Live {
				total += len(bids) + len(asks)
			}
			shown := r.reader.books[s.Instrument()]
			switch {
			case r.Desk().StateOf(s) != feeds.Live:
				if shown != nil && levels(shown) != "|" {
					t.Fatalf("%s is %s, and a reader has %s", s.Instrument(), r.Desk().StateOf(s), levels(shown))
				}
			case shown == nil && len(bids)+len(asks) > 0, shown != nil && levels(shown) != levels(s.Ladder()):
				t.Fatalf("%s is %s, and a reader does not have it", s.Instrument(), levels(s.Ladder()))
			}
		}
		if r.codec.Orders() > 64 || total > r.codec.Orders() {
			t.Fatalf("%d levels of %d orders", total, r.codec.Orders())
		}
	})
}

func sound(t *testing.T, l []feeds.Level, sign market.Price) {
	t.Helper()
	for i, v := range l {
		if v.Qty <= 0 || v.Price <= 0 || i > 0 && sign*(v.Price-l[i-1].Price) <= 0 {
			t.Fatalf("levels %v", l)
		}
	}
}

// TestTableSurvivesReferencesThatShareAPlace frees and finds orders whose places were moved.
func TestTableSurvivesReferencesThatShareAPlace(t *testing.T) {
	r := newRig(t, nil)
	r.open()
	// Multiples of the inverse of the hash's factor land on neighbouring places, at the wrap of the table too.
	const factor = 0x9E3779B97F4A7C15
	inverse := uint64(factor)
	for range 6 {
		inverse *= 2 - factor*inverse
	}
	refs := []uint64{}
	for i := range uint64(200) {
		refs = append(refs, inverse*(^uint64(0)-i%7<<52), inverse*(i<<40))
	}
	slices.Sort(refs)
	refs = slices.Compact(refs)
	for _, ref := range refs {
		r.send(add(t, 1, order(ref, market.Buy, 1, 1000, "ACME")))
	}
	for i, ref := range refs {
		r.send(itch.AppendDelete(nil, at(1), ref))
		if i%3 == 0 {
			r.send(add(t, 1, order(ref, market.Buy, 1, 1000, "ACME")))
			r.send(itch.AppendDelete(nil, at(1), ref))
		}
	}
	if n := r.Desk().Counts; n.UnknownOrders+n.Contradictions != 0 || r.codec.Orders() != 0 || r.book("ACME") != "|" {
		t.Errorf("unknown = %d, orders = %d, book %q, want nothing left", n.UnknownOrders, r.codec.Orders(), r.book("ACME"))
	}
}
