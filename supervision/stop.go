package supervision

import "slices"

// stop tells e to stop. Its deadline runs before it is told, so that the deadline wins a tie.
func (s *State) stop(e *entry) {
	s.disarm(e, startTimer)
	s.disarm(e, stopTimer)
	s.set(e, Stopping)
	if e.child.Shutdown == Brutal {
		s.emitChild(LineKill, e)
		s.do(Action{Do: DoKill, Path: e.path, Epoch: e.epoch})
		return
	}
	s.emitChild(LineStop, e)
	s.arm(e, stopTimer, e.child.Shutdown)
	s.do(Action{Do: DoStop, Path: e.path, Epoch: e.epoch})
}

// leave abandons a child that did not stop in time. No wait has no end.
func (s *State) leave(e *entry) {
	reason := causeStop
	switch {
	case !e.alive || (e.status != Stopping && e.ending == ""):
		return
	case e.status != Stopping:
		reason = e.ending
	}
	s.do(Action{Do: DoAbandon, Path: e.path, Epoch: e.epoch, Reason: causeStop})
	s.gone(e, reason)
}

// onDeadline abandons the instances of a simple supervisor that were told to stop together and have not.
func (s *State) onDeadline() {
	s.deadline = 0
	for _, e := range slices.Clone(s.kids) {
		if e.shared {
			s.leave(e)
		}
	}
}

// onStop stops the supervisor because it is told to from above. One that is closing already keeps its own reason, unless it
// had not come up: then it was told before it could fail.
func (s *State) onStop() {
	s.told = true
	switch s.life {
	case unborn, booting, up:
		reason := ShutdownEnd
		if s.reason != "" { // the root's, that gave up
			reason = s.reason
		}
		s.shut(reason)
	case closing:
		if !s.booted {
			s.reason = ShutdownEnd
		}
	case over:
	}
}

// onCrash stops the children of a supervisor that broke, in reverse like any other stop. A root that goes down already goes on
// with it: its phases run once.
func (s *State) onCrash() {
	switch s.life {
	case unborn, booting, up:
		if s.path == "" && s.life == up {
			s.emit(Decision{Kind: LineEscalate, Sup: s.name(), Reason: Crashed})
			if s.frozen {
				s.reason = Crashed
				return
			}
		}
		s.failed = Failed{}
		s.giveUp(Crashed)
	case closing:
		s.reason = Crashed
	case over:
	}
}

// shut begins the end of the supervisor: its timers end, its calls are answered, its live children stop in reverse.
func (s *State) shut(reason Reason) {
	s.life, s.reason = closing, reason
	s.endOperation()
	for _, e := range s.kids {
		s.disarm(e, startTimer)
	}
	s.refuseAll()
	if s.simple() {
		s.stopAll()
	}
	s.closeNext()
}

// stopAll tells all instances of a simple supervisor to stop, with one deadline, which is armed before the first is told.
func (s *State) stopAll() {
	limit := s.spec.Children[0].Shutdown
	for _, e := range s.kids {
		switch {
		case !e.alive || e.status == Stopping:
		case limit == Brutal:
			s.stop(e)
		default:
			if s.deadline == 0 && limit != Infinity {
				s.timer++
				s.deadline = s.timer
				s.do(Action{Do: DoArm, Timer: s.ownTimer(), Delay: limit})
			}
			e.shared = true
			s.set(e, Stopping)
			s.emitChild(LineStop, e)
			s.do(Action{Do: DoStop, Path: e.path, Epoch: e.epoch})
		}
	}
}

// ownTimer is the deadline of all instances.
func (s *State) ownTimer() Timer {
	return Timer{Sup: s.path, Epoch: s.epoch, Path: s.path, Kind: stopTimer, N: s.deadline}
}

// letGo ends all that a supervisor waits for, because it is left: nobody asks it any more.
func (s *State) letGo() []Action {
	s.out, s.view = s.out[:0], nil
	s.refuseAll()
	for _, e := range s.kids {
		s.unwait(e)
		s.disarm(e, startTimer)
		s.disarm(e, stopTimer)
	}
	s.disarmDeadline()
	return s.out
}

func (s *State) disarmDeadline() {
	if s.deadline != 0 {
		s.do(Action{Do: DoDisarm, Timer: s.ownTimer()})
		s.deadline = 0
	}
}

// closeNext stops the last live child, or ends the supervisor when none is left. The instances of a simple supervisor have
// all been told.
func (s *State) closeNext() {
	if s.life != closing {
		return
	}
	for _, e := range slices.Backward(s.kids) {
		if !e.alive {
			continue
		}
		if e.status != Stopping && !s.simple() {
			s.stop(e)
		}
		return
	}
	s.life = over
	s.disarmDeadline()
	failed := Failed{}
	if !s.booted && !s.told {
		failed = Failed{Path: s.path, Epoch: s.epoch, Reason: s.reason, Deepest: s.failed.Deepest, Why: s.failed.Why}
	}
	s.do(Action{Do: DoDone, Reason: s.reason, failed: failed})
}

// onFreeze ends everything that would start a child: backoffs, holds, operations. Starts in progress only report.
func (s *State) onFreeze() {
	if s.frozen {
		return
	}
	s.frozen = true
	if s.life == booting || s.life == up {
		s.endOperation()
	}
}
