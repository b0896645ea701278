package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"
	"sync/atomic"
)

// ErrKind is the answer of Append to a kind that is the journal's own, or zero.
var ErrKind = errors.New("journal: kind is not the caller's")

// Log is an open journal. Append, Next and the questions are safe for any number
// of goroutines; Commit is for one at a time and a second one waits.
type Log struct {
	fs    FS
	dir   string
	o     Options
	epoch uint32
	lock  io.Closer

	requests  atomic.Uint64
	watermark atomic.Uint64
	state     atomic.Uint32
	low       atomic.Bool
	free      atomic.Int64  // at the last look; -1: unknown
	wake      chan struct{} // one token: something is queued and no commit is under way

	mu         sync.Mutex // guards what follows
	last       LSN        // the last one given out
	pending    batch
	queued     int  // records not yet durable, whether pending or taken
	committing bool // a commit is under way
	told       bool // OnQueued was called and no commit has begun since
	why        error
	start      LSN                // where a restart would begin: what the last segment's header says
	segments   []LSN              // first LSNs, from the one at which a restart would begin or an older one that is kept
	good       Checkpoint         // the last one known to be durable
	closing    Checkpoint         // closed, and not known to be durable
	writer     *CheckpointWriter  // of the one under way
	holds      map[*hold]struct{} // of those who read

	retiring sync.Mutex // of who removes; taken before commit

	commit sync.Mutex // guards what follows; taken before mu
	taken  batch      // what commits work on; its head is durable
	done   batchMark
	t      tail
	spare  bool // the reserve is there
	closed bool
}

// batch is a run of frames: their bytes, and the size of each.
type batch struct {
	bytes []byte
	sizes []int32
}

// batchMark is how much of the taken batch is durable.
type batchMark struct{ bytes, records int }

// keepBytes is how much buffer a log keeps between bursts.
const keepBytes = 4 << 20

func (b *batch) reset() {
	b.bytes, b.sizes = b.bytes[:0], b.sizes[:0]
	if cap(b.bytes) > keepBytes {
		b.bytes = nil
	}
}

// Open takes the lock of the journal in dir, making it if there is none, moves
// its epoch on, reads every record behind the last checkpoint and cuts a torn tail. A damaged journal is
// opened too, in State Corrupt: it has an epoch and request numbers, so that
// cancels have ids, and accepts no record. Open fails with ErrOptions, ErrLocked
// (exit 6), ErrForeign (exit 3), or when the epoch cannot be made durable, which
// includes a directory that cannot be written (exit 1). The caller closes it.
func Open(fs FS, dir string, o Options) (*Log, Recovery, error) {
	if err := o.Validate(); err != nil {
		return nil, Recovery{}, err
	}
	o = o.withDefaults()
	if err := fs.MkdirAll(dir); err != nil {
		return nil, Recovery{}, fmt.Errorf("journal %s: %w", dir, err)
	}
	lock, err := fs.Lock(path.Join(dir, lockName), lockText(os.Getpid(), o.Node))
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("journal %s: %w", dir, err)
	}
	l, rec, err := open(fs, dir, o, lock)
	if err != nil {
		return nil, Recovery{}, errors.Join(fmt.Errorf("journal %s: %w", dir, err), lock.Close())
	}
	return l, rec, nil
}

func open(fs FS, dir string, o Options, lock io.Closer) (*Log, Recovery, error) {
	mark, was, err := moveEpoch(fs, dir, o)
	if err != nil {
		return nil, Recovery{}, err
	}
	l := &Log{fs: fs, dir: dir, o: o, epoch: mark.Epoch, lock: lock, wake: make(chan struct{}, 1), holds: map[*hold]struct{}{}}
	l.free.Store(-1)
	rec := Recovery{Epoch: mark.Epoch, State: OK, EpochCopiesBad: was.bad(), Wiped: mark.Epoch == 1}
	t, err := recoverTail(fs, dir, o, mark.Born, &rec)
	if rec.seen >= mark.Epoch { // The epoch file was put back from an old copy.
		mark.Epoch = rec.seen + 1
		l.epoch, rec.Epoch = mark.Epoch, mark.Epoch
		if err := rewriteEpoch(fs, dir, mark); err != nil {
			return nil, Recovery{}, err
		}
	}
	switch {
	case errors.Is(err, ErrForeign):
		return nil, Recovery{}, err
	case errors.Is(err, ErrCorrupt):
		rec.State, rec.Err, rec.Wiped = Corrupt, err, false
		l.stop(Corrupt, err)
		return l, rec, nil
	case err == nil:
		l.t, l.last, l.good = t, t.next-1, rec.Checkpoint
		l.segments, l.start = rec.segments, rec.start
		l.watermark.Store(uint64(l.last))
		err = l.begin(mark)
	}
	if err != nil {
		rec.State = Dead
		rec.Err = l.die(err)
		return l, rec, nil
	}
	l.state.Store(uint32(OK))
	l.watchSpace()
	return l, rec, nil
}

// begin makes the first record of this epoch durable, before anything can be
// appended: from here on the segments know every epoch that gave out a number.
func (l *Log) begin(mark epochMark) error {
	body := EpochBody{Group: l.o.Group, Node: l.o.Node, Build: l.o.Build}.encode()
	l.append(KindEpoch, 1, body)
	l.taken, l.pending = l.pending, l.taken
	n, size := l.head()
	if err := l.write(l.taken.bytes[:size]); err != nil {
		return err
	}
	l.settle(n, size)
	if !mark.Born {
		mark.Born = true
		if err := rewriteEpoch(l.fs, l.dir, mark); err != nil {
			return err
		}
	}
	l.keepSpare()
	return nil
}

// append frames a record into the queue. The caller holds mu, or is alone.
func (l *Log) append(k Kind, version uint8, body []byte) LSN {
	var wall int64
	if l.o.Wall != nil {
		wall = l.o.Wall()
	}
	l.last++
	at := len(l.pending.bytes)
	l.pending.bytes = appendFrame(l.pending.bytes, Record{LSN: l.last, Epoch: l.epoch, Kind: k, Version: version, Wall: wall, Body: body})
	l.pending.sizes = append(l.pending.sizes, int32(len(l.pending.bytes)-at))
	l.queued++
	return l.last
}

// Append queues a record and returns its LSN, under which it will be durable
// when Watermark reaches it, or never if the log dies before. It copies body and
// never waits for the disk. On ErrFull, ErrDead, ErrCorrupt, ErrTooLarge and
// ErrKind nothing was queued. It allocates nothing once its buffers have grown.
func (l *Log) Append(k Kind, version uint8, body []byte) (LSN, error) {
	if len(body) > MaxBody {
		return 0, fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLarge, len(body), MaxBody)
	}
	if k < KindFirst {
		return 0, fmt.Errorf("%w: %d, want %d or more", ErrKind, k, KindFirst)
	}
	l.mu.Lock()
	lsn, tell, err := l.queue(k, version, body)
	l.mu.Unlock()
	l.answer(tell, err)
	return lsn, err
}

// queue queues a record, if the log takes one, and reports whether the committer must be told. The caller holds mu, and hands
// what it got to answer once it does not.
func (l *Log) queue(k Kind, version uint8, body []byte) (lsn LSN, tell bool, err error) {
	switch {
	case l.State() != OK:
		return 0, false, l.why
	case l.queued >= l.o.Queue:
		return 0, false, ErrFull
	}
	lsn = l.append(k, version, body)
	return lsn, l.noticed(), nil
}

func (l *Log) answer(tell bool, err error) {
	if tell {
		l.notice()
	}
	if errors.Is(err, ErrFull) && l.o.Events.Dropped != nil {
		l.o.Events.Dropped()
	}
}

// noticed reports whether the committer must be told now. The caller holds mu.
func (l *Log) noticed() bool {
	tell := l.queued > 0 && !l.committing && !l.told
	l.told = l.told || tell
	return tell
}

func (l *Log) notice() {
	select {
	case l.wake <- struct{}{}:
	default: // The token is there already.
	}
	if l.o.OnQueued != nil {
		l.o.OnQueued()
	}
}

// Run commits until ctx ends, then commits the rest and returns nil. A log that
// died or is corrupt goes on waiting: dead is a state, not an end.
func (l *Log) Run(ctx context.Context) error {
	for {
		select {
		case <-l.wake:
			_, _ = l.Commit() // A failure is a state, told through Events.Dead and State.
		case <-ctx.Done():
			for l.Queued() > 0 && l.State() == OK {
				_, _ = l.Commit()
			}
			return nil
		}
	}
}

// Next returns the next request number of this epoch: 1, 2, 3 …, never the same
// twice for one epoch, whatever the state of the log. With the epoch and the
// group it is a name that no other request has, ever.
func (l *Log) Next() uint64 { return l.requests.Add(1) }

// NextBlock takes the next n request numbers, n of 1 or more, of which first is the first.
func (l *Log) NextBlock(n uint64) (first uint64) { return l.requests.Add(n) - n + 1 }

// Epoch returns the epoch of this open.
func (l *Log) Epoch() uint32 { return l.epoch }

// Group returns the journal's group.
func (l *Log) Group() string { return l.o.Group }

// Watermark returns the LSN up to which every record is durable (with
// Options.NoSync: written).
func (l *Log) Watermark() LSN { return LSN(l.watermark.Load()) }

// State returns what the log can still do.
func (l *Log) State() State { return State(l.state.Load()) }

// Low reports whether free space was below Options.Floor at the last look: that
// of Open, of each batch (without NoSync), or of Look. Space that could not be asked
// for, and a reserve that could not be made, count as low. What was low stays so
// until there is a segment's room above the floor. The log goes on; whoever opens
// risk must not.
func (l *Log) Low() bool { return l.low.Load() }

// Free returns the free space in bytes at the last look, false if it could not be asked for.
func (l *Log) Free() (bytes int64, known bool) {
	free := l.free.Load()
	return free, free >= 0
}

// Look looks at the free space now, makes the reserve if it is gone, and
// returns what Low then is. Others fill a disk too, and a log that is low gets
// no records by which it would look: the caller looks from time to time. It
// waits for a commit that is under way.
func (l *Log) Look() bool {
	l.commit.Lock()
	defer l.commit.Unlock()
	if l.State() == OK {
		if !l.spare {
			l.keepSpare()
		}
		l.watchSpace()
	}
	return l.Low()
}

// Queued returns how many records wait to become durable.
func (l *Log) Queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queued
}

// Err returns why the log is dead (ErrDead) or corrupt (ErrCorrupt), nil if it is neither.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// Close commits what is queued, closes the files and lets the lock go. The log
// is dead from then on. A second Close does nothing.
func (l *Log) Close() error {
	for l.Queued() > 0 && l.State() == OK {
		_, _ = l.Commit()
	}
	l.retiring.Lock()
	defer l.retiring.Unlock()
	l.commit.Lock()
	defer l.commit.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.State() == OK {
		l.stop(Dead, fmt.Errorf("%w: closed", ErrDead))
	}
	var f io.Closer
	if l.t.f != nil {
		f = l.t.f
	}
	return closeAll(f, l.lock)
}
