package risk

import "errors"

// Code names the control that refused. Codes are stable: scripts, metrics and the decision log hold them.
type Code string

// The codes of refusals, and of the reasons why a scope is shut.
const (
	CodeShut              Code = "SHUT"
	CodeNoPermission      Code = "NO_PERMISSION"
	CodePermitExpired     Code = "PERMIT_EXPIRED"
	CodeNotEntitled       Code = "NOT_ENTITLED"
	CodeRestricted        Code = "RESTRICTED"
	CodeInvalid           Code = "INVALID"
	CodeUnknownInstrument Code = "UNKNOWN_INSTRUMENT"
	CodeTick              Code = "TICK"
	CodeLot               Code = "LOT"
	CodePhase             Code = "PHASE"
	CodeStalePrice        Code = "STALE_PRICE"
	CodeOrderQty          Code = "ORDER_QTY"
	CodeSoftQty           Code = "SOFT_QTY"
	CodeOrderNotional     Code = "ORDER_NOTIONAL"
	CodeMarketNoCollar    Code = "MARKET_NO_COLLAR"
	CodeCollar            Code = "COLLAR"
	CodeDuplicateID       Code = "DUPLICATE_ID"
	CodeReduceOnly        Code = "REDUCE_ONLY"
	CodeOpenOrders        Code = "OPEN_ORDERS"
	CodeLiveValue         Code = "LIVE_VALUE"
	CodeLongLimit         Code = "LONG_LIMIT"
	CodeShortLimit        Code = "SHORT_LIMIT"
	CodeNotionalLimit     Code = "NOTIONAL_LIMIT"
	CodeGrossLimit        Code = "GROSS_LIMIT"
	CodeCredit            Code = "CREDIT"
	CodeNoCapacity        Code = "NO_CAPACITY"
	CodeUnknownOrders     Code = "UNKNOWN_ORDERS"
	CodeNoLimit           Code = "NO_LIMIT"
	CodeOverflow          Code = "OVERFLOW"

	CodeNoAccount        Code = "NO_ACCOUNT"
	CodeTermOpening      Code = "TERM_OPENING"
	CodeHolderSilent     Code = "HOLDER_SILENT"
	CodeOrphaned         Code = "ORPHANED"
	CodeReconciling      Code = "RECONCILING"
	CodeDifference       Code = "DIFFERENCE"
	CodeDigest           Code = "DIGEST"
	CodeNeedsOperator    Code = "NEEDS_OPERATOR"
	CodeTripped          Code = "TRIPPED"
	CodeJournalUnknown   Code = "JOURNAL_UNKNOWN"
	CodeJournalDead      Code = "JOURNAL_DEAD"
	CodeJournalCorrupt   Code = "JOURNAL_CORRUPT"
	CodeDiskFull         Code = "DISK_FULL"
	CodeDiskSlow         Code = "DISK_SLOW"
	CodeDiskStuck        Code = "DISK_STUCK"
	CodeSessionDown      Code = "SESSION_DOWN"
	CodeClockJump        Code = "CLOCK_JUMP"
	CodeBreach           Code = "BREACH"
	CodeEvidenceWaits    Code = "EVIDENCE_WAITS"
	CodeStopping         Code = "STOPPING"
	CodeStaleIncarnation Code = "STALE_INCARNATION"
)

// The decisions a caller can make, for errors.Is. Several codes may share one.
var (
	ErrShut         = errors.New("gate is shut")
	ErrNoPermission = errors.New("no permission")
	ErrNotEntitled  = errors.New("not entitled")
	ErrInvalid      = errors.New("invalid")
	ErrInstrument   = errors.New("instrument does not admit this order")
	ErrStalePrice   = errors.New("price is not live")
	ErrOverLimit    = errors.New("over the limit")
	ErrNoLimit      = errors.New("limit is not set")
	ErrNoCapacity   = errors.New("no capacity at this holder")
	ErrDuplicate    = errors.New("seen before")
	ErrUnknown      = errors.New("orders of unknown state")
	ErrOverflow     = errors.New("number out of range")

	ErrNoPermit      = errors.New("not a permit")
	ErrPermitExpired = errors.New("permit has expired")
	ErrPermitUsed    = errors.New("permit was used")
)

// Refusal is a no, with what a person needs to understand it. It is a value and an error; errors.Is matches the sentinel of its
// code.
type Refusal struct {
	Code  Code
	Why   Code   // of SHUT: the first cause
	Scope Scope  // whose limit or mode it was; zero where the order itself is at fault
	Value string // what was found, decimal text
	Limit string // what was wanted, decimal text
}

// Error writes the refusal as one line.
func (r Refusal) Error() string {
	s := string(r.Code)
	if r.Why != "" {
		s += " (" + string(r.Why) + ")"
	}
	if r.Scope != (Scope{}) {
		s += " in " + r.Scope.String()
	}
	if r.Value != "" {
		s += ": got " + r.Value
	}
	if r.Limit != "" {
		s += ", limit " + r.Limit
	}
	return s
}

// Is reports whether target is the sentinel that r.Code belongs to.
func (r Refusal) Is(target error) bool { return r.Code.sentinel() == target }

func (c Code) sentinel() error {
	switch c {
	case CodeShut, CodeReduceOnly:
		return ErrShut
	case CodeNoPermission, CodePermitExpired:
		return ErrNoPermission
	case CodeNotEntitled, CodeRestricted:
		return ErrNotEntitled
	case CodeUnknownInstrument, CodeTick, CodeLot, CodePhase:
		return ErrInstrument
	case CodeStalePrice:
		return ErrStalePrice
	case CodeNoLimit:
		return ErrNoLimit
	case CodeNoCapacity:
		return ErrNoCapacity
	case CodeDuplicateID:
		return ErrDuplicate
	case CodeUnknownOrders:
		return ErrUnknown
	case CodeOverflow:
		return ErrOverflow
	case CodeOrderQty, CodeSoftQty, CodeOrderNotional, CodeMarketNoCollar, CodeCollar, CodeOpenOrders, CodeLiveValue,
		CodeLongLimit, CodeShortLimit, CodeNotionalLimit, CodeGrossLimit, CodeCredit:
		return ErrOverLimit
	default:
		return ErrInvalid
	}
}
