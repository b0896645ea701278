package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// castagnoli is the polynomial of the ledger's checksum.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrLedger says that the ledger can no longer be written: the exchange must not send another message.
var ErrLedger = errors.New("ledger cannot be written")

// syncer is a file whose bytes can be forced to the disk.
type syncer interface{ Sync() error }

// Ledger writes lines. Lines given to Write are kept until Flush, which the venue calls before each message it sends, so
// each line is in the file before the message it speaks of leaves. A failed write ends it for good: every later call gives
// the same error. Not safe for concurrent use.
type Ledger struct {
	w    io.Writer
	sync bool
	buf  bytes.Buffer
	enc  *json.Encoder
	n    uint64
	crc  uint32
	err  error

	keeps bool
	kept  []Line
}

// NewLedger writes to w, which the caller owns and closes. With sync, Flush forces the bytes to the disk where w can.
func NewLedger(w io.Writer, sync bool) *Ledger {
	l := &Ledger{w: w, sync: sync}
	l.enc = json.NewEncoder(&l.buf)
	l.enc.SetEscapeHTML(false)
	return l
}

// KeepLedger keeps lines in memory and writes none, for a judge in the same process: see Kept. A CloseLine has no checksum then.
func KeepLedger() *Ledger { return &Ledger{keeps: true} }

// Kept are the lines of KeepLedger so far, in order. They are the ledger's own.
func (l *Ledger) Kept() []Line { return l.kept }

// Write takes the next line. A CloseLine gets its checksum here. Lines out of number are refused: a gap would be taken for
// a lost truth.
func (l *Ledger) Write(line Line) error {
	if l.err != nil {
		return l.err
	}
	if n := line.At().N; n != l.n+1 {
		return l.fail(fmt.Errorf("line n = %d, want %d", n, l.n+1))
	}
	if l.keeps {
		l.kept = append(l.kept, line)
		l.n++
		return nil
	}
	if c, ok := line.(*CloseLine); ok {
		if err := l.Flush(); err != nil {
			return err
		}
		c.CRC32C = fmt.Sprintf("%08x", l.crc)
	}
	if err := l.enc.Encode(line); err != nil {
		return l.fail(fmt.Errorf("line %d: %w", line.At().N, err))
	}
	l.n++
	return nil
}

// Flush writes what is kept, in one write.
func (l *Ledger) Flush() error {
	if l.err != nil {
		return l.err
	}
	if l.buf.Len() == 0 {
		return nil
	}
	b := l.buf.Bytes()
	if _, err := l.w.Write(b); err != nil {
		return l.fail(err)
	}
	l.crc = crc32.Update(l.crc, castagnoli, b)
	l.buf.Reset()
	if s, ok := l.w.(syncer); ok && l.sync {
		if err := s.Sync(); err != nil {
			return l.fail(err)
		}
	}
	return nil
}

// Lines is the number of lines taken.
func (l *Ledger) Lines() uint64 { return l.n }

func (l *Ledger) fail(err error) error {
	l.err = fmt.Errorf("%w: %w", ErrLedger, err)
	return l.err
}
