package sim

import (
	"slices"
	"strings"
	"time"
)

// FaultKind names what a fault does. Only the kinds of this file exist; any other is refused by name.
type FaultKind string

// The kinds of faults. A fault on a request acts on the request or on all that the session is sent because of it; a fault on
// msg 8, 9, r, j or 3 acts on that message alone; one on msg A acts on a logon.
const (
	DelayMessage FaultKind = "delay"              // a request is read and done With.Delay later, a reply leaves so much later
	DropBefore   FaultKind = "drop_before"        // the request is read and forgotten
	DropAfter    FaultKind = "drop_after"         // it is applied, what answers it is never sent
	LateAck      FaultKind = "late_ack"           // what answers it leaves With.Delay later, numbered as it leaves
	DupExec      FaultKind = "dup_exec"           // an execution report is sent twice under two sequence numbers
	DupResend    FaultKind = "dup_resend"         // at a logon, what is resent is resent twice
	Reorder      FaultKind = "reorder"            // the reply leaves behind the next one, or With.Delay later
	DisconnectAt FaultKind = "disconnect_at_byte" // the link is cut within the message: a request is not read, a reply is stored

	// FillWhilePendingCancel executes With.Qty of an open order as a cancel of it comes in, and then does the cancel: it ends
	// what is left, or is too late. It counts only cancels that name an open order; FillWhilePendingReplace replaces likewise.
	FillWhilePendingCancel  FaultKind = "fill_while_pending_cancel"
	FillWhilePendingReplace FaultKind = "fill_while_pending_replace"
	FillBeforeAck           FaultKind = "fill_before_ack" // With.Qty of a new limit order is executed, and told ahead of its acceptance
	Overfill                FaultKind = "overfill"        // a new limit order is executed in full, and With.Qty (a lot) beyond

	Reject         FaultKind = "reject"          // a good order is refused
	CancelRejected FaultKind = "cancel_reject"   // a good cancel or replace is refused, and the order stays
	BusinessFault  FaultKind = "business_reject" // a request is refused with a j: the application is not available

	HalfOpen FaultKind = "half_open" // nothing passes in either direction, until the venue misses a heartbeat With.Delay later
	Stuck    FaultKind = "stuck"     // the venue reads nothing more of the session for With.Delay, and then all of it in order

	SeqGap           FaultKind = "seq_gap"             // the reply takes a number and is lost; a resend has it
	SeqTooLow        FaultKind = "seq_too_low"         // the reply is sent under number 1, without PossDup; a resend has it right
	SeqReset         FaultKind = "seq_reset"           // at a logon, the venue begins at 1 again, and has nothing to resend
	GapFillForReplay FaultKind = "gap_fill_for_replay" // at a logon, what was missed is gap-filled and not resent
	LogonRefused     FaultKind = "logon_refused"       // a logon is refused
	LogonSlow        FaultKind = "logon_slow"          // a logon is answered With.Delay later

	StatusNoAnswer        FaultKind = "status_noanswer"          // a question is read, and not answered
	StatusAbsentThenFound FaultKind = "status_absent_then_found" // the venue says that it does not know an order that it has
	MassStatusShort       FaultKind = "mass_status_short"        // a list is one order shorter than it announces
	MassStatusMissing     FaultKind = "mass_status_missing"      // a list lacks an order, and announces the fewer

	Forget             FaultKind = "forget"              // With.Delay after its answer, an order is gone, and nobody is told
	UnsolicitedCancel  FaultKind = "unsolicited_cancel"  // With.Delay after its answer, an order is cancelled unasked
	UnsolicitedRestate FaultKind = "unsolicited_restate" // With.Delay after its answer, With.Qty (half of what is open) is taken off an order
	BustFault          FaultKind = "bust"                // With.Delay after its report, an execution is busted
	CorrectFault       FaultKind = "correct"             // With.Delay after its report, an execution is corrected to With.Qty, or a tick dearer

	HaltFault    FaultKind = "halt"       // the symbol is halted for With.Delay
	SplitFault   FaultKind = "split"      // the symbol is split into two shares for one
	ClockSkew    FaultKind = "clock_skew" // the reply says that it was sent With.Delay ahead of its time
	RestartFault FaultKind = "restart"    // the venue drops every link and takes no logon for With.Delay; orders and numbers it keeps
)

// kindRule is what a kind of fault acts on and what it needs.
type kindRule struct {
	kind  FaultKind
	msgs  string        // the messages that it may be on, parted by blanks; the first where none is named
	delay time.Duration // of one that needs a delay: where none is given
	later bool          // it may have a delay, and needs none
	qty   bool          // it may have a quantity
	alone bool          // it needs no message where only a time is given
}

const (
	anyRequest = "D F G H AF q"
	anyReply   = "8 9 r j 3"
	anyMessage = anyRequest + " " + anyReply
)

// LateDelay is the delay of a fault that needs one, is not said to have another, and names none.
const LateDelay = time.Second

var kindRules = []kindRule{
	{kind: DelayMessage, msgs: anyMessage, delay: LateDelay},
	{kind: DropBefore, msgs: anyRequest},
	{kind: DropAfter, msgs: anyMessage},
	{kind: LateAck, msgs: anyMessage, delay: LateDelay},
	{kind: DupExec, msgs: "8"},
	{kind: DupResend, msgs: "A"},
	{kind: Reorder, msgs: anyReply, delay: LateDelay},
	{kind: DisconnectAt, msgs: anyMessage},
	{kind: FillWhilePendingCancel, msgs: "F", qty: true},
	{kind: FillWhilePendingReplace, msgs: "G", qty: true},
	{kind: FillBeforeAck, msgs: "D", qty: true},
	{kind: Overfill, msgs: "D", qty: true},
	{kind: Reject, msgs: "D"},
	{kind: CancelRejected, msgs: "F G"},
	{kind: BusinessFault, msgs: anyRequest},
	{kind: HalfOpen, msgs: anyMessage, delay: 5 * time.Second},
	{kind: Stuck, msgs: anyRequest, delay: LateDelay},
	{kind: SeqGap, msgs: anyReply},
	{kind: SeqTooLow, msgs: anyReply},
	{kind: SeqReset, msgs: "A"},
	{kind: GapFillForReplay, msgs: "A"},
	{kind: LogonRefused, msgs: "A"},
	{kind: LogonSlow, msgs: "A", delay: LateDelay},
	{kind: StatusNoAnswer, msgs: "H AF"},
	{kind: StatusAbsentThenFound, msgs: "H"},
	{kind: MassStatusShort, msgs: "AF"},
	{kind: MassStatusMissing, msgs: "AF"},
	{kind: Forget, msgs: "D", later: true},
	{kind: UnsolicitedCancel, msgs: "D", later: true},
	{kind: UnsolicitedRestate, msgs: "D", later: true, qty: true},
	{kind: BustFault, msgs: "8", later: true},
	{kind: CorrectFault, msgs: "8", later: true, qty: true},
	{kind: HaltFault, msgs: "D", delay: LateDelay, alone: true},
	{kind: SplitFault, msgs: "D", alone: true},
	{kind: ClockSkew, msgs: anyReply, delay: time.Hour},
	{kind: RestartFault, msgs: "D", delay: LateDelay, alone: true},
}

// wireKinds are kinds of faults that need bytes to act on, which order entry in the process does not have.
var wireKinds = []FaultKind{"garbled", "slow_reader"}

// FaultKinds lists the kinds that exist, in the order of the plan's specification.
func FaultKinds() []FaultKind {
	kinds := make([]FaultKind, 0, len(kindRules))
	for _, r := range kindRules {
		kinds = append(kinds, r.kind)
	}
	return kinds
}

// WireFaults lists the kinds that need a wire, and are refused for that.
func WireFaults() []FaultKind { return slices.Clone(wireKinds) }

func (k FaultKind) rule() (kindRule, bool) {
	i := slices.IndexFunc(kindRules, func(r kindRule) bool { return r.kind == k })
	if i < 0 {
		return kindRule{}, false
	}
	return kindRules[i], true
}

// on lists the messages that a kind may be on.
func (r kindRule) on() []string { return strings.Fields(r.msgs) }

// needsFloor reports whether a kind needs an exchange that matches orders itself.
func (k FaultKind) needsFloor() bool {
	return oneOf(k, UnsolicitedRestate, BustFault, CorrectFault, HaltFault, SplitFault)
}

// needsStranger reports whether a kind executes orders against nobody of the market.
func (k FaultKind) needsStranger() bool {
	return oneOf(k, FillWhilePendingCancel, FillWhilePendingReplace, FillBeforeAck, Overfill)
}
