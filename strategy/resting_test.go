package strategy

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/failshut/failshut/market"
)

var restSeed = flag.Uint64("rest.seed", 1, "seed of the random walk of Rest")

// sideOfVenue is one side of a venue for an order at rest: it fills in part or whole, is refused, ends, or ends late after a cancel.
type sideOfVenue struct {
	t     *testing.T
	r     *rand.Rand
	w     rest
	now   int64
	order working
	doubt string
	other bool // another goal has an order there
	own   bool
	sent  int
}

func (v *sideOfVenue) look() situation {
	return situation{now: v.now, ttl: 1e9, order: v.order, doubt: v.doubt, bought: v.other, touch: touch{bid: market.Price(v.now / 1e9)}}
}

func (v *sideOfVenue) do(m move) {
	switch m.kind {
	case send:
		v.sent++
		switch {
		case v.order.present:
			v.t.Fatalf("a second order while %+v works", v.order)
		case v.doubt != "" || v.other:
			v.t.Fatalf("sent in doubt %q, another goal's order there: %t", v.doubt, v.other)
		case m.qty != v.w.qty || m.price != v.w.price || m.side != market.Buy || m.qty == 0:
			v.t.Fatalf("sent %+v, want what was said: %+v", m, v.w)
		case v.now-v.w.said > 1e9:
			v.t.Fatalf("sent %d ns after it was said, want at most the time to live", v.now-v.w.said)
		}
		v.order = working{side: m.side, qty: m.qty, leaves: m.qty, price: m.price, present: true}
	case cancelIt:
		if v.order.closing || (v.order.qty == v.w.qty && v.order.price == v.w.price) {
			v.t.Fatalf("cancelled %+v, which fits %+v or is closing", v.order, v.w)
		}
		v.order.closing, v.own = true, true
	case hold, lapse, absorb, nothing:
	}
}

func (v *sideOfVenue) step() {
	v.now += v.r.Int64N(3e8)
	switch k := v.r.IntN(10); {
	case k < 4:
		v.do(v.w.say(market.Price(100+v.r.IntN(3)), market.Qty(v.r.IntN(3)), v.look()))
	case k < 6 && v.order.present:
		v.order.leaves -= min(v.order.leaves, market.Qty(1+v.r.IntN(2)))
		if v.order.leaves == 0 {
			v.finish(true)
		}
	case k < 7 && v.order.present:
		v.finish(false)
	case k == 7:
		v.doubt = [...]string{"", "", "gate", "book", "unknown"}[v.r.IntN(5)]
		v.other = v.r.IntN(4) == 0
	default:
		v.do(v.w.next(v.look()))
	}
}

func (v *sideOfVenue) finish(filled bool) {
	v.order = working{}
	if v.own {
		v.own = false
		v.do(v.w.next(v.look()))
		return
	}
	v.do(v.w.end(filled, v.look()))
	if v.order.present {
		v.t.Fatal("an order followed an end by itself")
	}
}

func TestRestKeepsItsRulesOverRandomWishesFillsAndCancels(t *testing.T) {
	t.Logf("-rest.seed %d", *restSeed)
	r := rand.New(rand.NewPCG(*restSeed, 0))
	sent := 0
	for range 2000 {
		v := &sideOfVenue{t: t, r: r, w: rest{side: market.Buy}}
		for range 60 {
			v.step()
		}
		sent += v.sent
	}
	if sent < 5000 {
		t.Fatalf("%d orders were sent in 120,000 steps, want a walk that meets many", sent)
	}
}

func TestRestRules(t *testing.T) {
	at := func(now int64) situation { return situation{now: now, ttl: 1e9, touch: touch{1, 2}} }
	working1 := working{side: market.Buy, qty: 2, leaves: 2, price: 100, present: true}
	want := func(t *testing.T, m move, k stepKind) {
		t.Helper()
		if m.kind != k {
			t.Fatalf("move %+v, want kind %d", m, k)
		}
	}
	t.Run("the same again changes nothing, also when a part is filled", func(t *testing.T) {
		w := rest{side: market.Buy}
		want(t, w.say(100, 2, at(0)), send)
		s := at(1)
		s.order = working1
		s.order.leaves = 1
		want(t, w.say(100, 2, s), nothing)
	})
	t.Run("another price waits for the end of the order before it", func(t *testing.T) {
		w := rest{side: market.Buy}
		want(t, w.say(100, 2, at(0)), send)
		s := at(1)
		s.order = working1
		want(t, w.say(101, 2, s), cancelIt)
		s.order.closing = true
		want(t, w.say(102, 2, s), nothing)
		if m := w.next(at(2)); m.kind != send || m.price != 102 {
			t.Fatalf("move %+v after the end, want the last price sent", m)
		}
	})
	t.Run("nothing is taken away in any doubt", func(t *testing.T) {
		w := rest{side: market.Buy}
		want(t, w.say(100, 2, at(0)), send)
		s := at(1)
		s.order, s.doubt = working1, "gate"
		want(t, w.say(0, 0, s), cancelIt)
	})
	t.Run("an order filled whole is followed by another only when it is said again", func(t *testing.T) {
		w := rest{side: market.Buy}
		want(t, w.say(100, 2, at(0)), send)
		want(t, w.end(true, at(1)), nothing)
		want(t, w.next(at(2)), nothing)
		want(t, w.say(100, 2, at(3)), send)
	})
	t.Run("a refusal is absorbed until the market moves or 250 ms have passed", func(t *testing.T) {
		w := rest{side: market.Buy}
		want(t, w.say(100, 2, at(0)), send)
		want(t, w.end(false, at(1)), nothing)
		want(t, w.say(100, 2, at(2)), absorb)
		want(t, w.say(100, 2, at(1+retryAfter)), send)
	})
	t.Run("what is held lapses after its time to live", func(t *testing.T) {
		w := rest{side: market.Buy}
		s := at(0)
		s.bought = true
		if m := w.say(100, 2, s); m.kind != hold || m.reason != heldMixed {
			t.Fatalf("move %+v, want held behind the other order on the side", m)
		}
		want(t, w.next(s), nothing)
		want(t, w.next(at(1e9+1)), lapse)
		want(t, w.next(at(2e9)), nothing)
	})
}
