package fix

import (
	"fmt"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

func stamp(t market.Timestamp) string { return time.Unix(0, int64(t)).UTC().Format(fix44.StampLayout) }

// message begins a message of one type.
func message(msgType string) *quickfix.Message {
	m := quickfix.NewMessage()
	m.Header.SetString(fix44.MsgType, msgType)
	return m
}

// unless sets a field that has a value.
func unless[V ~string](m *quickfix.Message, tag quickfix.Tag, v V) {
	if v != "" {
		m.Body.SetString(tag, string(v))
	}
}

// about sets which instrument and side a message is about.
func about(m *quickfix.Message, i market.Instrument, s market.Side) {
	symbol, side := fix44.AnySymbol, fix44.AnySide
	if i.Valid() {
		symbol = string(i.Symbol())
	}
	if v, ok := fix44.Sides.Word(s); ok {
		side = v
	}
	m.Body.SetString(fix44.Symbol, symbol)
	m.Body.SetString(fix44.Side, side)
}

// terms sets type, time in force, quantity and prices; an error names the value that FIX has no word for.
func terms(m *quickfix.Message, t market.OrderType, f market.TIF, q market.Qty, px, stop market.Price) error {
	ordType, okT := fix44.OrderTypes.Word(t)
	tif, okF := fix44.TIFs.Word(f)
	if !okT || !okF {
		return fmt.Errorf("%w: type %v, time in force %v", ErrUnsupported, t, f)
	}
	m.Body.SetString(fix44.OrdType, ordType)
	m.Body.SetString(fix44.TimeInForce, tif)
	m.Body.SetString(fix44.OrderQty, q.String())
	if px != 0 {
		m.Body.SetString(fix44.Price, px.String())
	}
	if stop != 0 {
		m.Body.SetString(fix44.StopPx, stop.String())
	}
	return nil
}

// encodeNew is a new order (35=D).
func encodeNew(n *orders.New, now market.Timestamp) (*quickfix.Message, error) {
	m := message(fix44.MsgNewOrderSingle)
	m.Body.SetString(fix44.ClOrdID, string(n.ID))
	unless(m, fix44.Account, n.Account)
	about(m, n.Instrument, n.Side)
	m.Body.SetString(fix44.TransactTime, stamp(now))
	return m, terms(m, n.Type, n.TIF, n.Qty, n.Price, n.StopPrice)
}

// encodeReplace is a replace (35=G).
func encodeReplace(r *orders.Replace, now market.Timestamp) (*quickfix.Message, error) {
	m := message(fix44.MsgOrderCancelReplaceRequest)
	m.Body.SetString(fix44.ClOrdID, string(r.ID))
	m.Body.SetString(fix44.OrigClOrdID, string(r.Orig))
	unless(m, fix44.OrderID, r.OrderID)
	unless(m, fix44.Account, r.Account)
	about(m, r.Instrument, r.Side)
	m.Body.SetString(fix44.TransactTime, stamp(now))
	return m, terms(m, r.Type, r.TIF, r.Qty, r.Price, 0)
}

// encodeCancel is a cancel (35=F). An order that only the venue has named has no OrigClOrdID, which FIX wants all the same.
func encodeCancel(c *orders.Cancel, now market.Timestamp) *quickfix.Message {
	m := message(fix44.MsgOrderCancelRequest)
	m.Body.SetString(fix44.ClOrdID, string(c.ID))
	orig := string(c.Orig)
	if orig == "" {
		orig = fix44.None
	}
	m.Body.SetString(fix44.OrigClOrdID, orig)
	unless(m, fix44.OrderID, c.OrderID)
	unless(m, fix44.Account, c.Account)
	about(m, c.Instrument, c.Side)
	m.Body.SetString(fix44.TransactTime, stamp(now))
	m.Body.SetString(fix44.OrderQty, c.Qty.String())
	return m
}

// encodeMassCancel is a mass cancel (35=q) of an account, or of one instrument of it.
func encodeMassCancel(s orders.Scope, id string, now market.Timestamp) *quickfix.Message {
	m := message(fix44.MsgOrderMassCancelRequest)
	m.Body.SetString(fix44.ClOrdID, id)
	kind := "7" // all orders
	if s.Instrument.Valid() {
		kind = "1" // of a security
		m.Body.SetString(fix44.Symbol, string(s.Instrument.Symbol()))
	}
	m.Body.SetString(fix44.MassCancelRequestType, kind)
	m.Body.SetString(fix44.TransactTime, stamp(now))
	return m
}

// encodeQuestion is a status request (35=H) about one order, or a mass status request (35=AF).
func encodeQuestion(q *orders.Question, id string) *quickfix.Message {
	if q.Mass {
		m := message(fix44.MsgOrderMassStatusRequest)
		m.Body.SetString(fix44.MassStatusReqID, id)
		m.Body.SetString(fix44.MassStatusReqType, "7") // all orders
		unless(m, fix44.Account, q.Account)
		return m
	}
	m := message(fix44.MsgOrderStatusRequest)
	clOrdID := string(q.ID)
	if clOrdID == "" {
		clOrdID = fix44.None
	}
	m.Body.SetString(fix44.ClOrdID, clOrdID)
	unless(m, fix44.OrderID, q.OrderID)
	unless(m, fix44.Account, q.Account)
	m.Body.SetString(fix44.OrdStatusReqID, id)
	about(m, q.Instrument, q.Side)
	return m
}
