package resilience

import (
	"errors"
	"fmt"
	"time"
)

// BudgetConfig says how many retries a dependency is worth. Shares are in thousandths of a retry.
type BudgetConfig struct {
	// Deposit is what each first attempt earns, Reserve what every window has beside that.
	Deposit, Reserve int
	// What was earned and spent counts for Buckets × BucketSpan.
	Buckets    int
	BucketSpan time.Duration
}

// DefaultBudget allows a retry for every five first attempts, and three in ten seconds beside.
func DefaultBudget() BudgetConfig {
	return BudgetConfig{Deposit: 200, Reserve: 3000, Buckets: 10, BucketSpan: time.Second}
}

// retryCosts is the price of a retry in thousandths.
const retryCosts = 1000

// Validate lists every mistake.
func (c BudgetConfig) Validate() error {
	var errs []error
	if c.Deposit < 0 || c.Deposit > 10*retryCosts {
		errs = append(errs, fmt.Errorf("deposit = %d, want 0 to %d thousandths", c.Deposit, 10*retryCosts))
	}
	if c.Reserve < 0 || c.Reserve > 1000*retryCosts {
		errs = append(errs, fmt.Errorf("reserve = %d, want 0 to %d thousandths", c.Reserve, 1000*retryCosts))
	}
	if c.Buckets < 1 || c.Buckets > windowMax || c.BucketSpan <= 0 {
		errs = append(errs, fmt.Errorf("%d buckets of %v, want 1 to %d of more than 0", c.Buckets, c.BucketSpan, windowMax))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("budget: %w", err)
	}
	return nil
}

// Budget bounds the retries of all callers of one dependency to a share of their first attempts. One owner has it, and the
// callers go through that owner: a withdrawal is one step, so no number of them at once overdraws it. Cancels, kills and
// heartbeats neither earn nor spend. The zero Budget refuses.
//
// It counts what was spent, not what is in flight: where calls fail at once nothing is in flight, and such a budget bounds nothing.
type Budget struct {
	watch
	cfg     BudgetConfig
	buckets []int64 // earned less spent
	ring    ring
	total   int64
}

// NewBudget has its reserve. The error lists the mistakes of the configuration.
func NewBudget(c BudgetConfig) (*Budget, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Budget{cfg: c, buckets: make([]int64, c.Buckets), ring: newRing(c.BucketSpan)}, nil
}

// Deposit counts a first attempt.
func (g *Budget) Deposit(now Instant) {
	if g.buckets != nil {
		g.book(now, int64(g.cfg.Deposit))
	}
}

// Withdraw pays for a retry, or for a hedge; false when there is too little.
func (g *Budget) Withdraw(now Instant) bool {
	if g.Tokens(now) < retryCosts {
		return false
	}
	g.book(now, -retryCosts)
	return true
}

// Refund gives back what a retry paid that was not made after all.
func (g *Budget) Refund(now Instant) {
	if g.buckets != nil {
		g.book(now, retryCosts)
	}
}

// Tokens is the balance in thousandths of a retry. It may be negative: what was earned has left the window and what it paid for has
// not.
func (g *Budget) Tokens(now Instant) int64 {
	if g.buckets == nil {
		return 0
	}
	g.roll(g.see(now))
	return int64(g.cfg.Reserve) + g.total
}

func (g *Budget) book(now Instant, n int64) {
	g.roll(g.see(now))
	g.buckets[g.ring.at] += n
	g.total += n
}

func (g *Budget) roll(now Instant) {
	if now < g.ring.ends {
		return
	}
	for range g.ring.turn(now, len(g.buckets)) {
		b := &g.buckets[g.ring.step(len(g.buckets))]
		g.total -= *b
		*b = 0
	}
}
