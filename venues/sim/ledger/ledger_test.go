package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

const unit = market.Unit

// book writes lines as the exchange would; Heads are filled in.
type book struct {
	t    testing.TB
	file bytes.Buffer
	w    *sim.Ledger
	n    uint64
}

func begin(t testing.TB) *book {
	b := &book{t: t}
	b.w = sim.NewLedger(&b.file, false)
	b.add("open", &sim.OpenLine{V: 1, Seed: 1, Dedupe: sim.DedupeNone, COD: "off", Symbols: []string{"ACME"}, Accounts: []string{"A1"}})
	return b
}

func (b *book) add(kind string, l sim.Line) {
	b.t.Helper()
	b.n++
	*l.At() = sim.Head{N: b.n, T: int64(b.n) * 1000, K: kind}
	if err := b.w.Write(l); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) recv(cl market.ClOrdID, fate string) {
	b.add("recv", &sim.RecvLine{
		Session: "A1", Account: "A1", Seq: b.n, Msg: "D", Cl: cl, Sym: "ACME", Side: market.Buy, Type: market.Limit,
		TIF: market.Day, Qty: unit, Px: market.Price(unit), Fate: fate,
	})
}

func (b *book) order(oid string, cl market.ClOrdID, leaves market.Qty) {
	st := sim.StatusNew
	if leaves == 0 {
		st = sim.StatusCancelled
	}
	b.add("order", &sim.OrderLine{
		OID: oid, Account: "A1", Cl0: cl, Cl: cl, IDs: []market.ClOrdID{cl}, Sym: "ACME", Side: market.Buy,
		Type: market.Limit, TIF: market.Day, Px: market.Price(unit), Qty: unit, Leaves: leaves, Status: st,
	})
}

func (b *book) trade(exec string, qty market.Qty) {
	b.add("trade", &sim.TradeLine{
		ID: "T" + exec, Sym: "ACME", Qty: qty, Px: market.Price(unit), Aggressor: market.Buy,
		Buy: &sim.Party{OID: "1", Account: "A1", Cl: "a", Exec: exec}, Sell: &sim.Party{OID: "2", Account: "flow1", Cl: "f", Exec: exec + "s"},
	})
}

// end writes the close line that fits.
func (b *book) end() {
	b.t.Helper()
	l := b.read()
	c := &sim.CloseLine{
		Lines: b.n + 1, Orders: uint64(len(ledger.Orders(l))), Trades: uint64(len(ledger.Of[*sim.TradeLine](l))), PerAccount: ledger.Positions(l),
	}
	for _, x := range ledger.Of[*sim.CorrectionLine](l) {
		if x.K == "bust" {
			c.Busts++
		} else {
			c.Corrects++
		}
	}
	b.add("close", c)
}

func (b *book) read() *ledger.Ledger {
	b.t.Helper()
	if err := b.w.Flush(); err != nil {
		b.t.Fatal(err)
	}
	l, err := ledger.Read(bytes.NewReader(b.file.Bytes()))
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// TestEachJudgeSeesThePlantedBug holds a clean ledger against the same with one bug.
func TestEachJudgeSeesThePlantedBug(t *testing.T) {
	tests := map[string]struct {
		write func(b *book, bug bool)
		judge func(l *ledger.Ledger, bug bool) []ledger.Finding
	}{
		"J1, an id executes twice": {
			write: func(b *book, bug bool) {
				b.recv("a", sim.FateApplied)
				b.recv("a", sim.FateDropped)
				b.recv("a", sim.FateRefusedDuplicate)
				if bug {
					b.recv("a", sim.FateAppliedDuplicate)
				}
			},
			judge: func(l *ledger.Ledger, _ bool) []ledger.Finding { return ledger.J1(l) },
		},
		"J2, the node missed a fill": {
			write: func(b *book, _ bool) { b.trade("e1", 2*unit); b.trade("e2", unit) },
			judge: func(l *ledger.Ledger, bug bool) []ledger.Finding {
				node := map[market.Symbol]market.Qty{"ACME": 3 * unit, "BOLT": 0}
				if bug {
					node["ACME"] = 2 * unit
				}
				return ledger.J2(l, "A1", node)
			},
		},
		"J2, a position nobody traded": {
			write: func(*book, bool) {},
			judge: func(l *ledger.Ledger, bug bool) []ledger.Finding {
				node := map[market.Symbol]market.Qty{}
				if bug {
					node["BOLT"] = unit
				}
				return ledger.J2(l, "A1", node)
			},
		},
		"J3, above the limit for one line": {
			write: func(b *book, bug bool) {
				b.add("exposure", &sim.ExposureLine{Account: "A1", Sym: "ACME", WorstLong: 5 * unit})
				if bug {
					b.add("exposure", &sim.ExposureLine{Account: "A1", Sym: "ACME", WorstLong: 5*unit + 1})
					b.add("exposure", &sim.ExposureLine{Account: "A1", Sym: "ACME"})
				}
			},
			judge: func(l *ledger.Ledger, _ bool) []ledger.Finding {
				return ledger.J3(l, "A1", map[market.Symbol]ledger.Limits{"ACME": {Long: 5 * unit, Short: 5 * unit}})
			},
		},
		"J4, an execution counted twice": {
			write: func(b *book, _ bool) { b.trade("e1", unit) },
			judge: func(l *ledger.Ledger, bug bool) []ledger.Finding {
				execs := []string{"e1", "SYN/a/1"}
				if bug {
					execs = append(execs, "e1")
				}
				return ledger.J4(l, "A1", execs)
			},
		},
		"J4, an execution out of thin air": {
			write: func(b *book, _ bool) { b.trade("e1", unit) },
			judge: func(l *ledger.Ledger, bug bool) []ledger.Finding {
				execs := []string{"e1"}
				if bug {
					execs = append(execs, "e2")
				}
				return ledger.J4(l, "A1", execs)
			},
		},
		"J5, an order applied after the close": {
			write: func(b *book, bug bool) {
				b.recv("a", sim.FateApplied) // line 2, at 2000
				b.recv("b", sim.FateRejected)
				if bug {
					b.recv("c", sim.FateApplied)
				}
			},
			judge: func(l *ledger.Ledger, _ bool) []ledger.Finding { return ledger.J5(l, "A1", 2000) },
		},
		"J6, an order left open": {
			write: func(b *book, bug bool) {
				b.order("1", "a", unit)
				if !bug {
					b.order("1", "a", 0)
				}
			},
			judge: func(l *ledger.Ledger, _ bool) []ledger.Finding { return ledger.J6(l, "A1") },
		},
		"J7, the node gave up a live order": {
			write: func(b *book, _ bool) { b.order("1", "a", unit) },
			judge: func(l *ledger.Ledger, bug bool) []ledger.Finding {
				return ledger.J7(l, "A1", []ledger.NodeOrder{{ID: "a", Ended: bug}, {ID: "never-sent", Ended: true}})
			},
		},
		"J7, a live order the node does not know": {
			write: func(b *book, _ bool) { b.order("1", "a", unit) },
			judge: func(l *ledger.Ledger, bug bool) []ledger.Finding {
				if bug {
					return ledger.J7(l, "A1", nil)
				}
				return ledger.J7(l, "A1", []ledger.NodeOrder{{ID: "a"}})
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, bug := range []bool{false, true} {
				b := begin(t)
				tt.write(b, bug)
				got := tt.judge(b.read(), bug)
				if (len(got) > 0) != bug {
					t.Errorf("bug %v: findings = %v", bug, got)
				}
				if bug && len(got) > 0 && !strings.HasPrefix(got[0].String(), name[:2]) {
					t.Errorf("finding %v, want one of %s", got[0], name[:2])
				}
			}
		})
	}
}

func TestBustsAndCorrectionsMoveThePositionOfTheirAccount(t *testing.T) {
	b, one := begin(t), market.Price(1_000_000_000)
	b.trade("e1", 3*unit)
	b.add("bust", &sim.CorrectionLine{Exec: "x", Ref: "e1", OID: "1", Account: "A1", Sym: "ACME", Side: market.Buy, OldQty: 3 * unit, OldPx: one})
	b.trade("e2", 5*unit)
	b.add("correct", &sim.CorrectionLine{Exec: "y", Ref: "e2", OID: "1", Account: "A1", Sym: "ACME", Side: market.Buy, OldQty: 5 * unit, OldPx: one, Qty: 2 * unit, Px: one})
	b.add("correct", &sim.CorrectionLine{Exec: "z", Ref: "e2s", OID: "2", Account: "flow1", Sym: "ACME", Side: market.Sell, OldQty: 5 * unit, OldPx: one, Qty: 2 * unit, Px: one})
	b.end()
	pos := ledger.Positions(b.read())
	if got := pos["A1"]["ACME"]; got != 2*unit {
		t.Errorf("position of A1 = %v, want 2", got)
	}
	if got := pos["flow1"]["ACME"]; got != -5*unit {
		t.Errorf("position of flow1 = %v, want -5: its side of e1 was not busted", got)
	}
}

// TestACorrectionSpeaksOfAnExecutionThatStands: a ledger in which it does not is no truth.
func TestACorrectionSpeaksOfAnExecutionThatStands(t *testing.T) {
	one := market.Price(1_000_000_000)
	good := sim.CorrectionLine{Exec: "x", Ref: "e1", OID: "1", Account: "A1", Sym: "ACME", Side: market.Buy, OldQty: 3 * unit, OldPx: one}
	for name, tt := range map[string]struct {
		kind   string
		change func(*sim.CorrectionLine)
		again  bool
	}{
		"an execution that never was": {"bust", func(c *sim.CorrectionLine) { c.Ref = "e9" }, false},
		"another quantity before":     {"bust", func(c *sim.CorrectionLine) { c.OldQty = unit }, false},
		"another order":               {"bust", func(c *sim.CorrectionLine) { c.OID = "9" }, false},
		"the other side":              {"bust", func(c *sim.CorrectionLine) { c.Side = market.Sell }, false},
		"a bust that leaves some":     {"bust", func(c *sim.CorrectionLine) { c.Qty = unit }, false},
		"a correction that is a bust": {"correct", func(*sim.CorrectionLine) {}, false},
		"a bust twice":                {"bust", func(*sim.CorrectionLine) {}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := begin(t)
			b.trade("e1", 3*unit)
			bad := good
			tt.change(&bad)
			b.add(tt.kind, &bad)
			if again := good; tt.again {
				b.add(tt.kind, &again)
			}
			if err := b.w.Flush(); err != nil {
				t.Fatal(err)
			}
			if _, err := ledger.Read(&b.file); !errors.Is(err, ledger.ErrBadLine) {
				t.Errorf("Read() error = %v, want %v", err, ledger.ErrBadLine)
			}
		})
	}
}

// TestNoByteOfAClosedLedgerCanChange flips every bit of every byte: the reader finds it, or the line says the same.
func TestNoByteOfAClosedLedgerCanChange(t *testing.T) {
	b := begin(t)
	b.recv("a", sim.FateApplied)
	b.order("1", "a", unit)
	b.trade("e1", unit)
	b.end()
	want := b.read()
	all := b.file.Bytes()
	for i := range all {
		for bit := range 8 {
			if testing.Short() && bit != i%8 {
				continue
			}
			bad := bytes.Clone(all)
			bad[i] ^= 1 << bit
			l, err := ledger.Read(bytes.NewReader(bad))
			if err == nil && l.Closed && !harmless(l, want) {
				t.Fatalf("bit %d of byte %d (%q) was flipped, and nobody noticed", bit, i, all[i])
			}
		}
	}
}

// harmless: the close line, which no checksum covers, may have become later; the rest of it is checked against the lines.
func harmless(got, want *ledger.Ledger) bool {
	g, w := got.Lines[len(got.Lines)-1].(*sim.CloseLine), *want.Lines[len(want.Lines)-1].(*sim.CloseLine)
	w.T = g.T
	return len(got.Lines) == len(want.Lines) && reflect.DeepEqual(*g, w)
}

func TestATornLastLineIsLeftOut(t *testing.T) {
	b := begin(t)
	b.trade("e1", unit)
	b.end()
	whole := b.read()
	if !whole.Closed || whole.Torn != 0 {
		t.Fatalf("closed = %v, torn = %d, want closed and whole", whole.Closed, whole.Torn)
	}
	all := b.file.Bytes()
	for cut := range all {
		l, err := ledger.Read(bytes.NewReader(all[:cut]))
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if want := bytes.Count(all[:cut], []byte("\n")); len(l.Lines) != want || l.Closed {
			t.Fatalf("cut at %d: %d lines, closed %v, want %d and open", cut, len(l.Lines), l.Closed, want)
		}
	}
}

func TestAnyOtherBadLineNamesItsPlace(t *testing.T) {
	b := begin(t)
	b.trade("e1", unit)
	b.trade("e2", unit)
	b.end()
	b.read()
	text := b.file.String()
	second := strings.Index(text, "\n") + 1
	tests := map[string]string{
		"flipped digit, found by the close line": strings.Replace(text, `"qty":"1"`, `"qty":"2"`, 1),
		"no JSON":                                text[:second] + "{\n" + text[second:],
		"unknown kind":                           strings.Replace(text, `"k":"trade"`, `"k":"trad"`, 1),
		"unknown field":                          strings.Replace(text, `"sym":`, `"symbol":`, 1),
		"a line lost":                            text[:second] + text[second+strings.Index(text[second:], "\n")+1:],
		"a number as a number":                   strings.Replace(text, `"qty":"1"`, `"qty":1`, 1),
		"line behind the end":                    text + text[:second],
		"no open line":                           text[second:],
		"time that falls":                        strings.Replace(text, `"n":"3","t":"3000"`, `"n":"3","t":"1999"`, 1),
		"orders that do not add up":              strings.Replace(text, `"orders":"0"`, `"orders":"1"`, 1),
		"trades that do not add up":              strings.Replace(text, `"trades":"2"`, `"trades":"3"`, 1),
		"positions that do not add up":           strings.Replace(text, `"A1":{"ACME":"2"}`, `"A1":{"ACME":"3"}`, 1),
		"lines that do not add up":               strings.Replace(text, `"lines":"4"`, `"lines":"5"`, 1),
		"a kind twice":                           strings.Replace(text, `"k":"trade"`, `"k":"bust","k":"trade","k":"bust"`, 1),
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			if bad == text {
				t.Fatal("nothing was spoiled")
			}
			_, err := ledger.Read(strings.NewReader(bad))
			if !errors.Is(err, ledger.ErrBadLine) || !strings.Contains(err.Error(), "offset") {
				t.Errorf("Read() error = %v, want an ErrBadLine with its offset", err)
			}
		})
	}
	if _, err := ledger.Read(strings.NewReader(strings.Replace(text, `"id":"Te2"`, `"id":5`, 1))); err == nil ||
		!strings.Contains(err.Error(), fmt.Sprintf("line 3, offset %d", second+strings.Index(text[second:], "\n")+1)) {
		t.Errorf("error = %v, want line 3 and its offset", err)
	}
}

func FuzzRead(f *testing.F) {
	b := begin(f)
	b.recv("a", sim.FateApplied)
	b.trade("e1", unit)
	_ = b.w.Flush()
	f.Add(b.file.Bytes())
	f.Add([]byte(nil))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := ledger.Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		ledger.J1(l)
		ledger.J2(l, "A1", nil)
		ledger.J6(l, "A1")
		ledger.J7(l, "A1", nil)
	})
}
