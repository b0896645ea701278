package feeds_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/iex"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/market"
)

// diary is a Sink that writes down what it is told, and checks that nothing but a Live book is ever shown.
type diary struct {
	t      *testing.T
	state  feeds.State
	lines  []string
	quotes int
}

func (d *diary) Quote(q feeds.Quote) {
	d.quotes++
	if q.State != feeds.Live || d.state != feeds.Live {
		d.t.Errorf("quote %+v while the channel is %s", q, d.state)
	}
	d.lines = append(d.lines, fmt.Sprintf("quote %s %s@%s", q.Instrument.Symbol(), q.Bid.Qty, q.Bid.Price))
}

func (d *diary) Depth(e feeds.Depth) {
	if e.State != feeds.Live || d.state != feeds.Live {
		d.t.Errorf("depth %+v while the channel is %s", e, d.state)
	}
}

func (d *diary) Trade(e feeds.Trade) {
	d.lines = append(d.lines, fmt.Sprintf("trade %s %s %d", e.Instrument.Symbol(), e.State, e.Seq))
}

func (d *diary) State(c feeds.StateChange) {
	if !c.Instrument.Valid() {
		d.state = c.State
	}
	reset := ""
	if c.Reset {
		reset = " reset"
	}
	d.lines = append(d.lines, c.State.String()+reset)
}

// log returns what was written since the last call, in one line.
func (d *diary) log() string {
	s := strings.Join(d.lines, ", ")
	d.lines = nil
	return s
}

// rig is a channel of DEEP segments under test.
type rig struct {
	*feeds.Channel
	diary *diary
	now   time.Duration
	out   []feeds.Output
}

func newRig(t *testing.T, change func(*feeds.Config)) *rig {
	t.Helper()
	d := &diary{t: t}
	cfg := feeds.Config{Venue: "IEX", Limits: feeds.DefaultLimits(), Sink: d, Offline: true}
	if change != nil {
		change(&cfg)
	}
	c, err := feeds.NewChannel(cfg, iex.Transport{Protocol: iex.ProtocolDEEP}, iex.NewDeep())
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Channel: c, diary: d}
}

// send steps the channel by segments, a millisecond apart, send times likewise.
func (r *rig) send(line int, segments ...iextest.Segment) {
	for _, s := range segments {
		r.now += time.Millisecond
		if s.Sent == 0 {
			s.Sent = int64(r.now)
		}
		if s.Session == 0 {
			s.Session = 7
		}
		r.step(feeds.Input{Kind: feeds.Packet, Line: line, Data: s.Bytes(), Recv: market.Timestamp(iextest.Start + int64(r.now))})
	}
}

func (r *rig) step(in feeds.Input) {
	r.out = append(r.out, slices.Clone(r.Step(iextest.Start+int64(r.now), in))...)
}

func (r *rig) counts() feeds.Counts { return r.Desk().Counts }

// bid is one message: size at 100 on the bid of ACME.
func bid(size uint32) []byte { return iextest.Level("ACME", market.Buy, 100_0000, size, true) }

// data is a segment of one bid per sequence from first on, with the sequence as its size.
func data(first uint64, count int) iextest.Segment {
	s := iextest.Segment{First: first}
	for i := range count {
		s.Messages = append(s.Messages, bid(uint32(first)+uint32(i)))
	}
	return s
}

// late is s as it was sent, n milliseconds after the start.
func late(s iextest.Segment, n int) iextest.Segment {
	s.Sent = int64(n) * int64(time.Millisecond)
	return s
}

func beat(next uint64) iextest.Segment { return iextest.Segment{First: next} }

// proofs is a diary that keeps when books were last proven.
type proofs struct {
	*diary
	at int64
}

func (p *proofs) Proven(mono int64) { p.at = mono }
func (p *proofs) ProvenBook(i market.Instrument, mono int64) {
	p.t.Errorf("%s is proven by itself at %d", i, mono)
}

func TestOnlyWhatIsInSequenceProvesPrices(t *testing.T) {
	p := &proofs{}
	r := newUntimed(t, func(c *feeds.Config) { p.diary = &diary{t: t}; c.Sink = p })
	r.send(0, data(1, 5))
	since := func() time.Duration { return r.now - time.Duration(p.at-iextest.Start) }
	shown := func() time.Duration {
		var q quoted
		r.Desk().Show(&q)
		return r.now - time.Duration(q.mono-iextest.Start)
	}
	for _, tt := range []struct {
		name   string
		s      iextest.Segment
		kind   feeds.InputKind
		proves bool
	}{
		{"a duplicate", data(5, 1), feeds.Packet, false},
		{"a duplicate of old", data(1, 2), feeds.Packet, false},
		{"an old heartbeat", beat(5), feeds.Packet, false},
		{"the heartbeat that is expected", beat(6), feeds.Packet, true},
		{"an empty answer of a server", beat(6), feeds.Resent, false},
		{"a duplicate with something new", data(5, 2), feeds.Packet, true},
		{"something new", data(7, 1), feeds.Packet, true},
		{"a duplicate after all", data(7, 1), feeds.Packet, false},
	} {
		r.now += time.Second
		tt.s.Session = 7
		r.step(feeds.Input{Kind: tt.kind, Data: tt.s.Bytes()})
		if got := since() == 0; got != tt.proves {
			t.Errorf("%s: proven = %v, want %v", tt.name, got, tt.proves)
		}
		if got := shown() == 0; got != tt.proves {
			t.Errorf("%s: shown as proven now = %v, want %v", tt.name, got, tt.proves)
		}
	}
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state = %s, want live", got)
	}
}

// quoted keeps as of when a quote was proven.
type quoted struct {
	feeds.Discard
	mono int64
}

func (q *quoted) Quote(of feeds.Quote) { q.mono = of.Mono }

func TestFirstPacketOfSequenceOneIsLive(t *testing.T) {
	r := newRig(t, nil)
	if got := r.Desk().State(); got != feeds.Down {
		t.Errorf("state before the first packet = %s, want down", got)
	}
	r.send(0, data(1, 2))
	if got, want := r.diary.log(), "live reset, quote ACME 1@100, quote ACME 2@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
}

func TestLateJoinIsSyncingAndAppliesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(5, 3))
	if got, want := r.diary.log(), "syncing reset"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	if c := r.counts(); !c.LateJoin || c.Unapplied != 3 || c.Messages != 3 {
		t.Errorf("counts = %+v, want a late join with 3 messages, none applied", c)
	}
}

func TestHoleThatClosesIsNoGap(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 1), late(data(3, 1), 3))
	if got, want := r.diary.log(), "live reset, quote ACME 1@100, suspect"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	r.send(0, late(data(2, 1), 2))
	if got, want := r.diary.log(), "live, quote ACME 3@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	c := r.counts()
	if c.Gaps != 0 || c.Messages != 3 || c.Reordered != 1 || c.Unapplied != 0 {
		t.Errorf("counts = %+v, want 3 messages, one datagram reordered, no gap", c)
	}
}

func TestHoleIsLostWhenOneDatagramTooManyWouldBeHeld(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 1))
	for i := range uint64(64) {
		r.send(0, data(4+i, 1))
	}
	if c := r.counts(); c.Gaps != 0 {
		t.Fatalf("gaps with 64 datagrams held = %d, want 0", c.Gaps)
	}
	r.send(0, data(68, 1))
	c := r.counts()
	if c.Gaps != 1 || c.GapMessages != 2 || c.Messages != 66 || c.Unapplied != 65 {
		t.Errorf("counts = %+v, want 1 gap of 2, 66 messages, 65 of them unapplied", c)
	}
	if got := r.Desk().State(); got != feeds.Suspect {
		t.Errorf("state = %s, want suspect", got)
	}
}

func TestHoleInSilenceIsShownByTheHeartbeat(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 1), beat(3))
	if got, want := r.diary.log(), "live reset, quote ACME 1@100, suspect"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	r.step(feeds.Input{Kind: feeds.End})
	if c := r.counts(); c.Gaps != 1 || c.GapMessages != 1 {
		t.Errorf("counts = %+v, want 1 gap of 1", c)
	}
}

func TestDuplicateIsDroppedAndAContradictionQuarantines(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 3))
	r.send(0, late(data(2, 2), 1))
	if c := r.counts(); c.Duplicates != 2 || c.Conflicts != 0 || c.Resets != 0 || c.Messages != 3 {
		t.Errorf("counts = %+v, want 2 duplicates and nothing else", c)
	}
	other := iextest.Segment{First: 2, Sent: 1, Messages: [][]byte{bid(99)}}
	r.send(0, other)
	if c := r.counts(); c.Conflicts != 1 {
		t.Errorf("conflicts = %d, want 1", c.Conflicts)
	}
	r.send(0, data(4, 1))
	if got := r.Desk().State(); got != feeds.Quarantined {
		t.Errorf("state after a conflict = %s, want quarantined", got)
	}
}

func TestLowerSequenceWithNewerSendTimeIsAReset(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 4), beat(1), data(1, 1))
	if c := r.counts(); c.Resets != 1 || c.Gaps != 0 || c.Duplicates != 0 || c.Messages != 5 {
		t.Errorf("counts = %+v, want 1 reset, 5 messages", c)
	}
	if got, want := r.diary.log(), "live reset, quote ACME 1@100, quote ACME 2@100, quote ACME 3@100, quote ACME 4@100, live reset, quote ACME 1@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
}

func TestDelayedHeartbeatIsNoReset(t *testing.T) {
	r := newRig(t, nil)
	old := beat(1)
	old.Sent = 1
	r.send(0, data(1, 4), old, data(5, 1))
	if c := r.counts(); c.Resets != 0 || c.Messages != 5 {
		t.Errorf("counts = %+v, want no reset", c)
	}
}

func TestALineBehindAnotherIsNoReset(t *testing.T) {
	r := newRig(t, nil)
	for i := range uint64(200) { // line 1 sends other cuts of the same, 50 segments behind
		r.send(0, data(1+2*i, 2))
		if i >= 50 {
			from := 1 + 2*(i-50)
			if from == 1 {
				r.send(1, data(1, 1))
			} else {
				r.send(1, data(from-1, 2))
			}
		}
	}
	if c := r.counts(); c.Resets != 0 || c.Gaps != 0 || c.Messages != 400 || c.Reordered != 0 {
		t.Errorf("counts = %+v, want 400 messages, no reset, no gap, nothing reordered", c)
	}
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state = %s, want live", got)
	}
}

func TestOneFlippedSessionIsAStrayAndAGap(t *testing.T) {
	r := newRig(t, nil)
	flipped := data(2, 1)
	flipped.Session = 8
	r.send(0, data(1, 1), flipped, data(3, 1))
	r.step(feeds.Input{Kind: feeds.End})
	if c := r.counts(); c.Strays != 1 || c.Gaps != 1 || c.Resets != 0 {
		t.Errorf("counts = %+v, want 1 stray, 1 gap, no reset", c)
	}
}

func TestThreePacketsOfANewSessionAreAReset(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 1))
	for i := range uint64(3) {
		s := data(1+i, 1)
		s.Session = 8
		r.send(0, s)
	}
	r.send(0, data(2, 1))
	if c := r.counts(); c.Resets != 1 || c.Strays != 0 || c.Messages != 4 || c.StaleDropped != 1 || c.Gaps != 0 {
		t.Errorf("counts = %+v, want 1 reset, 4 messages, 1 stale message of the session left", c)
	}
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state = %s, want live", got)
	}
}

func TestMalformedDatagramIsNeverReceived(t *testing.T) {
	r := newRig(t, nil)
	short := data(2, 2).Bytes()
	r.send(0, data(1, 1))
	for name, d := range map[string][]byte{
		"cut":          short[:len(short)-1],
		"empty":        nil,
		"padded":       append(slices.Clone(short), 0),
		"sequence 0":   iextest.Segment{Session: 7, Messages: [][]byte{bid(1)}}.Bytes(),
		"wraps":        iextest.Segment{Session: 7, First: 1<<64 - 1, Messages: [][]byte{bid(1)}}.Bytes(),
		"short level":  iextest.Segment{Session: 7, First: 2, Messages: [][]byte{bid(1)[:29]}}.Bytes(),
		"good and bad": iextest.Segment{Session: 7, First: 2, Messages: [][]byte{bid(1), bid(1)[:29]}}.Bytes(),
	} {
		before := r.counts()
		r.step(feeds.Input{Kind: feeds.Packet, Data: d})
		if c := r.counts(); c.Malformed != before.Malformed+1 || c.Messages != before.Messages {
			t.Errorf("%s: counts = %+v, want one malformed more and no message", name, c)
		}
	}
	r.send(0, beat(2))
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state = %s, want live: nothing is missing", got)
	}
}

func TestUnknownTypeIsSkippedAndCounted(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, iextest.Segment{First: 1, Messages: [][]byte{{'z', 1, 2}, {}, bid(3)}})
	if c := r.counts(); c.UnknownTypes != 2 || c.Messages != 3 {
		t.Errorf("counts = %+v, want 3 messages, 2 of unknown type", c)
	}
	if by := r.ByType(); len(by) != 1 || by["8"] != 1 {
		t.Errorf("by type = %v, want one of type 8", by)
	}
}

func TestSilenceIsStaleUntilThePacketThatFollows(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 1))
	r.now += 3 * time.Second
	r.step(feeds.Input{Kind: feeds.Tick})
	if got := r.Desk().State(); got != feeds.Live {
		t.Fatalf("state after exactly three heartbeats = %s, want live", got)
	}
	if at := r.Deadline(); at != iextest.Start+int64(r.now)+1 {
		t.Fatalf("deadline = %d, want %d", at, iextest.Start+int64(r.now)+1)
	}
	r.now++
	r.step(feeds.Input{Kind: feeds.Tick})
	r.diary.log()
	dup := data(1, 1)
	dup.Sent = 1
	r.send(0, dup)
	if got := r.Desk().State(); got != feeds.Stale {
		t.Fatalf("state after a duplicate = %s, want stale", got)
	}
	r.send(0, beat(2))
	if got, want := r.diary.log(), "live, quote ACME 1@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
}

func TestSilenceThenAHoleIsNeverLiveBetween(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 1))
	r.now += 4 * time.Second
	r.step(feeds.Input{Kind: feeds.Tick})
	r.diary.log()
	r.send(0, data(3, 1))
	if got, want := r.diary.log(), "syncing"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	r.send(0, late(data(2, 1), 2))
	if got, want := r.diary.log(), "live, quote ACME 3@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
}

func TestTradesAreDeliveredInEveryStateOnce(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, iextest.Segment{First: 3, Messages: [][]byte{iextest.Trade("ACME", 1, 1)}})
	if got, want := r.diary.log(), "syncing reset, trade ACME syncing 3"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
}

func TestPriceBeyondRangeShutsItsSymbolAlone(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, iextest.Segment{First: 1, Messages: [][]byte{
		bid(1), iextest.Level("HUGE", market.Buy, 1<<62, 1, true), bid(3), iextest.Level("HUGE", market.Buy, 1, 1, true),
	}})
	by, worst := r.Desk().States()
	if by[feeds.Live] != 1 || by[feeds.Quarantined] != 1 || worst != feeds.Quarantined {
		t.Errorf("states = %v, want one live and one quarantined", by)
	}
	if c := r.counts(); c.Unapplied != 1 || c.Refused != 1 {
		t.Errorf("counts = %+v, want 1 refused, 1 unapplied", c)
	}
}
