package resilience

import (
	"errors"
	"fmt"
	"slices"
)

// ErrFull says that all permits of a bulkhead are out and, of Wait, that its list is full too.
var ErrFull = errors.New("resilience: bulkhead is full")

// BulkheadConfig bounds what is in flight to one dependency.
type BulkheadConfig struct {
	Permits int // at once
	Waiting int // that may wait for one, 0 for none, at most 64
}

// DefaultBulkhead is for questions to a venue link.
func DefaultBulkhead() BulkheadConfig { return BulkheadConfig{Permits: 4} }

// Validate lists every mistake.
func (c BulkheadConfig) Validate() error {
	var errs []error
	if c.Permits < 1 || c.Permits > 4096 {
		errs = append(errs, fmt.Errorf("permits = %d, want 1 to 4096", c.Permits))
	}
	if c.Waiting < 0 || c.Waiting > 64 {
		errs = append(errs, fmt.Errorf("waiting = %d, want 0 to 64", c.Waiting))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("bulkhead: %w", err)
	}
	return nil
}

// Owner is an incarnation of an actor.
type Owner struct {
	Name  string
	Epoch uint64
}

// Permit is one call in flight. The zero Permit is none.
type Permit struct {
	slot   int
	serial uint64
}

// Waiter waits for a permit until its deadline.
type Waiter struct {
	Owner Owner
	Until Instant
	Key   uint64 // the caller's own
}

type slot struct {
	serial uint64 // 0 is free
	owner  Owner
}

// Bulkhead bounds what is in flight to one dependency, so that one that hangs takes no more with it. A permit belongs to the
// incarnation that asked: its end gives all of its permits back in one step, and what it releases later is ignored, so in use and
// free are the capacity after any crash. The zero Bulkhead refuses.
type Bulkhead struct {
	watch
	cfg     BulkheadConfig
	slots   []slot
	free    []int
	serial  uint64
	waiting []Waiter // by deadline
	strays  uint64
}

// NewBulkhead has all its permits. The error lists the mistakes of the configuration.
func NewBulkhead(c BulkheadConfig) (*Bulkhead, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	k := &Bulkhead{cfg: c, slots: make([]slot, c.Permits), free: make([]int, c.Permits), waiting: make([]Waiter, 0, c.Waiting)}
	for i := range k.free {
		k.free[i] = c.Permits - 1 - i
	}
	return k, nil
}

// Acquire takes a permit, or says ErrFull: also while somebody waits who came before.
func (k *Bulkhead) Acquire(now Instant, o Owner) (Permit, error) {
	k.expire(k.see(now))
	if len(k.free) == 0 || len(k.waiting) > 0 {
		return Permit{}, ErrFull
	}
	return k.give(o), nil
}

// Wait puts w on the list of those who wait, by their deadlines; ErrFull when that is full, or there is none.
func (k *Bulkhead) Wait(now Instant, w Waiter) error {
	k.expire(k.see(now))
	if len(k.waiting) >= k.cfg.Waiting || k.last > w.Until {
		return ErrFull
	}
	at, _ := slices.BinarySearchFunc(k.waiting, w.Until, func(o Waiter, until Instant) int {
		if o.Until <= until { // behind those with the same deadline
			return -1
		}
		return 1
	})
	k.waiting = slices.Insert(k.waiting, at, w)
	return nil
}

// Next gives a free permit to who waits with the earliest deadline, if both are there. Ask after Release, ReleaseAll and Wait,
// until it says no. One whose deadline has passed gets none.
func (k *Bulkhead) Next(now Instant) (Permit, Waiter, bool) {
	k.expire(k.see(now))
	if len(k.free) == 0 || len(k.waiting) == 0 {
		return Permit{}, Waiter{}, false
	}
	w := k.waiting[0]
	k.waiting = slices.Delete(k.waiting, 0, 1)
	return k.give(w.Owner), w, true
}

// Release gives a permit back. One that was given back before, by whomever, is counted as a stray and changes nothing.
func (k *Bulkhead) Release(p Permit) {
	if p.serial == 0 || p.slot >= len(k.slots) || k.slots[p.slot].serial != p.serial {
		k.strays++
		return
	}
	k.slots[p.slot] = slot{}
	k.free = append(k.free, p.slot)
}

// ReleaseAll gives back all permits of an incarnation that has ended or was left, takes it off the list of those who wait, and
// returns how many permits that were.
func (k *Bulkhead) ReleaseAll(o Owner) int {
	n := 0
	for i := range k.slots {
		if k.slots[i].serial != 0 && k.slots[i].owner == o {
			k.slots[i] = slot{}
			k.free = append(k.free, i)
			n++
		}
	}
	k.waiting = slices.DeleteFunc(k.waiting, func(w Waiter) bool { return w.Owner == o })
	return n
}

// Counts is how many permits are out, how many wait, and how many releases were strays.
func (k *Bulkhead) Counts() (out, waiting int, strays uint64) {
	return len(k.slots) - len(k.free), len(k.waiting), k.strays
}

func (k *Bulkhead) give(o Owner) Permit {
	last := len(k.free) - 1
	at := k.free[last]
	k.free = k.free[:last]
	k.serial++
	k.slots[at] = slot{serial: k.serial, owner: o}
	return Permit{slot: at, serial: k.serial}
}

// expire takes those off the list whose deadline has passed.
func (k *Bulkhead) expire(now Instant) {
	n := 0
	for n < len(k.waiting) && k.waiting[n].Until < now {
		n++
	}
	if n > 0 {
		k.waiting = slices.Delete(k.waiting, 0, n)
	}
}
