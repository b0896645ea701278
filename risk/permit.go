package risk

import (
	"fmt"

	"github.com/failshut/failshut/market"
)

// Permit is the yes of a gate to one intent. Only Gate.Check makes one that authorises anything: the fields are not to be had from
// outside, and the zero Permit is refused. It is good for one handing over to a venue, until its deadline on both clocks, in its
// term, while no latch covers it. Copies share the one use.
type Permit struct {
	gate   *Gate
	intent Intent
	ticket uint64 // which reservation; slots are used again, tickets never
	slot   int32
	scope  *Scope // leaf; not written to
	term   uint64
	inc    uint64
	until  Reading
	charge market.Notional
}

// Intent returns what was permitted. It may differ from what was asked: a market order comes back as a limit order at the collar.
func (p Permit) Intent() Intent { return p.intent }

// Charge returns the notional charged for the life of the order: quantity × charge price × multiplier, rounded up.
func (p Permit) Charge() market.Notional { return p.charge }

// Test says whether the permit still authorises its intent: nil, ErrNoPermit for the zero Permit, ErrPermitUsed, ErrPermitExpired
// (a deadline has passed, or the term or incarnation is another), or a Refusal that is ErrShut (a latch or an orderly stop). It is
// to be called just before the bytes leave; a check is not good across a wait. Safe for any number of goroutines.
func (p Permit) Test(now Reading) error {
	if p.gate == nil {
		return ErrNoPermit
	}
	if p.gate.slots[p.slot].ticket.Load() != p.ticket {
		return fmt.Errorf("%w: %s", ErrPermitUsed, p.intent.ID)
	}
	desk := p.gate.desk
	held := desk.permission.Load()
	if now.Mono >= p.until.Mono || now.Wall >= p.until.Wall || held == nil || held.Term != p.term || held.Incarnation != p.inc ||
		desk.logTerm.Load() != p.term {
		return fmt.Errorf("%w: %s", ErrPermitExpired, p.intent.ID)
	}
	if mode, why, scope := desk.latched(*p.scope); mode.Severity() >= CancelOnly.Severity() {
		return Refusal{Code: CodeShut, Why: why, Scope: scope}
	}
	if mode, why := p.gate.localMode(); mode.Severity() >= CancelOnly.Severity() {
		return Refusal{Code: CodeShut, Why: why, Scope: AccountScope(p.gate.account)}
	}
	return nil
}

// Spend is Test, and uses the permit up: it returns nil once, over all copies. The gateway calls it where it hands the order over.
func (p Permit) Spend(now Reading) error {
	if err := p.Test(now); err != nil {
		return err
	}
	if !p.gate.slots[p.slot].ticket.CompareAndSwap(p.ticket, p.ticket|1) {
		return fmt.Errorf("%w: %s", ErrPermitUsed, p.intent.ID)
	}
	return nil
}
