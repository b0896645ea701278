package journal

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Recovery is what Open found.
type Recovery struct {
	// State is OK, Corrupt, or Dead when the first write of this epoch failed.
	State State
	// Epoch is the epoch of this open: no earlier open of this journal had it.
	Epoch uint32
	// Last is the last record that an earlier epoch left, 0 if none. Records is how many were read.
	Last    LSN
	Records uint64
	// Checkpoint is the last whole one; reading began at the segment that holds what follows it, or what an earlier one covers.
	Checkpoint Checkpoint
	// Torn is how many bytes of an unfinished write were cut off the end.
	Torn int64
	// EpochCopiesBad counts damaged copies of the epoch file: 1 is mended silently, 2 took the epoch from segments and a file's name.
	EpochCopiesBad int
	// Wiped says that no trace of an earlier epoch was found: a new journal, which wants a group that was never used.
	Wiped bool
	// Err is the *CorruptError of State Corrupt, or what failed in State Dead; else nil.
	Err error

	seen     uint32 // the highest epoch that a good header or record named
	segments []LSN  // that are there
	start    LSN    // the first record that was needed
	parts    gathering
}

// CorruptError says where a journal is damaged. It is ErrCorrupt.
type CorruptError struct {
	// Segment is the path of the file, or of the directory if a whole segment is missing.
	Segment string
	// Offset is the byte in it where the good records end.
	Offset int64
	// Next is the LSN that was wanted there.
	Next LSN
	// Why is what was found instead.
	Why error
}

// Error names segment, offset and reason.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%v: %s at byte %d, want LSN %d: %v", ErrCorrupt, e.Segment, e.Offset, e.Next, e.Why)
}

// Is reports whether target is ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Unwrap returns Why.
func (e *CorruptError) Unwrap() error { return e.Why }

var (
	errLaterValid = errors.New("a damaged record has valid ones behind it")
	errMissing    = errors.New("a segment is missing")
	errForeignRec = errors.New("the record does not follow on")
	errNoState    = errors.New("no whole checkpoint covers what is not kept")
)

// window reads a file in large pieces. What bytes returns is valid until the next call.
type window struct {
	f    File
	size int64
	at   int64
	buf  []byte
}

const windowSize = 256 << 10

func newWindow(f File) (*window, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	return &window{f: f, size: size}, nil
}

// bytes returns what lies at off: enough for any frame, or all up to the end of the file.
func (w *window) bytes(off int64) ([]byte, error) {
	want := min(frameMax+frameStep, w.size-off)
	if want <= 0 {
		return nil, nil
	}
	if off < w.at || off+want > w.at+int64(len(w.buf)) {
		n := min(windowSize, w.size-off)
		if int64(cap(w.buf)) < n {
			w.buf = make([]byte, n)
		}
		w.buf, w.at = w.buf[:n], off
		if _, err := w.f.ReadAt(w.buf, off); err != nil {
			w.buf = w.buf[:0]
			return nil, err
		}
	}
	return w.buf[off-w.at:], nil
}

// chain is the place in the log up to which every record follows on from the one before.
type chain struct {
	next  LSN    // the LSN that must come
	epoch uint32 // of the last record
}

// accepts is the rule that keeps records of an older life from reviving: no LSN
// is skipped or repeated, and an epoch ends only with the first record of a later one.
func (c chain) accepts(r Record) bool {
	return r.LSN == c.next && (r.Epoch == c.epoch || r.Epoch > c.epoch && r.Kind == KindEpoch)
}

// walk reads the records of a segment from off on, as long as they follow on,
// and gives each to visit until that says false. It returns the place and offset
// where it stopped, and why: nil when visit stopped it.
func walk(w *window, off int64, c chain, visit func(Record) bool) (chain, int64, error) {
	for {
		b, err := w.bytes(off)
		if err != nil {
			return c, off, err
		}
		r, size, err := parseFrame(b)
		if err != nil {
			return c, off, err
		}
		if !c.accepts(r) {
			return c, off, fmt.Errorf("%w: LSN %d of epoch %d after epoch %d", errForeignRec, r.LSN, r.Epoch, c.epoch)
		}
		c, off = chain{next: r.LSN + 1, epoch: r.Epoch}, off+int64(size)
		if !visit(r) {
			return c, off, nil
		}
	}
}

// place is where a record stands.
type place struct {
	off   int64
	lsn   LSN
	epoch uint32
}

// behind judges what lies behind the last good record: the first record there
// that could still belong to the log, nil if none could (else the log is
// damaged, not torn), and how many bytes there are up to the last one that is
// not zero.
func behind(w *window, off int64, c chain) (later *place, dirty int64, err error) {
	for at := off; at < w.size; {
		b, err := w.bytes(at)
		if err != nil {
			return nil, 0, err
		}
		// Frames begin at multiples of frameStep: zeros are skipped a step at a time.
		step := b[:min(frameStep, len(b))]
		if allZero(step) {
			at += int64(len(step))
			continue
		}
		dirty = at + int64(len(step)) - off
		if r, _, err := parseFrame(b); err == nil && r.LSN >= c.next && r.Epoch >= c.epoch {
			return &place{at, r.LSN, r.Epoch}, dirty, nil
		}
		at += int64(len(step))
	}
	return nil, dirty, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// openSegment opens a segment for reading and checks that its header is its own.
func openSegment(fs FS, dir string, first LSN, read func(string) (File, error)) (File, *window, header, error) {
	f, err := read(path.Join(dir, segmentName(first)))
	if err != nil {
		return nil, nil, header{}, err
	}
	w, h, err := headerOf(f, first)
	if err != nil {
		return nil, nil, header{}, errors.Join(err, f.Close())
	}
	return f, w, h, nil
}

func headerOf(f File, first LSN) (*window, header, error) {
	w, err := newWindow(f)
	if err != nil {
		return nil, header{}, err
	}
	b, err := w.bytes(0)
	if err != nil {
		return nil, header{}, err
	}
	h, err := decodeHeader(b)
	if err == nil && h.First != first {
		err = fmt.Errorf("%w: first LSN = %d, want %d as in its name", errHeader, h.First, first)
	}
	return w, h, err
}

// tail is where the next record goes.
type tail struct {
	chain
	f    File // nil: there is no segment yet
	off  int64
	size int64
}

// recoverTail reads every record that a restart needs, cuts a torn tail and
// returns where the log goes on. A *CorruptError means that it cannot.
func recoverTail(fs FS, dir string, o Options, born bool, rec *Recovery) (tail, error) {
	if err := removeTemps(fs, dir); err != nil {
		return tail{}, err
	}
	firsts, err := listSegments(fs, dir)
	if err != nil {
		return tail{}, err
	}
	if len(firsts) == 0 {
		if born {
			return tail{}, &CorruptError{Segment: dir, Next: 1, Why: errMissing}
		}
		return tail{chain: chain{next: 1}}, nil
	}
	start, err := startOf(fs, dir, firsts)
	rec.segments, rec.start = firsts, start
	if err != nil {
		return tail{}, err
	}
	if o.Files > 0 { // Old segments are thrown away: the log begins where the oldest does.
		start = firsts[0]
	}
	for len(firsts) > 1 && firsts[1] <= start {
		firsts = firsts[1:]
	}
	c := chain{next: start}
	if firsts[0] < start {
		c.next = firsts[0]
	}
	t, err := recoverFrom(fs, dir, o, firsts, c, rec)
	if err == nil && o.Files == 0 && rec.Checkpoint.Covers+1 < start {
		name := path.Join(dir, segmentName(firsts[0]))
		return tail{}, errors.Join(&CorruptError{Segment: name, Next: start, Why: errNoState}, t.f.Close())
	}
	return t, err
}

// startOf returns the first record that a restart needs, as the last segment says: a checkpoint that covers all before it was
// durable before that segment was made.
func startOf(fs FS, dir string, firsts []LSN) (LSN, error) {
	last := firsts[len(firsts)-1]
	f, _, h, err := openSegment(fs, dir, last, fs.OpenRead)
	switch {
	case err == nil:
		return max(1, h.Start), f.Close()
	case firsts[0] == 1:
		return 1, nil // all is there, up to the damage that is found on the way
	}
	return 0, &CorruptError{Segment: path.Join(dir, segmentName(last)), Next: last, Why: err}
}

// recoverFrom reads the segments in order.
func recoverFrom(fs FS, dir string, o Options, firsts []LSN, c chain, rec *Recovery) (tail, error) {
	for i, first := range firsts {
		if first != c.next {
			return tail{}, &CorruptError{Segment: path.Join(dir, segmentName(first)), Next: c.next, Why: errMissing}
		}
		t, err := recoverSegment(fs, dir, o, first, c, i == len(firsts)-1, rec)
		if err != nil || t.f != nil {
			return t, err
		}
		c = t.chain
	}
	return tail{}, nil // Not reached: the last segment has a file.
}

// recoverSegment reads one segment. Of the last one it returns the open file,
// its torn end cut, zeroed and synced. Any other was synced whole before the one
// after it was made, so its records must reach up to that one.
func recoverSegment(fs FS, dir string, o Options, first LSN, c chain, last bool, rec *Recovery) (tail, error) {
	name := path.Join(dir, segmentName(first))
	f, w, h, err := openSegment(fs, dir, first, fs.Open)
	if err != nil {
		return tail{}, &CorruptError{Segment: name, Next: first, Why: err}
	}
	t, err := func() (tail, error) {
		if h.Node != o.Node || h.Group != o.Group {
			return tail{}, foreign(name, h.Node, h.Group, o)
		}
		// A segment that was made by a later epoch than its last record's begins with that epoch's first one.
		if c.epoch == 0 {
			c.epoch = h.Epoch
		}
		rec.seen = max(rec.seen, h.Epoch)
		c, off, why := walk(w, headerSize, c, func(r Record) bool {
			rec.seen = max(rec.seen, r.Epoch)
			rec.Last, rec.Records = r.LSN, rec.Records+1
			if c, whole := rec.parts.see(r); whole {
				rec.Checkpoint = c
			}
			return true
		})
		later, dirty, err := behind(w, off, c)
		if err != nil {
			return tail{}, &CorruptError{Segment: name, Offset: off, Next: c.next, Why: err}
		}
		if later != nil && last {
			return tail{}, &CorruptError{Segment: name, Offset: off, Next: c.next, Why: fmt.Errorf("%w: %w", errLaterValid, why)}
		}
		if last {
			rec.Torn = dirty
			return tail{chain: c, f: f, off: off, size: w.size}, cut(f, off, dirty)
		}
		return tail{chain: c, off: off}, nil
	}()
	if err != nil || t.f == nil {
		return t, errors.Join(err, f.Close())
	}
	return t, nil
}

// cut makes the n bytes from off on zero, for good: what was half written must
// not be taken for a record later, whatever is written before it.
func cut(f File, off, n int64) error {
	if n == 0 {
		return nil
	}
	zeros := make([]byte, min(n, windowSize))
	for done := int64(0); done < n; done += int64(len(zeros)) {
		zeros = zeros[:min(int64(len(zeros)), n-done)]
		if _, err := f.WriteAt(zeros, off+done); err != nil {
			return err
		}
	}
	return f.Sync()
}

// removeTemps removes what a crash left half made.
func removeTemps(fs FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasSuffix(n, tempExt) {
			if err := fs.Remove(path.Join(dir, n)); err != nil {
				return err
			}
		}
	}
	return nil
}
