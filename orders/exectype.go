package orders

// ExecType says what an execution report reports (FIX 150). The zero value is
// invalid.
type ExecType uint8

// Types of execution reports.
const (
	ExecNew ExecType = iota + 1
	ExecDoneForDay
	ExecCanceled
	ExecReplaced
	ExecPendingCancel
	ExecStopped
	ExecRejected
	ExecSuspended
	ExecPendingNew
	ExecCalculated
	ExecExpired
	ExecRestated
	ExecPendingReplace
	ExecTrade
	ExecCorrect // a trade corrected
	ExecBust    // a trade cancelled
	ExecStatus  // the answer to a status question
)

var execTokens = [...]string{
	"invalid", "NEW", "DFD", "CXL", "RPL", "PC", "STP", "REJ", "SUS", "PN", "CALC", "EXP", "RST", "PR", "T", "TX", "TC", "STS",
}

// String returns the short token of the type, "T" for a trade; "invalid" for
// a value that is none.
func (t ExecType) String() string {
	if int(t) >= len(execTokens) {
		return execTokens[0]
	}
	return execTokens[t]
}

// ParseExecType returns the type of a token that String gives.
func ParseExecType(s string) (ExecType, bool) {
	for i, tok := range execTokens[1:] {
		if tok == s {
			return ExecType(i + 1), true
		}
	}
	return 0, false
}

// pending reports whether the report only says that the venue thinks about it.
func (t ExecType) pending() bool {
	return t == ExecPendingNew || t == ExecPendingCancel || t == ExecPendingReplace
}

// Status is an order's state in one word. New … PendingReplace are a venue's
// own (FIX 39); Unknown, Created and Sent are ours alone. It is derived by R6
// and never stored. The zero value is invalid.
type Status uint8

// States of an order.
const (
	StatusNew Status = iota + 1
	StatusPartFilled
	StatusFilled
	StatusDoneForDay
	StatusCanceled
	StatusPendingCancel
	StatusStopped
	StatusRejected
	StatusSuspended
	StatusPendingNew
	StatusCalculated
	StatusExpired
	StatusPendingReplace
	StatusUnknown // no evidence of what the venue holds
	StatusCreated // journalled, not handed over
	StatusSent    // handed over, no answer yet
)

var statusTokens = [...]string{
	"invalid", "NEW", "PF", "F", "DFD", "CXL", "PC", "STP", "REJ", "SUS", "PN", "CALC", "EXP", "PR", "UNKNOWN", "CREATED", "SENT",
}

// String returns the short token of the state, "PF" for part filled;
// "invalid" for a value that is none.
func (s Status) String() string {
	if int(s) >= len(statusTokens) {
		return statusTokens[0]
	}
	return statusTokens[s]
}

// ParseStatus returns the state of a token that String gives.
func ParseStatus(s string) (Status, bool) {
	for i, tok := range statusTokens[1:] {
		if tok == s {
			return Status(i + 1), true
		}
	}
	return 0, false
}

// reportedEnd reports whether a venue that says s will do nothing more.
func (s Status) reportedEnd() bool {
	return s == StatusCanceled || s == StatusRejected || s == StatusExpired
}

// reportedOpen reports whether a venue that says s may still execute.
func (s Status) reportedOpen() bool {
	return s.reportedVenue() && !s.reportedEnd() && s != StatusFilled && s != StatusDoneForDay
}

func (s Status) reportedVenue() bool { return s >= StatusNew && s <= StatusPendingReplace }
