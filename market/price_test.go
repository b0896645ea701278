package market_test

import (
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/failshut/failshut/market"
)

func FuzzArithmeticAgreesWithTheOracle(f *testing.F) {
	for _, a := range edges {
		for _, b := range edges {
			f.Add(a, b)
		}
	}
	f.Fuzz(calculates)
}

func TestArithmeticAgreesWithTheOracle(t *testing.T) {
	r := source(t)
	for range draws {
		calculates(t, anyInt(r), anyInt(r))
	}
}

// calculates checks every operation on one or two numbers of 64 bits.
func calculates(t *testing.T, a, b int64) {
	p, o, q, r := market.Price(a), market.Price(b), market.Qty(a), market.Qty(b)
	x, y := big.NewInt(a), big.NewInt(b)
	zero := new(big.Int)
	check64 := func(what string, exact *big.Int, price func() (market.Price, error), qty func() (market.Qty, error)) {
		t.Helper()
		gotP, err := price()
		wantInt(t, fmt.Sprintf("Price %s of %d and %d", what, a, b), gotP, err, exact)
		gotQ, err := qty()
		wantInt(t, fmt.Sprintf("Qty %s of %d and %d", what, a, b), gotQ, err, exact)
	}
	check64("Add", new(big.Int).Add(x, y), func() (market.Price, error) { return p.Add(o) }, func() (market.Qty, error) { return q.Add(r) })
	check64("Sub", new(big.Int).Sub(x, y), func() (market.Price, error) { return p.Sub(o) }, func() (market.Qty, error) { return q.Sub(r) })
	check64("Mul", product(a, b), func() (market.Price, error) { return p.Mul(b) }, func() (market.Qty, error) { return q.Mul(b) })
	check64("Neg", zero.Neg(x), p.Neg, q.Neg)
	check64("Abs", zero.Abs(x), p.Abs, q.Abs)
	for _, up := range []bool{true, false} {
		got, err := p.Bps(b, up)
		wantInt(t, fmt.Sprintf("Bps(%d, %v) of %d", b, up, a), got, err, divided(product(a, b), big.NewInt(10_000), up))
	}
	middle(t, p, o)
}

func middle(t *testing.T, a, b market.Price) {
	t.Helper()
	sum := new(big.Int).Add(integer(a), integer(b))
	want := new(big.Int).Rsh(sum, 1) // rounds down, as the shift of a signed number does
	if a == 0 || b == 0 {
		want.SetInt64(0)
	}
	if got := market.Mid(a, b); integer(got).Cmp(want) != 0 {
		t.Fatalf("Mid(%d, %d) = %d, want %d", a, b, got, want)
	}
}

func FuzzCollarHoldsJustThePricesInside(f *testing.F) {
	for _, ref := range edges {
		for _, bps := range []int64{-1, 0, 1, 500, 10_000, 1 << 62} {
			f.Add(ref, bps, ref)
			f.Add(ref, bps, int64(0))
		}
	}
	f.Fuzz(collars)
}

func TestCollarHoldsJustThePricesInside(t *testing.T) {
	r := source(t)
	for range draws {
		ref, bps := anyInt(r), anyInt(r)>>40
		collars(t, ref, bps, anyInt(r))
		if low, high, err := market.Collar(market.Price(ref), bps); err == nil {
			for _, p := range []market.Price{low - 1, low, low + 1, high - 1, high, high + 1} {
				collars(t, ref, bps, int64(p))
			}
		}
	}
}

func collars(t *testing.T, ref, bps, p int64) {
	low, high, err := market.Collar(market.Price(ref), bps)
	if ref == 0 || bps < 0 {
		if !errors.Is(err, market.ErrInvalid) {
			t.Fatalf("Collar(%d, %d) error = %v, want %v", ref, bps, err, market.ErrInvalid)
		}
		return
	}
	width := divided(product(ref, bps), big.NewInt(10_000), false)
	width.Abs(width)
	ends := [2]*big.Int{new(big.Int).Sub(big.NewInt(ref), width), new(big.Int).Add(big.NewInt(ref), width)}
	if ends[0].Cmp(min64) < 0 || ends[1].Cmp(max64) > 0 {
		if !errors.Is(err, market.ErrOverflow) {
			t.Fatalf("Collar(%d, %d) error = %v, want %v", ref, bps, err, market.ErrOverflow)
		}
		return
	}
	if err != nil {
		t.Fatalf("Collar(%d, %d) error = %v, want ends %v", ref, bps, err, ends)
	}
	away := new(big.Int).Sub(big.NewInt(p), big.NewInt(ref))
	away.Mul(away.Abs(away), big.NewInt(10_000))
	room := product(ref, bps)
	inside := away.Cmp(room.Abs(room)) <= 0
	if got := int64(low) <= p && p <= int64(high); got != inside {
		t.Fatalf("Collar(%d, %d) = %d to %d: %d inside is %v, want %v", ref, bps, low, high, p, got, inside)
	}
}

func FuzzScaledIntegersAreTakenExactly(f *testing.F) {
	for _, v := range edges {
		for _, decimals := range []int{-1, 0, 4, 9, 10, 18, 19} {
			f.Add(v, decimals)
		}
	}
	f.Fuzz(scales)
}

func TestScaledIntegersAreTakenExactly(t *testing.T) {
	r := source(t)
	for range draws {
		scales(t, anyInt(r), r.IntN(21)-1)
	}
}

func scales(t *testing.T, v int64, decimals int) {
	p, errP := market.PriceOf(v, decimals)
	q, errQ := market.QtyOf(v, decimals)
	n, errN := market.NotionalOf(v, decimals)
	var refused error
	exact := new(big.Rat)
	if decimals < 0 || decimals > 18 {
		refused = market.ErrInvalid
	} else {
		exact.SetFrac(product(v, 1e9), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
		if !exact.IsInt() {
			refused = market.ErrPrecision
		}
	}
	if refused != nil {
		for _, err := range []error{errP, errQ, errN} {
			if !errors.Is(err, refused) {
				t.Fatalf("%d at %d decimals: error %v, want %v", v, decimals, err, refused)
			}
		}
		if p != 0 || q != 0 || !n.IsZero() {
			t.Fatalf("%d at %d decimals, refused, gave %d, %d, %v, want 0", v, decimals, p, q, n)
		}
		return
	}
	wantInt(t, "PriceOf", p, errP, exact.Num())
	wantInt(t, "QtyOf", q, errQ, exact.Num())
	wantMoney(t, "NotionalOf", n, errN, exact.Num())
}

func TestZeroIsNoPrice(t *testing.T) {
	if market.Price(0).Valid() || !market.Price(1).Valid() || !market.Price(-1).Valid() {
		t.Error("Valid() must be false for 0 alone: prices below zero happen")
	}
	if market.Factor(0).Valid() || market.Factor(-1).Valid() || !market.One.Valid() {
		t.Error("Valid() of a multiplier must be true above 0 alone")
	}
}

func ExampleCollar() {
	reference, _ := market.ParsePrice("100.05")
	low, high, _ := market.Collar(reference, 500)
	fmt.Println(low, high)
	// Output: 95.0475 105.0525
}

func ExamplePriceOf() {
	price, _ := market.PriceOf(1_012_500, 4) // as ITCH and IEX DEEP write it
	fmt.Println(price)
	// Output: 101.25
}
