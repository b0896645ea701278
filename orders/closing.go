package orders

import (
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// OpenToClose makes the desk of an account whose journal Open refused for why,
// or whose disk does not answer: cancels, kill and questions go on, since they
// need no journal (P7), and nothing else does. It knows the orders that can be
// read, behind gaps too, learns of others from the venue, withdraws all of them,
// and never opens: its session stays short of open, so that it is never
// reconciled. What it knows may be wrong, so it tells the gate nothing, which
// stays shut or keeps what it holds, and writes nothing that a whole replay
// would believe. Errors are ErrParts and ErrIdentity.
func OpenToClose(p Parts, now risk.Reading, why error) (*Desk, error) {
	d, err := newDesk(p, now)
	if err != nil {
		return nil, err
	}
	d.p.Gate, d.p.Log = deafGate{}, readOnly{p.Log}
	d.partial, d.dead, d.m.partial, d.p.Block = why, true, true, 0
	d.salvage()
	if p.Events.JournalDead != nil {
		p.Events.JournalDead(p.Log.State(), why)
	}
	d.begin()
	return d, nil
}

// deafGate takes nothing in and permits nothing.
type deafGate struct{}

func (deafGate) Check(risk.Intent, risk.Reading) (risk.Permit, error) {
	return risk.Permit{}, ErrPartial
}
func (deafGate) Veto(market.ClOrdID)                  {}
func (deafGate) Hold(risk.Held)                       {}
func (deafGate) Execute(risk.Execution)               {}
func (deafGate) Restore([]risk.Position, []risk.Held) {}

// readOnly is a log that takes no record.
type readOnly struct{ Log }

// Append refuses every record.
func (readOnly) Append(journal.Kind, uint8, []byte) (journal.LSN, error) { return 0, ErrPartial }
