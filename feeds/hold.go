package feeds

import "bytes"

// early is one datagram that came ahead of what is expected.
type early struct {
	first uint64
	count int
	end   bool
	line  int
	in    Input // its Data is a copy of the body in a buffer of the hold
}

// hold keeps early datagrams in order of their first sequence. It copies what it keeps into buffers of its own, which
// it uses again.
type hold struct {
	kept     []early
	base     []early // the whole of the array that kept lies in
	messages int
	bytes    int
	free     [][]byte
}

func (h *hold) len() int { return len(h.kept) }

// first returns the lowest sequence held; there must be one.
func (h *hold) first() uint64 { return h.kept[0].first }

// has reports whether the very same datagram is held.
func (h *hold) has(first uint64, count int, body []byte) bool {
	for i := len(h.kept) - 1; i >= 0 && h.kept[i].first >= first; i-- {
		if e := &h.kept[i]; e.first == first && e.count == count && bytes.Equal(e.in.Data, body) {
			return true
		}
	}
	return false
}

// put keeps a copy of e.
func (h *hold) put(e early) {
	e.in.Data = append(h.buffer(), e.in.Data...)
	h.messages += e.count
	h.bytes += len(e.in.Data)
	if len(h.kept) == cap(h.kept) && len(h.kept) < len(h.base)/2 { // move to the front rather than grow
		n := copy(h.base, h.kept)
		clear(h.base[n:])
		h.kept = h.base[:n]
	}
	i := len(h.kept)
	h.kept = append(h.kept, e)
	if cap(h.kept) > len(h.base) {
		h.base = h.kept[:cap(h.kept)]
	}
	for i > 0 && h.kept[i-1].first > e.first {
		h.kept[i] = h.kept[i-1]
		i--
	}
	h.kept[i] = e
}

// buffer returns an empty buffer, a used one where there is one.
func (h *hold) buffer() []byte {
	if n := len(h.free); n > 0 {
		b := h.free[n-1]
		h.free = h.free[:n-1]
		return b[:0]
	}
	return nil
}

// pop takes the lowest one out. Its data stays valid until release.
func (h *hold) pop() early {
	e := h.kept[0]
	h.kept[0] = early{}
	h.kept = h.kept[1:]
	h.messages -= e.count
	h.bytes -= len(e.in.Data)
	return e
}

// release gives the buffer of e back.
func (h *hold) release(e early) {
	const spare = 256 // buffers kept beyond need
	if len(h.free) < spare {
		h.free = append(h.free, e.in.Data)
	}
}

// drop lets everything go.
func (h *hold) drop() {
	for _, e := range h.kept {
		h.release(e)
	}
	clear(h.kept)
	h.kept, h.messages, h.bytes = h.base[:0], 0, 0
}
