package market_test

import (
	"errors"
	"flag"
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
)

// The oracle is math/big: what it says a result is, this package must say, or say ErrOverflow where it does not fit.

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// draws is how many inputs each random test tries.
const draws = 20_000

// edges are where 64-bit arithmetic goes wrong.
var edges = []int64{
	0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1,
	1e9, -1e9, 1e9 + 1, 1e18, -1e18, 10_000, 1 << 32,
}

var (
	min64  = big.NewInt(math.MinInt64)
	max64  = big.NewInt(math.MaxInt64)
	min128 = new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 127))
	max128 = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 127), big.NewInt(1))
	nano   = big.NewInt(1e9)
)

// source is a random source that a failing run can be repeated from.
func source(t *testing.T) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// anyInt draws numbers of every length alike, and edges often.
func anyInt(r *rand.Rand) int64 {
	if r.IntN(4) == 0 {
		return edges[r.IntN(len(edges))]
	}
	return int64(r.Uint64()) >> r.IntN(64)
}

func integer[T ~int64](v T) *big.Int { return big.NewInt(int64(v)) }

func product(factors ...int64) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, big.NewInt(f))
	}
	return p
}

func money(n market.Notional) *big.Int {
	hi, lo := n.Words()
	v := new(big.Int).Lsh(big.NewInt(hi), 64)
	return v.Add(v, new(big.Int).SetUint64(lo))
}

// divided returns num/den, rounded away from zero when up and toward zero otherwise.
func divided(num, den *big.Int, up bool) *big.Int {
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if up && r.Sign() != 0 {
		q.Add(q, big.NewInt(int64(num.Sign()*den.Sign())))
	}
	return q
}

// wantInt checks a result of 64 bits against the exact one.
func wantInt[T ~int64](t *testing.T, what string, got T, err error, exact *big.Int) {
	t.Helper()
	judge(t, what, integer(got), err, exact, min64, max64)
}

// wantMoney checks a result of 128 bits against the exact one.
func wantMoney(t *testing.T, what string, got market.Notional, err error, exact *big.Int) {
	t.Helper()
	judge(t, what, money(got), err, exact, min128, max128)
}

func judge(t *testing.T, what string, got *big.Int, err error, exact, low, high *big.Int) {
	t.Helper()
	fits := exact.Cmp(low) >= 0 && exact.Cmp(high) <= 0
	switch {
	case fits && (err != nil || got.Cmp(exact) != 0):
		t.Fatalf("%s = %v, %v, want %v", what, got, err, exact)
	case !fits && (!errors.Is(err, market.ErrOverflow) || got.Sign() != 0):
		t.Fatalf("%s = %v, %v, want 0, %v for %v", what, got, err, market.ErrOverflow, exact)
	}
}

var grammar = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// wantParsed checks what a parser made of s, of which the exact value must lie from low to high.
func wantParsed(t *testing.T, s string, got *big.Int, err error, low, high *big.Int) {
	t.Helper()
	var want error
	units := new(big.Int)
	if !grammar.MatchString(s) {
		want = market.ErrSyntax
	} else if exact, ok := new(big.Rat).SetString(s); !ok {
		t.Fatalf("the oracle cannot read %q", s)
	} else if exact.Mul(exact, new(big.Rat).SetInt(nano)); !exact.IsInt() {
		want = market.ErrPrecision
	} else if exact.Num().Cmp(low) < 0 || exact.Num().Cmp(high) > 0 {
		want = market.ErrOverflow
	} else {
		units = exact.Num()
	}
	if !errors.Is(err, want) || got.Cmp(units) != 0 {
		t.Fatalf("parsing %q = %v, %v, want %v, %v", s, got, err, units, want)
	}
}

// canonical is the text of v units as the oracle would write it.
func canonical(v *big.Int) string {
	s := new(big.Rat).SetFrac(v, nano).FloatString(9)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
