package iex_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/iex"
	"github.com/failshut/failshut/internal/recordings"
)

// tally is a Sink that a benchmark cannot skip.
type tally struct{ quotes, depths, trades, states int }

func (s *tally) Quote(feeds.Quote)       { s.quotes++ }
func (s *tally) Depth(feeds.Depth)       { s.depths++ }
func (s *tally) Trade(feeds.Trade)       { s.trades++ }
func (s *tally) State(feeds.StateChange) { s.states++ }

// packets reads a whole recording into memory.
func packets(tb testing.TB, name string) []feeds.Input {
	tb.Helper()
	rec, err := capture.Open(tb.Context(), capture.Datagrams, []string{recordings.Open(tb, name)}, nil)
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

// BenchmarkDeep steps a channel through the DEEP recording: sequence, decode, books, board and sink. It reports
// messages a second; one op is one recording.
func BenchmarkDeep(b *testing.B) {
	in := packets(b, "iex_deep10_20170425_part1.pcap.gz")
	var board feeds.Board
	sink := &tally{}
	cfg := feeds.Config{Venue: "IEX", Limits: feeds.DefaultLimits(), Sink: board.Page(sink), Offline: true}
	c, err := feeds.NewChannel(cfg, iex.Transport{Protocol: iex.ProtocolDEEP}, iex.NewDeep())
	if err != nil {
		b.Fatal(err)
	}
	shift := int64(0) // of send times, so that each round is a reset and not a late copy
	span := int64(in[len(in)-1].Recv-in[0].Recv) + 60e9
	b.ReportAllocs()
	for b.Loop() {
		for i := range in {
			c.Step(int64(in[i].Recv)+shift, in[i])
		}
		shift += span
		b.StopTimer()
		resend(in, span)
		b.StartTimer()
	}
	b.ReportMetric(float64(c.Desk().Counts.Messages)/b.Elapsed().Seconds(), "msg/s")
	if n := c.Desk().Counts; n.Gaps+n.Duplicates+n.Malformed > 0 {
		b.Fatalf("counts = %+v, want no gaps, duplicates or malformed datagrams", n)
	}
}
