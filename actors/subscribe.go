package actors

import (
	"fmt"
	"slices"

	"github.com/failshut/failshut/mailbox"
)

// SubscribeDeadLetters spawns an actor that is told every dead letter of the system from now on, until it ends: in its
// own turn, so that it delays nobody. Its mailbox is one Data lane that drops the oldest, of 1,024 letters where the
// Spec does not say otherwise. What it drops itself is counted, and told to no subscriber. The errors are those of
// Spawn.
func SubscribeDeadLetters(s *System, sp Spec[Letter]) (Ref[Letter], error) {
	if sp.Box.Lanes == (mailbox.Config{}).Lanes {
		sp.Box = mailbox.One(deadLettersKept, mailbox.DropOldest)
	}
	for i, l := range sp.Box.Lanes {
		if l.Cap > 0 && (mailbox.Lane(i+1) != mailbox.Data || l.Policy != mailbox.DropOldest) {
			return Ref[Letter]{}, fmt.Errorf("%w: %s: lane %s: policy = %s, want one lane, data, that drops the oldest",
				ErrConfig, sp.Name, mailbox.Lane(i+1), l.Policy)
		}
	}
	ref, err := Spawn(s, sp)
	if err != nil {
		return ref, err
	}
	d := &s.dead
	d.mu.Lock()
	d.subscribers = append(slices.Clone(d.subscribers), ref)
	d.mu.Unlock()
	return ref, nil
}

// tell hands a letter to the subscribers, and forgets those that are over.
func (d *deadLetters) tell(subscribers []Ref[Letter], l Letter) {
	gone := 0
	for _, ref := range subscribers {
		if ref.in.over.Load() {
			gone++
			continue
		}
		_ = ref.Tell(l) // one that is starting or stopping misses it
	}
	if gone > 0 {
		d.mu.Lock()
		d.subscribers = slices.DeleteFunc(slices.Clone(d.subscribers), func(r Ref[Letter]) bool { return r.in.over.Load() })
		d.mu.Unlock()
	}
}

// subscribed says whether the letter is one of a subscriber's own.
func subscribed(subscribers []Ref[Letter], c *cell) bool {
	return slices.ContainsFunc(subscribers, func(r Ref[Letter]) bool { return &r.in.cell == c })
}
