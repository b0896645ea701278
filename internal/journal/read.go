package journal

import (
	"errors"
	"fmt"
	"iter"
	"path"
)

// Read gives the records in dir from LSN from on, in order. From 0 begins with
// the oldest one there is; any other must be there, or lie behind the end. A
// Body is valid only until the next record is asked for. Where the log is
// damaged or cannot be read, a pair has a *CorruptError and no record. Whoever
// must know everything ends there; whoever goes on is given what is left behind
// it. A torn tail ends the sequence quietly. It takes no lock: read a log after
// Open, or one that nobody writes.
func Read(fs FS, dir string, from LSN) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r := &reader{fs: fs, dir: dir, from: from, yield: yield}
		r.read()
	}
}

// reader is one reading of a log.
type reader struct {
	fs    FS
	dir   string
	from  LSN
	yield func(Record, error) bool
	c     chain
	told  bool // the hole that c ends at was told
	ended bool // nothing more is wanted
}

func (r *reader) read() {
	firsts, err := listSegments(r.fs, r.dir)
	if err != nil {
		r.yield(Record{}, err)
		return
	}
	if len(firsts) == 0 {
		return
	}
	for len(firsts) > 1 && firsts[1] <= r.from {
		firsts = firsts[1:]
	}
	if r.from != 0 && r.from < firsts[0] {
		r.lost(r.dir, 0, r.from, fmt.Errorf("%w: the oldest record is LSN %d", errMissing, firsts[0]))
	}
	r.c.next = firsts[0]
	for _, first := range firsts {
		if first != r.c.next && !r.told {
			r.lost(path.Join(r.dir, segmentName(first)), 0, r.c.next, errMissing)
		}
		if first != r.c.next {
			r.c = chain{next: first}
		}
		if r.ended {
			return
		}
		r.told = false
		r.segment(first)
	}
}

// lost tells of a hole.
func (r *reader) lost(segment string, off int64, next LSN, why error) {
	r.told = true
	if !r.ended && !r.yield(Record{}, &CorruptError{Segment: segment, Offset: off, Next: next, Why: why}) {
		r.ended = true
	}
}

// segment gives the records of one segment.
func (r *reader) segment(first LSN) {
	name := path.Join(r.dir, segmentName(first))
	f, w, h, err := openSegment(r.fs, r.dir, first, r.fs.OpenRead)
	if err != nil {
		r.lost(name, 0, first, err)
		return
	}
	if r.c.epoch == 0 {
		r.c.epoch = h.Epoch
	}
	r.stretches(name, w)
	if err := f.Close(); err != nil {
		r.lost(name, 0, r.c.next, err)
	}
}

// stretches gives what follows on, and what does so again behind each hole. A
// record of an older life does not: it is passed over as on any other way.
func (r *reader) stretches(name string, w *window) {
	for off := int64(headerSize); ; {
		var why error
		r.c, off, why = walk(w, off, r.c, r.give)
		if why == nil {
			r.ended = true
			return
		}
		later, _, err := behind(w, off, r.c)
		switch {
		case err != nil:
			r.lost(name, off, r.c.next, errors.Join(why, err))
			return
		case later == nil:
			return // torn, or what is missing shows in the name of the next segment
		}
		if r.lost(name, off, r.c.next, fmt.Errorf("%w: %w", errLaterValid, why)); r.ended {
			return
		}
		r.told = false
		r.c, off = chain{next: later.lsn, epoch: later.epoch}, later.off
	}
}

func (r *reader) give(rec Record) bool { return rec.LSN < r.from || r.yield(rec, nil) }
