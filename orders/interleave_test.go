package orders_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

var (
	interleavings = flag.Int("runs", 100_000, "random interleavings to run")
	seed          = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")
)

// The same number under the name that other tests use. The go command takes -n
// for itself, as a run that only prints, so that it has to stand behind -args.
func init() { flag.IntVar(interleavings, "n", *interleavings, "as -runs; behind -args") }

func drawSeed(t testing.TB) uint64 {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return s
}

// world is one random run: a machine, what was journalled, and the sum of what
// the venue is entitled to move.
type world struct {
	r    *rand.Rand
	m    *orders.Machine
	recs []journal.Record
	now  int64
	made int
	sent map[market.ClOrdID]bool
	log  []orders.Input

	flags  map[orders.Flag]int
	events map[orders.EventKind]int
}

var ids = []market.ClOrdID{"X", "Y", "Z", "U"}

func newWorld(r *rand.Rand) *world {
	w := &world{r: r, sent: map[market.ClOrdID]bool{}}
	w.m = orders.NewMachine(w.options())
	return w
}

func (w *world) options() orders.Options {
	return orders.Options{Account: account, SessionOpen: true, NextID: func() market.ClOrdID {
		w.made++
		return market.ClOrdID(fmt.Sprintf("~%d", w.made))
	}}
}

// TestInterleavings throws inputs of every kind at the machine in any order.
// Whatever a venue says, in whatever order: executions add up, the held worst
// case covers what is open, nothing leaves twice, and the journal brings the
// same state back.
func TestInterleavings(t *testing.T) {
	s, n := drawSeed(t), *interleavings
	if testing.Short() {
		n /= 20
	}
	const shards = 3 // prime to the four of every fourth
	var seen [shards]sights
	t.Run("shard", func(t *testing.T) {
		for shard := range shards {
			seen[shard] = sights{flags: map[orders.Flag]int{}, events: map[orders.EventKind]int{}}
			t.Run(strconv.Itoa(shard), func(t *testing.T) {
				t.Parallel()
				for i := shard; i < n; i += shards {
					interleave(t, s, i, seen[shard])
				}
			})
		}
	})
	all := sights{flags: map[orders.Flag]int{}, events: map[orders.EventKind]int{}}
	for _, x := range seen {
		for f, k := range x.flags {
			all.flags[f] += k
		}
		for e, k := range x.events {
			all.events[e] += k
		}
	}
	if n >= 50_000 {
		notVacuous(t, all.flags, all.events)
	}
}

// sights counts what runs have come across.
type sights struct {
	flags  map[orders.Flag]int
	events map[orders.EventKind]int
}

// interleave is run i: twelve inputs, half of the runs beginning with an order
// that works, and every fourth rebuilt from its journal.
func interleave(t *testing.T, seed uint64, i int, seen sights) {
	t.Helper()
	w := newWorld(rand.New(rand.NewPCG(seed, uint64(i))))
	w.flags, w.events = seen.flags, seen.events
	if i%2 == 0 {
		w.working()
	}
	for range 12 {
		if err := w.one(); err != nil {
			t.Fatalf("-seed %d, run %d: %v\n%s", seed, i, err, w.told())
		}
	}
	if i%4 == 0 {
		if err := w.rebuilt(); err != nil {
			t.Fatalf("-seed %d, run %d: %v\n%s", seed, i, err, w.told())
		}
	}
}

// notVacuous fails a test whose runs did not get about. What takes more steps
// than a run has is left to the scripts.
func notVacuous(t *testing.T, flags map[orders.Flag]int, events map[orders.EventKind]int) {
	t.Helper()
	for f := orders.FlagDupExec; f < orders.FlagCloseStuck; f++ {
		if flags[f] == 0 && f != orders.FlagDupBust {
			t.Errorf("no run raised flag %v: the test proves less than it says", f)
		}
	}
	for k := orders.EventAccepted; k < orders.EventMassCancelAcked; k++ {
		if events[k] == 0 && k != orders.EventReplaceLost {
			t.Errorf("no run told event %v: the test proves less than it says", k)
		}
	}
}

func (w *world) one() error {
	w.now += w.r.Int64N(int64(3 * time.Second))
	in := w.draw()
	w.log = append(w.log, in)
	if _, crash := in.(orders.Crash); crash {
		w.record(in)
	}
	if in2, ok := in.(orders.Inbound); ok {
		w.record(in2)
	}
	before := w.positions()
	out := slices.Clone(w.m.Step(w.now, in))
	refused := slices.ContainsFunc(out, func(o orders.Output) bool { return o.Event.Kind == orders.EventRefused })
	switch in.(type) {
	case orders.Create, orders.Change:
		if !refused {
			w.record(in)
		}
	}
	for _, o := range out {
		if err := w.judge(o); err != nil {
			return err
		}
	}
	if before != w.positions() && !mayMove(in) {
		return fmt.Errorf("position moved from %v to %v", before, w.positions())
	}
	return w.invariants()
}

// working makes X an order that works at the venue, as most are.
func (w *world) working() {
	c := orders.Create{New: orders.New{
		ID: "X", Account: account, Instrument: acme, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: 400, Price: 10,
	}}
	w.record(c)
	w.m.Step(w.now, c)
	w.m.Step(w.now, orders.HandOver{ID: "X"})
	w.record(orders.HandOver{ID: "X"})
	w.sent["X"] = true
	r := orders.Report{
		ID: "X", ExecID: "N", Type: orders.ExecNew, Status: orders.StatusNew, Instrument: acme, Side: market.Buy,
		Qty: 400, Leaves: 400,
	}
	w.record(r)
	w.m.Step(w.now, r)
}

func (w *world) told() string {
	var b strings.Builder
	for _, in := range w.log {
		fmt.Fprintf(&b, "%T%+v\n", in, in)
	}
	return b.String()
}

func (w *world) judge(o orders.Output) error {
	switch o.Kind {
	case orders.OutFlag:
		w.flags[o.Flag]++
	case orders.OutEvent:
		w.events[o.Event.Kind]++
	case orders.OutRecord:
		w.record(o.Record)
	case orders.OutPlace, orders.OutReplace:
		id := o.New().ID
		if w.sent[id] {
			return fmt.Errorf("%s leaves twice", id)
		}
		w.sent[id] = true
	default:
	}
	return nil
}

func (w *world) record(in orders.Input) {
	k, body, err := orders.Encode(nil, account, w.now, in)
	if err != nil {
		panic(err)
	}
	w.recs = append(w.recs, journal.Record{LSN: journal.LSN(len(w.recs) + 1), Kind: k, Version: 1, Body: body})
}

// mayMove reports whether an input is evidence of executions.
func mayMove(in orders.Input) bool {
	switch v := in.(type) {
	case orders.Report:
		switch v.Type {
		case orders.ExecTrade, orders.ExecCorrect, orders.ExecBust, orders.ExecStatus:
			return true
		case orders.ExecRestated:
			return v.Restate == orders.RestateCorporate
		default:
			return false
		}
	case orders.Answer:
		return true
	default:
		return false
	}
}

func (w *world) positions() market.Qty { return w.m.Position(acme) }

func (w *world) invariants() error {
	var pos market.Qty
	for o := range w.m.Orders() {
		var sum market.Qty
		for _, e := range o.Executed {
			if e.Qty < 0 {
				return fmt.Errorf("order %s: execution %+v", o.ID, e)
			}
			sum += e.Qty
		}
		if sum != o.Cum {
			return fmt.Errorf("order %s: cum %v, executions %v", o.ID, o.Cum, sum)
		}
		if o.Leaves < 0 || o.Held < o.Leaves {
			return fmt.Errorf("order %s: held %v, leaves %v", o.ID, o.Held, o.Leaves)
		}
		if o.Status == orders.StatusUnknown && o.Closed {
			return fmt.Errorf("order %s is UNKNOWN and closed", o.ID)
		}
		pos += o.Cum * market.Qty(o.Side.Sign())
	}
	if pos != w.m.Position(acme) {
		return fmt.Errorf("position %v, executions say %v", w.m.Position(acme), pos)
	}
	return nil
}

func (w *world) rebuilt() error {
	m := orders.NewMachine(w.options())
	for _, rec := range w.recs {
		_, now, in, err := orders.Decode(rec)
		if err != nil {
			return err
		}
		m.Fold(now, in)
	}
	if m.Digest() != w.m.Digest() {
		return fmt.Errorf("rebuilt:\n%s\nwant\n%s", dump(m), dump(w.m))
	}
	return nil
}

// draw makes one input of any kind.
func (w *world) draw() orders.Input {
	id, other := w.id(), w.id()
	if s := w.m.Session(); s != "open" && w.r.IntN(3) == 0 {
		return w.link()
	}
	switch w.r.IntN(24) {
	case 0, 1, 2:
		return orders.Create{Held: w.r.IntN(8) == 0, New: orders.New{
			ID: id, Account: account, Instrument: acme, Side: market.Side(1 + w.r.IntN(2)), Type: market.Limit,
			TIF: market.TIF(1 + w.r.IntN(4)), Qty: w.qty() + 1, Price: w.px(), Decided: w.now,
		}}
	case 3, 4, 5:
		return orders.HandOver{ID: id}
	case 6:
		return orders.Withdraw{ID: id, Of: orders.Ref{ID: other}}
	case 7:
		return orders.Change{ID: id, Of: orders.Ref{ID: other}, Qty: w.qty()}
	case 8:
		return orders.Timeout{ID: id}
	case 9:
		return orders.CancelReject{ID: id, Orig: other, Status: w.status(), Reason: w.r.IntN(4)}
	case 10:
		return [...]orders.Input{orders.BusinessReject{ID: id}, orders.SessionReject{ID: id}}[w.r.IntN(2)]
	case 11:
		return [...]orders.Input{orders.Absent(id), orders.NoAnswer(id)}[w.r.IntN(2)]
	case 12, 13:
		r := w.report(id, other)
		return orders.Found(r).About(id, "")
	case 14:
		return w.link()
	case 15:
		return [...]orders.Input{orders.AskAll{}, orders.MassEnd{Count: w.r.IntN(3)}, orders.NewDay{}, orders.Crash{}}[w.r.IntN(4)]
	default:
		return w.report(id, other)
	}
}

// link draws what a session in its present state most likely does next.
func (w *world) link() orders.Input {
	switch w.m.Session() {
	case "down":
		return orders.Link{Event: orders.LinkLogon}
	case "recovering":
		return orders.Link{Event: orders.LinkReplayed}
	case "reconciling":
		return orders.MassEnd{}
	default:
		return orders.Link{Event: orders.LinkEvent(1 + w.r.IntN(3))}
	}
}

func (w *world) report(id, orig market.ClOrdID) orders.Report {
	r := orders.Report{
		ID: id, ExecID: fmt.Sprintf("E%d", w.r.IntN(12)), ExecRef: fmt.Sprintf("E%d", w.r.IntN(12)),
		Type: orders.ExecType(1 + w.r.IntN(17)), Status: w.status(), Instrument: acme, Side: market.Buy,
		Qty: w.qty(), Cum: w.qty(), Leaves: w.qty(), LastQty: w.qty(), LastPx: w.px(), Avg: w.px(),
		HasAvg: w.r.IntN(2) == 0, HasDay: w.r.IntN(8) == 0, DayQty: w.qty(), Reason: w.r.IntN(8), Restate: orders.RestateReason(w.r.IntN(3)),
		Origin: orders.Origin{PossDup: w.r.IntN(8) == 0},
	}
	if w.r.IntN(3) == 0 {
		r.Type = orders.ExecTrade
	}
	if w.r.IntN(3) == 0 {
		r.Orig = orig
	}
	return r
}

func (w *world) id() market.ClOrdID    { return ids[w.r.IntN(len(ids))] }
func (w *world) qty() market.Qty       { return market.Qty(w.r.IntN(5)) * 100 }
func (w *world) px() market.Price      { return market.Price(1+w.r.IntN(3)) * 10 }
func (w *world) status() orders.Status { return orders.Status(1 + w.r.IntN(13)) }

// TestAnyOrderOfATradeAndItsCorrectionsGivesTheSameCum permutes the reports of
// two executions, a correction of a correction, and a bust.
func TestAnyOrderOfATradeAndItsCorrectionsGivesTheSameCum(t *testing.T) {
	base := orders.Report{ID: "X", Instrument: acme, Side: market.Buy, Qty: 1000, Status: orders.StatusPartFilled, LastPx: 10}
	made := func(typ orders.ExecType, id, ref string, last market.Qty) orders.Report {
		r := base
		r.Type, r.ExecID, r.ExecRef, r.LastQty, r.Cum, r.Leaves = typ, id, ref, last, last, 1000-last
		return r
	}
	reports := []orders.Report{
		made(orders.ExecTrade, "A", "", 100), made(orders.ExecTrade, "B", "", 200),
		made(orders.ExecCorrect, "A1", "A", 150), made(orders.ExecCorrect, "A2", "A1", 120),
		made(orders.ExecBust, "B1", "B", 0), made(orders.ExecTrade, "C", "", 50),
	}
	count := 0
	permute(reports, 0, func(p []orders.Report) {
		count++
		m := orders.NewMachine(orders.Options{Account: account, SessionOpen: true})
		working(t, m, "X", 1000)
		for i := range p {
			m.Step(int64(i), p[i])
		}
		o, _ := m.Order(orders.Ref{ID: "X"})
		if o.Cum != 170 || m.Position(acme) != 170 {
			t.Fatalf("cum %d, position %d, want 170, after %v", o.Cum, m.Position(acme), order(p))
		}
	})
	if count != 720 {
		t.Fatalf("%d permutations, want 720", count)
	}
}

func order(p []orders.Report) (s []string) {
	for _, r := range p {
		s = append(s, r.ExecID)
	}
	return s
}

func permute(p []orders.Report, k int, f func([]orders.Report)) {
	if k == len(p) {
		f(p)
		return
	}
	for i := k; i < len(p); i++ {
		p[k], p[i] = p[i], p[k]
		permute(p, k+1, f)
		p[k], p[i] = p[i], p[k]
	}
}
