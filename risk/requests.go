package risk

import "github.com/failshut/failshut/market"

// ResetRequest names the latches to clear. With no ids it names every latch whose scope is exactly Scope. Expect is the revision the
// caller saw, 0 for any.
type ResetRequest struct {
	Scope  Scope
	IDs    []string
	Reason string
	By     string
	Expect uint64
	Key    string // idempotency: the same key again is answered as the first time
}

// ResetResult says what a reset did. Err is nil, or ErrTwoPersons, ErrStaleRevision, ErrUnknownLatch, ErrInvalid, ErrNotAppended or
// ErrFateUnknown.
type ResetResult struct {
	Cleared  []string
	Remain   []string
	Revision uint64
	Index    uint64
	Err      error
}

// LimitRequest asks for a new value of one measure of one row. Expect is the revision the caller saw, 0 for any.
type LimitRequest struct {
	Limit  Limit
	Reason string
	By     string
	Expect uint64
	Key    string
}

// LimitResult says what a change of a limit did. Err is as in ResetResult.
type LimitResult struct {
	Old      market.Notional
	HadOld   bool
	Loosened bool
	Revision uint64
	Index    uint64
	Err      error
}
