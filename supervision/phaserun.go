package supervision

import (
	"context"
	"strconv"

	"github.com/failshut/failshut/actors"
)

// outsideKey is where a phase or a Start function finds its Outside.
type outsideKey struct{}

// OutsideOf is the Outside of a phase or a Start function: how it waits and reads the time. The zero Outside, and false, for a
// context that belongs to neither.
func OutsideOf(ctx context.Context) (actors.Outside, bool) {
	out, ok := ctx.Value(outsideKey{}).(actors.Outside)
	return out, ok
}

func (p Phase) run(ctx context.Context, out actors.Outside) error {
	if p.Run == nil {
		return nil
	}
	return p.Run(context.WithValue(ctx, outsideKey{}, out))
}

// runPhase runs phase n, counted from 1, as a part of the keeper's own life.
func (k *keeper) runPhase(n int) {
	p := k.tree.o.Phases[n-1]
	ctx, cancel := context.WithCancel(k.tree.life.Context())
	k.phase, k.phaseN, k.cancel = "phase"+strconv.Itoa(n), n, cancel
	err := k.tree.life.Run(k.phase, func(_ context.Context, out actors.Outside) error { return p.run(ctx, out) })
	if err != nil {
		k.tell(phaseEnded{n, "error"})
	}
}

// phaseEnded takes the end of a phase; one that was left behind by its timeout ends late and means nothing.
func (k *keeper) phaseEnded(x actors.Exit) {
	if x.Part != k.phase {
		return
	}
	reason := Reason(x.Reason)
	switch x.Reason {
	case actors.ReasonNormal:
		reason = ""
	case actors.ReasonCrash:
		reason = Panicked
	case actors.ReasonShutdown, actors.ReasonError, actors.ReasonGoexit, actors.ReasonHung, actors.ReasonKilled, actors.ReasonAbandoned:
	}
	k.decide(phaseEnded{k.phaseN, reason})
}
