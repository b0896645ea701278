// Package mailbox is a bounded queue that answers: whoever offers a message learns at once whether it was
// taken, and a full box is an answer like any other. A box has up to four lanes, each with its own bound and
// policy, served in strict order, and it counts every message it was ever offered.
//
// It keeps promise P6 (bounded and counted: accepted = handled + dropped by reason + queued, at every
// instant), the queue's part of P5 (nothing is lost silently) and of P7 (Control never waits behind data).
// It knows nothing of actors, starts no goroutine, and reads no clock but the one it is given.
package mailbox

import (
	"errors"
	"strconv"
)

// Lane is a queue of its own inside a box. Lanes never borrow room from each other, and a lower number is
// always served first. Lane(0) is invalid.
type Lane uint8

// The lanes, in the order in which they are served.
const (
	Control  Lane = iota + 1 // cancel of one order, stop of a timer: ahead of everything
	Reports                  // venue evidence and replies
	Commands                 // intents and calls
	Data                     // market data
)

const laneCount = 4

var laneNames = [laneCount + 1]string{"invalid", "control", "reports", "commands", "data"}

// Valid says whether l is one of the four lanes.
func (l Lane) Valid() bool { return l >= Control && l <= Data }

// String gives the lower-case name of the lane, "invalid(N)" for anything else.
func (l Lane) String() string {
	if !l.Valid() {
		return "invalid(" + strconv.Itoa(int(l)) + ")"
	}
	return laneNames[l]
}

// Policy is what a lane does with a message for which it has no room. Policy(0) is invalid: a bound without
// a stated policy is a mistake.
type Policy uint8

// The policies. Control and Reports lose nothing for want of room:
// Control takes Reject alone, Reports Reject or Block, Commands Reject or DropNewest, Data any.
const (
	Reject     Policy = iota + 1 // the sender gets ErrFull
	DropNewest                   // as Reject, and the message, which was never accepted, is a dead letter: full
	DropOldest                   // the oldest message of the lane makes room and is a dead letter: overflow
	Conflate                     // a newer State takes the place of the queued one of its key, see Description
	Block                        // as Reject for Offer; OfferWait waits for room
)

var policyNames = [...]string{"invalid", "reject", "drop_newest", "drop_oldest", "conflate", "block"}

// String gives the lower-case name of the policy, "invalid(N)" for anything else.
func (p Policy) String() string {
	if p < Reject || p > Block {
		return "invalid(" + strconv.Itoa(int(p)) + ")"
	}
	return policyNames[p]
}

// Reason says why a message was refused or dropped. The set is closed; Reason(0) is invalid.
type Reason uint8

// Reasons of refusal come first, reasons of a drop after them.
const (
	Full      Reason = iota + 1 // no room in the lane
	Suspended                   // the box takes nothing but Control now
	Closed                      // the box takes nothing any more
	Policing                    // the lane does not exist, or its policy does not allow the call
	Cancelled                   // OfferWait ended with its context
	Gapped                      // an Event of the key found no room, this one or one before it
	Keys                        // the lane has no place for another key

	Stopped    // dropped: the owner stopped
	Restarted  // dropped: the owner failed, its next incarnation starts empty
	Abandoned  // dropped: the owner hung and was left behind
	Expired    // dropped: too old; refused: too old already when it was offered
	Overflow   // dropped: made room for a newer one
	Conflated  // dropped: replaced by a newer State or Barrier, or made void by a Barrier
	Stale      // dropped: a newer State of its key waited already
	Poison     // dropped: it crashed its owner before
	Shutdown   // dropped: the whole system stopped
	HandedOn   // not lost: it is counted anew in the box of the owner's next incarnation
	reasonsEnd // one past the last reason
)

var reasonNames = [reasonsEnd]string{
	"invalid", "full", "suspended", "closed", "policy", "cancelled", "gapped", "keys",
	"stopped", "restarted", "abandoned", "expired", "overflow", "conflated", "stale", "poison", "shutdown", "handed_on",
}

// String gives the lower-case name of the reason, as metrics and reports show it.
func (r Reason) String() string {
	if r == 0 || r >= reasonsEnd {
		return "invalid(" + strconv.Itoa(int(r)) + ")"
	}
	return reasonNames[r]
}

// Answers of Offer and OfferWait. They are returned bare, so that a refusal costs no allocation.
var (
	// ErrFull says that the lane holds as many messages as its bound allows, or as many keys.
	ErrFull = errors.New("mailbox: full")
	// ErrClosed says that the box was closed and will never take a message again.
	ErrClosed = errors.New("mailbox: closed")
	// ErrSuspended says that the box takes only Control for now.
	ErrSuspended = errors.New("mailbox: suspended")
	// ErrExpired says that the message's deadline has passed already.
	ErrExpired = errors.New("mailbox: expired")
	// ErrGapped says that an Event of the message's key found no room, this one or one before it: the consumer gets
	// a Gap, and no Event of the key is taken until a Snapshot. The Gap may be all that waits, so this answer is a
	// reason to wake the consumer as nil is.
	ErrGapped = errors.New("mailbox: gapped")
	// ErrPolicy says that the message names a lane this box does not have, or that the lane's policy does
	// not allow the call or the kind of the message.
	ErrPolicy = errors.New("mailbox: not allowed by policy")
)

// ErrConfig is what every error of New matches.
var ErrConfig = errors.New("mailbox: invalid configuration")

// Signal is a set of latches, one bit each. Their meaning is the owner's.
type Signal uint32

// Item is a message as the consumer gets it.
type Item[M any] struct {
	// Message is what was offered.
	Message M
	// Lane is where it waited.
	Lane Lane
	// At is the reading of Config.Now when it was accepted, 0 for a message that was not stamped.
	At int64
	// Coalesced says which older States this one replaced in a conflating lane.
	Coalesced Coalesced
}

// Letter is a message that will not be handled, with the reason: of a refusal for one that a DropNewest lane did not
// accept, else of a drop.
type Letter[M any] struct {
	Message M
	Lane    Lane
	Reason  Reason
	// At is the reading of Config.Now when it was accepted, 0 for a message that was not stamped.
	At int64
}
