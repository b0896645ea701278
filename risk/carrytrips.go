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
		if !h.kept[t.ID] && h.desk.store.Write(tripName(t.ID), encodeTrip(t)) == nil {
			h.kept[t.ID] = true
		}
	}
	for id := range h.kept {
		if !held[id] && slices.Contains(l.cleared, id) && h.desk.store.Remove(tripName(id)) == nil {
			delete(h.kept, id)
			if h.desk.events.Reset != nil {
				h.desk.events.Reset(id)
			}
		}
	}
}
