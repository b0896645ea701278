package market_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/failshut/failshut/market"
)

func TestSameListingIsTheEqualInstrumentOnEveryGoroutine(t *testing.T) {
	const goroutines, symbols = 8, 200
	seen := [goroutines][symbols]market.Instrument{}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for n := range symbols {
				seen[g][n] = market.MustListed("SIM", market.Symbol(fmt.Sprint("S", n)))
			}
		})
	}
	wg.Wait()
	for g := range goroutines {
		if seen[g] != seen[0] {
			t.Fatalf("goroutine %d got other instruments for the same listings", g)
		}
	}
}

func TestOtherListingsAreOtherInstruments(t *testing.T) {
	a := market.MustListed("SIM", "ACME")
	for _, b := range []market.Instrument{market.MustListed("SIM", "ACMF"), market.MustListed("IEX", "ACME"), {}} {
		if a == b {
			t.Errorf("%v == %v, want different", a, b)
		}
	}
	if size := unsafe.Sizeof(a); size != 8 {
		t.Errorf("an instrument takes %d bytes, want 8", size)
	}
}

func TestZeroInstrumentIsInvalidAndHarmless(t *testing.T) {
	var i market.Instrument
	if i.Valid() || i.Venue() != "" || i.Symbol() != "" || i.String() != "" {
		t.Errorf("zero: valid %v, venue %q, symbol %q, text %q, want nothing", i.Valid(), i.Venue(), i.Symbol(), i)
	}
	if _, err := i.MarshalText(); !errors.Is(err, market.ErrInvalid) {
		t.Errorf("MarshalText() = %v, want %v", err, market.ErrInvalid)
	}
	if i.Compare(market.MustListed("SIM", "ACME")) != -1 || i.Compare(i) != 0 {
		t.Error("the zero instrument must sort first")
	}
}

func TestInvalidNamesAreNotListed(t *testing.T) {
	for _, tt := range []struct {
		venue  market.Venue
		symbol market.Symbol
	}{{"", ""}, {"SIM", ""}, {"", "ACME"}, {"SIM", "AC ME"}, {"S/M", "ACME"}, {"SIM", "A@B"}, {"*", "ACME"}, {"SIM", "*"}} {
		if i, err := market.Listed(tt.venue, tt.symbol); i.Valid() || !errors.Is(err, market.ErrInvalid) {
			t.Errorf("Listed(%q, %q) = %v, %v, want %v", tt.venue, tt.symbol, i, err, market.ErrInvalid)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustListed of nothing returned, want a panic")
		}
	}()
	market.MustListed("", "")
}

func FuzzInstrumentTextGoesBothWays(f *testing.F) {
	for _, s := range []string{"", "@", "ACME", "ACME@", "@SIM", "ACME@SIM", "A@B@C", "BTC/USD@KRAKEN", "A+@IEX", "A B@SIM", "*@SIM", "A@*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := market.ParseInstrument(s)
		if err != nil {
			if i.Valid() || !errors.Is(err, market.ErrSyntax) && !errors.Is(err, market.ErrInvalid) {
				t.Fatalf("ParseInstrument(%q) = %v, %v, want nothing and a reason", s, i, err)
			}
			return
		}
		if i.String() != s || !i.Venue().Valid() || !i.Symbol().Valid() || i != market.MustListed(i.Venue(), i.Symbol()) {
			t.Fatalf("ParseInstrument(%q) = %v, want the same text and the same listing", s, i)
		}
		doc, err := json.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		var back market.Instrument
		if err := json.Unmarshal(doc, &back); err != nil || back != i {
			t.Fatalf("json.Unmarshal(%s) = %v, %v, want the same instrument", doc, back, err)
		}
	})
}

func TestInstrumentsSortByVenueThenSymbol(t *testing.T) {
	want := []market.Instrument{
		{},
		market.MustListed("IEX", "ZVZZT"),
		market.MustListed("SIM", "ACME"),
		market.MustListed("SIM", "ACMF"),
	}
	got := []market.Instrument{want[3], want[1], want[0], want[2]}
	slices.SortFunc(got, market.Instrument.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("sorted = %v, want %v", got, want)
	}
}

func TestRefusedTextLeavesTheInstrumentAlone(t *testing.T) {
	i := market.MustListed("SIM", "ACME")
	if err := i.UnmarshalText([]byte("ACME")); !errors.Is(err, market.ErrSyntax) || i != market.MustListed("SIM", "ACME") {
		t.Errorf("UnmarshalText(no venue) = %v and %v, want %v and no change", err, i, market.ErrSyntax)
	}
}

func ExampleListed() {
	here, err := market.Listed("SIM", "ACME")
	if err != nil {
		fmt.Println(err)
		return
	}
	there := market.MustListed("SIM", "ACME")
	fmt.Println(here, here == there, market.Instrument{}.Valid())

	_, err = market.Listed("SIM", "AC ME")
	fmt.Println(err)
	// Output:
	// ACME@SIM true false
	// market: invalid: symbol "AC ME", want 1 to 32 visible ASCII characters but * @
}
