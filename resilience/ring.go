package resilience

import "time"

// ring says which of a number of buckets, each a span of time long, is that of now.
type ring struct {
	span Instant
	at   int     // the newest bucket
	ends Instant // the end of its time
}

func newRing(span time.Duration) ring { return ring{span: Instant(span), ends: Instant(span)} }

// turn moves on to the bucket of now, and says how many of the n buckets have to be emptied on the way, one a step: after a
// long rest each of them once, however long that was.
func (r *ring) turn(now Instant, n int) int {
	if now < r.ends {
		return 0
	}
	passed := (now-r.ends)/r.span + 1
	if r.ends += passed * r.span; r.ends < 0 { // the last bucket that time has
		r.ends = Never
	}
	return int(min(passed, Instant(n)))
}

// step goes to the next bucket.
func (r *ring) step(n int) int {
	if r.at++; r.at >= n {
		r.at = 0
	}
	return r.at
}
