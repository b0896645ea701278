package journal

import (
	"fmt"
	"path"
)

// Commit makes one batch durable now: what is queued, up to the bounds of the
// options and the room in the segment, with one write and one fdatasync. It
// moves the watermark, calls OnDurable and returns the new watermark; with
// nothing queued it returns at once. An error is the log's last: ErrDead or
// ErrCorrupt. A caller of its own loop commits once for each OnQueued.
func (l *Log) Commit() (LSN, error) {
	mark, tell, err := l.commitOne()
	if tell {
		l.notice()
	}
	return mark, err
}

func (l *Log) commitOne() (_ LSN, tell bool, _ error) {
	l.commit.Lock()
	defer l.commit.Unlock()
	err := l.take()
	if err == nil {
		err = l.batch()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committing = false
	return l.Watermark(), err == nil && l.noticed(), err
}

// batch writes the next batch, if there is one.
func (l *Log) batch() error {
	n, size := l.head()
	if n == 0 {
		return nil
	}
	if e := l.o.Events.BatchBegin; e != nil {
		e()
	}
	err := l.write(l.taken.bytes[l.done.bytes : l.done.bytes+size])
	if e := l.o.Events.BatchEnd; e != nil {
		e(n, size, err)
	}
	if err != nil {
		return l.die(err)
	}
	mark := l.settle(n, size)
	if l.o.OnDurable != nil {
		l.o.OnDurable(mark)
	}
	if !l.o.NoSync {
		l.watchSpace()
	}
	return nil
}

// take begins a commit: when all that was taken is durable, the queue is taken
// whole and the producers go on in the other buffer.
func (l *Log) take() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committing, l.told = true, false
	if l.State() != OK {
		return l.why
	}
	if l.done.records == len(l.taken.sizes) {
		l.taken.reset()
		l.taken, l.pending, l.done = l.pending, l.taken, batchMark{}
	}
	return nil
}

// head returns how many records, and bytes, of the taken batch go next.
func (l *Log) head() (records, bytes int) {
	for _, size := range l.taken.sizes[l.done.records:] {
		if records == l.o.BatchRecords || bytes+int(size) > l.o.BatchBytes {
			break
		}
		if records > 0 && l.t.f != nil && !l.fits(bytes+int(size)) {
			break
		}
		records, bytes = records+1, bytes+int(size)
	}
	return records, bytes
}

func (l *Log) fits(bytes int) bool { return l.t.off+int64(bytes) <= l.t.size }

// write appends b to the log and syncs it, in a new segment if the present one
// has no room. After an error nobody knows what is on the disk.
func (l *Log) write(b []byte) error {
	if l.t.f == nil || !l.fits(len(b)) {
		if err := l.roll(); err != nil {
			return err
		}
	}
	if n, err := l.t.f.WriteAt(b, l.t.off); err != nil {
		return fmt.Errorf("write %s at %d: %d of %d bytes: %w", segmentName(l.t.next), l.t.off, n, len(b), err)
	}
	l.t.off += int64(len(b))
	if l.o.NoSync {
		return nil
	}
	if err := l.t.f.Sync(); err != nil {
		return fmt.Errorf("sync up to %d: %w", l.t.off, err)
	}
	return nil
}

// roll begins a segment with the first record that is not yet durable. All
// before it was synced, or need not be.
func (l *Log) roll() error {
	first := l.Watermark() + 1
	h := header{First: first, Epoch: l.epoch, Node: l.o.Node, Group: l.o.Group, Start: l.Checkpoint().Covers + 1}
	if l.o.Wall != nil {
		h.Wall = l.o.Wall()
	}
	f, err := createSegment(l.fs, l.dir, h, l.o.Segment)
	if err != nil {
		return fmt.Errorf("begin segment %d: %w", first, err)
	}
	if l.o.Files == 0 {
		l.mu.Lock()
		l.segments, l.start = append(l.segments, first), h.Start
		l.mu.Unlock()
	}
	old := l.t.f
	l.t.f, l.t.off = f, headerSize
	if l.t.size, err = f.Size(); err != nil {
		return err
	}
	if old == nil {
		return nil
	}
	if l.o.Events.Rolled != nil {
		l.o.Events.Rolled(first)
	}
	if err := old.Close(); err != nil {
		return err
	}
	if err := l.trim(); err != nil {
		return err
	}
	l.keepSpare()
	return nil
}

// trim removes the oldest segments of a log that keeps only so many.
func (l *Log) trim() error {
	if l.o.Files == 0 {
		return nil
	}
	firsts, err := listSegments(l.fs, l.dir)
	if err != nil {
		return err
	}
	for len(firsts) > l.o.Files+1 {
		if err := l.fs.Remove(path.Join(l.dir, segmentName(firsts[0]))); err != nil {
			return err
		}
		firsts = firsts[1:]
	}
	return nil
}

// settle counts n records of the taken batch as durable and moves the watermark.
func (l *Log) settle(n, size int) LSN {
	l.done.records += n
	l.done.bytes += size
	l.mu.Lock()
	l.queued -= n
	l.mu.Unlock()
	mark := LSN(l.watermark.Add(uint64(n)))
	l.t.next = mark + 1
	return mark
}

// die ends the log for good: the page that failed may be gone and the next sync
// may say that all is well.
func (l *Log) die(err error) error {
	err = fmt.Errorf("%w: %w", ErrDead, err)
	l.stop(Dead, err)
	if l.o.Events.Dead != nil {
		l.o.Events.Dead(err)
	}
	return err
}

// stop leaves State OK for good. What was queued is dropped: it was never promised.
func (l *Log) stop(s State, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Store(uint32(s))
	l.why, l.queued = why, 0
	l.pending = batch{}
}

// watchSpace looks whether free space is below the floor.
func (l *Log) watchSpace() {
	free, err := l.fs.Free(l.dir)
	if err != nil {
		free = -1
	}
	l.free.Store(free)
	floor := l.o.Floor
	if l.low.Load() {
		floor += l.o.Segment // what the log takes next would bring it below again: a gate that flaps is worse than one that is shut
	}
	// Space that cannot be asked for counts as none, and so does a reserve that could not be made: doubt shuts.
	low := free < floor || !l.spare
	if l.low.Swap(low) != low && l.o.Events.Low != nil {
		l.o.Events.Low(low, free)
	}
}

// keepSpare makes the reserve if it is gone. No record depends on it, so that
// it cannot be made does not end the log: Low says so, and the end of the
// segment and Look try again.
func (l *Log) keepSpare() {
	f, err := l.fs.OpenRead(path.Join(l.dir, reserveName))
	if err == nil {
		err = f.Close()
	} else {
		err = createSpare(l.fs, l.dir, l.o.Segment)
	}
	l.spare = err == nil
}
