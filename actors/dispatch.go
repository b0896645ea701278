package actors

import "context"

// Dispatch says who runs the handlers of a System. The zero Dispatch is invalid.
type Dispatch struct {
	kind    dispatchKind
	workers int
}

type dispatchKind uint8

const (
	sharedKind dispatchKind = iota + 1
	deterministicKind
)

// Shared is a pool of workers over one run queue; 0 means GOMAXPROCS of them. An actor with messages gets a
// turn of at most 64 messages or 100 microseconds and then goes to the end of the queue.
func Shared(workers int) Dispatch { return Dispatch{kind: sharedKind, workers: workers} }

// Deterministic is one thread, one message at a time, run by System.Drive; it needs the virtual clock. The
// next actor is the one that has been ready longest, or, with a Config.Seed other than 0, drawn from the seed.
func Deterministic() Dispatch { return Dispatch{kind: deterministicKind} }

// runnable is something that waits in a run queue for its turn.
type runnable interface {
	// turn runs it; false says that the worker was given up and must end.
	turn() bool
}

// dispatcher is the run queue behind a System.
type dispatcher interface {
	// push puts r at the end of the queue. r is in the queue at most once.
	push(r runnable)
	// pushQuietly is push by a worker that will look at the queue next, so nobody needs to be woken.
	pushQuietly(r runnable)
	// replace adds a worker for one that hangs in an abandoned handler, or that a Goexit ends.
	replace()
	// stop ends the workers and waits for them.
	stop(ctx context.Context) error
}

// ring is a queue that grows by doubling and is kept.
type ring struct {
	buf  []runnable
	head int
	n    int
}

func (q *ring) push(r runnable) {
	if q.n == len(q.buf) {
		q.grow()
	}
	q.buf[(q.head+q.n)&(len(q.buf)-1)] = r
	q.n++
}

func (q *ring) pop() runnable {
	r := q.buf[q.head]
	q.buf[q.head] = nil
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.n--
	return r
}

// pick takes the i-th from the head; the head takes its place.
func (q *ring) pick(i int) runnable {
	at := (q.head + i) & (len(q.buf) - 1)
	q.buf[q.head], q.buf[at] = q.buf[at], q.buf[q.head]
	return q.pop()
}

func (q *ring) grow() {
	bigger := make([]runnable, max(64, 2*len(q.buf)))
	for i := range q.n {
		bigger[i] = q.buf[(q.head+i)&(len(q.buf)-1)]
	}
	q.buf, q.head = bigger, 0
}
