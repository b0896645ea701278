package strategy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// learner is a trader that keeps how many trades it has seen.
type learner struct {
	trader
	seen    []byte
	err     error // of the next Snapshot
	restore func(b []byte) error
}

func (u *learner) OnTrade(c *strategy.Context, t feeds.Trade) error {
	if u.seen == nil {
		u.seen = []byte{0}
	}
	u.seen[0]++
	return u.trader.OnTrade(c, t)
}

func (u *learner) Snapshot() ([]byte, error) {
	u.say("snapshot %v", u.seen)
	return u.seen, u.err
}

func (u *learner) Restore(b []byte) error {
	u.say("restore %v", b)
	u.seen = b
	if u.restore != nil {
		return u.restore(b)
	}
	return nil
}

// shelf is a memory that a test looks at.
type shelf struct {
	unknown bool
	holds   []byte
	said    []string
}

func (m *shelf) Recall() ([]byte, bool) { return m.holds, !m.unknown }
func (m *shelf) Refuse(why string)      { m.said = append(m.said, "refuse "+why) }
func (m *shelf) Close()                 { m.said = append(m.said, "close") }

func (m *shelf) Keep(b []byte) {
	m.holds = b
	m.said = append(m.said, fmt.Sprintf("keep %v", b))
}

func remembering(t *testing.T, m *shelf) (*rig, *[]string) {
	t.Helper()
	var hooks []string
	return newRig(t, func(r *rig) {
		r.cfg.Memory = m
		r.cfg.Events.Snapshot = func(name string, bytes int, _ time.Duration) { hooks = append(hooks, fmt.Sprint(name, " ", bytes)) }
		r.cfg.Events.SnapshotSetAside = func(name, why string) { hooks = append(hooks, name+" aside: "+why) }
	}), &hooks
}

func TestWhatAStrategyKeptIsRestoredBeforeItStarts(t *testing.T) {
	r, _ := remembering(t, &shelf{holds: []byte{7}})
	u := &learner{}
	u.start = func(c *strategy.Context, s strategy.Start) error {
		if !s.Restored || c.Position(acme).Qty != market.Unit {
			t.Errorf("started with %+v and the position %+v, want it restored, and positions of the journal", s, c.Position(acme))
		}
		return nil
	}
	r.start(u, strategy.State{Positions: []strategy.Position{{Instrument: acme, Qty: market.Unit}}})
	same(t, u.heard, []string{"restore [7]", "start adopted", "gate OPEN"})
}

func TestNothingKeptIsNotRestored(t *testing.T) {
	r, _ := remembering(t, &shelf{})
	u := &learner{}
	u.start = func(_ *strategy.Context, s strategy.Start) error {
		if s.Restored {
			t.Error("restored from nothing")
		}
		return nil
	}
	r.start(u, strategy.State{})
	same(t, u.heard, []string{"start first", "gate OPEN"})
}

func TestAStrategyIsAskedForItsSnapshotEveryMinuteAndAtAStop(t *testing.T) {
	m := &shelf{}
	r, hooks := remembering(t, m)
	u := &learner{}
	r.start(u, strategy.State{})
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
	r.at(feed, 1)
	r.pass(59 * time.Second)
	same(t, m.said, nil)
	r.pass(time.Second)
	same(t, m.said, []string{"keep [1]"})
	r.at(feed, 2)
	if m.holds[0] != 1 {
		t.Error("what was kept changes with the strategy")
	}
	r.pass(time.Minute)
	r.at(feed, 3)
	u.heardSince()
	r.stop()
	same(t, u.heardSince(), []string{"stop shutdown", "snapshot [3]"})
	same(t, m.said, []string{"keep [1]", "keep [2]", "keep [3]", "close"})
	same(t, *hooks, []string{"s 1", "s 1", "s 1"})
}

func TestNoSnapshotIsTakenOfACrash(t *testing.T) {
	m := &shelf{}
	r, _ := remembering(t, m)
	u := &learner{}
	u.trade = func(*strategy.Context, feeds.Trade) error { panic("planted") }
	r.start(u, strategy.State{})
	r.at(strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u)), 1)
	r.ended(actors.ReasonCrash)
	same(t, m.said, nil)
}

func TestAStartWaitsForADiskButNotForLong(t *testing.T) {
	t.Run("it answers", func(t *testing.T) {
		m := &shelf{unknown: true, holds: []byte{7}}
		r, _ := remembering(t, m)
		u := &learner{}
		r.start(u, strategy.State{})
		r.pass(4 * time.Second)
		r.tell(strategy.Restored(strategy.State{}))
		same(t, u.heard, nil)
		if r.desk.attached < 16 {
			t.Errorf("the account was asked %d times in 4 s, want it asked again", r.desk.attached)
		}
		m.unknown = false
		r.tell(strategy.Restored(strategy.State{}))
		same(t, u.heard, []string{"restore [7]", "start first", "gate OPEN"})
	})
	t.Run("it does not", func(t *testing.T) {
		r, _ := remembering(t, &shelf{unknown: true, holds: []byte{7}})
		u := &learner{}
		r.start(u, strategy.State{})
		r.pass(5 * time.Second)
		r.tell(strategy.Restored(strategy.State{}))
		same(t, u.heard, []string{"start first", "gate OPEN"})
	})
}

func TestASnapshotThatIsRefusedEndsTheIncarnation(t *testing.T) {
	m := &shelf{holds: []byte{7}}
	r, _ := remembering(t, m)
	u := &learner{restore: func([]byte) error { return errPlanted }}
	r.start(u, strategy.State{})
	if x := r.ended(actors.ReasonError); !errors.Is(x.Err, errPlanted) || len(r.ready) != 0 {
		t.Errorf("ended with %v, ready %v, want the error of Restore and no readiness", x.Err, r.ready)
	}
	same(t, m.said, []string{"refuse refused"})
}

func TestAPanicInRestoreEndsTheIncarnationAndNothingIsClosed(t *testing.T) {
	m := &shelf{holds: []byte{7}}
	r, _ := remembering(t, m)
	r.start(&learner{restore: func([]byte) error { panic("planted") }}, strategy.State{})
	r.ended(actors.ReasonCrash)
	same(t, m.said, nil)
}

func TestASnapshotThatIsTooLongIsNotKept(t *testing.T) {
	m := &shelf{holds: []byte{7}}
	r, hooks := remembering(t, m)
	u := &learner{}
	r.start(u, strategy.State{})
	for n, want := range map[int]string{strategy.MaxSnapshot: fmt.Sprint("s ", strategy.MaxSnapshot), strategy.MaxSnapshot + 1: "s aside: too long"} {
		m.said, *hooks = nil, nil
		u.seen = make([]byte, n)
		r.pass(time.Minute)
		if !slices.Equal(*hooks, []string{want}) || len(m.said) != min(1, strategy.MaxSnapshot+1-n) || len(r.exits) != 0 {
			t.Errorf("of %d bytes: hooks %q, %d kept, want %q", n, *hooks, len(m.said), want)
		}
	}
}

func TestAnErrorOfSnapshotEndsTheIncarnation(t *testing.T) {
	m := &shelf{}
	r, _ := remembering(t, m)
	r.start(&learner{err: errPlanted}, strategy.State{})
	r.pass(time.Minute)
	if x := r.ended(actors.ReasonError); !errors.Is(x.Err, errPlanted) || !strings.Contains(x.Err.Error(), "taking a snapshot") {
		t.Errorf("ended with %v, want the error of Snapshot", x.Err)
	}
	same(t, m.said, nil)
}
