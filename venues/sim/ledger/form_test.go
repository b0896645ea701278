package ledger_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// form is the ledger as it was agreed: the kinds, and their fields in order. Tools outside of this repository read it, so a
// change here is a new version of the file (v of the open line).
var form = map[string]string{
	"open":     "v seed config plan dedupe cod symbols accounts",
	"link":     "session account event in_seq out_seq from to why",
	"recv":     "session account seq msg possdup possresend cl orig oid sym side type tif qty px sent text fate fault",
	"order":    "oid account cl0 cl ids sym side type tif px qty cum leaves avg status priority by why",
	"trade":    "id sym qty px buy sell aggressor",
	"bust":     "exec ref oid account sym side old_qty old_px qty px",
	"correct":  "exec ref oid account sym side old_qty old_px qty px",
	"send":     "session account seq msg cl orig oid exec ref type status qty cum leaves last last_px avg reason answers copy fate fault",
	"exposure": "account sym pos open_buy open_sell worst_long worst_short worst_notional",
	"phase":    "sym phase",
	"fault":    "id kind firing target drawn",
	"mark":     "sym bid ask last",
	"close":    "lines orders trades busts corrects per_account crc32c",
}

func TestTheFieldsOfEachKindAreAsAgreed(t *testing.T) {
	lines := map[string]sim.Line{
		"open": &sim.OpenLine{}, "link": &sim.LinkLine{}, "recv": &sim.RecvLine{}, "order": &sim.OrderLine{}, "trade": &sim.TradeLine{},
		"bust": &sim.CorrectionLine{}, "correct": &sim.CorrectionLine{}, "send": &sim.SendLine{}, "exposure": &sim.ExposureLine{},
		"phase": &sim.PhaseLine{}, "fault": &sim.FaultLine{}, "mark": &sim.MarkLine{}, "close": &sim.CloseLine{},
	}
	if len(lines) != len(form) {
		t.Fatalf("%d kinds are tested, want %d", len(lines), len(form))
	}
	for kind, line := range lines {
		t.Run(kind, func(t *testing.T) {
			fill(reflect.ValueOf(line).Elem())
			line.At().K = kind
			b, err := json.Marshal(line)
			if err != nil {
				t.Fatal(err)
			}
			want := append([]string{"n", "t", "k"}, strings.Fields(form[kind])...)
			if got := keys(t, b); !slices.Equal(got, want) {
				t.Errorf("fields = %v, want %v", got, want)
			}
		})
	}
	party := sim.Party{}
	fill(reflect.ValueOf(&party).Elem())
	b, err := json.Marshal(party)
	if got := keys(t, b); err != nil || !slices.Equal(got, []string{"oid", "account", "cl", "exec"}) {
		t.Errorf("fields of a party = %v, %v, want oid account cl exec", got, err)
	}
}

// fill gives every field a value that is not left out.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[market.Notional]() {
			return
		}
		for _, f := range v.Fields() {
			fill(f)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(1)
	default:
		panic("a field of a kind that no ledger has: " + v.Type().String())
	}
}

// keys gives the keys of an object in their order.
func keys(t *testing.T, b []byte) (out []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	depth, key := 0, false
	for {
		tok, err := d.Token()
		if err != nil {
			return out
		}
		switch x := tok.(type) {
		case json.Delim:
			if x == '{' || x == '[' {
				depth++
			} else {
				depth--
			}
			key = depth == 1
			continue
		case string:
			if depth == 1 && key {
				out = append(out, x)
				key = false
				continue
			}
		}
		key = depth == 1
	}
}

// TestALedgerThatWasWrittenByHandIsRead reads a day that no exchange of this repository wrote, with every kind of line, and
// writes it again byte for byte. Its checksum was worked out by another program.
func TestALedgerThatWasWrittenByHandIsRead(t *testing.T) {
	path := filepath.Join("testdata", "day.jsonl")
	l, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	w := sim.NewLedger(&got, false)
	seen := map[string]bool{}
	for _, line := range l.Lines {
		seen[line.At().K] = true
		if err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("written again:\n%s\nwant\n%s", got.Bytes(), want)
	}
	for kind := range form {
		if !seen[kind] {
			t.Errorf("the day has no line of kind %s", kind)
		}
	}
	pos := ledger.Positions(l)
	if !l.Closed || l.Torn != 0 || len(pos) != 1 || len(pos["south"]) != 1 || pos["south"]["KELP"] != 4*unit {
		t.Errorf("closed %v, torn %d, positions %v, want closed, whole and 4 KELP of south", l.Closed, l.Torn, pos)
	}
}

// TestTheJudgesOfTheDay asks each judge about that day, as a node that got it right would and as one that did not.
func TestTheJudgesOfTheDay(t *testing.T) {
	l, err := ledger.Open(filepath.Join("testdata", "day.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	qty := func(n market.Qty) market.Qty { return n * unit / 10 }
	firstOrder := market.Timestamp(l.Lines[6].At().T)
	lastOrder := market.Timestamp(l.Lines[11].At().T)
	tests := map[string]struct{ right, wrong []ledger.Finding }{
		"J1": {ledger.J1(l), ledger.J1(again(t, l, 12))},
		"J2": {
			ledger.J2(l, "south", map[market.Symbol]market.Qty{"KELP": qty(40)}),
			ledger.J2(l, "south", map[market.Symbol]market.Qty{"KELP": qty(100)}), // the correction was not heard
		},
		"J3": {
			ledger.J3(l, "south", map[market.Symbol]ledger.Limits{"KELP": {Long: qty(100)}}),
			ledger.J3(l, "south", map[market.Symbol]ledger.Limits{"KELP": {Long: qty(99), Short: qty(999)}}),
		},
		"J4": {ledger.J4(l, "south", []string{"e3"}), ledger.J4(l, "south", nil)},
		"J5": {ledger.J5(l, "south", lastOrder), ledger.J5(l, "south", firstOrder)},
		"J6": {ledger.J6(l, "north"), ledger.J6(cut(t, l, 20), "north")},
		"J7": {
			ledger.J7(cut(t, l, 20), "north", []ledger.NodeOrder{{ID: "n-1"}}),
			ledger.J7(cut(t, l, 20), "north", []ledger.NodeOrder{{ID: "n-1", Ended: true}}),
		},
	}
	if len(tests) != 7 {
		t.Fatalf("%d judges, want 7", len(tests))
	}
	for name, tt := range tests {
		if len(tt.right) != 0 {
			t.Errorf("%s of a node that is right = %v, want none", name, tt.right)
		}
		if len(tt.wrong) != 1 || tt.wrong[0].Judge != name {
			t.Errorf("%s of a node that is wrong = %v, want one finding", name, tt.wrong)
		}
	}
}

// cut is the ledger of a venue that was killed behind line n.
func cut(t *testing.T, l *ledger.Ledger, n int) *ledger.Ledger {
	t.Helper()
	return &ledger.Ledger{Lines: l.Lines[:n]}
}

// again is the ledger with line n, a recv, once more at its end.
func again(t *testing.T, l *ledger.Ledger, n int) *ledger.Ledger {
	t.Helper()
	c := cut(t, l, len(l.Lines)-1)
	r := *l.Lines[n-1].(*sim.RecvLine)
	r.N, r.Fate = uint64(len(l.Lines)), sim.FateAppliedDuplicate
	return &ledger.Ledger{Lines: append(slices.Clone(c.Lines), &r)}
}
