package node_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// learning keeps how many trades it has seen, over all its incarnations.
type learning struct {
	Fast, Slow int
	Qty        market.Qty
	seen       byte
	notes      *learned
}

type learned struct {
	mu      sync.Mutex
	starts  []int // what each incarnation began with; -1 without a snapshot
	restore func() error
	trade   func(seen byte) error
	snaps   atomic.Int64
}

func (s *learning) OnStart(_ *strategy.Context, start strategy.Start) error {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	with := int(s.seen)
	if !start.Restored {
		with = -1
	}
	s.notes.starts = append(s.notes.starts, with)
	return nil
}

func (s *learning) OnTrade(*strategy.Context, feeds.Trade) error {
	s.seen++
	if s.notes.trade != nil {
		return s.notes.trade(s.seen)
	}
	return nil
}

func (s *learning) Snapshot() ([]byte, error) {
	s.notes.snaps.Add(1)
	return []byte{s.seen}, nil
}

func (s *learning) Restore(b []byte) error {
	s.seen = b[0]
	if s.notes.restore != nil {
		return s.notes.restore()
	}
	return nil
}

// after is one trade of ACME, some time after the step before.
func after(d time.Duration) strategy.Step {
	acme := market.MustListed("SIM", "ACME")
	return strategy.Step{Wait: d, Events: []feeds.Event{feeds.Trade{Instrument: acme, State: feeds.Live, Price: 50e9, Qty: market.Unit}}}
}

func (l *learned) try(t *testing.T, script ...strategy.Step) strategy.Outcome {
	t.Helper()
	acme := market.Contract{
		Instrument: market.MustListed("SIM", "ACME"), Currency: "USD", Tick: 10_000_000, Lot: market.Unit, MinQty: market.Unit,
		MaxQty: 1000 * market.Unit, Multiplier: market.One,
	}
	out, err := node.Trials{Log: slog.New(slog.DiscardHandler)}.Try(t.Context(), strategy.Trial{
		Def: strategy.Define("learning", func() *learning { return &learning{notes: l} }), Contracts: []market.Contract{acme}, Script: script,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Findings) != 0 {
		t.Errorf("findings %q", out.Findings)
	}
	return out
}

func TestAStrategyThatCrashesBeginsFromItsSnapshot(t *testing.T) {
	l := &learned{trade: func(seen byte) error {
		if seen == 3 {
			return errors.New("planted")
		}
		return nil
	}}
	l.try(t, after(time.Second), after(time.Second), after(2*time.Minute), after(time.Second))
	if want := []int{-1, 2}; !slices.Equal(l.starts[:2], want) {
		t.Errorf("began with %v, want nothing and then what was seen before the snapshot, %v", l.starts, want)
	}
}

// TestASnapshotThatKillsIsLeftAtTheThirdStart counts starts that it was tried in.
func TestASnapshotThatKillsIsLeftAtTheThirdStart(t *testing.T) {
	tries := 0
	l := &learned{
		trade: func(seen byte) error {
			if seen == 2 {
				return errors.New("planted")
			}
			return nil
		},
		restore: func() error {
			tries++
			panic("planted")
		},
	}
	out := l.try(t, after(time.Second), after(2*time.Minute), after(time.Second))
	if tries != 2 || len(l.starts) != 2 || l.starts[1] != -1 {
		t.Errorf("restored %d times, began with %v, ended for %q; want two tries, and a start without", tries, l.starts, out.Ended)
	}
}

// stuck is a disk that does not answer in one directory.
type stuck struct {
	journal.FS
	until <-chan struct{}
}

func (d stuck) MkdirAll(dir string) error {
	if filepath.Base(dir) == "snapshots" {
		<-d.until
	}
	return d.FS.MkdirAll(dir)
}

// TestADiskThatHangsUnderSnapshotsHoldsNoStrategy neither when it starts, but for the time that it waits, nor when it is stopped.
func TestADiskThatHangsUnderSnapshotsHoldsNoStrategy(t *testing.T) {
	back := make(chan struct{})
	l := &learned{}
	h := open(t, strategy.Define("cross", func() *learning { return &learning{notes: l} }), func(c *node.DemoConfig) {
		c.Disk = stuck{journal.OS(), back}
		c.Change = func(p *node.Plan) {
			quick(p)
			p.Supervision.Shutdown.Strategy = 50 * time.Millisecond
		}
	})
	t.Cleanup(sync.OnceFunc(func() { close(back) })) // before the node's own end
	h.until("a start without a snapshot", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return slices.Equal(l.starts, []int{-1})
	})
	h.until("the gate's opening", h.Node().Up)
	mark := h.mark()
	h.Shutdown()
	h.until("the stop of the strategies", func() bool { return slices.Contains(h.since(mark), "exit strategies#1 shutdown") })
	if got := l.snaps.Load(); got != 1 {
		t.Errorf("%d snapshots were taken, want the one at the stop", got)
	}
}

func TestASnapshotIsOnTheDiskWhenTheNodeHasStopped(t *testing.T) {
	l := &learned{}
	dir := ""
	h := open(t, strategy.Define("cross", func() *learning { return &learning{notes: l} }), func(c *node.DemoConfig) { dir = c.Dir })
	h.until("the gate's opening", h.Node().Up)
	h.end()
	file, err := os.ReadFile(filepath.Join(dir, "snapshots", "cross1.snapshot"))
	if err != nil || len(file) == 0 {
		t.Errorf("the file is %x, %v, want a snapshot", file, err)
	}
}
