package itch_test

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/market"
)

var seeds = flag.Int("seeds", 200, "number of seeds of TestFaultsNeverMakeALiveBookWrong")

// faultyNet is an exchange, two lines that lose, repeat, delay, cut and mislabel packets, a re-request server that is lost on the
// way there and back, and a channel. Time is a number.
type faultyNet struct {
	t       *testing.T
	rnd     *rand.Rand
	flow    *flow
	packer  *mold.Packer
	server  *mold.Server
	channel *feeds.Channel
	reader  *reader
	codec   *itch.Codec
	calm    bool
	dark    int64 // no line says anything until then
	now     int64
	wire    []delivery      // what is under way
	truth   [][]feeds.Level // by symbol and side, after each sequence: see at
	states  map[feeds.State]int
	answers int
}

// delivery is a packet that arrives, or a request that does.
type delivery struct {
	at   int64
	in   feeds.Input
	asks []byte // a request, if it is one
}

const (
	faultySymbols = 2
	beatEvery     = 50 * time.Millisecond
)

var asker = netip.MustParseAddrPort("127.0.0.1:5000")

func newFaultyNet(t *testing.T, seed uint64) *faultyNet {
	t.Helper()
	n := &faultyNet{t: t, rnd: rand.New(rand.NewPCG(seed, 9)), flow: newFlow(seed, faultySymbols, 40), states: map[feeds.State]int{}, now: 1}
	n.flow.keep = true
	session, _ := mold.NameSession("TEST")
	l := mold.DefaultLimits()
	l.Packet = 300
	var err error
	if n.packer, err = mold.NewPacker(session, 200, 1); err != nil {
		t.Fatal(err)
	}
	if n.server, err = mold.NewServer(session, 1, l); err != nil {
		t.Fatal(err)
	}
	n.codec, n.reader = itch.NewCodec(0), newReader(t)
	cfg := feeds.Config{Venue: "SIM", Limits: feeds.DefaultLimits(), Sink: n.reader, Requests: true, Seed: seed}
	if seed%2 == 0 {
		cfg.Limits.Recoveries = 1 << 20 // else the fifth in a minute shuts the channel
	}
	if n.channel, err = feeds.NewChannel(cfg, mold.Transport{Heartbeat: beatEvery}, n.codec); err != nil {
		t.Fatal(err)
	}
	n.truth = append(n.truth, make([][]feeds.Level, 2*faultySymbols)...)
	for _, m := range n.flow.open() {
		n.publish(m)
	}
	return n
}

// publish numbers msg and remembers what the books are after it.
func (n *faultyNet) publish(msg []byte) {
	full, err := n.packer.Add(msg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.send(full)
	if err := n.server.Add(msg); err != nil {
		n.t.Fatal(err)
	}
	for symbol := range faultySymbols {
		bids, asks := n.flow.orders.levels(symbol)
		n.truth = append(n.truth, bids, asks)
	}
}

// send puts a packet on both lines, in whatever way it gets through.
func (n *faultyNet) send(packet []byte) {
	if packet == nil {
		return
	}
	for line := range 2 {
		d := delivery{at: n.now + n.rnd.Int64N(3e6), in: feeds.Input{Kind: feeds.Packet, Line: line, Data: slices.Clone(packet)}}
		if n.calm {
			n.wire = append(n.wire, d)
			continue
		}
		if n.now < n.dark {
			continue
		}
		switch n.rnd.IntN(20) {
		case 0, 1, 2: // lost
			continue
		case 3:
			again := d
			again.at += n.rnd.Int64N(100e6)
			n.wire = append(n.wire, again)
		case 4:
			d.at += n.rnd.Int64N(60e6)
		case 5:
			d.in.Data = d.in.Data[:n.rnd.IntN(len(d.in.Data))]
		case 6:
			d.in.Data[n.rnd.IntN(10)] ^= 1 << n.rnd.IntN(8) // the session
		}
		n.wire = append(n.wire, d)
	}
}

// step lets d pass: what is due arrives, the channel's own deadlines too, in order.
func (n *faultyNet) step(d int64) {
	end := n.now + d
	for {
		next, arrival := end, -1
		for i, w := range n.wire {
			if w.at <= next {
				next, arrival = w.at, i
			}
		}
		if at := n.channel.Deadline(); at != 0 && at < next {
			n.now = max(n.now, at)
			n.give(feeds.Input{Kind: feeds.Tick})
			continue
		}
		n.now = max(n.now, next)
		if arrival < 0 {
			return
		}
		w := n.wire[arrival]
		n.wire = slices.Delete(n.wire, arrival, arrival+1)
		if w.asks == nil {
			n.give(w.in)
			continue
		}
		if answer, v := n.server.Answer(n.now, asker, w.asks, nil); v == mold.Answered {
			n.answers++
			n.later(delivery{in: feeds.Input{Kind: feeds.Resent, Data: answer}})
		}
	}
}

// later has d arrive in a few milliseconds, or not at all.
func (n *faultyNet) later(d delivery) {
	if !n.calm && n.rnd.IntN(8) == 0 {
		return
	}
	d.at = n.now + 1 + n.rnd.Int64N(4e6)
	n.wire = append(n.wire, d)
}

func (n *faultyNet) give(in feeds.Input) {
	in.Recv = start + market.Timestamp(n.now)
	for _, o := range n.channel.Step(n.now, in) {
		if o.Kind == feeds.Request {
			n.later(delivery{asks: mold.AppendAsk(nil, o)})
		}
	}
	n.check()
}

// check compares each Live book, and what a reader has of it, with the truth at the channel's own position.
func (n *faultyNet) check() {
	n.t.Helper()
	n.states[n.channel.Desk().State()]++
	_, next := n.channel.Next()
	for _, s := range n.channel.Desk().Seats() {
		if n.channel.Desk().StateOf(s) != feeds.Live {
			if shown := n.reader.books[s.Instrument()]; shown != nil && levels(shown) != "|" {
				n.t.Fatalf("%s is %s and a reader still has %s", s.Instrument(), n.channel.Desk().StateOf(s), levels(shown))
			}
			continue
		}
		symbol := 0
		if s.Instrument().Symbol() != n.flow.symbols[0] {
			symbol = 1
		}
		bids, asks := n.truth[(next-1)*2*faultySymbols+uint64(2*symbol)], n.truth[(next-1)*2*faultySymbols+uint64(2*symbol)+1]
		if !slices.Equal(sideOf(s.Ladder(), market.Buy), bids) || !slices.Equal(sideOf(s.Ladder(), market.Sell), asks) {
			n.t.Fatalf("%s is live at %d with %s, want bids %v, asks %v", s.Instrument(), next-1, levels(s.Ladder()), bids, asks)
		}
		shown := n.reader.books[s.Instrument()]
		if len(bids)+len(asks) > 0 && (shown == nil || levels(shown) != levels(s.Ladder())) {
			n.t.Fatalf("%s is live at %d and a reader does not have it", s.Instrument(), next-1)
		}
	}
}

// trade lets the exchange live for one step.
func (n *faultyNet) trade() {
	for range n.rnd.IntN(5) {
		msg, _, err := n.flow.step()
		if err != nil {
			n.t.Fatal(err)
		}
		n.publish(msg)
	}
	switch n.rnd.IntN(20) {
	case 0:
		n.send(n.packer.Heartbeat())
	case 1:
		if n.rnd.IntN(20) == 0 {
			n.dark = n.now + n.rnd.Int64N(400e6)
		}
	default:
		n.send(n.packer.Flush())
	}
	n.step(n.rnd.Int64N(4e6))
}

// TestFaultsNeverMakeALiveBookWrong is F6 for MoldUDP64 with ITCH: whatever happens on the way, a book that is Live is the
// fault-free one at that position, readers have it, and it comes back when the faults end.
func TestFaultsNeverMakeALiveBookWrong(t *testing.T) {
	seen := map[feeds.State]int{}
	answers := 0
	for i := range *seeds {
		s := *seed + uint64(i)
		n := newFaultyNet(t, s)
		for range 300 {
			n.trade()
			if t.Failed() {
				t.Fatalf("seed %d", s)
			}
		}
		n.calm = true
		if !n.recovers() {
			t.Fatalf("seed %d: the channel is %s after the calm: %+v", s, n.channel.Desk().State(), n.channel.Desk().Counts)
		}
		for st, k := range n.states {
			seen[st] += k
		}
		answers += n.answers
	}
	t.Logf("seeds %d to %d: steps by state %v, %d answers", *seed, *seed+uint64(*seeds)-1, seen, answers)
	for _, st := range []feeds.State{feeds.Live, feeds.Suspect, feeds.Recovering, feeds.Stale} {
		if seen[st] == 0 && *seeds >= 50 {
			t.Errorf("the channel was never %s", st)
		}
	}
}

// recovers reports whether the channel is Live, at the end of the sequence, a bounded time after the faults have ended: 40 s, the
// longest wait before the start is asked for again and the asking, or the five minutes of a quarantine on top.
func (n *faultyNet) recovers() bool {
	n.send(n.packer.Flush())
	end := n.now + int64(40*time.Second)
	for quarantined := false; n.now < end; {
		n.send(n.packer.Heartbeat())
		n.step(int64(beatEvery))
		if n.channel.Desk().State() == feeds.Quarantined && !quarantined {
			quarantined = true
			end += int64(5 * time.Minute)
		}
		if _, next := n.channel.Next(); n.channel.Desk().State() == feeds.Live && next == n.packer.Next() {
			return true
		}
	}
	return false
}
