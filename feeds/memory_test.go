package feeds_test

import (
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/market"
)

// trades is a segment of one trade per sequence from first on.
func trades(session uint32, first uint64, count int) iextest.Segment {
	s := iextest.Segment{Session: session, First: first}
	for range count {
		s.Messages = append(s.Messages, iextest.Trade("ACME", 100_0000, 1))
	}
	return s
}

// toldTrades returns the sequences of the trades in the diary since the last call.
func (r *rig) toldTrades() string {
	var out []string
	for l := range strings.SplitSeq(r.diary.log(), ", ") {
		if f := strings.Fields(l); len(f) == 4 && f[0] == "trade" {
			out = append(out, f[3])
		}
	}
	return strings.Join(out, " ")
}

// answerTrades answers every request with trades of session, of which last exist.
func (r *rig) answerTrades(session uint32, last uint64) {
	for len(r.out) > 0 {
		o := r.out[0]
		r.out = r.out[1:]
		if to := min(o.To, last); o.Kind == feeds.Request && o.From <= to {
			r.step(feeds.Input{Kind: feeds.Resent, Data: trades(session, o.From, int(to-o.From)+1).Bytes()})
		}
	}
}

func remembering(m *feeds.Memory) func(*feeds.Config) {
	return func(c *feeds.Config) { asking(c); c.Memory = m }
}

func TestNextIncarnationTellsOfASessionTheRest(t *testing.T) {
	m := &feeds.Memory{}
	r := newUntimed(t, remembering(m))
	r.send(0, trades(7, 1, 3))
	if got, want := r.toldTrades(), "1 2 3"; got != want {
		t.Fatalf("told %q, want %q", got, want)
	}
	epoch := r.Desk().Pos().Epoch

	m = m.Heir()
	r = newUntimed(t, remembering(m))
	r.send(0, trades(7, 6, 1)) // 4 and 5 went by while nobody listened
	r.answerTrades(7, 5)
	if got, want := r.toldTrades(), "4 5 6"; got != want {
		t.Errorf("the next one told %q, want %q", got, want)
	}
	if got := r.Desk().Pos().Epoch; got != epoch || r.Desk().State() != feeds.Live {
		t.Errorf("epoch %d and %s, want %d, which goes on, and live", got, r.Desk().State(), epoch)
	}

	r = newUntimed(t, remembering(m.Heir()))
	r.send(0, trades(8, 1, 2))
	if got, want := r.toldTrades(), "1 2"; got != want {
		t.Errorf("of another session it told %q, want %q", got, want)
	}
	if got := r.Desk().Pos().Epoch; got != epoch+1 {
		t.Errorf("epoch = %d, want %d: of another session", got, epoch+1)
	}
}

func TestNextIncarnationIsLiveNoEarlierThanItsPredecessorWas(t *testing.T) {
	for _, first := range []uint64{1, 2} { // a copy that came late is the first packet
		m := &feeds.Memory{}
		newUntimed(t, remembering(m)).send(0, data(1, 5))
		r := newUntimed(t, remembering(m.Heir()))
		r.send(1, data(first, 1))
		if got := r.Desk().State(); got != feeds.Syncing {
			t.Errorf("after sequence %d: %s, want syncing: 5 is known", first, got)
		}
		if n := r.serve(5, 10); n == 0 {
			t.Errorf("after sequence %d nothing was asked for", first)
		}
		if got := r.Desk().State(); got != feeds.Live {
			t.Errorf("after sequence %d and answers: %s, want live", first, got)
		}
	}
}

func TestSequenceThatStartedOverWhileNobodyListenedIsTold(t *testing.T) {
	m := &feeds.Memory{}
	newRig(t, remembering(m)).send(0, trades(7, 1, 5))
	r := newRig(t, remembering(m.Heir()))
	r.now = time.Second
	r.send(0, trades(7, 1, 2)) // with a later send time
	if got, want := r.toldTrades(), "1 2"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}

	m = &feeds.Memory{}
	newUntimed(t, remembering(m)).send(0, trades(7, 1, 5))
	r = newUntimed(t, remembering(m.Heir()))
	r.send(0, beat(1), beat(1), beat(1), trades(7, 1, 2))
	if got, want := r.toldTrades(), "1 2"; got != want {
		t.Errorf("after three lower heartbeats told %q, want %q", got, want)
	}
}

func TestASessionTakenBackIsNotToldTwice(t *testing.T) {
	r := newUntimed(t, asking)
	r.send(0, trades(7, 1, 3))
	r.now += 4 * time.Second
	flipped := beat(2)
	flipped.Session = 8
	r.send(0, flipped)
	r.toldTrades()
	for range 7 {
		r.now += time.Second
		r.send(0, beat(4))
	}
	r.answerTrades(7, 3)
	r.send(0, trades(7, 4, 1))
	if got, want := r.toldTrades(), "4"; got != want || r.Desk().State() != feeds.Live {
		t.Errorf("taken back it told %q and is %s, want %q and live", got, r.Desk().State(), want)
	}
}

// TestTradesAreToldOnceOverIncarnations has the owner stopped, and left behind.
func TestTradesAreToldOnceOverIncarnations(t *testing.T) {
	report := func(ref uint64) []byte {
		b, _ := itch.AppendTrade(nil, head(1), itch.Order{Ref: ref, Side: market.Sell, Qty: market.Unit, Symbol: "ACME", Price: 10_000_000_000}, ref)
		return b
	}
	for _, how := range []string{"stop", "abandon"} {
		h := newHost(t)
		all := [][]byte{ask(1, 5), report(2), report(3)}
		h.send(all...)
		if how == "abandon" {
			h.life.Abandon()
		} else {
			h.life.Stop()
		}
		h.settle(0)
		h.life.End(true)
		if got := strings.Count(h.log(), "one: trade"); got != 2 {
			t.Fatalf("%s: %d trades, want 2", how, got)
		}
		h.own()
		h.packer, _ = mold.NewPacker(h.packer.Session(), 1400, 1)
		h.send(append(all, report(4))...)
		told := h.log()
		if got := strings.Count(told, "one: trade"); got != 1 {
			t.Errorf("%s: the next one told %d trades, want the new one alone: %s", how, got, told)
		}
		if !strings.Contains(told, "one: depth ACME sell 5@10 true") {
			t.Errorf("%s: the next one told %s, want the whole book", how, told)
		}
	}
}
