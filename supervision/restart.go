package supervision

import (
	"slices"
	"time"
)

// restart decides about a child that has to run and does not: it is started again, with its group, or the supervisor gives
// up over it.
func (s *State) restart(e *entry) {
	n, granted := s.grant()
	if !granted {
		s.set(e, Stopped)
		s.emit(Decision{Kind: LineEscalate, Sup: s.name(), Path: e.path, Reason: Intensity})
		s.giveUp(Intensity)
		return
	}
	s.emit(Decision{Kind: LineRestart, Sup: s.name(), Path: e.path, N: n, M: s.spec.Intensity})
	b := e.child.Backoff
	if e.ready && b != (Backoff{}) && s.at.Now.Sub(e.until) >= b.Reset {
		e.fails = 0
	}
	e.fails++
	e.ready = false
	s.set(e, Restarting)
	if s.spec.Strategy.group() {
		s.takeOver(e)
		return
	}
	s.pause(e)
}

// grant asks the window for one more restart. A restart exactly one period old still counts.
func (s *State) grant() (n int, ok bool) {
	s.window = s.window[expired(s.window, s.at.Now, s.spec.Period):]
	if len(s.window) >= s.spec.Intensity {
		return len(s.window) + 1, false
	}
	s.window = append(s.window, s.at.Now)
	return len(s.window), true
}

// expired is how many at the beginning of a window are out of it.
func expired(window []time.Time, now time.Time, period time.Duration) int {
	n := 0
	for n < len(window) && now.Sub(window[n]) > period {
		n++
	}
	return n
}

// pause waits the backoff of e, if there is any, before its place in the budget is asked for.
func (s *State) pause(e *entry) {
	if d := e.child.Backoff.delay(e.fails, s.at.Draw); d > 0 {
		s.emit(Decision{Kind: LineBackoff, Path: e.path, Delay: d})
		s.arm(e, waitTimer, d)
		e.next = s.at.Now.Add(d)
		e.touch()
		return
	}
	s.claim(e)
}

// claim asks the budget for a place; without a budget there is always one.
func (s *State) claim(e *entry) {
	e.held, e.next = true, time.Time{}
	e.touch()
	if s.budget {
		s.do(Action{Do: DoClaim, Path: e.path})
		return
	}
	s.onGranted(e)
}

// onGranted begins the attempt that the budget let through.
func (s *State) onGranted(e *entry) {
	if e == nil || !e.held {
		return
	}
	e.held = false
	if !s.spec.Strategy.group() {
		s.begin(e)
		return
	}
	if e.todo && e.status == Restarting {
		s.set(e, Waiting)
	}
	s.op.part = starting
	s.advance()
}

// unwait ends the backoff and the hold of e.
func (s *State) unwait(e *entry) {
	s.disarm(e, waitTimer)
	if !e.next.IsZero() {
		e.next = time.Time{}
		e.touch()
	}
	if e.held {
		e.held = false
		s.do(Action{Do: DoUnclaim, Path: e.path})
	}
}

// takeOver restarts the group of e, whatever operation there was: the whole list, or from e on. What an earlier operation
// had still to start is in the new one.
func (s *State) takeOver(e *entry) {
	if x := s.op.x; x != nil && x != e {
		s.unwait(x)
	}
	s.unwait(e)
	s.interrupt()
	in := s.spec.Strategy == OneForAll
	for _, m := range s.kids {
		in = in || m == e || m.todo || m == s.op.cur
		switch {
		case m.alive && m.member: // stays as it was told: only its place in the group matters
			m.late = false
		case !in:
		case m.alive:
			m.member, m.late = true, false
			s.disarm(m, startTimer) // it is stopped in its turn, ready or not
			m.todo = m.child.Restart != Temporary && len(m.enders) == 0 && !m.drop
		case m.status == Stopped:
		default:
			m.todo = true
			if m != e {
				s.set(m, Waiting)
			}
		}
	}
	s.op = operation{part: stopping, x: e}
	s.stopNext()
}

// interrupt ends the calls that were bringing a child up: the child stops with the group and is not started again.
func (s *State) interrupt() {
	for _, m := range s.kids {
		if m.by == nil {
			continue
		}
		m.member, m.todo = true, false
		m.drop = m.dynamic && m.by.Verb == StartChild
		s.answerUp(m, Answer{Word: "interrupted"})
	}
}

// stopNext stops the last live member of the group; when none is left, the group waits and starts.
func (s *State) stopNext() {
	for _, e := range slices.Backward(s.kids) {
		if !e.member || !e.alive {
			continue
		}
		if e.status != Stopping {
			s.stop(e)
		}
		return
	}
	s.op.part = pausing
	s.pause(s.op.x)
}

// endOperation forgets what the operation had still to do: who was waiting is stopped. Who lives is what it was, be it running or
// told to stop already.
func (s *State) endOperation() {
	for _, e := range s.kids {
		s.unwait(e)
		waited := e.todo || e.status == Waiting || e.status == Restarting
		e.member, e.todo = false, false
		if waited && !e.alive {
			s.set(e, Stopped)
		}
	}
	s.op = operation{}
}
