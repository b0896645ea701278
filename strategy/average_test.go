package strategy_test

import (
	"flag"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

var seed = flag.Uint64("seed", 1, "seed of the random tests")

func TestAverageEqualsTheExactRecurrence(t *testing.T) {
	t.Logf("-seed %d", *seed)
	r := rand.New(rand.NewPCG(*seed, 0))
	for range 200 {
		n := 1 + r.IntN(200)
		var a strategy.Average
		value := new(big.Int)
		for i := range 500 {
			p := market.Price(1 + r.Int64N(1<<uint(1+r.IntN(62))))
			got := a.Add(p, n)
			if i == 0 {
				value.SetInt64(int64(p))
			} else {
				change := new(big.Int).Sub(big.NewInt(int64(p)), value)
				change.Mul(change, big.NewInt(2))
				change.Quo(change, big.NewInt(int64(n)+1))
				value.Add(value, change)
			}
			if value.Cmp(big.NewInt(int64(got))) != 0 {
				t.Fatalf("n = %d, price %d of %d: average %v, want %v", n, i, p, int64(got), value)
			}
		}
		if a.Seen() != 500 || a.Value() != market.Price(value.Int64()) {
			t.Fatalf("seen %d, value %v, want 500 and %v", a.Seen(), a.Value(), value)
		}
	}
}

func TestAverageIgnoresNoPrice(t *testing.T) {
	var a strategy.Average
	if got := a.Add(0, 5); got != 0 || a.Seen() != 0 {
		t.Fatalf("Add(0) = %v, seen %d, want nothing taken in", got, a.Seen())
	}
	a.Add(7, 5)
	if got := a.Add(0, 5); got != 7 || a.Seen() != 1 {
		t.Fatalf("Add(0) = %v, seen %d, want 7 and 1", got, a.Seen())
	}
}

func TestPerKeepsOneValueForEachInstrument(t *testing.T) {
	var p strategy.Per[int]
	a, b := market.MustListed("SIM", "ACME"), market.MustListed("SIM", "BOLT")
	*p.Of(a) = 3
	if *p.Of(a) != 3 || *p.Of(b) != 0 {
		t.Fatalf("Of(a) = %d, Of(b) = %d, want 3 and 0", *p.Of(a), *p.Of(b))
	}
}

func TestWantNamesWhatWasWanted(t *testing.T) {
	if err := strategy.Want(true, "x = %d", 1); err != nil {
		t.Fatalf("Want(true) = %v, want nil", err)
	}
	if err := strategy.Want(false, "x = %d, want 2", 1); err == nil || err.Error() != "x = 1, want 2" {
		t.Fatalf("Want(false) = %v", err)
	}
}
