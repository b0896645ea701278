package binance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/binance"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/market"
)

var (
	seed  = flag.Uint64("seed", 1, "of the random tests")
	seeds = flag.Int("seeds", 200, "number of seeds of the fault tests")
)

func TestMain(m *testing.M) { os.Exit(recordings.Main(m)) }

func newFeed(t testing.TB, offline bool, sink feeds.Sink) *binance.Feed {
	t.Helper()
	f, err := binance.NewSpot(feeds.Config{Venue: "BINANCE", Limits: feeds.DefaultLimits(), Sink: sink, Offline: offline})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// mirror is a reader that keeps its own book from what it is told, as the contract of feeds.Depth says.
type mirror struct {
	whole feeds.State // of the channel
	state feeds.State // of the book
	bids  map[market.Price]market.Qty
	quote feeds.Quote
	t     testing.TB
}

func (m *mirror) Quote(q feeds.Quote) {
	if m.state != feeds.Live || m.whole != feeds.Live {
		m.t.Errorf("quote while %s", m.state)
	}
	m.quote = q
}

func (m *mirror) Depth(d feeds.Depth) {
	if m.state != feeds.Live || m.whole != feeds.Live {
		m.t.Errorf("depth while %s", m.state)
	}
	if d.Side != market.Buy {
		return
	}
	if d.Qty == 0 {
		delete(m.bids, d.Price)
	} else {
		m.bids[d.Price] = d.Qty
	}
}

func (m *mirror) Trade(feeds.Trade) {}

func (m *mirror) State(c feeds.StateChange) {
	if !c.Instrument.Valid() {
		m.whole = c.State
		return
	}
	m.state = c.State
	m.bids = map[market.Price]market.Qty{}
}

// TestFaultsNeverMakeALiveBookWrong loses, repeats and breaks frames of a random stream, and answers requests for
// snapshots, some late. Whenever the book is Live, book, mirror and the venue's own book at that id are equal.
func TestFaultsNeverMakeALiveBookWrong(t *testing.T) {
	for n := range *seeds {
		faulty(t, *seed+uint64(n))
		if t.Failed() {
			t.Fatalf("seed %d", *seed+uint64(n))
		}
	}
}

func faulty(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 3))
	m := &mirror{t: t}
	limits := feeds.DefaultLimits()
	if seed%2 == 0 {
		limits.Recoveries = 1000 // so that faults find a book that is not shut
	}
	f, err := binance.NewSpot(feeds.Config{Venue: "BINANCE", Limits: limits, Sink: m})
	if err != nil {
		t.Fatal(err)
	}
	venue := map[uint64]map[int]int{} // id → the venue's bids as of it
	book := map[int]int{}
	id, lag, wanted, rounds := uint64(100), uint64(0), false, 0
	var frame []byte
	for now := int64(1e9); now < 720e9; now += 1e9 {
		first := id + 1
		id += uint64(1 + random.IntN(3))
		price, size := 1+random.IntN(20), random.IntN(3)
		if book[price] = size; size == 0 {
			delete(book, price)
		}
		venue[id] = maps.Clone(book)
		old := frame
		frame = fmt.Appendf(nil, `{"stream":"a@depth","data":{"e":"depthUpdate","E":1,"s":"A","U":%d,"u":%d,"b":[["%d","%d"]],"a":[]}}`, first, id, price, size)
		calm := now > 300e9
		what := random.IntN(30)
		if calm {
			what = 29
		}
		var out []feeds.Output
		step := func(in feeds.Input) { out = append(out, slices.Clone(f.Step(now, in))...) }
		switch what {
		case 0: // lost
		case 1:
			step(feeds.Input{Kind: feeds.Packet, Data: frame})
			if old != nil {
				step(feeds.Input{Kind: feeds.Packet, Data: old}) // a second copy
			}
		case 2:
			step(feeds.Input{Kind: feeds.Packet, Data: frame[:len(frame)/2]})
		case 3:
			step(feeds.Input{Kind: feeds.LineDown})
			step(feeds.Input{Kind: feeds.LineUp})
		default:
			step(feeds.Input{Kind: feeds.Packet, Data: frame})
		}
		for _, o := range out {
			wanted = wanted || o.Kind == feeds.NeedSnapshot
		}
		if rounds++; wanted && random.IntN(3) == 0 {
			lag = min(uint64(random.IntN(4)), uint64(rounds-1))
			wanted = false
			at := id
			for ; lag > 0 && venue[at-1] != nil; lag-- {
				at--
			}
			for _, o := range f.Step(now, feeds.Input{Kind: feeds.Body, Symbol: "A", Data: body(venue[at], at)}) {
				wanted = wanted || o.Kind == feeds.NeedSnapshot
			}
		}
		check(t, f, m, venue)
	}
	if by, _ := f.Desk().States(); by[feeds.Live] != 1 {
		t.Errorf("states after the calm = %v, want live: %+v", by, f.Desk().Counts)
	}
}

func TestBoardShowsABookFromItsLinkOn(t *testing.T) {
	var b feeds.Board
	f := newFeed(t, false, b.Page(nil))
	i := market.MustListed("BINANCE", "A")
	depth := func(id uint64) []byte {
		return fmt.Appendf(nil, `{"stream":"a@depth","data":{"e":"depthUpdate","E":1,"s":"A","U":%d,"u":%d,"b":[["5","1"]],"a":[["6","1"]]}}`, id, id)
	}
	state := func() feeds.State { q, _ := b.Read(i); return q.State }
	f.Step(1, feeds.Input{Kind: feeds.Packet, Data: depth(4)})
	f.Step(2, feeds.Input{Kind: feeds.Body, Symbol: "A", Data: body(map[int]int{5: 1}, 4)})
	if got := state(); got == feeds.Live {
		t.Errorf("state before the link = %s, want none that is readable", got)
	}
	f.Step(3, feeds.Input{Kind: feeds.Packet, Data: depth(5)})
	if q, ok := b.Read(i); !ok || q.Tradable() != nil || q.Seq != 5 || q.Mono != 3 {
		t.Errorf("quote after the link = %+v, want a tradable one as of id 5", q)
	}
	f.Step(4, feeds.Input{Kind: feeds.Packet, Data: depth(6)})
	if q, _ := b.Read(i); q.Mono != 4 {
		t.Errorf("proven at %d by an event that changes nothing, want 4", q.Mono)
	}
	f.Step(4, feeds.Input{Kind: feeds.LineDown})
	if got := state(); got != feeds.Down {
		t.Errorf("state without a line = %s, want down", got)
	}
	f.Step(5, feeds.Input{Kind: feeds.LineUp})
	if got := state(); got != feeds.Syncing {
		t.Errorf("state with a line again = %s, want syncing", got)
	}
}

func TestABookThatBreaksAgainAndAgainIsShutAndTriedLater(t *testing.T) {
	f := newFeed(t, false, nil)
	now, id := int64(1e9), uint64(1)
	depth := func() {
		f.Step(now, feeds.Input{Kind: feeds.Packet, Data: fmt.Appendf(nil, `{"stream":"a@depth","data":{"e":"depthUpdate","E":1,"s":"A","U":%d,"u":%d,"b":[],"a":[]}}`, id, id)})
	}
	round := func() feeds.State { // a hole, then a snapshot and the event that links to it
		now += 1e9
		id += 2
		depth()
		f.Step(now, feeds.Input{Kind: feeds.Body, Symbol: "A", Data: body(nil, id)})
		id++
		depth()
		return f.Desk().Seats()[0].Own()
	}
	for n := range 5 {
		if got := round(); got != feeds.Live {
			t.Fatalf("state after %d recoveries = %s, want live", n, got)
		}
	}
	if got := round(); got != feeds.Quarantined {
		t.Fatalf("state after five recoveries = %s, want quarantined", got)
	}
	if got, want := f.Deadline(), now+int64(feeds.DefaultLimits().Retry); got != want {
		t.Errorf("deadline = %d, want %d", got, want)
	}
	now = f.Deadline()
	f.Step(now, feeds.Input{Kind: feeds.Tick})
	if got := round(); got != feeds.Live || f.Deadline() != 0 {
		t.Errorf("state after the retry = %s with deadline %d, want live and none", got, f.Deadline())
	}
}

func body(bids map[int]int, id uint64) []byte {
	b := fmt.Appendf(nil, `{"lastUpdateId":%d,"bids":[`, id)
	sep := ""
	for p := 20; p > 0; p-- {
		if q := bids[p]; q > 0 {
			b = fmt.Appendf(b, `%s["%d","%d"]`, sep, p, q)
			sep = ","
		}
	}
	return append(b, `],"asks":[]}`...)
}

func check(t *testing.T, f *binance.Feed, m *mirror, venue map[uint64]map[int]int) {
	t.Helper()
	seats := f.Desk().Seats()
	if len(seats) == 0 || seats[0].Own() != feeds.Live {
		return
	}
	id := f.Desk().Pos().Seq
	want := venue[id]
	l := seats[0].Ladder()
	if l.Len(market.Buy) != len(want) || len(m.bids) != len(want) {
		t.Fatalf("live at %d with %d bids, mirror %d, venue %d", id, l.Len(market.Buy), len(m.bids), len(want))
	}
	for i := range l.Len(market.Buy) {
		v := l.Level(market.Buy, i)
		if q := market.Qty(want[int(v.Price/1e9)]) * market.Unit; q != v.Qty || m.bids[v.Price] != v.Qty {
			t.Fatalf("live at %d: %v, mirror %v, venue %v", id, v, m.bids[v.Price], q)
		}
	}
	if l.Len(market.Buy) > 0 && m.quote.Bid != l.Level(market.Buy, 0) {
		t.Fatalf("live at %d: quote %v, book %v", id, m.quote.Bid, l.Level(market.Buy, 0))
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte(`{"stream":"a@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"A","U":1,"u":2,"b":[["1","2"]],"a":[["3.5","0.000000001"]]}}`))
	f.Add([]byte(`{"lastUpdateId":18446744073709551615,"bids":[],"asks":[]}`))
	f.Add([]byte(`{"u":18446744073709551616,"s":"A","b":"1","B":"1","a":"1","A":"1"}`))
	f.Add([]byte(`{"stream":"!miniTicker@arr","data":[1,[2,{"a":-0.5e+3}],"\u00e9\n",true,false,null]}`))
	f.Add([]byte(`{"stream":"","data":{}}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"result":null,"id":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newFeed(t, true, nil)
		d.Step(1, feeds.Input{Kind: feeds.Packet, Data: b})
		c := d.Desk().Counts
		if !json.Valid(b) && c.Malformed != 1 {
			t.Fatalf("%q is no JSON and is taken: %+v", b, c)
		}
		if c.Malformed+c.Messages+c.Control != 1 {
			t.Fatalf("%q: counted %+v, want once", b, c)
		}
		for _, kind := range []feeds.InputKind{feeds.Body, feeds.Packet, feeds.LineDown, feeds.LineUp, feeds.Packet, feeds.End} {
			d.Step(2, feeds.Input{Kind: kind, Data: b, Symbol: "A"})
		}
	})
}

// frames reads the lines of a recording into memory.
func frames(tb testing.TB, name string) []feeds.Input {
	tb.Helper()
	rec, err := capture.Open(tb.Context(), capture.Lines, []string{recordings.Open(tb, name)}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = rec.Close() })
	var out []feeds.Input
	for {
		p, err := rec.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			tb.Fatal(err)
		}
		p.Data = bytes.Clone(p.Data)
		out = append(out, p.Input)
	}
}

const eth = "binance_spot_ethusdt_20240808.gz"

// linked returns a feed that has taken the first n frames, and the rest.
func linked(tb testing.TB, n int) (*binance.Feed, []feeds.Input) {
	in := frames(tb, eth)
	f := newFeed(tb, true, nil)
	for _, p := range in[:n] {
		f.Step(int64(p.Recv), p)
	}
	return f, in[n:]
}

func TestLiveBookAllocatesNothing(t *testing.T) {
	f, rest := linked(t, 20_000) // by then its slices have grown
	n := testing.AllocsPerRun(1000, func() {
		for range 10 {
			f.Step(int64(rest[0].Recv), rest[0])
			rest = rest[1:]
		}
	})
	if n > 0.1 { // a side of the book may still grow
		t.Errorf("allocations of ten frames = %v, want 0", n)
	}
	if c := f.Desk().Counts; c.Gaps+c.Malformed+c.Duplicates > 0 || c.OracleOK == 0 {
		t.Errorf("counts = %+v, want a live book", c)
	}
}

// BenchmarkSpot takes the frames of a recording, of every kind, from the link on.
func BenchmarkSpot(b *testing.B) { bench(b, func(feeds.Input) bool { return true }) }

// BenchmarkSpotDepth takes the depth frames alone.
func BenchmarkSpotDepth(b *testing.B) {
	bench(b, func(p feeds.Input) bool { return bytes.Contains(p.Data[:40], []byte("@depth")) })
}

func bench(b *testing.B, wanted func(feeds.Input) bool) {
	f, rest := linked(b, 10)
	rest = slices.DeleteFunc(rest, func(p feeds.Input) bool { return !wanted(p) })
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(rest) {
			b.StopTimer()
			f, _ = linked(b, 10)
			i = 0
			b.StartTimer()
		}
		f.Step(int64(rest[i].Recv), rest[i])
		i++
	}
	if c := f.Desk().Counts; c.Gaps+c.Malformed > 0 {
		b.Fatalf("counts = %+v, want a live book", c)
	}
}
