// Package fix44 is the alphabet of FIX 4.4 order entry: tags, message types and what it writes for values, by their names there. Both sides of a
// session use the same tables, so that neither can know a word that the other has forgotten. Frame takes sound messages off a stream.
package fix44

// Tags.
const (
	Account               = 1
	AvgPx                 = 6
	BeginString           = 8
	BodyLength            = 9
	CheckSum              = 10
	ClOrdID               = 11
	CumQty                = 14
	ExecID                = 17
	ExecRefID             = 19
	LastPx                = 31
	LastQty               = 32
	MsgSeqNum             = 34
	MsgType               = 35
	OrderID               = 37
	OrderQty              = 38
	OrdStatus             = 39
	OrdType               = 40
	OrigClOrdID           = 41
	PossDupFlag           = 43
	Price                 = 44
	RefSeqNum             = 45
	SenderSubID           = 50
	SendingTime           = 52
	Side                  = 54
	Symbol                = 55
	TargetSubID           = 57
	Text                  = 58
	TimeInForce           = 59
	TransactTime          = 60
	PossResend            = 97
	StopPx                = 99
	CxlRejReason          = 102
	OrdRejReason          = 103
	ResetSeqNumFlag       = 141
	ExecType              = 150
	LeavesQty             = 151
	RefMsgType            = 372
	SessionRejectReason   = 373
	ExecRestatementReason = 378
	BusinessRejectRefID   = 379
	BusinessRejectReason  = 380
	DayOrderQty           = 424
	DayCumQty             = 425
	CxlRejResponseTo      = 434
	MassCancelRequestType = 530
	MassCancelResponse    = 531
	TotalAffectedOrders   = 533
	Username              = 553
	Password              = 554
	MassStatusReqID       = 584
	MassStatusReqType     = 585
	OrdStatusReqID        = 790
	TotNumReports         = 911
	LastRptRequested      = 912
)

// Types of messages (35).
const (
	MsgReject                    = "3"
	MsgExecutionReport           = "8"
	MsgOrderCancelReject         = "9"
	MsgLogout                    = "5"
	MsgLogon                     = "A"
	MsgNewOrderSingle            = "D"
	MsgOrderCancelRequest        = "F"
	MsgOrderCancelReplaceRequest = "G"
	MsgOrderStatusRequest        = "H"
	MsgOrderMassStatusRequest    = "AF"
	MsgOrderMassCancelRequest    = "q"
	MsgOrderMassCancelReport     = "r"
	MsgBusinessMessageReject     = "j"
)

// Where a field is required and what it asks for is not known: a question about an order of which its name is known, and its answer.
const (
	AnySymbol = "[N/A]"
	AnySide   = "7" // undisclosed
)

// StampLayout is a UTCTimestamp with milliseconds.
const StampLayout = "20060102-15:04:05.000"

// None stands where a field is required and there is nothing to say: a ClOrdID or OrderID that nobody knows.
const None = "NONE"
