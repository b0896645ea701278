package risk

import "github.com/failshut/failshut/market"

// Sums shows what a gate has charged: the account's worst cases, its live value and its live orders.
func (g *Gate) Sums() (long, short, live market.Notional, open int64) {
	return g.total.long, g.total.short, g.live, g.open
}

// BookSums shows the worst quantities of one leaf and of the account in its instrument.
func (g *Gate) BookSums(strategy string, i market.Instrument) (leafLong, leafShort, long, short market.Qty) {
	l := (*g.leaves.Load())[g.index[leafKey{strategy, i}]]
	s := g.instruments[l.instrumentAt]
	return l.now.longQty, l.now.shortQty, s.longQty, s.shortQty
}

// Standing returns a reader of what a gate publishes of one leaf: its position and its live buys at one moment, or false when the
// gate was inside a call.
func (g *Gate) Standing(strategy string, i market.Instrument) func() (pos, buys market.Qty, ok bool) {
	at := g.index[leafKey{strategy, i}]
	return func() (pos, buys market.Qty, ok bool) {
		all, _, ok := g.standings()
		if !ok {
			return 0, 0, false
		}
		return all[at].pos, all[at].buys, true
	}
}

// Lost tells the holder that a proposal found no room, as its actor does.
func (h *Holder) Lost(p Proposal) { h.lost(p) }

// SetLooked sets the hook that is called when all modes were looked at.
func (d *Desk) SetLooked(f func(Reading)) { d.events.Looked = f }
