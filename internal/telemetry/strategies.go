package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/strategy"
)

// strategies are what the hooks of strategies feed. Every label is of a closed set, but for the names that the configuration gives.
type strategies struct {
	starts, ready, decisions, effects, refused, held, lapsed, absorbed, repeated *prometheus.CounterVec
	withdrawn, snapshots, setAside, ended, outOfTurn                             *prometheus.CounterVec
	readyIn, decidedIn, snapshotIn                                               *prometheus.HistogramVec
	snapshotBytes, goroutines                                                    *prometheus.GaugeVec
}

// The bounds of times, in seconds.
var (
	quickTimes = prometheus.ExponentialBuckets(1e-6, 4, 10) // 1 µs to 262 ms
	slowTimes  = prometheus.ExponentialBuckets(1e-3, 4, 8)  // 1 ms to 16 s
)

func newStrategies(r prometheus.Registerer) *strategies {
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "failshut_strategy_" + name, Help: help}, append([]string{"strategy"}, labels...))
		r.MustRegister(v)
		return v
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "failshut_strategy_" + name, Help: help}, []string{"strategy"})
		r.MustRegister(v)
		return v
	}
	times := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "failshut_strategy_" + name, Help: help, Buckets: buckets}, []string{"strategy"})
		r.MustRegister(v)
		return v
	}
	return &strategies{
		starts:        count("starts_total", "Incarnations whose state has come, by why they start.", "why"),
		ready:         count("ready_total", "Incarnations that became ready, by evidence.", "evidence"),
		decisions:     count("decisions_total", "Turns in which wishes left."),
		effects:       count("wishes_total", "Wishes that left."),
		refused:       count("refused_total", "Wishes that the strategy's own shell refused, by reason.", "reason"),
		held:          count("held_total", "Goals that began to wait, by reason.", "reason"),
		lapsed:        count("lapsed_total", "Goals that waited for too long."),
		absorbed:      count("absorbed_total", "Goals that were said again with nothing to do."),
		repeated:      count("repeated_total", "Decisions that had been made before."),
		withdrawn:     count("policy_orders_total", "Working orders of incarnations that ended, by what became of them.", "fate"),
		snapshots:     count("snapshots_total", "Snapshots that were taken."),
		setAside:      count("snapshots_set_aside_total", "Snapshots that were set aside, by why.", "why"),
		ended:         count("ended_total", "Incarnations that ended, by reason.", "reason"),
		outOfTurn:     count("out_of_turn_total", "Uses of a Context outside its handler."),
		readyIn:       times("ready_seconds", "From the first asking for its state until an incarnation was ready.", slowTimes),
		decidedIn:     times("decided_seconds", "From the beginning of a turn until its wishes had left.", quickTimes),
		snapshotIn:    times("snapshot_seconds", "Time that a strategy takes for its snapshot, in its turn.", quickTimes),
		snapshotBytes: gauge("snapshot_bytes", "Length of the last snapshot."),
		goroutines:    gauge("goroutines", "Goroutines that the last incarnation to end has left behind."),
	}
}

// Strategies are hooks that count what strategies do.
func (m *Metrics) Strategies() strategy.Events {
	s := m.strategies
	return strategy.Events{
		Started: func(name string, why strategy.Why) { s.starts.WithLabelValues(name, string(why)).Inc() },
		Ready: func(name, evidence string, took time.Duration) {
			s.ready.WithLabelValues(name, evidence).Inc()
			s.readyIn.WithLabelValues(name).Observe(took.Seconds())
		},
		Decided: func(name string, effects int, took time.Duration) {
			s.decisions.WithLabelValues(name).Inc()
			s.effects.WithLabelValues(name).Add(float64(effects))
			s.decidedIn.WithLabelValues(name).Observe(took.Seconds())
		},
		Refused: func(name, reason string, n int) {
			m.refused.WithLabelValues(reason).Add(float64(n))
			s.refused.WithLabelValues(name, reason).Add(float64(n))
		},
		Held:     func(name, reason string) { s.held.WithLabelValues(name, reason).Inc() },
		Lapsed:   func(name string) { s.lapsed.WithLabelValues(name).Inc() },
		Absorbed: func(name string) { s.absorbed.WithLabelValues(name).Inc() },
		Repeated: func(name string) { s.repeated.WithLabelValues(name).Inc() },
		Policy: func(name string, cancelled, kept int) {
			s.withdrawn.WithLabelValues(name, "cancelled").Add(float64(cancelled))
			s.withdrawn.WithLabelValues(name, "kept").Add(float64(kept))
		},
		Snapshot: func(name string, bytes int, took time.Duration) {
			s.snapshots.WithLabelValues(name).Inc()
			s.snapshotBytes.WithLabelValues(name).Set(float64(bytes))
			s.snapshotIn.WithLabelValues(name).Observe(took.Seconds())
		},
		SnapshotSetAside: func(name, why string) { s.setAside.WithLabelValues(name, why).Inc() },
		Goroutines:       func(name string, n int) { s.goroutines.WithLabelValues(name).Set(float64(n)) },
		Ended:            func(name, reason string) { s.ended.WithLabelValues(name, reasonLabel(reason)).Inc() },
		OutOfTurn:        func(name string) { s.outOfTurn.WithLabelValues(name).Inc() },
	}
}

// reasonLabel is a reason of the runtime's own, or "other": a strategy may end itself with any word.
func reasonLabel(reason string) string {
	switch r := actors.Reason(reason); r {
	case actors.ReasonNormal, actors.ReasonShutdown, actors.ReasonError, actors.ReasonCrash, actors.ReasonGoexit, actors.ReasonHung,
		actors.ReasonKilled, actors.ReasonAbandoned, strategy.EndFlood:
		return reason
	default:
		return "other"
	}
}
