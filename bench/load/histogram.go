package load

import (
	"fmt"
	"io"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range of a latency in nanoseconds, and its digits.
const (
	least  = 1
	most   = int64(10e9)
	digits = 3
)

// Latencies is a histogram of nanoseconds from 1 to 10 s with three digits; what is longer counts as 10 s. It is for one
// goroutine; recording allocates nothing.
type Latencies struct{ h *hdrhistogram.Histogram }

// NewLatencies makes an empty histogram.
func NewLatencies() *Latencies { return &Latencies{hdrhistogram.New(least, most, digits)} }

// Record counts one latency.
func (l *Latencies) Record(ns int64) {
	_ = l.h.RecordValue(min(max(ns, least), most)) // it cannot fail inside the range
}

// Merge adds the counts of another.
func (l *Latencies) Merge(o *Latencies) { l.h.Merge(o.h) }

// Count is how many were recorded.
func (l *Latencies) Count() int64 { return l.h.TotalCount() }

// At is the latency of a percentile from 0 to 100.
func (l *Latencies) At(percentile float64) int64 { return l.h.ValueAtQuantile(percentile) }

// Max is the longest.
func (l *Latencies) Max() int64 { return l.h.Max() }

// Percentiles are the figures of a latency that are quoted, in nanoseconds.
type Percentiles struct {
	P50, P90, P99, P999, P9999, Max int64
}

// Percentiles gives the quoted figures; false if nothing was recorded.
func (l *Latencies) Percentiles() (Percentiles, bool) {
	if l.Count() == 0 {
		return Percentiles{}, false
	}
	return Percentiles{l.At(50), l.At(90), l.At(99), l.At(99.9), l.At(99.99), l.Max()}, true
}

// Point is one step of the curve of percentiles.
type Point struct {
	Percentile float64 // 0 to 100
	Ns         int64
}

// Curve is the whole distribution, with more steps the nearer it comes to 100.
func (l *Latencies) Curve() []Point {
	var out []Point
	for _, b := range l.h.CumulativeDistributionWithTicks(5) {
		out = append(out, Point{b.Quantile, b.ValueAt})
	}
	return out
}

// WriteHgrm writes the distribution in microseconds in the form that HdrHistogram's own plotter reads.
func (l *Latencies) WriteHgrm(w io.Writer) error {
	if _, err := l.h.PercentilesPrint(w, 5, 1000); err != nil {
		return fmt.Errorf("write the histogram: %w", err)
	}
	return nil
}
