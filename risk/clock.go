package risk

// Clocks is a reading of the third clock, the one that counts suspended time, taken at each renewal by whoever has it.
type Clocks struct {
	Reading
	Boot int64 // nanoseconds since the machine started, suspended time counted; 0: not to be had
}

// clockWatch compares the clocks from one renewal to the next. When they disagree by more than the step, or the holder itself came
// late by more than half a permission, nobody can say how old the permission is: the node shuts until the next clean renewal.
type clockWatch struct {
	last   Clocks
	begun  bool
	jumped bool
}

// Tick is the holder's timer message with the three clocks. Renew is the same without the third.
type Tick struct{ Clocks }

func (Tick) riskMessage() {}

// look compares a new reading with the last one.
func (w *clockWatch) look(c Clocks, step, late int64) {
	last := w.last
	w.last = c
	if !w.begun || step == 0 {
		w.begun = true
		return
	}
	wall, mono, boot := c.Wall-last.Wall, c.Mono-last.Mono, c.Boot-last.Boot
	if c.Boot == 0 || last.Boot == 0 {
		boot = mono
	}
	apart := max(wall, mono, boot) - min(wall, mono, boot)
	w.jumped = apart > step || mono > late
}

// watch notes when the permission is missing and when it is back.
func (h *Holder) watch() {
	p := h.desk.permission.Load()
	if p.valid(h.now) && p.Term == h.desk.logTerm.Load() {
		h.lostAt = 0
		return
	}
	if h.lostAt == 0 {
		h.lostAt = h.now.Mono
		if p != nil && p.Until.Mono < h.now.Mono {
			h.lostAt = p.Until.Mono // it ran out while nobody looked
		}
		if h.lostAt == 0 {
			h.lostAt = 1
		}
	}
	if closes := h.lostAt + int64(h.desk.cfg.Permission.CancelAfter); closes > h.now.Mono {
		h.at(closes)
	}
}
