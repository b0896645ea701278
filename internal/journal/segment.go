package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"strconv"
	"strings"
)

const (
	headerSize    = 256
	headerVersion = 2
	headerFirst   = 1 // versions from here on are read; that one has neither start nor time
	headerMagic   = "FSHUTJNL"

	// nameMax bounds node and group, so that a header has one size.
	nameMax = 64

	segmentExt  = ".seg"
	reserveName = "reserve"
	lockName    = "LOCK"
	tempExt     = ".tmp"
)

// header is the head of a segment: whose it is, and its first LSN. It is made
// durable before the segment gets its name, so a bad one is damage and never a
// torn write.
type header struct {
	First       LSN
	Epoch       uint32
	Node, Group string
	// Start is the first record that a restart needed when the segment was made: a checkpoint that covers all before it was
	// durable. 0 and 1: every record is needed.
	Start LSN
	// Wall is when it was made, ns since 1970 UTC, so that of the last record before it too; 0: not known.
	Wall int64
}

var errHeader = errors.New("segment header is damaged")

// A header, little endian: magic (8) · u32 version · u32 CRC32C of all that
// follows · u64 first LSN · u32 epoch · u16 length of node · u16 length of
// group · node · group · zeros up to 240 · u64 start · i64 wall.
func (h header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, headerMagic)
	binary.LittleEndian.PutUint32(b[8:], headerVersion)
	binary.LittleEndian.PutUint64(b[16:], uint64(h.First))
	binary.LittleEndian.PutUint32(b[24:], h.Epoch)
	binary.LittleEndian.PutUint16(b[28:], uint16(len(h.Node)))
	binary.LittleEndian.PutUint16(b[30:], uint16(len(h.Group)))
	copy(b[32:], h.Node)
	copy(b[32+len(h.Node):], h.Group)
	binary.LittleEndian.PutUint64(b[240:], uint64(h.Start))
	binary.LittleEndian.PutUint64(b[248:], uint64(h.Wall))
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[16:], crcTable))
	return b
}

func decodeHeader(b []byte) (header, error) {
	if len(b) < headerSize || string(b[:8]) != headerMagic {
		return header{}, fmt.Errorf("%w: no magic", errHeader)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v < headerFirst || v > headerVersion {
		return header{}, fmt.Errorf("%w: version = %d, want %d to %d", errHeader, v, headerFirst, headerVersion)
	}
	if crc32.Checksum(b[16:headerSize], crcTable) != binary.LittleEndian.Uint32(b[12:]) {
		return header{}, fmt.Errorf("%w: checksum differs", errHeader)
	}
	node, group := int(binary.LittleEndian.Uint16(b[28:])), int(binary.LittleEndian.Uint16(b[30:]))
	if node > nameMax || group > nameMax {
		return header{}, fmt.Errorf("%w: names of %d and %d bytes, want at most %d", errHeader, node, group, nameMax)
	}
	return header{
		First: LSN(binary.LittleEndian.Uint64(b[16:])),
		Epoch: binary.LittleEndian.Uint32(b[24:]),
		Node:  string(b[32 : 32+node]),
		Group: string(b[32+node : 32+node+group]),
		Start: LSN(binary.LittleEndian.Uint64(b[240:])),
		Wall:  int64(binary.LittleEndian.Uint64(b[248:])),
	}, nil
}

func segmentName(first LSN) string { return fmt.Sprintf("%020d%s", uint64(first), segmentExt) }

// segmentFirst reads the first LSN from a segment's name; false for any other file.
func segmentFirst(name string) (LSN, bool) {
	digits, ok := strings.CutSuffix(name, segmentExt)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return LSN(n), err == nil && n > 0
}

// listSegments returns the first LSNs of the segments in dir, ascending.
func listSegments(fs FS, dir string) ([]LSN, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var firsts []LSN
	for _, n := range names { // Sorted names are sorted numbers: all have 20 digits.
		if first, ok := segmentFirst(n); ok {
			firsts = append(firsts, first)
		}
	}
	return firsts, nil
}

// createSegment makes a segment durable under its name: prepared under another
// one (the reserve, if there is one), synced, renamed, directory synced. So a
// segment that has a name has its whole header and all of its space.
func createSegment(fs FS, dir string, h header, size int64) (File, error) {
	spare := path.Join(dir, reserveName)
	f, err := fs.Open(spare)
	if err != nil {
		if err := createSpare(fs, dir, size); err != nil {
			return nil, err
		}
		if f, err = fs.Open(spare); err != nil {
			return nil, err
		}
	}
	name := path.Join(dir, segmentName(h.First))
	err = func() error {
		if err := f.Allocate(size); err != nil {
			return fmt.Errorf("allocate %s: %w", name, err)
		}
		if _, err := f.WriteAt(h.encode(), 0); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := fs.Rename(spare, name); err != nil {
			return err
		}
		return fs.SyncDir(dir)
	}()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// createSpare preallocates the reserve: the next segment's space, taken while
// there is some, so that last words have room on a full disk.
func createSpare(fs FS, dir string, size int64) error {
	temp := path.Join(dir, reserveName+tempExt)
	f, err := fs.Create(temp)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Allocate(size), f.Sync(), f.Close()); err != nil {
		// Half an allocation would hold the space that the log may need.
		return errors.Join(fmt.Errorf("allocate %s: %w", temp, err), fs.Remove(temp))
	}
	if err := fs.Rename(temp, path.Join(dir, reserveName)); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}
