package market_test

import (
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/failshut/failshut/market"
)

func FuzzWorthAgreesWithTheOracle(f *testing.F) {
	for _, p := range edges[:9] {
		for _, q := range edges[:9] {
			for _, m := range []int64{0, -1, 1, 1e9, 1<<63 - 1, -1 << 63} {
				f.Add(p, q, m)
			}
		}
	}
	const fives = 3_814_697_265_625 // 5^18, of which 1e18 is 2^18 times
	f.Add(int64(fives<<21), int64(1<<62), int64(1<<62))
	f.Add(int64(-fives<<21), int64(1<<62), int64(1<<62)) // exactly the smallest Notional
	f.Fuzz(isWorth)
}

func TestWorthAgreesWithTheOracle(t *testing.T) {
	r := source(t)
	for range draws {
		isWorth(t, anyInt(r), anyInt(r), anyInt(r))
	}
}

func isWorth(t *testing.T, p, q, m int64) {
	for _, up := range []bool{true, false} {
		got, err := market.Worth(market.Price(p), market.Qty(q), market.Factor(m), up)
		if m <= 0 {
			if !errors.Is(err, market.ErrInvalid) || !got.IsZero() {
				t.Fatalf("Worth with multiplier %d = %v, %v, want 0, %v", m, got, err, market.ErrInvalid)
			}
			continue
		}
		exact := divided(product(p, q, m), product(1e9, 1e9), up)
		wantMoney(t, fmt.Sprintf("Worth(%d, %d, %d, %v)", p, q, m, up), got, err, exact)
		contract := market.Contract{Multiplier: market.Factor(m)}
		if same, _ := contract.Worth(market.Price(p), market.Qty(q), up); same != got {
			t.Fatalf("Contract.Worth(%d, %d, %v) = %v, want %v", p, q, up, same, got)
		}
	}
}

func FuzzAvgPriceAgreesWithTheOracle(f *testing.F) {
	for _, a := range edges[:9] {
		for _, q := range edges[:9] {
			for _, m := range []int64{0, -1, 1, 2, 1e9, 1<<63 - 1} {
				f.Add(a>>63, uint64(a), q, m)
				f.Add(a, uint64(q), q, m)
			}
		}
	}
	f.Add(int64(1<<46), uint64(0), int64(1), int64(1))                                 // a multiple of 2^128, whose lower words are 0
	f.Add(int64(0), uint64(1<<46), int64(1), int64(1))                                 // a multiple of 2^64
	f.Add(int64(0), uint64(1840214784646119741), int64(6704813537443886292), int64(8)) // half is told by a carry into the second word
	f.Fuzz(averages)
}

func TestAvgPriceAgreesWithTheOracle(t *testing.T) {
	r := source(t)
	for range draws {
		lo := anyInt(r)
		hi := lo >> 63
		if r.IntN(2) == 0 {
			hi = anyInt(r)
		}
		averages(t, hi, uint64(lo), anyInt(r), anyInt(r))
	}
}

func averages(t *testing.T, hi int64, lo uint64, q, m int64) {
	cost := market.NotionalFromWords(hi, lo)
	got, err := market.AvgPrice(cost, market.Qty(q), market.Factor(m))
	if q == 0 || m <= 0 {
		if !errors.Is(err, market.ErrInvalid) || got != 0 {
			t.Fatalf("AvgPrice of %d × %d = %v, %v, want 0, %v", q, m, got, err, market.ErrInvalid)
		}
		return
	}
	num := new(big.Int).Mul(money(cost), product(1e9, 1e9))
	den := product(q, m)
	exact, rest := new(big.Int).QuoRem(num, den, new(big.Int))
	if rest.Abs(rest).Lsh(rest, 1).CmpAbs(den) >= 0 {
		exact.Add(exact, big.NewInt(int64(num.Sign()*den.Sign())))
	}
	wantInt(t, fmt.Sprintf("AvgPrice(%v, %d, %d)", cost, q, m), got, err, exact)
}

func TestAvgPriceOfOneFillIsItsPrice(t *testing.T) {
	r := source(t)
	for range draws {
		// From a quantity of 1 up, nothing finer than 1e-9 of price is lost in the cost.
		p := market.Price(r.Int64N(1e15) - 5e14)
		q := market.Qty(r.Int64N(1e15)) + market.Unit
		if r.IntN(2) == 0 {
			q = -q
		}
		m := market.Factor(r.Int64N(1e12)) + market.One
		cost, err := market.Worth(p, q, m, false)
		if err != nil {
			t.Fatal(err)
		}
		back, err := market.AvgPrice(cost, q, m)
		if diff := back - p; err != nil || diff < -1 || diff > 1 {
			t.Fatalf("AvgPrice(Worth(%v, %v, %v)) = %v, %v, want the price but for the rounding of the cost", p, q, m, back, err)
		}
		if m == market.One && q%market.Unit == 0 && back != p {
			t.Fatalf("AvgPrice(Worth(%v, %v, 1)) = %v, want the price", p, q, back)
		}
	}
}

func TestAvgPriceRoundsHalfAwayFromZero(t *testing.T) {
	tests := map[string]struct {
		cost string
		qty  market.Qty
		want market.Price
	}{
		"half up":                {"0.000000001", 2 * market.Unit, 1},
		"half up, below zero":    {"-0.000000001", 2 * market.Unit, -1},
		"half up, short":         {"0.000000001", -2 * market.Unit, -1},
		"below half":             {"0.000000001", 3 * market.Unit, 0},
		"above half":             {"0.000000002", 3 * market.Unit, 1},
		"short at a price above": {"-303.75", -3 * market.Unit, 101_250_000_000},
	}
	for name, tt := range tests {
		cost, err := market.ParseNotional(tt.cost)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := market.AvgPrice(cost, tt.qty, market.One); err != nil || got != tt.want {
			t.Errorf("%s: AvgPrice(%s, %s) = %d, %v, want %d", name, tt.cost, tt.qty, got, err, tt.want)
		}
	}
}

func ExampleWorth() {
	price, _ := market.ParsePrice("0.000000003")
	qty, _ := market.ParseQty("0.5")
	charged, _ := market.Worth(price, qty, market.One, true)
	freed, _ := market.Worth(price, qty, market.One, false)
	fmt.Println(charged, freed)

	price, _ = market.ParsePrice("5120.25")
	short, _ := market.Worth(price, -2*market.Unit, 50*market.One, true)
	fmt.Println(short)
	// Output:
	// 0.000000002 0.000000001
	// -512025
}

func ExampleAvgPrice() {
	var cost market.Notional
	var position market.Qty
	for _, fill := range []struct {
		price string
		qty   market.Qty
	}{{"101.25", 200 * market.Unit}, {"101.30", 100 * market.Unit}} {
		price, _ := market.ParsePrice(fill.price)
		worth, _ := market.Worth(price, fill.qty, market.One, false)
		cost, _ = cost.Add(worth)
		position, _ = position.Add(fill.qty)
	}
	average, _ := market.AvgPrice(cost, position, market.One)
	fmt.Println(position, cost, average)
	// Output: 300 30380 101.266666667
}
