package supervision

import (
	"slices"
	"time"
)

// The exit codes of a tree that is over.
const (
	CodeOrderly = 0  // down in order
	CodeFailed  = 1  // it did not come up
	CodePartial = 7  // in order, but a phase failed or somebody did not stop
	CodeTripped = 70 // the root gave up or broke
)

// rootSeat is the place above the root: it starts it, stops it, and says what its end means for the process.
type rootSeat struct {
	startTimeout time.Duration
	shutdown     time.Duration

	epoch   uint64
	alive   bool
	started bool
	pending bool // the call that started it is not answered
	starter uint64
	late    bool // told to stop because it was not up in time
	stopper uint64
	stops   bool // by a call to stop
	timer   uint64
}

// start checks the specs of the whole tree and boots it.
func (t *trunk) start(tag uint64) {
	r := &t.root
	if r.alive {
		t.reply(startTree, tag, Answer{Word: "already_started", Epoch: r.epoch})
		return
	}
	if bad := checkTree(t.spec, t.ledger.names); len(bad) > 0 {
		t.reply(startTree, tag, Answer{Word: "bad_spec", At: bad[0].Name, Detail: bad[0].Field})
		return
	}
	t.course = course{phases: t.course.phases}
	*r = rootSeat{startTimeout: r.startTimeout, shutdown: r.shutdown, alive: true, pending: true, starter: tag}
	r.epoch = t.ledger.next("")
	t.emitRoot(LineStart, "")
	t.armRoot(r.startTimeout)
	t.out = append(t.out, Action{Do: DoStart, Epoch: r.epoch, Child: &Child{Name: t.spec.Name, Sub: t.spec}})
}

// rootBegun boots the root when its init has returned.
func (t *trunk) rootBegun(epoch uint64) {
	if !t.root.alive || epoch != t.root.epoch || t.sups[""] != nil {
		return
	}
	s := NewState(t.spec, "", epoch, t.ledger, t.places.size > 0)
	t.add(s)
	t.send(s, Boot{})
}

func (t *trunk) rootUp() {
	t.root.started = true
	t.disarmRoot()
	t.emitRoot(LineStarted, "")
	t.answerStart(Answer{OK: true, Epoch: t.root.epoch})
}

// rootReport takes what is known of the root's init.
func (t *trunk) rootReport(epoch uint64, in Input) {
	if !t.root.alive || epoch != t.root.epoch || t.sups[""] != nil {
		return
	}
	switch in := in.(type) {
	case Ignored:
		t.rootOver()
		t.emitRoot(LineIgnore, "")
		t.answerStart(Answer{OK: true, Ignored: true})
	case Failed:
		t.rootFailed(Failed{Reason: in.Reason})
	case Exited:
		t.rootDown(&Action{Reason: in.Reason})
	}
}

// rootFailed ends a boot that did not come up. It runs no phases and does not halt.
func (t *trunk) rootFailed(f Failed) {
	t.rootOver()
	t.emitRoot(LineFailed, f.Reason)
	if f.Deepest == "" {
		f.Deepest, f.Why = t.spec.Name, f.Reason
	}
	t.unstopped()
	t.answerStart(Answer{Word: "start_failed", At: f.Deepest, Detail: string(f.Why)})
}

// rootDown says what the end of the root means.
func (t *trunk) rootDown(a *Action) {
	if a.failed.Reason != "" {
		t.rootFailed(a.failed)
		return
	}
	t.emitRoot(LineExit, a.Reason)
	if t.root.late {
		t.rootFailed(Failed{Reason: NotReady})
		return
	}
	t.rootOver()
	t.finish(a.Reason)
}

// finish answers and halts, when the root's last line is written.
func (t *trunk) finish(reason Reason) {
	t.unstopped()
	r := &t.root
	if r.stops {
		r.stops = false
		t.reply(stopTree, r.stopper, Answer{OK: true})
		return
	}
	if !t.course.down {
		return
	}
	code := CodeOrderly
	switch {
	case !reason.Orderly():
		code = CodeTripped
	case t.course.failed || len(t.zombies) > 0:
		code = CodePartial
	}
	d := Decision{Kind: LineHalt, N: code, Reason: reason}
	t.emit(d)
	t.out = append(t.out, Action{Do: doHalt, Line: d})
}

func (t *trunk) rootOver() {
	t.root.alive, t.root.started = false, false
	t.disarmRoot()
}

// stop takes the tree down without phases.
func (t *trunk) stop(tag uint64) {
	r := &t.root
	if !r.alive || r.stops || t.course.down {
		t.reply(stopTree, tag, Answer{Word: "not_running"})
		return
	}
	r.stops, r.stopper, r.late = true, tag, false
	t.answerStart(Answer{Word: "start_failed", At: t.spec.Name, Detail: string(ShutdownEnd)})
	t.closeRoot()
}

// shutdown takes the tree down with its phases; during the boot there is nothing that they could serve.
func (t *trunk) shutdown() {
	r := &t.root
	switch {
	case !r.alive || r.stops || t.course.down:
	case r.pending:
		r.late = false
		t.answerStart(Answer{Word: "start_failed", At: t.spec.Name, Detail: string(ShutdownEnd)})
		t.closeRoot()
	case r.started:
		t.goDown()
	}
}

// closeRoot tells the root to stop.
func (t *trunk) closeRoot() {
	t.disarmRoot()
	if t.root.shutdown >= 0 {
		t.armRoot(t.root.shutdown)
	}
	if s := t.sups[""]; s != nil {
		t.send(s, Stop{})
		return
	}
	t.out = append(t.out, Action{Do: DoStop, Epoch: t.root.epoch})
}

// rootTimeout ends a start, or a stop, that took longer than the whole tree may.
func (t *trunk) rootTimeout(n uint64) {
	r := &t.root
	if r.timer != n || n == 0 {
		return
	}
	r.timer = 0
	switch {
	case !r.pending: // the stop
		reason := ShutdownEnd
		if s := t.sups[""]; s != nil && s.reason != "" {
			reason = s.reason
		}
		t.abandon("", r.epoch, causeStop)
		t.rootOver()
		t.finish(reason)
	case t.sups[""] == nil:
		t.abandon("", r.epoch, causeStart)
		t.rootFailed(Failed{Reason: TimedOut})
	case r.late:
		t.abandon("", r.epoch, causeStop)
		t.rootFailed(Failed{Reason: NotReady})
	default:
		r.late = true
		t.emitRoot(LineStop, "")
		t.closeRoot()
	}
}

func (t *trunk) armRoot(d time.Duration) {
	if d > 0 && d != Infinity {
		t.root.timer = t.arm(rootTimer, Action{Delay: d})
	}
}

func (t *trunk) disarmRoot() {
	t.disarm(rootTimer, t.root.timer)
	t.root.timer = 0
}

func (t *trunk) answerStart(a Answer) {
	if t.root.pending {
		t.root.pending = false
		t.reply(startTree, t.root.starter, a)
	}
}

func (t *trunk) reply(v Verb, tag uint64, a Answer) {
	line := Decision{Kind: LineReply, Path: t.spec.Name, Verb: v, Answer: a}
	t.out = append(t.out, Action{Do: DoReply, Tag: tag, Answer: a, Line: line})
}

func (t *trunk) emitRoot(k Kind, reason Reason) {
	t.emit(Decision{Kind: k, Path: t.spec.Name, Epoch: t.root.epoch, Reason: reason})
}

// unstopped names those that were left and have not ended.
func (t *trunk) unstopped() {
	if len(t.zombies) > 0 {
		t.emit(Decision{Kind: LineUnstopped, Left: slices.Clone(t.zombies)})
	}
}
