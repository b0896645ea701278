package journal

import (
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"time"
)

// hold is what one reading of the log still needs: the records from one on.
type hold struct{ from LSN }

// Retire removes the segments that no restart and no reader needs, and that are older than keep. A restart begins where the
// header of the last segment says, so what a checkpoint covers may go once a segment was begun after it. A segment is as old as
// the beginning of a later one, at least keep before now (ns since 1970 UTC, by the clock of Options.Wall). The directory is synced. It returns how many were removed. A segment
// that cannot be removed ends the removing and is tried at the next call; a directory that cannot be synced ends the log. A
// clock that jumps takes the past too early or too late, never what is needed. It waits for no commit but with that sync.
func (l *Log) Retire(now int64, keep time.Duration) (int, error) {
	l.retiring.Lock()
	defer l.retiring.Unlock()
	old, err := l.old(now, keep)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	removed := 0
	for _, first := range old {
		if err = l.fs.Remove(path.Join(l.dir, segmentName(first))); err != nil {
			err = fmt.Errorf("retire segment %d: %w", first, err)
			break
		}
		removed++
		l.mu.Lock()
		l.segments = l.segments[1:]
		l.mu.Unlock()
	}
	if removed > 0 {
		err = errors.Join(err, l.syncRemoved())
	}
	return removed, err
}

func (l *Log) syncRemoved() error {
	l.commit.Lock()
	defer l.commit.Unlock()
	if l.State() != OK {
		return nil // it died meanwhile, and is left alone
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return l.die(fmt.Errorf("sync removals: %w", err))
	}
	return nil
}

// old lists the segments to be removed, oldest first.
func (l *Log) old(now int64, keep time.Duration) ([]LSN, error) {
	if l.State() != OK || l.o.Files > 0 {
		return nil, nil
	}
	l.mu.Lock()
	needed := l.start
	for h := range l.holds {
		needed = min(needed, h.from)
	}
	segments := slices.Clone(l.segments)
	l.mu.Unlock()
	n := 0
	for i := 1; i < len(segments) && segments[i] <= needed; i++ {
		begun, err := begunAt(l.fs, l.dir, segments[i])
		if err != nil {
			return nil, err
		}
		if begun != 0 && begun <= now-int64(keep) {
			n = i
		}
	}
	return segments[:n], nil
}

// begunAt returns when a segment was made; 0: its header does not say, or is damaged.
func begunAt(fs FS, dir string, first LSN) (int64, error) {
	f, _, h, err := openSegment(fs, dir, first, fs.OpenRead)
	if errors.Is(err, errHeader) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("age of segment %d: %w", first, err)
	}
	return h.Wall, f.Close()
}

// Replay gives what a restart needs: the parts of the last checkpoint and its closing record, out of their order, then every
// record behind what it covers, as Read. Without a checkpoint it is all there is. While it is read Retire removes nothing of it.
// Of a corrupt log it gives the last checkpoint that can still be read whole, and what else can be read, past each
// *CorruptError. Records that are appended meanwhile may show, and look damaged while they are half written: whoever reads
// beside a writer stops at a record that is known to be durable.
func (l *Log) Replay() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		c, release := l.replayed()
		defer release()
		more := true
		if c.Close > 0 {
			Read(l.fs, l.dir, c.First)(func(r Record, err error) bool {
				if err == nil && r.Kind != KindCheckpoint {
					return true
				}
				more = yield(r, err)
				return more && r.LSN != c.Close
			})
		}
		if more {
			Read(l.fs, l.dir, c.from())(yield)
		}
	}
}

// from is the record at which reading begins: the oldest, when there is no checkpoint.
func (c Checkpoint) from() LSN {
	if c.Close == 0 {
		return 0
	}
	return c.Covers + 1
}

// replayed returns the checkpoint at which a reading begins, and holds what it needs.
func (l *Log) replayed() (c Checkpoint, release func()) {
	l.mu.Lock()
	c = l.checkpoint()
	h := &hold{from: c.Covers + 1}
	l.holds[h] = struct{}{}
	l.mu.Unlock()
	release = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.holds, h)
	}
	if l.State() == Corrupt { // what it holds was not read to the end
		var g gathering
		for r, err := range Read(l.fs, l.dir, 0) {
			if err != nil {
				g.open = false
				continue
			}
			if whole, ok := g.see(r); ok {
				c = whole
			}
		}
	}
	return c, release
}
