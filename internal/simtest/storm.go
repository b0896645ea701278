package simtest

// Storm is what a run showed in which reports come again. Findings is empty when every execution counted once.
type Storm struct {
	Fills, Resent, Lives int
	Findings             []string
}

// FillsOnce trades while most reports come twice, many late, some as an application replay; while the link breaks again and again,
// and the node ends, so that the session replays what it told, now and then all of it. Then it cancels all and judges: what the node
// counts is what the ledger says, each execution by its id.
func FillsOnce(seed uint64, d Defect) (Storm, error) {
	w, err := newWorld(Config{Seed: seed, Defect: d, Horizon: horizonFor(seed), weather: storms})
	if err != nil {
		return Storm{}, err
	}
	r := &run{world: w}
	err = r.storm()
	return Storm{Fills: r.fills, Resent: r.resent, Lives: r.lives, Findings: r.Findings}, err
}

func (r *run) storm() error {
	if err := r.start(); err != nil {
		return err
	}
	if !r.untilOpen() {
		return nil
	}
	for range 2 {
		for range 150 {
			if r.rng.IntN(40) == 0 && r.life.desk.Machine().Session() != "down" {
				r.life.wire.breaks(r.rng.IntN(4), r.rng.IntN(4))
			}
			r.action(true)
		}
		if err := r.another(); err != nil {
			return err
		}
	}
	r.finish()
	return r.venue.Err()
}
