package node_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/supervision"
)

// measuredHouse is a demonstration whose door serves its metrics.
func measuredHouse(t *testing.T, change func(*node.DemoConfig)) *house {
	t.Helper()
	return open(t, shipped(), func(c *node.DemoConfig) {
		metrics, hooks := node.Measured()
		c.Metrics, c.Hooks.Tree = metrics, hooks.Tree
		if change != nil {
			change(c)
		}
	})
}

// scrape is the answer of /metrics, by name and labels.
func (h *house) scrape() map[string]float64 {
	h.t.Helper()
	status, body := get(h.t, h.Admin(), "/metrics")
	if status != 200 {
		h.t.Fatalf("/metrics answers %d: %s", status, body)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				h.t.Fatalf("/metrics says %q: %v", line, err)
			}
			out[name] = n
		}
	}
	return out
}

func (h *house) shows(want map[string]float64) {
	h.t.Helper()
	got := h.scrape()
	for name, n := range want {
		if v, ok := got[name]; !ok || v != n {
			h.t.Errorf("%s is %v (there: %v), want %v", name, v, ok, n)
		}
	}
}

// What the tree does is seen from outside: who was restarted and why, what is left of intensity and budget, how everybody stands.
func TestAScrapeShowsWhatTheTreeDoes(t *testing.T) {
	h := measuredHouse(t, nil)
	h.trades()
	const owner = "venues/A1/orders"
	budget := h.scrape()["failshut_restart_budget_left"]
	if n, ok := h.scrape()[`failshut_recovery_seconds_count{child="venues/*/orders"}`]; ok {
		t.Errorf("%v recoveries before anything ended", n)
	}
	left := h.scrape()[`failshut_intensity_left{supervisor="venues/*"}`]
	if budget < 1 || left < 1 {
		t.Fatalf("the budget has %v left, the account's supervisor %v: nothing to count down from", budget, left)
	}
	h.shows(map[string]float64{
		`failshut_children{child="venues/*/orders",state="running"}`:       1,
		`failshut_children{child="strategies/*/strategy",state="running"}`: 1,
		`failshut_children{child="control/api",state="running"}`:           1,
		"failshut_tree_journal_dead":                                       0,
		"failshut_restart_budget_held":                                     0,
	})

	mark := h.mark()
	if err := h.Node().Tree().Inject(owner, supervision.Panic); err != nil {
		t.Fatal(err)
	}
	h.until("the restart", func() bool {
		return strings.Contains(strings.Join(h.since(mark), "\n"), "restart venues/A1 "+owner+" 1/")
	})
	h.trades()
	h.shows(map[string]float64{
		`failshut_restarts_total{child="venues/*/orders",reason="crash",supervisor="venues/*"}`: 1,
		`failshut_intensity_left{supervisor="venues/*"}`:                                        left - 1,
		`failshut_recovery_seconds_count{child="venues/*/orders"}`:                              1,
		`failshut_start_seconds_count{child="venues/*/orders"}`:                                 2,
		`failshut_children{child="venues/*/orders",state="running"}`:                            1,
	})
	for name := range h.scrape() {
		if strings.Contains(name, "A1/") && !strings.HasPrefix(name, "failshut_mailbox") && !strings.HasPrefix(name, "failshut_gate") {
			t.Errorf("%s names an account's child", name)
		}
	}
}

// A journal of decisions that cannot be opened is dead from the start: it is told and shown, and the node trades all the same.
func TestADeadJournalOfDecisionsIsShownAndChangesNothing(t *testing.T) {
	died := make(chan error, 2)
	h := measuredHouse(t, func(c *node.DemoConfig) {
		change, tree := c.Change, c.Hooks.Tree
		c.Change = func(p *node.Plan) {
			change(p)
			if err := os.MkdirAll(c.Dir, 0o700); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(filepath.Join(c.Dir, "supervision"), nil, 0o600); err != nil {
				t.Error(err)
			}
		}
		c.Hooks.Tree.JournalDead = func(err error) {
			tree.JournalDead(err)
			died <- err
		}
	})
	h.trades()
	h.until("the word that the journal is dead", func() bool { return h.scrape()["failshut_tree_journal_dead"] == 1 })
	if len(died) != 1 {
		t.Errorf("it was told %d times, want once", len(died))
	}
	if err := <-died; err == nil {
		t.Error("it was told without a reason")
	}
}

// Every metric that a node shows is in the documentation.
func TestEveryMetricIsDocumented(t *testing.T) {
	h := measuredHouse(t, nil)
	h.trades()
	if err := h.Node().Tree().Inject("venues/A1/orders", supervision.Panic); err != nil {
		t.Fatal(err)
	}
	h.until("the restart", func() bool { return strings.Contains(strings.Join(h.since(0), "\n"), "restart venues/A1 ") })
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.Contains(cells[1], "`failshut_") {
			continue
		}
		base := ""
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
			if base == "" {
				base = name[1][:strings.LastIndexByte(strings.TrimSuffix(name[1], "_total"), '_')]
			}
			if strings.HasPrefix(name[1], "_") {
				name[1] = base + name[1]
			}
			documented[name[1]] = true
		}
	}
	_, body := get(t, h.Admin(), "/metrics")
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (failshut_\w+)`).FindAllStringSubmatch(string(body), -1) {
		if !documented[m[1]] && !strings.HasPrefix(m[1], "failshut_user_") {
			t.Errorf("%s is not in docs/api.md", m[1])
		}
	}
	for _, m := range []string{"failshut_restarts_total", "failshut_children", "failshut_tree_journal_dead"} {
		if !strings.Contains(string(body), "# TYPE "+m+" ") {
			t.Errorf("%s is not in the scrape", m)
		}
	}
}
