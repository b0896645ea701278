package journal

import (
	"errors"
	"fmt"
	"iter"
	"path"
)

// Read gives the records in dir from LSN from on, in order. From 0 begins with
// the oldest one there is; any other must be there, or lie behind the end. A
// Body is valid only until the next record is asked for. The second value is nil
// but for the last pair, which has an error and no record if the log is damaged
// (*CorruptError) or cannot be read; a torn tail ends the sequence quietly. It
// takes no lock: read a log after Open, or one that nobody writes.
func Read(fs FS, dir string, from LSN) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := read(fs, dir, from, yield); err != nil {
			yield(Record{}, err)
		}
	}
}

func read(fs FS, dir string, from LSN, yield func(Record, error) bool) error {
	firsts, err := listSegments(fs, dir)
	if err != nil || len(firsts) == 0 {
		return err
	}
	for len(firsts) > 1 && firsts[1] <= from {
		firsts = firsts[1:]
	}
	if from != 0 && from < firsts[0] {
		return &CorruptError{Segment: dir, Next: from, Why: fmt.Errorf("%w: the oldest record is LSN %d", errMissing, firsts[0])}
	}
	c := chain{next: firsts[0]}
	for i, first := range firsts {
		if first != c.next {
			return &CorruptError{Segment: path.Join(dir, segmentName(first)), Next: c.next, Why: errMissing}
		}
		var more bool
		if c, more, err = readSegment(fs, dir, first, c, i == len(firsts)-1, func(r Record) bool {
			return r.LSN < from || yield(r, nil)
		}); err != nil || !more {
			return err
		}
	}
	return nil
}

// readSegment gives the records of one segment to visit. more is false when visit wanted no more.
func readSegment(fs FS, dir string, first LSN, c chain, last bool, visit func(Record) bool) (_ chain, more bool, err error) {
	name := path.Join(dir, segmentName(first))
	f, w, h, err := openSegment(fs, dir, first, fs.OpenRead)
	if err != nil {
		return c, false, &CorruptError{Segment: name, Next: first, Why: err}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if c.epoch == 0 {
		c.epoch = h.Epoch
	}
	c, off, why := walk(w, headerSize, c, visit)
	if why == nil || !last {
		return c, why != nil, nil
	}
	later, _, err := behind(w, off, c)
	if err != nil {
		return c, false, err
	}
	if later {
		return c, false, &CorruptError{Segment: name, Offset: off, Next: c.next, Why: fmt.Errorf("%w: %w", errLaterValid, why)}
	}
	return c, true, nil
}
