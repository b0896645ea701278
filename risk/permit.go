package risk

import (
	"fmt"

	"github.com/failshut/failshut/market"
)

// Permit is the yes of a gate to one intent. Only Gate.Check makes one that authorises anything: the fields are not to be had from
// outside, and the zero Permit is refused. It is good for one handing over to a venue, until its deadline on both clocks, in its
// term, under the limits it was judged by, while its scopes are in a mode that admits it. Copies share the one use.
type Permit struct {
	gate    *Gate
	intent  Intent
	ticket  uint64 // which reservation; slots are used again, tickets never
	slot    int32
	leaf    *leaf  // of it only what never changes, and what is published
	limits  uint64 // which limits it was judged by
	lowers  bool   // it takes away from a live order and adds nothing
	reduces bool   // all live orders of its side, this one included, could only bring the position nearer to zero
	turns   uint64 // of the leaf, when that was so
	term    uint64
	inc     uint64
	until   Reading
	charge  market.Notional
}

// Intent returns what was permitted. It may differ from what was asked: a market order comes back as a limit order at the collar.
func (p Permit) Intent() Intent { return p.intent }

// Charge returns the notional charged for the life of the order: quantity × charge price × multiplier, rounded up. Of other terms of a
// live order it is what they add to that, never below 0.
func (p Permit) Charge() market.Notional { return p.charge }

// Test says whether the permit still authorises its intent: nil, ErrNoPermit for the zero Permit, ErrPermitUsed, ErrPermitExpired
// (a deadline has passed, or the term, the incarnation or the limits are others), or a Refusal that is ErrShut: one of its scopes is
// in a mode that does not admit it any more, by whatever cause. In REDUCE_ONLY, and for an order that may only reduce, a permit is
// good whose order reduced when it was checked, unless the position was taken back since; one that only takes away from a live order
// is good up to CANCEL_ONLY. It is to be called just before the bytes leave; a check is not good across a wait. Safe for any number of goroutines.
func (p Permit) Test(now Reading) error {
	if p.gate == nil {
		return ErrNoPermit
	}
	if p.gate.slots[p.slot].ticket.Load() != p.ticket {
		return fmt.Errorf("%w: %s", ErrPermitUsed, p.intent.ID)
	}
	if p.expired(now) {
		return fmt.Errorf("%w: %s", ErrPermitExpired, p.intent.ID)
	}
	v := p.gate.view.Load()
	if v == nil || int(p.leaf.at) >= len(v.rules) {
		return Refusal{Code: CodeShut, Why: CodeTermOpening, Scope: AccountScope(p.gate.account)}
	}
	mode, err := p.gate.mode(v, p.leaf, &v.rules[p.leaf.at])
	if p.lowers && mode.Severity() <= CancelOnly.Severity() {
		return nil
	}
	if err == nil && (mode == ReduceOnly || p.intent.ReduceOnly) && !p.stillReduces() {
		err = p.leaf.notReducing(mode, p.intent.Qty)
	}
	return err
}

// stillReduces reports whether the order can only bring the position nearer to zero. What fills and new orders did since its check
// was theirs to answer for; but a bust, or an order that came to light, may have left less to reduce than was counted on, and then
// all live orders of the side must fit what is there now.
func (p *Permit) stillReduces() bool {
	return p.reduces && (p.leaf.out.turns.Load() == p.turns || p.leaf.reducesNow(p.intent.Side))
}

// expired reports whether what the check rested on is past: the permission's time, its term and incarnation, the limits. Any other
// limits will do, also looser ones: only a new check can tell, and they change rarely.
func (p *Permit) expired(now Reading) bool {
	desk := p.gate.desk
	held := desk.permission.Load()
	return now.Mono >= p.until.Mono || now.Wall >= p.until.Wall || held == nil || held.Term != p.term || held.Incarnation != p.inc ||
		desk.logTerm.Load() != p.term || desk.limits.Load() != p.limits
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
