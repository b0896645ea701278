package supervision

import (
	"slices"
	"time"
)

// Status is how an entry of a supervisor stands. The zero Status is invalid.
type Status uint8

// The states of an entry.
const (
	Waiting    Status = iota + 1 // down, to be started by an operation in progress
	Starting                     // an attempt is in progress, until it is ready
	Running                      // ready
	Stopping                     // told to stop
	Restarting                   // down, between its end and its next attempt
	Stopped                      // down by a call, by a failed start, or with its supervisor
	Done                         // ended by itself and not restarted
	Excused                      // its start asked to be left out
)

var statusNames = [...]string{"", "waiting", "starting", "running", "stopping", "restarting", "stopped", "done", "ignored"}

// String returns the status as scripts write it, "invalid" for a value that is none.
func (s Status) String() string { return nameOf(statusNames[:], int(s)) }

// underWay reports whether a child in this state runs or will run again without being asked to.
func (s Status) underWay() bool {
	return s == Running || s == Starting || s == Stopping || s == Restarting || s == Waiting
}

// The causes for which an incarnation is abandoned, besides HungEnd.
const (
	causeStop   Reason = "stop"
	causeStart  Reason = "start"
	causeKill   Reason = "kill"
	causeParent Reason = "parent"
)

// Ledger is what a tree never forgets: the last epoch of every path, and which supervisor a name belongs to. It is plain
// data, shared by the States of one tree, which are never decided at the same time.
type Ledger struct {
	epochs map[string]uint64
	names  Names
	owner  map[string]string // under TreeWide: name to the path of its supervisor; of a template, to a path that is none
}

// NewLedger returns the ledger of a tree that has not started.
func NewLedger(names Names) *Ledger {
	return &Ledger{epochs: map[string]uint64{}, names: names, owner: map[string]string{}}
}

// next is the ordinal of the next start attempt of path: 1, 2, 3, never used again.
func (l *Ledger) next(path string) uint64 {
	l.epochs[path]++
	return l.epochs[path]
}

// noOwner is the owner of names that no start_child may take: no path looks like it.
const noOwner = "/"

// claimSpec notes the names of a spec and of all below it.
func (l *Ledger) claimSpec(s *Spec, path string) {
	if l.names != TreeWide {
		return
	}
	for i := range s.Children {
		c := &s.Children[i]
		l.owner[c.Name] = path
		if s.Strategy == SimpleOneForOne {
			l.owner[c.Name] = noOwner
		}
		if c.Sub != nil {
			l.claimSpec(c.Sub, join(path, c.Name))
		}
	}
}

// taken reports whether name belongs to another supervisor than the one at path, and otherwise gives it to that.
func (l *Ledger) taken(name, path string) bool {
	if l.names != TreeWide {
		return false
	}
	owner, known := l.owner[name]
	return known && owner != path
}

// entry is one child in a supervisor's list.
type entry struct {
	child   *Child
	name    string
	path    string
	dynamic bool // came by start_child

	status Status
	since  time.Time
	epoch  uint64
	alive  bool // an incarnation exists
	begun  bool // a supervisor's init has returned
	start  bool // its start has returned nil
	ready  bool
	early  *Evidence // said before its start had returned
	until  time.Time // since when it has been ready
	fails  int       // failures in a row, for the backoff

	ending Reason // a part of it has ended so, and the others are asked to stop
	late   bool   // stopping, because it was not ready in time
	member bool   // of the group that the operation restarts
	todo   bool   // to be started by the operation
	drop   bool   // leaves the list when it is down
	shared bool   // stops under the one deadline of a simple supervisor
	held   bool   // has asked the budget for a place
	by     *Call
	enders []Call
	timers [waitTimer + 1]uint64

	end   Reason // the last one
	endAt time.Time
	next  time.Time // when its backoff ends

	block *block // in which it is shown
}

func (s *State) add(c *Child, name string, dynamic bool) *entry {
	e := &entry{child: c, name: name, path: join(s.path, name), dynamic: dynamic, status: Waiting, since: s.at.Now}
	s.kids = append(s.kids, e)
	s.show(e)
	s.index[e.path] = e
	return e
}

func (s *State) remove(e *entry) {
	if i := slices.Index(s.kids, e); i >= 0 {
		s.kids = slices.Delete(s.kids, i, i+1)
	}
	delete(s.index, e.path)
	s.hide(e)
	e.todo, e.member = false, false
}

// live is the entry of the incarnation path#epoch, nil when it is not the present one.
func (s *State) live(path string, epoch uint64) *entry {
	if e := s.index[path]; e != nil && e.alive && e.epoch == epoch {
		return e
	}
	return nil
}

func (s *State) set(e *entry, status Status) {
	e.status, e.since = status, s.at.Now
	e.touch()
}

// down takes note that the incarnation of e is no more: it has no timer any more either.
func (s *State) down(e *entry) {
	e.alive, e.start, e.begun, e.early, e.ending = false, false, false, nil, ""
	e.touch()
	s.disarm(e, startTimer)
	s.disarm(e, stopTimer)
}

// rest is the state of a child that was stopped: it leaves, or waits for its operation, or stays stopped.
func (s *State) rest(e *entry) {
	e.member = false
	switch {
	case e.drop || e.child.Restart == Temporary:
		s.remove(e)
	case e.todo && e == s.op.x:
		s.set(e, Restarting)
	case e.todo:
		s.set(e, Waiting)
	default:
		s.set(e, Stopped)
	}
}

// retire is the state of a child that ended by itself for good.
func (s *State) retire(e *entry) {
	s.set(e, Done)
	if e.child.Restart == Temporary || s.simple() {
		s.remove(e)
	}
}

func (s *State) simple() bool { return s.spec.Strategy == SimpleOneForOne }

// name is the path of the supervisor as lines show it: the root has its own name.
func (s *State) name() string {
	if s.path == "" {
		return s.spec.Name
	}
	return s.path
}

func (s *State) do(a Action)     { s.out = append(s.out, a) }
func (s *State) emit(d Decision) { s.out = append(s.out, Action{Do: DoEmit, Line: d}) }

func (s *State) emitChild(k Kind, e *entry) {
	s.emit(Decision{Kind: k, Path: e.path, Epoch: e.epoch})
}

// arm starts a timer about e. A deadline of infinity has none.
func (s *State) arm(e *entry, kind TimerKind, d time.Duration) {
	if d == Infinity {
		return
	}
	s.timer++
	e.timers[kind] = s.timer
	s.do(Action{Do: DoArm, Timer: s.timerOf(e, kind), Delay: d})
}

func (s *State) disarm(e *entry, kind TimerKind) {
	if e.timers[kind] == 0 {
		return
	}
	s.do(Action{Do: DoDisarm, Timer: s.timerOf(e, kind)})
	e.timers[kind] = 0
}

func (s *State) timerOf(e *entry, kind TimerKind) Timer {
	return Timer{Sup: s.path, Epoch: s.epoch, Path: e.path, Kind: kind, N: e.timers[kind]}
}

// onFired hands a timer to what it is for, unless it was disarmed meanwhile.
func (s *State) onFired(t Timer) {
	if t.Sup == s.path && t.Epoch == s.epoch && t.Path == s.path && t.Kind == stopTimer && t.N != 0 && t.N == s.deadline {
		s.onDeadline()
		return
	}
	e := s.index[t.Path]
	if e == nil || t.Sup != s.path || t.Epoch != s.epoch || t.Kind < startTimer || t.Kind > waitTimer || e.timers[t.Kind] != t.N || t.N == 0 {
		return
	}
	e.timers[t.Kind] = 0
	switch t.Kind {
	case startTimer:
		s.onStartTimeout(e)
	case stopTimer:
		s.leave(e)
	case waitTimer:
		s.claim(e)
	case rootTimer, budgetTimer, phaseTimer:
	}
}

// join is the path of name under path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}
