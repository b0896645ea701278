package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	// MaxBody is the most bytes a record's body may have: 16 KiB.
	MaxBody = 16 << 10

	frameHead = 32 // bytes before the body
	frameSkip = 8  // length and checksum, which the checksum does not cover
	frameStep = 8  // frames begin at multiples of this
	frameMax  = frameHead + MaxBody
)

// crcTable is Castagnoli's polynomial, for which the processors we run on have an instruction.
var crcTable = crc32.MakeTable(crc32.Castagnoli)

// A frame, little endian:
//
//	u32 length of all that follows the checksum, without the padding
//	u32 CRC32C of those bytes
//	u64 LSN · u32 epoch · u8 kind · u8 version · u16 zero · i64 wall ns · body
//	zero bytes up to a multiple of 8
//
// A length of zero is the end of the log: preallocated space reads as zeros.

// Why a frame does not count. They are told apart only to be named in errors.
var (
	errFrameEnd     = errors.New("end of the log")
	errFrameLength  = errors.New("impossible length")
	errFrameShort   = errors.New("cut short")
	errFrameSum     = errors.New("checksum differs")
	errFrameZeros   = errors.New("reserved bytes are not zero")
	errFramePadding = errors.New("padding is not zero")
)

// frameSize returns the bytes a frame with a body of n bytes takes.
func frameSize(n int) int { return (frameHead + n + frameStep - 1) &^ (frameStep - 1) }

// appendFrame appends the frame of r to dst and returns it. The caller has checked the body's size.
func appendFrame(dst []byte, r Record) []byte {
	at := len(dst)
	size := frameSize(len(r.Body))
	var head [frameHead]byte
	binary.LittleEndian.PutUint32(head[0:], uint32(frameHead-frameSkip+len(r.Body)))
	binary.LittleEndian.PutUint64(head[8:], uint64(r.LSN))
	binary.LittleEndian.PutUint32(head[16:], r.Epoch)
	head[20], head[21] = uint8(r.Kind), r.Version
	binary.LittleEndian.PutUint64(head[24:], uint64(r.Wall))
	dst = append(dst, head[:]...)
	dst = append(dst, r.Body...)
	var pad [frameStep]byte
	dst = append(dst, pad[:size-frameHead-len(r.Body)]...)
	sum := crc32.Checksum(dst[at+frameSkip:at+frameHead+len(r.Body)], crcTable)
	binary.LittleEndian.PutUint32(dst[at+4:], sum)
	return dst
}

// parseFrame reads the frame at the head of b and returns it with its size in b.
// The body is a slice of b. On error the size is 0, and nothing may be concluded
// from the record.
func parseFrame(b []byte) (Record, int, error) {
	if len(b) < frameHead {
		return Record{}, 0, errFrameShort
	}
	length := binary.LittleEndian.Uint32(b)
	if length == 0 {
		return Record{}, 0, errFrameEnd
	}
	if length < frameHead-frameSkip || length > frameHead-frameSkip+MaxBody {
		return Record{}, 0, fmt.Errorf("%w: %d", errFrameLength, length)
	}
	end := frameSkip + int(length)
	size := frameSize(end - frameHead)
	if len(b) < size {
		return Record{}, 0, errFrameShort
	}
	if crc32.Checksum(b[frameSkip:end], crcTable) != binary.LittleEndian.Uint32(b[4:]) {
		return Record{}, 0, errFrameSum
	}
	if b[22] != 0 || b[23] != 0 {
		return Record{}, 0, errFrameZeros
	}
	for _, c := range b[end:size] {
		if c != 0 {
			return Record{}, 0, errFramePadding
		}
	}
	return Record{
		LSN:     LSN(binary.LittleEndian.Uint64(b[8:])),
		Epoch:   binary.LittleEndian.Uint32(b[16:]),
		Kind:    Kind(b[20]),
		Version: b[21],
		Wall:    int64(binary.LittleEndian.Uint64(b[24:])),
		Body:    b[frameHead:end:end],
	}, size, nil
}
