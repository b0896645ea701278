package resilience

import (
	"errors"
	"fmt"
)

// FailMode is what a dependency that does not answer means for trading. The zero value is invalid: it has to be chosen.
type FailMode uint8

// The fail modes.
const (
	Closed FailMode = iota + 1 // nothing goes on that needed the answer
	Open                       // trading does not wait for it
)

// String is the word of the mode.
func (m FailMode) String() string {
	switch m {
	case Closed:
		return "closed"
	case Open:
		return "open"
	default:
		return fmt.Sprintf("FailMode(%d)", m)
	}
}

// Dependency declares something outside the process that may fail: what is tried again, and what its silence means.
type Dependency struct {
	Name     string
	FailMode FailMode
	Why      string // why this mode is the right one, for who reads the list
	// Rules for asking. Nil is none of that kind: no retry, no breaker, and so on.
	Retry    *Backoff
	Breaker  *BreakerConfig
	Budget   *BudgetConfig
	Bulkhead *BulkheadConfig
}

// Validate lists every mistake.
func (d Dependency) Validate() error {
	var errs []error
	if d.Name == "" {
		errs = append(errs, errors.New("dependency without a name"))
	}
	if d.FailMode != Closed && d.FailMode != Open {
		errs = append(errs, fmt.Errorf("fail mode = %s, want closed or open", d.FailMode))
	}
	if d.Why == "" {
		errs = append(errs, errors.New("why is empty, want the reason of the fail mode"))
	}
	if d.Retry != nil {
		errs = append(errs, d.Retry.Validate())
	}
	if d.Breaker != nil {
		errs = append(errs, d.Breaker.Validate())
	}
	if d.Budget != nil {
		errs = append(errs, d.Budget.Validate())
	}
	if d.Bulkhead != nil {
		errs = append(errs, d.Bulkhead.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("dependency %q: %w", d.Name, err)
	}
	return nil
}
