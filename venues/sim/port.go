package sim

import (
	"errors"

	"github.com/failshut/failshut/market"
)

// SessionID names an order entry session at the venue: the client's CompID in FIX.
type SessionID string

// Port is the one entrance of an exchange. The FIX acceptor decodes into it and in-process order entry calls it with the
// same values, so both have the same sequence numbers, faults and ledger lines.
//
// A nil error says that the input was taken, not what became of it: outcomes come as Replies through the Send that the
// session gave at Logon. Who may call it at once is said by each implementation.
type Port interface {
	// Logon opens the session. The answer is a Welcome, the reports the client has not seen, then Replayed; or Refused.
	Logon(Session) error
	// Receive takes one request of a session that is logged on.
	Receive(SessionID, Request) error
	// Logout ends the session; why is WhyLogout for an orderly end, any other word for a lost link.
	Logout(id SessionID, why string) error
}

// WhyLogout is the reason of an orderly logout. Every other reason given to Port.Logout is a lost link.
const WhyLogout = "logout"

// Session is what a client says of itself at logon.
type Session struct {
	ID     SessionID
	Sub    string      // which node speaks (SenderSubID): tells a takeover from a return
	Seq    uint64      // sequence number of this logon message, from 1
	Expect uint64      // next number the client expects of the venue, from 1; 0 is read as 1
	Reset  bool        // both counters start again at 1 (ResetSeqNumFlag), where the venue allows it
	Send   func(Reply) // takes every reply of this logon, in order, on the venue's goroutine; must not block nor call the Port
}

// RequestKind is the type of a request, a FIX 4.4 MsgType. The zero value is malformed.
type RequestKind uint8

// The requests that a Port takes.
const (
	NewOrder      RequestKind = iota + 1 // D
	CancelOrder                          // F
	ReplaceOrder                         // G
	StatusRequest                        // H
	MassStatus                           // AF
	MassCancel                           // q
	Other                                // anything else a client may send
)

var requestWords = []string{
	NewOrder: "D", CancelOrder: "F", ReplaceOrder: "G", StatusRequest: "H", MassStatus: "AF", MassCancel: "q", Other: "other",
}

// String gives the FIX message type: D F G H AF q, or other.
func (k RequestKind) String() string { return wordOf(requestWords, k, "RequestKind") }

// MarshalText gives the FIX message type; an invalid kind is an error.
func (k RequestKind) MarshalText() ([]byte, error) {
	return marshalToken(requestWords, k, "request kind")
}

// UnmarshalText takes the FIX message type.
func (k *RequestKind) UnmarshalText(b []byte) error {
	return unmarshalToken(requestWords, k, b, "request kind")
}

// Request is one message of a client. Fields that its kind does not use are zero.
type Request struct {
	Kind       RequestKind
	Seq        uint64           // MsgSeqNum, from 1
	PossDup    bool             // a session replay
	PossResend bool             // an application replay
	Sent       market.Timestamp // SendingTime; a paper venue reads it as the time of the decision
	ClOrdID    market.ClOrdID   // the request's own id; of a status request the id asked for; of mass requests the request id
	Orig       market.ClOrdID   // CancelOrder, ReplaceOrder: an id of the order
	OrderID    string           // the venue's id, where the client knows it
	Symbol     market.Symbol
	Side       market.Side
	Type       market.OrderType
	TIF        market.TIF
	Qty        market.Qty   // ReplaceOrder: the new total, what was executed included
	Price      market.Price // of limit orders, and of stop orders that go on as such; ReplaceOrder: the new one
	StopPx     market.Price // of stop orders; ReplaceOrder: the new one, 0 for the one there is
	PostOnly   bool         // NewOrder: refused if it would meet an order that rests
	Text       string
}

// Reply is one message of the venue to a session.
type Reply struct {
	Seq     uint64           // MsgSeqNum, from 1; 0 of Refused, Replayed and Cut, which are events of the link
	PossDup bool             // resent at logon
	Time    market.Timestamp // SendingTime of the first sending
	Body    Body
}

// Body is what a Reply says: Welcome, Refused, Report, CancelReject, BusinessReject, SessionReject, MassCancelReport,
// Replayed, LoggedOut or Cut.
type Body interface{ simBody() }

// Welcome answers a logon that was taken.
type Welcome struct {
	Reset bool // the venue's numbers begin at 1 again; a client that did not ask for it must not go on by itself
}

// Refused answers a logon or request that was not taken; the session stays as it was.
type Refused struct{ Err error }

// Replayed tells that every stored report the client had not seen has been sent: its view is as whole as the venue's.
type Replayed struct{}

// LoggedOut answers an orderly logout: the last message of the session.
type LoggedOut struct{}

// Cut tells that the venue or a fault closed the link.
type Cut struct{ Why string }

// Report is an execution report (8).
type Report struct {
	Type     ExecType
	Status   OrdStatus
	OrderID  string // "NONE" of an order that the venue does not know
	ClOrdID  market.ClOrdID
	Orig     market.ClOrdID // of a cancel or a replace: the id that was in force
	ExecID   string         // unique at the venue for ever; "0" of ExecStatus
	ExecRef  string         // of ExecBust and ExecCorrect: the latest id of the execution they are about
	Symbol   market.Symbol
	Side     market.Side
	Ord      market.OrderType
	TIF      market.TIF
	Price    market.Price // of limit orders
	StopPx   market.Price // of stop orders
	Qty      market.Qty   // ordered
	Cum      market.Qty   // executed
	Leaves   market.Qty   // open
	LastQty  market.Qty   // of ExecTrade; of ExecCorrect: the execution as it is now
	LastPx   market.Price
	AvgPx    market.Price
	Restate  RestateReason // of ExecRestated
	Reason   Reason        // of ExecRejected, and of ExecStatus of an unknown order
	Text     string
	MassID   market.ClOrdID // the mass status request that this answers
	Total    int            // reports that answer it; 0 with MassID: no open order, and this report names none
	Last     bool           // the last of them
	PostOnly bool
	Paper    bool // filled from a recorded book, not at an exchange
}

// CancelReject refuses a cancel or a replace (9); the order stays as it was.
type CancelReject struct {
	OrderID string // "NONE" when unknown
	ClOrdID market.ClOrdID
	Orig    market.ClOrdID
	Status  OrdStatus
	Reason  Reason // one of the CxlRejReasons
	Text    string
}

// MassCancelReport answers a mass cancel (r). It changes no order: each cancelled order has its own report.
type MassCancelReport struct {
	ClOrdID  market.ClOrdID
	Accepted bool
	Affected int
	Text     string
}

// BusinessReject refuses a message that the venue understands but does not serve (j).
type BusinessReject struct {
	RefSeq  uint64
	RefKind RequestKind
	ClOrdID market.ClOrdID
	Reason  Reason
	Text    string
}

// SessionReject refuses a message that is malformed (3).
type SessionReject struct {
	RefSeq  uint64
	RefKind RequestKind
	ClOrdID market.ClOrdID
	Reason  Reason
	Text    string
}

func (Welcome) simBody()          {}
func (Refused) simBody()          {}
func (Replayed) simBody()         {}
func (LoggedOut) simBody()        {}
func (Cut) simBody()              {}
func (Report) simBody()           {}
func (CancelReject) simBody()     {}
func (MassCancelReport) simBody() {}
func (BusinessReject) simBody()   {}
func (SessionReject) simBody()    {}

// Reason is the number a refusal carries: OrdRejReason (103) of a Report, CxlRejReason (102) of a CancelReject,
// BusinessRejectReason (380) of a BusinessReject, SessionRejectReason (373) of a SessionReject.
type Reason int

// OrdRejReason.
const (
	OrderUnknownSymbol Reason = 1
	OrderClosed        Reason = 2
	OrderOverLimit     Reason = 3
	OrderUnknown       Reason = 5
	OrderDuplicate     Reason = 6
	OrderUnsupported   Reason = 11
	OrderQuantity      Reason = 13
	OrderOther         Reason = 99
)

// CxlRejReason.
const (
	CancelTooLate   Reason = 0
	CancelUnknown   Reason = 1
	CancelDuplicate Reason = 6
	CancelOther     Reason = 99 // the order cannot have the terms of the replace
)

// RestateReason is why the venue restates an order (378). The zero value is another reason than those named.
type RestateReason uint8

// The reasons of a restatement. Only RestateCorporate speaks of what was executed.
const (
	RestateOther RestateReason = iota
	RestateCorporate
	RestateRenewal
	RestateVerbal
	RestateRepricing
	RestateDecline
	RestateCancel
)

// BusinessRejectReason and SessionRejectReason.
const (
	BusinessUnsupported  Reason = 3
	BusinessNotAvailable Reason = 4
	SessionMissingTag    Reason = 1
)

// The ways a logon or a request can fail to be taken.
var (
	ErrUnknownSession = errors.New("unknown session")
	ErrNotLoggedOn    = errors.New("not logged on")
	ErrLoggedOn       = errors.New("already logged on")
	ErrSequence       = errors.New("sequence number out of step")
	ErrReset          = errors.New("reset of sequence numbers refused")
	ErrShut           = errors.New("exchange is shut")
	ErrDown           = errors.New("exchange takes no logon at the moment")
)
