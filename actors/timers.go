package actors

import (
	"sync"
	"time"
)

// timer is an entry of the system's one heap. All its fields belong to the lock of timers.
type timer struct {
	when int64 // Instant
	seq  uint64
	pos  int // place in the heap, -1 outside it
	owns expirer
}

// expirer is what a timer wakes. expire is called with the lock of timers held; what it returns is called
// after the lock is gone.
type expirer interface {
	expire(t *timer, now int64) func()
}

// timers is a heap by (when, order of arming): timers due at one instant fire in the order in which they were
// armed.
type timers struct {
	mu   sync.Mutex
	heap []*timer
	seq  uint64
	// moved is told that the earliest timer is another one now; nil where nobody waits for it.
	moved func()
}

// arm sets t, again if it was set. The lock must be held.
func (ts *timers) arm(t *timer, when int64) {
	ts.disarm(t)
	ts.seq++
	t.when, t.seq, t.pos = when, ts.seq, len(ts.heap)
	ts.heap = append(ts.heap, t)
	ts.up(t.pos)
	if t.pos == 0 && ts.moved != nil {
		ts.moved()
	}
}

// disarm takes t out of the heap, if it is there. The lock must be held.
func (ts *timers) disarm(t *timer) {
	if t.pos < 0 {
		return
	}
	i, last := t.pos, len(ts.heap)-1
	ts.swap(i, last)
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	t.pos = -1
	if i < last {
		ts.down(i)
		ts.up(i)
	}
}

// next is the instant of the earliest timer.
func (ts *timers) next() (int64, bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.heap) == 0 {
		return 0, false
	}
	return ts.heap[0].when, true
}

// fire fires the earliest timer if it is due and says whether there was one.
func (ts *timers) fire(now int64) bool {
	ts.mu.Lock()
	if len(ts.heap) == 0 || ts.heap[0].when > now {
		ts.mu.Unlock()
		return false
	}
	t := ts.heap[0]
	ts.disarm(t)
	after := t.owns.expire(t, now)
	ts.mu.Unlock()
	if after != nil {
		after()
	}
	return true
}

func (ts *timers) less(i, j int) bool {
	a, b := ts.heap[i], ts.heap[j]
	return a.when < b.when || a.when == b.when && a.seq < b.seq
}

func (ts *timers) swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].pos, ts.heap[j].pos = i, j
}

func (ts *timers) up(i int) {
	for i > 0 && ts.less(i, (i-1)/2) {
		ts.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (ts *timers) down(i int) {
	for {
		small, left := i, 2*i+1
		for c := left; c <= left+1 && c < len(ts.heap); c++ {
			if ts.less(c, small) {
				small = c
			}
		}
		if small == i {
			return
		}
		ts.swap(i, small)
		i = small
	}
}

// runTimers fires what is due on the real clock, and looks after the run queue, until stop is closed.
func runTimers(ts *timers, d *shared, clock Clock, wake, stop <-chan struct{}) {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		for ts.fire(clock.instant()) {
			continue
		}
		wait := time.Hour
		if when, ok := ts.next(); ok {
			wait = time.Duration(when - clock.instant())
		}
		if again, busy := d.look(clock.instant()); busy {
			wait = min(wait, again)
		}
		t.Reset(wait)
		select {
		case <-t.C:
		case <-wake:
		case <-stop:
			return
		}
	}
}
