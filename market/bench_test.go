package market_test

import (
	"testing"

	"github.com/failshut/failshut/market"
)

// The results of benchmarks go here, so that the compiler keeps the work.
var (
	sinkPrice      market.Price
	sinkMoney      market.Notional
	sinkBytes      []byte
	sinkInstrument market.Instrument
)

func TestHotPathsAllocateNothing(t *testing.T) {
	price, long := []byte("64250.12000000"), []byte("-9223372036.854775808")
	buf := make([]byte, 0, 64)
	acme := market.MustListed("SIM", "ACME")
	contract := share("SIM", "ACME")
	catalogue, err := market.NewCatalogue([]market.Contract{contract})
	if err != nil {
		t.Fatal(err)
	}
	money, other := market.NotionalFromWords(1<<40, 7), market.NotionalFromWords(-1<<40, 9)
	// what a case returns must be nil, so that a fast failure cannot pass for a fast success.
	cases := map[string]func() error{
		"ParsePriceBytes":      func() (err error) { sinkPrice, err = market.ParsePriceBytes(price); return },
		"ParsePriceBytes, min": func() (err error) { sinkPrice, err = market.ParsePriceBytes(long); return },
		"ParsePrice":           func() (err error) { sinkPrice, err = market.ParsePrice("64250.12000000"); return },
		"ParseQtyBytes":        func() (err error) { _, err = market.ParseQtyBytes(price); return },
		"ParseNotionalBytes":   func() (err error) { sinkMoney, err = market.ParseNotionalBytes(long); return },
		"PriceOf":              func() (err error) { sinkPrice, err = market.PriceOf(1_012_500, 4); return },
		"Price.AppendText":     func() (err error) { sinkBytes, err = market.Price(-12_500_000_001).AppendText(buf); return },
		"Qty.AppendText":       func() (err error) { sinkBytes, err = market.Qty(1<<62 + 1).AppendText(buf); return },
		"Notional.AppendText":  func() (err error) { sinkBytes, err = market.MinNotional().AppendText(buf); return },
		"Instrument.AppendText": func() (err error) {
			sinkBytes, err = acme.AppendText(buf)
			return
		},
		"Timestamp.AppendText": func() (err error) { sinkBytes, err = market.Timestamp(1<<60 + 1).AppendText(buf); return },
		"Worth": func() (err error) {
			sinkMoney, err = market.Worth(101_250_000_001, 3_000_000_007, 50*market.One, true)
			return
		},
		"Contract.Worth": func() (err error) { sinkMoney, err = contract.Worth(101_250_000_000, market.Unit, false); return },
		"AvgPrice": func() (err error) {
			sinkPrice, err = market.AvgPrice(market.NotionalFromWords(1<<10, 7), 1<<60, 3*market.One)
			return
		},
		"Collar":          func() (err error) { sinkPrice, _, err = market.Collar(101_250_000_000, 500); return },
		"Price.Add":       func() (err error) { sinkPrice, err = sinkPrice.Add(0); return },
		"Notional.Add":    func() (err error) { sinkMoney, err = money.Add(other); return },
		"Notional.Sub":    func() (err error) { sinkMoney, err = money.Sub(other); return },
		"Notional.MulBps": func() (err error) { sinkMoney, err = money.MulBps(500, true); return },
		"Notional.Share":  func() (err error) { sinkMoney, err = money.Share(3, -7, true); return },
		"Listed, known":   func() (err error) { sinkInstrument, err = market.Listed("SIM", "ACME"); return },
		"Catalogue.Contract": func() error {
			k, ok := catalogue.Contract(acme)
			if !ok {
				return market.ErrInvalid
			}
			sinkPrice, _ = k.ToTick(101_251_000_000, true)
			return nil
		},
	}
	for name, f := range cases {
		if err := f(); err != nil {
			t.Errorf("%s: %v, want no error", name, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = f() }); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
}

func BenchmarkParsePriceBytes(b *testing.B) {
	text := []byte("64250.12000000")
	b.ReportAllocs()
	for b.Loop() {
		sinkPrice, _ = market.ParsePriceBytes(text)
	}
}

func BenchmarkPriceOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sinkPrice, _ = market.PriceOf(1_012_500, 4)
	}
}

func BenchmarkPriceAppendText(b *testing.B) {
	buf := make([]byte, 0, 64)
	p := market.Price(64_250_120_000_000)
	b.ReportAllocs()
	for b.Loop() {
		sinkBytes, _ = p.AppendText(buf)
	}
}

func BenchmarkNotionalAppendText(b *testing.B) {
	buf := make([]byte, 0, 64)
	n := market.MinNotional()
	b.ReportAllocs()
	for b.Loop() {
		sinkBytes, _ = n.AppendText(buf)
	}
}

func BenchmarkWorth(b *testing.B) {
	p, q := market.Price(64_250_120_000_000), market.Qty(12_345_678)
	b.ReportAllocs()
	for b.Loop() {
		sinkMoney, _ = market.Worth(p, q, market.One, true)
	}
}

func BenchmarkAvgPrice(b *testing.B) {
	cost := market.NotionalFromWords(1<<10, 7)
	b.ReportAllocs()
	for b.Loop() {
		sinkPrice, _ = market.AvgPrice(cost, 1<<60, market.One)
	}
}

func BenchmarkNotionalAdd(b *testing.B) {
	n, o := market.NotionalFromWords(1<<40, 7), market.NotionalFromWords(-1<<40, 9)
	b.ReportAllocs()
	for b.Loop() {
		sinkMoney, _ = n.Add(o)
	}
}

func BenchmarkListed(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sinkInstrument, _ = market.Listed("SIM", "ACME")
	}
}
