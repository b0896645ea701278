package supervision

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/internal/journal"
)

// minutes is the keeper's side of the journal of decisions: it puts each into a queue for whoever writes, and never waits. A
// nil minutes keeps nothing.
type minutes struct {
	put   func(entryOfMinutes) bool // false: no room
	every uint64                    // decisions between two whole states
	off   atomic.Bool               // nobody writes any more

	c       codec
	seq     uint64 // of the last decision
	due     bool   // a whole state has to go in before the next decision
	dropped int    // since it was last asked for
	broke   error  // a mistake of ours, which is no end of the tree
}

// entryOfMinutes is a record on its way to the disk, of any length.
type entryOfMinutes struct {
	kind journal.Kind
	body []byte
}

func newMinutes(put func(entryOfMinutes) bool) *minutes {
	return &minutes{put: put, every: stateEvery, due: true}
}

// before puts the whole state in when it is due: at the start and then every so many decisions. One that finds no room is due
// again.
func (m *minutes) before(t *trunk, now time.Time) {
	if m == nil || m.off.Load() {
		return
	}
	defer m.guard()
	if m.seq == 0 {
		m.c.base = now
	}
	if m.due = m.due || m.seq%m.every == 0; !m.due {
		return
	}
	m.c.fresh()
	m.c.moment(&moment{m.seq, m.c.base.UnixNano(), t})
	m.due = !m.offer(kindState)
}

// after puts in what was decided.
func (m *minutes) after(in Input, at At, actions []Action) {
	if m == nil || m.off.Load() {
		return
	}
	defer m.guard()
	m.seq++
	sum := m.c.sum(actions)
	m.c.fresh()
	m.c.note(&note{m.seq, in, at, uint64(len(actions)), sum})
	if !m.offer(kindDecision) {
		m.dropped++
	}
}

func (m *minutes) offer(kind journal.Kind) bool {
	return m.put(entryOfMinutes{kind, slices.Clone(m.c.buf)})
}

// guard takes a panic: the tree does not end over its journal.
func (m *minutes) guard() {
	if p := recover(); p != nil {
		m.off.Store(true)
		m.broke = fmt.Errorf("%w: panic: %v", journal.ErrDead, p)
	}
}

// news is what there is to tell since it was last asked for.
func (m *minutes) news() (dropped int, broke error) {
	if m == nil {
		return 0, nil
	}
	dropped, broke = m.dropped, m.broke
	m.dropped, m.broke = 0, nil
	return dropped, broke
}
