package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// termKey is under which the engine keeps its term.
const termKey = "CurrentTerm"

// store is the log and the stable store on the disk, with what they lack: a
// first failure that is the last call, time of the present call, checksums of
// the stable values, and a mark of what was acknowledged.
type store struct {
	wal     *wal.WAL
	mark    *mark
	instant func() int64
	events  Events
	fatal   func(error)
	fault   func(call string) error // nil but in tests

	dead  atomic.Bool
	since atomic.Int64 // instant at which the call under way began, 0 none
}

// openStore opens or makes the store in dir and reads every entry once.
func openStore(dir string, segment int, log hclog.Logger) (s *store, err error) {
	logs := filepath.Join(dir, "wal")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return nil, err
	}
	defer func() {
		// The store's own index panics on some damage; that is damage, and not a bug of ours.
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("%w: opening the log in %s: %v", ErrCorrupt, dir, r)
		}
	}()
	w, err := wal.Open(logs, wal.WithCodec(codec{}), wal.WithMetaStore(newStampedMeta()), wal.WithSegmentFiler(newStampedFiler(logs)),
		wal.WithSegmentSize(segment), wal.WithLogger(log))
	if err != nil {
		return nil, fmt.Errorf("open the log in %s: %w", dir, err)
	}
	m, err := openMark(filepath.Join(dir, "mark"))
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	s = &store{wal: w, mark: m, fatal: func(error) {}}
	if err := s.verify(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// verify reads every entry of the log: a damaged one is found before it is used.
func (s *store) verify() error {
	first, err := s.wal.FirstIndex()
	if err != nil {
		return err
	}
	last, err := s.wal.LastIndex()
	if err != nil {
		return err
	}
	if last < s.mark.index {
		return fmt.Errorf("%w: the log ends at entry %d, and entry %d was acknowledged", ErrCorrupt, last, s.mark.index)
	}
	for i := first; i <= last && last > 0; i++ {
		var l raft.Log
		if err := s.wal.GetLog(i, &l); err != nil {
			return fmt.Errorf("%w: entry %d of %d to %d: %w", ErrCorrupt, i, first, last, err)
		}
		if l.Index != i {
			return fmt.Errorf("%w: entry %d calls itself %d", ErrCorrupt, i, l.Index)
		}
	}
	return nil
}

func (s *store) close() error { return errors.Join(s.wal.Close(), s.mark.close()) }

// age returns how long the call under way has been, 0 if there is none.
func (s *store) age(now int64) time.Duration {
	if since := s.since.Load(); since != 0 {
		return time.Duration(max(0, now-since))
	}
	return 0
}

// do makes one call that writes. After the first that fails none is made.
func (s *store) do(call string, write func() error) error {
	if s.dead.Load() {
		return fmt.Errorf("%w: an earlier call failed", ErrStore)
	}
	if s.instant != nil {
		s.since.Store(max(1, s.instant()))
		defer s.since.Store(0)
	}
	if s.events.StoreBegin != nil {
		s.events.StoreBegin()
	}
	err := error(nil)
	if s.fault != nil {
		err = s.fault(call)
	}
	if err == nil {
		err = write()
	}
	if s.events.StoreEnd != nil {
		s.events.StoreEnd(err)
	}
	if err != nil {
		s.dead.Store(true)
		err = fmt.Errorf("%w: %s: %w", ErrStore, call, err)
		s.fatal(err)
	}
	return err
}

// FirstIndex implements the engine's LogStore.
func (s *store) FirstIndex() (uint64, error) { return s.wal.FirstIndex() }

// LastIndex implements the engine's LogStore.
func (s *store) LastIndex() (uint64, error) { return s.wal.LastIndex() }

// GetLog implements the engine's LogStore.
func (s *store) GetLog(index uint64, l *raft.Log) error {
	err := s.wal.GetLog(index, l)
	if errors.Is(err, ErrCorrupt) {
		s.fatal(fmt.Errorf("entry %d: %w", index, err))
	}
	return err
}

// StoreLog implements the engine's LogStore.
func (s *store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements the engine's LogStore.
func (s *store) StoreLogs(logs []*raft.Log) error {
	return s.do("append", func() error {
		if err := s.wal.StoreLogs(logs); err != nil || len(logs) == 0 {
			return err
		}
		return s.mark.set(logs[len(logs)-1].Index)
	})
}

// DeleteRange implements the engine's LogStore. When the end of the log goes,
// the mark goes first: it must never be ahead.
func (s *store) DeleteRange(from, to uint64) error {
	return s.do("delete", func() error {
		if to >= s.mark.index {
			if err := errors.Join(s.mark.set(from-1), s.mark.f.Sync()); err != nil {
				return err
			}
		}
		return s.wal.DeleteRange(from, to)
	})
}

// IsMonotonic tells the engine that the log may not have gaps.
func (s *store) IsMonotonic() bool { return s.wal.IsMonotonic() }

// Set implements the engine's StableStore: the value with a checksum behind it.
func (s *store) Set(key, val []byte) error {
	return s.do("set", func() error {
		b := append([]byte(nil), val...)
		return s.wal.Set(key, binary.LittleEndian.AppendUint32(b, stableSum(key, val)))
	})
}

// Get implements the engine's StableStore.
func (s *store) Get(key []byte) ([]byte, error) {
	b, err := s.wal.Get(key)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: stable value %s of %d bytes", ErrCorrupt, key, len(b))
	}
	val := b[:len(b)-4]
	if binary.LittleEndian.Uint32(b[len(b)-4:]) != stableSum(key, val) {
		return nil, fmt.Errorf("%w: stable value %s: checksum differs", ErrCorrupt, key)
	}
	return val, nil
}

// stableSum covers the key too, so that a value cannot come back under another one.
func stableSum(key, val []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, crcTable), crcTable, val)
}

// SetUint64 implements the engine's StableStore. The engine panics when it
// cannot keep its term, and with it would go the cancels that a node in trouble
// has to send; so it is told yes, and Run ends it. No vote and no entry can
// follow from such a term: both have writes of their own, which fail.
func (s *store) SetUint64(key []byte, val uint64) error {
	err := s.Set(key, binary.LittleEndian.AppendUint64(nil, val))
	if string(key) == termKey {
		return nil
	}
	return err
}

// GetUint64 implements the engine's StableStore. A value never set is 0.
func (s *store) GetUint64(key []byte) (uint64, error) {
	b, err := s.Get(key)
	if err != nil || len(b) == 0 {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: stable value %s of %d bytes, want 8", ErrCorrupt, key, len(b))
	}
	return binary.LittleEndian.Uint64(b), nil
}
