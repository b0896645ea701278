package feeds_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

var seed = flag.Uint64("seed", 1, "of the random tests")

// naive is a book that nobody could get wrong.
type naive map[market.Side]map[market.Price]market.Qty

func (n naive) levels(side market.Side) []feeds.Level {
	prices := slices.Sorted(maps.Keys(n[side]))
	if side == market.Buy {
		slices.Reverse(prices)
	}
	out := make([]feeds.Level, 0, len(prices))
	for _, p := range prices {
		out = append(out, feeds.Level{Price: p, Qty: n[side][p]})
	}
	return out
}

func levels(l feeds.Ladder, side market.Side) []feeds.Level {
	out := make([]feeds.Level, 0, l.Len(side))
	for i := range l.Len(side) {
		out = append(out, l.Level(side, i))
	}
	return out
}

func TestBookIsTheNaiveBook(t *testing.T) {
	t.Logf("seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	book, model := feeds.NewBook(1000), naive{market.Buy: {}, market.Sell: {}}
	for i := range 20_000 {
		side := market.Buy
		if random.IntN(2) == 0 {
			side = market.Sell
		}
		price, qty := market.Price(random.IntN(200)-100), market.Qty(random.IntN(3))
		_, known := model[side][price]
		if qty == 0 {
			delete(model[side], price)
		} else {
			model[side][price] = qty
		}
		if got := book.Set(side, price, qty); got != known {
			t.Fatalf("change %d: Set(%s, %d, %d) = %t, want %t", i, side, price, qty, got, known)
		}
		if got, want := levels(book, side), model.levels(side); !slices.Equal(got, want) {
			t.Fatalf("change %d: %s side\n%v\nwant\n%v", i, side, got, want)
		}
	}
}

func TestFullBookForgetsItsWorstLevelsAndSaysSo(t *testing.T) {
	b := feeds.NewBook(2)
	for _, p := range []market.Price{10, 8, 9, 7} {
		b.Set(market.Buy, p, 1)
		b.Set(market.Sell, 100-p, 1)
	}
	want := []feeds.Level{{Price: 10, Qty: 1}, {Price: 9, Qty: 1}}
	if got := levels(b, market.Buy); !slices.Equal(got, want) {
		t.Errorf("bids = %v, want %v", got, want)
	}
	if r := b.Range(); r.Holds(8) || !r.Holds(9) || !r.Holds(91) || r.Holds(92) {
		t.Errorf("range = %v, want 9 to 91", r)
	}
}
