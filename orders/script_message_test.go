package orders_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// message carries out a < line: evidence first, then the machine.
func (r *runner) message(verb string, f []string) error {
	in, err := r.parseMessage(verb, f)
	if err != nil {
		return err
	}
	r.append(in, "", false)
	r.step(in)
	return nil
}

func (r *runner) parseMessage(verb string, f []string) (orders.Input, error) {
	switch verb {
	case "exec":
		return r.exec(f)
	case "cxlrej":
		return cancelReject(f)
	case "bizrej", "sesrej":
		return refusal(verb, f)
	case "status":
		return r.answer(f)
	case "mass-end":
		kv, err := pairs(f, "n")
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(kv["n"])
		return orders.MassEnd{Count: n}, err
	case "masscxl":
		if len(f) != 1 || f[0] != "accepted" && f[0] != "rejected" {
			return nil, fmt.Errorf("want accepted or rejected")
		}
		return orders.MassCancelAck{Accepted: f[0] == "accepted"}, nil
	case "logon":
		return orders.Link{Event: orders.LinkLogon}, nil
	case "replayed":
		return orders.Link{Event: orders.LinkReplayed}, nil
	case "logout":
		return orders.Link{Event: orders.LinkLogout}, nil
	}
	return nil, fmt.Errorf("message %q is unknown", verb)
}

func (r *runner) exec(f []string) (orders.Input, error) {
	if len(f) < 3 {
		return nil, fmt.Errorf("want IDS TYPE/ORD QTY/CUM/LEAVES")
	}
	kv, err := pairs(f[3:], "last", "avg", "exec", "ref", "oid", "reason", "px", "sym", "side", "restate", "day", "possdup", "possresend")
	if err != nil {
		return nil, err
	}
	var v orders.Report
	if f[0] != "-" {
		id, orig, _ := strings.Cut(f[0], ",")
		v.ID, v.Orig = market.ClOrdID(id), market.ClOrdID(orig)
	} else if kv["oid"] == "" {
		return nil, fmt.Errorf("- without oid")
	}
	typ, ord, _ := strings.Cut(f[1], "/")
	var ok bool
	if v.Type, ok = orders.ParseExecType(typ); !ok {
		return nil, fmt.Errorf("type %q is unknown", typ)
	}
	if v.Status, ok = orders.ParseStatus(ord); !ok {
		return nil, fmt.Errorf("status %q is unknown", ord)
	}
	if v.Qty, v.Cum, v.Leaves, err = quantities(f[2]); err != nil {
		return nil, err
	}
	v.OrderID, v.ExecRef = kv["oid"], kv["ref"]
	r.execs++
	v.ExecID = or(kv["exec"], "auto"+strconv.Itoa(r.execs))
	v.PossDup, v.PossResend = kv["possdup"] == "y", kv["possresend"] == "y"
	return v, r.execRest(&v, kv)
}

func (r *runner) execRest(v *orders.Report, kv map[string]string) (err error) {
	o, known := r.m.Order(orders.Ref{ID: v.ID, OrderID: v.OrderID})
	if !known {
		o, known = r.m.Order(orders.Ref{ID: v.Orig})
	}
	v.Instrument, v.Side = o.Instrument, o.Side
	if !known || kv["sym"] != "" {
		if v.Instrument, err = r.instrument(or(kv["sym"], "ABC")); err != nil {
			return err
		}
	}
	if !known || kv["side"] != "" {
		if err = v.Side.UnmarshalText([]byte(or(kv["side"], "buy"))); err != nil {
			return err
		}
	}
	if kv["px"] != "" {
		if v.Price, err = market.ParsePrice(kv["px"]); err != nil {
			return err
		}
	}
	if kv["last"] != "" {
		if err = lastOf(v, kv["last"], o.Limit); err != nil {
			return err
		}
	}
	if kv["avg"] != "" {
		v.HasAvg = true
		if v.Avg, err = market.ParsePrice(kv["avg"]); err != nil {
			return err
		}
	}
	if kv["day"] != "" {
		q, c, _ := strings.Cut(kv["day"], "/")
		v.HasDay = true
		if v.DayQty, err = market.ParseQty(q); err != nil {
			return err
		}
		if v.DayCum, err = market.ParseQty(c); err != nil {
			return err
		}
	}
	if kv["reason"] != "" {
		if v.Reason, err = strconv.Atoi(kv["reason"]); err != nil {
			return err
		}
	}
	return restate(v, kv["restate"])
}

func lastOf(v *orders.Report, s string, limit market.Price) (err error) {
	q, p, priced := strings.Cut(s, "@")
	if v.LastQty, err = market.ParseQty(q); err != nil {
		return err
	}
	switch {
	case priced:
		v.LastPx, err = market.ParsePrice(p)
	case v.Type == orders.ExecCorrect: // the machine takes the corrected one's
	case limit == 0 && v.Price == 0:
		v.LastPx = 50 * 1_000_000_000
	case limit == 0:
		v.LastPx = v.Price
	default:
		v.LastPx = limit
	}
	return err
}

func restate(v *orders.Report, s string) error {
	words := map[string]orders.RestateReason{
		"": orders.RestateOther, "corporate": orders.RestateCorporate, "renewal": orders.RestateRenewal,
		"verbal": orders.RestateVerbal, "repricing": orders.RestateRepricing, "decline": orders.RestateDecline,
		"cancel": orders.RestateCancel, "other": orders.RestateOther,
	}
	var ok bool
	if v.Restate, ok = words[s]; !ok {
		return fmt.Errorf("restate=%s is unknown", s)
	}
	return nil
}

func quantities(s string) (q, c, l market.Qty, err error) {
	f := strings.Split(s, "/")
	if len(f) != 3 {
		return 0, 0, 0, fmt.Errorf("%q is no QTY/CUM/LEAVES", s)
	}
	for i, to := range []*market.Qty{&q, &c, &l} {
		if *to, err = market.ParseQty(f[i]); err != nil {
			return 0, 0, 0, err
		}
	}
	return q, c, l, nil
}

func cancelReject(f []string) (orders.Input, error) {
	if len(f) < 2 {
		return nil, fmt.Errorf("want ID,ORIG ORD")
	}
	kv, err := pairs(f[2:], "reason", "oid")
	if err != nil {
		return nil, err
	}
	var v orders.CancelReject
	id, orig, _ := strings.Cut(f[0], ",")
	v.ID, v.Orig, v.OrderID = market.ClOrdID(id), market.ClOrdID(orig), kv["oid"]
	var ok bool
	if v.Status, ok = orders.ParseStatus(f[1]); !ok {
		return nil, fmt.Errorf("status %q is unknown", f[1])
	}
	if kv["reason"] != "" {
		v.Reason, err = strconv.Atoi(kv["reason"])
	}
	return v, err
}

func refusal(verb string, f []string) (orders.Input, error) {
	if len(f) == 0 {
		return nil, fmt.Errorf("want an id")
	}
	kv, err := pairs(f[1:], "reason")
	reason := 0
	if err == nil && kv["reason"] != "" {
		reason, err = strconv.Atoi(kv["reason"])
	}
	if verb == "bizrej" {
		return orders.BusinessReject{ID: market.ClOrdID(f[0]), Reason: reason}, err
	}
	return orders.SessionReject{ID: market.ClOrdID(f[0]), Reason: reason}, err
}

func (r *runner) answer(f []string) (orders.Input, error) {
	if len(f) < 2 {
		return nil, fmt.Errorf("want REF and found, absent or noanswer")
	}
	of := ref(f[0])
	switch f[1] {
	case "absent":
		return orders.Absent(of.ID).About(of.ID, of.OrderID), nil
	case "noanswer":
		return orders.NoAnswer(of.ID).About(of.ID, of.OrderID), nil
	case "found":
	default:
		return nil, fmt.Errorf("answer %q is unknown", f[1])
	}
	if len(f) < 4 {
		return nil, fmt.Errorf("want ORD Q/C/L")
	}
	kv, err := pairs(f[4:], "avg", "id")
	if err != nil {
		return nil, err
	}
	v := orders.Report{Type: orders.ExecStatus, ID: market.ClOrdID(kv["id"]), OrderID: of.OrderID}
	var ok bool
	if v.Status, ok = orders.ParseStatus(f[2]); !ok {
		return nil, fmt.Errorf("status %q is unknown", f[2])
	}
	if v.Qty, v.Cum, v.Leaves, err = quantities(f[3]); err != nil {
		return nil, err
	}
	o, known := r.m.Order(of)
	v.Instrument, v.Side = o.Instrument, o.Side
	if !known {
		v.Side = market.Buy
		v.ID = market.ClOrdID(or(string(v.ID), string(of.ID)))
		if v.Instrument, err = r.instrument("ABC"); err != nil {
			return nil, err
		}
	}
	if kv["avg"] != "" {
		v.HasAvg = true
		v.Avg, err = market.ParsePrice(kv["avg"])
	}
	return orders.Found(v).About(of.ID, of.OrderID), err
}
