package mailbox

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Box is a bounded queue with up to four lanes. Any number of goroutines may offer, raise, close and ask for
// statistics; one consumer takes. Make one with New.
type Box[M any] struct {
	class     string
	byLane    func(M) Lane
	only      Lane // the lane of all messages where byLane is nil
	sink      func(Letter[M])
	due       func(M) int64 // deadline of a message, 0 for none; nil: none has one
	seldomDue bool          // it is asked once OfferBy was called
	now       func() int64
	hooks     hooks
	lanes     [laneCount]*lane[M] // nil: the lane does not exist

	describe func(M) Description // for a conflating lane, as is the next
	gapOf    func(Key, uint64, uint64) M
	merges   merger[M] // for Control; nil: nothing merges
	tap      func(int)
	easyWake bool

	// Who offers, who takes, and what both look at write on cache lines of their own.
	_       cacheLine
	signals atomic.Uint32
	state   atomic.Uint32 // where messages wait, see take.go

	_         cacheLine
	mu        sync.Mutex
	suspended bool // written with the consumer's side held too
	closed    bool
	astray    uint64 // refused because they named no lane of this box

	_    cacheLine
	side atomic.Uint32 // who has the consumer's side: late, and the ready queues
	late []Letter[M]   // what the consumer found too old in this Take
}

// cacheLine keeps what follows it off the line of what goes before.
type cacheLine [64]byte

// lane has two queues. Messages arrive in one, under the lock of the box, and the consumer takes over all that have
// arrived when its own is empty, so that the two meet once in a batch and not at each message.
type lane[M any] struct {
	bound  int
	ttl    int64 // nanoseconds, 0 for ever
	policy Policy
	ages   bool         // messages of this lane can grow too old
	dated  atomic.Bool  // and since one has come that has a deadline of its own
	direct bool         // there is only the first queue: others than the consumer take from it, or it is small
	keyed  *keyed[M]    // the queue of a conflating lane, which is direct and has no other
	merges merger[M]    // of Control, which is direct then
	waits  atomic.Int32 // how many wait for room: the consumer looks at it without the lock

	_       cacheLine // who offers writes what follows
	brim    brim
	arrived queue[M]
	waiting waiters[M]
	lost    uint64    // sum of counts.Dropped
	seen    uint64    // taken, as last read
	counts  LaneStats // Handled is in taken

	_     cacheLine // the consumer writes what follows
	ready queue[M]
	_     cacheLine // who is refused reads what follows
	taken atomic.Uint64
	_     cacheLine
}

// depth is how many wait, or more: it is counted from what was last seen of taken.
func (l *lane[M]) depth() int { return int(l.counts.Accepted - l.lost - l.seen) } //nolint:gosec // at most the bound

// queued is how many wait.
func (l *lane[M]) queued() int {
	l.seen = l.taken.Load()
	return l.depth()
}

// full says whether there is no room. Whoever waits for room goes first.
func (l *lane[M]) full() bool {
	return l.waiting.first != nil || l.depth() >= l.bound && l.queued() >= l.bound
}

// drop counts messages that were accepted and will not be handled.
func (l *lane[M]) drop(r Reason, n int) {
	l.counts.Dropped[r] += uint64(n)
	l.lost += uint64(n)
}

// New makes a box. The error lists every mistake of the configuration, see Config.Validate.
func New[M any](cfg Config, opts ...Option[M]) (*Box[M], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Box[M]{class: cfg.Class, now: cfg.Now, easyWake: cfg.EasyWake, hooks: hooks{Events: cfg.Events}}
	for _, o := range opts {
		o(b)
	}
	lanes := 0
	for i, lc := range cfg.Lanes {
		if lc.Cap == 0 {
			continue
		}
		l := &lane[M]{
			bound: lc.Cap, policy: lc.Policy, direct: lc.Policy == DropOldest || lc.Policy == Conflate || lc.Cap < directBelow,
			arrived: queue[M]{size: min(lc.Cap, chunkSlots)}, ready: queue[M]{size: min(lc.Cap, chunkSlots)},
			ttl: int64(lc.TTL), ages: lc.TTL > 0 || b.due != nil && !b.seldomDue && mayAge(Lane(i+1)),
		}
		l.waiting.n = &l.waits
		switch {
		case lc.Policy == Conflate:
			l.keyed = newKeyed(l, cfg.MaxKeys, b.gapOf)
			if lc.Prealloc {
				l.keyed.prealloc(lc.Cap)
			}
		case lc.Prealloc:
			l.arrived.prealloc(lc.Cap)
		}
		if Lane(i+1) == Control && b.merges != nil {
			l.merges, l.direct = b.merges, true
		}
		b.lanes[i] = l
		b.only = Lane(i + 1)
		lanes++
	}
	if err := b.validate(lanes); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return b, nil
}

// validate lists the options that are missing.
func (b *Box[M]) validate(lanes int) error {
	var errs []error
	if b.due != nil && b.now == nil {
		errs = append(errs, errors.New("deadlines and no Now, want a clock"))
	}
	if lanes > 1 && b.byLane == nil {
		errs = append(errs, errors.New("several lanes and no ByLane, want a function that says which"))
	}
	if b.merges != nil && b.lane(Control) == nil {
		errs = append(errs, fmt.Errorf("ByKey and no lane %s, want one whose messages can merge", Control))
	}
	if l := b.lane(Data); l != nil && l.keyed != nil {
		if b.describe == nil {
			errs = append(errs, fmt.Errorf("lane %s: policy = %s and no Describe, want a function that describes a message", Data, Conflate))
		}
		if b.gapOf == nil {
			errs = append(errs, fmt.Errorf("lane %s: policy = %s and no GapOf, want a function that makes the message of a gap", Data, Conflate))
		}
	}
	return errors.Join(errs...)
}

// Offer puts m at the tail of its lane, or says why it cannot: ErrFull, ErrSuspended, ErrClosed, ErrExpired, or
// ErrPolicy where the box has no such lane. A full DropOldest lane takes m and gives up its oldest message, a full DropNewest
// lane refuses m and makes it a dead letter, a conflating lane does with it what its Description says and may answer
// ErrGapped. It never blocks, and allocates nothing once the lane has grown. Safe
// for any number of goroutines.
func (b *Box[M]) Offer(m M) error { return b.OfferIn(b.laneOf(m), m) }

// OfferIn is Offer for a caller that knows the lane: ByLane is not asked.
func (b *Box[M]) OfferIn(name Lane, m M) error {
	l := b.lane(name)
	switch {
	case l == nil:
	case l.brimming():
		l.brim.refused.Add(1)
		b.hooks.refused(b.class, name, Full)
		return ErrFull
	case l.keyed != nil:
		return b.offerKeyed(name, l, &m)
	case l.merges != nil && l.merges.mergeable(m):
		return b.offerRequest(l, m)
	}
	b.mu.Lock()
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
	if r == Full {
		l.noteBrim()
	}
	b.mu.Unlock()
	b.hooks.refused(b.class, name, r)
	if r == Full && l.policy == DropNewest {
		b.buryOne(Letter[M]{Message: m, Lane: name, Reason: Full})
	}
	return errOf(r)
}

// evict takes the oldest message out of a full lane.
func (b *Box[M]) evict(l *lane[M]) (oldest Item[M]) {
	l.arrived.pop(&oldest)
	l.drop(Overflow, 1)
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
	case l.full():
		return Full
	}
	return 0
}

func (b *Box[M]) accept(name Lane, l *lane[M], m *M) {
	at := b.stamp(l)
	l.counts.Accepted++
	l.arrived.push(m, at)
	if l.depth() > l.counts.HighWater {
		l.counts.HighWater = max(l.counts.HighWater, l.queued())
	}
	if l.arrived.n == 1 {
		b.state.Or(arrivedBit(int(name - 1)))
	}
}

// stamp is when a message is accepted, 0 for most: one in 64 is stamped, and the one that wakes an idle consumer, unless
// that is easy, for reading a clock costs as much as the whole queue. On a lane with a TTL each one is: its age is its end.
func (b *Box[M]) stamp(l *lane[M]) int64 {
	if b.now != nil && (l.ttl > 0 || l.counts.Accepted%chunkSlots == 0 || !b.easyWake && b.state.Load()&somewhere == 0) {
		return max(b.now(), 1)
	}
	return 0
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
	case 0:
		return nil
	case Full, Keys:
		return ErrFull
	case Gapped:
		return ErrGapped
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
