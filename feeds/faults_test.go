package feeds_test

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/market"
)

var seeds = flag.Int("seeds", 300, "number of seeds of the fault tests")

// TestFaultsNeverMakeALiveBookWrong sends a stream through loss, duplication, reordering, flipped bits and silence,
// with a re-request server that loses answers too. Message s sets the bid's size to s, so a Live book at sequence s
// is right exactly when its bid is s.
func TestFaultsNeverMakeALiveBookWrong(t *testing.T) {
	for n := range *seeds {
		faulty(t, *seed+uint64(n))
		if t.Failed() {
			t.Fatalf("seed %d", *seed+uint64(n))
		}
	}
}

func faulty(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	live := seed%2 == 0
	r := newRig(t, func(c *feeds.Config) { c.Offline, c.Requests, c.Seed = !live, live, seed })
	var pending []iextest.Segment // delayed segments
	next := uint64(1)
	flips := 0
	for range 400 {
		s := data(next, random.IntN(3))
		next += uint64(len(s.Messages))
		r.now += time.Millisecond
		s.Sent = int64(r.now)
		switch random.IntN(20) {
		case 0: // lost
		case 1:
			pending = append(pending, s)
		case 2:
			r.now -= time.Millisecond
			r.send(0, s, s)
		case 3: // a bit of the header flips
			b := iextest.Segment{Session: 7, First: s.First, Sent: s.Sent, Messages: s.Messages}.Bytes()
			b[random.IntN(16)] ^= 1 << random.IntN(8)
			flips++
			r.step(feeds.Input{Kind: feeds.Packet, Data: b, Recv: market.Timestamp(iextest.Start + int64(r.now))})
		case 4:
			r.now += time.Duration(random.IntN(4000)) * time.Millisecond
			r.step(feeds.Input{Kind: feeds.Tick})
		default:
			r.send(0, s)
		}
		if len(pending) > 0 && random.IntN(4) == 0 {
			r.send(0, pending[0])
			pending = pending[1:]
		}
		r.answer(random, next-1)
		r.check(t, next-1)
	}
	if !live {
		return
	}
	for range 600 { // a minute of calm: whatever happened, the book comes back
		r.send(0, data(next, 1))
		next++
		r.now += 100 * time.Millisecond
		r.step(feeds.Input{Kind: feeds.Tick})
		r.serve(next-1, 30)
		if r.Desk().State() == feeds.Quarantined {
			r.now += 5 * time.Minute
			r.step(feeds.Input{Kind: feeds.Tick})
		}
		r.check(t, next-1)
	}
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state after the calm = %s, want live: %+v", got, r.counts())
	}
}

// answer serves requests, of which some are lost.
func (r *rig) answer(random *rand.Rand, last uint64) {
	for n := 0; len(r.out) > 0 && n < 4; n++ {
		if random.IntN(4) == 0 {
			r.out = r.out[1:]
			continue
		}
		kept := r.out[1:]
		r.out = r.out[:1:1]
		o := r.out[0]
		r.out = kept
		if o.Kind == feeds.Request && o.From <= last {
			s := data(o.From, int(min(o.To, last, o.From+9)-o.From)+1)
			s.Session = 7
			r.step(feeds.Input{Kind: feeds.Resent, Data: s.Bytes()})
		}
	}
}

// check compares a Live book with what it must be.
func (r *rig) check(t *testing.T, last uint64) {
	t.Helper()
	d := r.Desk()
	if d.State() != feeds.Live || len(d.Seats()) == 0 {
		return
	}
	l := d.Seats()[0].Ladder()
	_, next := r.Next()
	if next == 1 && l.Len(market.Buy) == 0 {
		return
	}
	if l.Len(market.Buy) != 1 || l.Level(market.Buy, 0).Qty != market.Qty(next-1)*market.Unit {
		t.Errorf("live at sequence %d of %d with a bid of %v", next-1, last, l.Level(market.Buy, 0).Qty)
	}
}

func FuzzChannel(f *testing.F) {
	f.Add(data(1, 2).Bytes(), uint64(1))
	f.Add(iextest.Segment{First: 1<<64 - 1}.Bytes(), uint64(0))
	f.Add(iextest.Segment{First: 1<<64 - 2, Messages: [][]byte{bid(1)}}.Bytes(), uint64(3))
	f.Add([]byte{1}, uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, how uint64) {
		r := newRig(t, func(c *feeds.Config) { c.Offline, c.Requests = how&1 == 0, how&2 != 0 })
		r.send(0, data(1, 1))
		for range 3 {
			r.step(feeds.Input{Kind: feeds.Packet, Line: int(how >> 8), Data: b})
			if len(b) >= 40 {
				binary.LittleEndian.PutUint64(b[24:], binary.LittleEndian.Uint64(b[24:])+how)
			}
			r.tick(time.Second)
		}
		r.step(feeds.Input{Kind: feeds.End})
	})
}
