package fix_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/orders/fix"
)

var acme = market.MustListed("SIM", "ACME")

// raw makes a message of fields written as TAG=VALUE|TAG=VALUE, with the length and the sum that are right.
func raw(msgType, fields string) []byte {
	body := "35=" + msgType + "|49=SIM|56=A1|34=7|52=20260105-14:30:00.000|" + fields + "|"
	body = strings.ReplaceAll(body, "|", "\x01")
	m := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(body), body)
	sum := 0
	for i := range len(m) {
		sum += int(m[i])
	}
	return fmt.Appendf(nil, "%s10=%03d\x01", m, sum%256)
}

const report = "37=V1|11=X1|17=E1|150=F|39=1|55=ACME|54=1|38=5|44=100.5|14=2|151=3|6=100.25|32=2|31=100.25"

func decoded(t *testing.T, msgType, fields string) []orders.Inbound {
	t.Helper()
	in, err := fix.Decode("SIM", raw(msgType, fields), orders.Origin{Session: "A1", Seq: 7})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestAReportIsReadFieldByField(t *testing.T) {
	const unit, px = market.Unit, market.Price(1_000_000_000)
	in := decoded(t, "8", report)
	want := orders.Report{
		Origin: orders.Origin{Session: "A1", Seq: 7}, ID: "X1", OrderID: "V1", ExecID: "E1", Type: orders.ExecTrade, Status: orders.StatusPartFilled, Instrument: acme,
		Side: market.Buy, Qty: 5 * unit, Cum: 2 * unit, Leaves: 3 * unit, LastQty: 2 * unit, LastPx: px*100 + px/4, Price: px*100 + px/2, Avg: px*100 + px/4, HasAvg: true,
	}
	if len(in) != 1 || in[0] != orders.Inbound(want) {
		t.Errorf("got %+v, want %+v", in, want)
	}
}

func TestEveryTypeAndStatusOfAReportIsKnown(t *testing.T) {
	for word, want := range map[string]orders.ExecType{
		"0": orders.ExecNew, "3": orders.ExecDoneForDay, "4": orders.ExecCanceled, "5": orders.ExecReplaced, "6": orders.ExecPendingCancel, "7": orders.ExecStopped,
		"8": orders.ExecRejected, "9": orders.ExecSuspended, "A": orders.ExecPendingNew, "B": orders.ExecCalculated, "C": orders.ExecExpired,
		"D": orders.ExecRestated, "E": orders.ExecPendingReplace, "F": orders.ExecTrade, "G": orders.ExecCorrect, "H": orders.ExecBust,
	} {
		in := decoded(t, "8", strings.Replace(report, "150=F", "150="+word, 1))
		if r, ok := in[0].(orders.Report); !ok || r.Type != want {
			t.Errorf("150=%s is read as %+v, want %v", word, in, want)
		}
	}
	for word, want := range map[string]orders.Status{
		"0": orders.StatusNew, "1": orders.StatusPartFilled, "2": orders.StatusFilled, "3": orders.StatusDoneForDay, "4": orders.StatusCanceled,
		"6": orders.StatusPendingCancel, "7": orders.StatusStopped, "8": orders.StatusRejected, "9": orders.StatusSuspended, "A": orders.StatusPendingNew,
		"B": orders.StatusCalculated, "C": orders.StatusExpired, "E": orders.StatusPendingReplace,
	} {
		in := decoded(t, "8", strings.Replace(report, "39=1", "39="+word, 1))
		if r, ok := in[0].(orders.Report); !ok || r.Status != want {
			t.Errorf("39=%s is read as %+v, want %v", word, in, want)
		}
	}
}

func TestAnswersToQuestionsAreFoundAbsentOrTheEndOfAList(t *testing.T) {
	status := strings.Replace(report, "150=F", "150=I", 1)
	if a, ok := decoded(t, "8", status)[0].(orders.Answer); !ok || a.ID() != "X1" {
		t.Errorf("%+v, want X1 found", a)
	}
	if a, ok := decoded(t, "8", "37=NONE|11=X9|17=0|150=I|39=8|55=[N/A]|54=7|14=0|151=0|6=0|103=5")[0].(orders.Answer); !ok || !a.IsAbsent() || a.ID() != "X9" {
		t.Errorf("%+v, want X9 absent", a)
	}
	in := decoded(t, "8", status+"|584=S1|911=2|912=Y")
	if e, ok := in[len(in)-1].(orders.MassEnd); len(in) != 2 || !ok || e.Count != 2 {
		t.Errorf("%+v, want one found and the end of 2", in)
	}
	if e, ok := decoded(t, "8", "37=NONE|11=NONE|17=0|150=I|39=8|55=[N/A]|54=7|14=0|151=0|6=0|584=S1|911=0|912=Y")[0].(orders.MassEnd); !ok || e.Count != 0 {
		t.Errorf("%+v, want the end of none", e)
	}
	again, err := fix.Decode("SIM", raw("8", status), orders.Origin{PossDup: true})
	if err != nil || len(again) != 0 {
		t.Errorf("%+v, %v: want nothing of an answer to a question of another logon", again, err)
	}
}

func TestRejectsNameTheirRequest(t *testing.T) {
	c, ok := decoded(t, "9", "37=V1|11=C1|41=X1|39=0|434=1|102=1|58=gone")[0].(orders.CancelReject)
	if !ok || c.ID != "C1" || c.Orig != "X1" || c.Reason != orders.ReasonUnknownOrder || c.Status != orders.StatusNew || c.Text != "gone" {
		t.Errorf("%+v", c)
	}
	j, ok := decoded(t, "j", "372=D|379=X1|380=3")[0].(orders.BusinessReject)
	if !ok || j.ID != "X1" || j.Reason != 3 {
		t.Errorf("%+v", j)
	}
	if m, ok := decoded(t, "r", "37=q1|11=q1|530=7|531=7")[0].(orders.MassCancelAck); !ok || !m.Accepted {
		t.Errorf("%+v", m)
	}
}

// TestWhatCannotBeReadIsAskedFor: of a message that names an order nothing is believed, and the order is asked for.
func TestWhatCannotBeReadIsAskedFor(t *testing.T) {
	for name, change := range map[string][2]string{
		"a tenth decimal":     {"31=100.25", "31=100.2500000001"},
		"an exponent":         {"31=100.25", "31=1e2"},
		"a sum beyond int64":  {"14=2", "14=99999999999999999999"},
		"a type that is none": {"150=F", "150=Z"},
		"no status":           {"39=1", "39=Q"},
		"no side":             {"54=1", "54=9"},
		"no execution id":     {"17=E1", "198=x"},
		"no symbol":           {"55=ACME", "198=x"},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := fix.Decode("SIM", raw("8", strings.Replace(report, change[0], change[1], 1)), orders.Origin{})
			if !errors.Is(err, fix.ErrMalformed) {
				t.Fatalf("error = %v, want %v", err, fix.ErrMalformed)
			}
			a, ok := in[0].(orders.Answer)
			if _, found := a.Report(); !ok || found || a.IsAbsent() || a.ID() != "X1" {
				t.Errorf("%+v, want no answer about X1", in)
			}
		})
	}
	in, err := fix.Decode("SIM", raw("8", "150=F"), orders.Origin{})
	if len(in) != 0 || !errors.Is(err, fix.ErrMalformed) {
		t.Errorf("%+v, %v: want nothing of a report that names no order", in, err)
	}
}

func TestRequestsSayWhatFIXWants(t *testing.T) {
	const at = market.Timestamp(1_767_623_400_000_000_000)
	n := orders.New{ID: "X1", Account: "A1", Instrument: acme, Side: market.Sell, Type: market.Limit, TIF: market.IOC, Qty: 5 * market.Unit, Price: 1_500_000_000}
	text, err := fix.EncodeNew(n, at)
	if err != nil {
		t.Fatal(err)
	}
	says(t, text, "35=D", "11=X1", "1=A1", "55=ACME", "54=2", "40=2", "59=3", "38=5", "44=1.5", "60=20260105-14:30:00.000")
	n.TIF = 0
	if _, err := fix.EncodeNew(n, at); !errors.Is(err, fix.ErrUnsupported) {
		t.Errorf("error = %v, want %v", err, fix.ErrUnsupported)
	}
	text, err = fix.EncodeReplace(orders.Replace{ID: "X2", Orig: "X1", OrderID: "V1", Instrument: acme, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: market.Unit, Price: 1}, at)
	if err != nil {
		t.Fatal(err)
	}
	says(t, text, "35=G", "11=X2", "41=X1", "37=V1", "44=0.000000001")
	says(t, fix.EncodeCancel(orders.Cancel{ID: "C1", OrderID: "V1", Instrument: acme, Side: market.Buy, Qty: market.Unit}, at), "35=F", "11=C1", "41=NONE", "37=V1")
	says(t, fix.EncodeQuestion(orders.Question{ID: "X1"}, "S1"), "35=H", "11=X1", "790=S1", "55=[N/A]", "54=7")
	says(t, fix.EncodeQuestion(orders.Question{Mass: true, Account: "A1"}, "S2"), "35=AF", "584=S2", "585=7", "1=A1")
}

func says(t *testing.T, text string, fields ...string) {
	t.Helper()
	for _, f := range fields {
		if !strings.Contains(text, "\x01"+f+"\x01") {
			t.Errorf("%q lacks %s", strings.ReplaceAll(text, "\x01", "|"), f)
		}
	}
}

// FuzzDecode: no bytes of a venue panic, and none that cannot be read becomes a report.
func FuzzDecode(f *testing.F) {
	for _, fields := range []string{
		report, "37=NONE|11=X|150=I|39=8", "150=I|584=S|911=0", "11=X|31=0|14=-1|38=9223372036.854775807", "11=|37=|17=", "11=X|38=9223372036.854775808",
	} {
		f.Add("8", fields)
	}
	f.Add("9", "37=V1|11=C1|41=X1|39=0|434=1|102=1")
	f.Add("j", "372=D|379=X1|380=3")
	f.Add("r", "531=0")
	f.Fuzz(func(t *testing.T, msgType, fields string) {
		in, err := fix.Decode("SIM", raw(msgType, fields), orders.Origin{Session: "A1", Seq: 7})
		for _, v := range in {
			if _, ok := v.(orders.Report); ok && err != nil {
				t.Fatalf("%q became %+v, with %v", fields, v, err)
			}
		}
	})
}
