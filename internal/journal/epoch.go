package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

const (
	epochName       = "epoch"
	epochNamePrefix = "epoch-"
	epochMagic      = "FSHUTEPO"
	epochVersion    = 1
	epochCopy       = 512 // bytes of a copy
	flagBorn        = 1
	epochGap        = 4096 // copies lie this far apart: never in one sector or page
)

// The epoch file holds two copies, little endian: magic (8) · u32 version · u32
// CRC32C of all that follows · u32 epoch · u32 flags · u64 end of the reserved
// block · u16 length of node · u16 length of group · node · group · zeros. The
// copies are written one after the other with a sync between, so at each
// instant at least one is whole.
type epochMark struct {
	Epoch uint32
	// Born is set once the first segment is durable. From then on a journal
	// without segments has lost them; before, it never had any.
	Born        bool
	Reserved    uint64
	Node, Group string
}

func (m epochMark) encode() []byte {
	b := make([]byte, epochCopy)
	copy(b, epochMagic)
	binary.LittleEndian.PutUint32(b[8:], epochVersion)
	binary.LittleEndian.PutUint32(b[16:], m.Epoch)
	if m.Born {
		binary.LittleEndian.PutUint32(b[20:], flagBorn)
	}
	binary.LittleEndian.PutUint64(b[24:], m.Reserved)
	binary.LittleEndian.PutUint16(b[32:], uint16(len(m.Node)))
	binary.LittleEndian.PutUint16(b[34:], uint16(len(m.Group)))
	copy(b[36:], m.Node)
	copy(b[36+len(m.Node):], m.Group)
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[16:], crcTable))
	return b
}

func decodeEpochMark(b []byte) (epochMark, bool) {
	if len(b) < epochCopy || string(b[:8]) != epochMagic ||
		binary.LittleEndian.Uint32(b[8:]) != epochVersion ||
		binary.LittleEndian.Uint32(b[12:]) != crc32.Checksum(b[16:epochCopy], crcTable) {
		return epochMark{}, false
	}
	node, group := int(binary.LittleEndian.Uint16(b[32:])), int(binary.LittleEndian.Uint16(b[34:]))
	if node > nameMax || group > nameMax {
		return epochMark{}, false
	}
	return epochMark{
		Epoch:    binary.LittleEndian.Uint32(b[16:]),
		Born:     binary.LittleEndian.Uint32(b[20:])&flagBorn != 0,
		Reserved: binary.LittleEndian.Uint64(b[24:]),
		Node:     string(b[36 : 36+node]),
		Group:    string(b[36+node : 36+node+group]),
	}, true
}

// epochFile is what was read of the two copies.
type epochFile struct {
	mark  epochMark
	found bool // the file is there
	good  [2]bool
	older int // the copy to write first: the bad one, else the one with the lower epoch
}

func (e epochFile) valid() bool { return e.good[0] || e.good[1] }

// bad counts the damaged copies of a file that is there.
func (e epochFile) bad() int {
	n := 0
	for _, good := range e.good {
		if e.found && !good {
			n++
		}
	}
	return n
}

func readEpoch(f File) epochFile {
	e := epochFile{found: true}
	var marks [2]epochMark
	for i := range marks {
		b := make([]byte, epochCopy)
		// A copy that cannot be read whole is a bad copy: the zeros fail its checksum.
		_, _ = f.ReadAt(b, int64(i)*epochGap)
		marks[i], e.good[i] = decodeEpochMark(b)
	}
	newer := 0
	if !e.good[0] || e.good[1] && marks[1].Epoch > marks[0].Epoch {
		newer = 1
	}
	e.mark, e.older = marks[newer], 1-newer
	return e
}

// writeEpoch makes m durable in both copies, the older one first: until it is
// synced the other one still counts.
func writeEpoch(f File, m epochMark, older int) error {
	for _, i := range [2]int{older, 1 - older} {
		if _, err := f.WriteAt(m.encode(), int64(i)*epochGap); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// moveEpoch takes the journal to its next epoch and makes that durable, before
// any segment is read: a damaged log too gets an epoch no earlier life had.
// Only if both copies are bad does it ask the segments, and a file's name, for
// the highest they know; if that is none, the journal is wiped and begins at 1.
func moveEpoch(fsys FS, dir string, o Options) (epochMark, epochFile, error) {
	name := path.Join(dir, epochName)
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return firstEpoch(fsys, dir, o)
	}
	if err != nil {
		return epochMark{}, epochFile{}, err
	}
	was := readEpoch(f)
	m, err := nextEpoch(fsys, dir, o, was)
	if err == nil {
		err = writeEpoch(f, m, was.older)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return epochMark{}, epochFile{}, err
	}
	return m, was, nameEpoch(fsys, dir, m.Epoch)
}

// firstEpoch makes the file. It gets its name when both copies are durable, so
// a crash meanwhile leaves none.
func firstEpoch(fsys FS, dir string, o Options) (epochMark, epochFile, error) {
	m, err := nextEpoch(fsys, dir, o, epochFile{})
	if err != nil {
		return epochMark{}, epochFile{}, err
	}
	temp := path.Join(dir, epochName+tempExt)
	f, err := fsys.Create(temp)
	if err != nil {
		return epochMark{}, epochFile{}, err
	}
	err = errors.Join(writeEpoch(f, m, 0), f.Close())
	if err == nil {
		err = fsys.Rename(temp, path.Join(dir, epochName))
	}
	if err != nil {
		return epochMark{}, epochFile{}, err
	}
	return m, epochFile{}, nameEpoch(fsys, dir, m.Epoch)
}

// nameEpoch keeps the epoch a third time, in the name of an empty file. It
// counts only when both copies are bad: a log that cannot be written leaves its
// epoch in no segment, and yet gave its cancels numbers.
func nameEpoch(fsys FS, dir string, epoch uint32) error {
	now := path.Join(dir, fmt.Sprintf("%s%010d", epochNamePrefix, epoch))
	names, err := fsys.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := epochInName(name); ok {
			if err := fsys.Rename(path.Join(dir, name), now); err != nil {
				return err
			}
			return fsys.SyncDir(dir)
		}
	}
	f, err := fsys.Create(now)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}

func epochInName(name string) (uint32, bool) {
	digits, ok := strings.CutPrefix(name, epochNamePrefix)
	if !ok || len(digits) != 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil
}

func nextEpoch(fsys FS, dir string, o Options, was epochFile) (epochMark, error) {
	last := was.mark.Epoch
	if !was.valid() {
		var err error
		if last, err = highestEpoch(fsys, dir); err != nil {
			return epochMark{}, err
		}
	} else if was.mark.Node != o.Node || was.mark.Group != o.Group {
		return epochMark{}, foreign(epochName, was.mark.Node, was.mark.Group, o)
	}
	if last == math.MaxUint32 {
		return epochMark{}, fmt.Errorf("%w: epoch %d is the last one, a new group is needed", ErrForeign, last)
	}
	return epochMark{Epoch: last + 1, Born: was.mark.Born, Reserved: was.mark.Reserved, Node: o.Node, Group: o.Group}, nil
}

func foreign(file, node, group string, o Options) error {
	return fmt.Errorf("%w: %s is of node %q, group %q, want node %q, group %q", ErrForeign, file, node, group, o.Node, o.Group)
}

// highestEpoch looks through every segment, damaged ones too, for the highest
// epoch that a valid header or frame names, and at the one that is kept in a
// name. 0 if there is none.
func highestEpoch(fsys FS, dir string) (uint32, error) {
	firsts, err := listSegments(fsys, dir)
	if err != nil {
		return 0, err
	}
	names, err := fsys.List(dir)
	if err != nil {
		return 0, err
	}
	var highest uint32
	for _, name := range names {
		e, _ := epochInName(name)
		highest = max(highest, e)
	}
	for _, first := range firsts {
		f, err := fsys.OpenRead(path.Join(dir, segmentName(first)))
		if err != nil {
			return 0, err
		}
		e, err := highestIn(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return 0, err
		}
		highest = max(highest, e)
	}
	return highest, nil
}

func highestIn(f File) (uint32, error) {
	w, err := newWindow(f)
	if err != nil {
		return 0, err
	}
	head, err := w.bytes(0)
	if err != nil {
		return 0, err
	}
	var highest uint32
	if h, err := decodeHeader(head); err == nil {
		highest = h.Epoch
	}
	for at := int64(headerSize); at < w.size; {
		b, err := w.bytes(at)
		if err != nil {
			return 0, err
		}
		r, size, err := parseFrame(b)
		if err != nil {
			at += frameStep
			continue
		}
		highest, at = max(highest, r.Epoch), at+int64(size)
	}
	return highest, nil
}

// rewriteEpoch makes m durable in both copies of a file that has two good ones.
func rewriteEpoch(fsys FS, dir string, m epochMark) error {
	f, err := fsys.Open(path.Join(dir, epochName))
	if err != nil {
		return err
	}
	return errors.Join(writeEpoch(f, m, 1), f.Close())
}

// EpochBody is the body of a KindEpoch record, version 1: who wrote from here on.
type EpochBody struct {
	Group, Node, Build string
}

func (e EpochBody) encode() []byte {
	var b []byte
	for _, s := range []string{e.Group, e.Node, e.Build} {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	return b
}

// DecodeEpochBody reads the body of a KindEpoch record. The error is ErrCorrupt.
func DecodeEpochBody(b []byte) (EpochBody, error) {
	var out [3]string
	for i := range out {
		if len(b) < 2 || len(b)-2 < int(binary.LittleEndian.Uint16(b)) {
			return EpochBody{}, fmt.Errorf("%w: epoch record is cut short", ErrCorrupt)
		}
		n := int(binary.LittleEndian.Uint16(b))
		out[i], b = string(b[2:2+n]), b[2+n:]
	}
	if len(b) != 0 {
		return EpochBody{}, fmt.Errorf("%w: epoch record has %d bytes too many", ErrCorrupt, len(b))
	}
	return EpochBody{Group: out[0], Node: out[1], Build: out[2]}, nil
}
