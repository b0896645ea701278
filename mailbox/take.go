package mailbox

import (
	"math/bits"
	"runtime"
)

// directBelow is the bound under which a lane has one queue: two would double the memory of a small box.
const directBelow = chunkSlots

// The state of a box in one word, so that the consumer looks at all lanes with one load before each message: bit i says
// that something has arrived in lane i, bit i+readyShift that something is left in the consumer's queue of lane i. Bits
// of arrival change with the box locked, bits of the consumer's queues with its side held, suspension with both.
const (
	readyShift = laneCount
	everyLane  = 1<<laneCount - 1
	somewhere  = everyLane | everyLane<<readyShift
	suspension = 1 << (2 * laneCount)
)

func arrivedBit(i int) uint32 { return 1 << i }
func readyBit(i int) uint32   { return 1 << (i + readyShift) }

// laneIn is the place of the highest lane that holds a message, false if none does or the box is suspended.
func laneIn(state uint32) (i int, ok bool) {
	lanes := (state | state>>readyShift) & everyLane
	if lanes == 0 || state&suspension != 0 {
		return 0, false
	}
	return bits.TrailingZeros32(lanes), true
}

// Who has the consumer's side of a box.
const (
	sideFree uint32 = iota
	sideConsumer
	sideOther
)

// enter takes the consumer's side for somebody else than the consumer, who has it for less than a microsecond at a time.
// The side comes before the lock.
func (b *Box[M]) enter() {
	for !b.side.CompareAndSwap(sideFree, sideOther) {
		runtime.Gosched()
	}
}

func (b *Box[M]) leave() { b.side.Store(sideFree) }

// consume takes the consumer's side for the consumer.
func (b *Box[M]) consume() {
	for !b.side.CompareAndSwap(sideFree, sideConsumer) {
		if b.side.Load() == sideConsumer {
			panic("mailbox: two consumers take from one box at the same time")
		}
		runtime.Gosched()
	}
}

// Take moves up to len(buf) messages into buf, highest lane first, and returns how many. It returns 0 on an
// empty, suspended or closed box and never waits. What it returns counts as handled; a consumer that wants the
// lanes looked at before every message takes one at a time. What has grown too old is dropped on the way, and 0 may
// be all that is left. There is one consumer: a second call at the same time is a bug and panics.
func (b *Box[M]) Take(buf []Item[M]) int {
	b.consume()
	n := 0
	now := int64(0)
	for n < len(buf) {
		i, ok := laneIn(b.state.Load())
		if !ok {
			break
		}
		if b.takeOne(i, &buf[n], &now) {
			n++
		}
	}
	if b.tap != nil && n > 0 {
		b.tap(n)
	}
	var broken any
	if l := b.lanes[Data-1]; l != nil && l.keyed != nil {
		broken, l.keyed.broken = l.keyed.broken, nil
	}
	b.leave()
	if len(b.late) > 0 {
		b.buryLate()
	}
	if broken != nil {
		panic(broken)
	}
	return n
}

// takeOne takes the next message of a lane into item, or drops it for its age, and says which. The clock is read into
// now once a Take, and only for a message that can grow too old.
func (b *Box[M]) takeOne(i int, item *Item[M], now *int64) bool {
	l := b.lanes[i]
	if l.direct {
		return b.takeDirect(i, l, item, now)
	}
	if l.ready.n == 0 {
		b.takeOver(i, l)
	}
	l.ready.pop(item)
	item.Lane = Lane(i + 1)
	if l.ready.n == 0 && l.ready.flagged {
		l.ready.flagged = false
		b.state.And(^readyBit(i))
	}
	old := l.mayExpire() && b.expired(l, item, now)
	if !old {
		l.taken.Add(1)
	}
	if old || l.ready.free != nil || l.waits.Load() > 0 {
		b.mu.Lock()
		l.arrived.reuse(&l.ready)
		b.made(i, l, item, old)
		b.mu.Unlock()
	}
	return !old
}

// takeOver gives the consumer all that has arrived.
func (b *Box[M]) takeOver(i int, l *lane[M]) {
	b.mu.Lock()
	l.ready.takeOver(&l.arrived)
	b.state.And(^arrivedBit(i))
	b.mu.Unlock()
	if l.ready.n > 1 {
		l.ready.flagged = true
		b.state.Or(readyBit(i))
	}
}

// takeDirect is takeOne for a lane of one queue.
func (b *Box[M]) takeDirect(i int, l *lane[M], item *Item[M], now *int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.keyed != nil {
		return b.takeKeyed(i, l, item, now)
	}
	l.arrived.pop(item)
	item.Lane = Lane(i + 1)
	if l.merges != nil {
		l.merges.remove(item.Message)
	}
	if l.arrived.n == 0 {
		b.state.And(^arrivedBit(i))
	}
	old := l.mayExpire() && b.expired(l, item, now)
	if !old {
		l.taken.Add(1)
	}
	b.made(i, l, item, old)
	return !old
}

// made counts a message that was taken out and is too old, and gives the place that became free to whoever waits for it.
// The box must be locked.
func (b *Box[M]) made(i int, l *lane[M], item *Item[M], old bool) {
	if old {
		l.drop(Expired, 1)
		b.late = append(b.late, Letter[M]{Message: item.Message, Lane: item.Lane, Reason: Expired, At: item.At})
		*item = Item[M]{}
	}
	if l.waiting.first != nil {
		b.admitWaiters(Lane(i+1), l)
	}
}

// Pending says whether Take would return a message, or a signal is raised.
func (b *Box[M]) Pending() bool {
	if b.signals.Load() != 0 {
		return true
	}
	_, ok := laneIn(b.state.Load())
	return ok
}

// Next is the lane from which Take would take now, 0 when it would take nothing.
func (b *Box[M]) Next() Lane {
	i, ok := laneIn(b.state.Load())
	if !ok {
		return 0
	}
	return Lane(i + 1)
}
