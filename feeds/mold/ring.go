package mold

// ring keeps the last messages of a session as bytes. It grows in blocks as messages come, and uses the oldest block
// again once as many messages are kept as it may.
type ring struct {
	most   int // messages that are answered for
	next   uint64
	blocks []*block // oldest first; all but the last are full
}

const blockSize = 4096 // messages

// block is blockSize messages in a row, end to end.
type block struct {
	first uint64
	ends  []uint32 // where each one ends in bytes
	bytes []byte
}

func newRing(most int, first uint64) ring { return ring{most: most, next: first} }

// put keeps a copy of msg under the next number.
func (r *ring) put(msg []byte) {
	b := r.tail()
	b.bytes = append(b.bytes, msg...)
	b.ends = append(b.ends, uint32(len(b.bytes)))
	r.next++
}

// tail returns the block that has room.
func (r *ring) tail() *block {
	n := len(r.blocks)
	if n > 0 && len(r.blocks[n-1].ends) < blockSize {
		return r.blocks[n-1]
	}
	var b *block
	if n > 0 && r.next-r.blocks[0].first >= uint64(r.most+blockSize) { // its last message is no longer answered for
		b = r.blocks[0]
		copy(r.blocks, r.blocks[1:])
		r.blocks = r.blocks[:n-1]
		b.ends, b.bytes = b.ends[:0], b.bytes[:0]
	} else {
		b = &block{ends: make([]uint32, 0, blockSize)}
	}
	b.first = r.next
	r.blocks = append(r.blocks, b)
	return b
}

// oldest returns the lowest number that is answered for; next when there is none.
func (r *ring) oldest() uint64 {
	if len(r.blocks) == 0 {
		return r.next
	}
	first := r.blocks[0].first
	if r.next-first > uint64(r.most) {
		return r.next - uint64(r.most)
	}
	return first
}

// at returns the message of number seq, which must be from oldest to before next.
func (r *ring) at(seq uint64) []byte {
	at := seq - r.blocks[0].first
	b, i := r.blocks[at/blockSize], at%blockSize
	from := uint32(0)
	if i > 0 {
		from = b.ends[i-1]
	}
	return b.bytes[from:b.ends[i]]
}
