package bench

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
)

// WriteHgrm writes the distribution of each system and case, all runs together, in microseconds, each under a comment line
// that names it. HdrHistogram's plotter reads each part.
func (a Answer) WriteHgrm(w io.Writer) error {
	var errs []error
	for _, d := range a.distributions {
		_, err := fmt.Fprintf(w, "#[%s, %s]\n", d.system, d.kase)
		errs = append(errs, err, d.latencies.WriteHgrm(w))
	}
	return errors.Join(errs...)
}

//go:embed report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Parse(reportHTML))

// WriteHTML writes a report that stands alone: the table, the targets, the curve of percentiles, bars of the first figure.
func (a Answer) WriteHTML(w io.Writer) error {
	r := report{View: a.View(), Curves: a.curves(), Plot: a.plot(), Bars: a.bars()}
	r.BarsHeight = 26*len(r.Bars) + 6
	for i := range curveColours {
		r.Colours = append(r.Colours, i)
	}
	return reportTemplate.Execute(w, r)
}

type report struct {
	View
	Curves     []curve
	Plot       plot
	Bars       []barOf
	BarsHeight int
	Colours    []int
}

// The plot's area in its own units.
const (
	plotLeft, plotRight = 70.0, 880.0
	plotTop, plotBottom = 20.0, 340.0
	plotNines           = 5.0 // the axis ends at 99.999 %
	barMost             = 500.0
)

// curve is the distribution of one system and case as a line of the plot: its colour is the system's, its dashes the case's.
type curve struct {
	Name, Points   string
	Colour, Dashes int
	LegendY        float64
}

// tick is a mark of an axis.
type tick struct {
	At   float64
	Text string
}

// plot holds the axes: nines to the right, powers of ten upwards.
type plot struct {
	X, Y []tick
	// FloorY is where the machine's own p99 stall lies; 0: not in the plot.
	FloorY float64
	low    float64 // powers of ten
	high   float64
}

func (a Answer) plot() plot {
	p := plot{low: math.Inf(1), high: math.Inf(-1)}
	for _, d := range a.distributions {
		if d.latencies.Count() == 0 {
			continue
		}
		p.low = min(p.low, math.Floor(log10(d.latencies.At(0))))
		p.high = max(p.high, math.Ceil(log10(d.latencies.Max())))
	}
	if p.low >= p.high {
		p.high = p.low + 1
	}
	if math.IsInf(p.low, 0) {
		return plot{}
	}
	for n := range int(plotNines) + 1 {
		text := []string{"0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"}[n]
		p.X = append(p.X, tick{plotLeft + (plotRight-plotLeft)*float64(n)/plotNines, text})
	}
	for e := p.low; e <= p.high; e++ {
		ns := int64(math.Pow(10, e))
		p.Y = append(p.Y, tick{p.y(ns), nanos(&ns)})
	}
	if a.Floor != nil && log10(a.Floor.P99) >= p.low && log10(a.Floor.P99) <= p.high {
		p.FloorY = p.y(a.Floor.P99)
	}
	return p
}

func log10(ns int64) float64 { return math.Log10(float64(max(ns, 1))) }

func (p plot) y(ns int64) float64 {
	share := (log10(ns) - p.low) / (p.high - p.low)
	return plotBottom - share*(plotBottom-plotTop)
}

// x puts a percentile on an axis on which each nine is as wide as the one before.
func (p plot) x(percentile float64) float64 {
	nines := min(-math.Log10(max(1-percentile/100, 1e-12)), plotNines)
	return plotLeft + nines/plotNines*(plotRight-plotLeft)
}

func (a Answer) curves() []curve {
	p := a.plot()
	var out []curve
	var systems, cases []string
	for _, m := range a.Medians { // in the order of the table, not that in which they ran
		at := slices.IndexFunc(a.distributions, func(d distribution) bool { return d.system == m.System && d.kase == m.Case })
		if at < 0 || a.distributions[at].latencies.Count() == 0 {
			continue
		}
		var points strings.Builder
		for _, q := range a.distributions[at].latencies.Curve() {
			fmt.Fprintf(&points, "%.1f,%.1f ", p.x(q.Percentile), p.y(q.Ns))
		}
		out = append(out, curve{
			Name: m.System + ", " + m.Case, Points: strings.TrimSpace(points.String()),
			Colour: ordinal(&systems, m.System) % curveColours, Dashes: ordinal(&cases, m.Case) % curveDashes,
			LegendY: plotTop + 18*float64(len(out)),
		})
	}
	return out
}

// ordinal is the place of a word among those seen, which it joins.
func ordinal(seen *[]string, word string) int {
	at := slices.Index(*seen, word)
	if at < 0 {
		at = len(*seen)
		*seen = append(*seen, word)
	}
	return at
}

// What the style sheet has.
const (
	curveColours = 8
	curveDashes  = 5
)

// barOf is the first figure of a row as a bar, or what became of the messages of an overloaded one.
type barOf struct {
	Name, Text string
	Y, Width   float64
	// Refused and Dropped are the shares of a bar of the mode overload.
	Refused, Dropped float64
}

func (a Answer) bars() []barOf {
	most := 0.0
	for _, r := range a.Medians {
		if f, ok := r.first(); ok {
			most = max(most, f)
		}
	}
	var out []barOf
	for _, r := range a.Medians {
		b := barOf{Name: r.System + ", " + r.Case, Y: float64(26 * len(out)), Text: r.remarks()}
		switch f, ok := r.first(); {
		case r.Goodput != nil && r.Refused+r.Dropped+r.Handled > 0:
			all := float64(r.Refused + r.Dropped + r.Handled)
			b.Width = barMost * float64(r.Handled) / all
			b.Refused, b.Dropped = barMost*float64(r.Refused)/all, barMost*float64(r.Dropped)/all
			b.Text = fmt.Sprintf("handled %d, refused %d, dropped %d; goodput %.0f %%", r.Handled, r.Refused, r.Dropped, 100**r.Goodput)
		case ok && most > 0:
			ns := int64(f)
			b.Width, b.Text = barMost*f/most, nanos(&ns)
			if r.VsChannel != nil {
				b.Text += fmt.Sprintf(" (%.2f × the channel)", *r.VsChannel)
			}
		}
		out = append(out, b)
	}
	return out
}

// RefusedX is where the refused part of the bar begins.
func (b barOf) RefusedX() float64 { return barLeft + b.Width }

// DroppedX is where the dropped part begins.
func (b barOf) DroppedX() float64 { return b.RefusedX() + b.Refused }

// TextX is where its words begin.
func (b barOf) TextX() float64 { return b.DroppedX() + b.Dropped + 8 }

// TextY is their base line.
func (b barOf) TextY() float64 { return b.Y + 15 }

// barLeft leaves room for the names.
const barLeft = 260.0
