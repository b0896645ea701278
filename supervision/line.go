package supervision

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reason is why an incarnation ended or a start failed: one word, or "shutdown:WORD".
type Reason string

// The reasons that the package itself gives.
const (
	Normal      Reason = "normal"
	ShutdownEnd Reason = "shutdown"
	Crashed     Reason = "crash"
	Killed      Reason = "killed"
	Intensity   Reason = "intensity"
	StartFailed Reason = "start_failed"
	TimedOut    Reason = "timeout"
	NotReady    Reason = "not_ready"
	HungEnd     Reason = "hung"
	Panicked    Reason = "panic"
)

// Orderly reports whether r is an end that a transient child is not restarted for: normal, shutdown, shutdown:WORD.
func (r Reason) Orderly() bool {
	return r == Normal || r == ShutdownEnd || strings.HasPrefix(string(r), "shutdown:")
}

// Kind is the kind of a trace line.
type Kind uint8

// The lines of a trace.
const (
	LineStart Kind = iota + 1
	LineStarted
	LineReady
	LineRefuse
	LineIgnore
	LineFailed
	LineExit
	LineStop
	LineKill
	LineAbandon
	LineLate
	LineRestart
	LineBackoff
	LineHold
	LineAutoShutdown
	LineEscalate
	LinePhase
	LinePhaseOK
	LinePhaseFailed
	LineUnstopped
	LineHalt
	LineReply
)

var kindNames = [...]string{
	"", "start", "started", "ready", "refuse", "ignore", "failed", "exit", "stop", "kill", "abandon", "late",
	"restart", "backoff", "hold", "auto_shutdown", "escalate", "phase", "phase_ok", "phase_failed", "unstopped", "halt", "reply",
}

// String returns the first word of the line.
func (k Kind) String() string { return nameOf(kindNames[:], int(k)) }

// Incarnation is one life of a name.
type Incarnation struct {
	Path  string
	Epoch uint64
}

// Decision is one line of the trace as a value.
type Decision struct {
	Kind   Kind
	Sup    string        // the supervisor that decides: restart, auto_shutdown, escalate
	Path   string        // the child, the supervisor or the phase it is about
	Epoch  uint64        // its incarnation, where the line shows one
	Reason Reason        // reason, cause or evidence
	N, M   int           // restart N of M; the exit code of halt
	Delay  time.Duration // of backoff
	Verb   Verb          // of reply
	Answer Answer        // of reply
	Left   []Incarnation // of unstopped
}

// Answer is what a call is told.
type Answer struct {
	OK      bool
	Ignored bool   // its start asked to be left out
	Epoch   uint64 // the incarnation that was started, or that was there already
	Word    string // why not
	At      string // start_failed: the path of the deepest that failed, from below the supervisor asked; bad_spec: its name
	Detail  string // start_failed: its reason; bad_spec: the field
}

// String is the line of the trace, with whole paths.
func (d Decision) String() string { return d.text(func(path string) string { return path }) }

// Short is the line with the last part of every path alone, as scripts write it, where names are unique in the whole tree.
func (d Decision) Short() string {
	return d.text(func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] })
}

func (d Decision) text(name func(string) string) string {
	id := func(path string, epoch uint64) string { return name(path) + "#" + strconv.FormatUint(epoch, 10) }
	w := []string{d.Kind.String()}
	switch d.Kind {
	case LineStart, LineStarted, LineReady, LineIgnore, LineStop, LineKill, LineLate:
		w = append(w, id(d.Path, d.Epoch))
	case LineRefuse, LineFailed, LineExit, LineAbandon:
		w = append(w, id(d.Path, d.Epoch), string(d.Reason))
	case LineRestart:
		w = append(w, name(d.Sup), name(d.Path), strconv.Itoa(d.N)+"/"+strconv.Itoa(d.M))
	case LineBackoff:
		w = append(w, name(d.Path), d.Delay.String())
	case LineHold, LinePhase, LinePhaseOK:
		w = append(w, name(d.Path))
	case LinePhaseFailed:
		w = append(w, d.Path, string(d.Reason))
	case LineAutoShutdown:
		w = append(w, name(d.Sup), name(d.Path))
	case LineEscalate:
		w = append(w, name(d.Sup), string(d.Reason))
		if d.Path != "" {
			w = append(w, name(d.Path))
		}
	case LineUnstopped:
		for _, z := range d.Left {
			w = append(w, id(z.Path, z.Epoch))
		}
	case LineHalt:
		w = append(w, strconv.Itoa(d.N))
	case LineReply:
		w = append(w, d.Verb.String(), name(d.Path))
		w = append(w, d.Answer.words(id, d.Path)...)
	}
	return strings.Join(w, " ")
}

func (a Answer) words(id func(string, uint64) string, path string) []string {
	var w []string
	switch {
	case a.OK && a.Ignored:
		return []string{"ok", "ignored"}
	case a.OK && a.Epoch > 0:
		return []string{"ok", id(path, a.Epoch)}
	case a.OK:
		return []string{"ok"}
	case a.Epoch > 0:
		w = []string{"error", a.Word, id(path, a.Epoch)}
	default:
		w = []string{"error", a.Word, a.At, a.Detail}
	}
	return slices.DeleteFunc(w, func(s string) bool { return s == "" })
}
