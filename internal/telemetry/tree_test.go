package telemetry_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/telemetry"
	"github.com/failshut/failshut/supervision"
)

// aTree has a group with a roster, a simple supervisor, and a child of the root.
func aTree() (*supervision.Spec, map[string][]supervision.Child) {
	worker := func(name string) supervision.Child { return supervision.DefaultChild(name, nil) }
	pool := supervision.Spec{Strategy: supervision.SimpleOneForOne, Children: []supervision.Child{worker("conn")}}
	spec := supervision.DefaultSpec("root", worker("risk"),
		supervision.SubTree("venues", supervision.DefaultSpec("", worker("roster"))), supervision.SubTree("pool", pool))
	account := supervision.DefaultSpec("", worker("session"), worker("orders"))
	return &spec, map[string][]supervision.Child{"venues": {supervision.SubTree("A1", account), supervision.SubTree("A2", account)}}
}

func TestPlacesAreAsManyAsTheSpecsHave(t *testing.T) {
	spec, rosters := aTree()
	p := telemetry.NewPlaces(spec, rosters)
	for path, want := range map[string]string{
		"": "root", "root": "root", "risk": "risk", "venues": "venues", "venues/roster": "venues/roster",
		"venues/A1": "venues/*", "venues/A2/orders": "venues/*/orders", "venues/A9/session": "venues/*/session",
		"venues/A1/hedge": "venues/*/*", "venues/A1/hedge/deeper/still": "venues/*/*",
		"pool/conn": "pool/conn", "pool/c7": "pool/conn", "pool/c8": "pool/conn",
		"late": "*", "late/below": "*", "risk/below": "risk/*",
	} {
		if got := p.Of(path); got != want {
			t.Errorf("%q is shown as %q, want %q", path, got, want)
		}
	}
	seen := map[string]bool{}
	for i := range 10_000 {
		for _, path := range []string{"pool/c%d", "venues/A%d", "venues/A%d/orders", "venues/A1/x%d", "venues/x%[1]d/y%[1]d/z%[1]d", "x%d"} {
			seen[p.Of(fmt.Sprintf(path, i))] = true
		}
	}
	if len(seen) != 5 {
		t.Errorf("60,000 names of children are shown as %v, want 5 labels", seen)
	}
	if n := testing.AllocsPerRun(100, func() { p.Of("venues/A1/orders") }); n != 0 {
		t.Errorf("a label costs %v allocations", n)
	}
}

var began = time.Unix(1000, 0)

// measuredTree is metrics that a test tells what a tree does, and what they answer.
type measuredTree struct {
	*telemetry.Metrics
	hooks supervision.Events
	snap  *supervision.Snapshot
	now   time.Time
}

func measured() *measuredTree {
	m := &measuredTree{Metrics: telemetry.New(), now: began}
	m.hooks = m.Tree()
	p := telemetry.NewPlaces(aTree())
	m.Read(telemetry.Source{
		Tree:   func() *supervision.Snapshot { return m.snap },
		Places: func() *telemetry.Places { return p },
		Now:    func() time.Time { return m.now },
	})
	return m
}

func (m *measuredTree) line(after time.Duration, d supervision.Decision) {
	m.hooks.Decision(began.Add(after), d)
}

func (m *measuredTree) wants(t *testing.T, lines ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("the scrape answers %d: %s", w.Code, w.Body)
	}
	for _, line := range lines {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("the scrape lacks %q:\n%s", line, ours(w.Body.String()))
		}
	}
}

// ours are the lines of a scrape that are not of the Go runtime.
func ours(body string) string {
	var out []string
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "failshut_") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func TestARestartIsCountedByWhatTheChildEndedWith(t *testing.T) {
	m := measured()
	end := func(path string, why supervision.Reason) {
		m.line(0, supervision.Decision{Kind: supervision.LineExit, Path: path, Epoch: 1, Reason: why})
		m.line(0, supervision.Decision{Kind: supervision.LineRestart, Sup: path[:strings.LastIndexByte(path, '/')], Path: path, N: 1, M: 3})
	}
	for path, why := range map[string]supervision.Reason{
		"venues/A1/orders": "crash", "venues/A2/orders": "crash", "venues/A1/session": "shutdown:by_the_venue",
		"pool/c1": "any_word_7", "pool/c2": "any_word_8",
	} {
		end(path, why)
	}
	m.line(0, supervision.Decision{Kind: supervision.LineAbandon, Path: "risk", Epoch: 1, Reason: supervision.HungEnd})
	m.line(0, supervision.Decision{Kind: supervision.LineRestart, Sup: "root", Path: "risk", N: 1, M: 3})
	m.line(0, supervision.Decision{Kind: supervision.LineFailed, Path: "risk", Epoch: 2, Reason: supervision.NotReady})
	m.line(0, supervision.Decision{Kind: supervision.LineRestart, Sup: "root", Path: "risk", N: 2, M: 3})
	m.line(0, supervision.Decision{Kind: supervision.LineEscalate, Sup: "venues/A1", Path: "venues/A1/orders", Reason: supervision.Intensity})
	m.hooks.GaveUp("venues/A1", 3)
	m.wants(t,
		`failshut_restarts_total{child="venues/*/orders",reason="crash",supervisor="venues/*"} 2`,
		`failshut_restarts_total{child="venues/*/session",reason="shutdown",supervisor="venues/*"} 1`,
		`failshut_restarts_total{child="pool/conn",reason="other",supervisor="pool"} 2`,
		`failshut_restarts_total{child="risk",reason="hung",supervisor="root"} 1`,
		`failshut_restarts_total{child="risk",reason="not_ready",supervisor="root"} 1`,
		`failshut_abandoned_total{cause="hung",child="risk"} 1`,
		`failshut_escalations_total{supervisor="venues/*"} 1`, `failshut_gave_up_total{child="venues/*"} 1`)
}

// From the end at 1 s to the third start at 8 s, which is ready 2 s later, are 9 s; the failed start in between is no end of it.
func TestTheTimeWithoutAChildCountsFromItsFirstEnd(t *testing.T) {
	m := measured()
	for at, d := range []supervision.Decision{
		1: {Kind: supervision.LineExit, Path: "risk", Epoch: 1, Reason: supervision.Crashed},
		2: {Kind: supervision.LineStart, Path: "risk", Epoch: 2},
		4: {Kind: supervision.LineFailed, Path: "risk", Epoch: 2, Reason: supervision.NotReady},
		8: {Kind: supervision.LineStart, Path: "risk", Epoch: 3},
	} {
		if d.Kind != 0 {
			m.line(time.Duration(at)*time.Second, d)
		}
	}
	m.hooks.Ready("risk", 3, 2*time.Second)
	m.hooks.Ready("venues/A1/orders", 1, 20*time.Millisecond) // a first start follows no end
	m.hooks.Stopped("pool/c1", 1, 3*time.Second)
	m.wants(t,
		`failshut_recovery_seconds_sum{child="risk"} 9`, `failshut_recovery_seconds_count{child="risk"} 1`,
		`failshut_start_seconds_sum{child="risk"} 2`, `failshut_start_seconds_count{child="venues/*/orders"} 1`,
		`failshut_stop_seconds_sum{child="pool/conn"} 3`)
	m.hooks.Ready("risk", 3, time.Second)
	m.wants(t, `failshut_recovery_seconds_count{child="risk"} 1`)
}

// A hundred thousand instances that never come back leave the last ones known, and the label of a reason for those long gone.
func TestInstancesThatNeverComeBackTakeNoRoom(t *testing.T) {
	m := measured()
	for i := range 100_000 {
		m.line(0, supervision.Decision{Kind: supervision.LineExit, Path: fmt.Sprintf("pool/c%d", i), Epoch: 1, Reason: supervision.Crashed})
	}
	m.line(0, supervision.Decision{Kind: supervision.LineRestart, Sup: "pool", Path: "pool/c99999", N: 1, M: 1})
	m.line(0, supervision.Decision{Kind: supervision.LineRestart, Sup: "pool", Path: "pool/c1", N: 1, M: 1})
	m.wants(t,
		`failshut_restarts_total{child="pool/conn",reason="crash",supervisor="pool"} 1`,
		`failshut_restarts_total{child="pool/conn",reason="other",supervisor="pool"} 1`)
	if n := m.Remembered(); n > 2*16_384 {
		t.Errorf("%d ends are remembered", n)
	}
}

// The children are those of a tree that runs, with one instance that waits; what else a snapshot may show is put beside them.
func TestAScrapeReadsThePublishedTree(t *testing.T) {
	m := measured()
	m.wants(t, "failshut_tree_journal_dead 0") // and nothing of a tree that is not there
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(began), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	runs := func(_ context.Context, b *supervision.Birth) error {
		b.Run(func(ctx context.Context, out actors.Outside) error { return out.Until(ctx, began.Add(time.Hour)) })
		return nil
	}
	conn := supervision.DefaultChild("conn", runs)
	conn.Manual, conn.StartTimeout = true, supervision.Infinity
	tree, err := supervision.Start(t.Context(), sys, supervision.DefaultSpec("root", supervision.DefaultChild("risk", runs),
		supervision.SubTree("pool", supervision.Spec{
			Strategy: supervision.SimpleOneForOne, Intensity: 1, Period: time.Minute, Children: []supervision.Child{conn},
		})), supervision.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"c1", "c2", "c3"} {
		tree.StartChild("pool", supervision.Child{Name: name}, nil, nil)
	}
	if err := sys.Advance(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	tree.TerminateChild("pool", "c3", nil)
	if err := sys.Advance(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	s := *tree.Snapshot()
	s.Budget, s.Taken, s.Held = supervision.Budget{Starts: 5, Within: time.Second}, 3, []string{"pool/c1", "pool/c2"}
	s.Zombies = []supervision.Incarnation{{Path: "venues/A1/orders", Epoch: 1}, {Path: "venues/A1/orders", Epoch: 2}}
	s.Sups = append(slices.Clone(s.Sups), &supervision.Supervisor{Path: "venues/A1", Allowed: 3}, &supervision.Supervisor{Path: "venues/A2", Allowed: 1})
	m.snap = &s
	m.hooks.JournalDropped(7)
	m.hooks.JournalDead(nil)
	m.wants(t,
		`failshut_children{child="pool/conn",state="starting"} 2`, `failshut_children{child="risk",state="running"} 1`,
		`failshut_children{child="pool",state="running"} 1`,
		`failshut_intensity_left{supervisor="root"} 1`, `failshut_intensity_left{supervisor="venues/*"} 1`,
		"failshut_restart_budget_left 2", "failshut_restart_budget_held 2", `failshut_zombies{child="venues/*/orders"} 2`,
		"failshut_tree_journal_dropped_total 7", "failshut_tree_journal_dead 1")
	tree.Stop()
	if err := sys.Drive(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := sys.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
