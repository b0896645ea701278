package resilience

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// LimitConfig is what a venue allows.
type LimitConfig struct {
	// Rate messages within Per, of which Burst may come at once.
	Rate  int
	Per   time.Duration
	Burst int
	// Share is how much of it, in percent, orders and questions together may use: the rest is kept for cancels.
	Share int
	// Clean is how long no hint must come before the full rate is used again.
	Clean time.Duration
}

// DefaultLimit is for a venue that says nothing of its limits: 50 a second.
func DefaultLimit() LimitConfig {
	return LimitConfig{Rate: 50, Per: time.Second, Burst: 10, Share: 80, Clean: 10 * time.Second}
}

// Validate lists every mistake.
func (c LimitConfig) Validate() error {
	var errs []error
	if c.Rate < 1 || c.Per < time.Duration(max(c.Rate, 1)) || c.Per > 24*time.Hour {
		errs = append(errs, fmt.Errorf("rate = %d in %v, want at least 1, at most one a nanosecond, in at most a day", c.Rate, c.Per))
	}
	if c.Burst < 1 || c.Burst > max(c.Rate, 1) {
		errs = append(errs, fmt.Errorf("burst = %d, want 1 to the rate = %d", c.Burst, c.Rate))
	}
	if c.Share < 1 || c.Share > 100 || c.Burst >= 1 && c.Burst*c.Share < 100 {
		errs = append(errs, fmt.Errorf("share = %d %%, want 1 to 100, and at least one of the burst = %d", c.Share, c.Burst))
	}
	if c.Clean <= 0 {
		errs = append(errs, fmt.Errorf("clean = %v, want more than 0", c.Clean))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	return nil
}

// Class is what a message to a venue is, for its limits. The zero Class is refused.
type Class uint8

// The classes.
const (
	Order Class = iota + 1
	Question
	Cancel
)

// slowest is how far hints lower the rate: to a 1 << slowest-th.
const slowest = 4

// Limit keeps a venue's limit for all that is sent to it. Orders and questions that are over it, or over their share of it, are
// told when to come again; a cancel is never told no: over the limit it counts as an overrun, and orders wait the longer for it.
// The venue may say no, we do not. The zero Limit refuses orders and questions. It is the generic cell rate algorithm (ITU-T I.371) in whole
// nanoseconds, rounded to the slow side.
type Limit struct {
	watch
	cfg      LimitConfig
	all      cell    // everything
	rest     cell    // orders and questions, at their share
	closed   Instant // by hints: nothing but cancels before
	hinted   Instant // the last hint
	slowed   uint    // how often the rate was halved
	overruns uint64
}

// cell is one virtual schedule: when the next message would be due if all came evenly.
type cell struct {
	each  time.Duration // between two
	slack time.Duration // how much a message may be early
	due   Instant
}

func newCell(rate int, per time.Duration, burst int) cell {
	each := (per + time.Duration(rate) - 1) / time.Duration(rate)
	return cell{each: each, slack: each * time.Duration(burst-1)}
}

// cost is what n messages take of the schedule.
func (c *cell) cost(n int, slowed uint) time.Duration {
	each := c.each << slowed
	if time.Duration(n) > math.MaxInt64/each {
		return math.MaxInt64
	}
	return each * time.Duration(n)
}

// opens is when n messages fit.
func (c *cell) opens(now Instant, n int, slowed uint) Instant {
	first := c.cost(n-1, slowed)
	if first > c.slack<<slowed {
		return Never // more at once than ever fit
	}
	return max(now, c.due.Add(first-c.slack<<slowed))
}

func (c *cell) take(now Instant, n int, slowed uint) {
	c.due = max(now, c.due).Add(c.cost(n, slowed))
	c.due = min(c.due, now.Add(HintMax)) // cancels over the limit keep orders waiting, but not for ever
}

// NewLimit lets a burst through at once. The error lists the mistakes of the configuration.
func NewLimit(c LimitConfig) (*Limit, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	rate := max(1, c.Rate*c.Share/100)
	return &Limit{cfg: c, all: newCell(c.Rate, c.Per, c.Burst), rest: newCell(rate, c.Per, max(1, c.Burst*c.Share/100))}, nil
}

// Take asks for n messages of a class at once. When it says no, nothing was taken and retryAt says when they would fit: Never when
// they do not, being more than the burst. A Cancel is always ok.
func (l *Limit) Take(now Instant, n int, c Class) (ok bool, retryAt Instant) {
	now = l.see(now)
	if c == Cancel {
		l.cancels(now, n)
		return true, now
	}
	if l.cfg.Rate == 0 || n < 1 || c != Order && c != Question {
		return false, Never
	}
	l.recover(now)
	retryAt = max(l.closed, l.all.opens(now, n, l.slowed), l.rest.opens(now, n, l.slowed))
	if retryAt > now {
		return false, retryAt
	}
	l.all.take(now, n, l.slowed)
	l.rest.take(now, n, l.slowed)
	return true, now
}

func (l *Limit) cancels(now Instant, n int) {
	if l.cfg.Rate == 0 || n < 1 {
		return
	}
	if now < l.closed || l.all.opens(now, n, l.slowed) > now {
		l.overruns += uint64(n)
	}
	l.all.take(now, n, l.slowed)
}

// Refund gives back what n messages of a class took that were not sent.
func (l *Limit) Refund(n int, c Class) {
	if l.cfg.Rate == 0 || n < 1 {
		return
	}
	l.all.due -= Instant(l.all.cost(n, l.slowed))
	if c != Cancel {
		l.rest.due -= Instant(l.rest.cost(n, l.slowed))
	}
}

// Learn takes a hint of the venue: nothing but cancels goes before it, of several before the latest, and the rate is halved until no
// hint has come for Clean. r draws within the hint's spread.
func (l *Limit) Learn(now Instant, h Hint, r Source) {
	after, said := h.said()
	if !said || l.cfg.Rate == 0 {
		return
	}
	now = l.see(now)
	l.recover(now)
	l.closed = max(l.closed, now.Add(after+upTo(r, h.spread())))
	l.hinted = max(now, l.closed)
	l.slowed = min(l.slowed+1, slowest)
}

// recover gives the full rate back.
func (l *Limit) recover(now Instant) {
	if l.slowed > 0 && now.Sub(l.hinted) >= l.cfg.Clean {
		l.slowed = 0
	}
}

// Overruns is how many cancels were sent over the limit.
func (l *Limit) Overruns() uint64 { return l.overruns }
