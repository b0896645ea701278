package supervision

import (
	"time"

	"github.com/failshut/failshut/actors"
)

// Events are hooks, for metrics, logs and the roster of who is told. A nil hook is skipped. They are called by the tree in the
// order of its decisions, after the snapshot that shows them, must not block, and must not wait for the tree; a panic in one
// is caught and logged.
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

// watch turns decisions into hooks.
type watch struct {
	e     Events
	began map[Incarnation]time.Time // start
	told  map[Incarnation]time.Time // stop
	phase time.Time
}

func newWatch(e Events) *watch {
	return &watch{e: e, began: map[Incarnation]time.Time{}, told: map[Incarnation]time.Time{}}
}

// decision calls the hooks for one line. held is how many wait for the budget.
func (w *watch) decision(at time.Time, d Decision, held int) {
	if w.e.Decision != nil {
		w.e.Decision(at, d)
	}
	id := Incarnation{d.Path, d.Epoch}
	switch d.Kind {
	case LineStart:
		w.began[id] = at
	case LineStop, LineKill:
		w.told[id] = at
	case LineExit, LineFailed, LineIgnore:
		w.over(at, id)
	case LineAbandon:
		w.over(at, id)
		if w.e.Zombie != nil {
			w.e.Zombie(d.Path, d.Epoch, d.Reason)
		}
	case LineLate:
		if w.e.Late != nil {
			w.e.Late(d.Path, d.Epoch)
		}
	case LineHold:
		if w.e.Held != nil {
			w.e.Held(d.Path, held)
		}
	case LineEscalate:
		if w.e.Escalated != nil {
			w.e.Escalated(d.Sup, d.Path)
		}
	case LinePhase:
		w.phase = at
	case LinePhaseOK, LinePhaseFailed:
		if w.e.Phase != nil {
			w.e.Phase(d.Path, d.Kind == LinePhaseOK, d.Reason, at.Sub(w.phase))
		}
	case LineUnstopped:
		if w.e.Unstopped != nil {
			w.e.Unstopped(d.Left)
		}
	case LineStarted, LineReady, LineRefuse, LineRestart, LineBackoff, LineAutoShutdown, LineHalt, LineReply:
	}
}

func (w *watch) ready(at time.Time, id Incarnation) {
	if w.e.Ready != nil {
		w.e.Ready(id.Path, id.Epoch, at.Sub(w.began[id]))
	}
}

func (w *watch) over(at time.Time, id Incarnation) {
	if told, ok := w.told[id]; ok && w.e.Stopped != nil {
		w.e.Stopped(id.Path, id.Epoch, at.Sub(told))
	}
	delete(w.began, id)
	delete(w.told, id)
}

func (w *watch) ended(x actors.Exit, up time.Duration) {
	if w.e.Ended != nil {
		w.e.Ended(End{
			Path: string(x.Name), Epoch: uint64(x.Epoch), Part: x.Part, Reason: x.Reason, Err: x.Err, Stack: x.Stack,
			MessageType: x.MessageType, Fingerprint: x.Fingerprint, Recent: x.Recent, Uptime: up, Late: x.Late,
		})
	}
}
