package sim

import (
	"slices"

	"github.com/failshut/failshut/market"
)

// reply sends an application message to s, as the fault plan lets it.
func (h *house) reply(s *session, b Body, sym market.Symbol) {
	l := h.sendLine(s, b)
	var ride firing
	if h.because.session == s && h.because.n != 0 {
		l.Answers = h.because.n
		if k := h.because.fault.kind(); k == DropAfter || k == LateAck {
			ride = h.because.fault
		}
	}
	if f, ok := h.faultOnReply(s, b, l, sym); ok {
		ride = f
	}
	if ride.armed == nil {
		h.depart(s, b, l)
		return
	}
	l.Fault = ride.ID
	h.mangle(s, b, l, ride)
}

// faultOnReply gives the fault that fires on a reply. Only an execution can be busted or corrected.
func (h *house) faultOnReply(s *session, b Body, l *SendLine, sym market.Symbol) (firing, bool) {
	if len(h.plan.faults) == 0 {
		return firing{}, false
	}
	r, ok := b.(Report)
	trades := ok && r.Type == ExecTrade
	suits := func(k FaultKind) bool { return trades || !oneOf(k, BustFault, CorrectFault) }
	f, hit := h.plan.hit(h.now, s.cfg.ID, l.Msg, sym, suits)
	if hit {
		h.faultLine(f, l.Msg+" "+string(l.Cl))
	}
	return f, hit
}

// mangle sends a reply as a fault has it.
func (h *house) mangle(s *session, b Body, l *SendLine, f firing) {
	switch f.Kind {
	case DropAfter:
		l.Fate = FateDropped
		h.line("send", l)
	case LateAck, DelayMessage:
		again := h.delayed(l)
		h.after(f.With.Delay, func() { h.depart(s, b, again) })
	case Reorder:
		again := h.delayed(l)
		held := &heldReply{send: func() { h.depart(s, b, again) }}
		s.held = append(s.held, held)
		h.after(f.With.Delay, func() { h.unhold(s, held) })
	case DupExec:
		first := h.depart(s, b, l)
		again := *l
		again.Copy = first
		h.depart(s, b, &again)
	case DisconnectAt:
		if !s.up {
			h.depart(s, b, l)
			return
		}
		h.store(s, b, l, FateHeld)
		h.close(s, "disconnect", "fault "+f.ID, Cut{"fault " + f.ID})
	case HalfOpen:
		if s.up {
			h.deafen(s, f)
		}
		h.depart(s, b, l)
	case SeqGap:
		h.store(s, b, l, FateHeld)
	case SeqTooLow:
		r, _ := h.store(s, b, l, FateSent)
		if r.Seq = 1; s.up && !s.deaf {
			h.emit(Deliver{Session: s.cfg.ID, Reply: r})
		}
	case ClockSkew:
		h.skew = market.Timestamp(f.With.Delay)
		h.depart(s, b, l)
		h.skew = 0
	case BustFault, CorrectFault:
		h.depart(s, b, l)
		if r, ok := b.(Report); ok { // later: the trade is still being told of
			h.after(f.With.Delay, func() { h.takeBack(r, f) })
		}
	default: // Validate lets the others on requests and logons only, and they do not ride on what answers those
		h.depart(s, b, l)
	}
}

// delayed writes down that a reply leaves later, and gives the line of that.
func (h *house) delayed(l *SendLine) *SendLine {
	l.Fate = FateDelayed
	h.line("send", l)
	again := *l
	return &again
}

// heldReply is a reply that waits for the next one to pass it.
type heldReply struct{ send func() }

// unhold sends a reply that nothing has passed, if it still waits.
func (h *house) unhold(s *session, r *heldReply) {
	if i := slices.Index(s.held, r); i >= 0 {
		s.held = slices.Delete(s.held, i, i+1)
		r.send()
	}
}

// passed sends what waited for a reply to pass it.
func (h *house) passed(s *session) {
	held := s.held
	s.held = nil
	for _, r := range held {
		r.send()
	}
}

// takeBack busts or corrects the execution of a report. One that is busted already stays so.
func (h *house) takeBack(r Report, f firing) {
	op := Operation(Bust{Exec: r.ExecID})
	if f.Kind == CorrectFault {
		c := Correct{Exec: r.ExecID, Qty: f.With.Qty}
		if c.Qty == 0 {
			c.Price = r.LastPx + h.symbols[h.bySymbol[r.Symbol]].c.Tick
		}
		op = c
	}
	_ = h.engine.operate(op)
}
