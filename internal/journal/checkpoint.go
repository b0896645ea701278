package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// ErrCheckpoint is the answer to a checkpoint that cannot be: it covers what is not durable, nothing that the last one does
// not cover, or another was begun since.
var ErrCheckpoint = errors.New("journal: no such checkpoint")

// Checkpoint says where in the log a caller's state stands, so that a restart need not read what is before. It counts when its
// closing record is durable. The zero Checkpoint is none.
type Checkpoint struct {
	// Covers is the last record that the state has in it: a restart reads on behind it.
	Covers LSN
	// First is the first part of it and Close its closing record. Records of others may stand between them.
	First, Close LSN
	// Parts is how many there are, and Size how many bytes of the log parts and closing record take.
	Parts int
	Size  int64
}

const (
	checkpointVersion = 1
	partHead          = 16
	closeSize         = partHead + 16

	// MaxPart is the most bytes that one part may have: a state is as many parts as it takes.
	MaxPart = MaxBody - partHead
)

// A part, little endian: u8 1 · three zeros · u32 index, from 0 · u64 covers · the caller's bytes.
// A closing record: u8 2 · three zeros · u32 number of parts · u64 covers · u64 LSN of the first
// part · u32 CRC32C of the caller's bytes of all parts · u32 zero.
const (
	isPart  = 1
	isClose = 2
)

// Part is one record of a checkpoint, as Replay gives it.
type Part struct {
	// Index counts the parts from 0; of the closing record it is their number.
	Index int
	// Covers is that of the checkpoint.
	Covers LSN
	// Last says that this is the closing record: it has no bytes.
	Last bool
	// Bytes are the caller's, valid as long as the record's body.
	Bytes []byte

	first LSN
	sum   uint32
}

// PartOf reads a record of a checkpoint. The error is ErrCorrupt for one that says nothing to this version.
func PartOf(r Record) (Part, error) {
	b := r.Body
	if r.Kind != KindCheckpoint || r.Version != checkpointVersion || len(b) < partHead || b[0] != isPart && b[0] != isClose ||
		b[0] == isClose && len(b) != closeSize {
		return Part{}, fmt.Errorf("%w: LSN %d is no part of a checkpoint that this version knows", ErrCorrupt, r.LSN)
	}
	p := Part{Index: int(binary.LittleEndian.Uint32(b[4:])), Covers: LSN(binary.LittleEndian.Uint64(b[8:]))}
	if b[0] == isPart {
		p.Bytes = b[partHead:]
		return p, nil
	}
	p.Last = true
	p.first, p.sum = LSN(binary.LittleEndian.Uint64(b[16:])), binary.LittleEndian.Uint32(b[24:])
	return p, nil
}

func (p Part) encode(b []byte) []byte {
	what := byte(isPart)
	if p.Last {
		what = isClose
	}
	b = append(b, what, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(p.Index))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Covers))
	if !p.Last {
		return append(b, p.Bytes...)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(p.first))
	b = binary.LittleEndian.AppendUint32(b, p.sum)
	return binary.LittleEndian.AppendUint32(b, 0)
}

// gathering follows the records of a log and finds the checkpoints that are whole. A life that ended in the middle of one
// leaves parts that nothing closes: they count for nothing.
type gathering struct {
	c     Checkpoint
	epoch uint32
	sum   uint32
	open  bool
}

// see takes the next record and returns the checkpoint that it closes, if it does.
func (g *gathering) see(r Record) (Checkpoint, bool) {
	if r.Kind != KindCheckpoint {
		return Checkpoint{}, false
	}
	p, err := PartOf(r)
	size := int64(frameSize(len(r.Body)))
	switch {
	case err != nil:
		g.open = false
	case p.Last:
		whole := g.open && p.Index == g.c.Parts && p.Covers == g.c.Covers && p.first == g.c.First && p.sum == g.sum && r.Epoch == g.epoch
		g.open = false
		g.c.Close, g.c.Size = r.LSN, g.c.Size+size
		return g.c, whole
	case p.Index == 0:
		*g = gathering{
			c: Checkpoint{Covers: p.Covers, First: r.LSN, Parts: 1, Size: size}, epoch: r.Epoch, sum: crc32.Checksum(p.Bytes, crcTable),
			open: p.Covers < r.LSN,
		}
	case g.open && p.Index == g.c.Parts && p.Covers == g.c.Covers && r.Epoch == g.epoch:
		g.c.Parts, g.c.Size, g.sum = g.c.Parts+1, g.c.Size+size, crc32.Update(g.sum, crcTable, p.Bytes)
	default:
		g.open = false
	}
	return Checkpoint{}, false
}

// CheckpointWriter appends the parts of one checkpoint. It is for one goroutine.
type CheckpointWriter struct {
	l   *Log
	c   Checkpoint
	sum uint32
	buf []byte
}

// BeginCheckpoint begins a checkpoint of the state after the record covers, which must be durable and behind what the last
// checkpoint covers: else it is ErrCheckpoint. Nothing is appended yet. One that was begun before and not closed is given up.
func (l *Log) BeginCheckpoint(covers LSN) (*CheckpointWriter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	good := l.checkpoint()
	if covers > l.Watermark() || covers <= good.Covers {
		return nil, fmt.Errorf("%w: it would cover LSN %d, want one above %d and durable, up to %d", ErrCheckpoint, covers, good.Covers, l.Watermark())
	}
	l.writer = &CheckpointWriter{l: l, c: Checkpoint{Covers: covers}}
	return l.writer, nil
}

// Part appends the next part, of at most MaxPart bytes, which it copies. The errors are those of Append, and ErrCheckpoint when
// another was begun since; after ErrFull the same part may be tried again. A writer that wants to disturb nobody waits
// for the watermark after every few.
func (w *CheckpointWriter) Part(b []byte) (LSN, error) {
	if len(b) > MaxPart {
		return 0, fmt.Errorf("%w: part of %d bytes, want at most %d", ErrTooLarge, len(b), MaxPart)
	}
	lsn, err := w.append(Part{Index: w.c.Parts, Covers: w.c.Covers, Bytes: b})
	if err != nil {
		return 0, err
	}
	if w.c.Parts == 0 {
		w.c.First = lsn
	}
	w.c.Parts, w.sum = w.c.Parts+1, crc32.Update(w.sum, crcTable, b)
	return lsn, nil
}

// Close appends the closing record: once that is durable the checkpoint counts. It needs at least one part.
func (w *CheckpointWriter) Close() (LSN, error) {
	if w.c.Parts == 0 {
		return 0, fmt.Errorf("%w: it has no part", ErrCheckpoint)
	}
	return w.append(Part{Last: true, Index: w.c.Parts, Covers: w.c.Covers, first: w.c.First, sum: w.sum})
}

func (w *CheckpointWriter) append(p Part) (LSN, error) {
	w.buf = p.encode(w.buf[:0])
	w.l.mu.Lock()
	if w.l.writer != w {
		w.l.mu.Unlock()
		return 0, fmt.Errorf("%w: it was closed, or another was begun", ErrCheckpoint)
	}
	lsn, tell, err := w.l.queue(KindCheckpoint, checkpointVersion, w.buf)
	if err == nil {
		w.c.Size += int64(frameSize(len(w.buf)))
	}
	if err == nil && p.Last {
		w.c.Close = lsn
		w.l.closing, w.l.writer = w.c, nil
	}
	w.l.mu.Unlock()
	w.l.answer(tell, err)
	return lsn, err
}

// checkpoint is the last one that is durable. The caller holds mu.
func (l *Log) checkpoint() Checkpoint {
	if l.closing.Close > 0 && l.Watermark() >= l.closing.Close {
		l.good, l.closing = l.closing, Checkpoint{}
	}
	return l.good
}

// Checkpoint returns the last one that is whole and durable, the zero one if there is none.
func (l *Log) Checkpoint() Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkpoint()
}

// Due returns what a checkpoint would cover now, the end of the last segment that nobody writes any more, and whether it is
// time for one: when at least one such segment is behind what the last one covers, and the log grew by twice the last one's own
// size since. A log that is Low takes none: its room is for the words about orders.
func (l *Log) Due() (covers LSN, due bool) {
	if l.State() != OK || l.Low() || l.o.Files > 0 {
		return 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	good, n := l.checkpoint(), len(l.segments)
	if n < 2 {
		return 0, false
	}
	from, _ := slices.BinarySearch(l.segments, good.Covers+1)
	grown := int64(n-1-from)*l.o.Segment - good.Size // its own records are no growth
	return l.segments[n-1] - 1, n-1 > from && grown >= 2*good.Size
}
