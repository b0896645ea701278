package strategy

import (
	"fmt"
	"time"

	"github.com/failshut/failshut/actors"
)

// MaxSnapshot bounds what a strategy may have kept: 1 MiB. A longer one is not kept, and the one before stays.
const MaxSnapshot = 1 << 20

// SnapshotEvery is how often a strategy that is ready is asked for its snapshot. It is asked once more when it is stopped in order.
const SnapshotEvery = time.Minute

// recallWait is how long a start waits for a snapshot that the disk does not give.
const recallWait = int64(5 * time.Second)

// SnapshotHandler is a strategy that keeps what markets have taught it, such as averages, over its end: never positions or orders,
// which come from the journal. It needs RestoreHandler too.
//
// Snapshot is called between handlers, every minute and after OnStop. It must not hold the strategy up, for it runs in its turn;
// the slice is copied. An error ends the incarnation.
type SnapshotHandler interface{ Snapshot() ([]byte, error) }

// RestoreHandler is given, before OnStart and once in an incarnation at most, what Snapshot has returned last: by the same name,
// parameters and build. An error, a panic and a hang end the incarnation. What was refused by an error, and what an incarnation
// began from that did not end in order, twice within 10 minutes, is set aside, and the next one starts without. The slice is the strategy's.
type RestoreHandler interface{ Restore(snapshot []byte) error }

// Memory is where the snapshots of one incarnation are. No method waits for anything.
type Memory interface {
	// Recall gives the snapshot to start from, nil where there is none; not known while a disk is still to be read.
	Recall() (snapshot []byte, known bool)
	// Refuse sets aside what Recall gave.
	Refuse(why string)
	// Keep makes a snapshot the one to start from. It takes the slice over.
	Keep(snapshot []byte)
	// Close says that the incarnation ends in order: what it began from is not to blame for anything.
	Close()
}

type snapshotKey struct{}

// remembers reports whether the strategy has a memory, and somebody who keeps it.
func (s *shell) remembers() bool {
	_, has := s.user.(RestoreHandler)
	return has && s.cfg.Memory != nil
}

// recall gives what was kept for this start, and false while it is to be waited for.
func (s *shell) recall() (snapshot []byte, known bool) {
	if !s.remembers() {
		return nil, true
	}
	snapshot, known = s.cfg.Memory.Recall()
	if !known && s.clock()-s.born >= recallWait {
		s.log.Warn("started without a snapshot: the disk does not answer", "event", "snapshot")
		return nil, true
	}
	return snapshot, known
}

// restore gives the strategy what was kept, and reports whether there was anything.
func (s *shell) restore(snapshot []byte) (bool, error) {
	if snapshot == nil {
		return false, nil
	}
	s.mark()
	defer s.unmark()
	if err := s.user.(RestoreHandler).Restore(snapshot); err != nil {
		s.cfg.Memory.Refuse("refused")
		return false, fmt.Errorf("restoring a snapshot of %d bytes: %w", len(snapshot), err)
	}
	return true, nil
}

// remindSnapshot asks for the next snapshot in time.
func (s *shell) remindSnapshot() {
	if _, has := s.user.(SnapshotHandler); has && s.remembers() {
		s.self.After(snapshotKey{}, SnapshotEvery, Message{kind: gotSnapshot})
	}
}

// onSnapshot has the strategy's memory kept.
func (s *shell) onSnapshot() error {
	s.remindSnapshot()
	return s.keep()
}

func (s *shell) keep() error {
	h, has := s.user.(SnapshotHandler)
	if !has || !s.remembers() || !s.isReady {
		return nil
	}
	began := s.clock()
	s.mark()
	defer s.unmark()
	snapshot, err := h.Snapshot()
	switch {
	case err != nil:
		return fmt.Errorf("taking a snapshot: %w", err)
	case len(snapshot) > MaxSnapshot:
		s.log.Error("a snapshot is too long, the one before stays", "event", "snapshot", "bytes", len(snapshot), "want", MaxSnapshot)
		if f := s.cfg.Events.SnapshotSetAside; f != nil {
			f(s.cfg.Name, "too long")
		}
		return nil
	}
	s.cfg.Memory.Keep(append([]byte{}, snapshot...))
	if f := s.cfg.Events.Snapshot; f != nil {
		f(s.cfg.Name, len(snapshot), time.Duration(s.clock()-began))
	}
	return nil
}

// lastSnapshot is taken of one that ends in order: another may be half changed.
func (s *shell) lastSnapshot(r actors.Reason) error {
	if !s.remembers() || r.Abnormal() || !s.started {
		return nil
	}
	defer s.cfg.Memory.Close()
	return s.keep()
}
