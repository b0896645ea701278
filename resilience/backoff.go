package resilience

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Jitter is how the wait before a retry is drawn from its bound.
type Jitter uint8

// The jitters. All but Full are there to be compared with it.
const (
	Full         Jitter = iota + 1 // from 0 to the bound, both included
	Equal                          // from half the bound to the bound
	Decorrelated                   // from the base to three times the wait before, at most the cap
	NoJitter                       // the bound
)

// First is when the first attempt is made.
type First uint8

// When the first attempt is made.
const (
	Spread First = iota + 1 // within Backoff.Over: for what many do at once after a common event
	Now                     // at once: for what one caller asks
)

// Why says why there is no further attempt, or none now.
type Why string

// The reasons.
const (
	WhyAttempts  Why = "attempts"
	WhyDeadline  Why = "deadline"
	WhyBudget    Why = "budget"
	WhyBreaker   Why = "breaker"
	WhyLimit     Why = "limit"
	WhyBulkhead  Why = "bulkhead"
	WhyPermanent Why = "permanent"
	WhyAmbiguous Why = "ambiguous"
	WhyClosing   Why = "closing"
	WhyGone      Why = "gone" // who asked is no more
)

// Failure is the class of an error, which the adapter of a dependency knows.
type Failure uint8

// The classes. The zero Failure is taken for Ambiguous: who does not know what happened must not do it again.
const (
	Ambiguous Failure = iota // it may have happened: never tried again here
	Transient                // it did not happen, and may work later
	Throttled                // the server asks to come later
	Permanent                // it will not work
)

// Again says whether a failure of this class may be tried again, else why not.
func (f Failure) Again() (bool, Why) {
	switch f {
	case Transient, Throttled:
		return true, ""
	case Permanent:
		return false, WhyPermanent
	default:
		return false, WhyAmbiguous
	}
}

// Backoff says when to try again, as a moment and never as a wait. It is a value without state. The bound of the n-th retry is
// Base doubled n-1 times, at most Cap. The zero Backoff makes no attempt.
type Backoff struct {
	Base, Cap time.Duration
	Jitter    Jitter
	// Attempts is how many there are with the first, 0 for any number.
	Attempts int
	First    First
	// Over is within what time the first attempt is made if First is Spread: N/C where N clients come back to a server
	// that takes C a second, at least Base; 0 is Base.
	Over time.Duration
}

// DefaultBackoff is for questions to a venue: full jitter from one second to 30, the first attempt at once.
func DefaultBackoff() Backoff {
	return Backoff{Base: time.Second, Cap: 30 * time.Second, Jitter: Full, First: Now}
}

// Validate lists every mistake.
func (p Backoff) Validate() error {
	var errs []error
	if p.Base <= 0 || p.Cap < p.Base {
		errs = append(errs, fmt.Errorf("base = %v and cap = %v, want 0 < base ≤ cap", p.Base, p.Cap))
	}
	if p.Jitter < Full || p.Jitter > NoJitter {
		errs = append(errs, fmt.Errorf("jitter = %d, want full, equal, decorrelated or none", p.Jitter))
	}
	if p.Attempts < 0 {
		errs = append(errs, fmt.Errorf("attempts = %d, want at least 0", p.Attempts))
	}
	if p.First != Spread && p.First != Now {
		errs = append(errs, fmt.Errorf("first = %d, want spread or now", p.First))
	}
	if p.Over < 0 || p.Over != 0 && (p.First != Spread || p.Over < p.Base) {
		errs = append(errs, fmt.Errorf("over = %v, want 0, or with a spread first attempt at least base = %v", p.Over, p.Base))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("backoff: %w", err)
	}
	return nil
}

// Next is the moment of an attempt: 0 is the first, n the n-th retry. prev is the wait before the last one, for Decorrelated. A
// hint of the server wins over the draw when it asks for longer. An attempt that would begin after the deadline, which is Never for none, is not made:
// ok is false at once, and why says so. r is asked once, twice with a hint that is spread.
func (p Backoff) Next(now, deadline Instant, attempt int, prev time.Duration, r Source, hint Hint) (at Instant, ok bool, why Why) {
	if p.Base <= 0 || attempt < 0 || p.Attempts > 0 && attempt >= p.Attempts {
		return 0, false, WhyAttempts
	}
	wait := p.wait(attempt, prev, r)
	if after, said := hint.said(); said {
		wait = max(wait, after+upTo(r, hint.spread()))
	}
	if at = now.Add(wait); at > deadline || at == Never {
		return 0, false, WhyDeadline
	}
	return at, true, ""
}

func (p Backoff) wait(attempt int, prev time.Duration, r Source) time.Duration {
	if attempt == 0 {
		if p.First == Now {
			return 0
		}
		return upTo(r, max(p.Base, p.Over))
	}
	bound := doubled(p.Base, attempt-1, p.Cap)
	switch p.Jitter {
	case Equal:
		return bound - upTo(r, bound/2)
	case Decorrelated:
		return min(p.Cap, p.Base+upTo(r, max(0, tripled(max(prev, p.Base))-p.Base)))
	case NoJitter:
		return bound
	default:
		return upTo(r, bound)
	}
}

// doubled is d doubled n times, at most most; it never wraps.
func doubled(d time.Duration, n int, most time.Duration) time.Duration {
	if n >= bits.LeadingZeros64(uint64(d)) {
		return most
	}
	return min(d<<n, most)
}

func tripled(d time.Duration) time.Duration {
	if d > math.MaxInt64/3 {
		return math.MaxInt64
	}
	return 3 * d
}
