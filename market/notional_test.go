package market_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/failshut/failshut/market"
)

func FuzzMoneyAgreesWithTheOracle(f *testing.F) {
	ends := []int64{0, -1, 1<<63 - 1, -1 << 63}
	for _, a := range ends {
		for _, b := range ends {
			for _, c := range ends {
				for _, d := range ends {
					f.Add(a, uint64(b), c, uint64(d))
				}
			}
		}
	}
	f.Fuzz(adds)
}

func TestMoneyAgreesWithTheOracle(t *testing.T) {
	r := source(t)
	for range draws {
		adds(t, anyInt(r), uint64(anyInt(r)), anyInt(r), uint64(anyInt(r)))
	}
}

func adds(t *testing.T, hi int64, lo uint64, otherHi int64, otherLo uint64) {
	n, o := market.NotionalFromWords(hi, lo), market.NotionalFromWords(otherHi, otherLo)
	x, y := money(n), money(o)
	got, err := n.Add(o)
	wantMoney(t, "Add", got, err, new(big.Int).Add(x, y))
	got, err = n.Sub(o)
	wantMoney(t, "Sub", got, err, new(big.Int).Sub(x, y))
	got, err = n.Neg()
	wantMoney(t, "Neg", got, err, new(big.Int).Neg(x))
	got, err = n.Abs()
	wantMoney(t, "Abs", got, err, new(big.Int).Abs(x))
	order := x.Cmp(y)
	if n.Cmp(o) != order || o.Cmp(n) != -order || (n == o) != (order == 0) {
		t.Fatalf("Cmp of %v and %v = %d and back %d, want %d", n, o, n.Cmp(o), o.Cmp(n), order)
	}
	low, high := n, o
	if order > 0 {
		low, high = o, n
	}
	if n.Min(o) != low || n.Max(o) != high {
		t.Fatalf("Min and Max of %v and %v = %v, %v, want %v, %v", n, o, n.Min(o), n.Max(o), low, high)
	}
	if n.Sign() != x.Sign() || n.IsZero() != (x.Sign() == 0) {
		t.Fatalf("Sign() of %v = %d and IsZero() %v, want sign %d", n, n.Sign(), n.IsZero(), x.Sign())
	}
}

func FuzzPartsOfMoneyAgreeWithTheOracle(f *testing.F) {
	for _, a := range edges[:7] {
		for _, b := range edges[:9] {
			f.Add(a, uint64(b), b, int64(3))
			f.Add(a, uint64(a), int64(9_999), b)
		}
	}
	f.Fuzz(divides)
}

// The lowest amount has no counterpart above zero: a share that is it must not be reckoned by way of that.
func TestTheLowestAmountIsAShare(t *testing.T) {
	divides(t, -1, 0, math.MinInt64, -1)
	divides(t, math.MinInt64, 0, 1, 1)
	divides(t, math.MinInt64, 0, -1, -1)
}

func TestPartsOfMoneyAgreeWithTheOracle(t *testing.T) {
	r := source(t)
	for range draws {
		divides(t, anyInt(r), uint64(anyInt(r)), anyInt(r), anyInt(r))
	}
}

func divides(t *testing.T, hi int64, lo uint64, part, whole int64) {
	n := market.NotionalFromWords(hi, lo)
	num := new(big.Int).Mul(money(n), big.NewInt(part))
	got, err := n.Mul(part)
	wantMoney(t, "Mul", got, err, num)
	for _, up := range []bool{true, false} {
		got, err = n.MulBps(part, up)
		wantMoney(t, "MulBps", got, err, divided(num, big.NewInt(10_000), up))
		got, err = n.Share(market.Qty(part), market.Qty(whole), up)
		if whole != 0 {
			wantMoney(t, "Share", got, err, divided(num, big.NewInt(whole), up))
		} else if !errors.Is(err, market.ErrInvalid) || !got.IsZero() {
			t.Fatalf("Share of a whole of 0 = %v, %v, want 0, %v", got, err, market.ErrInvalid)
		}
	}
}

func TestSharesFreedNeverExceedWhatWasCharged(t *testing.T) {
	r := source(t)
	for range 1_000 {
		charged := market.NotionalFromWords(0, r.Uint64())
		whole := market.Qty(r.Int64N(1e12) + 1)
		freed, left := market.Notional{}, whole
		for left > 0 {
			fill := min(left, market.Qty(r.Int64N(int64(whole))+1))
			share, err := charged.Share(fill, whole, false)
			if err != nil {
				t.Fatal(err)
			}
			if freed, err = freed.Add(share); err != nil {
				t.Fatal(err)
			}
			left -= fill
		}
		if freed.Cmp(charged) > 0 {
			t.Fatalf("freed %v of %v charged, want no more than that", freed, charged)
		}
	}
}

func TestMostMoneyIsTheEndOfTheRange(t *testing.T) {
	if money(market.MaxNotional()).Cmp(max128) != 0 || money(market.MinNotional()).Cmp(min128) != 0 {
		t.Errorf("range %v to %v, want %v to %v", market.MinNotional(), market.MaxNotional(), min128, max128)
	}
	if !(market.Notional{}).IsZero() || (market.Notional{}).String() != "0" {
		t.Error("the zero Notional must be a plain zero")
	}
}

// TestSumsDoNotDependOnTheirOrder is what lets a ledger add up in whatever order its entries come.
func TestSumsDoNotDependOnTheirOrder(t *testing.T) {
	r := source(t)
	parts := make([]market.Notional, 100)
	for i := range parts {
		var err error
		if parts[i], err = market.Worth(market.Price(anyInt(r)), market.Qty(anyInt(r)), market.One, true); err != nil {
			t.Fatal(err)
		}
	}
	first := total(t, parts)
	for range 20 {
		shuffle(r, parts)
		if again := total(t, parts); again != first {
			t.Fatalf("sum = %v after a shuffle, want %v", again, first)
		}
	}
}

func shuffle(r *rand.Rand, parts []market.Notional) {
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
}

func total(t *testing.T, parts []market.Notional) market.Notional {
	t.Helper()
	var sum market.Notional
	for _, p := range parts {
		var err error
		if sum, err = sum.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}
