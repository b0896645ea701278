// Package cross is the shipped example of a strategy: a cross of two averages.
package cross

import (
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// Cross is long while a fast average of trade prices is above a slow one, else flat. Exported fields are parameters.
type Cross struct {
	Fast, Slow int
	Qty        market.Qty
	avg        strategy.Per[struct{ fast, slow strategy.Average }]
}

// New returns a Cross of 20 over 100 trades that holds one unit.
func New() *Cross { return &Cross{Fast: 20, Slow: 100, Qty: market.Unit} }

// Validate wants averages that can cross and a quantity to hold.
func (s *Cross) Validate() error {
	return strategy.Want(0 < s.Fast && s.Fast < s.Slow && 0 < s.Qty, "fast = %d, slow = %d, qty = %v, want 0 < fast < slow, 0 < qty", s.Fast, s.Slow, s.Qty)
}

// OnTrade takes the trade into both averages and says which position they want.
func (s *Cross) OnTrade(c *strategy.Context, t feeds.Trade) error {
	a := s.avg.Of(t.Instrument)
	fast, slow := a.fast.Add(t.Price, s.Fast), a.slow.Add(t.Price, s.Slow)
	switch {
	case a.slow.Seen() < s.Slow: // too early to say
	case fast > slow:
		c.Target(t.Instrument, s.Qty)
	case fast < slow:
		c.Target(t.Instrument, 0)
	}
	return nil
}
