package supervision

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stage plays one case: fake children, a virtual clock, and the trunk that decides about them.
type stage struct {
	*plot
	t      *trunk
	now    time.Duration
	jitter float64
	alarms []alarm // in order of creation
	made   int
	queue  []Input
	acts   map[Incarnation]*actor
	lines  []string
	at     bool // the next line is the first of its instant

	// apart has children be as those of a deterministic system: what they say waits until all that follows inside the tree is
	// decided, and one that is left ends at once. In scripts all is first in, first out, and what hangs goes on hanging.
	apart bool
	said  []Input // by children, where apart

	limit int            // of lines from one command
	seen  func(Decision) // every line as a value; may be nil
	fed   []fed          // what the trunk was given
}

// alarm is a timer of the virtual clock.
type alarm struct {
	due   time.Duration
	n     int
	timer Timer // of the trunk, or
	run   func()
}

// actor is one fake incarnation.
type actor struct {
	Incarnation
	child     *Child
	b         *behaviour
	out       outcome
	started   bool
	ended     bool
	abandoned bool
	hung      bool
	told      bool // to stop
	timer     int  // of its delay
	watch     int  // of its watchdog
}

const maxLines = 1000

// fed is one input of the trunk and what it may have known besides.
type fed struct {
	in Input
	at At
}

func newStage(p *plot) *stage {
	return &stage{plot: p, t: newTrunk(p.spec, p.root, p.phases, TreeWide), jitter: 1, limit: maxLines, acts: map[Incarnation]*actor{}}
}

// emit writes one line of the trace.
func (s *stage) emit(line string) {
	if s.at {
		s.at = false
		s.lines = append(s.lines, "at "+s.now.String())
	}
	s.lines = append(s.lines, line)
}

var caseBegan = time.Unix(0, 0).UTC()

// inject takes one input, and everything that follows without time.
func (s *stage) inject(in ...Input) {
	s.queue = append(s.queue, in...)
	for len(s.queue)+len(s.said) > 0 && len(s.lines) <= s.limit {
		if len(s.queue) == 0 {
			s.queue, s.said = append(s.queue, s.said[0]), s.said[1:]
		}
		in := s.queue[0]
		s.queue = s.queue[1:]
		at := At{caseBegan.Add(s.now), s.jitter}
		s.fed = append(s.fed, fed{in, at})
		for _, a := range s.t.Decide(in, at) {
			s.carryOut(a)
		}
	}
}

// tell is what a child says.
func (s *stage) tell(in Input) {
	if s.apart {
		s.said = append(s.said, in)
		return
	}
	s.queue = append(s.queue, in)
}

func (s *stage) carryOut(a Action) {
	switch a.Do {
	case DoStart:
		s.start(a)
	case DoStop:
		s.stop(s.acts[Incarnation{a.Path, a.Epoch}])
	case DoKill:
		s.kill(s.acts[Incarnation{a.Path, a.Epoch}])
	case DoAbandon:
		if x := s.acts[Incarnation{a.Path, a.Epoch}]; x != nil {
			x.abandoned = true
			s.drop(x.watch)
			if s.apart && x.child.Sub == nil { // whatever it waits in is fenced: a coroutine ends as soon as it is left
				s.end(x, ShutdownEnd)
			}
		}
	case DoArm:
		s.after(a.Delay, alarm{timer: a.Timer})
	case DoDisarm:
		s.alarms = slices.DeleteFunc(s.alarms, func(al alarm) bool { return al.run == nil && al.timer == a.Timer })
	case DoReply, DoEmit:
		if s.seen != nil {
			s.seen(a.Line)
		}
		s.emit(a.Line.Short())
	case doPhase:
		s.phase(int(a.Epoch))
	case DoOpen, DoReady, DoClaim, DoUnclaim, DoUp, DoDone, DoTrip, doHalt:
	}
}

// after makes a timer; its number is its place in the order of creation.
func (s *stage) after(d time.Duration, al alarm) int {
	s.made++
	al.n, al.due = s.made, s.now+d
	if d > Infinity-s.now {
		al.due = Infinity
	}
	s.alarms = append(s.alarms, al)
	return al.n
}

func (s *stage) drop(n int) {
	s.alarms = slices.DeleteFunc(s.alarms, func(al alarm) bool { return al.n == n })
}

// behaviourOf is what the child does: an instance, and what came by start_child, begins its own sequence.
func (s *stage) behaviourOf(a Action) *behaviour {
	if a.Path == "" {
		return s.byName[s.spec.Name]
	}
	if b := s.child[a.Child]; b != nil {
		return b
	}
	var from *behaviour
	_ = a.Child.Start(context.WithValue(context.Background(), askedKey{}, &from), nil)
	b := &behaviour{starts: from.starts, stop: from.stop, delay: from.delay}
	s.child[a.Child] = b
	s.byName[a.Child.Name] = b
	return b
}

func (s *stage) start(a Action) {
	x := &actor{Incarnation: Incarnation{a.Path, a.Epoch}, child: a.Child, b: s.behaviourOf(a)}
	s.acts[x.Incarnation] = x
	x.out = x.b.next()
	if x.out.kind == "hang" {
		return
	}
	if x.out.delay > 0 {
		x.timer = s.after(x.out.delay, alarm{run: func() { s.outcome(x) }})
		return
	}
	s.outcome(x)
}

// outcome ends a start. One that was left meanwhile is over with it.
func (s *stage) outcome(x *actor) {
	switch {
	case x.ended:
	case x.abandoned:
		s.end(x, ShutdownEnd)
	case x.out.kind == "ok" && x.child.Sub != nil: // the tree's own
		x.started = true
		s.queue = append(s.queue, Started{x.Path, x.Epoch})
	case x.out.kind == "ok":
		x.started = true
		s.tell(Started{x.Path, x.Epoch})
	case x.out.kind == "ignore":
		x.ended = true
		s.tell(Ignored{x.Path, x.Epoch})
	default:
		x.ended = true
		s.tell(Failed{Path: x.Path, Epoch: x.Epoch, Reason: x.out.reason()})
	}
}

func (s *stage) end(x *actor, reason Reason) {
	if x.ended {
		return
	}
	x.ended = true
	s.drop(x.timer)
	s.drop(x.watch)
	s.tell(Exited{x.Path, x.Epoch, reason})
}

// stop tells an incarnation to stop. A supervisor whose init has returned is the trunk's.
func (s *stage) stop(x *actor) {
	if x == nil || x.ended || (x.child.Sub != nil && x.started) {
		return
	}
	x.told = true
	switch {
	case !x.started && x.out.kind == "hang", x.hung, x.started && x.b.stop == "hang":
	case !x.started:
		s.end(x, ShutdownEnd)
	case x.b.delay > 0:
		x.timer = s.after(x.b.delay, alarm{run: func() {
			if !x.hung {
				s.end(x, ShutdownEnd)
			}
		}})
	case x.b.stop == "normal":
		s.end(x, Normal)
	case x.b.stop == "panic":
		s.end(x, Crashed)
	default:
		s.end(x, ShutdownEnd)
	}
}

func (s *stage) kill(x *actor) {
	if x == nil || x.ended {
		return
	}
	if x.hung || (!x.started && x.out.kind == "hang") {
		s.tell(Hung{x.Path, x.Epoch})
		return
	}
	s.end(x, Killed)
}

func (s *stage) hang(x *actor) {
	if x.hung {
		return
	}
	x.hung = true
	if w := x.child.Watchdog; w > 0 {
		x.watch = s.after(w, alarm{run: func() { s.tell(Hung{x.Path, x.Epoch}) }})
	}
}

// unhang lets an incarnation go on: it then answers what it was told meanwhile.
func (s *stage) unhang(x *actor) {
	stuck := x.hung || (!x.started && x.out.kind == "hang") || (x.told && x.b.stop == "hang")
	if x.ended || !stuck {
		return
	}
	x.hung = false
	s.drop(x.watch)
	if x.told || x.abandoned {
		s.end(x, ShutdownEnd)
	}
}

func (s *stage) phase(n int) {
	o := s.ends[n-1]
	end := func() { s.tell(phaseEnded{n, o.reason()}) }
	switch {
	case o.kind == "hang":
	case o.delay > 0:
		s.after(o.delay, alarm{run: end})
	default:
		end()
	}
}

// advance moves time, and nothing else does. What is due at one instant fires in order of creation.
func (s *stage) advance(d time.Duration) {
	target := s.now + d
	last := time.Duration(-1)
	for len(s.lines) <= s.limit {
		i := -1
		for j, al := range s.alarms {
			if al.due <= target && (i < 0 || al.due < s.alarms[i].due) {
				i = j
			}
		}
		if i < 0 {
			break
		}
		al := s.alarms[i]
		s.alarms = slices.Delete(s.alarms, i, i+1)
		s.now = max(s.now, al.due)
		if s.now != last {
			s.at, last = true, s.now
		}
		if al.run == nil {
			s.inject(Fired{al.timer})
			continue
		}
		al.run()
		s.inject()
	}
	s.now, s.at = target, false
}

// incarnation finds what a command names, X or X#E.
func (s *stage) incarnation(line int, word string) (Incarnation, error) {
	name, epoch, numbered := strings.Cut(word, "#")
	path, err := s.pathOf(line, name)
	if err != nil {
		return Incarnation{}, err
	}
	last := s.t.ledger.epochs[path]
	n := last
	if numbered {
		if n, err = strconv.ParseUint(epoch, 10, 64); err != nil {
			return Incarnation{}, errorAt(line, "malformed: %s", word)
		}
	}
	if n == 0 || n > last {
		return Incarnation{}, errorAt(line, "not live: %s", word)
	}
	return Incarnation{path, n}, nil
}

func (s *stage) pathOf(line int, name string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", errorAt(line, "malformed: %s", name)
	}
	if path, ok := s.sups[name]; ok {
		return path, nil
	}
	owner, ok := s.t.ledger.owner[name]
	if !ok {
		return "", errorAt(line, "unknown name: %s", name)
	}
	return join(strings.TrimPrefix(owner, noOwner), name), nil
}

// children prints the snapshot of a supervisor.
func (s *stage) children(name, path string) {
	v, ok := s.t.snapshot().Sup(path)
	if !ok {
		s.emit("children " + name + " down")
		return
	}
	s.emit(fmt.Sprintf("children %s %d", name, v.Len()))
	for e := range v.Children() {
		id := e.Name
		if e.Epoch > 0 {
			id += "#" + strconv.FormatUint(e.Epoch, 10)
		}
		s.emit("child " + id + " " + e.Status.String())
	}
}

func (s *stage) count(name, path string) {
	v, ok := s.t.snapshot().Sup(path)
	if !ok {
		s.emit("count " + name + " down")
		return
	}
	specs, active, sups, workers := v.Count()
	s.emit(fmt.Sprintf("count %s specs=%d active=%d supervisors=%d workers=%d", name, specs, active, sups, workers))
}
