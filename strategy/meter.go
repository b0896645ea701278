package strategy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// MaxSeries is how many series of numbers one strategy may have: a counter and a gauge are one, a histogram is one for each bound and
// three more.
const MaxSeries = 32

// MeterKind says how a Meter's numbers are read. The zero MeterKind is invalid.
type MeterKind uint8

// The kinds of Meter.
const (
	CounterMeter MeterKind = iota + 1
	GaugeMeter
	HistogramMeter
)

// Counter counts what never becomes less. It may be used by any goroutine, and never blocks.
type Counter struct{ n atomic.Uint64 }

// Add counts n more.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Gauge is a number that goes up and down. It may be used by any goroutine, and never blocks.
type Gauge struct{ bits atomic.Uint64 }

// Set makes it v.
func (g *Gauge) Set(v float64) { g.bits.Store(math.Float64bits(v)) }

// Histogram counts how often numbers lie at or below each of its bounds. It may be used by any goroutine, and never blocks.
type Histogram struct {
	bounds  []float64
	buckets []atomic.Uint64 // one more than bounds
	sum     Gauge
}

// Observe counts v. What is not a number is left out.
func (h *Histogram) Observe(v float64) {
	if math.IsNaN(v) {
		return
	}
	at, _ := slices.BinarySearch(h.bounds, v)
	h.buckets[at].Add(1)
	for {
		old := h.sum.bits.Load()
		if h.sum.bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

// Metrics makes a strategy's own numbers, in OnStart alone: they are shown among the node's metrics, as failshut_user_NAME with the
// label strategy. A number goes on over incarnations, and nothing gives it back to the strategy, so no decision can hang on it.
//
// Names are lower case letters, digits and underscores, at most 64, a letter first; one name is one kind in all strategies of a
// node. A name, a kind or a number of series that is refused ends the incarnation with an error.
type Metrics struct{ c *Context }

// Metrics are the strategy's own numbers.
func (c *Context) Metrics() Metrics { return Metrics{c} }

// Counter makes a counter, or finds that of an earlier incarnation. It is shown as NAME_total.
func (m Metrics) Counter(name, help string) *Counter {
	return &m.make(Meter{Name: name, Help: help, Kind: CounterMeter}).counter
}

// Gauge makes a gauge, or finds that of an earlier incarnation.
func (m Metrics) Gauge(name, help string) *Gauge {
	return &m.make(Meter{Name: name, Help: help, Kind: GaugeMeter}).gauge
}

// Histogram makes a histogram of one bucket up to each bound, which ascend, and one above; or finds that of an earlier incarnation.
func (m Metrics) Histogram(name, help string, bounds ...float64) *Histogram {
	return &m.make(Meter{Name: name, Help: help, Kind: HistogramMeter, Bounds: bounds}).histogram
}

// make gives what a name stands for. After a mistake it is one that nobody reads.
func (m Metrics) make(want Meter) *meter {
	s := m.c.s
	switch {
	case !m.c.may():
		return newMeter(want)
	case !s.starting:
		s.mistake("metric %q: made outside OnStart", want.Name)
		return newMeter(want)
	case s.cfg.Meters == nil:
		return newMeter(want)
	}
	want.Strategy = s.cfg.Name
	made, err := s.cfg.Meters.make(want)
	if err != nil {
		s.mistake("%w", err)
		return newMeter(want)
	}
	return made
}

// Meters are the numbers of all strategies of a process, over all incarnations. The zero Meters is ready.
type Meters struct {
	mu    sync.Mutex
	all   []*meter
	kinds map[string]MeterKind
}

// Meter is one number or histogram at one moment.
type Meter struct {
	Strategy, Name, Help string
	Kind                 MeterKind
	Value                float64   // of a counter or gauge; of a histogram the sum
	Bounds               []float64 // of a histogram
	Buckets              []uint64  // of a histogram: how many lie in each, those above all bounds last
}

type meter struct {
	Meter
	counter   Counter
	gauge     Gauge
	histogram Histogram
}

func newMeter(want Meter) *meter {
	m := &meter{Meter: want}
	m.Bounds = slices.Clone(want.Bounds)
	m.histogram.bounds, m.histogram.buckets = m.Bounds, make([]atomic.Uint64, len(m.Bounds)+1)
	return m
}

func (m *Meter) series() int {
	if m.Kind == HistogramMeter {
		return len(m.Bounds) + 3
	}
	return 1
}

func (r *Meters) make(want Meter) (*meter, error) {
	if err := want.check(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	used := want.series()
	for _, m := range r.all {
		switch {
		case m.Strategy != want.Strategy:
		case m.Name != want.Name:
			used += m.series()
		case m.Kind != want.Kind || !slices.Equal(m.Bounds, want.Bounds):
			return nil, fmt.Errorf("metric %q is there with another kind or other bounds", want.Name)
		default:
			return m, nil
		}
	}
	if kind, taken := r.kinds[want.Name]; taken && kind != want.Kind {
		return nil, fmt.Errorf("metric %q is of another kind in another strategy", want.Name)
	}
	if used > MaxSeries {
		return nil, fmt.Errorf("metric %q makes %d series, want at most %d", want.Name, used, MaxSeries)
	}
	if r.kinds == nil {
		r.kinds = map[string]MeterKind{}
	}
	m := newMeter(want)
	r.kinds[want.Name] = want.Kind
	r.all = append(r.all, m)
	return m, nil
}

func (m *Meter) check() error {
	good := len(m.Name) > 0 && len(m.Name) <= 64
	for n, r := range m.Name {
		letter := 'a' <= r && r <= 'z'
		good = good && (letter || n > 0 && (r == '_' || '0' <= r && r <= '9'))
	}
	if !good {
		return fmt.Errorf("metric %q, want 1 to 64 lower case letters, digits and underscores, a letter first", m.Name)
	}
	for _, end := range []string{"_total", "_bucket", "_sum", "_count"} {
		if strings.HasSuffix(m.Name, end) {
			return fmt.Errorf("metric %q ends in %s, want a name without: it is added where it belongs", m.Name, end)
		}
	}
	for n, b := range m.Bounds {
		if math.IsNaN(b) || math.IsInf(b, 0) || n > 0 && b <= m.Bounds[n-1] {
			return fmt.Errorf("metric %q has the bounds %v, want finite ones that ascend", m.Name, m.Bounds)
		}
	}
	return nil
}

// Read gives every number as it stands, sorted by name and strategy. Safe for any number of goroutines.
func (r *Meters) Read() []Meter {
	r.mu.Lock()
	all := slices.Clone(r.all)
	r.mu.Unlock()
	out := make([]Meter, 0, len(all))
	for _, m := range all {
		out = append(out, m.read())
	}
	slices.SortFunc(out, func(a, b Meter) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Strategy, b.Strategy)) })
	return out
}

func (m *meter) read() Meter {
	out := m.Meter
	switch m.Kind {
	case CounterMeter:
		out.Value = float64(m.counter.n.Load())
	case GaugeMeter:
		out.Value = math.Float64frombits(m.gauge.bits.Load())
	case HistogramMeter:
		out.Value = math.Float64frombits(m.histogram.sum.bits.Load())
		for i := range m.histogram.buckets {
			out.Buckets = append(out.Buckets, m.histogram.buckets[i].Load())
		}
	}
	return out
}
