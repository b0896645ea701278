package telemetry

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

// tree counts what the hooks of a supervision tree tell. Its hooks are called by the tree alone, one after the other, but for
// GaveUp.
type tree struct {
	restarts, abandoned, escalations, gaveUp *prometheus.CounterVec
	recovery, start, stop                    *prometheus.HistogramVec
	dropped                                  prometheus.Counter
	dead                                     prometheus.Gauge
	down                                     [2]map[string]fall // by path: those noted lately, and those before them
}

// fall is since when a path is down, and why it ended last.
type fall struct {
	at    time.Time
	why   string
	again time.Duration // until its last start
}

// falls is how many paths are remembered as down in each of two halves: what is longer ago than so many others is forgotten, so
// that instances which never come back take no room. All of a tree may be down at once and still be known.
const falls = 16_384

var took = []float64{.001, .005, .025, .1, .5, 1, 5, 10, 30, 60, 300}

func newTree() *tree {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "failshut_" + name, Help: help}, labels)
	}
	times := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "failshut_" + name, Help: help, Buckets: took}, []string{"child"})
	}
	return &tree{
		restarts:    counter("restarts_total", "Restarts granted, by what the child had ended with.", "supervisor", "child", "reason"),
		abandoned:   counter("abandoned_total", "Incarnations that did not end in time and were fenced and left.", "child", "cause"),
		escalations: counter("escalations_total", "Times a supervisor gave up.", "supervisor"),
		gaveUp:      counter("gave_up_total", "Times a roster left a child down for an operator.", "child"),
		recovery:    times("recovery_seconds", "From an end until the next incarnation is ready."),
		start:       times("start_seconds", "From a start until it is ready."),
		stop:        times("stop_seconds", "From being told to stop until the end, or until it is left."),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "failshut_tree_journal_dropped_total", Help: "Decisions of the tree that its journal had no room for.",
		}),
		dead: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "failshut_tree_journal_dead", Help: "1 when no decision of the tree is written any more.",
		}),
		down: [2]map[string]fall{{}, {}},
	}
}

func (t *tree) collectors() []prometheus.Collector {
	return []prometheus.Collector{t.restarts, t.abandoned, t.escalations, t.gaveUp, t.recovery, t.start, t.stop, t.dropped, t.dead}
}

// Tree are the hooks that count what a supervision tree does. They are for one tree.
func (m *Metrics) Tree() supervision.Events {
	t := m.tree
	return supervision.Events{
		Decision: m.decided,
		Ready: func(path string, _ uint64, since time.Duration) {
			t.start.WithLabelValues(m.place(path)).Observe(since.Seconds())
			if f, ok := t.fell(path); ok {
				t.recovery.WithLabelValues(m.place(path)).Observe((f.again + since).Seconds())
				t.rose(path)
			}
		},
		Stopped: func(path string, _ uint64, since time.Duration) {
			t.stop.WithLabelValues(m.place(path)).Observe(since.Seconds())
		},
		GaveUp:         func(path string, _ int) { t.gaveUp.WithLabelValues(m.place(path)).Inc() },
		JournalDropped: func(n int) { t.dropped.Add(float64(n)) },
		JournalDead:    func(error) { t.dead.Set(1) },
	}
}

// decided takes one line of the tree's trace.
func (m *Metrics) decided(at time.Time, d supervision.Decision) {
	t := m.tree
	switch d.Kind {
	case supervision.LineExit, supervision.LineFailed, supervision.LineIgnore:
		t.fall(d.Path, at, bounded(d.Reason))
	case supervision.LineAbandon:
		t.abandoned.WithLabelValues(m.place(d.Path), bounded(d.Reason)).Inc()
		t.fall(d.Path, at, bounded(d.Reason))
	case supervision.LineStart:
		if f, ok := t.fell(d.Path); ok {
			f.again = at.Sub(f.at)
			t.note(d.Path, f)
		}
	case supervision.LineRestart:
		why := "other"
		if f, ok := t.fell(d.Path); ok {
			why = f.why
		}
		t.restarts.WithLabelValues(m.place(d.Sup), m.place(d.Path), why).Inc()
	case supervision.LineEscalate:
		t.escalations.WithLabelValues(m.place(d.Sup)).Inc()
	default: // what is left is counted by nobody
	}
}

// fall notes that a path is down, from its first end on.
func (t *tree) fall(path string, at time.Time, why string) {
	f, down := t.fell(path)
	if !down {
		f.at = at
	}
	f.why = why
	t.note(path, f)
}

func (t *tree) fell(path string) (fall, bool) {
	f, ok := t.down[0][path]
	if !ok {
		f, ok = t.down[1][path]
	}
	return f, ok
}

func (t *tree) note(path string, f fall) {
	if len(t.down[0]) >= falls {
		t.down[1], t.down[0] = t.down[0], map[string]fall{}
	}
	t.down[0][path] = f
}

func (t *tree) rose(path string) {
	delete(t.down[0], path)
	delete(t.down[1], path)
}

// bounded is a reason as a label: one of those that the runtime itself gives, for a program may end with any word.
func bounded(why supervision.Reason) string {
	switch why {
	case supervision.Normal, supervision.ShutdownEnd, supervision.Crashed, supervision.Killed, supervision.Intensity, supervision.StartFailed,
		supervision.TimedOut, supervision.NotReady, supervision.HungEnd, supervision.Panicked,
		supervision.Reason(actors.ReasonError), supervision.Reason(actors.ReasonGoexit),
		"stop", "start", "kill", "parent": // causes of being left
		return string(why)
	}
	if strings.HasPrefix(string(why), "shutdown:") {
		return string(supervision.ShutdownEnd)
	}
	return "other"
}

var (
	childState    = desc("children", "Children of the supervision tree by where they stand.", "child", "state")
	intensityLeft = desc("intensity_left", "Restarts that a supervisor still allows within its period; of several under one label, the least.", "supervisor")
	budgetLeft    = desc("restart_budget_left", "Restarts that the budget of the whole tree still lets begin.")
	budgetHeld    = desc("restart_budget_held", "Children that wait for the budget of the whole tree.")
	zombies       = desc("zombies", "Incarnations that were left and have not ended.", "child")
)

// standing reads the published tree at each scrape.
type standing struct{ *Metrics }

// Describe names what Collect gives.
func (standing) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{childState, intensityLeft, budgetLeft, budgetHeld, zombies} {
		ch <- d
	}
}

// Collect reads the tree.
func (m standing) Collect(ch chan<- prometheus.Metric) {
	src := m.source.Load()
	if src == nil || src.Tree == nil {
		return
	}
	s := src.Tree()
	if s == nil {
		return
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	now := src.Now()
	type standing struct{ child, state string }
	states, left, gone := map[standing]int{}, map[string]int{}, map[string]int{}
	for _, sup := range s.Sups {
		label := m.place(sup.Path)
		n := max(sup.Allowed-sup.UsedAt(now), 0)
		if least, ok := left[label]; ok {
			n = min(n, least)
		}
		left[label] = n
		for e := range sup.Children() {
			states[standing{m.place(e.Path), e.Status.String()}]++
		}
	}
	for _, z := range s.Zombies {
		gone[m.place(z.Path)]++
	}
	for k, n := range states {
		gauge(childState, n, k.child, k.state)
	}
	for label, n := range left {
		gauge(intensityLeft, n, label)
	}
	for label, n := range gone {
		gauge(zombies, n, label)
	}
	if s.Budget != (supervision.Budget{}) {
		gauge(budgetLeft, s.Budget.Starts-s.Taken)
		gauge(budgetHeld, len(s.Held))
	}
}

// place is the label of a path, "other" before anybody has said what there is.
func (m *Metrics) place(path string) string {
	if s := m.source.Load(); s != nil && s.Places != nil {
		if p := s.Places(); p != nil {
			return p.Of(path)
		}
	}
	return "other"
}
