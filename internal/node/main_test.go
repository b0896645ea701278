package node_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/cross"
	"github.com/failshut/failshut/supervision"
)

func TestMain(m *testing.M) {
	// These tests wait far more than they work: more of them at a time than there are cores. The command line has the last word.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code := recordings.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintf(os.Stderr, "goroutines are left: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// patience bounds every wait of these tests; what is waited for comes far sooner.
const patience = 20 * time.Second

// house is a demonstration under test, with what it has said so far.
type house struct {
	t *testing.T
	*node.Demo
	ended bool

	mu    sync.Mutex
	lines []string
	rung  chan struct{}
}

// open starts a demonstration with the strategy named cross being def; change may alter its plan.
func open(t *testing.T, def strategy.Def, change func(*node.DemoConfig)) *house {
	t.Helper()
	h := &house{t: t, rung: make(chan struct{})}
	cfg := h.config(def)
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d, err := node.OpenDemo(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.Demo = d
	t.Cleanup(func() { h.end() })
	return h
}

func (h *house) config(def strategy.Def) node.DemoConfig {
	h.t.Helper()
	defs, err := strategy.Collect(def)
	if err != nil {
		h.t.Fatal(err)
	}
	file := example(h.t, "node.example.yaml")
	var kept []config.Strategy
	for _, s := range file.Node.Strategies {
		if s.Use == def.Name() {
			kept = append(kept, s)
		}
	}
	file.Node.Strategies = kept
	cfg := node.DemoConfig{
		Node: file, Venue: example(h.t, "venue.example.yaml"), Defs: defs, Seed: 1, Listen: "127.0.0.1:0",
		Dir: filepath.Join(h.t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler),
		Metrics: func(*node.Node) http.Handler { return http.NotFoundHandler() },
		Said:    func(string, ...any) {},
		Hooks: node.Hooks{
			Line:  h.said,
			Order: func(node.OrderTold) { h.ring() },
		},
	}
	cfg.Change = quick
	return cfg
}

// quick shortens the backoffs, so that a test need not wait for them, and takes the watchdogs away: a machine that is busy
// elsewhere ends no actor here.
func quick(p *node.Plan) {
	p.Supervision.Watchdogs, p.Disk = config.Timeouts{}, config.DiskWatch{}
	g := &p.Supervision.Groups
	for _, b := range []*config.Backoff{&g.Account.Backoff, &g.Channel.Backoff, &g.Strategy.Backoff, &g.Risk.Backoff} {
		b.Base, b.Cap = 5*time.Millisecond, 20*time.Millisecond
	}
}

func example(t *testing.T, name string) *config.File {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "examples", "cluster", name))
	if err != nil {
		t.Fatal(err)
	}
	f := config.Read(name, src, nil)
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	return f
}

func shipped() strategy.Def { return strategy.Define("cross", cross.New) }

// said keeps a line of the tree's trace.
func (h *house) said(line string) {
	h.mu.Lock()
	h.lines = append(h.lines, line)
	h.mu.Unlock()
	h.ring()
}

func (h *house) ring() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.rung)
	h.rung = make(chan struct{})
}

// mark is how many lines there are, and since gives those behind a mark.
func (h *house) mark() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lines)
}

func (h *house) since(mark int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.lines[mark:]...)
}

// until waits for a condition, looked at whenever something was told and now and then.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		h.mu.Lock()
		rung := h.rung
		h.mu.Unlock()
		if ok() {
			return
		}
		again := time.NewTimer(10 * time.Millisecond)
		select {
		case <-rung:
		case <-again.C:
		case <-limit.C:
			h.t.Fatalf("%s did not come; not up: %q; the trace:\n%s", what, h.Node().WhyNotUp(), strings.Join(h.since(0), "\n"))
		}
		again.Stop()
	}
}

// settled reports whether everything in the tree runs: a gate may open, and orders fill, while a part is still on its way.
func (h *house) settled() bool {
	for _, sup := range h.Node().Tree().Snapshot().Sups {
		for e := range sup.Children() {
			if e.Status != supervision.Running {
				return false
			}
		}
	}
	return true
}

// trades waits until the node is up, everything in its tree runs, and it has some more fills.
func (h *house) trades() {
	h.t.Helper()
	h.until("the gate's opening", func() bool { return h.Node().Up() && h.settled() })
	before := h.Fills()
	h.until("another fill", func() bool { return h.Fills() > before })
}

// end takes the demonstration down, once, and gives its summary.
func (h *house) end() node.DemoAnswer {
	h.t.Helper()
	if h.ended {
		return node.DemoAnswer{}
	}
	h.ended = true
	h.Shutdown()
	var result supervision.Result
	select {
	case result = <-h.Ended():
	case <-time.After(patience):
		h.t.Fatal("the tree does not end")
	}
	a, err := h.Close(context.WithoutCancel(h.t.Context()), result)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}
