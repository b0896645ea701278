package market_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
)

// share is a contract as most are, for tests to spoil.
func share(v market.Venue, s market.Symbol) market.Contract {
	return market.Contract{
		Instrument: market.MustListed(v, s),
		Currency:   "USD",
		Tick:       10_000_000,
		Lot:        market.Unit,
		MinQty:     market.Unit,
		MaxQty:     1_000_000 * market.Unit,
		Multiplier: market.One,
	}
}

func TestValidateNamesEachMistake(t *testing.T) {
	tests := map[string]struct {
		spoil func(*market.Contract)
		want  string
	}{
		"no instrument":           {func(c *market.Contract) { c.Instrument = market.Instrument{} }, `instrument = ""`},
		"no currency":             {func(c *market.Contract) { c.Currency = "" }, `currency = ""`},
		"a currency in small":     {func(c *market.Contract) { c.Currency = "usd" }, `currency = "usd"`},
		"a long currency":         {func(c *market.Contract) { c.Currency = strings.Repeat("X", 17) }, "currency = "},
		"no tick":                 {func(c *market.Contract) { c.Tick = 0 }, "tick = 0"},
		"a tick below zero":       {func(c *market.Contract) { c.Tick = -1 }, "tick = -0.000000001"},
		"no lot":                  {func(c *market.Contract) { c.Lot = 0 }, "lot = 0"},
		"no least quantity":       {func(c *market.Contract) { c.MinQty = 0 }, "min_qty = 0"},
		"most below least":        {func(c *market.Contract) { c.MinQty, c.MaxQty = 2*market.Unit, market.Unit }, "max_qty = 1, want at least min_qty and one lot, 2"},
		"most below one lot":      {func(c *market.Contract) { c.Lot, c.MaxQty = 3*market.Unit, market.Unit }, "max_qty = 1, want at least min_qty and one lot, 3"},
		"no most quantity":        {func(c *market.Contract) { c.MaxQty = 0 }, "max_qty = 0"},
		"no multiplier":           {func(c *market.Contract) { c.Multiplier = 0 }, "multiplier = 0"},
		"a multiplier below zero": {func(c *market.Contract) { c.Multiplier = -market.One }, "multiplier = -1"},
	}
	if err := share("SIM", "ACME").Validate(); err != nil {
		t.Fatalf("a good contract: %v, want no mistake", err)
	}
	for name, tt := range tests {
		c := share("SIM", "ACME")
		tt.spoil(&c)
		err := c.Validate()
		if !errors.Is(err, market.ErrInvalid) || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") != 0 {
			t.Errorf("%s: Validate() = %v, want one mistake: %s", name, err, tt.want)
		}
	}
	all := (market.Contract{}).Validate()
	for _, field := range []string{"instrument", "currency", "tick", "lot", "min_qty", "max_qty", "multiplier"} {
		if all == nil || !strings.Contains(all.Error(), field+" = ") {
			t.Errorf("the zero contract: Validate() = %v, want %s named too", all, field)
		}
	}
}

func TestNothingIsOnTheTickOrLotOfTheZeroContract(t *testing.T) {
	var c market.Contract
	if c.OnTick(0) || c.OnTick(1) || c.OnLot(0) || c.OnLot(1) || c.ToLot(7) != 0 {
		t.Error("the zero contract takes a price or quantity, want none")
	}
	if _, err := c.ToTick(1, true); !errors.Is(err, market.ErrInvalid) {
		t.Errorf("ToTick() error = %v, want %v", err, market.ErrInvalid)
	}
	if _, err := c.Ticks(1, 2); !errors.Is(err, market.ErrInvalid) {
		t.Errorf("Ticks() error = %v, want %v", err, market.ErrInvalid)
	}
	if _, err := c.Worth(1, 1, true); !errors.Is(err, market.ErrInvalid) {
		t.Errorf("Worth() error = %v, want %v", err, market.ErrInvalid)
	}
	if share("SIM", "ACME").OnTick(0) {
		t.Error("0 is on the tick, want not: it is no price")
	}
}

func FuzzTicksAndLotsAgreeWithTheOracle(f *testing.F) {
	for _, step := range edges[:9] {
		for _, v := range edges {
			f.Add(step, v, edges[4])
			f.Add(step, v, int64(0))
		}
	}
	f.Fuzz(steps)
}

func TestTicksAndLotsAgreeWithTheOracle(t *testing.T) {
	r := source(t)
	for range draws {
		steps(t, anyInt(r), anyInt(r), anyInt(r))
	}
}

func steps(t *testing.T, step, v, other int64) {
	if step <= 0 {
		return // told by TestNothingIsOnTheTickOrLotOfTheZeroContract
	}
	c := market.Contract{Tick: market.Price(step), Lot: market.Qty(step)}
	unit, x := big.NewInt(step), big.NewInt(v)
	floor, rest := new(big.Int).DivMod(x, unit, new(big.Int)) // the unit is above 0, so this rounds down
	floor.Mul(floor, unit)
	ceil := new(big.Int).Set(floor)
	if rest.Sign() != 0 {
		ceil.Add(ceil, unit)
	}
	if got := c.OnLot(market.Qty(v)); got != (rest.Sign() == 0) {
		t.Fatalf("OnLot(%d) of %d = %v", v, step, got)
	}
	if got := c.OnTick(market.Price(v)); got != (rest.Sign() == 0 && v != 0) {
		t.Fatalf("OnTick(%d) of %d = %v", v, step, got)
	}
	down, err := c.ToTick(market.Price(v), false)
	wantInt(t, "ToTick down", down, err, floor)
	up, err := c.ToTick(market.Price(v), true)
	wantInt(t, "ToTick up", up, err, ceil)
	toZero := floor
	if v < 0 {
		toZero = ceil
	}
	wantInt(t, "ToLot", c.ToLot(market.Qty(v)), nil, toZero)

	gap := new(big.Int).Sub(x, big.NewInt(other))
	want := divided(gap.Abs(gap), unit, true)
	for _, pair := range [][2]int64{{v, other}, {other, v}} {
		n, err := c.Ticks(market.Price(pair[0]), market.Price(pair[1]))
		if err != nil || new(big.Int).SetUint64(n).Cmp(want) != 0 {
			t.Fatalf("Ticks(%d, %d) of %d = %d, %v, want %d", pair[0], pair[1], step, n, err, want)
		}
	}
}

func TestContractGoesThroughJSON(t *testing.T) {
	c := share("SIM", "ACME")
	doc, err := json.Marshal(c)
	const want = `{"instrument":"ACME@SIM","currency":"USD","tick":"0.01","lot":"1","min_qty":"1","max_qty":"1000000","multiplier":"1"}`
	if err != nil || string(doc) != want {
		t.Fatalf("json.Marshal() = %s, %v, want %s", doc, err, want)
	}
	var back market.Contract
	if err := json.Unmarshal(doc, &back); err != nil || back != c {
		t.Fatalf("json.Unmarshal() = %+v, %v, want %+v", back, err, c)
	}
}
