// Package quoter is the shipped example of a strategy that rests orders on both sides of a market.
package quoter

import (
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// Quoter rests a bid and an ask around the middle of the market, further from the side on which it holds too much. Exported
// fields are parameters: HalfSpread is in ticks from the centre to each quote; a quote whose fill would bring the position past
// Max is not shown; the quotes of an instrument move at most once in Refresh.
type Quoter struct {
	HalfSpread int64 `yaml:"half_spread_ticks"`
	Qty        market.Qty
	Max        market.Qty `yaml:"max_position"`
	Refresh    time.Duration
	due        strategy.Per[time.Time]
}

// New returns a Quoter of one unit, three ticks from the centre, that holds at most ten.
func New() *Quoter {
	return &Quoter{HalfSpread: 3, Qty: market.Unit, Max: 10 * market.Unit, Refresh: 5e8}
}

// Validate wants quotes with a spread and a size, within the position.
func (s *Quoter) Validate() error {
	return strategy.Want(0 < s.HalfSpread && 0 < s.Qty && s.Qty <= s.Max && 1e4 <= s.Max && 0 < s.Refresh, "half_spread_ticks = %d, qty = %v, max_position = %v, refresh = %v, want all above 0, qty <= max_position, 0.00001 <= max_position", s.HalfSpread, s.Qty, s.Max, s.Refresh)
}

// OnQuote brings both quotes to where the market is, or takes them away where it cannot be traded on. The centre leans away
// from what is held, by half × position / max_position.
func (s *Quoter) OnQuote(c *strategy.Context, q feeds.Quote) error {
	if dark := q.Tradable() != nil || c.Gate(q.Instrument).Mode != risk.Open; dark || c.Now().Before(*s.due.Of(q.Instrument)) {
		return s.pull(c, dark, q.Instrument)
	}
	*s.due.Of(q.Instrument) = c.Now().Add(s.Refresh)
	half, wide := c.Contract(q.Instrument).Tick.Mul(s.HalfSpread)
	lean, bent := half.Bps(int64(c.Position(q.Instrument).Qty/(s.Max/1e4)), false)
	centre, off := c.Contract(q.Instrument).ToTick(market.Mid(q.Bid.Price, q.Ask.Price)-lean, false)
	c.Rest(q.Instrument, market.Buy, centre-half, s.room(c, q.Instrument, market.Buy))
	c.Rest(q.Instrument, market.Sell, centre+half, s.room(c, q.Instrument, market.Sell))
	return strategy.Want(wide == nil && bent == nil && off == nil, "quotes of %s do not fit: %v %v %v", q.Instrument, wide, bent, off) // then nothing leaves
}

// room is the size of a quote on that side: Qty, or nothing where less than that is left to the position.
func (s *Quoter) room(c *strategy.Context, i market.Instrument, side market.Side) market.Qty {
	return max(0, min(s.Qty, (s.Max-c.Position(i).Qty*market.Qty(side.Sign()))/s.Qty*s.Qty))
}

// OnFill takes quotes away when the next fill on that side would pass the position.
func (s *Quoter) OnFill(c *strategy.Context, f strategy.Fill) error {
	return s.pull(c, s.room(c, f.Instrument, f.Side) == 0, f.Instrument)
}

// OnFeedState takes quotes away where prices are in doubt: of one instrument, or of all.
func (s *Quoter) OnFeedState(c *strategy.Context, e feeds.StateChange) error {
	return s.pull(c, e.State != feeds.Live, e.Instrument)
}

// OnGate takes quotes away where the gate is not open: of one instrument, or of all.
func (s *Quoter) OnGate(c *strategy.Context, g strategy.Gate) error {
	return s.pull(c, g.Mode != risk.Open, g.Instrument)
}

// pull takes the quotes of one instrument away, or of all.
func (s *Quoter) pull(c *strategy.Context, when bool, of market.Instrument) error {
	for _, i := range c.Instruments() {
		if when && (i == of || !of.Valid()) {
			c.Rest(i, market.Buy, 0, 0)
			c.Rest(i, market.Sell, 0, 0)
		}
	}
	return nil
}
