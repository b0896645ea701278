package fix

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// ErrMalformed is a message of the venue that cannot be read: nothing of it may be believed.
var ErrMalformed = errors.New("fix: message cannot be read")

// reader takes the fields of one message. The first that cannot be read ends it. Numbers are read from the bytes of the field,
// never by way of a float: money has nine decimals and no more.
type reader struct {
	body *quickfix.FieldMap
	err  error
}

func (r *reader) bytes(tag quickfix.Tag) []byte {
	b, err := r.body.GetBytes(tag)
	if err != nil {
		return nil
	}
	return b
}

func (r *reader) text(tag quickfix.Tag) string { return string(r.bytes(tag)) }

func (r *reader) fail(tag quickfix.Tag, found []byte, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: tag %d is %.64q, want %s", ErrMalformed, tag, found, want)
	}
}

func (r *reader) need(tag quickfix.Tag) string {
	b := r.bytes(tag)
	if len(b) == 0 {
		r.fail(tag, b, "a value")
	}
	return string(b)
}

func number[N ~int64](r *reader, tag quickfix.Tag, parse func([]byte) (N, error)) N {
	b := r.bytes(tag)
	if len(b) == 0 {
		return 0
	}
	n, err := parse(b)
	if err != nil {
		r.fail(tag, b, "a decimal of at most nine digits behind the point")
	}
	return n
}

func (r *reader) qty(tag quickfix.Tag) market.Qty { return number(r, tag, market.ParseQtyBytes) }

func (r *reader) price(tag quickfix.Tag) market.Price { return number(r, tag, market.ParsePriceBytes) }

func (r *reader) whole(tag quickfix.Tag) int {
	b := r.bytes(tag)
	if len(b) == 0 {
		return 0
	}
	n, err := strconv.Atoi(string(b))
	if err != nil {
		r.fail(tag, b, "a whole number")
	}
	return n
}

// word reads a value that a table has, with what to want of one that it has not.
func word[V any](r *reader, tag quickfix.Tag, value func(string) (V, bool), want string) V {
	v, ok := value(r.text(tag))
	if !ok {
		r.fail(tag, r.bytes(tag), want)
	}
	return v
}

// id reads a ClOrdID; "NONE" is none.
func (r *reader) id(tag quickfix.Tag) market.ClOrdID {
	v := r.text(tag)
	if v == fix44.None {
		return ""
	}
	return market.ClOrdID(v)
}

// decode reads a message of the venue into what it means to the owner of an account. A message that cannot be read and names an
// order is no answer about that order, so that it is asked for; the error says what was found. One of a type that means nothing
// here is nothing.
func decode(venue market.Venue, m *quickfix.Message, o orders.Origin) ([]orders.Inbound, error) {
	msgType, err := m.MsgType()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	r := &reader{body: &m.Body.FieldMap}
	var out []orders.Inbound
	switch msgType {
	case fix44.MsgExecutionReport:
		out = r.report(venue, o)
	case fix44.MsgOrderCancelReject:
		out = []orders.Inbound{orders.CancelReject{
			Origin: o, ID: market.ClOrdID(r.need(fix44.ClOrdID)), Orig: r.id(fix44.OrigClOrdID), OrderID: r.text(fix44.OrderID),
			Status: word(r, fix44.OrdStatus, statusOf, "an OrdStatus"), Reason: r.whole(fix44.CxlRejReason), Text: r.text(fix44.Text),
		}}
	case fix44.MsgOrderMassCancelReport:
		out = []orders.Inbound{orders.MassCancelAck{Origin: o, Accepted: r.need(fix44.MassCancelResponse) != "0"}}
	case fix44.MsgBusinessMessageReject:
		out = []orders.Inbound{orders.BusinessReject{
			Origin: o, ID: market.ClOrdID(r.text(fix44.BusinessRejectRefID)), Reason: r.whole(fix44.BusinessRejectReason), Text: r.text(fix44.Text),
		}}
	default:
		return nil, nil
	}
	if r.err == nil {
		return out, nil
	}
	id, oid := r.id(fix44.ClOrdID), r.text(fix44.OrderID)
	if id == "" && oid == "" {
		return nil, r.err
	}
	return []orders.Inbound{orders.NoAnswer(id).About(id, oid)}, r.err
}

// report is an execution report (35=8), or the answer to a question that comes as one.
func (r *reader) report(venue market.Venue, o orders.Origin) []orders.Inbound {
	execType := word(r, fix44.ExecType, execTypeOf, "an ExecType")
	if execType == orders.ExecStatus {
		return r.answer(venue, o)
	}
	v := r.state(venue, o)
	v.Type, v.ExecID, v.ExecRef = execType, r.need(fix44.ExecID), r.text(fix44.ExecRefID)
	v.LastQty, v.LastPx = r.qty(fix44.LastQty), r.price(fix44.LastPx)
	if execType == orders.ExecRestated {
		v.Restate = restatements[r.text(fix44.ExecRestatementReason)]
	}
	return []orders.Inbound{v}
}

// state is what every report says of its order.
func (r *reader) state(venue market.Venue, o orders.Origin) orders.Report {
	v := orders.Report{
		Origin: o, ID: r.id(fix44.ClOrdID), Orig: r.id(fix44.OrigClOrdID), OrderID: r.text(fix44.OrderID),
		Status: word(r, fix44.OrdStatus, statusOf, "an OrdStatus"), Side: word(r, fix44.Side, fix44.Sides.Value, "1 or 2"),
		Qty: r.qty(fix44.OrderQty), Cum: r.qty(fix44.CumQty), Leaves: r.qty(fix44.LeavesQty), Price: r.price(fix44.Price),
		Reason: r.whole(fix44.OrdRejReason), Text: r.text(fix44.Text),
	}
	if len(r.bytes(fix44.AvgPx)) > 0 {
		v.Avg = r.price(fix44.AvgPx)
		v.HasAvg = v.Avg != 0
	}
	if len(r.bytes(fix44.DayOrderQty)) > 0 || len(r.bytes(fix44.DayCumQty)) > 0 {
		v.DayQty, v.DayCum, v.HasDay = r.qty(fix44.DayOrderQty), r.qty(fix44.DayCumQty), true
	}
	i, err := market.Listed(venue, market.Symbol(r.need(fix44.Symbol)))
	if err != nil {
		r.fail(fix44.Symbol, r.bytes(fix44.Symbol), "a symbol")
	}
	v.Instrument = i
	return v
}

// answer is what a question was answered with. One that is sent again answers a question of another logon, which is over.
func (r *reader) answer(venue market.Venue, o orders.Origin) []orders.Inbound {
	if o.PossDup {
		return nil
	}
	list, total := r.text(fix44.MassStatusReqID) != "", r.whole(fix44.TotNumReports)
	if r.text(fix44.OrderID) == fix44.None {
		if list {
			return []orders.Inbound{orders.MassEnd{Origin: o}}
		}
		return []orders.Inbound{orders.Absent(market.ClOrdID(r.need(fix44.ClOrdID)))}
	}
	v := r.state(venue, o)
	v.Type = orders.ExecStatus
	out := []orders.Inbound{orders.Found(v)}
	if list && r.text(fix44.LastRptRequested) == "Y" {
		out = append(out, orders.MassEnd{Origin: o, Count: total})
	}
	return out
}
