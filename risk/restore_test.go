package risk_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// A holder that reads a gate while its next owner restores it would have the account reconciled by positions without the orders that
// may still change them.
func TestRestoredPositionsAndOrdersAreReadTogetherOrNotAtAll(t *testing.T) {
	w := newWorld(t, nil)
	g := w.desk.Gate("A1")
	journals := [2][]risk.Held{}
	for n := range journals {
		for i := range 100 * (n + 1) { // twice as many as the position has, in both
			journals[n] = append(journals[n], risk.Held{
				Order: market.ClOrdID(fmt.Sprint("o", i)), Strategy: "cross1", Instrument: acme, Side: market.Buy, Qty: qty("1"), Price: px("100"),
			})
		}
	}
	restore := func(n int) {
		pos := risk.Position{Strategy: "cross1", Instrument: acme, Qty: qty(fmt.Sprint(len(journals[n]) / 2)), Price: px("100")}
		g.Restore([]risk.Position{pos}, journals[n])
	}
	restore(0)
	standing := g.Standing("cross1", acme)

	var done atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		for whole := 0; whole < 100 || !done.Load(); {
			pos, buys, ok := standing()
			if !ok {
				continue
			}
			if buys != 2*pos || pos == 0 {
				t.Errorf("a reader saw a position of %s and live buys of %s", pos, buys)
				return
			}
			whole++
		}
	})
	for n := range 300 {
		restore(n % 2)
	}
	done.Store(true)
	reader.Wait()
}
