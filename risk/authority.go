package risk

import "time"

// stuck is how long a scope has waited for the same condition.
type stuck struct {
	why   Code
	since int64
	told  bool
}

// leadTerm is what only the leader does: its own entry that opens the term, the seed of the limits, and each scope's way to OPEN, one
// step after the other as the conditions come to hold. A command of a term that has passed is refused by the ledger, so a leader that
// does not know it was deposed does no harm.
func (h *Holder) leadTerm(l *ledger) {
	term := h.log.Term()
	if l.opened < term {
		h.propose("term", &termOpen{term, h.desk.cfg.Node})
		return
	}
	if !l.seeded {
		h.propose("seed", &seed{h.desk.cfg.Limits, LimitsHash(h.desk.cfg.Limits)})
		return
	}
	if h.desk.stopping.Load() {
		return
	}
	for _, k := range l.unopened() {
		c := h.consent(k)
		why := l.opening(k, c)
		h.noteProgress(k, why)
		if why != "" {
			continue
		}
		next := ReduceOnly
		if l.phases[k].mode == ReduceOnly {
			next = Open
		}
		if h.propose("phase/"+k.String(), &phase{term, k, next, c.auto, c.first, c.by}) && next == Open {
			delete(h.allowed, k)
		}
	}
}

// consent is who wants a scope open: the policy of the configuration, or an operator who said so.
func (h *Holder) consent(k Scope) consent {
	return consent{auto: h.desk.cfg.Reopen == PolicyAuto, first: h.desk.cfg.FirstOpen == PolicyAuto, by: h.allowed[k]}
}

// noteProgress tells once when the same condition has kept a scope shut for long.
func (h *Holder) noteProgress(k Scope, why Code) {
	p := h.progress[k]
	if p.why != why {
		p = stuck{why, h.now.Mono, false}
	}
	waited := time.Duration(h.now.Mono - p.since)
	if why != "" && !p.told && waited >= h.desk.cfg.Opening.StuckAfter {
		p.told = true
		if h.desk.events.Stuck != nil {
			h.desk.events.Stuck(k, why, waited)
		}
	}
	h.progress[k] = p
}
