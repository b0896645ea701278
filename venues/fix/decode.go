package fix

import (
	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

var kinds = map[string]sim.RequestKind{
	fix44.MsgNewOrderSingle: sim.NewOrder, fix44.MsgOrderCancelRequest: sim.CancelOrder, fix44.MsgOrderCancelReplaceRequest: sim.ReplaceOrder,
	fix44.MsgOrderStatusRequest: sim.StatusRequest, fix44.MsgOrderMassStatusRequest: sim.MassStatus, fix44.MsgOrderMassCancelRequest: sim.MassCancel,
}

// decode reads a message of a client into a request. What cannot be read stays zero, and the exchange calls the request malformed.
func decode(m *quickfix.Message) sim.Request {
	text := func(tag quickfix.Tag) string {
		b, err := m.Body.GetBytes(tag)
		if err != nil {
			return ""
		}
		return string(b)
	}
	msgType, _ := m.MsgType()
	seq, _ := m.Header.GetInt(fix44.MsgSeqNum)
	r := sim.Request{Kind: sim.Other, Seq: uint64(max(0, seq)), ClOrdID: id(text(fix44.ClOrdID)), Text: text(fix44.Text)} //nolint:gosec // not below 0
	if k, ok := kinds[msgType]; ok {
		r.Kind = k
	}
	r.PossDup, _ = m.Header.GetBool(fix44.PossDupFlag)
	r.PossResend, _ = m.Header.GetBool(fix44.PossResend)
	if sent, err := m.Header.GetTime(fix44.SendingTime); err == nil {
		r.Sent = market.StampOf(sent)
	}
	r.Orig, r.OrderID = id(text(fix44.OrigClOrdID)), string(id(text(fix44.OrderID)))
	r.Symbol = market.Symbol(text(fix44.Symbol))
	r.Side, _ = fix44.Sides.Value(text(fix44.Side))
	switch r.Kind {
	case sim.NewOrder, sim.ReplaceOrder:
		r.Type, _ = fix44.OrderTypes.Value(text(fix44.OrdType))
		r.TIF, _ = fix44.TIFs.Value(text(fix44.TimeInForce))
		if text(fix44.TimeInForce) == "" {
			r.TIF = market.Day // absent means day
		}
		r.Price, _ = market.ParsePrice(text(fix44.Price))
		r.Qty, _ = market.ParseQty(text(fix44.OrderQty))
	case sim.CancelOrder:
		r.Qty, _ = market.ParseQty(text(fix44.OrderQty))
	case sim.MassStatus:
		r.ClOrdID = id(text(fix44.MassStatusReqID))
	case sim.StatusRequest, sim.MassCancel, sim.Other:
	}
	if r.Kind == sim.StatusRequest && r.Symbol == fix44.AnySymbol {
		r.Symbol = ""
	}
	return r
}

func id(s string) market.ClOrdID {
	if s == fix44.None {
		return ""
	}
	return market.ClOrdID(s)
}
