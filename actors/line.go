package actors

import "sync/atomic"

// line is the run queue of a loop: anybody pushes, its one goroutine pops. First in, first out. The links are in the
// cells, since a cell stands in one queue at a time, so nothing is allocated and nobody waits for a lock: what was
// pushed is a stack, which the consumer takes whole and turns round.
type line struct {
	pushed atomic.Pointer[cell] // newest first
	ready  *cell                // oldest first; the consumer's own
}

func (q *line) push(c *cell) {
	for {
		newest := q.pushed.Load()
		c.behind = newest
		if q.pushed.CompareAndSwap(newest, c) {
			return
		}
	}
}

// pop takes the oldest cell, nil if there is none.
func (q *line) pop() *cell {
	if q.ready == nil && q.pushed.Load() != nil {
		for c := q.pushed.Swap(nil); c != nil; {
			older := c.behind
			c.behind, q.ready = q.ready, c
			c = older
		}
	}
	c := q.ready
	if c != nil {
		q.ready, c.behind = c.behind, nil
	}
	return c
}

// news says whether something was pushed since the consumer last ran out.
func (q *line) news() bool { return q.pushed.Load() != nil }
