package strategy

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/failshut/failshut/market"
)

var targetSeed = flag.Uint64("target.seed", 1, "seed of the random walk of Target")

// venue is the smallest market a want can meet: one order at a time, which fills in part or whole, is refused, ends, or
// ends late after a cancel.
type venue struct {
	t        *testing.T
	r        *rand.Rand
	w        want
	now      int64
	position market.Qty
	order    working
	doubt    string
	own      bool
}

func (v *venue) look() situation {
	return situation{now: v.now, ttl: int64(1e9), position: v.position, order: v.order, doubt: v.doubt, touch: touch{bid: market.Price(v.now)}}
}

func (v *venue) do(m move) {
	switch m.kind {
	case send:
		if v.order.present {
			v.t.Fatalf("a second order while %+v works", v.order)
		}
		if v.doubt != "" {
			v.t.Fatalf("sent in doubt %q", v.doubt)
		}
		if m.qty <= 0 {
			v.t.Fatalf("sent %v", m.qty)
		}
		after := v.position + m.qty*market.Qty(m.side.Sign())
		if v.position != 0 && after != 0 && (after > 0) != (v.position > 0) {
			v.t.Fatalf("one leg from %v through zero to %v", v.position, after)
		}
		if m.reduce && magnitude(after) > magnitude(v.position) {
			v.t.Fatalf("marked reducing from %v to %v", v.position, after)
		}
		if between(v.w.qty, v.position, after) {
			v.t.Fatalf("sent beyond the want %v: from %v to %v", v.w.qty, v.position, after)
		}
		v.order = working{side: m.side, leaves: m.qty, present: true}
	case cancelIt:
		v.order.closing, v.own = true, true
	case hold, lapse, absorb, nothing:
	}
}

// between reports whether the want lies strictly between, so that the order would pass it.
func between(want, from, to market.Qty) bool {
	return from < want && want < to || to < want && want < from
}

func (v *venue) step() {
	v.now += v.r.Int64N(3e8)
	switch k := v.r.IntN(10); {
	case k < 3:
		v.do(v.w.say(market.Qty(v.r.IntN(7)-3), 0, v.look()))
	case k < 6 && v.order.present:
		q := min(v.order.leaves, market.Qty(1+v.r.IntN(3)))
		v.position += q * market.Qty(v.order.side.Sign())
		v.order.leaves -= q
		if v.order.leaves == 0 {
			v.finish(true)
		}
	case k < 7 && v.order.present:
		v.finish(false)
	case k == 7:
		v.doubt = [...]string{"", "", "gate", "book", "unknown"}[v.r.IntN(5)]
	default:
		if !v.order.present {
			v.do(v.w.next(v.look()))
		}
	}
}

func (v *venue) finish(filled bool) {
	v.order = working{}
	if v.own {
		v.own = false
		v.do(v.w.next(v.look()))
		return
	}
	v.do(v.w.end(filled, v.look()))
}

func TestTargetKeepsItsRulesOverRandomWantsFillsAndCancels(t *testing.T) {
	t.Logf("-target.seed %d", *targetSeed)
	r := rand.New(rand.NewPCG(*targetSeed, 0))
	for range 2000 {
		v := &venue{t: t, r: r}
		for range 60 {
			v.step()
		}
	}
}

func TestTargetReachesTheWantWhenOrdersFill(t *testing.T) {
	for _, c := range []struct{ from, to market.Qty }{{0, 3}, {3, -2}, {-1, 1}, {5, 0}, {0, -4}} {
		v := &venue{t: t, r: rand.New(rand.NewPCG(1, 1)), position: c.from}
		v.do(v.w.say(c.to, 0, v.look()))
		legs := 0
		for v.order.present {
			legs++
			v.position += v.order.leaves * market.Qty(v.order.side.Sign())
			v.finish(true)
		}
		wantLegs := 1
		if c.from != 0 && c.to != 0 && (c.from > 0) != (c.to > 0) {
			wantLegs = 2
		}
		if v.position != c.to || legs != wantLegs {
			t.Errorf("from %v to %v: position %v in %d legs, want %d", c.from, c.to, v.position, legs, wantLegs)
		}
	}
}

func TestTargetRules(t *testing.T) {
	at := func(now int64) situation { return situation{now: now, ttl: 1e9, touch: touch{1, 2}} }
	t.Run("the same want again changes nothing", func(t *testing.T) {
		var w want
		w.say(2, 0, at(0))
		s := at(1)
		s.order = working{side: market.Buy, leaves: 2, present: true}
		if m := w.say(2, 0, s); m.kind != nothing {
			t.Fatalf("move %+v, want nothing", m)
		}
	})
	t.Run("a want held past its time to live lapses", func(t *testing.T) {
		var w want
		s := at(0)
		s.doubt = "gate"
		if m := w.say(2, 0, s); m.kind != hold || m.reason != "gate" {
			t.Fatalf("move %+v, want held by the gate", m)
		}
		if m := w.next(s); m.kind != nothing {
			t.Fatalf("move %+v, want to be told once", m)
		}
		if m := w.next(at(1e9 + 1)); m.kind != lapse {
			t.Fatalf("move %+v, want lapsed", m)
		}
		if m := w.next(at(2e9)); m.kind != nothing {
			t.Fatalf("move %+v after the lapse, want nothing", m)
		}
	})
	t.Run("a want that ended unfilled is absorbed until something changes", func(t *testing.T) {
		var w want
		w.say(2, 0, at(0))
		w.end(false, at(10))
		if m := w.say(2, 0, at(20)); m.kind != absorb {
			t.Fatalf("move %+v, want absorbed", m)
		}
		moved := at(20)
		moved.touch.bid++
		if m := w.say(2, 0, moved); m.kind != send {
			t.Fatalf("move %+v at another price, want sent", m)
		}
		w = want{}
		w.say(2, 0, at(0))
		w.end(false, at(10))
		if m := w.say(2, 0, at(10+retryAfter)); m.kind != send {
			t.Fatalf("move %+v after 250 ms, want sent", m)
		}
	})
	t.Run("a working order that is too large is cancelled and its end awaited", func(t *testing.T) {
		var w want
		w.say(5, 0, at(0))
		s := at(1)
		s.order = working{side: market.Buy, leaves: 5, present: true}
		if m := w.say(1, 0, s); m.kind != cancelIt {
			t.Fatalf("move %+v, want a cancel", m)
		}
		s.order.closing = true
		if m := w.next(s); m.kind != nothing {
			t.Fatalf("move %+v while closing, want to wait", m)
		}
		if m := w.next(at(2)); m.kind != send || m.qty != 1 {
			t.Fatalf("move %+v after the end, want the new want sent", m)
		}
	})
}
