package orders

import (
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// EventKind says what happened to an order. The zero value is invalid.
type EventKind uint8

// Kinds of events.
const (
	EventAccepted EventKind = iota + 1
	EventPending
	EventFill
	EventBusted
	EventCorrected
	EventCancelled
	EventRejected
	EventExpired
	EventReplaced
	EventReplaceRejected
	EventCancelRejected
	EventRestated
	EventDoneForDay
	EventStopped
	EventSuspended
	EventCalculated
	EventUnknown
	EventResolved
	EventAbsent
	EventClosed
	EventReopened
	EventRefused
	EventQueued
	EventAlreadyClosing
	EventCancelLost
	EventReplaceLost
	EventUnsent
	EventOpen
	EventMassCancelAcked
	EventRepeated // the decision was placed before: Order names the first order
)

var eventNames = [...]string{
	"invalid", "accepted", "pending", "fill", "busted", "corrected", "cancelled", "rejected", "expired", "replaced",
	"replace_rejected", "cancel_rejected", "restated", "done_for_day", "stopped", "suspended", "calculated",
	"unknown", "resolved", "absent", "closed", "reopened", "refused", "queued", "already_closing", "cancel_lost",
	"replace_lost", "unsent", "open", "mass_cancel_acked", "repeated",
}

// String returns the name of the kind in lower case with underscores.
func (k EventKind) String() string {
	if int(k) >= len(eventNames) {
		return eventNames[0]
	}
	return eventNames[k]
}

// Reason is the closed word behind an end or a refusal.
type Reason string

// Reasons of an end.
const (
	ReasonNone        Reason = "-"
	ReasonVenue       Reason = "venue"
	ReasonUnsolicited Reason = "unsolicited"
	ReasonAbsent      Reason = "absent"
	ReasonFound       Reason = "found"
	ReasonBusiness    Reason = "business"
	ReasonUnsent      Reason = "unsent"
	ReasonStale       Reason = "stale"
	ReasonOperator    Reason = "operator"
)

// Reasons of a refusal.
const (
	ReasonNoOrder     Reason = "no_order"
	ReasonDuplicate   Reason = "duplicate_id"
	ReasonSession     Reason = "session"
	ReasonUnknown     Reason = "unknown"
	ReasonClosed      Reason = "closed"
	ReasonClosing     Reason = "closing"
	ReasonFilled      Reason = "filled"
	ReasonBelowCum    Reason = "qty_below_cum"
	ReasonOverflow    Reason = "overflow"
	ReasonJournal     Reason = "journal"
	ReasonUnsupported Reason = "unsupported"
	ReasonGateway     Reason = "gateway"
	ReasonPermit      Reason = "permit"
	ReasonFenced      Reason = "FENCED"
	ReasonCancelled   Reason = "cancelled"
	ReasonInvalid     Reason = "invalid"
	ReasonKnown       Reason = "known" // nothing about the order is in doubt
)

// Event tells the owner of an order what happened to it. Quantities and prices
// are in 1e-9 units. Qty, Cum, Leaves and Price are the order's after it.
type Event struct {
	Kind       EventKind
	Status     Status
	Order      market.ClOrdID // first id of the order, "" when none came to be
	Request    market.ClOrdID // the request it speaks of, when it is not the order itself
	OrderID    string         // the venue's id, when known
	Cause      risk.Cause
	Strategy   string
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty
	Cum        market.Qty
	Leaves     market.Qty
	Price      market.Price
	Reason     Reason
	Exec       string     // of a fill or correction its own id, of a bust the id of what it takes away
	Ref        string     // of a bust or correction: the fill that it speaks of, by the id under which that was told
	LastQty    market.Qty // signed change of Cum: above 0 of a fill, below 0 of a bust, either or 0 of a correction
	LastPx     market.Price
	Evidence   uint64 // LSN of the record that it follows from, 0 for none
	Replay     bool   // told again after a restart
	Paper      bool   // of a paper venue
}

// Flag names something odd that the machine saw and survived. The zero value
// is invalid.
type Flag uint8

// Flags. Each stands in the rule of the same words.
const (
	FlagDupExec Flag = iota + 1
	FlagUnknownOrder
	FlagForeignOrder
	FlagOrigMismatch
	FlagLate
	FlagUnknownRequest
	FlagDupClOrdID
	FlagIllegalArc
	FlagRevived
	FlagQtyMismatch
	FlagFillAfterClose
	FlagOverfill
	FlagDupBust
	FlagUnknownRef
	FlagCumGap
	FlagCumBehind
	FlagLeavesMismatch
	FlagAvgMismatch
	FlagDayMismatch
	FlagStatusMismatch
	FlagSyntheticFill
	FlagClosedByAbsence
	FlagCloseStuck
	FlagStaleVeto
)

var flagNames = [...]string{
	"invalid", "dup_exec", "unknown_order", "foreign_order", "orig_mismatch", "late", "unknown_request",
	"dup_clordid", "illegal_arc", "revived", "qty_mismatch", "fill_after_close", "overfill", "dup_bust",
	"unknown_ref", "cum_gap", "cum_behind", "leaves_mismatch", "avg_mismatch", "day_mismatch", "status_mismatch",
	"synthetic_fill", "closed_by_absence", "close_stuck", "stale_veto",
}

// String returns the flag's name in lower case with underscores.
func (f Flag) String() string {
	if int(f) >= len(flagNames) {
		return flagNames[0]
	}
	return flagNames[f]
}
