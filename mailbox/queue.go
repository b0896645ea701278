package mailbox

// chunkSlots is how many messages a lane's memory grows by.
const chunkSlots = 64

type slot[M any] struct {
	message M
	at      int64
}

type chunk[M any] struct {
	next  *chunk[M]
	slots []slot[M]
}

// queue is first in, first out over a list of chunks. Drained chunks are kept and used again, so that memory
// follows the greatest depth seen and steady work allocates nothing. It does not know its bound.
type queue[M any] struct {
	head, tail *chunk[M] // messages run from head[first] to tail[last)
	free       *chunk[M]
	first      int
	last       int
	n          int
	size       int  // slots of a chunk
	chunks     int  // chunks made, in use or free
	flagged    bool // of a consumer's queue: its bit is set in the state of the box
}

func (q *queue[M]) push(m *M, at int64) {
	if q.tail == nil || q.last == q.size {
		q.grow()
	}
	s := &q.tail.slots[q.last]
	s.message, s.at = *m, at
	q.last++
	q.n++
}

// pop takes the oldest message into item; the queue must not be empty. The slot is cleared, so that a message
// is not kept alive by a place where it once waited.
func (q *queue[M]) pop(item *Item[M]) {
	s := &q.head.slots[q.first]
	item.Message, item.At, item.Coalesced = s.message, s.at, Coalesced{}
	*s = slot[M]{}
	q.first++
	q.n--
	switch {
	case q.n == 0:
		// The same chunk from its beginning: a shallow queue stays in one piece of warm memory.
		q.first, q.last = 0, 0
	case q.first == q.size:
		done := q.head
		q.head, q.first = done.next, 0
		done.next, q.free = q.free, done
	}
}

func (q *queue[M]) grow() {
	c := q.free
	if c != nil {
		q.free, c.next = c.next, nil
	} else {
		c = &chunk[M]{slots: make([]slot[M], q.size)}
		q.chunks++
	}
	if q.tail == nil {
		q.head, q.first = c, 0
	} else {
		q.tail.next = c
	}
	q.tail, q.last = c, 0
}

// takeOver makes q, which is empty, hold all that from holds, and leaves it q's chunk in return.
func (q *queue[M]) takeOver(from *queue[M]) {
	spare := q.head
	q.head, q.tail, q.first, q.last, q.n = from.head, from.tail, from.first, from.last, from.n
	from.head, from.tail, from.first, from.last, from.n = spare, spare, 0, 0, 0
}

// reuse takes the chunks that from has drained; of one that is empty and was deep, the last one too.
func (q *queue[M]) reuse(from *queue[M]) {
	if from.free == nil {
		return
	}
	if from.n == 0 {
		from.head.next, from.free = from.free, from.head
		from.head, from.tail = nil, nil
	}
	for c := from.free; c != nil; {
		next := c.next
		c.next, q.free = q.free, c
		c = next
	}
	from.free = nil
}

// prealloc takes the memory for n messages at once.
func (q *queue[M]) prealloc(n int) {
	for have := q.chunks * q.size; have < n; have += q.size {
		q.free = &chunk[M]{next: q.free, slots: make([]slot[M], q.size)}
		q.chunks++
	}
}

// detach hands out all messages as a queue of their own and leaves q empty, without memory.
func (q *queue[M]) detach() queue[M] {
	old := *q
	*q = queue[M]{size: q.size, flagged: false}
	return old
}

// oldestStamp finds the first stamped message, 0 if there is none. One in chunkSlots is stamped, so the look
// is short.
func (q *queue[M]) oldestStamp() int64 {
	c, i := q.head, q.first
	for range min(q.n, 2*chunkSlots) {
		if at := c.slots[i].at; at != 0 {
			return at
		}
		if i++; i == q.size {
			c, i = c.next, 0
		}
	}
	return 0
}
