package mailbox

import "math"

// maxPlaces is the greatest bound of a conflating lane: its places have numbers of 32 bits.
const maxPlaces = math.MaxInt32

// index is the number of a place or of a stream; 0 is none.
type index uint32

// places is the memory of a conflating lane: places linked in the order of the lane and, beside that, in the order of their
// stream, so that one is taken out of the middle at once. Places that became free are used again before a new one is.
type places[M any] struct {
	chunks     [][]place[M]
	size       int // places of a chunk
	begun      int // places that were ever used
	free       index
	head, tail index
	n          int
	used       int // messages but for the first Barrier of each stream
	streams    streams
}

// place is where a message waits.
type place[M any] struct {
	message M
	at      int64
	since   int64  // the first stamp in this place: a busy key does not look young
	seq     uint64 // of a gap, also of one that is owed: the last that was lost
	first   uint64 // of a State: the oldest that it replaced; of a gap: the first that was lost
	merged  int    // how many the State replaced

	next, prev    index // in the lane
	after, before index // in the stream
	stream        index

	kind     Kind
	rank     uint8
	snapshot bool
	gap      bool // a Barrier of the box's own, whose message is not made yet
	owes     bool // a Barrier that is followed by a gap in this same place
}

func (ps *places[M]) place(i index) *place[M] { return &ps.chunks[(i-1)/chunkSlots][(i-1)%chunkSlots] }

func (ps *places[M]) stream(id index) *stream { return &ps.streams.all[id-1] }

// fill puts a message in a place, new or that of another.
func (p *place[M]) fill(m *M, d Description, at int64) {
	p.message, p.at, p.seq, p.kind, p.rank, p.snapshot = *m, at, d.Seq, d.Kind, d.Rank, d.Snapshot
	if p.since == 0 {
		p.since = at
	}
}

// push puts a message at the tail.
func (ps *places[M]) push(id index, m *M, d Description, at int64) index {
	i := ps.get()
	p := ps.place(i)
	p.stream = id
	p.fill(m, d, at)
	ps.link(i)
	ps.enter(i, p)
	return i
}

// remove takes a message out, wherever it is.
func (ps *places[M]) remove(i index) {
	p := ps.place(i)
	ps.exit(i, p)
	ps.unlink(i)
	*p = place[M]{next: ps.free}
	ps.free = i
}

// turn makes a Barrier of an Event, in its place.
func (ps *places[M]) turn(i index) {
	p := ps.place(i)
	var none M
	ps.exit(i, p)
	p.message, p.at, p.since, p.kind = none, 0, 0, Barrier
	ps.enter(i, p)
}

// toTail puts a message behind all others.
func (ps *places[M]) toTail(i index) {
	ps.unlink(i)
	ps.link(i)
}

// enter counts a place for its stream.
func (ps *places[M]) enter(i index, p *place[M]) {
	s := ps.stream(p.stream)
	ps.n++
	switch p.kind {
	case Barrier:
		s.barrier = i
		s.barriers++
		if s.barriers == 1 {
			return
		}
	case State:
		s.state = i
	default:
	}
	ps.used++
}

// exit is the reverse of enter. The last Barrier leaves last, for Barriers leave in order.
func (ps *places[M]) exit(i index, p *place[M]) {
	s := ps.stream(p.stream)
	ps.n--
	switch p.kind {
	case Barrier:
		if s.barrier == i {
			s.barrier = 0
		}
		s.barriers--
		if s.barriers == 0 {
			return
		}
	case State:
		s.state = 0
	default:
	}
	ps.used--
}

// link puts a place at the tail of the lane and of its stream.
func (ps *places[M]) link(i index) {
	p := ps.place(i)
	s := ps.stream(p.stream)
	p.next, p.prev = 0, ps.tail
	p.after, p.before = 0, s.last
	if ps.tail == 0 {
		ps.head = i
	} else {
		ps.place(ps.tail).next = i
	}
	if s.last == 0 {
		s.first = i
	} else {
		ps.place(s.last).after = i
	}
	ps.tail, s.last = i, i
}

func (ps *places[M]) unlink(i index) {
	p := ps.place(i)
	s := ps.stream(p.stream)
	if p.prev == 0 {
		ps.head = p.next
	} else {
		ps.place(p.prev).next = p.next
	}
	if p.next == 0 {
		ps.tail = p.prev
	} else {
		ps.place(p.next).prev = p.prev
	}
	if p.before == 0 {
		s.first = p.after
	} else {
		ps.place(p.before).after = p.after
	}
	if p.after == 0 {
		s.last = p.before
	} else {
		ps.place(p.after).before = p.before
	}
}

// get finds a place that is free.
func (ps *places[M]) get() index {
	if i := ps.free; i != 0 {
		ps.free = ps.place(i).next
		return i
	}
	if ps.begun == len(ps.chunks)*ps.size {
		ps.grow()
	}
	ps.begun++
	return index(ps.begun) //nolint:gosec // at most maxPlaces
}

func (ps *places[M]) grow() { ps.chunks = append(ps.chunks, make([]place[M], ps.size)) }

// prealloc takes the memory for n messages at once.
func (ps *places[M]) prealloc(n int) {
	for len(ps.chunks)*ps.size < n {
		ps.grow()
	}
}

// oldestStamp finds the first stamped message, 0 if there is none; it looks no further than queue.oldestStamp.
func (ps *places[M]) oldestStamp() int64 {
	for i, n := ps.head, 0; i != 0 && n < 2*chunkSlots; n++ {
		p := ps.place(i)
		if p.since != 0 {
			return p.since
		}
		i = p.next
	}
	return 0
}
