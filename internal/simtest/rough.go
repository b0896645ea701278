package simtest

import (
	"errors"

	"github.com/failshut/failshut/orders"
)

// Outcome is what a run showed in which answers get lost. Findings is empty when every promise was kept.
type Outcome struct {
	Ambiguous               int // requests of which it was not known what became of them
	News, Cancels, Replaces int // of these, by kind
	Lines                   int // changes of an order at the venue that were held against the owner
	Lives, Orders, Fills    int
	Findings                []string
}

// Ambiguous trades on a link and at a venue that lose whatever they can, requests, reports, questions and answers, with the link
// broken and the node ended now and then, with d built into it, until so many requests were of unknown outcome. Then it cancels all and judges: nothing
// was sent twice, nothing ended without evidence, and at every line of the ledger the owner held what worked at the venue.
func Ambiguous(seed uint64, least int, d Defect) (Outcome, error) {
	w, err := newWorld(Config{Seed: seed, Defect: d, Horizon: horizonFor(seed), weather: losses})
	if err != nil {
		return Outcome{}, err
	}
	r := &run{world: w}
	r.onDoubt = []orders.BlockUnknown{orders.BlockInstrument, orders.BlockNone}[r.rng.IntN(2)]
	err = r.rough(least)
	o := Outcome{
		Ambiguous: len(r.ambiguous), Lines: r.compared, Lives: r.lives, Orders: r.Orders, Fills: r.fills, Findings: r.Findings,
	}
	for _, k := range r.ambiguous {
		switch k {
		case 'N':
			o.News++
		case 'C':
			o.Cancels++
		default:
			o.Replaces++
		}
	}
	return o, err
}

func (r *run) rough(least int) error {
	if err := r.start(); err != nil {
		return err
	}
	if !r.untilOpen() {
		return nil
	}
	for n := 0; len(r.ambiguous) < least && len(r.Findings) == 0; n++ {
		if n == roughActions {
			r.find("%d requests were of unknown outcome in %d actions, want %d", len(r.ambiguous), n, least)
			return nil
		}
		switch r.rng.IntN(2000) {
		case 0, 1:
			if r.life.desk.Machine().Session() != "down" { // a logon that gets lost is the session's to repeat, and none is played here
				r.life.wire.breaks(r.rng.IntN(4), r.rng.IntN(4))
			}
		case 2:
			if err := r.another(); err != nil {
				return err
			}
		default:
			r.action(true)
		}
		for _, s := range r.short {
			r.find("%s", s)
		}
		r.short = nil
	}
	r.finish()
	return r.venue.Err()
}

// another ends the node somewhere, and waits until the next one is open.
func (r *run) another() error {
	err := r.crashAt(Points()[r.rng.IntN(13)], 0)
	if errors.Is(err, ErrNotReached) {
		r.life.trap = nil
		return nil
	}
	if err == nil {
		err = r.start()
	}
	if err == nil {
		r.holdsAll()
		r.untilOpen()
	}
	return err
}
