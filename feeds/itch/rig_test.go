package itch_test

import (
	"flag"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/market"
)

var (
	seed   = flag.Uint64("seed", 1, "of random tests")
	events = flag.Int("events", 100_000, "of TestBookEqualsTheModel")
)

// start is half past nine UTC of some day.
var start = market.StampOf(time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC))

// reader is a Sink that keeps the books which Depth makes of nothing else, and the last of everything.
type reader struct {
	t      testing.TB
	books  map[market.Instrument]*feeds.Book
	quotes map[market.Instrument]feeds.Quote
	trades []feeds.Trade
	states []feeds.StateChange
}

func newReader(t testing.TB) *reader {
	return &reader{t: t, books: map[market.Instrument]*feeds.Book{}, quotes: map[market.Instrument]feeds.Quote{}}
}

func (r *reader) Quote(q feeds.Quote) { r.quotes[q.Instrument] = q }

func (r *reader) Depth(d feeds.Depth) {
	b := r.books[d.Instrument]
	if b == nil {
		b = feeds.NewBook(1 << 16)
		r.books[d.Instrument] = b
	}
	b.Set(d.Side, d.Price, d.Qty)
}

func (r *reader) Trade(t feeds.Trade) { r.trades = append(r.trades, t) }

func (r *reader) State(c feeds.StateChange) {
	r.states = append(r.states, c)
	for i, b := range r.books {
		if !c.Instrument.Valid() || c.Instrument == i {
			b.Clear()
			delete(r.quotes, i)
		}
	}
}

// rig is a channel of MoldUDP64 packets with ITCH messages.
type rig struct {
	*feeds.Channel
	t       testing.TB
	codec   *itch.Codec
	reader  *reader
	packer  *mold.Packer
	applied int
	now     int64
}

func newRig(t testing.TB, change func(*feeds.Config)) *rig {
	return newRigOf(t, itch.NewCodec(0), change)
}

func newRigOf(t testing.TB, codec *itch.Codec, change func(*feeds.Config)) *rig {
	t.Helper()
	session, err := mold.NameSession("TEST")
	if err != nil {
		t.Fatal(err)
	}
	packer, err := mold.NewPacker(session, 1400, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, codec: codec, reader: newReader(t), packer: packer}
	cfg := feeds.Config{Venue: "SIM", Limits: feeds.DefaultLimits(), Sink: r.reader, Offline: true}
	cfg.Applied = func(feeds.Applied) { r.applied++ }
	if change != nil {
		change(&cfg)
	}
	if r.Channel, err = feeds.NewChannel(cfg, mold.Transport{}, codec); err != nil {
		t.Fatal(err)
	}
	return r
}

// send gives messages to the channel, one a packet.
func (r *rig) send(msgs ...[]byte) {
	r.t.Helper()
	for _, m := range msgs {
		if _, err := r.packer.Add(m); err != nil {
			r.t.Fatal(err)
		}
		r.flush()
	}
}

// flush gives what was packed to the channel.
func (r *rig) flush() {
	r.now++
	r.Step(r.now, feeds.Input{Kind: feeds.Packet, Data: r.packer.Flush(), Recv: start + market.Timestamp(r.now)})
}

// open lists ACME under 1 and BOLT under 2.
func (r *rig) open() {
	r.send(itch.AppendSystem(nil, at(0), itch.StartOfMessages), list(r.t, 1, "ACME"), list(r.t, 2, "BOLT"))
}

func (r *rig) own(symbol market.Symbol) feeds.State {
	r.t.Helper()
	for _, s := range r.Desk().Seats() {
		if s.Instrument().Symbol() == symbol {
			return r.Desk().StateOf(s)
		}
	}
	r.t.Fatalf("no seat of %s", symbol)
	return 0
}

func at(locate uint16) itch.Head { return itch.Head{Locate: locate, Time: start} }

func must(t testing.TB) func(b []byte, err error) []byte {
	t.Helper()
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func list(t testing.TB, locate uint16, symbol market.Symbol) []byte {
	t.Helper()
	return must(t)(itch.AppendDirectory(nil, at(locate), symbol, 100))
}

const cent = market.Price(10_000_000)

// order is shares at cents.
func order(ref uint64, side market.Side, shares, cents int64, symbol market.Symbol) itch.Order {
	return itch.Order{Ref: ref, Side: side, Qty: market.Qty(shares) * market.Unit, Price: market.Price(cents) * cent, Symbol: symbol}
}

func add(t testing.TB, locate uint16, o itch.Order) []byte {
	t.Helper()
	return must(t)(itch.AppendAdd(nil, at(locate), o))
}

func exec(t testing.TB, locate uint16, ref uint64, shares int64) []byte {
	t.Helper()
	return must(t)(itch.AppendExecuted(nil, at(locate), ref, market.Qty(shares)*market.Unit, 1))
}
