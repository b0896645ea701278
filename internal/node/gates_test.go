package node_test

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// listener notes why each of its incarnations starts, and what it hears of its gates.
type listener struct {
	resting
	notes *notes
}

type notes struct {
	mu     sync.Mutex
	starts []strategy.Why
	gates  []strategy.Gate
	latest map[market.Instrument]risk.Mode
}

func (s *listener) OnStart(_ *strategy.Context, start strategy.Start) error {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	s.notes.starts = append(s.notes.starts, start.Why)
	return nil
}

func (s *listener) OnGate(c *strategy.Context, g strategy.Gate) error {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	s.notes.gates = append(s.notes.gates, g)
	for _, i := range c.Instruments() {
		s.notes.latest[i] = c.Gate(i).Mode
	}
	s.notes.latest[market.Instrument{}] = c.Gate().Mode
	return nil
}

func (n *notes) whys() []strategy.Why {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.starts)
}

// since gives what was heard of gates behind a mark.
func (n *notes) since(mark int) []strategy.Gate {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.gates[mark:])
}

func listening(t *testing.T) (*house, *notes) {
	t.Helper()
	n := &notes{latest: map[market.Instrument]risk.Mode{}}
	h := open(t, strategy.Define("cross", func() *listener { return &listener{notes: n} }), func(c *node.DemoConfig) {
		c.Change = func(p *node.Plan) {
			quick(p)
			p.Strategies[0].Contracts = p.Contracts
		}
	})
	h.until("the gate's opening", func() bool {
		all := n.since(0)
		return h.Node().Up() && len(all) > 0 && all[len(all)-1].Mode == risk.Open
	})
	return h, n
}

// reset clears a trip at the door.
func (h *house) reset(scope, id string) {
	h.t.Helper()
	client, err := control.Dial("unix:"+h.Socket(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	status, body, err := client.Post(h.t.Context(), "/api/v1/resets", control.NewKey(), control.ResetRequest{Scope: scope, Trips: []string{id}, Reason: "test"})
	if err != nil || status != http.StatusOK {
		h.t.Fatalf("the reset answers %d %s %v", status, body, err)
	}
}

func TestAStrategyHearsOfEachModeThatTouchesIt(t *testing.T) {
	h, n := listening(t)
	acme := market.MustListed("SIM", "ACME")
	for _, c := range []struct {
		scope string
		mode  risk.Mode
		of    market.Instrument
		told  string
	}{
		{"A1/*/ACME@SIM", risk.ReduceOnly, acme, "A1/cross1/ACME@SIM"},
		{"A1/cross1/*", risk.CancelOnly, market.Instrument{}, "A1/cross1/*"},
		{"A1/*/*", risk.ReduceOnly, market.Instrument{}, "A1/cross1/*"},
	} {
		mark := len(n.since(0))
		id := h.trip(c.scope, c.mode).TripID
		h.until("word of "+c.scope, func() bool { return len(n.since(mark)) > 0 })
		h.reset(c.scope, id)
		h.until("word of its reset", func() bool {
			all := n.since(mark)
			return all[len(all)-1].Mode == risk.Open
		})
		got := n.since(mark)
		shut := got[0]
		if shut.Mode != c.mode || shut.Instrument != c.of || shut.Scope.String() != c.told || shut.Why != risk.CodeTripped || shut.Since.IsZero() {
			t.Errorf("a trip of %s to %s is told as %+v, want it of %s for TRIPPED", c.scope, c.mode, shut, c.told)
		}
		for _, g := range got {
			if g.Instrument != c.of {
				t.Errorf("a trip of %s is told as %+v too, want word of %s alone", c.scope, g, c.told)
			}
		}
		if last := got[len(got)-1]; !last.Since.After(shut.Since) {
			t.Errorf("open since %s, shut since %s, want a later time", last.Since, shut.Since)
		}
	}
	for i, m := range n.latest {
		if m != risk.Open {
			t.Errorf("after all resets the gate of %s is %s, want OPEN", i, m)
		}
	}
}

func TestAStrategyIsToldWhyItStarts(t *testing.T) {
	h, n := listening(t)
	at := "strategies/cross1"
	if err := h.Node().Tree().Inject(at+"/strategy", supervision.Panic); err != nil {
		t.Fatal(err)
	}
	h.until("a start after the crash", func() bool { return len(n.whys()) == 2 && h.settled() })
	stopped := make(chan supervision.Answer, 1)
	h.Node().Tree().TerminateChild(at, "strategy", func(a supervision.Answer) { stopped <- a })
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Fatal("the strategy is not stopped")
	}
	h.Node().Tree().RestartChild(at, "strategy", nil)
	h.until("a start after the stop", func() bool { return len(n.whys()) == 3 })
	if got := n.whys(); !slices.Equal(got, []strategy.Why{strategy.WhyFirst, strategy.WhyCrash, strategy.WhyStop}) {
		t.Errorf("starts %q, want first, crash, stop", got)
	}
}

// holding is resting, and keeps its order over a crash.
type holding struct{ resting }

func (*holding) Policy() strategy.Policy { return strategy.Policy{OnCrash: strategy.Keep} }

func (*holding) OnOrder(*strategy.Context, strategy.OrderEvent) error { return nil }

// TestWhatBecomesOfOrdersAtAnEndIsTold by the strategy's policy.
func TestWhatBecomesOfOrdersAtAnEndIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		def  strategy.Def
		want [2]int
	}{
		"cancelled": {strategy.Define("cross", func() *resting { return &resting{} }), [2]int{1, 0}},
		"kept":      {strategy.Define("cross", func() *holding { return &holding{} }), [2]int{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			told, ended := make(chan [2]int, 16), make(chan string, 16)
			h := open(t, c.def, func(cfg *node.DemoConfig) {
				cfg.Hooks.Strategy.Policy = func(_ string, cancelled, kept int) { told <- [2]int{cancelled, kept} }
				cfg.Hooks.Strategy.Ended = func(_, reason string) { ended <- reason }
			})
			h.until("an order that rests", func() bool { return h.Node().Live("A1") == 1 })
			if err := h.Node().Tree().Inject("strategies/cross1/strategy", supervision.Panic); err != nil {
				t.Fatal(err)
			}
			h.until("word of its orders", func() bool { return len(told) > 0 })
			if got, why := <-told, <-ended; got != c.want || why != "crash" {
				t.Errorf("cancelled and kept %v, ended for %s, want %v and a crash", got, why, c.want)
			}
		})
	}
}

// absent is holding, for a moment, and does not come back from a crash: it waits for the end of the test, or for nothing.
type absent struct {
	holding
	until chan struct{}
	fails bool
}

func (*absent) Policy() strategy.Policy {
	return strategy.Policy{OnCrash: strategy.Keep, KeepFor: 50 * time.Millisecond}
}

func (a *absent) OnStart(_ *strategy.Context, s strategy.Start) error {
	switch {
	case s.Why != strategy.WhyCrash:
	case a.fails:
		return errors.New("planted")
	default:
		<-a.until
	}
	return nil
}

// TestOrdersThatAreNotKeptAnyMoreAreTold where the strategy is not back in time, and where it is given up before.
func TestOrdersThatAreNotKeptAnyMoreAreTold(t *testing.T) {
	for name, fails := range map[string]bool{"not back in time": false, "given up": true} {
		t.Run(name, func(t *testing.T) {
			told, until := make(chan [2]int, 16), make(chan struct{})
			def := strategy.Define("cross", func() *absent { return &absent{until: until, fails: fails} })
			h := open(t, def, func(cfg *node.DemoConfig) {
				cfg.Hooks.Strategy.Policy = func(_ string, cancelled, kept int) {
					if cancelled+kept > 0 { // the roster may try again, many times, with no orders to tell of
						told <- [2]int{cancelled, kept}
					}
				}
				if fails {
					cfg.Change = func(p *node.Plan) { quick(p); p.Supervision.Groups.Strategy.Intensity = 0 }
				}
			})
			t.Cleanup(func() { close(until) }) // before the node is stopped
			h.until("an order that rests", func() bool { return h.Node().Live("A1") == 1 })
			if err := h.Node().Tree().Inject("strategies/cross1/strategy", supervision.Panic); err != nil {
				t.Fatal(err)
			}
			h.until("the end of its order", func() bool { return h.Node().Live("A1") == 0 })
			h.until("word of its orders", func() bool { return len(told) > 1 })
			for _, want := range [][2]int{{0, 1}, {1, 0}} {
				if got := <-told; got != want {
					t.Errorf("cancelled and kept %v, want %v", got, want)
				}
			}
			for len(told) > 0 {
				t.Errorf("cancelled and kept %v besides, want each order told once", <-told)
			}
		})
	}
}
