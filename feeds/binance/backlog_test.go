package binance_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/binance"
	"github.com/failshut/failshut/market"
)

// wide is a depth event of one id with n levels.
func wide(symbol string, id, n int) []byte {
	b := fmt.Appendf(nil, `{"stream":"x@depth","data":{"e":"depthUpdate","E":1,"s":"%s","U":%d,"u":%d,"b":[`, symbol, id, id)
	b = append(b, bytes.Repeat([]byte(`["1","1"],`), n-1)...)
	return append(b, `["2","2"]],"a":[]}}`...)
}

// said is a Sink that keeps what is said of books.
type said struct {
	feeds.Discard
	why []string
}

func (s *said) State(c feeds.StateChange) {
	if c.Instrument.Valid() {
		s.why = append(s.why, fmt.Sprintf("%s %s: %s", c.Instrument.Symbol(), c.State, c.Why))
	}
}

func TestWhatWaitsForSnapshotsIsBoundedInBytes(t *testing.T) {
	limits := feeds.DefaultLimits()
	limits.RingBytes = 64 << 10
	var told said
	var dropped []int
	f, err := binance.NewSpot(feeds.Config{
		Venue: "BINANCE", Limits: limits, Sink: &told, Events: feeds.Events{RingDropped: func(n int) { dropped = append(dropped, n) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	step := func(kind feeds.InputKind, symbol string, data []byte) {
		f.Step(1, feeds.Input{Kind: kind, Data: data, Symbol: symbol})
	}
	for id := 1; id <= 8; id++ { // each of 16 KiB
		step(feeds.Packet, "", wide("A", id, 1000))
	}
	if want := []int{3, 3}; !slices.Equal(dropped, want) || f.Desk().Counts.Unapplied != 6 {
		t.Errorf("let go of %v events, %d unapplied, want %v and 6", dropped, f.Desk().Counts.Unapplied, want)
	}
	if want := []string{"A suspect: what waits for snapshots is more than 65536 bytes"}; !slices.Equal(told.why, want) {
		t.Errorf("told %q, want %q", told.why, want)
	}
	step(feeds.Packet, "", wide("B", 1, 3000))
	if want := "B suspect: what waits for snapshots is more than 65536 bytes"; told.why[len(told.why)-1] != want {
		t.Errorf("told %q last, want %q: there is one bound for all", told.why[len(told.why)-1], want)
	}
	step(feeds.Body, "A", body(map[int]int{1: 1}, 5))
	if c := f.Desk().Counts; c.SnapshotsRejected != 1 {
		t.Errorf("counts = %+v, want the snapshot refused: events after it are gone", c)
	}
	step(feeds.Body, "A", body(map[int]int{1: 1}, 6))
	if got := f.Desk().Seats()[0].Own(); got != feeds.Live {
		t.Errorf("A is %s after a snapshot that links, want live", got)
	}
	step(feeds.Packet, "", wide("B", 2, 3000))
	step(feeds.Body, "B", body(map[int]int{1: 1}, 1))
	if got := f.Desk().Seats()[1].Own(); got != feeds.Live {
		t.Errorf("B is %s, want live: what A kept is free again", got)
	}
}

// TestHugeSnapshotsThatLinkToNothingAreBounded has a snapshot come for each of many books that say nothing.
func TestHugeSnapshotsThatLinkToNothingAreBounded(t *testing.T) {
	limits := feeds.DefaultLimits()
	limits.RingBytes = 64 << 10
	var why []string
	f, err := binance.NewSpot(feeds.Config{Venue: "BINANCE", Limits: limits, Events: feeds.Events{Snapshot: func(_ market.Instrument, _ bool, w string) {
		why = append(why, w)
	}}})
	if err != nil {
		t.Fatal(err)
	}
	huge := []byte(`{"lastUpdateId":7,"bids":[` + strings.Repeat(`["1","1"],`, 2000) + `["1","1"]],"asks":[]}`)
	for n := range 4 {
		f.Step(1, feeds.Input{Kind: feeds.Body, Data: huge, Symbol: fmt.Sprint("S", n)})
	}
	if want := []string{"no room to keep it", "no room to keep it"}; !slices.Equal(why, want) {
		t.Errorf("refused %q, want %q", why, want)
	}
}
