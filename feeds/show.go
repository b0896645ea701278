package feeds

import "github.com/failshut/failshut/market"

// Show tells one reader how everything stands, as if it had listened from the start: the state of the channel, the state
// of every book that is in doubt by itself, and every book that is Live, whole. Others are told nothing. It must be
// called between two Steps.
func (d *Desk) Show(to Sink) {
	to.State(StateChange{Pos: d.pos, State: d.state, Reset: true, Why: "shown", Recv: d.recv, Mono: d.mono})
	for _, s := range d.seats {
		switch {
		case s.own != Live:
			to.State(StateChange{Pos: d.pos, Instrument: s.instrument, State: s.own, Why: "shown", Recv: d.recv, Mono: d.mono})
		case d.live(s):
			d.showBook(s, to)
		}
	}
}

// showBook sends the levels of s, worst first, and its touch, as of when the book was last proven.
func (d *Desk) showBook(s *Seat, to Sink) {
	mono := max(s.proven, d.heard)
	var levels []Depth
	for _, side := range [2]market.Side{market.Buy, market.Sell} {
		for i := s.ladder.Len(side) - 1; i >= 0; i-- {
			l := s.ladder.Level(side, i)
			levels = append(levels, Depth{
				Pos: d.pos, Instrument: s.instrument, State: Live, Side: side, Price: l.Price, Qty: l.Qty, Event: d.event, Recv: d.recv, Mono: mono,
			})
		}
	}
	for i := range levels {
		levels[i].Complete = i == len(levels)-1
		to.Depth(levels[i])
	}
	if s.shown {
		to.Quote(Quote{
			Pos: d.pos, Instrument: s.instrument, State: Live, Bid: s.bid, Ask: s.ask, Range: s.ladder.Range(), Event: d.event, Recv: d.recv, Mono: mono,
		})
	}
}
