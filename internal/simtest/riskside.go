package simtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/failshut/failshut/risk"
)

// riskSide is the risk of one life: a desk that is shut until the real conditions hold, on a replicated log that outlives it.
type riskSide struct {
	desk   *risk.Desk
	holder *risk.Holder
	log    risk.Log
	queue  []risk.Message
}

// shifted makes a log in memory go on behind the entries of the lives before.
type shifted struct {
	to risk.Applier
	by uint64
}

func (s shifted) Apply(index, term uint64, cmd []byte) []byte {
	return s.to.Apply(index+s.by, term, cmd)
}

// newRisk starts the risk of a life: replica restored, the next term, a nonce of its own.
func (w *world) newRisk() (*riskSide, error) {
	d, err := risk.NewDesk(w.rules, risk.Parts{Nonce: uint64(w.lives), Catalogue: w.catalogue, Prices: w.quotes, Trips: &w.trips})
	if err != nil {
		return nil, err
	}
	if w.replica != nil {
		if err := d.Machine().Restore(bytes.NewReader(w.replica)); err != nil {
			return nil, err
		}
	}
	r := &riskSide{desk: d, log: risk.NewMemoryLog(shifted{d.Machine(), w.index}, uint64(w.lives))}
	r.holder = risk.NewHolder(d, r.log, "simtest")
	d.Post(func(m risk.Message) error { r.queue = append(r.queue, m); return nil })
	return r, nil
}

// keepReplica is what of risk outlives a life.
func (w *world) keepReplica(r *riskSide) error {
	var b bytes.Buffer
	if err := r.desk.Machine().Freeze()(&b); err != nil {
		return fmt.Errorf("replica of life %d: %w", w.lives, err)
	}
	w.replica = b.Bytes()
	w.index, _ = r.desk.Machine().Applied()
	return nil
}

// run gives the holder its messages, and everything that follows from them now.
func (r *riskSide) run(now risk.Reading) {
	for len(r.queue) > 0 {
		m := r.queue[0]
		r.queue = r.queue[1:]
		for _, p := range slices.Clone(r.holder.Step(now, m)) {
			r.queue = append(r.queue, p.Done(r.log.Propose(context.Background(), p.Command)))
		}
	}
}
