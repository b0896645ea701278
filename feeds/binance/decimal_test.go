package binance_test

import (
	"testing"

	"github.com/failshut/failshut/feeds/binance"
	"github.com/failshut/failshut/market"
)

func FuzzFastDecimalIsTheDecimalOfMarket(f *testing.F) {
	for _, s := range []string{"0.0", "999999999.999999999", "1000000000.0", "1.0000000001", "1.", ".1", "01.10", "1", "-1.0", "1.5x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, taken, ok := binance.Plain([]byte(`"` + s + `"`))
		if !ok {
			if taken != 0 {
				t.Fatalf("%q: %d bytes taken of what is not plain", s, taken)
			}
			return
		}
		if taken != len(s)+2 {
			return // the text holds a quote of its own
		}
		if p, err := market.ParsePrice(s); err != nil || int64(p) != v {
			t.Fatalf("%q = %d, want %d, %v", s, v, p, err)
		}
	})
}
