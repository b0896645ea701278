package supervision

import (
	"time"

	"github.com/failshut/failshut/actors"
)

// Events are hooks, for metrics, logs and the roster of who is told. A nil hook is skipped. They are called by the tree in the
// order of its decisions, after the snapshot that shows them, must not block, and must not wait for the tree; a panic in one
// is caught and logged, and silences no other.
type Events struct {
	Decision  func(at time.Time, d Decision)                          // every line of the trace
	Ended     func(End)                                               // a part of a child has ended
	Ready     func(path string, epoch uint64, took time.Duration)     // since its start
	Stopped   func(path string, epoch uint64, took time.Duration)     // since it was told to
	Held      func(path string, waiting int)                          // by the budget, waiting in all
	Escalated func(sup, child string)                                 // sup gave up over child ("" when it broke itself)
	GaveUp    func(path string, times int)                            // a roster leaves a child down
	Zombie    func(path string, epoch uint64, cause Reason)           // left
	Late      func(path string, epoch uint64)                         // ended after all
	Phase     func(name string, ok bool, why Reason, d time.Duration) // a phase is over
	Unstopped func([]Incarnation)                                     // at the end of the tree

	JournalDropped func(n int)     // decisions that the journal had no room for; a replay misses them
	JournalDead    func(err error) // once: no decision is written any more; the tree goes on
}

// End is how a part of a child ended.
type End struct {
	Path        string
	Epoch       uint64
	Part        string // "" is its actor, "start" its Start function, else a Run function
	Reason      actors.Reason
	Err         error
	Stack       []byte          // of a panic or Goexit; 64 KiB at most
	MessageType string          // what was handled then
	Fingerprint uint64          // of that message; 0 is none
	Recent      []actors.Record // the last messages of an actor that failed or hung, oldest first
	Uptime      time.Duration
	Late        bool // it had been left before
}

// watch turns decisions into hooks, which are called later: what it notes is noted at once.
type watch struct {
	e     Events
	began map[Incarnation]time.Time // start
	told  map[Incarnation]time.Time // stop
	phase time.Time
}

func newWatch(e Events) *watch {
	return &watch{e: e, began: map[Incarnation]time.Time{}, told: map[Incarnation]time.Time{}}
}

// tell is one call of a hook on the list of what is to be called. Each is a call of its own: one that panics silences no other.
func tell(later []func(), hook bool, call func()) []func() {
	if !hook {
		return later
	}
	return append(later, call)
}

// decision adds the hooks for one line to those that are to be called. held is how many wait for the budget.
func (w *watch) decision(later []func(), at time.Time, d Decision, held int) []func() {
	e := &w.e
	if e.Decision != nil {
		later = append(later, func() { e.Decision(at, d) })
	}
	id := Incarnation{d.Path, d.Epoch}
	switch d.Kind {
	case LineStart:
		w.began[id] = at
	case LineStop, LineKill:
		w.told[id] = at
	case LineExit, LineFailed, LineIgnore:
		later = w.over(later, at, id)
	case LineAbandon:
		later = w.over(later, at, id)
		later = tell(later, e.Zombie != nil, func() { e.Zombie(d.Path, d.Epoch, d.Reason) })
	case LineLate:
		later = tell(later, e.Late != nil, func() { e.Late(d.Path, d.Epoch) })
	case LineHold:
		later = tell(later, e.Held != nil, func() { e.Held(d.Path, held) })
	case LineEscalate:
		later = tell(later, e.Escalated != nil, func() { e.Escalated(d.Sup, d.Path) })
	case LinePhase:
		w.phase = at
	case LinePhaseOK, LinePhaseFailed:
		took := at.Sub(w.phase)
		later = tell(later, e.Phase != nil, func() { e.Phase(d.Path, d.Kind == LinePhaseOK, d.Reason, took) })
	case LineUnstopped:
		later = tell(later, e.Unstopped != nil, func() { e.Unstopped(d.Left) })
	case LineStarted, LineReady, LineRefuse, LineRestart, LineBackoff, LineAutoShutdown, LineHalt, LineReply:
	}
	return later
}

func (w *watch) ready(later []func(), at time.Time, id Incarnation) []func() {
	took := at.Sub(w.began[id])
	if w.e.Ready == nil {
		return later
	}
	return append(later, func() { w.e.Ready(id.Path, id.Epoch, took) })
}

func (w *watch) over(later []func(), at time.Time, id Incarnation) []func() {
	told, ok := w.told[id]
	delete(w.began, id)
	delete(w.told, id)
	if !ok || w.e.Stopped == nil {
		return later
	}
	return append(later, func() { w.e.Stopped(id.Path, id.Epoch, at.Sub(told)) })
}

func (w *watch) ended(later []func(), x actors.Exit, up time.Duration) []func() {
	if w.e.Ended == nil {
		return later
	}
	return append(later, func() {
		w.e.Ended(End{
			Path: string(x.Name), Epoch: uint64(x.Epoch), Part: x.Part, Reason: x.Reason, Err: x.Err, Stack: x.Stack,
			MessageType: x.MessageType, Fingerprint: x.Fingerprint, Recent: x.Recent, Uptime: up, Late: x.Late,
		})
	})
}
