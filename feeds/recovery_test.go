package feeds_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/market"
)

// asking is a live channel with a re-request server.
func asking(c *feeds.Config) { c.Offline, c.Requests = false, true }

// serve answers what the channel has asked for, at most most messages an answer, until it asks for nothing more.
// Nothing above last exists. It returns the number of requests.
func (r *rig) serve(last uint64, most int) int {
	n := 0
	for len(r.out) > 0 {
		o := r.out[0]
		r.out = r.out[1:]
		if o.Kind != feeds.Request {
			continue
		}
		n++
		to := min(o.To, last, o.From+uint64(most)-1)
		if o.From > to {
			continue
		}
		s := data(o.From, int(to-o.From)+1)
		s.Session = 7
		r.step(feeds.Input{Kind: feeds.Resent, Data: s.Bytes(), Recv: market.Timestamp(iextest.Start)})
	}
	return n
}

func (r *rig) tick(d time.Duration) {
	r.now += d
	r.step(feeds.Input{Kind: feeds.Tick})
}

func TestHoleIsAskedForAfterTheHoldAndHealed(t *testing.T) {
	r := newRig(t, asking)
	r.send(0, data(1, 1), data(4, 1))
	if len(r.out) != 0 {
		t.Fatalf("outputs before the hold has ended = %+v, want none", r.out)
	}
	r.diary.log()
	r.tick(20 * time.Millisecond)
	if len(r.out) != 1 || r.out[0].From != 2 || r.out[0].To != 3 {
		t.Fatalf("outputs = %+v, want one request from 2 to 3", r.out)
	}
	r.serve(4, 10)
	if got, want := r.diary.log(), "recovering, live, quote ACME 4@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	if c := r.counts(); c.Gaps != 0 || c.Messages != 4 {
		t.Errorf("counts = %+v, want 4 messages and no gap", c)
	}
}

func TestLateJoinIsFilledFromSequenceOne(t *testing.T) {
	r := newRig(t, asking)
	r.send(0, data(10_001, 1))
	n := r.serve(10_000, 30)
	if got := r.Desk().State(); got != feeds.Live {
		t.Fatalf("state = %s, want live", got)
	}
	if got, want := r.diary.log(), "syncing reset, live, quote ACME 10001@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	if c := r.counts(); c.Messages != 10_001 || c.Gaps != 0 || !c.LateJoin || c.Unapplied != 0 {
		t.Errorf("counts = %+v, want 10,001 messages, a late join, nothing unapplied", c)
	}
	if n > 700 {
		t.Errorf("requests = %d, want about 10,000/30", n)
	}
}

func TestRecoveryFinishesWhileInputRuns(t *testing.T) {
	r := newRig(t, func(c *feeds.Config) { asking(c); c.Limits.Ring = 256 })
	r.send(0, data(1, 1))
	next := uint64(10_002)
	for range 5_000 {
		r.send(0, data(next, 1))
		next++
		for range 3 { // three answers to each packet of the line
			if len(r.out) == 0 {
				break
			}
			o := r.out[0]
			r.out = r.out[1:]
			s := data(o.From, int(min(o.To-o.From+1, 30)))
			s.Session = 7
			r.step(feeds.Input{Kind: feeds.Resent, Data: s.Bytes()})
		}
		if r.Desk().State() == feeds.Live {
			break
		}
	}
	if got := r.Desk().State(); got != feeds.Live {
		t.Fatalf("state after 5,000 packets = %s, want live; %+v", got, r.counts())
	}
	if c := r.counts(); c.Messages != next-1 {
		t.Errorf("messages = %d, want each of %d once", c.Messages, next-1)
	}
}

func TestUnansweredHoleIsGivenUpAndTheStartAskedFor(t *testing.T) {
	r := newRig(t, asking)
	r.send(0, data(1, 2), data(4, 1))
	for range 100 { // nobody answers
		r.tick(20 * time.Millisecond)
	}
	if got := r.Desk().State(); got == feeds.Live {
		t.Fatal("state is live with a message missing")
	}
	if c := r.counts(); c.Gaps == 0 {
		t.Errorf("counts = %+v, want a gap", c)
	}
	r.out = nil
	for range 200 { // now somebody does
		r.tick(20 * time.Millisecond)
		r.send(0, beat(5))
		r.serve(4, 10)
	}
	if got := r.Desk().State(); got != feeds.Live {
		t.Fatalf("state = %s, want live: the start could be had", got)
	}
	r.diary.log()
	r.send(0, data(5, 1))
	if got, want := r.diary.log(), "quote ACME 5@100"; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	if c := r.counts(); c.Messages != 5 {
		t.Errorf("messages = %d, want 5, each once", c.Messages)
	}
}

func TestTooManyRecoveriesQuarantineAndTheRetryHeals(t *testing.T) {
	r := newRig(t, asking)
	r.send(0, data(1, 1))
	next := uint64(2)
	for range 5 {
		r.send(0, data(next+1, 1))
		r.tick(20 * time.Millisecond)
		r.serve(next+1, 10)
		next += 2
	}
	if got := r.Desk().State(); got != feeds.Quarantined {
		t.Fatalf("state after 5 recoveries within a minute = %s, want quarantined", got)
	}
	r.out = nil
	r.send(0, data(next, 1))
	r.tick(5 * time.Minute)
	r.serve(next, 10)
	if got := r.Desk().State(); got != feeds.Live {
		t.Errorf("state after the retry = %s, want live", got)
	}
}

func TestEndOfInputLeavesNoDeadline(t *testing.T) {
	r := newRig(t, nil)
	r.send(0, data(5, 1))
	if at := r.Deadline(); at != 0 {
		t.Errorf("deadline of a late join in a recording = %d, want none", at)
	}
}

// TestRequestsAreMadeAgainWithFullJitter looks at the waits of many channels that ask at one moment.
func TestRequestsAreMadeAgainWithFullJitter(t *testing.T) {
	const channels = 1000
	retry := feeds.DefaultLimits().RequestRetry
	var sum time.Duration
	early := 0
	for seed := range uint64(channels) {
		r := newRig(t, func(c *feeds.Config) { asking(c); c.Seed = seed })
		r.send(0, data(1, 1), data(3, 1))
		r.tick(20 * time.Millisecond)
		if len(r.out) != 1 {
			t.Fatalf("seed %d: %d requests, want 1", seed, len(r.out))
		}
		wait := time.Duration(r.Deadline()-iextest.Start) - r.now
		if wait <= 0 || wait > retry {
			t.Fatalf("seed %d: asked again after %s, want above 0 and at most %s", seed, wait, retry)
		}
		if wait < retry/10 {
			early++
		}
		sum += wait
	}
	if mean := sum / channels; mean < 45*retry/100 || mean > 55*retry/100 || early < channels/20 || early > channels/5 {
		t.Errorf("mean wait %s, %d of %d within a tenth, want them drawn evenly up to %s", mean, early, channels, retry)
	}
}
