package actors

import (
	"time"

	"github.com/failshut/failshut/mailbox"
)

// tick is one timer of an actor. Its timer part and the flags belong to the lock of the system's timers.
type tick[M any] struct {
	timer
	in     *incarnation[M]
	key    any
	period int64
	m      M
	lane   mailbox.Lane
	isDue  bool
	next   *tick[M] // in the list of due ticks
}

// ticks are the timers of one actor. The map belongs to the actor's turn, the list of due ticks to the lock of
// the system's timers.
type ticks[M any] struct {
	byKey       map[any]*tick[M]
	spare       *tick[M]
	first, last *tick[M]
	silence     *tick[M] // the receive timeout, nil: none
}

func (ts *ticks[M]) set(in *incarnation[M], key any, d time.Duration, period time.Duration, m M) {
	if in.phase >= phaseEnding {
		return
	}
	t := ts.byKey[key]
	if t == nil {
		if t = ts.spare; t == nil {
			t = &tick[M]{in: in}
			t.pos, t.owns = -1, t
		}
		ts.spare = nil
		if ts.byKey == nil {
			ts.byKey = make(map[any]*tick[M])
		}
		ts.byKey[key] = t
	}
	now := in.sys.Mono()
	lane := in.laneOf(m)
	timers := &in.sys.timers
	timers.mu.Lock()
	ts.unlink(in, t)
	t.key, t.m, t.period, t.lane = key, m, int64(period), lane
	timers.arm(&t.timer, now+int64(max(d, 0)))
	timers.mu.Unlock()
}

func (ts *ticks[M]) cancel(in *incarnation[M], key any) bool {
	t := ts.byKey[key]
	if t == nil {
		return false
	}
	delete(ts.byKey, key)
	timers := &in.sys.timers
	timers.mu.Lock()
	timers.disarm(&t.timer)
	ts.unlink(in, t)
	timers.mu.Unlock()
	ts.retire(t)
	return true
}

// retire keeps a tick that nothing refers to for the next key.
func (ts *ticks[M]) retire(t *tick[M]) {
	var none M
	t.m, t.key = none, nil
	ts.spare = t
}

// expire puts the tick on the list of those that are due. The timers are locked.
func (t *tick[M]) expire(_ *timer, now int64) func() {
	in, ts := t.in, &t.in.ticks
	missed := 0
	if t.isDue {
		missed++
	} else {
		t.isDue, t.next = true, nil
		if ts.last == nil {
			ts.first = t
		} else {
			ts.last.next = t
		}
		ts.last = t
		in.due.Add(1)
	}
	if t.period > 0 {
		when := t.when + t.period
		if when <= now {
			skipped := (now-when)/t.period + 1
			missed += int(skipped)
			when += skipped * t.period
		}
		in.sys.timers.arm(&t.timer, when)
	}
	in.kick()
	if missed == 0 || in.sys.events.TimerMissed == nil {
		return nil
	}
	return func() { in.sys.hooks.missed(&in.sys.events, in.life.class, missed) }
}

// unlink takes t off the list of due ticks, if it is there. The timers are locked.
func (ts *ticks[M]) unlink(in *incarnation[M], t *tick[M]) {
	if !t.isDue {
		return
	}
	var before *tick[M]
	for o := ts.first; o != t; o = o.next {
		before = o
	}
	if before == nil {
		ts.first = t.next
	} else {
		before.next = t.next
	}
	if ts.last == t {
		ts.last = before
	}
	t.isDue, t.next = false, nil
	in.due.Add(-1)
}

// take moves the due tick of the highest lane into item, unless that is lower than the lane ahead; 0 is none.
func (ts *ticks[M]) take(in *incarnation[M], item *mailbox.Item[envelope[M]], ahead mailbox.Lane) bool {
	timers := &in.sys.timers
	now := int64(0)
	if in.silence.length > 0 {
		now = in.sys.Mono()
	}
	timers.mu.Lock()
	if t := ts.silence; t != nil && t.isDue {
		ts.stillSilent(in, now)
	}
	best := ts.first
	for t := ts.first; t != nil; t = t.next {
		if t.lane < best.lane {
			best = t
		}
	}
	if best == nil || ahead != 0 && ahead < best.lane {
		timers.mu.Unlock()
		return false
	}
	ts.unlink(in, best)
	item.Message, item.Lane, item.At = envelope[M]{message: best.m}, best.lane, 0
	once := best.period == 0
	if best == ts.silence {
		once, in.silence.heard = false, now
		timers.arm(&best.timer, now+in.silence.length)
	}
	timers.mu.Unlock()
	if once {
		delete(ts.byKey, best.key)
		ts.retire(best)
	}
	return true
}

// cancelAll ends all timers of the incarnation, and drops the parcels that stand beside its box.
func (in *incarnation[M]) cancelAll() {
	in.dropParcels()
	in.stopWatching()
	ts := &in.ticks
	timers := &in.sys.timers
	timers.mu.Lock()
	for _, t := range ts.byKey {
		timers.disarm(&t.timer)
		ts.unlink(in, t)
	}
	timers.mu.Unlock()
	ts.byKey, ts.spare, ts.silence = nil, nil, nil
}
