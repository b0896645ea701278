package risk_test

import (
	"fmt"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// BenchmarkGate is the whole of a check with six scopes and every control built, and the end of the order by a fact of the venue.
func BenchmarkGate(b *testing.B) {
	ids := make([]market.ClOrdID, 4096)
	for i := range ids {
		ids[i] = market.ClOrdID(fmt.Sprintf("1000001%09d", i))
	}
	run := func(b *testing.B, in risk.Intent, end bool) {
		w := opened(b, nil)
		g := w.desk.Gate("A1")
		for range 2 * len(ids) { // the table of ids reaches its working size
			in.ID = ids[w.ids%len(ids)]
			w.ids++
			if _, err := g.Check(in, w.now); err != nil {
				b.Fatal(err)
			}
			g.Hold(risk.Held{Order: in.ID, Strategy: in.Strategy, Instrument: in.Instrument, Side: in.Side, Price: in.Price})
		}
		b.ReportAllocs()
		for b.Loop() {
			in.ID = ids[w.ids%len(ids)]
			w.ids++
			_, err := g.Check(in, w.now)
			if end && err == nil {
				g.Hold(risk.Held{Order: in.ID, Strategy: in.Strategy, Instrument: in.Instrument, Side: in.Side, Price: in.Price})
			}
		}
	}
	w := newWorld(b, nil)
	buy := w.order(nil)
	sell := w.order(func(in *risk.Intent) { in.Side = market.Sell })
	b.Run("buy, check and end", func(b *testing.B) { run(b, buy, true) })
	b.Run("sell, check and end", func(b *testing.B) { run(b, sell, true) })
	over := buy
	over.Qty = qty("21")
	b.Run("refused", func(b *testing.B) {
		w := opened(b, nil)
		g := w.desk.Gate("A1")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := g.Check(over, w.now); err == nil {
				b.Fatal("admitted")
			}
		}
	})
}
