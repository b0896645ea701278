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
	// Live says that a mailbox is there now; Ended how many are not any more.
	Live  bool
	Ended int
	mailbox.Stats
}

// Boxes lists the names that have had a mailbox, sorted by name, each as one consistent cut over its present
// mailbox and all that have ended. After Stop nothing is queued. The list is the caller's.
func (s *System) Boxes() []BoxStats {
	s.mu.Lock()
	entries := make([]*entry, 0, len(s.entries))
	for _, e := range s.entries {
		entries = append(entries, e)
	}
	s.mu.Unlock()
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.name, b.name) })
	out := make([]BoxStats, 0, len(entries))
	for _, e := range entries {
		if b, ok := e.boxes(); ok {
			out = append(out, b)
		}
	}
	return out
}

func (e *entry) boxes() (BoxStats, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := BoxStats{Name: e.name, Epoch: e.last, Class: e.class, Live: e.box != nil, Ended: e.ended, Stats: e.past}
	if e.box != nil {
		b.Stats = sum(b.Stats, e.box.Stats())
	}
	return b, b.Live || b.Ended > 0
}
