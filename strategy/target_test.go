package strategy

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
)

var targetSeed = flag.Uint64("target.seed", 1, "seed of the random walk of Target")

// mind is what a venue asks for the next step: a want, or a mutant of one.
type mind interface {
	say(qty market.Qty, price market.Price, s situation) move
	next(s situation) move
	end(filled bool, s situation) move
}

// venue is the smallest market a want can meet: one order at a time, which fills in part or whole, is refused, ends, or
// ends late after a cancel.
type venue struct {
	broken   string // the first rule that was
	r        *rand.Rand
	w        mind
	asked    market.Qty // what was said last
	saidAt   int64
	over     bool // its order has ended unfilled, and nothing was said since
	now      int64
	position market.Qty
	order    working
	doubt    string
	own      bool
}

func (v *venue) look() situation {
	return situation{now: v.now, ttl: int64(1e9), position: v.position, order: v.order, doubt: v.doubt, touch: touch{bid: market.Price(v.now)}}
}

func (v *venue) breaks(format string, args ...any) {
	if v.broken == "" {
		v.broken = fmt.Sprintf(format, args...)
	}
}

func (v *venue) do(m move) {
	switch m.kind {
	case send:
		v.judge(m)
		v.order = working{side: m.side, leaves: m.qty, present: true}
	case cancelIt:
		v.order.closing, v.own = true, true
	case hold, lapse, absorb, nothing:
	}
}

// judge holds an order against the rules of Target.
func (v *venue) judge(m move) {
	after := v.position + m.qty*market.Qty(m.side.Sign())
	switch {
	case v.order.present:
		v.breaks("a second order while %+v works", v.order)
	case v.doubt != "":
		v.breaks("sent in doubt %q", v.doubt)
	case m.qty <= 0:
		v.breaks("sent %v", m.qty)
	case v.position != 0 && after != 0 && (after > 0) != (v.position > 0):
		v.breaks("one leg from %v through zero to %v", v.position, after)
	case m.reduce && magnitude(after) > magnitude(v.position):
		v.breaks("marked reducing from %v to %v", v.position, after)
	case between(v.asked, v.position, after):
		v.breaks("sent beyond the want %v: from %v to %v", v.asked, v.position, after)
	case v.now-v.saidAt > int64(1e9):
		v.breaks("fired a wish that is %d ns old", v.now-v.saidAt)
	case v.over:
		v.breaks("tried again by itself")
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
		v.say(market.Qty(v.r.IntN(7) - 3))
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

func (v *venue) say(qty market.Qty) {
	v.asked, v.saidAt, v.over = qty, v.now, false
	v.do(v.w.say(qty, 0, v.look()))
}

func (v *venue) finish(filled bool) {
	v.order = working{}
	v.over = !filled && !v.own
	if v.own {
		v.own = false
		v.do(v.w.next(v.look()))
		return
	}
	v.do(v.w.end(filled, v.look()))
}

// walk lets minds meet random wants, fills, ends, late cancels and doubts: 120,000 steps, or up to the first broken rule.
func walk(make func() mind) (broken string) {
	r := rand.New(rand.NewPCG(*targetSeed, 0))
	for range 2000 {
		v := &venue{w: make(), r: r}
		for range 60 {
			if v.step(); v.broken != "" {
				return v.broken
			}
		}
	}
	return ""
}

func TestTargetKeepsItsRulesOverRandomWantsFillsAndCancels(t *testing.T) {
	if broken := walk(func() mind { return &want{} }); broken != "" {
		t.Errorf("-target.seed=%d: %s", *targetSeed, broken)
	}
}

// mutant is a want with a mistake in it.
type mutant struct {
	want
	sees  func(s situation) situation                  // what it takes for the present
	hears func(qty market.Qty, s situation) market.Qty // what it takes for the want
	does  func(w *want, m move, s situation) move      // what it makes of a step
	ends  func(w *want, filled bool, s situation) move // what it does at an end
}

func (m *mutant) look(s situation) situation {
	if m.sees != nil {
		s = m.sees(s)
	}
	return s
}

func (m *mutant) act(step move, s situation) move {
	if m.does != nil {
		step = m.does(&m.want, step, s)
	}
	return step
}

func (m *mutant) say(qty market.Qty, price market.Price, s situation) move {
	if m.hears != nil {
		qty = m.hears(qty, s)
	}
	s = m.look(s)
	return m.act(m.want.say(qty, price, s), s)
}

func (m *mutant) next(s situation) move { s = m.look(s); return m.act(m.want.next(s), s) }

func (m *mutant) end(filled bool, s situation) move {
	s = m.look(s)
	if m.ends != nil {
		return m.ends(&m.want, filled, s)
	}
	return m.act(m.want.end(filled, s), s)
}

// TestNoMutantOfTargetKeepsTheRules says which rule finds each: a walk that finds none of them would prove nothing.
func TestNoMutantOfTargetKeepsTheRules(t *testing.T) {
	for name, c := range map[string]struct {
		mutant mutant
		finds  string
	}{
		"a sound one": {mutant{}, ""},
		"delta instead of want": {
			mutant{hears: func(qty market.Qty, s situation) market.Qty { return s.position + qty }}, "sent beyond the want",
		},
		"end not awaited": {mutant{sees: func(s situation) situation {
			if s.order.closing {
				s.order = working{}
			}
			return s
		}}, "a second order"},
		"one-leg flip": {mutant{does: func(w *want, m move, s situation) move {
			if m.kind == send {
				m.qty, m.reduce = magnitude(w.qty-s.position), false
			}
			return m
		}}, "through zero"},
		"leaves forgotten": {mutant{sees: func(s situation) situation {
			if !s.order.closing {
				s.order = working{}
			}
			return s
		}}, "a second order"},
		"doubt forgotten":        {mutant{sees: func(s situation) situation { s.doubt = ""; return s }}, "sent in doubt"},
		"a want that never ends": {mutant{sees: func(s situation) situation { s.ttl = 1e18; return s }}, "fired a wish"},
		"a retry by itself": {mutant{ends: func(w *want, _ bool, s situation) move {
			return w.end(true, s)
		}}, "tried again by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := walk(func() mind { m := c.mutant; return &m })
			if (broken == "") != (c.finds == "") || !strings.Contains(broken, c.finds) {
				t.Errorf("-target.seed=%d: the walk finds %q, want %q", *targetSeed, broken, c.finds)
			}
		})
	}
}

func TestTargetReachesTheWantWhenOrdersFill(t *testing.T) {
	for _, c := range []struct{ from, to market.Qty }{{0, 3}, {3, -2}, {-1, 1}, {5, 0}, {0, -4}} {
		v := &venue{w: &want{}, r: rand.New(rand.NewPCG(1, 1)), position: c.from}
		v.say(c.to)
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
		if v.position != c.to || legs != wantLegs || v.broken != "" {
			t.Errorf("from %v to %v: position %v in %d legs, want %d; broken: %q", c.from, c.to, v.position, legs, wantLegs, v.broken)
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
