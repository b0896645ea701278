package market_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
)

func TestCatalogueFindsWhatItWasGiven(t *testing.T) {
	given := []market.Contract{share("SIM", "ZVZZT"), share("SIM", "ACME"), share("IEX", "ZVZZT")}
	sorted := []market.Contract{given[2], given[1], given[0]}
	c, err := market.NewCatalogue(given)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.All(); !slices.Equal(got, sorted) {
		t.Errorf("All() = %v, want %v", got, sorted)
	}
	if got := c.Find("ZVZZT"); !slices.Equal(got, []market.Contract{given[2], given[0]}) {
		t.Errorf("Find() = %v, want that of IEX, then that of SIM", got)
	}
	if got := c.Find("NONE"); len(got) != 0 {
		t.Errorf("Find() of an unknown symbol = %v, want nothing", got)
	}
	for _, want := range given {
		if got, ok := c.Contract(want.Instrument); !ok || got != want {
			t.Errorf("Contract(%v) = %v, %v, want it", want.Instrument, got, ok)
		}
	}
	for _, unknown := range []market.Instrument{{}, market.MustListed("IEX", "ACME")} {
		if got, ok := c.Contract(unknown); ok || got != (market.Contract{}) {
			t.Errorf("Contract(%v) = %v, %v, want nothing", unknown, got, ok)
		}
	}
}

func TestCatalogueNeverChanges(t *testing.T) {
	given := []market.Contract{share("SIM", "ACME")}
	want := given[0]
	c, err := market.NewCatalogue(given)
	if err != nil {
		t.Fatal(err)
	}
	given[0].Multiplier = 0
	c.All()[0].Multiplier = 0
	c.Find("ACME")[0].Multiplier = 0
	if got, _ := c.Contract(want.Instrument); got != want || c.All()[0] != want || c.Find("ACME")[0] != want {
		t.Error("a slice given to the catalogue or by it changed it")
	}
}

func TestCatalogueNamesEveryMistake(t *testing.T) {
	noTick, noLot := share("SIM", "AAA"), share("SIM", "BBB")
	noTick.Tick, noTick.MinQty, noLot.Lot = 0, 0, 0
	twice := share("SIM", "CCC")
	c, err := market.NewCatalogue([]market.Contract{twice, noLot, noTick, twice, {}})
	if c != nil || !errors.Is(err, market.ErrInvalid) {
		t.Fatalf("NewCatalogue() = %v, %v, want %v", c, err, market.ErrInvalid)
	}
	for _, want := range []string{
		`contract "AAA@SIM": market: invalid: tick = 0`, `contract "AAA@SIM": market: invalid: min_qty = 0`,
		`contract "BBB@SIM": market: invalid: lot = 0`, `contract "CCC@SIM": market: invalid: given twice`,
		`contract "": market: invalid: instrument`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("NewCatalogue() error = %v, want %s in it", err, want)
		}
	}
}

func TestNoCatalogueKnowsNothing(t *testing.T) {
	empty, err := market.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*market.Catalogue{"nil": nil, "zero": {}, "empty": empty} {
		if _, ok := c.Contract(market.MustListed("SIM", "ACME")); ok || len(c.All()) != 0 || len(c.Find("ACME")) != 0 {
			t.Errorf("%s: knows something, want nothing", name)
		}
	}
}
