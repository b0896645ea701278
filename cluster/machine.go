package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime/debug"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// fsm stands between the engine and the machine. A machine that panicked is
// never called again: what it holds is half a command, and a snapshot of it
// would make that durable.
type fsm struct {
	machine Machine
	fatal   func(error)
	applied atomic.Uint64
	broken  atomic.Bool
}

// Apply implements the engine's FSM.
func (f *fsm) Apply(l *raft.Log) (response any) {
	if f.broken.Load() {
		return fmt.Errorf("%w: entry %d is not applied", ErrMachine, l.Index)
	}
	defer func() {
		if r := recover(); r != nil {
			response = f.fail(fmt.Errorf("%w: panic at entry %d: %v\n%s", ErrMachine, l.Index, r, debug.Stack()))
		}
	}()
	result := f.machine.Apply(l.Index, l.Term, l.Data)
	f.applied.Store(l.Index)
	return result
}

func (f *fsm) fail(err error) error {
	f.broken.Store(true)
	f.fatal(err)
	return err
}

// Snapshot implements the engine's FSM. It runs between two Applies.
func (f *fsm) Snapshot() (snap raft.FSMSnapshot, err error) {
	if f.broken.Load() {
		return nil, fmt.Errorf("%w: nothing to keep", ErrMachine)
	}
	defer func() {
		if r := recover(); r != nil {
			snap, err = nil, f.fail(fmt.Errorf("%w: panic in Freeze: %v\n%s", ErrMachine, r, debug.Stack()))
		}
	}()
	return frozen{encode: f.machine.Freeze(), digest: f.machine.Digest(), fatal: f.fail}, nil
}

const (
	snapshotMagic   = "FSHUTSNP"
	snapshotHead    = 12
	snapshotTrailer = 32 + 4
)

// frozen is a snapshot being written: magic (8) · u32 version · what the machine
// writes · its digest (32) · u32 CRC32C of all before.
type frozen struct {
	encode func(io.Writer) error
	digest [32]byte
	fatal  func(error) error
}

// Persist implements the engine's FSMSnapshot.
func (f frozen) Persist(sink raft.SnapshotSink) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = f.fatal(fmt.Errorf("%w: panic while a snapshot was written: %v\n%s", ErrMachine, r, debug.Stack()))
		}
		if err != nil {
			err = errors.Join(err, sink.Cancel())
		}
	}()
	if err := writeSnapshot(sink, f.encode, f.digest); err != nil {
		return err
	}
	return sink.Close()
}

// Release implements the engine's FSMSnapshot.
func (frozen) Release() {}

// summer counts and sums what is written, and refuses what is too much.
type summer struct {
	w   io.Writer
	n   int
	sum uint32
}

func (s *summer) Write(b []byte) (int, error) {
	if s.n+len(b) > MaxSnapshot {
		return 0, fmt.Errorf("%w: snapshot of more than %d bytes", ErrMachine, MaxSnapshot)
	}
	n, err := s.w.Write(b)
	s.n, s.sum = s.n+n, crc32.Update(s.sum, crcTable, b[:n])
	return n, err
}

func writeSnapshot(w io.Writer, encode func(io.Writer) error, digest [32]byte) error {
	s := &summer{w: w}
	if _, err := s.Write(binary.LittleEndian.AppendUint32([]byte(snapshotMagic), 1)); err != nil {
		return err
	}
	if err := encode(s); err != nil {
		return err
	}
	if _, err := s.Write(digest[:]); err != nil {
		return err
	}
	_, err := w.Write(binary.LittleEndian.AppendUint32(nil, s.sum))
	return err
}

// Restore implements the engine's FSM: the machine gets what it wrote, and must
// have the digest it had.
func (f *fsm) Restore(rc io.ReadCloser) error {
	b, err := io.ReadAll(io.LimitReader(rc, MaxSnapshot+snapshotTrailer+1))
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if len(b) < snapshotHead+snapshotTrailer || len(b) > MaxSnapshot+4 {
		return fmt.Errorf("%w: snapshot of %d bytes", ErrCorrupt, len(b))
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], crcTable) != binary.LittleEndian.Uint32(b[end:]) {
		return fmt.Errorf("%w: snapshot: checksum differs", ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); string(b[:8]) != snapshotMagic || v != 1 {
		return fmt.Errorf("%w: snapshot: magic %q, version %d, want %q, 1", ErrCorrupt, b[:8], v, snapshotMagic)
	}
	return f.restore(b[snapshotHead:end-32], [32]byte(b[end-32:end]))
}

func (f *fsm) restore(body []byte, digest [32]byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = f.fail(fmt.Errorf("%w: panic in Restore: %v\n%s", ErrMachine, r, debug.Stack()))
		}
	}()
	if err := f.machine.Restore(bytes.NewReader(body)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if got := f.machine.Digest(); got != digest {
		return fmt.Errorf("%w: snapshot: digest %x, want %x", ErrCorrupt, got[:8], digest[:8])
	}
	return nil
}
