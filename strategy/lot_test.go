package strategy

import (
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/failshut/failshut/market"
)

var lotSeed = flag.Uint64("lot.seed", 1, "seed of the random executions of a position")

func px(text string) market.Price       { return must(market.ParsePrice(text)) }
func qty(text string) market.Qty        { return must(market.ParseQty(text)) }
func money(text string) market.Notional { return must(market.ParseNotional(text)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var lotted = market.MustListed("SIM", "LOT")

func TestAPositionIsReckonedAtAverageCost(t *testing.T) {
	type exec struct{ qty, price string }
	for _, c := range []struct {
		name               string
		factor             string
		does               []exec
		qty, avg, realised string
	}{
		{"nothing", "1", nil, "0", "0", "0"},
		{"one price", "1", []exec{{"3", "10.5"}}, "3", "10.5", "0"},
		{"what adds has its own price", "1", []exec{{"1", "10"}, {"3", "14"}}, "4", "13", "0"},
		{"what reduces leaves the average", "1", []exec{{"4", "13"}, {"-1", "15"}}, "3", "13", "2"},
		{"short", "1", []exec{{"-4", "13"}, {"1", "15"}}, "-3", "13", "-2"},
		{"flat", "1", []exec{{"4", "13"}, {"-4", "12"}}, "0", "0", "-4"},
		{"through zero", "1", []exec{{"4", "13"}, {"-6", "15"}}, "-2", "15", "8"},
		{"a multiplier", "50", []exec{{"2", "4000.25"}, {"-1", "4001"}}, "1", "4000.25", "37.5"},
		{"a price below zero", "1", []exec{{"2", "-1"}, {"-1", "-0.25"}}, "1", "-1", "0.75"},
		{"a third, to the nearest", "1", []exec{{"2", "1"}, {"1", "2"}}, "3", "1.333333333", "0"},
		{"two thirds, to the nearest", "1", []exec{{"1", "1"}, {"2", "2"}}, "3", "1.666666667", "0"},
		{"the smallest quantity keeps its price", "1", []exec{{"0.000000001", "64123.456789123"}}, "0.000000001", "64123.456789123", "0"},
		{"thirds come out whole when flat", "1", []exec{{"2", "1"}, {"1", "2"}, {"-1", "2"}, {"-1", "2"}, {"-1", "2"}}, "0", "0", "2"},
		{"a gain finer than 1e-9 is not told", "1", []exec{{"0.1", "0.000000001"}, {"-0.1", "0.000000002"}}, "0", "0", "0"},
		{"nor is a loss", "1", []exec{{"0.1", "0.000000002"}, {"-0.1", "0.000000001"}}, "0", "0", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := account{factor: must(market.ParseFactor(c.factor))}
			for _, e := range c.does {
				a.execute(Execution{Qty: qty(e.qty), Price: px(e.price)})
			}
			want := Position{Instrument: lotted, Qty: qty(c.qty), Avg: px(c.avg), Realised: money(c.realised)}
			if got := a.position(lotted); got != want {
				t.Errorf("position %+v, want %+v", got, want)
			}
		})
	}
}

func TestAPositionGoesOnFromWhatItWas(t *testing.T) {
	a := account{factor: market.One, opening: Position{Qty: qty("2"), Avg: px("10"), Realised: money("7")}}
	a.begin()
	a.execute(Execution{Exec: "E1", Qty: qty("-1"), Price: px("12")})
	want := Position{Instrument: lotted, Qty: qty("1"), Avg: px("10"), Realised: money("9")}
	if got := a.position(lotted); got != want {
		t.Errorf("position %+v, want %+v", got, want)
	}
	a.change("E1", Execution{Exec: "B1", Qty: qty("1"), Price: px("12")})
	want = Position{Instrument: lotted, Qty: qty("2"), Avg: px("10"), Realised: money("7")}
	if got := a.position(lotted); got != want {
		t.Errorf("after the bust position %+v, want %+v", got, want)
	}
}

// exactLot is a position in fractions: what an inventory has to come near.
type exactLot struct{ qty, cost, gain *big.Rat }

func rat(v int64) *big.Rat { return big.NewRat(v, 1e9) }

func (x *exactLot) take(e Execution) {
	q, p := rat(int64(e.Qty)), rat(int64(e.Price))
	if x.qty.Sign()*q.Sign() < 0 {
		c := new(big.Rat).Set(q)
		if new(big.Rat).Abs(q).Cmp(new(big.Rat).Abs(x.qty)) > 0 {
			c.Neg(x.qty)
		}
		avg := new(big.Rat).Quo(x.cost, x.qty)
		gain := new(big.Rat).Mul(c, new(big.Rat).Sub(avg, p))
		x.gain.Add(x.gain, gain)
		x.cost.Add(x.cost, new(big.Rat).Mul(c, avg))
		x.qty.Add(x.qty, c)
		q.Sub(q, c)
	}
	x.cost.Add(x.cost, new(big.Rat).Mul(q, p))
	x.qty.Add(x.qty, q)
}

func ratOf(n market.Notional) *big.Rat {
	hi, lo := n.Words()
	v := new(big.Int).Lsh(big.NewInt(hi), 64)
	v.Add(v, new(big.Int).SetUint64(lo))
	return new(big.Rat).SetFrac(v, big.NewInt(1e9))
}

// near reports whether two amounts differ by less than a unit of 1e-9 and what roundings of 1e-18 can come to.
func near(a, b *big.Rat) bool {
	d := new(big.Rat).Sub(a, b)
	return d.Abs(d).Cmp(big.NewRat(1_000_001, 1e15)) <= 0
}

// TestAPositionIsTheSumOfTheExecutionsThatStand holds random fills, busts and corrections against fractions, and against a position
// that has seen nothing but what stands in the end.
func TestAPositionIsTheSumOfTheExecutionsThatStand(t *testing.T) {
	r := rand.New(rand.NewPCG(*lotSeed, 1))
	flats := 0
	for n := range 2000 {
		a := account{factor: market.One}
		var stand []Execution
		for k := range 1 + r.IntN(20) {
			switch at := r.IntN(4); {
			case at == 0 && len(stand) > 0:
				e := stand[r.IntN(len(stand))]
				a.change(e.Exec, Execution{Exec: "B", Qty: -e.Qty, Price: e.Price})
				stand = slices.DeleteFunc(stand, func(x Execution) bool { return x == e })
			case at == 1 && len(stand) > 0:
				i := r.IntN(len(stand))
				now := stand[i]
				now.Qty, now.Price = now.Qty/2, now.Price+market.Price(r.Int64N(1e9))
				a.change(now.Exec, Execution{Exec: "C", Qty: now.Qty - stand[i].Qty, Price: now.Price})
				stand[i] = now
			default:
				e := Execution{Exec: fmt.Sprint("E", k), Qty: market.Qty(r.Int64N(20e9) - 10e9), Price: market.Price(1 + r.Int64N(100e9))}
				if r.IntN(4) == 0 {
					e.Qty = -a.sum.Qty()
				}
				if e.Qty == 0 {
					continue
				}
				a.execute(e)
				stand = append(stand, e)
			}
			again, exact := account{factor: market.One}, exactLot{new(big.Rat), new(big.Rat), new(big.Rat)}
			cash := new(big.Rat)
			for _, e := range stand {
				if e.Qty == 0 {
					continue
				}
				again.execute(e)
				exact.take(e)
				cash.Sub(cash, new(big.Rat).Mul(rat(int64(e.Qty)), rat(int64(e.Price))))
			}
			got := a.position(lotted)
			if want := again.position(lotted); got != want {
				t.Fatalf("-lot.seed=%d, run %d: %+v, want what the executions that stand come to, %+v", *lotSeed, n, got, want)
			}
			avg := new(big.Rat)
			if exact.qty.Sign() != 0 {
				avg.Quo(exact.cost, exact.qty)
			}
			if rat(int64(got.Qty)).Cmp(exact.qty) != 0 || !near(rat(int64(got.Avg)), avg) || !near(ratOf(got.Realised), exact.gain) {
				t.Fatalf("-lot.seed=%d, run %d: %+v, want %s at %s, gained %s", *lotSeed, n, got,
					exact.qty.FloatString(9), avg.FloatString(9), exact.gain.FloatString(9))
			}
			if got.Qty == 0 {
				flats++
				whole := new(big.Rat).SetInt(new(big.Int).Quo(new(big.Int).Mul(cash.Num(), big.NewInt(1e9)), cash.Denom()))
				if whole.Quo(whole, big.NewRat(1e9, 1)); ratOf(got.Realised).Cmp(whole) != 0 {
					t.Fatalf("-lot.seed=%d, run %d: flat with a gain of %s, want all that was received less all that was paid, %s",
						*lotSeed, n, got.Realised, whole.FloatString(18))
				}
			}
		}
	}
	if flats < 100 {
		t.Errorf("flat %d times, want it to be looked at more often", flats)
	}
}

func TestASumThatDoesNotFitIsUnknown(t *testing.T) {
	for name, does := range map[string][]Execution{
		"quantity":       {{Qty: math.MaxInt64, Price: 1}, {Qty: 1, Price: 1}},
		"quantity below": {{Qty: math.MinInt64, Price: 1}, {Qty: -1, Price: 1}},
		"gain": {
			{Qty: math.MaxInt64, Price: -math.MaxInt64},
			{Qty: -math.MaxInt64, Price: math.MaxInt64}, // just fits
			{Qty: math.MaxInt64, Price: -math.MaxInt64},
			{Qty: -math.MaxInt64, Price: math.MaxInt64},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := account{factor: market.One}
			for n, e := range does {
				e.Exec = fmt.Sprint(n)
				a.execute(e)
			}
			if p := a.position(lotted); !p.Unknown || p.Avg != 0 || !p.Realised.IsZero() {
				t.Errorf("position %+v, want one that is unknown", p)
			}
		})
	}
	t.Run("until what did not fit is busted", func(t *testing.T) {
		a := account{factor: market.One}
		a.execute(Execution{Exec: "E1", Qty: math.MaxInt64, Price: 1})
		a.execute(Execution{Exec: "E2", Qty: market.Unit, Price: 1})
		a.change("E1", Execution{Exec: "B1", Qty: -math.MaxInt64, Price: 1})
		if p := a.position(lotted); p.Unknown || p.Qty != market.Unit || p.Avg != 1 {
			t.Errorf("position %+v, want the other execution alone", p)
		}
	})
	t.Run("in money alone", func(t *testing.T) {
		a := account{factor: market.Factor(math.MaxInt64)}
		for range 8 {
			a.execute(Execution{Qty: 9e18, Price: 2e18})
			a.execute(Execution{Qty: -9e18, Price: 3e18})
		}
		if p := a.position(lotted); p.Qty != 0 || !p.Unknown || !p.Realised.IsZero() {
			t.Errorf("position %+v, want one that is flat and of unknown gain", p)
		}
	})
}
