package actors

import (
	"cmp"
	"slices"

	"github.com/failshut/failshut/mailbox"
)

// BoxStats are the counts of all mailboxes that a name has had.
type BoxStats struct {
	Name Name
	// Epoch is the last incarnation, Class its class.
	Epoch Epoch
	Class Class
	// Live says that a mailbox is there now, be it a retired one; Ended how many are closed for good.
	Live  bool
	Ended int
	mailbox.Stats
}

// Boxes lists the names that have had a mailbox, sorted by name, each as one consistent cut over its present
// mailbox and all that have ended. Of the actors that Spawn gave a life of their own, the last 256 that ended are among
// them; those before are one line for each class, without a name. After Stop nothing is queued. The list is the caller's.
func (s *System) Boxes() []BoxStats {
	entries, forgotten := s.allEntries()
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(forgotten, func(a, b BoxStats) int { return cmp.Compare(a.Class, b.Class) })
	out := forgotten
	for _, e := range entries {
		if b, ok := e.count(); ok {
			out = append(out, b)
		}
	}
	return out
}

func (e *entry) count() (BoxStats, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := BoxStats{Name: e.name, Epoch: e.last, Class: e.class, Live: len(e.boxes) > 0, Ended: e.ended}
	if e.past != nil {
		b.Stats = *e.past
	}
	for _, box := range e.boxes {
		b.Stats = addStats(b.Stats, box.Stats())
	}
	return b, b.Live || b.Ended > 0
}
