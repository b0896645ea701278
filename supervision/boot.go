package supervision

// boot begins the walk over the list: each child is started when the one before it is ready.
func (s *State) boot() {
	if s.life != unborn {
		return
	}
	s.life = booting
	for _, e := range s.kids {
		e.todo = true
	}
	s.op = operation{part: starting}
	s.advance()
}

// advance starts the next child of the operation, unless one is still on its way.
func (s *State) advance() {
	if s.op.part != starting || s.op.cur != nil || s.frozen {
		return
	}
	for _, e := range s.kids {
		if e.todo {
			e.todo = false
			s.op.cur = e
			s.begin(e)
			return
		}
	}
	s.op = operation{}
	if s.life == booting {
		s.life, s.booted = up, true
		s.do(Action{Do: DoUp})
	}
}

// begin makes one attempt to start e, under the next epoch of its path.
func (s *State) begin(e *entry) {
	e.epoch = s.ledger.next(e.path)
	e.alive, e.start, e.begun, e.ready, e.late, e.early = true, false, false, false, false, nil
	s.set(e, Starting)
	s.emitChild(LineStart, e)
	s.arm(e, startTimer, e.child.StartTimeout)
	s.do(Action{Do: DoStart, Path: e.path, Epoch: e.epoch, Child: e.child})
}

// onStarted takes note that a start returned nil. A child that was told to stop meanwhile stays told.
func (s *State) onStarted(e *entry) {
	if e == nil || e.start || e.status != Starting || e.ending != "" {
		return
	}
	e.start = true
	e.touch()
	s.do(Action{Do: DoOpen, Path: e.path, Epoch: e.epoch})
	s.emitChild(LineStarted, e)
	if e.child.auto() {
		s.isReady(e)
		return
	}
	if e.early != nil {
		s.onReady(e, *e.early)
	}
}

// onReady judges what a child says of itself: without the evidence of its class it is not ready.
func (s *State) onReady(e *entry, ev Evidence) {
	if e == nil || e.ready || e.status != Starting || e.ending != "" || e.child.auto() {
		return
	}
	if !e.start { // said from inside its start
		if e.early == nil || !e.child.Class.Accepts(*e.early) { // what it has shown stands
			e.early = &ev
		}
		return
	}
	if !e.child.Class.Accepts(ev) {
		if ev == "" {
			ev = "none"
		}
		s.emit(Decision{Kind: LineRefuse, Path: e.path, Epoch: e.epoch, Reason: Reason(ev)})
		return
	}
	s.emitChild(LineReady, e)
	s.isReady(e)
}

// isReady lets the next in line start, and answers the call that brought e up.
func (s *State) isReady(e *entry) {
	e.ready, e.until = true, s.at.Now
	s.do(Action{Do: DoReady, Path: e.path, Epoch: e.epoch})
	s.set(e, Running)
	s.disarm(e, startTimer)
	s.answerUp(e, Answer{OK: true, Epoch: e.epoch})
	s.pass(e)
}

// pass goes on with the operation behind e.
func (s *State) pass(e *entry) {
	if s.op.cur == e {
		s.op.cur = nil
		s.advance()
	}
}

// onIgnored takes note of a start that asked to be left out: a success without a process.
func (s *State) onIgnored(e *entry) {
	if e == nil || e.start {
		return
	}
	if e.status == Stopping {
		s.onExited(e, ShutdownEnd)
		return
	}
	s.down(e)
	s.emitChild(LineIgnore, e)
	s.set(e, Excused)
	if e.child.Restart == Temporary || s.simple() {
		s.remove(e)
	}
	s.answerUp(e, Answer{OK: true, Ignored: true})
	s.pass(e)
}

// onFailed takes note of a start that failed by itself. One that was being stopped has stopped.
func (s *State) onFailed(e *entry, f Failed) {
	switch {
	case e == nil || e.ready:
	case e.status == Stopping && e.child.Sub == nil:
		s.onExited(e, ShutdownEnd)
	case e.status == Stopping:
		s.onExited(e, f.Reason)
	default:
		s.down(e)
		s.startFailed(e, f)
	}
}

// onStartTimeout ends an attempt that is not ready in time: a start that has not returned is left, what has started is
// stopped. A supervisor whose children keep it has started.
func (s *State) onStartTimeout(e *entry) {
	if !e.alive || e.status != Starting {
		return
	}
	if e.start || e.begun {
		e.late = true
		s.stop(e)
		return
	}
	s.do(Action{Do: DoAbandon, Path: e.path, Epoch: e.epoch, Reason: causeStart})
	s.down(e)
	s.startFailed(e, Failed{Reason: TimedOut})
}

// startFailed decides about an attempt that failed: a call is answered, a boot is undone, a restart is tried again.
func (s *State) startFailed(e *entry, f Failed) {
	s.emit(Decision{Kind: LineFailed, Path: e.path, Epoch: e.epoch, Reason: f.Reason})
	if f.Deepest == "" {
		f.Deepest, f.Why = e.path, f.Reason
	}
	e.end, e.endAt = f.Reason, s.at.Now
	e.touch()
	switch {
	case e.by != nil:
		s.set(e, Stopped)
		if e.dynamic && e.by.Verb == StartChild {
			s.remove(e)
		}
		s.answerUp(e, Answer{Word: "start_failed", At: f.Deepest[min(len(f.Deepest), s.below()):], Detail: string(f.Why)})
	case s.frozen || s.life == closing:
		s.set(e, Stopped)
	case s.life == booting && s.op.cur == e:
		s.set(e, Stopped)
		s.failed = Failed{Reason: StartFailed, Deepest: f.Deepest, Why: f.Why}
		s.shut(StartFailed)
	default:
		s.restart(e)
	}
}

// below is how much of a path lies above the children of s.
func (s *State) below() int {
	if s.path == "" {
		return 0
	}
	return len(s.path) + 1
}
