package feeds_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/iex"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/market"
)

// untimed is a transport as MoldUDP64 is one: without send times, and with an end of session, which is what the
// reserved byte of a segment stands for here.
type untimed struct{ iex.Transport }

func (untimed) Traits() feeds.Traits { return feeds.Traits{Heartbeat: time.Second} }

func (u untimed) Parse(d []byte, h *feeds.Header) (string, bool) {
	why, ok := u.Transport.Parse(d, h)
	h.Sent, h.End = 0, ok && d[1] == 1
	return why, ok
}

func newUntimed(t *testing.T, change func(*feeds.Config)) *rig {
	t.Helper()
	d := &diary{t: t}
	cfg := feeds.Config{Venue: "IEX", Limits: feeds.DefaultLimits(), Sink: d, Offline: true}
	if change != nil {
		change(&cfg)
	}
	c, err := feeds.NewChannel(cfg, untimed{iex.Transport{Protocol: iex.ProtocolDEEP}}, iex.NewDeep())
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Channel: c, diary: d}
}

// end is the end of session with next as the sequence that would follow.
func (r *rig) end(next uint64) {
	b := iextest.Segment{Session: 7, First: next}.Bytes()
	b[1] = 1
	r.step(feeds.Input{Kind: feeds.Packet, Data: b})
}

func TestWithoutSendTimesThreeLowerHeartbeatsAreAReset(t *testing.T) {
	r := newUntimed(t, nil)
	r.send(0, data(1, 4), beat(1), beat(1), data(5, 1), beat(1), beat(1))
	if c := r.counts(); c.Resets != 0 {
		t.Fatalf("resets after two lower heartbeats in a row = %d, want 0", c.Resets)
	}
	r.send(0, beat(1), data(1, 1))
	if c := r.counts(); c.Resets != 1 || c.Messages != 6 || c.Gaps != 0 {
		t.Errorf("counts = %+v, want 1 reset and 6 messages", c)
	}
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state = %s, want live: seen from sequence 1", got)
	}
}

func TestEndOfSessionIsDownAndTheNextSessionBeginsAtOnce(t *testing.T) {
	r := newUntimed(t, nil)
	r.send(0, data(1, 2))
	r.end(3)
	if got := r.Desk().State(); got != feeds.Down || !r.counts().EndOfSession || r.counts().Heartbeats != 0 {
		t.Errorf("state = %s, counts %+v, want down, ended, and no heartbeat", got, r.counts())
	}
	r.send(0, beat(3))
	if got := r.Desk().State(); got != feeds.Down {
		t.Errorf("state after a heartbeat of the ended session = %s, want down", got)
	}
	s := data(1, 1)
	s.Session = 8
	r.send(0, s)
	if c := r.counts(); r.Desk().State() != feeds.Live || c.Resets != 1 || c.Messages != 3 {
		t.Errorf("state %s, counts %+v, want a live second session", r.Desk().State(), c)
	}
}

func TestEndOfSessionShowsAHoleAndWaitsForIt(t *testing.T) {
	r := newUntimed(t, asking)
	r.send(0, data(1, 1))
	r.end(3)
	if got := r.Desk().State(); got != feeds.Suspect {
		t.Fatalf("state = %s, want suspect: a message is missing", got)
	}
	r.tick(20 * time.Millisecond)
	r.serve(2, 10)
	if c := r.counts(); r.Desk().State() != feeds.Down || c.Messages != 2 || c.Gaps != 0 {
		t.Errorf("state %s, counts %+v, want down with nothing missing", r.Desk().State(), c)
	}
}

func TestASessionLeftInASilenceIsTakenBack(t *testing.T) {
	r := newUntimed(t, func(c *feeds.Config) { c.Offline = false })
	r.send(0, data(1, 1))
	r.now += 4 * time.Second
	flipped := beat(2)
	flipped.Session = 8
	r.send(0, flipped)
	for range 7 {
		r.now += time.Second
		r.send(0, beat(2))
	}
	if s, _ := r.Next(); s[6] != 7 {
		t.Errorf("session = %x, want the one that goes on", s)
	}
}

func TestQuarantineIsLiftedByTheNextEpochOnlyAfterARetry(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(1, 2), late(iextest.Segment{First: 2, Messages: [][]byte{bid(9)}}, 1))
	r.send(0, beat(1), data(1, 1))
	if got := r.Desk().State(); got != feeds.Quarantined {
		t.Fatalf("state after the next epoch = %s, want quarantined still", got)
	}
	r.step(feeds.Input{Kind: feeds.Retry})
	r.send(0, beat(1), data(1, 1))
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state after a retry and an epoch = %s, want live", got)
	}
}

func TestARetriedSymbolWaitsForTheNextEpoch(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, iextest.Segment{First: 1, Messages: [][]byte{bid(1), iextest.Level("HUGE", market.Buy, 1<<62, 1, true)}})
	r.step(feeds.Input{Kind: feeds.Retry})
	r.send(0, iextest.Segment{First: 3, Messages: [][]byte{iextest.Level("HUGE", market.Buy, 1, 1, true)}})
	if by, _ := r.Desk().States(); by[feeds.Live] != 1 || by[feeds.Suspect] != 1 {
		t.Errorf("states after a retry = %v, want one live, and one suspect: it has missed messages", by)
	}
	r.send(0, beat(1), iextest.Segment{First: 1, Messages: [][]byte{iextest.Level("HUGE", market.Buy, 1, 1, true)}})
	if by, _ := r.Desk().States(); by[feeds.Live] != 2 {
		t.Errorf("states in the next epoch = %v, want both live", by)
	}
}

func TestLimitsAreValidated(t *testing.T) {
	for name, change := range map[string]func(*feeds.Limits){
		"seen":     func(l *feeds.Limits) { l.Seen = 3 },
		"hold":     func(l *feeds.Limits) { l.Hold = 0 },
		"hold for": func(l *feeds.Limits) { l.HoldFor = 0 },
		"retries":  func(l *feeds.Limits) { l.Retries = -1 },
	} {
		l := feeds.DefaultLimits()
		change(&l)
		if err := l.Validate(); err == nil {
			t.Errorf("%s: accepted, want an error", name)
		}
	}
	if err := feeds.DefaultLimits().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	if _, err := feeds.NewChannel(feeds.Config{Limits: feeds.DefaultLimits()}, iex.Transport{}, iex.NewDeep()); err == nil {
		t.Error("a channel without a venue is made, want an error")
	}
}
