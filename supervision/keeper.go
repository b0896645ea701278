package supervision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/failshut/failshut/actors"
)

// keeper is the actor that carries a tree out: it takes what has happened, lets the trunk decide, does what the trunk asks,
// and publishes the snapshot. What it does not know is no rule of its own.
type keeper struct {
	tree  *Tree
	t     *trunk
	watch *watch
	c     *actors.Context[knock]

	lives   map[Incarnation]*incarnation
	pending []Input
	ended   []string // paths whose incarnation has ended in this turn
	draw    func() float64
	later   []func()                // hooks and answers, after the snapshot
	asked   map[uint64]order        // by tag
	tag     uint64                  // the last one
	gone    map[string]func(Reason) // of children that somebody minds
	ends    map[string]Reason       // how paths ended in this turn
	down    bool                    // some may be down for good in this turn
	waiting map[Incarnation]func() error
	serial  uint64
	phase   string // the part that runs the present phase
	phaseN  int
	cancel  context.CancelFunc
	over    bool
	result  Result
	minutes *minutes // nil: no journal is kept
}

// knock wakes the keeper: something lies in the inbox, a timer is due, or a killed child has had its grace.
type knock struct {
	fired bool
	timer Timer
	grace Incarnation
}

func newKeeper(t *Tree, names Names) *keeper {
	root := Child{StartTimeout: Infinity, Shutdown: t.o.Shutdown}
	return &keeper{
		tree: t, t: newTrunk(&t.spec, root, t.o.Phases, names), draw: t.draw, watch: newWatch(t.o.Events), lives: map[Incarnation]*incarnation{},
		asked: map[uint64]order{}, gone: map[string]func(Reason){}, ends: map[string]Reason{}, waiting: map[Incarnation]func() error{},
	}
}

// Starting looks once into the inbox as soon as the mailbox is open: a knock that came before was refused.
func (k *keeper) Starting(c *actors.Context[knock]) error {
	c.After("open", 0, knock{})
	return nil
}

// Receive takes all that has happened, in order of arrival.
func (k *keeper) Receive(c *actors.Context[knock], m knock) error {
	k.c = c
	if m.fired {
		k.decide(Fired{m.timer})
	}
	if in := k.lives[m.grace]; in != nil && !in.abandoned {
		k.decide(Hung(m.grace))
	}
	for _, item := range k.tree.take() {
		k.accept(item)
	}
	k.settle()
	if k.over {
		return actors.ErrDone
	}
	return nil
}

func (k *keeper) accept(item any) {
	switch item := item.(type) {
	case actors.Exit:
		k.onExit(item)
	case order:
		k.onOrder(item)
	case func():
		k.later = append(k.later, item)
	case drill:
		k.drill(item)
	case Input:
		k.decide(item)
	}
}

func (k *keeper) onOrder(o order) {
	k.tag++
	k.asked[k.tag] = o
	switch in := o.in.(type) {
	case treeStart:
		k.decide(treeStart{k.tag})
	case treeStop:
		k.decide(treeStop{k.tag})
	case supCall:
		in.call.Tag = k.tag
		k.decide(in)
	}
}

// decide lets the trunk decide about one input and all that follows from carrying it out.
func (k *keeper) decide(in Input) {
	k.tell(in)
	k.run()
}

func (k *keeper) run() {
	for len(k.pending) > 0 {
		in := k.pending[0]
		k.pending = k.pending[1:]
		at := At{Now: k.c.Now(), Draw: k.draw()}
		k.minutes.before(k.t, at.Now)
		actions := k.t.Decide(in, at)
		k.minutes.after(in, at, actions)
		for _, a := range actions {
			k.carryOut(a, at.Now)
		}
	}
	k.pending = nil
}

func (k *keeper) tell(in Input) { k.pending = append(k.pending, in) }

func (k *keeper) carryOut(a Action, now time.Time) {
	id := Incarnation{a.Path, a.Epoch}
	in := k.lives[id]
	switch a.Do {
	case DoStart:
		k.start(a, now)
	case DoOpen:
		k.open(in)
	case DoReady:
		if in != nil {
			in.b.life.Ready()
		}
		k.later = k.watch.ready(k.later, now, id)
	case DoStop:
		k.stop(in)
	case DoKill:
		k.kill(in)
	case DoAbandon:
		k.abandon(in)
	case DoArm:
		k.c.After(a.Timer, a.Delay, knock{fired: true, timer: a.Timer})
	case DoDisarm:
		k.c.Cancel(a.Timer)
	case DoReply:
		k.emit(a.Line, now)
		k.reply(a)
	case DoEmit:
		k.emit(a.Line, now)
	case doPhase:
		k.runPhase(int(a.Epoch))
	case doHalt:
		k.result.Code, k.result.Reason = a.Line.N, a.Line.Reason
	case DoClaim, DoUnclaim, DoUp, DoDone, DoTrip:
	}
}

// emit hands a line to the hooks, after the snapshot.
func (k *keeper) emit(d Decision, now time.Time) {
	held := len(k.t.places.waiting)
	k.later = k.watch.decision(k.later, now, d, held)
	switch d.Kind {
	case LinePhaseOK, LinePhaseFailed:
		k.result.Phases = append(k.result.Phases, PhaseResult{d.Path, d.Kind == LinePhaseOK, d.Reason})
		if k.cancel != nil {
			k.cancel()
			k.cancel = nil
		}
	case LineUnstopped:
		k.result.Unstopped = d.Left
	case LineExit, LineFailed, LineIgnore, LineAbandon:
		k.ends[d.Path], k.down = d.Reason, true
	case LineReply, LineEscalate, LinePhase: // what waited to be started again may not be
		k.down = true
	case LineStart, LineStarted, LineReady, LineRefuse, LineStop, LineKill, LineLate, LineRestart, LineBackoff, LineHold,
		LineAutoShutdown, LineHalt:
	}
}

// reply answers whoever asked.
func (k *keeper) reply(a Action) {
	o, ok := k.asked[a.Tag]
	if !ok {
		return
	}
	delete(k.asked, a.Tag)
	switch in := o.in.(type) {
	case treeStart:
		k.result.Code, k.result.Reason = CodeFailed, StartFailed
	case treeStop:
		k.result.Code, k.result.Reason = CodeOrderly, ShutdownEnd
		if len(k.result.Unstopped) > 0 {
			k.result.Code = CodePartial
		}
	case supCall:
		k.tree.mu.Lock()
		k.tree.calls--
		k.tree.mu.Unlock()
		k.mind(join(in.sup, in.call.Name), in.call.Verb, a.Answer, o.gone)
	}
	if o.done != nil {
		k.later = append(k.later, func() { o.done(a.Answer) })
	}
}

// refuseAll answers who still waits when the keeper has ended, in order of asking: every call is answered once.
func (k *keeper) refuseAll() {
	for _, tag := range slices.Sorted(maps.Keys(k.asked)) {
		k.tree.refuse(k.asked[tag])
	}
	clear(k.asked)
}

// goneAll tells who minds a child that there is none any more.
func (k *keeper) goneAll(reason Reason) {
	for _, path := range slices.Sorted(maps.Keys(k.gone)) {
		gone := k.gone[path]
		k.guard(func() { gone(reason) })
	}
	clear(k.gone)
}

// mind notes who is to hear of a child's end. One that was there already is minded by whoever asked for it first; where that
// one's own call failed, since the child was stopped before it was ready, there is nobody yet.
func (k *keeper) mind(path string, verb Verb, a Answer, gone func(Reason)) {
	if verb != StartChild || gone == nil {
		return
	}
	if a.OK || (a.Word == "already_started" && k.gone[path] == nil) {
		k.gone[path] = gone
	}
}

// settle publishes what was decided, and only then tells anybody.
func (k *keeper) settle() {
	k.over = k.t.root.epoch > 0 && !k.t.root.alive
	k.whenUp()
	k.expect()
	k.tellMinutes()
	k.tree.snap.Store(k.t.snapshot())
	later := k.later
	k.later = nil
	for _, f := range later {
		k.guard(f)
	}
}

// tellMinutes tells what became of the journal of decisions.
func (k *keeper) tellMinutes() {
	dropped, broke := k.minutes.news()
	if dropped > 0 && k.tree.o.Events.JournalDropped != nil {
		k.later = append(k.later, func() { k.tree.o.Events.JournalDropped(dropped) })
	}
	if broke != nil {
		k.later = append(k.later, k.tree.journalDead(broke))
	}
}

// guard calls a hook or an answer of somebody else: a panic there is theirs.
func (k *keeper) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			k.tree.sys.Log().Error("a hook of the tree panicked", "panic", fmt.Sprint(p))
		}
	}()
	f()
}

// expect tells the system which of the names that ended will be back, and the minders of those that will not.
func (k *keeper) expect() {
	for _, path := range k.ended {
		k.tree.sys.Expect(actors.Name(path), k.t.underWay(path))
	}
	k.ended = k.ended[:0]
	down := k.down
	k.down = false
	if !down || len(k.gone) == 0 {
		clear(k.ends)
		return
	}
	for _, path := range slices.Sorted(maps.Keys(k.gone)) {
		if k.t.underWay(path) {
			continue
		}
		gone, reason := k.gone[path], k.ends[path]
		if reason == "" { // with its supervisor
			reason = ShutdownEnd
		}
		delete(k.gone, path)
		k.later = append(k.later, func() { gone(reason) })
	}
	clear(k.ends)
}

// whenUp tells the actors that wait for their supervisor. One whose mailbox is not open yet is told soon.
func (k *keeper) whenUp() {
	byPath := func(a, b Incarnation) int { return cmp.Compare(a.Path, b.Path) }
	for _, id := range slices.SortedFunc(maps.Keys(k.waiting), byPath) {
		if s := k.t.parent(id.Path); s == nil || s.life != up {
			continue
		}
		err := k.waiting[id]()
		if errors.Is(err, actors.ErrSuspended) || errors.Is(err, actors.ErrFull) {
			k.c.After("up", time.Millisecond, knock{})
			continue
		}
		delete(k.waiting, id)
	}
}

// inOrder lists the lives in order of their start.
func (k *keeper) inOrder() []*incarnation {
	return slices.SortedFunc(maps.Values(k.lives), func(a, b *incarnation) int { return cmp.Compare(a.serial, b.serial) })
}
