package mailbox

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Box is a bounded queue with up to four lanes. Any number of goroutines may offer, raise, close and ask for
// statistics; one consumer takes. Make one with New.
type Box[M any] struct {
	class  string
	byLane func(M) Lane
	only   Lane // the lane of all messages where byLane is nil
	sink   func(Letter[M])
	due    func(M) int64 // deadline of a message, 0 for none; nil: none has one
	now    func() int64
	hooks  hooks
	late   []Letter[M] // the consumer's own: what it found too old in this Take

	signals atomic.Uint32
	taking  atomic.Bool

	mu        sync.Mutex
	lanes     [laneCount]*lane[M] // nil: the lane does not exist
	filled    uint8               // bit i: lanes[i] holds a message
	suspended bool
	closed    bool
	astray    uint64 // refused because they named no lane of this box
}

type lane[M any] struct {
	queue   queue[M]
	bound   int
	policy  Policy
	ttl     int64 // nanoseconds, 0 for ever
	ages    bool  // messages of this lane can grow too old
	waiting waiters[M]
	counts  LaneStats
}

// New makes a box. The error lists every mistake of the configuration, see Config.Validate.
func New[M any](cfg Config, opts ...Option[M]) (*Box[M], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Box[M]{class: cfg.Class, now: cfg.Now, hooks: hooks{Events: cfg.Events}}
	for _, o := range opts {
		o(b)
	}
	lanes := 0
	for i, lc := range cfg.Lanes {
		if lc.Cap == 0 {
			continue
		}
		l := &lane[M]{
			bound: lc.Cap, policy: lc.Policy, queue: queue[M]{size: min(lc.Cap, chunkSlots)},
			ttl: int64(lc.TTL), ages: lc.TTL > 0 || b.due != nil && mayAge(Lane(i+1)),
		}
		if lc.Prealloc {
			l.queue.prealloc(lc.Cap)
		}
		b.lanes[i] = l
		b.only = Lane(i + 1)
		lanes++
	}
	if b.due != nil && b.now == nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, errors.New("deadlines and no Now, want a clock"))
	}
	if lanes > 1 && b.byLane == nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, errors.New("several lanes and no ByLane, want a function that says which"))
	}
	return b, nil
}

// Offer puts m at the tail of its lane, or says why it cannot: ErrFull, ErrSuspended, ErrClosed, ErrExpired, or
// ErrPolicy where the box has no such lane. A full DropOldest lane takes m and gives up its oldest message, a full DropNewest
// lane refuses m and makes it a dead letter. It never blocks, and allocates nothing once the lane has grown. Safe
// for any number of goroutines.
func (b *Box[M]) Offer(m M) error { return b.OfferIn(b.laneOf(m), m) }

// OfferIn is Offer for a caller that knows the lane: ByLane is not asked.
func (b *Box[M]) OfferIn(name Lane, m M) error {
	b.mu.Lock()
	l := b.lane(name)
	r := b.judge(name, l, &m)
	switch {
	case r == 0:
		b.accept(name, l, &m)
		b.mu.Unlock()
		return nil
	case r == Full && l.policy == DropOldest:
		oldest := b.evict(l)
		b.accept(name, l, &m)
		b.mu.Unlock()
		b.hooks.dropped(b.class, name, Overflow, 1)
		b.buryOne(Letter[M]{Message: oldest.Message, Lane: name, Reason: Overflow, At: oldest.At})
		return nil
	}
	b.refuse(l, r)
	b.mu.Unlock()
	b.hooks.refused(b.class, name, r)
	if r == Full && l.policy == DropNewest {
		b.buryOne(Letter[M]{Message: m, Lane: name, Reason: Full})
	}
	return errOf(r)
}

// evict takes the oldest message out of a full lane.
func (b *Box[M]) evict(l *lane[M]) (oldest Item[M]) {
	l.queue.pop(&oldest)
	l.counts.Dropped[Overflow]++
	return oldest
}

func (b *Box[M]) laneOf(m M) Lane {
	if b.byLane == nil {
		return b.only
	}
	return b.byLane(m)
}

func (b *Box[M]) lane(name Lane) *lane[M] {
	if !name.Valid() {
		return nil
	}
	return b.lanes[name-1]
}

// check says why the lane cannot take one more, 0 when it can.
func (b *Box[M]) check(name Lane, l *lane[M]) Reason {
	switch {
	case b.closed:
		return Closed
	case l == nil:
		return Policing
	case b.suspended && name != Control:
		return Suspended
	case l.queue.n >= l.bound:
		return Full
	}
	return 0
}

func (b *Box[M]) accept(name Lane, l *lane[M], m *M) {
	var at int64
	// One in 64 is stamped, and the one that wakes an idle consumer: reading a clock costs as much as the
	// whole queue. On a lane with a TTL each one is: its age is its end.
	if b.now != nil && (l.ttl > 0 || b.filled == 0 || l.counts.Accepted%chunkSlots == 0) {
		at = max(b.now(), 1)
	}
	l.counts.Accepted++
	l.queue.push(m, at)
	l.counts.HighWater = max(l.counts.HighWater, l.queue.n)
	b.filled |= 1 << (name - 1)
}

func (b *Box[M]) refuse(l *lane[M], r Reason) {
	if l == nil {
		b.astray++
		return
	}
	l.counts.Refused[r]++
}

func errOf(r Reason) error {
	switch r {
	case Full:
		return ErrFull
	case Suspended:
		return ErrSuspended
	case Closed:
		return ErrClosed
	case Expired:
		return ErrExpired
	default:
		return ErrPolicy
	}
}

// Take moves up to len(buf) messages into buf, highest lane first, and returns how many. It returns 0 on an
// empty, suspended or closed box and never waits. What it returns counts as handled; a consumer that wants the
// lanes looked at before every message takes one at a time. What has grown too old is dropped on the way, and 0 may
// be all that is left. There is one consumer: a second call at the same time is a bug and panics.
func (b *Box[M]) Take(buf []Item[M]) int {
	if !b.taking.CompareAndSwap(false, true) {
		panic("mailbox: two consumers take from one box at the same time")
	}
	b.mu.Lock()
	n := 0
	now := int64(0)
	for n < len(buf) && b.filled != 0 && !b.suspended {
		if b.takeOne(&buf[n], &now) {
			n++
		}
	}
	b.mu.Unlock()
	if len(b.late) > 0 {
		b.buryLate()
	}
	b.taking.Store(false)
	return n
}

// takeOne takes the next message into item, or drops it for its age, and says which. The clock is read into now once a
// Take, and only for a lane whose messages age.
func (b *Box[M]) takeOne(item *Item[M], now *int64) bool {
	i := bits.TrailingZeros8(b.filled)
	l := b.lanes[i]
	l.queue.pop(item)
	item.Lane = Lane(i + 1)
	fresh := !l.ages || !b.expired(l, item, now)
	if fresh {
		l.counts.Handled++
	} else {
		l.counts.Dropped[Expired]++
		b.late = append(b.late, Letter[M]{Message: item.Message, Lane: item.Lane, Reason: Expired, At: item.At})
		*item = Item[M]{}
	}
	b.settle(l, i)
	return fresh
}

// settle gives the place that became free to whoever waits for it.
func (b *Box[M]) settle(l *lane[M], i int) {
	if w := l.waiting.first; w != nil {
		b.admitWaiter(Lane(i+1), l, w)
	} else if l.queue.n == 0 {
		b.filled &^= 1 << i
	}
}

// Pending says whether Take would return a message, or a signal is raised.
func (b *Box[M]) Pending() bool {
	if b.signals.Load() != 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.filled != 0 && !b.suspended
}

// Next is the lane from which Take would take now, 0 when it would take nothing.
func (b *Box[M]) Next() Lane {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filled == 0 || b.suspended {
		return 0
	}
	return Lane(bits.TrailingZeros8(b.filled) + 1)
}

// Raise sets latches. It needs no room and cannot be refused, also on a suspended or closed box; raising a
// latch that is set changes nothing.
func (b *Box[M]) Raise(s Signal) { b.signals.Or(uint32(s)) }

// Signals takes the latches raised since the last call; each raised latch is returned once.
func (b *Box[M]) Signals() Signal {
	if b.signals.Load() == 0 {
		return 0
	}
	return Signal(b.signals.Swap(0))
}

// Suspend refuses everything but Control and hands out nothing until Resume. What is queued stays, those who
// wait for room get ErrSuspended.
func (b *Box[M]) Suspend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.suspended = true
	b.releaseWaiters(Suspended)
}

// Resume ends a suspension.
func (b *Box[M]) Resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.suspended = false
}

// Drained says how many messages a Close turned into dead letters, indexed by Lane-1.
type Drained [laneCount]int

// Total is the sum over the lanes.
func (d Drained) Total() int {
	n := 0
	for _, k := range d {
		n += k
	}
	return n
}

// Close ends the box: every Offer has a yes before it or ErrClosed after it. All that is queued is dropped
// with the reason and goes to the sink in lane order, and those who wait get ErrClosed. Closing again does
// nothing. The memory of the lanes is given back.
func (b *Box[M]) Close(r Reason) Drained {
	left, d := b.clear(r, Control, func() { b.closed = true })
	b.buryAll(left, d, r)
	return d
}

// Retire suspends the box for an owner that has ended and is to come back: all but Control is dropped with the
// reason, those who wait get ErrSuspended, and Control goes on being taken. HandOn or Close must follow; Resume
// must not.
func (b *Box[M]) Retire(r Reason) Drained {
	left, d := b.clear(r, Reports, func() { b.suspended = true })
	b.buryAll(left, d, r)
	return d
}

// HandOn closes the box and offers its Control messages to the box of the next incarnation, which may be
// suspended. What that refuses is dropped as Restarted, as is all that waits in other lanes. The counts of the
// two boxes together still balance: a message handed on is dropped as HandedOn here and accepted anew there.
func (b *Box[M]) HandOn(to *Box[M]) {
	left, d := b.clear(Restarted, Control, func() { b.closed = true })
	control := &left[Control-1]
	moved := 0
	var item Item[M]
	for range control.n {
		control.pop(&item)
		if to.Offer(item.Message) == nil {
			moved++
			continue
		}
		b.buryOne(Letter[M]{Message: item.Message, Lane: Control, Reason: Restarted, At: item.At})
	}
	if moved > 0 {
		b.mu.Lock()
		dropped := &b.lanes[Control-1].counts.Dropped
		dropped[Restarted] -= uint64(moved)
		dropped[HandedOn] += uint64(moved)
		b.mu.Unlock()
		d[Control-1] -= moved
		b.hooks.dropped(b.class, Control, HandedOn, moved)
	}
	b.buryAll(left, d, Restarted)
}

// clear takes out what is queued in the lanes from first on and counts it as dropped, in the same instant in
// which change changes the state of the box. A closed box stays as it is.
func (b *Box[M]) clear(r Reason, first Lane, change func()) (left [laneCount]queue[M], d Drained) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return left, d
	}
	change()
	released := Suspended
	if b.closed {
		released = Closed
	}
	b.releaseWaiters(released)
	for i := int(first) - 1; i < laneCount; i++ {
		l := b.lanes[i]
		if l == nil {
			continue
		}
		left[i] = l.queue.detach()
		d[i] = left[i].n
		l.counts.Dropped[r] += uint64(d[i])
		b.filled &^= 1 << i
	}
	return left, d
}

func (b *Box[M]) buryAll(left [laneCount]queue[M], d Drained, r Reason) {
	for i := range left {
		if d[i] > 0 {
			b.hooks.dropped(b.class, Lane(i+1), r, d[i])
		}
		var item Item[M]
		for left[i].n > 0 {
			left[i].pop(&item)
			b.buryOne(Letter[M]{Message: item.Message, Lane: Lane(i + 1), Reason: r, At: item.At})
		}
	}
}

func (b *Box[M]) buryOne(l Letter[M]) {
	if b.sink != nil {
		b.sink(l)
	}
}
