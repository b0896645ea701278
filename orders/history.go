package orders

import (
	"fmt"
	"iter"
	"strings"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
)

// HistoryLine is one record of the journal in the life of an order.
type HistoryLine struct {
	LSN  journal.LSN
	Wall int64  // of the append, in nanoseconds since 1970 UTC
	Kind string // see History
	Text string // for a person
}

// History yields what the journal says of an order, oldest first: of records, which begin at r.First or earlier and are in
// order, those that name it, and those that put every order in doubt. It reads no further than to r.Last, and for an order that
// is not closed, or of which that is not known, to the LSN end; end must be durable. An error is one of the records', or
// wraps ErrRecord; nothing is yielded behind it.
//
// Kinds: intent, change, armed, sent, unsent, timeout, cancel, cancel_queued, report, answer, cancel_reject, business_reject,
// session_reject, operator, session, crash, day.
func History(r *OrderRow, account market.Account, records iter.Seq2[journal.Record, error], end journal.LSN) iter.Seq2[HistoryLine, error] {
	if r.Closed && r.Last != 0 {
		end = min(end, r.Last)
	}
	return func(yield func(HistoryLine, error) bool) {
		if end == 0 || r.First > end {
			return
		}
		for rec, err := range records {
			if err != nil {
				yield(HistoryLine{}, err)
				return
			}
			if rec.LSN > end {
				return
			}
			line, ok, err := r.line(account, rec)
			if err != nil {
				yield(HistoryLine{}, err)
				return
			}
			if ok && !yield(line, nil) || rec.LSN == end { // what is behind is being written
				return
			}
		}
	}
}

// line is a record as a line of the order's life, if it is one.
func (r *OrderRow) line(account market.Account, rec journal.Record) (HistoryLine, bool, error) {
	if rec.Kind < KindIntent || rec.Kind > KindDay || rec.LSN < r.First {
		return HistoryLine{}, false, nil
	}
	whose, _, in, err := decode(rec)
	if err != nil || whose != account {
		return HistoryLine{}, false, err
	}
	kind, text := r.words(in)
	return HistoryLine{LSN: rec.LSN, Wall: rec.Wall, Kind: kind, Text: text}, kind != "", nil
}

// words says what an input is to the order; an empty kind is nothing.
func (r *OrderRow) words(in Input) (kind, text string) {
	switch v := in.(type) {
	case Crash:
		return "crash", "another incarnation of the owner goes on from here: what had no final answer is UNKNOWN"
	case NewDay:
		return "day", "a trading day begins"
	case Link:
		return "session", join(v.Event.String(), v.Why)
	case Report:
		if r.isNamedBy(v.ID, v.OrderID) || r.isNamedBy(v.Orig, "") {
			return "report", v.words()
		}
	case Answer:
		if r.isNamedBy(v.id, v.oid) || v.kind == found && r.isNamedBy(v.report.ID, v.report.OrderID) {
			return "answer", v.words()
		}
	case CancelReject:
		if r.isNamedBy(v.ID, "") {
			return "cancel_reject", join(fmt.Sprintf("%s order=%s reason=%d", v.ID, v.Status, v.Reason), v.Text)
		}
	case BusinessReject:
		if r.isNamedBy(v.ID, "") {
			return "business_reject", join(fmt.Sprintf("%s reason=%d", v.ID, v.Reason), v.Text)
		}
	case SessionReject:
		if r.isNamedBy(v.ID, "") {
			return "session_reject", join(fmt.Sprintf("%s reason=%d", v.ID, v.Reason), v.Text)
		}
	default:
		return r.ownWords(in)
	}
	return "", ""
}

// ownWords is words for what our own side did.
func (r *OrderRow) ownWords(in Input) (kind, text string) {
	switch v := in.(type) {
	case Create:
		if r.isNamedBy(v.ID, "") {
			return "intent", v.words()
		}
	case Change:
		if r.isNamedBy(v.ID, "") {
			return "change", fmt.Sprintf("%s qty=%s price=%s", v.ID, v.Qty, v.Price)
		}
	case Arm:
		if r.isNamedBy(v.ID, "") {
			return "armed", string(v.ID)
		}
	case HandOver:
		if r.isNamedBy(v.ID, "") {
			return "sent", string(v.ID)
		}
	case Unsent:
		if r.isNamedBy(v.ID, "") {
			return "unsent", join(string(v.ID), string(v.Reason))
		}
	case Timeout:
		if v.ID != "" && r.isNamedBy(v.ID, "") {
			return "timeout", join(string(v.ID), "no answer in time: UNKNOWN until the venue is heard")
		}
	case Resolve:
		if r.isNamedBy(v.Of.ID, v.Of.OrderID) {
			text := v.As.String()
			if v.As == EndingFilled {
				text += "=" + v.Qty.String()
			}
			return "operator", fmt.Sprintf("%s, signed by %s: %s", text, v.By, v.Why)
		}
	case cancelSent:
		if r.isNamedBy(v.Of.ID, v.Of.OrderID) {
			kind = "cancel"
			if v.Queued {
				kind = "cancel_queued"
			}
			return kind, fmt.Sprintf("%s of %s", v.ID, v.Orig)
		}
	}
	return "", ""
}

func (r *OrderRow) isNamedBy(id market.ClOrdID, oid string) bool {
	return id != "" && r.Named(string(id)) || oid != "" && r.Named("@"+oid)
}

func (v *Create) words() string {
	price := "market"
	if v.Price != 0 {
		price = v.Price.String()
	}
	text := fmt.Sprintf("%s %s %s %s at %s %s", v.ID, v.Side, v.Qty, v.Instrument, price, v.TIF)
	if v.Held {
		text += ", held back until it is released"
	}
	return text
}

// words writes a report as scripts do: type and order's state, quantities, and what was executed.
func (v *Report) words() string {
	words := []string{fmt.Sprintf("%s/%s %s/%s/%s", v.Type, v.Status, v.Qty, v.Cum, v.Leaves)}
	if v.LastQty != 0 {
		words = append(words, fmt.Sprintf("last=%s@%s", v.LastQty, v.LastPx))
	}
	if v.HasAvg {
		words = append(words, "avg="+v.Avg.String())
	}
	for _, f := range []struct{ name, value string }{
		{"exec", v.ExecID}, {"ref", v.ExecRef}, {"id", string(v.ID)}, {"orig", string(v.Orig)}, {"oid", v.OrderID},
	} {
		if f.value != "" {
			words = append(words, f.name+"="+f.value)
		}
	}
	if v.Reason != 0 {
		words = append(words, fmt.Sprintf("reason=%d", v.Reason))
	}
	if v.PossDup {
		words = append(words, "possdup")
	}
	return join(strings.Join(words, " "), v.Text)
}

func (v *Answer) words() string {
	switch v.kind {
	case found:
		return "found " + v.report.words()
	case absent:
		return "absent"
	default:
		return "no answer"
	}
}

func join(a, b string) string { return strings.TrimSpace(a + " " + b) }
