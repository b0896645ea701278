package sim_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

var update = flag.Bool("update", false, "write the golden files")

// story is a run in which every kind of line with a cause occurs.
func story(t *testing.T) *world {
	t.Helper()
	cfg := config(t)
	cfg.Faults = []sim.Fault{
		{ID: "late", Kind: sim.LateAck, On: sim.FaultOn{Msg: "H"}, When: sim.FaultWhen{Nth: 1}, With: sim.FaultWith{Delay: time.Second}},
		{ID: "twice", Kind: sim.DupExec, On: sim.FaultOn{Session: "A2"}, When: sim.FaultWhen{P: sim.Certain / 2}},
		{ID: "lost", Kind: sim.DropBefore, On: sim.FaultOn{Msg: "F"}, When: sim.FaultWhen{Nth: 2}},
	}
	w := open(t, cfg)
	w.logon("A1")
	w.logon("A2")
	w.limit("A1", "a", market.Sell, 5, "100.00", market.Day)
	w.limit("A1", "a2", market.Sell, 5, "100.01", market.GTC)
	w.limit("A2", "b", market.Buy, 8, "100.05", market.IOC)
	w.limit("A2", "b", market.Buy, 1, "99.5", market.Day)
	w.cancel("A1", "c", "a2")
	w.cancel("A1", "c2", "a2")
	w.cancel("A1", "c3", "never")
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
	w.send("A1", sim.Request{Kind: sim.ReplaceOrder, ClOrdID: "r", Orig: "a"})
	w.limit("A1", "d", market.Sell, 5, "102", market.Day)
	w.replace("A1", "d2", "d", 4, "102")
	w.replace("A1", "d3", "d2", 4, "103")
	w.send("A1", sim.Request{Kind: sim.NewOrder, ClOrdID: "bad <&>", Text: "a \"text\""})
	w.pass(1500 * time.Millisecond)
	w.must(w.venue.Logout("A2", "wire"))
	w.logon("A2")
	w.send("A2", sim.Request{Kind: sim.MassCancel, ClOrdID: "q"})
	w.logout("A1")
	w.must(w.venue.Shut(w.now))
	return w
}

func TestTheLedgerIsWrittenAsAgreed(t *testing.T) {
	w := story(t)
	golden := filepath.Join("testdata", "ledger.jsonl")
	if *update {
		if err := os.WriteFile(golden, w.file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.file.Bytes(), want) {
		t.Errorf("ledger differs from %s; got\n%s", golden, w.file.String())
	}
	l, err := ledger.Read(&w.file)
	if err != nil {
		t.Fatal(err)
	}
	if !l.Closed || len(l.Lines) != len(w.lines) {
		t.Errorf("read back: closed %v, %d lines, want closed and %d", l.Closed, len(l.Lines), len(w.lines))
	}
	if got := ledger.J1(l); len(got) != 1 {
		t.Errorf("J1 = %v, want the one order that executed twice", got)
	}
	for a, of := range lastOf[*sim.CloseLine](w).PerAccount {
		if got := ledger.J2(l, a, of); got != nil {
			t.Errorf("positions by trades and in the close line differ: %v", got)
		}
	}
	if got := append(ledger.J6(l, "A1"), ledger.J6(l, "A2")...); got != nil {
		t.Errorf("J6 = %v, want nothing open", got)
	}
}

// slow is a file that counts what is in it, and fails from a write on.
type slow struct {
	bytes.Buffer
	left int
}

func (s *slow) Write(b []byte) (int, error) {
	if s.left == 0 {
		return 0, io.ErrShortWrite
	}
	s.left--
	return s.Buffer.Write(b)
}

// TestNothingLeavesBeforeItsLine looks, whenever something leaves, whether its line is in the file.
func TestNothingLeavesBeforeItsLine(t *testing.T) {
	file := &slow{left: 1 << 30}
	e, err := sim.NewEngine(config(t))
	if err != nil {
		t.Fatal(err)
	}
	has := func(what string) {
		if what != "" && !bytes.Contains(file.Bytes(), []byte(what)) {
			t.Errorf("%s left the venue, and its line is not in the file", what)
		}
	}
	v := sim.NewVenue(e, sim.Outlets{
		Ledger: sim.NewLedger(file, false), Clock: func() market.Timestamp { return start },
		Feed: func(e sim.MarketEvent) {
			if e.Kind == sim.Added || e.Kind == sim.Deleted {
				has(`-` + strconv.FormatUint(e.Ref, 10) + `"`)
			}
			if e.Kind == sim.Deleted && !bytes.Contains(file.Bytes(), []byte(`"leaves":"0","status":"CXL"`)) {
				t.Error("the public feed tells of an end that the ledger does not know")
			}
		},
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(v.Open(start))
	heard := 0
	must(v.Logon(sim.Session{ID: "A1", Seq: 1, Expect: 1, Send: func(r sim.Reply) {
		if b, ok := r.Body.(sim.Report); ok {
			heard++
			has(`"exec":"` + b.ExecID + `"`)
		}
	}}))
	new := func(seq uint64, cl market.ClOrdID, side market.Side) {
		must(v.Receive("A1", sim.Request{
			Kind: sim.NewOrder, Seq: seq, ClOrdID: cl, Symbol: "ACME", Side: side, Type: market.Limit,
			TIF: market.Day, Qty: market.Unit, Price: price(t, "100"),
		}))
	}
	new(2, "a", market.Buy)
	must(v.Receive("A1", sim.Request{Kind: sim.CancelOrder, Seq: 3, ClOrdID: "c", Orig: "a"}))
	if heard != 2 {
		t.Fatalf("heard %d reports, want 2", heard)
	}
	file.left = 0 // the disk is full
	new(4, "b", market.Buy)
	if heard != 2 {
		t.Error("a report left whose line could not be written")
	}
	if err := v.Receive("A1", sim.Request{Kind: sim.CancelOrder, Seq: 5, ClOrdID: "d", Orig: "b"}); !errors.Is(err, sim.ErrLedger) {
		t.Errorf("Receive() error = %v, want %v", err, sim.ErrLedger)
	}
	if err := v.Err(); !errors.Is(err, sim.ErrLedger) || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Err() = %v, want %v and its cause", err, sim.ErrLedger)
	}
}

func TestLinesOutOfNumberAreRefused(t *testing.T) {
	l := sim.NewLedger(io.Discard, false)
	line := &sim.PhaseLine{Head: sim.Head{N: 2, K: "phase"}}
	if err := l.Write(line); !errors.Is(err, sim.ErrLedger) {
		t.Errorf("Write() error = %v, want %v", err, sim.ErrLedger)
	}
}

// FuzzStep feeds an engine inputs made of bytes: nothing panics, lines are numbered without a gap, the public feed can be
// followed, no account's sums go astray, and the same bytes give the same outputs.
func FuzzStep(f *testing.F) {
	f.Add(uint64(0), []byte{})
	f.Add(uint64(1), []byte{0, 0, 0, 0, 1, 2, 3, 255, 254, 0, 127, 128})
	for seed := range uint64(4) {
		rng, b := rand.New(rand.NewPCG(seed, 3)), make([]byte, 2000)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(seed, b)
	}
	f.Fuzz(func(t *testing.T, seed uint64, in []byte) {
		a, b := fuzzRun(t, seed, in), fuzzRun(t, seed, in)
		if !bytes.Equal(a.file.Bytes(), b.file.Bytes()) {
			t.Fatal("the same inputs wrote different ledgers")
		}
		_ = a.tape(t)
		l, err := ledger.Read(bytes.NewReader(a.file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		net := map[market.Symbol]market.Qty{}
		for _, of := range ledger.Positions(l) {
			for s, q := range of {
				net[s] += q
			}
		}
		for s, q := range net {
			if q != 0 {
				t.Fatalf("%s: positions sum to %v, want 0", s, q)
			}
		}
		for _, e := range ledger.Of[*sim.ExposureLine](l) {
			if e.OpenBuy < 0 || e.OpenSell < 0 {
				t.Fatalf("exposure line %d: %+v, want nothing open below 0", e.N, e)
			}
		}
		for _, o := range ledger.Of[*sim.OrderLine](l) {
			if o.Cum < 0 || o.Leaves < 0 || o.Cum+o.Leaves > o.Qty {
				t.Fatalf("order line %d: %+v", o.N, o)
			}
		}
	})
}

func fuzzRun(t *testing.T, seed uint64, in []byte) *world {
	cfg := config(t)
	cfg.Seed = seed
	cfg.Dedupe = []sim.Dedupe{sim.DedupeNone, sim.DedupeStrict, sim.DedupePossResend}[seed%3]
	cfg.SelfTrade = []sim.SelfTrade{sim.SelfTradeOff, sim.SelfTradeCancelNew, sim.SelfTradeCancelOld, sim.SelfTradeCancelBoth}[seed%4]
	cfg.Sessions[1].Grace = time.Second
	if seed%2 == 1 {
		cfg.Flow = sim.DefaultFlow()
	}
	kinds := []sim.FaultKind{sim.DropBefore, sim.DropAfter, sim.DupExec, sim.LateAck, sim.DisconnectAt}
	fault := sim.Fault{ID: "f", Kind: kinds[seed%5], When: sim.FaultWhen{P: sim.Certain / 4}}
	if fault.Kind == sim.LateAck {
		fault.With.Delay = 10 * time.Millisecond
	}
	cfg.Faults = []sim.Fault{fault}
	w := open(t, cfg)
	next := func() byte {
		if len(in) == 0 {
			return 0
		}
		b := in[0]
		in = in[1:]
		return b
	}
	for len(in) > 0 {
		id := []sim.SessionID{"A1", "A2", "A3"}[next()%3]
		hear := func(sim.Reply) {}
		switch k := next() % 16; k {
		case 0:
			_ = w.venue.Logon(sim.Session{ID: id, Seq: uint64(next()), Expect: uint64(next()), Reset: next()%4 == 0, Send: hear})
		case 1:
			_ = w.venue.Logout(id, []string{sim.WhyLogout, "wire"}[next()%2])
		case 2:
			w.pass(time.Duration(next()) * time.Millisecond)
		case 3:
			w.now -= market.Timestamp(next()) // a clock that steps back
			_ = w.venue.Tick(w.now)
		default:
			r := sim.Request{
				Kind: sim.RequestKind(k % 8), Seq: w.number(id) + uint64(next()%2), PossDup: next()%8 == 0, PossResend: next()%8 == 0,
				ClOrdID: market.ClOrdID(rune('a' + next()%16)), Orig: market.ClOrdID(rune('a' + next()%16)),
				Symbol: []market.Symbol{"ACME", "BOLT", "NONE", ""}[next()%4], Side: market.Side(next() % 4), Type: market.OrderType(next() % 4),
				TIF: market.TIF(next() % 6), Qty: market.Qty(int8(next())) * market.Unit, Price: market.Price(9990+int(next()%20)) * 10_000_000,
			}
			if r.Type == market.Market {
				r.Price = 0
			}
			if next() == 255 {
				r.Qty, r.Price = 1<<63-1, 1<<63-1
			}
			_ = w.venue.Receive(id, r)
		}
	}
	w.must(w.venue.Shut(w.now))
	return w
}
