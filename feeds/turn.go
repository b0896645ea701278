package feeds

import "github.com/failshut/failshut/market"

// Turn brings the book of s into state to, and tells readers. Coming to Live it sends them the whole book.
func (d *Desk) Turn(s *Seat, to State, why string) {
	from := s.own
	if from == to {
		return
	}
	s.own = to
	if to != Live {
		s.shown = false
	}
	d.told(s.instrument, from, to, why, false)
	if d.live(s) {
		d.image(s)
	}
}

// TurnAll brings the channel into state to, and tells readers. Coming to Live it sends them every book that is.
func (d *Desk) TurnAll(to State, why string) {
	from := d.state
	if from == to {
		return
	}
	d.state = to
	if to != Live {
		d.hide()
	}
	d.told(market.Instrument{}, from, to, why, false)
	if to != Live {
		return
	}
	for _, s := range d.seats {
		if s.own == Live {
			d.image(s)
		}
	}
}

// newEpoch empties every book and starts the channel over in state to. A quarantined book stays so.
func (d *Desk) newEpoch(to State, why string) {
	from := d.state
	d.state = to
	d.hide()
	d.told(market.Instrument{}, from, to, why, true)
	for _, s := range d.seats {
		if s.own != Live && s.own != Quarantined {
			d.told(s.instrument, s.own, Live, why, false) // it stands empty, as exact as its channel
			s.own = Live
		}
	}
}

// hide forgets what readers were shown. They clear it themselves at the StateChange that follows at once.
func (d *Desk) hide() {
	for _, s := range d.dirty {
		s.dirty = false
	}
	d.dirty = d.dirty[:0]
	for _, s := range d.seats {
		s.shown = false
	}
}

func (d *Desk) told(i market.Instrument, from, to State, why string, reset bool) {
	if f := d.cfg.Events.BookState; f != nil {
		f(i, from, to, why)
	}
	d.sink.State(StateChange{Pos: d.pos, Instrument: i, State: to, Reset: reset, Why: why, Recv: d.recv, Mono: d.mono})
}

// image sends the whole book of s to readers who have just forgotten it, worst levels first so that the last one
// they get, which completes the batch, is at the touch.
func (d *Desk) image(s *Seat) {
	bids, asks := s.ladder.Len(market.Buy), s.ladder.Len(market.Sell)
	for i := bids - 1; i >= 0; i-- {
		l := s.ladder.Level(market.Buy, i)
		d.Level(s, market.Buy, l.Price, l.Qty, i == 0 && asks == 0)
	}
	for i := asks - 1; i >= 0; i-- {
		l := s.ladder.Level(market.Sell, i)
		d.Level(s, market.Sell, l.Price, l.Qty, i == 0)
	}
	if bids+asks > 0 {
		d.Publish(s)
	}
}
