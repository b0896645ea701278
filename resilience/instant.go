// Package resilience holds the rules for talking to something that may be slow, dead, or back with everybody at once: a
// breaker, a retry schedule, a retry budget, deadlines, a bulkhead, hedges of reads, and rate limits. It keeps P6 and P7: all
// of it is bounded and counted, and nothing in it can hold up a cancel.
//
// Everything is a value that changes by a call. Time comes in as an argument and chance as a Source; nothing here waits,
// sleeps, locks or starts anything, so none of it is for several goroutines at once: an actor owns each. No rule resends an
// order, hedges one, or turns no answer into yes.
package resilience

import (
	"math"
	"math/bits"
	"time"
)

// Instant is a reading of a monotonic clock in nanoseconds: what the turn of the actor around shows. One below the last
// that a rule has seen counts as that one.
type Instant int64

// Never is an instant that does not come.
const Never Instant = math.MaxInt64

// Add is the instant d later. It neither wraps nor goes below 0; what does not fit is Never.
func (i Instant) Add(d time.Duration) Instant {
	s := i + Instant(d)
	switch {
	case d > 0 && s < i:
		return Never
	case s < 0:
		return 0
	}
	return s
}

// Sub is how long i is after j, negative when it is before.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// watch is the last instant that a rule has seen.
type watch struct{ last Instant }

// see gives now, or the last instant if now is before it: a clock that steps back stands still.
func (w *watch) see(now Instant) Instant {
	w.last = max(w.last, now)
	return w.last
}

// Source is chance: 64 independent bits a call. *rand.Rand of math/rand/v2 is one.
type Source interface{ Uint64() uint64 }

// upTo draws from 0 to most, both included. Every length of time fits, so there is no bias worth a second draw.
func upTo(r Source, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	high, _ := bits.Mul64(r.Uint64(), uint64(most)+1)
	return time.Duration(high)
}
