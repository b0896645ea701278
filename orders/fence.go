package orders

import (
	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// fencedParts returns parts through which a desk has no effect once its
// incarnation has ended: one that hung in a hook and wakes up after it was
// left must not write into what its successor keeps.
func fencedParts(p Parts, f actors.Fence) Parts {
	p.Gate, p.Log = fencedGate{gate: p.Gate, fence: f}, fencedLog{p.Log, f}
	if listener := p.Listener; listener != nil {
		p.Listener = func(e Event) {
			if fenced(f) == nil {
				listener(e)
			}
		}
	}
	if post := p.Risk; post != nil {
		p.Risk = func(m risk.Message) {
			if fenced(f) == nil {
				post(m)
			}
		}
	}
	return p
}

// fencedGate embeds nothing, so that a method which a Gate may get is fenced
// too, or does not compile.
type fencedGate struct {
	gate  Gate
	fence actors.Fence
}

var _ Gate = fencedGate{}

// Check gives no permit to an incarnation that has ended.
func (g fencedGate) Check(in risk.Intent, now risk.Reading) (risk.Permit, error) {
	if err := fenced(g.fence); err != nil {
		return risk.Permit{}, err
	}
	return g.gate.Check(in, now)
}

// Veto frees nothing for an incarnation that has ended.
func (g fencedGate) Veto(id market.ClOrdID) {
	if fenced(g.fence) == nil {
		g.gate.Veto(id)
	}
}

// Hold changes nothing for an incarnation that has ended.
func (g fencedGate) Hold(h risk.Held) {
	if fenced(g.fence) == nil {
		g.gate.Hold(h)
	}
}

// Execute counts nothing for an incarnation that has ended.
func (g fencedGate) Execute(e risk.Execution) {
	if fenced(g.fence) == nil {
		g.gate.Execute(e)
	}
}

// Restore forgets nothing for an incarnation that has ended: what its successor
// holds is newer, and the permits it was given are in use.
func (g fencedGate) Restore(positions []risk.Position, held []risk.Held) {
	if fenced(g.fence) == nil {
		g.gate.Restore(positions, held)
	}
}

type fencedLog struct {
	Log
	fence actors.Fence
}

// Append takes no record of an incarnation that has ended.
func (l fencedLog) Append(k journal.Kind, version uint8, body []byte) (journal.LSN, error) {
	if err := fenced(l.fence); err != nil {
		return 0, err
	}
	return l.Log.Append(k, version, body)
}
