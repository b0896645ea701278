package risk

import "slices"

// carryTrips makes latches, files and log agree: what one has that the log lacks is proposed, what the log has is latched and kept, and
// what the log saw reset is cleared.
func (h *Holder) carryTrips(l *ledger) {
	for _, t := range h.desk.Latches() {
		if _, found := l.findLatch(t.ID); found {
			continue
		}
		if slices.Contains(l.cleared, t.ID) {
			h.desk.unlatch(t.ID)
			continue
		}
		h.propose("trip/"+t.ID, &trip{t})
	}
	for _, t := range l.latches {
		h.desk.latch(t)
	}
	held := map[string]bool{}
	for _, t := range h.desk.Latches() {
		held[t.ID] = true
		h.desk.files.keep(t)
	}
	for _, id := range h.desk.files.ids() {
		if held[id] || !slices.Contains(l.cleared, id) {
			continue
		}
		h.desk.files.drop(id, func() {
			if f := h.desk.events.Reset; f != nil {
				f(id)
			}
		})
	}
}
