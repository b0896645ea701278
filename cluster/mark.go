package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// mark remembers the highest log entry that the store acknowledged. The store
// itself takes damage near the end of its log for a torn write and forgets what
// is behind it, acknowledged or not; with the mark that is found at the next
// start. It is written after each acknowledged append and not synced: it may be
// behind the log after a loss of power, never ahead of it.
//
// Two slots, little endian, written in turn: u32 CRC32C of what follows · u32
// zero · u64 count of writes · u64 index.
type mark struct {
	f     *os.File
	index uint64
	count uint64
}

const (
	markSlot = 24
	markGap  = 512
)

// openMark reads the mark in name, making one at 0 if there is none. Two damaged slots are ErrCorrupt.
func openMark(name string) (*mark, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	m := &mark{f: f}
	size, err := f.Stat()
	if err == nil && size.Size() > 0 {
		err = m.read()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return m, nil
}

func (m *mark) read() error {
	found := false
	for slot := range int64(2) {
		var b [markSlot]byte
		// A slot that is not there yet reads as zeros, and its checksum fails.
		_, _ = m.f.ReadAt(b[:], slot*markGap)
		if binary.LittleEndian.Uint32(b[:]) != crc32.Checksum(b[4:], crcTable) {
			continue
		}
		found = true
		if count := binary.LittleEndian.Uint64(b[8:]); count >= m.count {
			m.count, m.index = count, binary.LittleEndian.Uint64(b[16:])
		}
	}
	if !found {
		return fmt.Errorf("%w: %s: both slots are damaged", ErrCorrupt, m.f.Name())
	}
	return nil
}

// set writes index into the older slot.
func (m *mark) set(index uint64) error {
	if index == m.index && m.count > 0 {
		return nil
	}
	m.count, m.index = m.count+1, index
	var b [markSlot]byte
	binary.LittleEndian.PutUint64(b[8:], m.count)
	binary.LittleEndian.PutUint64(b[16:], m.index)
	binary.LittleEndian.PutUint32(b[:], crc32.Checksum(b[4:], crcTable))
	_, err := m.f.WriteAt(b[:], int64(m.count%2)*markGap)
	return err
}

func (m *mark) close() error { return m.f.Close() }
