package risk

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/failshut/failshut/market"
)

// ErrEvidence says that a reset was refused because a report of the account waits to be handled: its position may lack a fill.
var ErrEvidence = errors.New("a report waits to be handled")

// evidence is the reports of this process that wait.
type evidence struct {
	mu   sync.Mutex
	kept []Evidence
}

func (e *evidence) find(id uint64) int {
	return slices.IndexFunc(e.kept, func(x Evidence) bool { return x.ID == id })
}

// add keeps e, unless its id is there.
func (e *evidence) add(x Evidence) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.find(x.ID) >= 0 {
		return false
	}
	e.kept = append(e.kept, x)
	return true
}

func (e *evidence) tripped(id uint64, trip string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.find(id); i >= 0 {
		e.kept[i].Trip = trip
	}
}

// Evidence is a report of an account that was set aside before its owner handled it.
type Evidence struct {
	ID      uint64 // the caller's, unique in this process
	Account market.Account
	What    string // for people
	Trip    string // the latch that was set for it, by Withhold; "" while it is being set
}

// Withhold shuts an account because a report of it is set aside: until Handle of the same id, its gate is CLOSED whatever is
// reset, here or by another node, and no reset asked for here clears the latch. The latch is that of a Trip, with its file, so
// that a next process, which knows of no report, is shut until a person has looked. ErrInvalid for an account without a gate or
// an id that is withheld already, which changes nothing; else the error is that of Trip, and the account is shut also with
// ErrTripNotKept. Safe for any number of goroutines.
func (d *Desk) Withhold(e Evidence, now Reading) (Latch, error) {
	g := d.gates[e.Account]
	if g == nil {
		return Latch{}, fmt.Errorf("%w: account %q has no gate", ErrInvalid, e.Account)
	}
	if !d.evidence.add(e) {
		return Latch{}, fmt.Errorf("%w: report %d is withheld already", ErrInvalid, e.ID)
	}
	g.withheld.Add(1) // first of all: the latch may be cleared by others, this may not
	l, err := d.Trip(TripRequest{
		Scope: AccountScope(e.Account), Mode: Closed, By: "quarantine", Reason: "report set aside: " + e.What,
	}, now) // and outside the lock: its file may hang
	d.evidence.tripped(e.ID, l.ID)
	return l, err
}

// Handle says that a report which was withheld has been handled. The latch stays until a reset, which is possible again when no
// other report of the account waits. It reports whether the id was withheld. Safe for any number of goroutines.
func (d *Desk) Handle(id uint64) bool {
	d.evidence.mu.Lock()
	defer d.evidence.mu.Unlock()
	i := d.evidence.find(id)
	if i < 0 {
		return false
	}
	d.gates[d.evidence.kept[i].Account].withheld.Add(-1)
	d.evidence.kept = slices.Delete(d.evidence.kept, i, i+1)
	return true
}

// Withheld lists the reports that wait, oldest first. The list is the caller's.
func (d *Desk) Withheld() []Evidence {
	d.evidence.mu.Lock()
	defer d.evidence.mu.Unlock()
	return slices.Clone(d.evidence.kept)
}

// waits is ErrEvidence, with the report, for a reset of any latch that covers an account of which one waits; else nil.
func (d *Desk) waits(latches []Latch) error {
	for _, e := range d.Withheld() {
		for _, l := range latches {
			if l.Scope.Covers(AccountScope(e.Account)) {
				return fmt.Errorf("%w: %d of account %s (%s)", ErrEvidence, e.ID, e.Account, e.What)
			}
		}
	}
	return nil
}
