package supervision

import "time"

// State is one supervisor as a value: its list of children, the window of its restarts, the operation it is in, and the calls
// in line. It is changed by Decide alone, and by nothing that happens meanwhile: it holds no clock, no lock and no goroutine.
// It is not safe for concurrent use.
type State struct {
	spec   *Spec
	path   string // "" is the root
	epoch  uint64
	ledger *Ledger
	budget bool // restarts ask the tree's budget for a place

	life   life
	frozen bool // the tree is going down
	told   bool // to stop, from above
	booted bool // all children in the list have been ready once
	reason Reason
	failed Failed // the start that made the boot fail

	kids     []*entry // in start order
	blocks   []*block // the same, as snapshots show them
	index    map[string]*entry
	window   []time.Time // when restarts were granted
	op       operation
	line     []Call // calls that wait for the operation
	timer    uint64 // the last timer's number
	deadline uint64 // the timer of all instances of a simple supervisor that closes
	last     uint64 // the last call's place in the order of arrival

	at   At
	out  []Action
	view *Supervisor // as last shown; nil when something may have changed
}

// life is how far a supervisor has come.
type life uint8

const (
	unborn life = iota
	booting
	up
	closing
	over
)

// operation is a walk over several children: the boot, or the restart of a group. The children it has still to start are
// those with entry.todo, in list order.
type operation struct {
	part part
	x    *entry // over whom the group is restarted; nil at boot
	cur  *entry // the one that is starting now: the next waits until it is ready
}

// part is what an operation is doing. The zero part is that there is no operation.
type part uint8

const (
	idle     part = iota
	stopping      // the live members, in reverse, one by one
	pausing       // backoff, then a place in the budget
	starting      // the members, in order, each when the one before is ready
)

// NewState returns the supervisor that runs spec under path ("" for the root) as incarnation epoch. The ledger is shared by
// all supervisors of a tree; budget says that restarts have to ask for a place. Spec is read and never written.
func NewState(spec *Spec, path string, epoch uint64, ledger *Ledger, budget bool) *State {
	s := &State{spec: spec, path: path, epoch: epoch, ledger: ledger, budget: budget, index: map[string]*entry{}}
	if spec.Strategy == SimpleOneForOne {
		return s
	}
	for i := range spec.Children {
		s.add(&spec.Children[i], spec.Children[i].Name, false)
	}
	return s
}

// Decide takes one input and returns what is to be done about it, in order. It is the only way a State changes. It never
// panics, on any input in any state: an input that is late (of an earlier epoch, a timer that was disarmed) changes nothing.
// The slice belongs to the State and is good until the next Decide.
func (s *State) Decide(in Input, at At) []Action {
	s.at, s.out, s.view = at, s.out[:0], nil
	switch in := in.(type) {
	case Boot:
		s.boot()
	case Begun:
		if e := s.live(in.Path, in.Epoch); e != nil {
			e.begun = true
		}
	case Started:
		s.onStarted(s.live(in.Path, in.Epoch))
	case Ready:
		s.onReady(s.live(in.Path, in.Epoch), in.Evidence)
	case Ignored:
		s.onIgnored(s.live(in.Path, in.Epoch))
	case Failed:
		s.onFailed(s.live(in.Path, in.Epoch), in)
	case Exited:
		s.onExited(s.live(in.Path, in.Epoch), in.Reason)
	case Ending:
		s.onEnding(s.live(in.Path, in.Epoch), in.Reason)
	case Hung:
		s.onHung(s.live(in.Path, in.Epoch))
	case Fired:
		s.onFired(in.Timer)
	case Granted:
		s.onGranted(s.index[in.Path])
	case Call:
		s.onCall(in)
	case Stop:
		s.onStop()
	case Crash:
		s.onCrash()
	case Freeze:
		s.onFreeze()
	}
	s.serve()
	return s.out
}

// onExited decides what the end of an incarnation means.
func (s *State) onExited(e *entry, reason Reason) {
	if e == nil {
		return
	}
	s.emit(Decision{Kind: LineExit, Path: e.path, Epoch: e.epoch, Reason: reason})
	s.gone(e, reason)
}

// onHung leaves an incarnation that hangs. It is fenced, so whatever it still does has no effect.
func (s *State) onHung(e *entry) {
	if e == nil || e.child.Sub != nil {
		return
	}
	cause, reason := HungEnd, HungEnd
	if e.child.Shutdown == Brutal && (e.status == Stopping || e.ending != "") {
		cause = causeKill
	}
	if e.ending != "" {
		reason = e.ending
	}
	s.do(Action{Do: DoAbandon, Path: e.path, Epoch: e.epoch, Reason: cause})
	s.gone(e, reason)
}

// onEnding asks the parts that are left of a child that is ending by itself to stop, inside its Shutdown. What it is ending
// with stays the reason.
func (s *State) onEnding(e *entry, reason Reason) {
	if e == nil || e.status == Stopping || e.ending != "" {
		return
	}
	e.ending = reason
	s.disarm(e, startTimer)
	if e.child.Shutdown == Brutal {
		s.do(Action{Do: DoKill, Path: e.path, Epoch: e.epoch})
		return
	}
	s.arm(e, stopTimer, e.child.Shutdown)
	s.do(Action{Do: DoStop, Path: e.path, Epoch: e.epoch})
}

// gone takes note that e has no incarnation any more. The order of the cases is the order of the rules: what was asked of
// the child comes before what it did.
func (s *State) gone(e *entry, reason Reason) {
	own := e.status != Stopping
	e.end, e.endAt = reason, s.at.Now
	s.down(e)
	switch {
	case s.life == closing:
		s.set(e, Stopped)
		if own {
			s.set(e, Done)
		}
		s.closeNext()
	case len(e.enders) > 0:
		s.terminated(e)
	case e.late: // told to stop because it was not ready in time
		e.late = false
		s.startFailed(e, Failed{Reason: NotReady})
	case e.member && s.op.part == stopping:
		s.rest(e)
		s.stopNext()
	case !own:
		s.rest(e)
	case !e.ready:
		s.startFailed(e, Failed{Reason: reason})
	case s.frozen:
		s.retire(e)
	case e.child.Restart.again(reason):
		s.restart(e)
	default:
		s.ended(e)
	}
}

// ended takes note of an end for good, which may shut the supervisor down with it.
func (s *State) ended(e *entry) {
	s.retire(e)
	if !e.child.Significant || !s.significant() {
		return
	}
	s.emit(Decision{Kind: LineAutoShutdown, Sup: s.name(), Path: e.path})
	s.giveUp(ShutdownEnd)
}

// significant reports whether the end of a significant child, just now, shuts the supervisor down.
func (s *State) significant() bool {
	switch s.spec.AutoShutdown {
	case AnySignificant:
		return true
	case AllSignificant:
		for _, e := range s.kids {
			if e.child.Significant && e.status.underWay() {
				return false
			}
		}
		return true
	case NeverShutdown, autoShutdownEnd:
	}
	return false
}

// giveUp ends the supervisor for a reason of its own. The root's end is the tree's: its phases run while the children live,
// and then it is told to stop.
func (s *State) giveUp(reason Reason) {
	if s.path == "" && s.life == up {
		s.reason = reason
		s.do(Action{Do: DoTrip, Reason: reason})
		return
	}
	s.shut(reason)
}
