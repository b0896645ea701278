package fix

import (
	"strconv"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// encode writes a reply of the exchange as a message; nil for one that is the link's own.
func encode(r sim.Reply) *quickfix.Message {
	switch b := r.Body.(type) {
	case sim.Report:
		return encodeReport(&b, r.Time)
	case sim.CancelReject:
		m := message(fix44.MsgOrderCancelReject)
		m.Body.SetString(fix44.OrderID, orNone(b.OrderID))
		m.Body.SetString(fix44.ClOrdID, orNone(b.ClOrdID))
		m.Body.SetString(fix44.OrigClOrdID, orNone(b.Orig))
		m.Body.SetString(fix44.OrdStatus, status(b.Status))
		m.Body.SetString(fix44.CxlRejResponseTo, "1")
		m.Body.SetInt(fix44.CxlRejReason, int(b.Reason))
		unless(m, fix44.Text, b.Text)
		return m
	case sim.MassCancelReport:
		m := message(fix44.MsgOrderMassCancelReport)
		m.Body.SetString(fix44.ClOrdID, orNone(b.ClOrdID))
		m.Body.SetString(fix44.OrderID, orNone(b.ClOrdID))
		m.Body.SetString(fix44.MassCancelRequestType, "7")
		answer := "0" // refused
		if b.Accepted {
			answer = "7"
		}
		m.Body.SetString(fix44.MassCancelResponse, answer)
		m.Body.SetInt(fix44.TotalAffectedOrders, b.Affected)
		unless(m, fix44.Text, b.Text)
		return m
	case sim.BusinessReject:
		m := message(fix44.MsgBusinessMessageReject)
		m.Body.SetString(fix44.RefSeqNum, strconv.FormatUint(b.RefSeq, 10))
		m.Body.SetString(fix44.RefMsgType, b.RefKind.String())
		unless(m, fix44.BusinessRejectRefID, b.ClOrdID)
		m.Body.SetInt(fix44.BusinessRejectReason, int(b.Reason))
		unless(m, fix44.Text, b.Text)
		return m
	case sim.SessionReject:
		m := message(fix44.MsgReject)
		m.Body.SetString(fix44.RefSeqNum, strconv.FormatUint(b.RefSeq, 10))
		m.Body.SetString(fix44.RefMsgType, b.RefKind.String())
		m.Body.SetInt(fix44.SessionRejectReason, int(b.Reason))
		unless(m, fix44.Text, b.Text)
		return m
	default:
		return nil
	}
}

func message(msgType string) *quickfix.Message {
	m := quickfix.NewMessage()
	m.Header.SetString(fix44.MsgType, msgType)
	return m
}

func unless[V ~string](m *quickfix.Message, tag quickfix.Tag, v V) {
	if v != "" {
		m.Body.SetString(tag, string(v))
	}
}

func orNone[V ~string](v V) string {
	if v == "" {
		return fix44.None
	}
	return string(v)
}

func status(s sim.OrdStatus) string {
	w, _ := fix44.OrdStatuses.Word(s.String())
	return w
}

// encodeReport is an execution report (35=8).
func encodeReport(b *sim.Report, at market.Timestamp) *quickfix.Message {
	m := message(fix44.MsgExecutionReport)
	execType, _ := fix44.ExecTypes.Word(b.Type.String())
	for tag, v := range map[quickfix.Tag]string{
		fix44.OrderID: orNone(b.OrderID), fix44.ClOrdID: orNone(b.ClOrdID), fix44.ExecID: b.ExecID, fix44.ExecType: execType,
		fix44.OrdStatus: status(b.Status), fix44.OrderQty: b.Qty.String(), fix44.CumQty: b.Cum.String(), fix44.LeavesQty: b.Leaves.String(),
		fix44.AvgPx: b.AvgPx.String(), fix44.Symbol: fix44.AnySymbol, fix44.Side: fix44.AnySide,
		fix44.TransactTime: time.Unix(0, int64(at)).UTC().Format(fix44.StampLayout),
	} {
		m.Body.SetString(tag, v)
	}
	if b.Symbol != "" {
		m.Body.SetString(fix44.Symbol, string(b.Symbol))
	}
	if side, ok := fix44.Sides.Word(b.Side); ok {
		m.Body.SetString(fix44.Side, side)
	}
	if t, ok := fix44.OrderTypes.Word(b.Ord); ok {
		m.Body.SetString(fix44.OrdType, t)
	}
	if f, ok := fix44.TIFs.Word(b.TIF); ok {
		m.Body.SetString(fix44.TimeInForce, f)
	}
	unless(m, fix44.OrigClOrdID, b.Orig)
	unless(m, fix44.Text, b.Text)
	if b.Price != 0 {
		m.Body.SetString(fix44.Price, b.Price.String())
	}
	if b.LastQty != 0 {
		m.Body.SetString(fix44.LastQty, b.LastQty.String())
		m.Body.SetString(fix44.LastPx, b.LastPx.String())
	}
	if b.Reason != 0 {
		m.Body.SetInt(fix44.OrdRejReason, int(b.Reason))
	}
	if b.MassID != "" {
		m.Body.SetString(fix44.MassStatusReqID, string(b.MassID))
		m.Body.SetInt(fix44.TotNumReports, b.Total)
		m.Body.SetBool(fix44.LastRptRequested, b.Last || b.Total == 0)
	}
	return m
}
