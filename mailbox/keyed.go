package mailbox

// keyed is the queue of a conflating lane: the rules by which messages of one key replace each other. The box must be
// locked.
type keyed[M any] struct {
	places[M]
	lane      *lane[M] // for its counts
	gapOf     func(Key, uint64, uint64) M
	maxKeys   int
	room      int         // for all but the first Barrier of each key, which has a place of its own
	exhausted bool        // a key was turned away
	spare     []Letter[M] // memory for the letters of an offer that drops many
	broken    any         // what gapOf panicked with, until Take says so; it belongs to the consumer's side
}

func newKeyed[M any](l *lane[M], maxKeys int, gapOf func(Key, uint64, uint64) M) *keyed[M] {
	return &keyed[M]{
		places: places[M]{size: min(l.bound, chunkSlots)},
		lane:   l, gapOf: gapOf, maxKeys: maxKeys, room: l.bound - maxKeys,
	}
}

// put queues a message, or does with it what its kind demands, or says why it cannot.
func (q *keyed[M]) put(m *M, d Description, at int64, out *outcome[M]) Reason {
	id := q.streams.of(d.Key, q.maxKeys)
	if id == 0 {
		out.exhausted = !q.exhausted
		q.exhausted = true
		return Keys
	}
	switch d.Kind {
	case State:
		return q.putState(id, m, d, at, out)
	case Barrier:
		return q.putBarrier(id, m, d, at, out)
	default:
		return q.putEvent(id, m, d, at, out)
	}
}

// putState replaces the queued State of the key. Where something of the key lies behind that, the new one goes to the
// tail, so that it does not overtake an Event; else it stays, so that a busy key keeps its turn.
func (q *keyed[M]) putState(id index, m *M, d Description, at int64, out *outcome[M]) Reason {
	s := q.stream(id)
	i := s.state
	if i == 0 {
		if q.used >= q.room {
			return Full
		}
		q.accept(id, m, d, at)
		return 0
	}
	q.lane.counts.Accepted++
	p := q.place(i)
	if d.Seq < p.seq {
		q.drop(Letter[M]{Message: *m, Reason: Stale, At: at}, out)
		return 0
	}
	q.drop(Letter[M]{Message: p.message, Reason: Conflated, At: p.at}, out)
	if p.merged == 0 {
		p.first = p.seq
	}
	p.merged++
	p.fill(m, d, at)
	if s.last != i {
		q.toTail(i)
	}
	return 0
}

// putBarrier makes the queued State of the key void, and queues the Barrier or puts it in the place of the one before it.
func (q *keyed[M]) putBarrier(id index, m *M, d Description, at int64, out *outcome[M]) Reason {
	s := q.stream(id)
	old := q.replaceable(s, d)
	if old == 0 && s.state == 0 && s.barriers > 0 && q.used >= q.room {
		return Full
	}
	if i := s.state; i != 0 {
		p := q.place(i)
		q.drop(Letter[M]{Message: p.message, Reason: Conflated, At: p.at}, out)
		q.remove(i)
	}
	s.gapped = s.gapped && !d.Snapshot
	if old == 0 {
		q.accept(id, m, d, at)
		return 0
	}
	q.lane.counts.Accepted++
	p := q.place(old)
	q.drop(Letter[M]{Message: p.message, Reason: Conflated, At: p.at}, out)
	p.fill(m, d, at)
	return 0
}

// replaceable is the Barrier whose place a newer one may take: it is not stronger, no Event waits behind it, and it says
// nothing that the newer one does not: a gap is never taken back, a snapshot by another alone.
func (q *keyed[M]) replaceable(s *stream, d Description) index {
	i := s.barrier
	if i == 0 {
		return 0
	}
	p := q.place(i)
	adjacent := s.last == i || p.after == s.state && s.last == s.state
	if !adjacent || p.gap || p.owes || p.rank > d.Rank || p.snapshot && !d.Snapshot {
		return 0
	}
	return i
}

// putEvent queues an Event, or makes it part of a gap where it finds no room.
func (q *keyed[M]) putEvent(id index, m *M, d Description, at int64, out *outcome[M]) Reason {
	s := q.stream(id)
	if !s.gapped && q.used < q.room {
		q.accept(id, m, d, at)
		return 0
	}
	from, to := q.tear(id, d.Seq, out)
	if !s.gapped {
		s.gapped = true
		out.gapped, out.from, out.to = true, from, to
	}
	return Gapped
}

// tear makes a lost Event part of the gap behind the last Barrier of its key. The Events that wait there are lost with
// it, for what follows a hole is worth nothing and what is before it can no longer be told from that. The gap stands in
// the place of the first of them; where none waits, and there is no room, it follows in the place of that Barrier.
func (q *keyed[M]) tear(id index, seq uint64, out *outcome[M]) (from, to uint64) {
	s := q.stream(id)
	from, to = seq, seq
	next := s.first
	if s.barrier != 0 {
		p := q.place(s.barrier)
		if p.gap || p.owes {
			p.first, p.seq = min(p.first, seq), max(p.seq, seq)
			return p.first, p.seq
		}
		next = p.after
	}
	first := index(0)
	for next != 0 {
		i, p := next, q.place(next)
		next = p.after
		if p.kind != Event {
			continue
		}
		from, to = min(from, p.seq), max(to, p.seq)
		q.drop(Letter[M]{Message: p.message, Reason: Overflow, At: p.at}, out)
		if first == 0 {
			first = i
			continue
		}
		q.remove(i)
	}
	switch {
	case first != 0:
		q.turn(first)
	case s.barriers == 0 || q.used < q.room:
		var none M
		first = q.push(id, &none, Description{Kind: Barrier}, 0)
	default:
		p := q.place(s.barrier)
		p.owes, p.first, p.seq = true, from, to
		return from, to
	}
	p := q.place(first)
	p.gap, p.first, p.seq = true, from, to
	q.countGap()
	return from, to
}

// accept queues what a sender offered.
func (q *keyed[M]) accept(id index, m *M, d Description, at int64) {
	q.lane.counts.Accepted++
	q.push(id, m, d, at)
}

// countGap counts a message of the box's own.
func (q *keyed[M]) countGap() {
	q.lane.counts.Accepted++
	q.lane.counts.Gaps++
}

// drop counts a message that was accepted and will not be handled.
func (q *keyed[M]) drop(letter Letter[M], out *outcome[M]) {
	letter.Lane = Data
	q.lane.drop(letter.Reason, 1)
	out.drop(letter, &q.spare)
}

// pop takes the oldest message into item and says whether it is a State; the queue must not be empty.
func (q *keyed[M]) pop(item *Item[M]) (state bool) {
	p := q.place(q.head)
	*item = Item[M]{Message: p.message, Lane: Data, At: p.at}
	switch {
	case p.gap:
		item.Message = q.makeGap(q.stream(p.stream).key, p.first, p.seq)
	case p.kind == State && p.merged > 0:
		item.Coalesced = Coalesced{FirstSeq: p.first, N: p.merged}
	}
	state = p.kind == State
	if p.owes {
		var none M
		p.message, p.at, p.since, p.snapshot = none, 0, 0, false
		p.owes, p.gap = false, true
		q.countGap()
		return false
	}
	q.remove(q.head)
	return state
}

// makeGap keeps a panic of gapOf until nobody is locked out by it.
func (q *keyed[M]) makeGap(k Key, from, to uint64) M {
	defer func() {
		if p := recover(); p != nil {
			q.broken = p
		}
	}()
	return q.gapOf(k, from, to)
}

// detach hands out all messages as a plain queue and leaves q empty, without memory.
func (q *keyed[M]) detach() queue[M] {
	out := queue[M]{size: q.size}
	var item Item[M]
	for q.n > 0 {
		q.place(q.head).owes = false // what it is owed for had letters of its own
		q.pop(&item)
		out.push(&item.Message, item.At)
	}
	q.places = places[M]{size: q.size}
	q.spare, q.broken = nil, nil
	return out
}
