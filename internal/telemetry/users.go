package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/failshut/failshut/strategy"
)

// users shows what strategies measure themselves. Which numbers these are is known only while they run.
type users struct{ *Metrics }

// Describe names nothing: the registry looks at what each scrape gives.
func (users) Describe(chan<- *prometheus.Desc) {}

// Collect reads every number. One name has one help, whichever strategy has said it: Prometheus wants it so.
func (u users) Collect(ch chan<- prometheus.Metric) {
	s := u.source.Load()
	if s == nil || s.Users == nil {
		return
	}
	described := map[string]*prometheus.Desc{}
	for _, m := range s.Users() {
		name := "user_" + m.Name
		if m.Kind == strategy.CounterMeter {
			name += "_total"
		}
		d := described[name]
		if d == nil {
			d = desc(name, m.Help, "strategy")
			described[name] = d
		}
		ch <- userMetric(d, &m)
	}
}

func userMetric(d *prometheus.Desc, m *strategy.Meter) prometheus.Metric {
	switch m.Kind {
	case strategy.CounterMeter:
		return prometheus.MustNewConstMetric(d, prometheus.CounterValue, m.Value, m.Strategy)
	case strategy.HistogramMeter:
		buckets, below := map[float64]uint64{}, uint64(0)
		for i, bound := range m.Bounds {
			below += m.Buckets[i]
			buckets[bound] = below
		}
		return prometheus.MustNewConstHistogram(d, below+m.Buckets[len(m.Bounds)], m.Value, buckets, m.Strategy)
	default:
		return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, m.Value, m.Strategy)
	}
}
