package actors

// patience ends asks that got no answer in time. Those with a deadline of their own have a place in the heap of timers.
// All others wait equally long, so they stand in one list and share one timer, which is left armed when the list
// empties: an answered ask then neither moves the heap nor wakes the timer goroutine. Under the virtual clock it is
// disarmed, for a timer that nobody needs would move that clock. All of it belongs to the lock of timers.
type patience struct {
	timer
	sys   *System
	max   int64
	first *question
	last  *question
	armed bool
}

// wait bounds the wait of q: until the Instant deadline, 0 for AskMax from now, less than 0 for as long as its asker
// likes.
func (p *patience) wait(q *question, deadline int64) {
	if deadline < 0 {
		return
	}
	timers := &p.sys.timers
	now := p.sys.Mono()
	timers.mu.Lock()
	defer timers.mu.Unlock()
	if deadline > 0 {
		q.bound = true
		q.wait.pos, q.wait.owns = -1, q
		timers.arm(&q.wait, deadline)
		return
	}
	q.wait.when = now + p.max
	q.counts, q.prev = true, p.last
	if p.last == nil {
		p.first = q
	} else {
		p.last.next = q
	}
	p.last = q
	if !p.armed {
		p.armed = true
		timers.arm(&p.timer, q.wait.when)
	}
}

// release ends the wait of q.
func (p *patience) release(q *question) {
	timers := &p.sys.timers
	timers.mu.Lock()
	defer timers.mu.Unlock()
	if q.bound {
		timers.disarm(&q.wait)
		return
	}
	if !q.counts {
		return
	}
	p.unlink(q)
	if p.first == nil && p.sys.ordered != nil {
		timers.disarm(&p.timer)
		p.armed = false
	}
}

func (p *patience) unlink(q *question) {
	if q.prev == nil {
		p.first = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next == nil {
		p.last = q.prev
	} else {
		q.next.prev = q.prev
	}
	q.prev, q.next, q.counts = nil, nil, false
}

// expire ends the asks that have waited long enough. The timers are locked.
func (p *patience) expire(_ *timer, now int64) func() {
	var late []*question
	for q := p.first; q != nil && q.wait.when <= now; q = p.first {
		p.unlink(q)
		late = append(late, q)
	}
	if p.armed = p.first != nil; p.armed {
		p.sys.timers.arm(&p.timer, p.first.wait.when)
	}
	if late == nil {
		return nil
	}
	return func() {
		for _, q := range late {
			q.settle(ErrExpired)
		}
	}
}

// expire ends an ask that has its own deadline. The timers are locked.
func (q *question) expire(*timer, int64) func() {
	return func() { q.settle(ErrExpired) }
}
