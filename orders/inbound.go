package orders

import "github.com/failshut/failshut/market"

// Inbound is what a venue link hands to the owner of an account: the closed
// set [Report], [CancelReject], [BusinessReject], [SessionReject], [Answer],
// [MassEnd], [MassCancelAck] and [Link]. Values are immutable once handed on.
type Inbound interface {
	Input
	inbound()
}

// Origin says where and when an inbound message was received. Neither flag is
// trusted to mean that a message is old or new; R1 and the sequence decide.
type Origin struct {
	Session    string           // session that delivered it
	Seq        uint64           // the venue's sequence number in the session, 0 when it has none
	PossDup    bool             // FIX 43: a replay by the session
	PossResend bool             // FIX 97: a replay by the application
	Recv       market.Timestamp // wall clock at receipt, information only
}

// RestateReason says why a venue restated an order (FIX 378).
type RestateReason uint8

// Reasons of a restatement. Only RestateCorporate rescales executions.
const (
	RestateOther RestateReason = iota
	RestateCorporate
	RestateRenewal
	RestateVerbal
	RestateRepricing
	RestateDecline
	RestateCancel
)

// Report is a venue's execution report (FIX 8). Quantities and prices are in
// 1e-9 units and as the venue sent them.
type Report struct {
	Origin
	ID         market.ClOrdID // "" when the venue named none
	Orig       market.ClOrdID
	OrderID    string
	ExecID     string // unique per account, see Options.ExecKey
	ExecRef    string // for TX and TC: the execution they speak of
	Type       ExecType
	Status     Status // as reported: one of New … PendingReplace
	Instrument market.Instrument
	Side       market.Side
	Qty        market.Qty // total quantity
	Cum        market.Qty
	Leaves     market.Qty
	LastQty    market.Qty // a trade only when Type is ExecTrade or ExecCorrect
	LastPx     market.Price
	Price      market.Price // 0 when not reported
	Avg        market.Price // meaningful only with HasAvg
	HasAvg     bool
	DayQty     market.Qty // DayOrderQty and DayCumQty, meaningful only with HasDay
	DayCum     market.Qty
	HasDay     bool
	Reason     int // OrdRejReason of a reject
	Restate    RestateReason
	Text       string
	Paper      bool // made by a paper venue
}

// OrdRejReason and CxlRejReason values that rules speak of.
const (
	ReasonUnknownOrder   = 1 // CxlRejReason: the venue does not know the order
	ReasonPendingRequest = 3 // CxlRejReason: a cancel or replace is already pending
	ReasonDuplicateID    = 6 // OrdRejReason: duplicate ClOrdID
)

// CancelReject refuses a cancel or a replace (FIX 9).
type CancelReject struct {
	Origin
	ID      market.ClOrdID // of the request refused
	Orig    market.ClOrdID
	OrderID string // "" or "NONE" when the venue knows no order
	Status  Status
	Reason  int // CxlRejReason
	Text    string
}

// BusinessReject refuses a request above the session (FIX j).
type BusinessReject struct {
	Origin
	ID     market.ClOrdID
	Reason int
	Text   string
}

// SessionReject refuses a message at the session (FIX 3).
type SessionReject struct {
	Origin
	ID     market.ClOrdID
	Reason int
	Text   string
}

// Answer is what came of a [Question] about one order. The zero value is "no
// answer": an error, a timeout, a malformed or partial reply can only be that,
// and it proves nothing.
type Answer struct {
	id     market.ClOrdID
	oid    string
	kind   answerKind
	report Report
}

type answerKind uint8

const (
	noAnswer answerKind = iota
	found
	absent
)

// Found returns the answer that carries the order's state. Report ID and
// OrderID say whose it is.
func Found(r Report) Answer { return Answer{id: r.ID, oid: r.OrderID, kind: found, report: r} }

// Absent returns the answer that the venue, asked for id, knows no such order.
func Absent(id market.ClOrdID) Answer { return Answer{id: id, kind: absent} }

// NoAnswer returns the answer that says nothing about the order id.
func NoAnswer(id market.ClOrdID) Answer { return Answer{id: id} }

// About returns the answer as one to the question about the order that id or
// orderID names, whatever ids its report carries.
func (a Answer) About(id market.ClOrdID, orderID string) Answer {
	a.id, a.oid = id, orderID
	return a
}

// Report returns the state a Found answer carries; ok is false for any other.
func (a Answer) Report() (r Report, ok bool) { return a.report, a.kind == found }

// ID returns the id that was asked for.
func (a Answer) ID() market.ClOrdID { return a.id }

// IsAbsent reports whether the venue said that it knows no such order.
func (a Answer) IsAbsent() bool { return a.kind == absent }

// MassEnd ends the list of answers to a mass status question. Count is the
// number of orders the venue announced; any other number received proves
// nothing. An empty list is Count 0.
type MassEnd struct {
	Origin
	Count int
}

// MassCancelAck answers a mass cancel (FIX r). It changes no order.
type MassCancelAck struct {
	Origin
	Accepted bool
}

// LinkEvent is what happened to the venue session.
type LinkEvent uint8

// Events of a link, in the order of a session's life.
const (
	LinkLogon    LinkEvent = iota + 1 // logged on; the venue may still replay
	LinkReplayed                      // every gap is filled, the replay has ended
	LinkLogout                        // logged out or disconnected
)

// String returns "logon", "replayed", "logout" or "invalid".
func (e LinkEvent) String() string {
	switch e {
	case LinkLogon:
		return "logon"
	case LinkReplayed:
		return "replayed"
	case LinkLogout:
		return "logout"
	default:
		return "invalid"
	}
}

// Link tells a change of the venue session's state.
type Link struct {
	Origin
	Event LinkEvent
	Why   string
}

func (Report) inbound()         {}
func (CancelReject) inbound()   {}
func (BusinessReject) inbound() {}
func (SessionReject) inbound()  {}
func (Answer) inbound()         {}
func (MassEnd) inbound()        {}
func (MassCancelAck) inbound()  {}
func (Link) inbound()           {}

func (Report) input()         {}
func (CancelReject) input()   {}
func (BusinessReject) input() {}
func (SessionReject) input()  {}
func (Answer) input()         {}
func (MassEnd) input()        {}
func (MassCancelAck) input()  {}
func (Link) input()           {}
