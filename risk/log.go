package risk

import (
	"context"
	"errors"
	"sync"
)

// Log is the one thing risk asks of a cluster: that a command stands in the replicated log, in one order for everybody.
//
// Propose returns nil when the command is committed (index then says where), ErrNotAppended when it is proven not to be in the log,
// and ErrFateUnknown otherwise. Each is harmless: capacity travels by the log, not by the answer. It may block, so no actor calls
// it in a turn. Term is the term this node believes in; it is read from any goroutine.
type Log interface {
	Propose(ctx context.Context, cmd []byte) (index uint64, err error)
	Term() uint64
}

// The answers of a Log to a command that is not known to be committed.
var (
	ErrNotAppended = errors.New("command is not in the log")
	ErrFateUnknown = errors.New("fate of the command is unknown")
)

// Applier takes committed commands in order. Machine is one.
type Applier interface {
	Apply(index, term uint64, cmd []byte) []byte
}

// MemoryLog is a Log without disk or network, which applies what it is given at once. It has one term for its whole life. Replay
// and tests use it; a node that trades never does, since it forgets. Safe for concurrent use.
type MemoryLog struct {
	mu    sync.Mutex
	to    Applier
	term  uint64
	index uint64
}

// NewMemoryLog returns a log of the given term, at least 1, that applies to the machine given.
func NewMemoryLog(to Applier, term uint64) *MemoryLog {
	return &MemoryLog{to: to, term: max(term, 1)}
}

// Propose applies cmd and returns its index. It fails only when ctx has ended: then cmd is not in the log.
func (l *MemoryLog) Propose(ctx context.Context, cmd []byte) (uint64, error) {
	if ctx.Err() != nil {
		return 0, errors.Join(ErrNotAppended, ctx.Err())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	l.to.Apply(l.index, l.term, cmd)
	return l.index, nil
}

// Term returns the term given to NewMemoryLog.
func (l *MemoryLog) Term() uint64 { return l.term }
