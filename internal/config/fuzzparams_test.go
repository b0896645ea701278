package config_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
)

// everything is a strategy's parameters with each type that is read by a rule of its own.
type everything struct {
	I    int
	I8   int8 `min:"-5" max:"5"`
	U    uint
	U16  uint16
	F    float64
	F32  float32
	B    bool
	S    string
	Q    market.Qty
	P    market.Price
	N    market.Notional
	M    market.Factor
	D    time.Duration
	Size config.Size
	Side market.Side
	Of   market.Instrument
	List []float64
	Ptr  *float32
	Part struct{ F float64 }
}

// FuzzReadParams finds no text that panics, that is read in two ways, or that lets in a number which no strategy can reckon with.
func FuzzReadParams(f *testing.F) {
	for _, s := range []string{
		"", "{}", "{f: .nan}", "{f: .inf}", "{f: -.Inf}", "{f: 1e999}", "{f: -0}", "{f: -0.0}", "{f: -1e-999}", "{f: 1e-999}", "{f32: 1e39}",
		"{list: [0, -0, .nan]}", "{list: [[1]]}", "{ptr: -0.0}", "{part: {f: .nan}}", "{part: 1}", "{i: 1.5}", "{i: 0x10}", "{i: 1_000}",
		"{i8: 128}", "{u: -1}", "{u16: 65536}", `{q: "1,5"}`, `{q: "0.0000000001"}`, "{q: 1}", `{n: "1e3"}`, "{d: 5}", "{size: 1KiB}",
		"{side: buy, of: ACME@SIM}", "{i: 1, i: 2}", "{x: 1}", "i: 1\nu: 2\n", "[1]", "{i: !!str 1}", "{i: &a 1, u: *a}", "{<<: {i: 1}}", "{i: }",
		"{f: 0b1}", "{f: 1_0.5}", "{f: \"1\"}", "{b: yes}", "{s: \"\"}", "? i\n: 1", "i: |\n  1\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var one, two everything
		err, again := config.ReadParams(text, &one), config.ReadParams(text, &two)
		if (err == nil) != (again == nil) || !reflect.DeepEqual(one, two) {
			t.Fatalf("read as %+v, %v, and as %+v, %v", one, err, two, again)
		}
		if err != nil {
			return
		}
		for _, x := range append([]float64{one.F, float64(one.F32), one.Part.F}, one.List...) {
			if math.IsNaN(x) || math.IsInf(x, 0) || x == 0 && math.Signbit(x) {
				t.Errorf("a number is %v", x)
			}
		}
		if one.I8 < -5 || one.I8 > 5 {
			t.Errorf("i8 is %d, want within its bounds", one.I8)
		}
		config.ParamsInForce(config.RawParams(text), &one)
	})
}
