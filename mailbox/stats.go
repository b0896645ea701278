package mailbox

import (
	"iter"
	"time"
)

// Counts holds one number per Reason.
type Counts [reasonsEnd]uint64

// Of is the count of one reason.
func (c Counts) Of(r Reason) uint64 {
	if r >= reasonsEnd {
		return 0
	}
	return c[r]
}

// Total is the sum over all reasons.
func (c Counts) Total() uint64 {
	var n uint64
	for _, k := range c {
		n += k
	}
	return n
}

// All yields the reasons that have been counted, in the order of their declaration.
func (c Counts) All() iter.Seq2[Reason, uint64] {
	return func(yield func(Reason, uint64) bool) {
		for r, k := range c {
			if k > 0 && !yield(Reason(r), k) {
				return
			}
		}
	}
}

// LaneStats counts one lane since the box was made. Accepted = Handled + Dropped.Total() + Queued, and
// Offered = Accepted + Refused.Total().
type LaneStats struct {
	// Cap is the bound, 0 where the lane does not exist.
	Cap int
	// Offered counts the offers that have their answer.
	Offered uint64
	// Accepted counts the offers that were answered with nil, and the Gaps.
	Accepted uint64
	// Gaps counts the messages that a conflating lane made itself, to stand for lost Events. They are among Offered and
	// Accepted, though nobody sent them.
	Gaps uint64
	// Handled counts the messages that the consumer took.
	Handled uint64
	// Refused counts the offers that got an error, by reason.
	Refused Counts
	// Dropped counts the accepted messages that will not be handled, by reason.
	Dropped Counts
	// Queued is how many messages wait for the consumer.
	Queued int
	// Waiting is how many offers wait for room.
	Waiting int
	// HighWater is the greatest Queued since the last Stats.
	HighWater int
	// OldestAge is how long the oldest stamped message has waited, 0 where there is none or no clock. One
	// message in 64 is stamped.
	OldestAge time.Duration
}

// Balanced says whether both equations of LaneStats hold.
func (s LaneStats) Balanced() bool {
	return s.Accepted == s.Handled+s.Dropped.Total()+uint64(s.Queued) && s.Offered == s.Accepted+s.Refused.Total()
}

// Add sums two sets of counts, for a name over its incarnations. Bounds and high-water marks are the greater
// of both.
func (s LaneStats) Add(o LaneStats) LaneStats {
	s.Cap = max(s.Cap, o.Cap)
	s.Offered += o.Offered
	s.Accepted += o.Accepted
	s.Handled += o.Handled
	s.Gaps += o.Gaps
	for r := range s.Refused {
		s.Refused[r] += o.Refused[r]
		s.Dropped[r] += o.Dropped[r]
	}
	s.Queued += o.Queued
	s.Waiting += o.Waiting
	s.HighWater = max(s.HighWater, o.HighWater)
	s.OldestAge = max(s.OldestAge, o.OldestAge)
	return s
}

// Stats is one consistent cut through a box: no message is between two of its numbers.
type Stats struct {
	Class string
	// Lanes are indexed by Lane-1; those that do not exist are zero.
	Lanes [laneCount]LaneStats
	// Astray counts the offers that named a lane this box does not have.
	Astray uint64
	// Suspended and Closed tell the state of the box.
	Suspended, Closed bool
}

// Total sums the lanes.
func (s Stats) Total() LaneStats {
	var t LaneStats
	for _, l := range s.Lanes {
		t = t.Add(l)
	}
	return t
}

// Stats counts everything at one instant. Each call starts the high-water marks anew.
func (b *Box[M]) Stats() Stats {
	b.enter()
	defer b.leave()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Class: b.class, Astray: b.astray, Suspended: b.suspended, Closed: b.closed}
	for i, l := range b.lanes {
		if l == nil {
			continue
		}
		c := l.counts
		c.Refused[Full] += l.brim.refused.Load()
		c.Cap, c.Queued, c.Waiting = l.bound, l.queued(), int(l.waits.Load())
		c.Handled = l.seen
		c.Offered = c.Accepted + c.Refused.Total()
		if at := l.oldestStamp(); at != 0 && b.now != nil {
			c.OldestAge = time.Duration(max(0, b.now()-at))
		}
		l.counts.HighWater = c.Queued
		s.Lanes[i] = c
	}
	return s
}

// oldestStamp is when the oldest stamped message of the lane was accepted, 0 if there is none.
func (l *lane[M]) oldestStamp() int64 {
	if l.keyed != nil {
		return l.keyed.oldestStamp()
	}
	if at := l.ready.oldestStamp(); at != 0 {
		return at
	}
	return l.arrived.oldestStamp()
}
