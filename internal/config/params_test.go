package config_test

import (
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
)

type withPart struct {
	Fast   int
	Qty    market.Qty
	Every  time.Duration `yaml:"refresh"`
	Weight float64
	Names  []string
	Part   struct {
		Deep market.Price
		Flag bool
	}
	hidden int
}

func TestParametersInForceSayWhetherTheTextNamesThem(t *testing.T) {
	const text = `{fast: 5, qty: "1.50", names: [a, b], part: {flag: true}}`
	v := withPart{Fast: 20, Every: 5 * time.Second, Weight: 0.25, hidden: 1}
	v.Part.Deep = 2 * market.Price(market.Unit)
	if err := config.ReadParams(text, &v); err != nil {
		t.Fatal(err)
	}
	want := []config.Param{
		{"fast", "5", true},
		{"qty", "1.5", true},
		{"refresh", "5s", false},
		{"weight", "0.25", false},
		{"names", "[a, b]", true},
		{"part.deep", "2", false},
		{"part.flag", "true", true},
	}
	if got := config.ParamsInForce(config.RawParams(text), &v); !slices.Equal(got, want) {
		t.Errorf("in force %v, want %v", got, want)
	}
	for i := range want {
		want[i].Set = false
	}
	if got := config.ParamsInForce(config.Raw{}, &v); !slices.Equal(got, want) {
		t.Errorf("of no text %v, want %v", got, want)
	}
}
