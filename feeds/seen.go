package feeds

import (
	"encoding/binary"
	"math/bits"
)

// seen remembers the bytes of delivered messages by a 64-bit digest, so that a second copy can be told from a
// contradiction. A digest of 0 says that the message was given up, not delivered.
type seen struct{ digests []uint64 }

func newSeen(n int) seen { return seen{make([]uint64, n)} }

func (s *seen) put(seq uint64, msg []byte) { s.digests[seq&uint64(len(s.digests)-1)] = Digest(msg) }

// skip forgets what stood where from … to-1 will be looked for.
func (s *seen) skip(from, to uint64) {
	n := uint64(len(s.digests))
	if to-from >= n {
		clear(s.digests)
		return
	}
	for ; from < to; from++ {
		s.digests[from&(n-1)] = 0
	}
}

// differs reports whether seq, which is below next, was delivered with other bytes. It is false where seq was given
// up or lies beyond what is remembered.
func (s *seen) differs(seq, next uint64, msg []byte) bool {
	n := uint64(len(s.digests))
	if next-seq > n {
		return false
	}
	d := s.digests[seq&(n-1)]
	return d != 0 && d != Digest(msg)
}

func (s *seen) clear() { clear(s.digests) }

// Digest folds b into 64 bits by multiplication, eight bytes at a time, and is never 0. Two copies of one message
// that differ share a digest by an accident of 1 in 2^64; nobody gains by making one happen, so it need not be a
// cryptographic one.
func Digest(b []byte) uint64 {
	const k0, k1 = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
	h := uint64(len(b))*k0 ^ k1
	for len(b) >= 8 {
		h = fold(h^binary.LittleEndian.Uint64(b), k0)
		b = b[8:]
	}
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	return fold(h^tail, k1) | 1
}

// fold mixes the 128-bit product. Zero as a factor would absorb everything, so the sum of both is kept in.
func fold(a, k uint64) uint64 {
	hi, lo := bits.Mul64(a, k)
	return hi ^ lo ^ a
}
