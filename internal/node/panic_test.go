package node_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// How the groups stop: always in the reverse of their start, children before their supervisor.
const (
	strategiesStop = `
		stop strategies#1
		stop strategies/cross1#1
		stop strategies/cross1/strategy#1
		exit strategies/cross1/strategy#1 shutdown
		exit strategies/cross1#1 shutdown
		stop strategies/roster#1
		exit strategies/roster#1 shutdown
		exit strategies#1 shutdown`
	feedsStop = `
		stop feeds#1
		stop feeds/SIM#1
		stop feeds/SIM/channel#1
		exit feeds/SIM/channel#1 shutdown
		stop feeds/SIM/b#1
		exit feeds/SIM/b#1 shutdown
		stop feeds/SIM/a#1
		exit feeds/SIM/a#1 shutdown
		exit feeds/SIM#1 shutdown
		stop feeds/roster#1
		exit feeds/roster#1 shutdown
		exit feeds#1 shutdown`
	accountPartsStop = `
		stop venues/A1/reconciler#1
		exit venues/A1/reconciler#1 shutdown
		stop venues/A1/orders#1
		exit venues/A1/orders#1 shutdown
		stop venues/A1/session#1
		exit venues/A1/session#1 shutdown`
	venuesStop = `
		stop venues#1
		stop venues/A1#1` + accountPartsStop + `
		exit venues/A1#1 shutdown
		stop venues/roster#1
		exit venues/roster#1 shutdown
		exit venues#1 shutdown`
	riskStop = `
		stop risk#1
		stop risk/holder#1
		exit risk/holder#1 shutdown
		exit risk#1 shutdown`
)

// How they come back: what is written below each other comes in this order, with others' lines between.
const (
	journalStarts = `
		start journal#2
		started journal#2`
	clusterStarts = `
		start cluster#2
		started cluster#2`
	riskStarts = `
		start risk#2
		start risk/holder#2
		started risk/holder#2
		ready risk/holder#2
		started risk#2`
	groupsStart = `
		start venues#2
		started venues#2
		start feeds#2
		started feeds#2
		start strategies#2
		started strategies#2`
	accountStarts = `
		start venues/A1#2
		start venues/A1/session#2
		started venues/A1/session#2
		start venues/A1/orders#2
		started venues/A1/orders#2
		start venues/A1/reconciler#2
		started venues/A1/reconciler#2
		ready venues/A1/reconciler#2
		started venues/A1#2
		reply start_child venues/A1 ok venues/A1#2`
	feedStarts = `
		start feeds/SIM#2
		start feeds/SIM/a#2
		ready feeds/SIM/a#2
		start feeds/SIM/b#2
		ready feeds/SIM/b#2
		start feeds/SIM/channel#2
		ready feeds/SIM/channel#2
		started feeds/SIM#2
		reply start_child feeds/SIM ok feeds/SIM#2`
	strategyStarts = `
		start strategies/cross1#2
		start strategies/cross1/strategy#2
		started strategies/cross1/strategy#2
		ready strategies/cross1/strategy#2
		started strategies/cross1#2
		reply start_child strategies/cross1 ok strategies/cross1#2`
	// An owner of orders that is new knows what the strategy was not told: it starts from the journal again.
	strategyAgain = `
		exit strategies/cross1/strategy#1 error
		restart strategies/cross1 strategies/cross1/strategy 1/3
		backoff strategies/cross1/strategy
		start strategies/cross1/strategy#2
		started strategies/cross1/strategy#2
		ready strategies/cross1/strategy#2`
	sessionAgain = `
		start venues/A1/session#2
		started venues/A1/session#2
		start venues/A1/orders#2
		started venues/A1/orders#2
		start venues/A1/reconciler#2
		started venues/A1/reconciler#2
		ready venues/A1/reconciler#2`
	everything = "journal cluster risk venues feeds strategies"
)

// breakdown is one panic: whose, what the tree says at first, word for word, what comes later, strand by strand, and the
// parts that may be touched at all. Everybody else goes on without a line.
type breakdown struct {
	who     string
	first   string
	later   []string
	touches string
}

var breakdowns = []breakdown{
	{"control/api", `
		exit control/api#1 crash
		restart control control/api 1/5
		start control/api#2
		started control/api#2`, nil, "control/api"},
	{"control/observer", `
		exit control/observer#1 crash
		restart control control/observer 1/5
		start control/observer#2
		started control/observer#2`, nil, "control/observer"},
	{
		"journal", `
		exit journal#1 crash
		restart root journal 1/3` + strategiesStop + feedsStop + venuesStop + riskStop + `
		stop cluster#1
		exit cluster#1 shutdown` + journalStarts + clusterStarts + riskStarts,
		[]string{groupsStart, accountStarts, feedStarts, strategyStarts},
		everything,
	},
	{
		"cluster", `
		exit cluster#1 crash
		restart root cluster 1/3` + strategiesStop + feedsStop + venuesStop + riskStop + clusterStarts + riskStarts,
		[]string{groupsStart, accountStarts, feedStarts, strategyStarts},
		everything,
	},
	{"risk/holder", `
		exit risk/holder#1 crash
		restart risk risk/holder 1/3
		backoff risk/holder
		start risk/holder#2`, []string{`
		started risk/holder#2
		ready risk/holder#2`, `
		exit venues/A1/session#1 shutdown
		restart venues/A1 venues/A1/session 1/5
		stop venues/A1/reconciler#1
		exit venues/A1/reconciler#1 shutdown
		stop venues/A1/orders#1
		exit venues/A1/orders#1 shutdown
		backoff venues/A1/session` + sessionAgain, strategyAgain}, "risk/holder venues/A1 strategies/cross1"},
	{"venues/roster", `
		stop venues/A1#1` + accountPartsStop + `
		exit venues/A1#1 shutdown
		reply terminate_child venues/A1 ok
		exit venues/roster#1 crash
		restart venues venues/roster 1/10
		start venues/roster#2
		started venues/roster#2`, []string{accountStarts, strategyAgain}, "venues strategies/cross1"},
	{"venues/A1/session", `
		exit venues/A1/session#1 crash
		restart venues/A1 venues/A1/session 1/5
		stop venues/A1/reconciler#1
		exit venues/A1/reconciler#1 shutdown
		stop venues/A1/orders#1
		exit venues/A1/orders#1 shutdown
		backoff venues/A1/session`, []string{sessionAgain, strategyAgain}, "venues/A1 strategies/cross1"},
	{"venues/A1/orders", `
		exit venues/A1/orders#1 crash
		restart venues/A1 venues/A1/orders 1/5
		stop venues/A1/reconciler#1
		exit venues/A1/reconciler#1 shutdown
		backoff venues/A1/orders
		start venues/A1/orders#2`, []string{`
		started venues/A1/orders#2
		start venues/A1/reconciler#2
		started venues/A1/reconciler#2
		ready venues/A1/reconciler#2`, strategyAgain}, "venues/A1/orders venues/A1/reconciler strategies/cross1"},
	{"venues/A1/reconciler", `
		exit venues/A1/reconciler#1 crash
		restart venues/A1 venues/A1/reconciler 1/5
		backoff venues/A1/reconciler
		start venues/A1/reconciler#2
		started venues/A1/reconciler#2
		ready venues/A1/reconciler#2`, nil, "venues/A1/reconciler"},
	{"feeds/roster", `
		stop feeds/SIM#1
		stop feeds/SIM/channel#1
		exit feeds/SIM/channel#1 shutdown
		stop feeds/SIM/b#1
		exit feeds/SIM/b#1 shutdown
		stop feeds/SIM/a#1
		exit feeds/SIM/a#1 shutdown
		exit feeds/SIM#1 shutdown
		reply terminate_child feeds/SIM ok
		exit feeds/roster#1 crash
		restart feeds feeds/roster 1/10
		start feeds/roster#2
		started feeds/roster#2`, []string{feedStarts}, "feeds"},
	{"feeds/SIM/a", `
		exit feeds/SIM/a#1 crash
		restart feeds/SIM feeds/SIM/a 1/5
		stop feeds/SIM/channel#1
		exit feeds/SIM/channel#1 shutdown
		stop feeds/SIM/b#1
		exit feeds/SIM/b#1 shutdown
		backoff feeds/SIM/a
		start feeds/SIM/a#2`, []string{`
		ready feeds/SIM/a#2
		start feeds/SIM/b#2
		ready feeds/SIM/b#2
		start feeds/SIM/channel#2
		ready feeds/SIM/channel#2`}, "feeds/SIM"},
	{"feeds/SIM/b", `
		exit feeds/SIM/b#1 crash
		restart feeds/SIM feeds/SIM/b 1/5
		stop feeds/SIM/channel#1
		exit feeds/SIM/channel#1 shutdown
		backoff feeds/SIM/b
		start feeds/SIM/b#2`, []string{`
		ready feeds/SIM/b#2
		start feeds/SIM/channel#2
		ready feeds/SIM/channel#2`}, "feeds/SIM/b feeds/SIM/channel"},
	{"feeds/SIM/channel", `
		exit feeds/SIM/channel#1 crash
		restart feeds/SIM feeds/SIM/channel 1/5
		backoff feeds/SIM/channel
		start feeds/SIM/channel#2`, []string{`
		started feeds/SIM/channel#2
		ready feeds/SIM/channel#2`}, "feeds/SIM/channel"},
	{"strategies/roster", `
		stop strategies/cross1#1
		stop strategies/cross1/strategy#1
		exit strategies/cross1/strategy#1 shutdown
		exit strategies/cross1#1 shutdown
		reply terminate_child strategies/cross1 ok
		exit strategies/roster#1 crash
		restart strategies strategies/roster 1/10
		start strategies/roster#2
		started strategies/roster#2`, []string{strategyStarts}, "strategies"},
	{"strategies/cross1/strategy", `
		exit strategies/cross1/strategy#1 crash
		restart strategies/cross1 strategies/cross1/strategy 1/3
		backoff strategies/cross1/strategy
		start strategies/cross1/strategy#2
		started strategies/cross1/strategy#2
		ready strategies/cross1/strategy#2`, nil, "strategies/cross1/strategy"},
}

func TestPanicInEachActor(t *testing.T) {
	t.Run("the table names every actor of the tree", func(t *testing.T) {
		t.Parallel()
		h := open(t, shipped(), nil)
		h.until("the whole tree", h.Node().Up)
		var want, got []string
		for _, b := range breakdowns {
			want = append(want, b.who)
		}
		h.until("as many actors as the table has: feeds and strategies are added when the static tree is up", func() bool {
			got = got[:0]
			for _, sup := range h.Node().Tree().Snapshot().Sups {
				for c := range sup.Children() {
					if !c.Sup {
						got = append(got, c.Path)
					}
				}
			}
			return len(got) >= len(want)
		})
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the tree has %v, the table %v", got, want)
		}
	})
	for _, b := range breakdowns {
		t.Run(b.who, func(t *testing.T) {
			t.Parallel()
			b.run(t)
		})
	}
}

// run breaks one actor of a house that trades, and wants the trace of the table, and a house that trades again.
func (b breakdown) run(t *testing.T) {
	h := open(t, shipped(), nil)
	h.trades()
	mark := h.mark()
	tree := h.Node().Tree()
	if err := tree.Inject(b.who, supervision.Panic); err != nil {
		t.Fatal(err)
	}
	if group, ok := strings.CutSuffix(b.who, "/roster"); ok { // it hears of nothing unless a child of its group goes
		child := map[string]string{"venues": "A1", "feeds": "SIM", "strategies": "cross1"}[group]
		tree.TerminateChild(group, child, nil)
	}
	strands := append([]string{b.first}, b.later...)
	h.until("the trace of the table", func() bool { return missing(h.since(mark), strands) == "" })
	h.trades()
	b.judge(t, h.since(mark))
	if b.who == "control/api" {
		h.answers("/livez", http.StatusOK)
	}
	a := h.end()
	if a.Result.Code != supervision.CodeOrderly || len(a.Differences) > 0 || a.Gate[len(a.Gate)-1].Mode != risk.Closed {
		t.Errorf("the end: %+v, differences %v, gate %v", a.Result, a.Differences, a.Gate)
	}
}

func (b breakdown) judge(t *testing.T, got []string) {
	t.Helper()
	first := written(b.first)
	for i, want := range first {
		if i >= len(got) || plainLine(got[i]) != want {
			t.Errorf("line %d of the trace is not %q:\n%s", i+1, want, strings.Join(got, "\n"))
			break
		}
	}
	for _, line := range got {
		if !b.mayTouch(line) {
			t.Errorf("%q: nobody but %s was to be touched", line, b.touches)
		}
	}
}

func (b breakdown) mayTouch(line string) bool {
	for part := range strings.FieldsSeq(b.touches) {
		path := pathIn(line)
		if path == part || strings.HasPrefix(path, part+"/") {
			return true
		}
	}
	return false
}

// missing names the first line of a strand that does not follow the ones before it, or nothing.
func missing(got, strands []string) string {
	for _, strand := range strands {
		at := 0
		for _, want := range written(strand) {
			i := slices.IndexFunc(got[at:], func(line string) bool { return plainLine(line) == want })
			if i < 0 {
				return want
			}
			at += i + 1
		}
	}
	return ""
}

// written are the lines of a table's text.
func written(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// plainLine is a line of the trace without what chance draws: how long a backoff is.
func plainLine(line string) string {
	w := strings.Fields(line)
	if w[0] == "backoff" {
		return w[0] + " " + w[1]
	}
	return line
}

// pathIn is the path that a line speaks of.
func pathIn(line string) string {
	w := strings.Fields(line)
	path := w[1]
	if w[0] == "restart" || w[0] == "reply" {
		path = w[2]
	}
	path, _, _ = strings.Cut(path, "#")
	return path
}
