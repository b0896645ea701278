// Package telemetry turns what the core publishes into Prometheus metrics. It is the only room that knows Prometheus and
// OpenTelemetry; it reads at scrape time what is published anyway (P6: every mailbox is bounded and counted, and the
// counts are shown), and it never slows an order. Labels are bounded: a mailbox is labelled by its class, a child by its
// path in the static tree, where whatever is started into it later shares one name (Places).
package telemetry

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// Source is what is read at each scrape. Every function must answer from what is published, and may be nil.
type Source struct {
	Boxes    func() []actors.BoxStats
	Feeds    func(visit func(feed, state string))                // each book or channel with its state
	Gate     func(visit func(scope, mode string))                // each scope with its effective mode
	Orders   func(visit func(account, status string, n int))     // open orders by status
	Aside    func(visit func(account, kind string, n int))       // what is set aside
	Breakers func(visit func(dependency, account, state string)) // each with its state
	Users    func() []strategy.Meter                             // what strategies measure themselves
	Tree     func() *supervision.Snapshot                        // nil before there is one; needs Now
	Places   func() *Places                                      // of the tree; nil before there is one
	Now      func() time.Time                                    // of the tree's clock
}

// Metrics holds the registry of one process.
type Metrics struct {
	registry *prometheus.Registry
	tree     *tree
	refused  *prometheus.CounterVec
	fills    prometheus.Counter
	source   atomic.Pointer[Source]

	strategies *strategies
}

var (
	boxDepth    = desc("mailbox_queued", "Messages that wait, by class and lane.", "class", "lane")
	boxCapacity = desc("mailbox_capacity", "Bound of a lane, summed over the mailboxes of a class.", "class", "lane")
	boxAccepted = desc("mailbox_accepted_total", "Messages taken in.", "class", "lane")
	boxHandled  = desc("mailbox_handled_total", "Messages handled.", "class", "lane")
	boxDropped  = desc("mailbox_dropped_total", "Accepted messages that were not handled, by reason.", "class", "lane", "reason")
	boxRefused  = desc("mailbox_refused_total", "Messages refused, by reason.", "class", "lane", "reason")
	feedState   = desc("feed_state", "1 for the state a book is in.", "instrument", "state")
	gateMode    = desc("gate_mode", "1 for the effective mode of a scope.", "scope", "mode")
	breakers    = desc("breaker_state", "1 for the state of the breaker before a dependency.", "dependency", "account", "state")
	aside       = desc("set_aside", "Events of orders and market data that no incarnation of a strategy has dealt with, since incarnations ended of it.", "account", "kind")
	ordersOpen  = desc("orders", "Orders that are not closed, by status.", "account", "status")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("failshut_"+name, help, labels, nil)
}

// New makes the metrics of one process; Read says later what they read.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		tree:     newTree(),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "failshut_refused_total", Help: "Orders refused, by reason."}, []string{"reason"}),
		fills:    prometheus.NewCounter(prometheus.CounterOpts{Name: "failshut_fills_total", Help: "Executions, each once."}),
	}
	m.strategies = newStrategies(m.registry)
	m.registry.MustRegister(m.tree.collectors()...)
	m.registry.MustRegister(m.refused, m.fills, collector{m}, standing{m}, users{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Read says what is read from now on.
func (m *Metrics) Read(s Source) { m.source.Store(&s) }

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Refused counts an order that was refused.
func (m *Metrics) Refused(reason string) { m.refused.WithLabelValues(reason).Inc() }

// Filled counts an execution.
func (m *Metrics) Filled() { m.fills.Inc() }

// collector reads the source at each scrape. It is not exported, so that no type of Prometheus shows.
type collector struct{ *Metrics }

// Describe names what Collect gives.
func (m collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{boxDepth, boxCapacity, boxAccepted, boxHandled, boxDropped, boxRefused, feedState, gateMode, ordersOpen, aside, breakers} {
		ch <- d
	}
}

// Collect reads the source.
func (m collector) Collect(ch chan<- prometheus.Metric) {
	s := m.source.Load()
	if s == nil {
		return
	}
	if s.Boxes != nil {
		collectBoxes(ch, s.Boxes())
	}
	one := func(d *prometheus.Desc) func(string, string) {
		return func(a, b string) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1, a, b) }
	}
	if s.Feeds != nil {
		s.Feeds(one(feedState))
	}
	if s.Breakers != nil {
		s.Breakers(func(dependency, account, state string) {
			ch <- prometheus.MustNewConstMetric(breakers, prometheus.GaugeValue, 1, dependency, account, state)
		})
	}
	if s.Gate != nil {
		s.Gate(one(gateMode))
	}
	several := func(d *prometheus.Desc) func(string, string, int) {
		return func(a, b string, n int) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), a, b)
		}
	}
	if s.Orders != nil {
		s.Orders(several(ordersOpen))
	}
	if s.Aside != nil {
		s.Aside(several(aside))
	}
}

type laneKey struct {
	class string
	lane  mailbox.Lane
}

func collectBoxes(ch chan<- prometheus.Metric, boxes []actors.BoxStats) {
	sums := map[laneKey]mailbox.LaneStats{}
	for _, b := range boxes {
		for i, s := range b.Lanes {
			if s.Cap == 0 && s.Offered == 0 {
				continue
			}
			k := laneKey{string(b.Class), mailbox.Lane(i + 1)}
			sum := sums[k].Add(s)
			sum.Cap = sums[k].Cap + s.Cap
			sums[k] = sum
		}
	}
	for k, s := range sums {
		class, lane := k.class, k.lane.String()
		ch <- prometheus.MustNewConstMetric(boxDepth, prometheus.GaugeValue, float64(s.Queued), class, lane)
		ch <- prometheus.MustNewConstMetric(boxCapacity, prometheus.GaugeValue, float64(s.Cap), class, lane)
		ch <- prometheus.MustNewConstMetric(boxAccepted, prometheus.CounterValue, float64(s.Accepted), class, lane)
		ch <- prometheus.MustNewConstMetric(boxHandled, prometheus.CounterValue, float64(s.Handled), class, lane)
		for reason, n := range s.Dropped.All() {
			ch <- prometheus.MustNewConstMetric(boxDropped, prometheus.CounterValue, float64(n), class, lane, reason.String())
		}
		for reason, n := range s.Refused.All() {
			ch <- prometheus.MustNewConstMetric(boxRefused, prometheus.CounterValue, float64(n), class, lane, reason.String())
		}
	}
}
