package market_test

import (
	"errors"
	"flag"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/failshut/failshut/market"
)

var inventorySeed = flag.Uint64("inventory.seed", 1, "seed of the random executions of an inventory")

func parsed[T any](t *testing.T, parse func(string) (T, error), text string) T {
	t.Helper()
	v, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnInventoryIsReckonedAtAverageCost(t *testing.T) {
	type exec struct{ qty, price string }
	for name, c := range map[string]struct {
		factor, mark                         string
		does                                 []exec
		qty, avg, cost, realised, unrealised string
	}{
		"nothing":                     {"1", "5", nil, "0", "0", "0", "0", "0"},
		"long, up":                    {"1", "12", []exec{{"3", "10.5"}}, "3", "10.5", "31.5", "0", "4.5"},
		"long, down":                  {"1", "10", []exec{{"3", "10.5"}}, "3", "10.5", "31.5", "0", "-1.5"},
		"short, up":                   {"1", "12", []exec{{"-3", "10.5"}}, "-3", "10.5", "-31.5", "0", "-4.5"},
		"what adds has its own price": {"1", "13", []exec{{"1", "10"}, {"3", "14"}}, "4", "13", "52", "0", "0"},
		"what reduces takes its share": {
			"1", "14", []exec{{"4", "13"}, {"-1", "15"}}, "3", "13", "39", "2", "3",
		},
		"flat":         {"1", "99", []exec{{"4", "13"}, {"-4", "12"}}, "0", "0", "0", "-4", "0"},
		"through zero": {"1", "14", []exec{{"4", "13"}, {"-6", "15"}}, "-2", "15", "-30", "8", "2"},
		"a multiplier": {"50", "4002", []exec{{"2", "4000.25"}, {"-1", "4001"}}, "1", "4000.25", "200012.5", "37.5", "87.5"},
		"thirds come out whole when flat": {
			"1", "7", []exec{{"2", "1"}, {"1", "2"}, {"-1", "2"}, {"-1", "2"}, {"-1", "2"}}, "0", "0", "0", "2", "0",
		},
		"a gain finer than 1e-9 is not told": {
			"1", "0.000000002", []exec{{"0.1", "0.000000001"}}, "0.1", "0.000000001", "0", "0", "0",
		},
		"nor is a loss": {"1", "0.000000001", []exec{{"0.1", "0.000000002"}}, "0.1", "0.000000002", "0", "0", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			var v market.Inventory
			for _, e := range c.does {
				if err := v.Take(parsed(t, market.ParsePrice, e.price), parsed(t, market.ParseQty, e.qty)); err != nil {
					t.Fatal(err)
				}
			}
			m := parsed(t, market.ParseFactor, c.factor)
			avg, err1 := v.Average()
			cost, err2 := v.Cost(m)
			realised, err3 := v.Realised(m)
			open, err4 := v.Unrealised(parsed(t, market.ParsePrice, c.mark), m)
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				t.Fatal(err)
			}
			got := [5]string{v.Qty().String(), avg.String(), cost.String(), realised.String(), open.String()}
			if want := [5]string{c.qty, c.avg, c.cost, c.realised, c.unrealised}; got != want {
				t.Errorf("quantity, average, cost, realised and unrealised are %v, want %v", got, want)
			}
		})
	}
}

// Whatever is executed, what was realised and what closing would add come to what was received, less what was paid, and
// what the open quantity is worth: nothing is lost in between. Prices and quantities are coarse enough for money to
// hold every product, so the sum has to be exact.
func TestAnInventoryLosesNothing(t *testing.T) {
	t.Logf("-inventory.seed=%d", *inventorySeed)
	rng := rand.New(rand.NewPCG(*inventorySeed, 1))
	for range 200 {
		var v market.Inventory
		cash := new(big.Int)
		for range 50 {
			p := market.Price(rng.Int64N(2_000_000)-1_000_000) * 100_000
			q := market.Qty(rng.Int64N(2_000_000)-1_000_000) * 100_000
			if err := v.Take(p, q); err != nil {
				t.Fatal(err)
			}
			cash.Sub(cash, new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(int64(q))))
			mark := market.Price(rng.Int64N(1_000_000)) * 100_000
			realised, err1 := v.Realised(market.One)
			open, err2 := v.Unrealised(mark, market.One)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			worth := new(big.Int).Mul(big.NewInt(int64(mark)), big.NewInt(int64(v.Qty())))
			want := worth.Add(worth, cash)
			got := new(big.Int).Mul(new(big.Int).Add(units(realised), units(open)), big.NewInt(1e9))
			// Each of the two is rounded toward zero at 1e-9: together they lack less than two of these.
			if off := new(big.Int).Sub(want, got); off.CmpAbs(big.NewInt(2e9)) >= 0 {
				t.Fatalf("realised %s and unrealised %s, want together %s of 1e-18", realised, open, want)
			}
		}
	}
}

func units(n market.Notional) *big.Int {
	hi, lo := n.Words()
	v := new(big.Int).Lsh(big.NewInt(hi), 64)
	return v.Add(v, new(big.Int).SetUint64(lo))
}

func TestAnInventoryThatDoesNotFitIsLeftAsItWas(t *testing.T) {
	v := market.Opened(market.Price(math.MaxInt64), math.MaxInt64)
	before := v
	if err := v.Take(1, 1); !errors.Is(err, market.ErrOverflow) || v != before {
		t.Fatalf("Take() = %v and %v, want ErrOverflow and the inventory as before", err, v)
	}
	if _, err := v.Unrealised(math.MinInt64, market.Factor(math.MaxInt64)); !errors.Is(err, market.ErrOverflow) {
		t.Fatalf("Unrealised() = %v, want ErrOverflow", err)
	}
}
