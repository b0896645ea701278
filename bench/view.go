package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// View is an answer about mailboxes as a person reads it.
type View struct {
	Bench   string       `json:"bench"`
	Machine string       `json:"machine"`
	Floor   string       `json:"floor"`
	Rows    []ViewRow    `json:"rows"`
	Targets []ViewTarget `json:"targets"`
	Bounds  []ViewTarget `json:"thresholds"`
	Notes   []ViewNote   `json:"notes"`
}

// ViewRow is a median. An empty cell was not measured.
type ViewRow struct {
	System    string `json:"system"`
	Case      string `json:"case"`
	Rate      string `json:"rate/s"`
	NsPerOp   string `json:"ns/op"`
	P50       string `json:"p50"`
	P90       string `json:"p90"`
	P99       string `json:"p99"`
	P999      string `json:"p99.9"`
	Max       string `json:"max"`
	VsChannel string `json:"vs channel"`
	Allocs    string `json:"allocs/op"`
	Note      string `json:"note"`
}

// ViewTarget is a figure beside what is wanted of it.
type ViewTarget struct {
	Text   string `json:"figure"`
	Got    string `json:"got"`
	Wanted string `json:"wanted"`
	Met    string `json:"met"`
}

// ViewNote is a line about the method.
type ViewNote struct {
	Text string `json:"note"`
}

// View draws the answer for a terminal.
func (a Answer) View() View {
	v := View{
		Bench: fmt.Sprintf("mailbox, %s; %s, seed %d", a.Mode, a.runsEach(), a.Seed),
		Machine: fmt.Sprintf("%s, %d cores, GOMAXPROCS %d, %s, Linux %s",
			a.Machine.CPU, a.Machine.Cores, a.Machine.GOMAXPROCS, a.Machine.Go, a.Machine.Kernel),
		Rows: []ViewRow{}, Targets: []ViewTarget{}, Bounds: []ViewTarget{}, Notes: []ViewNote{},
	}
	if a.Floor != nil {
		v.Floor = fmt.Sprintf("p50 %s, p99 %s, max %s: the machine's own stalls; percentiles under them are void",
			nanos(&a.Floor.P50), nanos(&a.Floor.P99), nanos(&a.Floor.Max))
	}
	for _, r := range a.Medians {
		if r.Mailboxed == nil {
			continue // of another benchmark
		}
		v.Rows = append(v.Rows, r.view())
	}
	for _, t := range a.Targets {
		v.Targets = append(v.Targets, ViewTarget{t.Text, number(t.Got), number(&t.Wanted), verdict(t.Met)})
	}
	for _, t := range a.Thresholds {
		v.Bounds = append(v.Bounds, ViewTarget{t.Text, number(&t.Value), "", verdict(&t.Pass)})
	}
	for _, n := range a.Notes {
		v.Notes = append(v.Notes, ViewNote{n})
	}
	return v
}

func (a Answer) runsEach() string {
	switch n := len(a.Runs) / max(len(a.Medians), 1); n {
	case 1:
		return "one run each"
	default:
		return fmt.Sprintf("medians of %d runs", n)
	}
}

func (r Row) view() ViewRow {
	v := ViewRow{
		System: r.System, Case: r.Case, NsPerOp: number(r.NsPerOp), VsChannel: number(r.VsChannel),
		P50: r.percentile("p50", r.P50), P90: r.percentile("p90", r.P90), P99: r.percentile("p99", r.P99),
		P999: r.percentile("p999", r.P999), Max: r.percentile("max", r.Max), Note: r.remarks(),
	}
	if r.Handled > 0 {
		v.Rate, v.Allocs = strconv.FormatInt(r.Achieved, 10), strconv.FormatFloat(r.AllocsPerOp, 'f', 2, 64)
	}
	return v
}

func (r Row) percentile(name string, v *int64) string {
	for _, void := range r.Void {
		if void == name && r.Handled > 0 {
			return "void"
		}
	}
	return nanos(v)
}

func (r Row) remarks() string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if r.Note != "" {
		add("%s", r.Note)
	}
	if r.Overloaded {
		add("overloaded: offered %d/s", *r.Offered)
	}
	if r.Goodput != nil {
		add("goodput %.0f %%", 100**r.Goodput)
	}
	if r.Memory != nil {
		add("memory +%.1f MB", float64(*r.Memory)/(1<<20))
	}
	if r.Refused > 0 {
		add("refused %d", r.Refused)
	}
	if r.Dropped > 0 {
		add("dropped %d", r.Dropped)
	}
	if r.IdleP99 != nil {
		add("idle p99 %s", nanos(r.IdleP99))
	}
	if r.Starved != nil && *r.Starved > 0 {
		add("starved %d", *r.Starved)
	}
	if r.Behind != nil {
		add("behind %d", *r.Behind)
	}
	return strings.Join(out, "; ")
}

// nanos writes nanoseconds with three digits, "" for none.
func nanos(v *int64) string {
	if v == nil {
		return ""
	}
	d := time.Duration(*v)
	switch {
	case d < time.Microsecond:
		return d.String()
	case d < time.Millisecond:
		return fmt.Sprintf("%.3gµs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3gms", float64(d)/1e6)
	default:
		return fmt.Sprintf("%.3gs", d.Seconds())
	}
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	if math.Abs(*v) >= 1e4 { // no digits of an exponent where there is a number to read
		return strconv.FormatFloat(*v, 'f', 0, 64)
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}

func verdict(met *bool) string {
	switch {
	case met == nil:
		return "void"
	case *met:
		return "yes"
	}
	return "no"
}
