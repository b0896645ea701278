package cluster

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/hashicorp/raft"
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// codecID names our entry format in the log's segments; a log of another format is refused.
const codecID = 0x46530001

const codecHead = 4 + 8 + 8 + 1 + 8 + 4 + 4

// codec writes log entries with a checksum each and verifies it at every read:
// the store itself checks none when it reads. An entry is, little endian:
//
//	u32 CRC32C of all that follows · u64 index · u64 term · u8 type ·
//	i64 appended at, ns since 1970 or 0 · u32 length of data ·
//	u32 length of extensions · data · extensions
type codec struct{}

// ID implements the store's Codec.
func (codec) ID() uint64 { return codecID }

// Encode implements the store's Codec.
func (codec) Encode(l *raft.Log, w io.Writer) error {
	var head [codecHead]byte
	binary.LittleEndian.PutUint64(head[4:], l.Index)
	binary.LittleEndian.PutUint64(head[12:], l.Term)
	head[20] = byte(l.Type)
	if !l.AppendedAt.IsZero() {
		binary.LittleEndian.PutUint64(head[21:], uint64(l.AppendedAt.UnixNano()))
	}
	binary.LittleEndian.PutUint32(head[29:], uint32(len(l.Data)))
	binary.LittleEndian.PutUint32(head[33:], uint32(len(l.Extensions)))
	sum := crc32.Checksum(head[4:], crcTable)
	sum = crc32.Update(sum, crcTable, l.Data)
	sum = crc32.Update(sum, crcTable, l.Extensions)
	binary.LittleEndian.PutUint32(head[:], sum)
	for _, b := range [][]byte{head[:], l.Data, l.Extensions} {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// Decode implements the store's Codec. Its error is ErrCorrupt. l keeps nothing of b.
func (codec) Decode(b []byte, l *raft.Log) error {
	if len(b) < codecHead {
		return fmt.Errorf("%w: log entry of %d bytes, want at least %d", ErrCorrupt, len(b), codecHead)
	}
	if got, want := crc32.Checksum(b[4:], crcTable), binary.LittleEndian.Uint32(b); got != want {
		return fmt.Errorf("%w: log entry: checksum %08x, want %08x", ErrCorrupt, got, want)
	}
	data, ext := uint64(binary.LittleEndian.Uint32(b[29:])), uint64(binary.LittleEndian.Uint32(b[33:]))
	if codecHead+data+ext != uint64(len(b)) {
		return fmt.Errorf("%w: log entry of %d bytes, want %d + %d + %d", ErrCorrupt, len(b), codecHead, data, ext)
	}
	*l = raft.Log{
		Index:      binary.LittleEndian.Uint64(b[4:]),
		Term:       binary.LittleEndian.Uint64(b[12:]),
		Type:       raft.LogType(b[20]),
		Data:       clone(b[codecHead : codecHead+data]),
		Extensions: clone(b[codecHead+data:]),
	}
	if at := int64(binary.LittleEndian.Uint64(b[21:])); at != 0 {
		l.AppendedAt = time.Unix(0, at)
	}
	return nil
}

func clone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}
