package resilience

import "time"

// tally is how many calls came back, and how.
type tally struct{ calls, failed, slow int }

func (t *tally) add(o tally, sign int) {
	t.calls += sign * o.calls
	t.failed += sign * o.failed
	t.slow += sign * o.slow
}

// window counts the last calls, or those of the last buckets of time.
type window struct {
	total tally

	last []tally // by count: a ring of single calls
	next int

	buckets []tally // by time
	ring    ring
}

func newWindow(calls, buckets int, span time.Duration) window {
	if calls > 0 {
		return window{last: make([]tally, calls)}
	}
	return window{buckets: make([]tally, buckets), ring: newRing(span)}
}

// add counts one call that came back at now.
func (w *window) add(now Instant, one tally) {
	w.roll(now)
	w.total.add(one, 1)
	if w.buckets != nil {
		w.buckets[w.ring.at].add(one, 1)
		return
	}
	w.total.add(w.last[w.next], -1)
	w.last[w.next] = one
	if w.next++; w.next == len(w.last) {
		w.next = 0
	}
}

// sum is the count at now.
func (w *window) sum(now Instant) tally {
	w.roll(now)
	return w.total
}

// roll empties the buckets whose time is over.
func (w *window) roll(now Instant) {
	if w.buckets == nil || now < w.ring.ends {
		return
	}
	for range w.ring.turn(now, len(w.buckets)) {
		b := &w.buckets[w.ring.step(len(w.buckets))]
		w.total.add(*b, -1)
		*b = tally{}
	}
}

// empty forgets all calls.
func (w *window) empty() {
	w.total, w.next = tally{}, 0
	clear(w.last)
	clear(w.buckets)
}
