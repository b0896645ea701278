package orders_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

func TestExecutionIDIsUniqueByItsKey(t *testing.T) {
	other := market.MustListed("SIM", "OTHER")
	for _, c := range []struct {
		key       orders.ExecKey
		elsewhere bool // the same id in another symbol counts
		tomorrow  bool // the same id on the next day counts
	}{{orders.ExecByAccount, false, false}, {orders.ExecBySymbol, true, false}, {orders.ExecBySymbolDay, true, true}} {
		m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true, ExecKey: c.key})
		trade := func(sym market.Instrument, id market.ClOrdID, cum market.Qty) {
			m.Step(0, orders.Report{
				ID: id, OrderID: string(id), ExecID: "E1", Type: orders.ExecTrade, Status: orders.StatusPartFilled, Instrument: sym,
				Side: market.Buy, Qty: 1000, Cum: cum, Leaves: 1000 - cum, LastQty: 100, LastPx: 10,
			})
		}
		trade(acme, "X", 100)
		trade(acme, "X", 100)
		trade(other, "Y", 100)
		m.Step(0, orders.NewDay{})
		trade(acme, "X", 200)
		wantX, wantY := market.Qty(100), market.Qty(0)
		if c.elsewhere {
			wantY = 100
		}
		if c.tomorrow {
			wantX = 200
		}
		if m.Position(acme) != wantX || m.Position(other) != wantY {
			t.Errorf("key %d: positions %d and %d, want %d and %d", c.key, m.Position(acme), m.Position(other), wantX, wantY)
		}
	}
}

func TestZeroAnswerIsNoAnswer(t *testing.T) {
	var a orders.Answer
	if _, ok := a.Report(); ok || a.IsAbsent() {
		t.Fatal("the zero answer says something")
	}
	m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
	working(t, m, "X", 100)
	m.Step(0, a.About("X", ""))
	if o, _ := m.Order(orders.Ref{ID: "X"}); o.Status != orders.StatusUnknown || o.Held != 100 {
		t.Fatalf("order is %v and holds %d, want UNKNOWN and 100", o.Status, o.Held)
	}
}

func TestQuantitiesAtTheEdgeNeverWrap(t *testing.T) {
	edges := []market.Qty{math.MinInt64, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64}
	for _, last := range edges {
		for _, cum := range edges {
			m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
			working(t, m, "X", math.MaxInt64)
			for i := range 3 {
				m.Step(0, orders.Report{
					ID: "X", ExecID: fmt.Sprint(i), Type: orders.ExecTrade, Status: orders.StatusPartFilled, Instrument: acme,
					Side: market.Buy, Qty: math.MaxInt64, Cum: cum, Leaves: math.MaxInt64, LastQty: last, LastPx: math.MaxInt64,
				})
				o, _ := m.Order(orders.Ref{ID: "X"})
				if o.Cum < 0 || o.Leaves < 0 || o.Held < o.Leaves || m.Position(acme) != o.Cum {
					t.Fatalf("last %d cum %d: cum %d leaves %d held %d position %d", last, cum, o.Cum, o.Leaves, o.Held, m.Position(acme))
				}
			}
		}
	}
}

// journalled is one of each input that is written, with every field set.
func journalled() []orders.Input {
	o := orders.Origin{Session: "s1", Seq: 7, PossDup: true, PossResend: true, Recv: 99}
	r := orders.Report{
		Origin: o, ID: "X", Orig: "W", OrderID: "V", ExecID: "E", ExecRef: "D", Type: orders.ExecCorrect, Status: orders.StatusFilled,
		Instrument: acme, Side: market.Sell, Qty: 1, Cum: 2, Leaves: 3, LastQty: 4, LastPx: 5, Price: 6, Avg: 7, HasAvg: true,
		DayQty: 8, DayCum: 9, HasDay: true, Reason: 10, Restate: orders.RestateVerbal, Text: "t", Paper: true,
	}
	return []orders.Input{
		orders.Create{New: orders.New{
			ID: "X", Account: account, Strategy: "s", Instrument: acme, Side: market.Buy, Type: market.Stop, TIF: market.GTC,
			Qty: math.MaxInt64, Price: math.MinInt64, StopPrice: 1, Decided: 5,
		}, Cause: risk.Cause{1, 23: 9}, TTL: 1e9, Held: true},
		orders.Change{ID: "Y", Of: orders.Ref{ID: "X", OrderID: "V"}, Qty: 5, Price: 6, Held: true, Cause: risk.Cause{2, 23: 8}, Due: 7},
		orders.Arm{ID: "X"},
		orders.HandOver{ID: "X"},
		orders.Unsent{ID: "X", Reason: orders.ReasonStale},
		orders.Timeout{ID: "X"},
		orders.AskAll{},
		orders.NewDay{},
		orders.Crash{},
		r, orders.Found(r).About("X", "V"), orders.Absent("X"), orders.NoAnswer("X"),
		orders.CancelReject{Origin: o, ID: "Y", Orig: "X", OrderID: "V", Status: orders.StatusNew, Reason: 3, Text: "t"},
		orders.BusinessReject{Origin: o, ID: "Y", Reason: 3, Text: "t"},
		orders.SessionReject{Origin: o, ID: "Y", Reason: 3, Text: "t"},
		orders.MassEnd{Origin: o, Count: 3},
		orders.MassCancelAck{Origin: o, Accepted: true},
		orders.Link{Origin: o, Event: orders.LinkReplayed, Why: "w"},
		orders.Report{},
		orders.Link{},
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for _, in := range journalled() {
		k, body, err := orders.Encode(nil, account, 42, in)
		if err != nil {
			t.Fatalf("%T: %v", in, err)
		}
		a, now, got, err := orders.Decode(journal.Record{Kind: k, Version: 1, Body: body})
		if err != nil || a != account || now != 42 || !reflect.DeepEqual(got, in) {
			t.Errorf("%T came back as %+v of %s at %d, %v\nwant %+v", in, got, a, now, err, in)
		}
		for n := range body {
			if _, _, got, err := orders.Decode(journal.Record{Kind: k, Version: 1, Body: body[:n]}); err == nil {
				t.Errorf("%T cut to %d of %d bytes was read as %+v", in, n, len(body), got)
			}
		}
	}
	if _, _, _, err := orders.Decode(journal.Record{Version: 2}); err == nil {
		t.Error("a record of another version was read")
	}
}

func FuzzDecode(f *testing.F) {
	for _, in := range journalled() {
		_, body, err := orders.Encode(nil, account, 42, in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, now, in, err := orders.Decode(journal.Record{Version: 1, Body: body})
		if err != nil {
			return
		}
		_, again, err := orders.Encode(nil, a, now, in)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, in2, err := orders.Decode(journal.Record{Version: 1, Body: again}); err != nil || !reflect.DeepEqual(in, in2) {
			t.Fatalf("%+v came back as %+v, %v", in, in2, err)
		}
	})
}

// FuzzReports drives a working order with reports made of bytes.
func FuzzReports(f *testing.F) {
	f.Add([]byte{14, 2, 0, 40, 60, 40, 1, 0})
	f.Add([]byte{16, 1, 0, 0, 100, 0, 2, 1, 14, 2, 0, 40, 60, 40, 1, 0})
	f.Add([]byte(strings.Repeat("\x0f\x05\xff\x00\xff\x80\x01\x01", 4)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
		working(t, m, "X", 100)
		for ; len(b) >= 8; b = b[8:] {
			r := orders.Report{
				ID: "X", Type: orders.ExecType(b[0] % 19), Status: orders.Status(b[1] % 18), Qty: 100 + market.Qty(int8(b[2])),
				Cum: market.Qty(int8(b[3])), Leaves: market.Qty(int8(b[4])), LastQty: market.Qty(int8(b[5])), LastPx: 10,
				ExecID: fmt.Sprint(b[6]), ExecRef: fmt.Sprint(b[7]), Instrument: acme, Side: market.Buy,
			}
			before := m.Position(acme)
			m.Step(0, r)
			if before != m.Position(acme) && !mayMove(r) {
				t.Fatalf("position moved on %+v", r)
			}
			o, _ := m.Order(orders.Ref{ID: "X"})
			if o.Leaves < 0 || o.Held < o.Leaves || o.Cum < 0 {
				t.Fatalf("cum %d leaves %d held %d after %+v", o.Cum, o.Leaves, o.Held, r)
			}
		}
	})
}
