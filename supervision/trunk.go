package supervision

import (
	"cmp"
	"slices"
	"strings"
)

// trunk is a whole tree as a value: the States of its supervisors, what passes between them, and what only the tree has, its
// epochs, its budget, its phases and the incarnations it has left. One input is followed through all supervisors that it
// concerns before the next is taken, first in first out. Scripts and the living tree run the same trunk.
type trunk struct {
	spec   *Spec
	root   rootSeat
	ledger *Ledger
	sups   map[string]*State // by path; "" is the root
	places budget
	course course

	running []*State // sups in order of their paths

	queue   []routed
	zombies []Incarnation // left and not ended, in order
	tripped Reason
	timer   uint64

	at  At
	out []Action
}

// routed is an input on its way to a supervisor.
type routed struct {
	sup   string
	epoch uint64
	in    Input
}

// The inputs of a tree, besides those of its supervisors.
type (
	treeStart    struct{ tag uint64 }
	treeStop     struct{ tag uint64 }
	treeShutdown struct{}
	treeSkip     struct{}
	phaseEnded   struct {
		n      int
		reason Reason // "" is ok
	}
	supCall struct {
		sup  string
		call Call
	}
	supCrash struct{ path string }
)

func (treeStart) input()    {}
func (treeStop) input()     {}
func (treeShutdown) input() {}
func (treeSkip) input()     {}
func (phaseEnded) input()   {}
func (supCall) input()      {}
func (supCrash) input()     {}

// newTrunk returns a tree that has not started. Of root, only the deadlines are used: how long the whole may take to come up
// and to go down.
func newTrunk(spec *Spec, root Child, phases []Phase, names Names) *trunk {
	t := &trunk{spec: spec, ledger: NewLedger(names), sups: map[string]*State{}}
	t.root.startTimeout, t.root.shutdown = root.StartTimeout, root.Shutdown
	t.places = budget{size: spec.Budget.Starts, within: spec.Budget.Within}
	t.course.phases = phases
	t.ledger.owner[spec.Name] = noOwner
	t.ledger.claimSpec(spec, "")
	return t
}

// Decide takes one input of the tree and follows it until nothing is left to decide without the world's answer. Like a
// State's, the slice is good until the next Decide.
func (t *trunk) Decide(in Input, at At) []Action {
	t.at, t.out = at, t.out[:0]
	t.accept(in)
	for len(t.queue) > 0 {
		m := t.queue[0]
		t.queue = t.queue[1:]
		t.deliver(m)
	}
	t.queue = nil
	return t.out
}

// accept finds out whom an input is for.
func (t *trunk) accept(in Input) {
	switch in := in.(type) {
	case treeStart:
		t.start(in.tag)
	case treeStop:
		t.stop(in.tag)
	case treeShutdown:
		t.shutdown()
	case treeSkip:
		t.skip()
	case phaseEnded:
		t.phaseEnded(in.n, in.reason)
	case supCall:
		t.call(in)
	case supCrash:
		if s := t.sups[in.path]; s != nil {
			t.send(s, Crash{})
		}
	case Fired:
		t.fired(in.Timer)
	case Started:
		t.started(in)
	case Ready:
		t.report(in.Path, in.Epoch, in)
	case Ignored:
		t.report(in.Path, in.Epoch, in)
	case Failed:
		t.report(in.Path, in.Epoch, in)
	case Exited:
		t.report(in.Path, in.Epoch, in)
	case Ending:
		t.report(in.Path, in.Epoch, in)
	case Hung:
		t.report(in.Path, in.Epoch, in)
	}
}

func (t *trunk) send(s *State, in Input) {
	t.queue = append(t.queue, routed{s.path, s.epoch, in})
}

func (t *trunk) deliver(m routed) {
	s := t.sups[m.sup]
	if s == nil || s.epoch != m.epoch {
		return
	}
	t.carry(s, s.Decide(m.in, t.at))
	if t.tripped != "" {
		t.tripped = ""
		t.goDown()
	}
}

// carry does what concerns other supervisors and the tree, and passes the rest to whoever carries out.
func (t *trunk) carry(s *State, actions []Action) {
	for i := range actions {
		a := &actions[i]
		switch a.Do {
		case DoStop:
			if below := t.sups[a.Path]; below != nil && below.epoch == a.Epoch {
				t.send(below, Stop{})
				continue
			}
			t.out = append(t.out, *a)
		case DoAbandon:
			t.abandon(a.Path, a.Epoch, a.Reason)
		case DoClaim:
			t.claim(s, a.Path)
		case DoUnclaim:
			t.places.forget(a.Path)
		case DoUp:
			t.isUp(s)
		case DoDone:
			t.isDown(s, a)
		case DoTrip:
			t.tripped = a.Reason
		case DoStart, DoOpen, DoReady, DoKill, DoArm, DoDisarm, DoReply, DoEmit, doPhase, doHalt:
			t.out = append(t.out, *a)
		}
	}
}

func (t *trunk) isUp(s *State) {
	if s.path == "" {
		t.rootUp()
		return
	}
	if p := t.parent(s.path); p != nil {
		t.send(p, Started{s.path, s.epoch})
	}
}

// add takes a supervisor that runs into the tree.
func (t *trunk) add(s *State) {
	t.sups[s.path] = s
	at, found := slices.BinarySearchFunc(t.running, s, byPath)
	if found { // in a state that was read, and is damaged
		t.running[at] = s
		return
	}
	t.running = slices.Insert(t.running, at, s)
}

func (t *trunk) remove(s *State) {
	delete(t.sups, s.path)
	if at, found := slices.BinarySearchFunc(t.running, s, byPath); found {
		t.running = slices.Delete(t.running, at, at+1)
	}
}

func byPath(a, b *State) int { return cmp.Compare(a.path, b.path) }

func (t *trunk) isDown(s *State, a *Action) {
	t.remove(s)
	if s.path == "" {
		t.rootDown(a)
		return
	}
	p := t.parent(s.path)
	switch {
	case p == nil:
	case a.failed.Reason != "":
		t.send(p, a.failed)
	default:
		t.send(p, Exited{s.path, s.epoch, a.Reason})
	}
}

// started makes the supervisor of a child whose init has returned, and tells the parent about any other.
func (t *trunk) started(in Started) {
	if in.Path == "" {
		t.rootBegun(in.Epoch)
		return
	}
	p := t.parent(in.Path)
	if p == nil {
		return
	}
	e := p.live(in.Path, in.Epoch)
	switch {
	case e == nil || e.child.Sub == nil:
		t.report(in.Path, in.Epoch, in)
	case t.sups[in.Path] != nil:
	case e.status != Starting:
		t.send(p, Exited{in.Path, in.Epoch, ShutdownEnd})
	default:
		t.carry(p, p.Decide(Begun(in), t.at))
		s := NewState(e.child.Sub, in.Path, in.Epoch, t.ledger, t.places.size > 0)
		t.add(s)
		t.send(s, Boot{})
	}
}

// report hands what is known of an incarnation to its supervisor. The end of one that was left is late, and no end.
func (t *trunk) report(path string, epoch uint64, in Input) {
	if i := t.zombie(path, epoch); i >= 0 {
		switch in.(type) {
		case Exited, Failed, Ignored:
			t.zombies = append(t.zombies[:i:i], t.zombies[i+1:]...)
			t.emit(Decision{Kind: LineLate, Path: path, Epoch: epoch})
		}
		return
	}
	if path == "" {
		t.rootReport(epoch, in)
		return
	}
	if p := t.parent(path); p != nil && t.sups[path] == nil {
		t.send(p, in)
	}
}

func (t *trunk) zombie(path string, epoch uint64) int {
	for i, z := range t.zombies {
		if z.Path == path && z.Epoch == epoch {
			return i
		}
	}
	return -1
}

// abandon leaves an incarnation and all that live below it, last in list first and below first. Who waits for an answer of a
// supervisor that is left gets it now: there is no later. Nor is anything of it that waits for a timer or the budget.
func (t *trunk) abandon(path string, epoch uint64, cause Reason) {
	if s := t.sups[path]; s != nil && s.epoch == epoch {
		t.carry(s, s.letGo())
		for _, e := range slices.Backward(s.kids) {
			if e.alive {
				t.abandon(e.path, e.epoch, causeParent)
			}
		}
		t.remove(s)
	}
	t.emit(Decision{Kind: LineAbandon, Path: t.name(path), Epoch: epoch, Reason: cause})
	if path != "" {
		t.zombies = append(t.zombies, Incarnation{path, epoch})
	}
	t.out = append(t.out, Action{Do: DoAbandon, Path: path, Epoch: epoch, Reason: cause})
}

func (t *trunk) call(in supCall) {
	if s := t.sups[in.sup]; s != nil {
		t.send(s, in.call)
		return
	}
	a := Answer{Word: "not_running"}
	line := Decision{Kind: LineReply, Path: join(in.sup, in.call.Name), Verb: in.call.Verb, Answer: a}
	t.out = append(t.out, Action{Do: DoReply, Tag: in.call.Tag, Answer: a, Line: line})
}

func (t *trunk) fired(timer Timer) {
	switch timer.Kind {
	case rootTimer:
		t.rootTimeout(timer.N)
	case budgetTimer:
		t.placeFree()
	case phaseTimer:
		t.phaseTimeout(timer.N)
	case startTimer, stopTimer, waitTimer:
		if s := t.sups[timer.Sup]; s != nil && s.epoch == timer.Epoch {
			t.send(s, Fired{timer})
		}
	}
}

// arm starts a timer of the tree's own.
func (t *trunk) arm(kind TimerKind, a Action) uint64 {
	t.timer++
	a.Do, a.Timer = DoArm, Timer{Kind: kind, N: t.timer}
	t.out = append(t.out, a)
	return t.timer
}

func (t *trunk) disarm(kind TimerKind, n uint64) {
	if n != 0 {
		t.out = append(t.out, Action{Do: DoDisarm, Timer: Timer{Kind: kind, N: n}})
	}
}

func (t *trunk) emit(d Decision) { t.out = append(t.out, Action{Do: DoEmit, Line: d}) }

// parent is the supervisor of path, nil when it does not run.
func (t *trunk) parent(path string) *State {
	i := strings.LastIndexByte(path, '/')
	return t.sups[path[:max(i, 0)]]
}

// underWay reports whether the child at path runs, or will again without being asked to.
func (t *trunk) underWay(path string) bool {
	p := t.parent(path)
	if p == nil {
		return false
	}
	e := p.index[path]
	return e != nil && e.status.underWay()
}

// name is path as lines show it: the root has its own name.
func (t *trunk) name(path string) string {
	if path == "" {
		return t.spec.Name
	}
	return path
}
