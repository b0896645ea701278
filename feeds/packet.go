package feeds

import "sync"

// buffer is the bytes of one datagram on their way from a reader to the channel's actor. Whoever holds it releases it once; a
// buffer that is lost with a mailbox is the collector's.
type buffer struct {
	data []byte
	pool *pool
	out  bool // of the pool
}

// spareBuffers bounds what a pool keeps.
const spareBuffers = 1024

// pool lends buffers. It is safe for any number of goroutines.
type pool struct {
	mu   sync.Mutex
	free []*buffer
}

// lend returns a buffer with a copy of data.
func (p *pool) lend(data []byte) *buffer {
	p.mu.Lock()
	var b *buffer
	if n := len(p.free); n > 0 {
		b = p.free[n-1]
		p.free = p.free[:n-1]
	}
	p.mu.Unlock()
	if b == nil {
		b = &buffer{pool: p}
	}
	b.out = true
	b.data = append(b.data[:0], data...)
	return b
}

// release gives b back to its pool. A second release is a bug, for the bytes may be somebody else's already: it panics.
func (b *buffer) release() {
	p := b.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if !b.out {
		panic("feeds: buffer released twice")
	}
	b.out = false
	poison(b.data)
	if len(p.free) < spareBuffers {
		p.free = append(p.free, b)
	}
}
