package iex_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"strings"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/iex"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/market"
)

func TestMain(m *testing.M) { os.Exit(recordings.Main(m)) }

func channel(t testing.TB, sink feeds.Sink) *feeds.Channel {
	t.Helper()
	cfg := feeds.Config{Venue: "IEX", Limits: feeds.DefaultLimits(), Sink: sink, Offline: true}
	c, err := feeds.NewChannel(cfg, iex.Transport{Protocol: iex.ProtocolDEEP}, iex.NewDeep())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRecordingAllocatesNothing(t *testing.T) {
	in := packets(t, "iex_deep10_20170425_part1.pcap.gz")
	var board feeds.Board
	c := channel(t, board.Page(&tally{}))
	shift := int64(0)
	span := int64(in[len(in)-1].Recv-in[0].Recv) + 60e9
	n := testing.AllocsPerRun(3, func() {
		for i := range in {
			c.Step(int64(in[i].Recv)+shift, in[i])
		}
		shift += span
		resend(in, span)
	})
	if n > 20 { // of 159,343 messages; the recording has ten resets and six symbols
		t.Errorf("allocations a round = %v, want next to none", n)
	}
}

// scribe is a Sink that digests every event; a hash takes everything.
type scribe struct{ sum hash.Hash }

func (s scribe) Quote(q feeds.Quote)       { _, _ = fmt.Fprintf(s.sum, "%+v", q) }
func (s scribe) Depth(d feeds.Depth)       { _, _ = fmt.Fprintf(s.sum, "%+v", d) }
func (s scribe) Trade(e feeds.Trade)       { _, _ = fmt.Fprintf(s.sum, "%+v", e) }
func (s scribe) State(c feeds.StateChange) { _, _ = fmt.Fprintf(s.sum, "%+v", c) }

func TestSameRecordingGivesTheSameEvents(t *testing.T) {
	in := packets(t, "iex_deep10_20170425_part1.pcap.gz")
	var sums [2]string
	for i := range sums {
		s := scribe{sha256.New()}
		c := channel(t, s)
		for _, p := range in {
			c.Step(int64(p.Recv), p)
		}
		sums[i] = hex.EncodeToString(s.sum.Sum(nil))
	}
	if sums[0] != sums[1] {
		t.Errorf("digests of all events: %s, then %s", sums[0], sums[1])
	}
}

func TestQuoteComesWhenTheEventIsComplete(t *testing.T) {
	sink := &tally{}
	c := channel(t, sink)
	send := func(first uint64, messages ...[]byte) {
		s := iextest.Segment{Session: 1, First: first, Sent: int64(first), Messages: messages}
		c.Step(int64(first), feeds.Input{Kind: feeds.Packet, Data: s.Bytes(), Recv: market.Timestamp(first)})
	}
	send(1, iextest.Level("ACME", market.Buy, 10_0000, 5, false))
	if sink.quotes != 0 || sink.depths != 1 {
		t.Errorf("within the event: %d quotes, %d depths, want 0 and 1", sink.quotes, sink.depths)
	}
	send(2, iextest.Level("ACME", market.Sell, 9_0000, 5, false), iextest.Level("ACME", market.Buy, 10_0000, 0, true))
	if sink.quotes != 1 || sink.depths != 3 {
		t.Errorf("after the event: %d quotes, %d depths, want 1 and 3", sink.quotes, sink.depths)
	}
	if n := c.Desk().Counts.Crossed; n != 0 {
		t.Errorf("crossed = %d, want 0: the event was not complete while it stood crossed", n)
	}
	seat := c.Desk().Seats()[0]
	if got := seat.Ladder().Level(market.Sell, 0); seat.Instrument() != market.MustListed("IEX", "ACME") || got.Price != 9*market.Price(market.Unit) || got.Qty != 5*market.Unit {
		t.Errorf("%s offers %v, want 5 at 9", seat.Instrument(), got)
	}
}

func TestNameThatIsNoneHasNoBook(t *testing.T) {
	c := channel(t, nil)
	s := iextest.Segment{Session: 1, First: 1, Messages: [][]byte{iextest.Level("", market.Buy, 1, 1, true), iextest.Level("A\x01B", market.Buy, 1, 1, true)}}
	c.Step(1, feeds.Input{Kind: feeds.Packet, Data: s.Bytes()})
	if d := c.Desk(); len(d.Seats()) != 0 || d.Counts.Refused != 2 || d.Counts.Messages != 2 {
		t.Errorf("%d seats, counts %+v, want none and 2 refused", len(d.Seats()), d.Counts)
	}
}

func FuzzTransport(f *testing.F) {
	f.Add(iextest.Segment{First: 1, Messages: [][]byte{iextest.Trade("A", 1, 1), {}}}.Bytes())
	f.Add(iextest.Segment{First: 1<<64 - 1, Messages: [][]byte{{'S'}}}.Bytes())
	f.Add([]byte(strings.Repeat("\x01", 40)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		tr := iex.Transport{Protocol: iex.ProtocolDEEP}
		var h feeds.Header
		if _, ok := tr.Parse(b, &h); !ok {
			return
		}
		if h.First == 0 || h.First+uint64(h.Count) < h.First {
			t.Fatalf("first sequence %d of %d is accepted", h.First, h.Count)
		}
		rest := h.Body
		for range h.Count {
			_, rest = tr.Next(rest)
		}
		if len(rest) != 0 {
			t.Fatalf("%d bytes are left of %q", len(rest), b)
		}
		c := channel(t, nil)
		c.Step(1, feeds.Input{Kind: feeds.Packet, Data: b})
		c.Step(2, feeds.Input{Kind: feeds.End})
	})
}
