package mailbox

// ByKey says which messages of Control ask for the same thing, so that the lane cannot fill by repetition: while one of a
// key waits, a second is accepted and dropped as conflated at once, also where the lane is full. The first keeps its
// place and is what will be handled; once it was taken, the next of its key waits anew. What f gives false for is never
// merged. F is called several times for each message of Control, also with the box locked, must be pure, quick, and must
// not call the box. K may be an interface: a key that cannot be compared panics in Offer. It needs a lane Control.
func ByKey[M any, K comparable](f func(M) (K, bool)) Option[M] {
	return func(b *Box[M]) { b.merges = &requests[M, K]{key: f, waiting: make(map[K]struct{})} }
}

// merger knows which requests wait in Control. All but mergeable is called with the box locked.
type merger[M any] interface {
	// mergeable says whether another message can be the same request as m.
	mergeable(m M) bool
	waits(m M) bool
	add(m M)
	remove(m M)
	clear()
}

type requests[M any, K comparable] struct {
	key     func(M) (K, bool)
	waiting map[K]struct{}
}

// mergeable compares the key with itself. That panics for one that cannot be compared, while nobody holds the lock, and
// finds those that equal nothing, which the set would keep for ever.
func (q *requests[M, K]) mergeable(m M) bool {
	k, ok := q.key(m)
	again := k
	return ok && k == again
}

func (q *requests[M, K]) waits(m M) bool {
	k, _ := q.key(m)
	_, there := q.waiting[k]
	return there
}

func (q *requests[M, K]) add(m M) {
	k, _ := q.key(m)
	q.waiting[k] = struct{}{}
}

func (q *requests[M, K]) remove(m M) {
	if k, ok := q.key(m); ok {
		delete(q.waiting, k)
	}
}

func (q *requests[M, K]) clear() { clear(q.waiting) }

// offerRequest is Offer for a message of Control that merges with another of its key.
func (b *Box[M]) offerRequest(l *lane[M], m M) error {
	b.mu.Lock()
	if l.merges.waits(m) { // so the box is not closed
		l.counts.Accepted++
		l.drop(Conflated, 1)
		b.mu.Unlock()
		b.hooks.dropped(b.class, Control, Conflated, 1)
		b.buryOne(Letter[M]{Message: m, Lane: Control, Reason: Conflated})
		return nil
	}
	r := b.check(Control, l)
	if r == 0 {
		b.accept(Control, l, &m)
		l.merges.add(m)
		b.mu.Unlock()
		return nil
	}
	b.refuse(l, r)
	b.mu.Unlock()
	b.hooks.refused(b.class, Control, r)
	return errOf(r)
}
