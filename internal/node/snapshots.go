package node

import (
	"slices"
	"sync"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/strategy"
)

// blameFor is how long an incarnation that began from a snapshot and did not end in order counts against it, and blameMax how many of
// them set it aside.
const (
	blameFor = int64(10 * time.Minute)
	blameMax = 2
)

// snapshots are what one strategy has kept, over all its incarnations. What they begin from is in memory, so no start waits for the
// disk but the first of a process; a child of its own reads and writes the disk, where there is one.
type snapshots struct {
	n    *Node
	name string
	wake *actors.Pipe[struct{}] // of the keeper; nil where nothing is written

	mu      sync.Mutex
	known   bool   // the disk was read, or there is none
	body    []byte // in force; nil is none
	epoch   uint64 // of the incarnation that may speak
	used    bool   // it began from body, or from one before it, and has not ended in order
	blame   []int64
	pending []chore
}

// chore is something to be done on the disk: to write what is in force, or to set it aside.
type chore struct {
	aside bool
	body  []byte
}

// maxChores bounds what waits for a disk that hangs: writes of one another's place take none, and settings aside beyond it leave no file.
const maxChores = 8

// life is the memory of one incarnation: what another one, left behind, still says does not count.
type life struct {
	*snapshots
	epoch uint64
}

// begin makes the memory of an incarnation.
func (s *snapshots) begin(epoch uint64) strategy.Memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch = epoch
	if s.used {
		s.blame = append(s.blame, s.n.Now().Mono)
	}
	s.used = false
	return life{s, epoch}
}

// Recall gives what is in force, unless it is to blame.
func (l life) Recall() (snapshot []byte, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.known || l.epoch != l.snapshots.epoch {
		return nil, l.epoch != l.snapshots.epoch
	}
	now := l.n.Now().Mono
	l.blame = slices.DeleteFunc(l.blame, func(at int64) bool { return now-at > blameFor })
	if len(l.blame) >= blameMax {
		l.setAside("crashed twice")
	}
	l.used = l.body != nil
	return slices.Clone(l.body), true
}

// Refuse sets aside what was recalled.
func (l life) Refuse(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch == l.snapshots.epoch {
		l.used = false
		l.setAside(why)
	}
}

// Keep makes a snapshot the one in force, and has it written.
func (l life) Keep(snapshot []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch != l.snapshots.epoch {
		return
	}
	l.known, l.body = true, snapshot
	l.ask(chore{body: snapshot})
}

// Close takes the blame from what was recalled.
func (l life) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch == l.snapshots.epoch {
		l.used = false
	}
}

// setAside puts what is in force away, under the lock.
func (s *snapshots) setAside(why string) {
	if s.body == nil {
		return
	}
	s.ask(chore{aside: true, body: s.body})
	s.body, s.blame = nil, nil
	s.tellAside(why)
}

func (s *snapshots) tellAside(why string) {
	s.n.log.Error("a snapshot is set aside", "event", "snapshot", "strategy", s.name, "code", why)
	if f := s.n.hooks.Strategy.SnapshotSetAside; f != nil {
		f(s.name, why)
	}
}

// ask queues a chore, under the lock. A later write takes the place of an earlier one that nothing has come behind.
func (s *snapshots) ask(c chore) {
	if s.wake == nil {
		return
	}
	last := len(s.pending) - 1
	switch {
	case last >= 0 && !c.aside && !s.pending[last].aside:
		s.pending[last] = c
	case len(s.pending) < maxChores:
		s.pending = append(s.pending, c)
	default:
		s.n.log.Error("a snapshot finds no room before a disk that hangs", "event", "snapshot", "strategy", s.name)
		return
	}
	_ = s.wake.Offer(struct{}{}) // full: it is awake already
}

// next takes the first chore.
func (s *snapshots) next() (chore, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return chore{}, false
	}
	c := s.pending[0]
	s.pending = slices.Delete(s.pending, 0, 1)
	return c, true
}

// found is what the disk had: nil for nothing. What was kept meanwhile is newer.
func (s *snapshots) found(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		s.known, s.body = true, body
	}
}
