package examples

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// Chart is small multiples over one axis of time: what reached a server in each bucket, one row for each way to behave.
type Chart struct {
	Title, Caption string
	Bucket         time.Duration // of the counts
	Outage         time.Duration // from the beginning, shown grey
	Span           time.Duration // of the axis
	Capacity       int           // of the server in a bucket, a line
	Rows           []ChartRow
}

// ChartRow is one way to behave.
type ChartRow struct {
	Name    string
	Counts  []int // what reached the server, by bucket
	Refused []int // those of them that it had no room for
	Notes   []string
}

// The measures of a chart, in pixels.
const (
	chartLeft   = 150
	chartWidth  = 640
	chartRight  = 150
	chartTop    = 64
	chartHeight = 70
	chartGap    = 22
)

// SVG draws it. Heights are square roots of counts, so that what is a twentieth of the peak can still be seen.
func (c Chart) SVG() string {
	high := c.Capacity
	for _, row := range c.Rows {
		for _, n := range row.Counts {
			high = max(high, n)
		}
	}
	total := chartTop + len(c.Rows)*(chartHeight+chartGap) + 30
	wide := chartLeft + chartWidth + chartRight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="sans-serif" font-size="12">`+"\n", wide, total, wide, total)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(c.Title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, total)
	fmt.Fprintf(&b, `<text x="12" y="24" font-size="16" fill="#222">%s</text>`+"\n", html.EscapeString(c.Title))
	fmt.Fprintf(&b, `<text x="12" y="44" fill="#666">%s</text>`+"\n", html.EscapeString(c.Caption))
	for i, row := range c.Rows {
		c.row(&b, row, chartTop+i*(chartHeight+chartGap), high)
	}
	c.axis(&b, chartTop+len(c.Rows)*(chartHeight+chartGap)-chartGap)
	b.WriteString("</svg>\n")
	return b.String()
}

func (c Chart) row(b *strings.Builder, row ChartRow, top, high int) {
	foot := top + chartHeight
	tall := func(n int) float64 { return chartHeight * math.Sqrt(float64(n)/float64(high)) }
	fmt.Fprintf(b, `<text x="12" y="%d" fill="#222">%s</text>`+"\n", top+chartHeight/2+4, html.EscapeString(row.Name))
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="#e9e9e9"/>`+"\n", chartLeft, top, c.x(c.Outage)-chartLeft, chartHeight)
	bars(b, "#1f6f9f", c.columns(row.Counts), foot, tall)
	bars(b, "#c8442d", c.columns(row.Refused), foot, tall)
	fmt.Fprintf(b, `<path d="M%d %.1fh%d" stroke="#222" stroke-dasharray="4 3" stroke-width=".7"/>`+"\n", chartLeft, float64(foot)-tall(c.Capacity), chartWidth)
	fmt.Fprintf(b, `<path d="M%d %dh%d" stroke="#999"/>`+"\n", chartLeft, foot, chartWidth)
	for i, note := range row.Notes {
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="#222">%s</text>`+"\n", chartLeft+chartWidth+10, top+16+i*16, html.EscapeString(note))
	}
}

// column is what one pixel or more of the axis shows: the highest of its buckets, so that no peak is smoothed away.
type column struct {
	x float64
	n int
}

func (c Chart) columns(counts []int) []column {
	var out []column
	for i, n := range counts {
		at := time.Duration(i) * c.Bucket
		if n == 0 || at >= c.Span {
			continue
		}
		x := math.Floor(c.x(at)*2) / 2 // half a pixel
		if k := len(out); k > 0 && out[k-1].x == x {
			out[k-1].n = max(out[k-1].n, n)
			continue
		}
		out = append(out, column{x, n})
	}
	return out
}

// bars draws columns as one path of vertical strokes.
func bars(b *strings.Builder, colour string, columns []column, foot int, tall func(int) float64) {
	if len(columns) == 0 {
		return
	}
	fmt.Fprintf(b, `<path stroke="%s" stroke-width=".8" d="`, colour)
	for _, c := range columns {
		fmt.Fprintf(b, "M%.4g %dv-%.1f", c.x, foot, tall(c.n))
	}
	b.WriteString(`"/>` + "\n")
}

func (c Chart) x(at time.Duration) float64 {
	return chartLeft + chartWidth*float64(at)/float64(c.Span)
}

func (c Chart) axis(b *strings.Builder, foot int) {
	step := 5 * time.Second
	for c.Span/step > 14 {
		step *= 2
	}
	for at := time.Duration(0); at <= c.Span; at += step {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="#666" text-anchor="middle">%d s</text>`+"\n", c.x(at), foot+18, int(at/time.Second))
	}
}
