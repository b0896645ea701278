package journal

import (
	"maps"
	"math/rand/v2"
)

// Loss says what a crash does to what was not synced.
type Loss uint8

// What a crash keeps.
const (
	// LoseAll drops every write and directory change since the last sync.
	LoseAll Loss = iota + 1
	// LoseTail keeps a random first part of them, in order; the last write kept may be cut anywhere.
	LoseTail
	// LoseSectors keeps random sectors of 512 bytes of them, in no order, as a disk with a cache may.
	LoseSectors
	// LoseNothing keeps all: the process ended, the machine did not.
	LoseNothing
)

// Crash ends every open handle and every lock, and drops what was not durable as loss says.
func (m *MemFS) Crash(loss Loss) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life++
	clear(m.locks)
	for _, name := range sortedKeys(m.dirs) {
		d := m.dirs[name]
		keep := len(d.ops)
		switch loss {
		case LoseAll:
			keep = 0
		case LoseTail, LoseSectors: // A directory's changes are kept in order by every journalling file system.
			keep = m.random.IntN(len(d.ops) + 1)
		case LoseNothing:
		}
		for _, op := range d.ops[:keep] {
			op.apply(d.durable)
		}
		d.ops, d.live = nil, maps.Clone(d.durable)
		for _, file := range sortedKeys(d.live) {
			d.live[file].crash(loss, m.random)
		}
	}
}

// crash keeps what loss says of the writes since the last sync.
func (in *memInode) crash(loss Loss, random *rand.Rand) {
	keep := len(in.writes)
	part := -1 // bytes of the last write that is kept, -1 all
	switch loss {
	case LoseAll:
		keep = 0
	case LoseTail:
		keep = random.IntN(len(in.writes) + 1)
		if keep > 0 && in.writes[keep-1].data != nil {
			part = random.IntN(len(in.writes[keep-1].data) + 1)
		}
	case LoseSectors, LoseNothing:
	}
	for i, w := range in.writes[:keep] {
		switch {
		case loss == LoseSectors && w.data != nil:
			w.sectors(random, func(s memWrite) { in.durable = s.apply(in.durable) })
		case i == keep-1 && part >= 0:
			w.data = w.data[:part]
			in.durable = w.apply(in.durable)
		default:
			in.durable = w.apply(in.durable)
		}
	}
	in.writes, in.live = nil, append([]byte{}, in.durable...)
}

// sectors gives a random choice of w's sectors to put.
func (w memWrite) sectors(random *rand.Rand, put func(memWrite)) {
	for from := 0; from < len(w.data); {
		to := min(len(w.data), from+sector-(w.off+from)%sector)
		if random.IntN(2) == 0 {
			put(memWrite{off: w.off + from, data: w.data[from:to]})
		}
		from = to
	}
}
