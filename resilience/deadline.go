package resilience

import "time"

// LinkAllowance is what a message is taken to need over the link between two nodes.
const LinkAllowance = time.Millisecond

// Deadline is when something is worth nothing any more, on the clock of this node; Never, and the zero Deadline, is without
// end. Cancels, kills, reports and facts of risk have none: their messages have no place for one.
type Deadline Instant

func (d Deadline) instant() Instant {
	if d == 0 {
		return Never
	}
	return Instant(d)
}

// Past says whether it is too late to begin at now.
func (d Deadline) Past(now Instant) bool { return now > d.instant() }

// Sooner is the earlier of two: a hop may shorten what it was given and never lengthen it.
func (d Deadline) Sooner(o Deadline) Deadline {
	if o.instant() < d.instant() {
		return o
	}
	return d
}

// Left is what travels to another node, whose clock is another: the time that remains, less allowance for the link. ok is false when
// nothing remains; a deadline without end stays without end, which is 0.
func (d Deadline) Left(now Instant, allowance time.Duration) (left time.Duration, ok bool) {
	if d.instant() == Never {
		return 0, true
	}
	left = d.instant().Sub(now) - max(allowance, 0)
	return max(left, 0), left > 0
}

// Arrived is the deadline here of what came with left to go; 0 is without end, and a negative time is past at once.
func Arrived(now Instant, left time.Duration) Deadline {
	switch {
	case left == 0:
		return Deadline(Never)
	case left < 0:
		return Deadline(max(now-1, 1)) // 0 would be without end
	}
	return Deadline(now.Add(left))
}
