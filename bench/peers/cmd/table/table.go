package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/failshut/failshut/bench/peers/peer"
)

// The systems by which the others are measured, and the places of this project's actors.
const (
	channel    = "channel"
	protoactor = "protoactor"
	failshut   = "failshut"
	pinned     = "failshut pinned"
	spinning   = "failshut spinning"
	loop       = "failshut loop"
)

// load names a load.
type load struct {
	mode    string
	senders int
	rate    int
}

func loadOf(f peer.Figures) load { return load{f.Mode, f.Senders, f.Rate} }

func (l load) String() string {
	switch l.mode {
	case "throughput":
		return fmt.Sprintf("tell, %d sender(s), ns a message", l.senders)
	case "steady":
		return fmt.Sprintf("one way at %d a second", l.rate)
	}
	return map[string]string{
		"pingpong": "ping-pong, round trip", "wake": "wake of a sleeping receiver", "overload": "overload, age of what was handled",
	}[l.mode]
}

// first is the figure by which runs are ordered and systems compared: nanoseconds.
func first(f peer.Figures) float64 {
	if f.NsPerOp > 0 {
		return f.NsPerOp
	}
	return float64(f.P50)
}

// median is the run in the middle of a system under a load, of an even number the lower of the two there; runs without
// figures count as the slowest. false: no run.
func median(all []peer.Figures, name string, l load) (peer.Figures, bool) {
	var of []peer.Figures
	for _, f := range all {
		if f.System == name && loadOf(f) == l {
			of = append(of, f)
		}
	}
	if len(of) == 0 {
		return peer.Figures{}, false
	}
	slices.SortStableFunc(of, func(a, b peer.Figures) int {
		x, y := first(a), first(b)
		switch {
		case x == y:
			return 0
		case x == 0, y > 0 && x > y:
			return 1
		}
		return -1
	})
	return of[(len(of)-1)/2], true
}

// over divides two figures; 0 where one is missing.
func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func print(w io.Writer, all []peer.Figures) error {
	var t strings.Builder
	for _, l := range loads {
		fmt.Fprintf(&t, "%s\n", l)
		fmt.Fprintln(&t, "SYSTEM\tFIGURE\tP99\tMAX\t× CHANNEL\t× PROTOACTOR\tALLOCS\tGOODPUT\tMEMORY\tNOTE")
		c, _ := median(all, channel, l)
		p, _ := median(all, protoactor, l)
		for _, s := range systems {
			f, ok := median(all, s.name, l)
			if !ok {
				continue
			}
			fmt.Fprintf(&t, "%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%s\t%s\t%s\n", f.System, nanos(first(f)), nanos(float64(f.P99)), nanos(float64(f.Max)),
				ratio(over(first(f), first(c))), ratio(over(first(f), first(p))), f.Allocs, share(f), grown(f), note(f))
		}
		fmt.Fprintln(&t)
	}
	fmt.Fprintln(&t, "TARGET\tGOT\tWANTED\tMET")
	for _, x := range targets(all) {
		fmt.Fprintf(&t, "%s\t%s\t%s %g\t%s\n", x.text, x.figure(), x.relation, x.wanted, x.met())
	}
	columns := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if _, err := io.WriteString(columns, t.String()); err != nil {
		return err
	}
	return columns.Flush()
}

func nanos(ns float64) string {
	switch {
	case ns == 0:
		return ""
	case ns < 1000:
		return fmt.Sprintf("%.0fns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3gµs", ns/1e3)
	}
	return fmt.Sprintf("%.3gms", ns/float64(time.Millisecond))
}

func ratio(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.3g", v)
}

func note(f peer.Figures) string {
	if f.Note == "" && f.Overloaded {
		return "overloaded"
	}
	return f.Note
}

func share(f peer.Figures) string {
	if f.Mode != "overload" || f.Note != "" {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*f.Goodput)
}

func grown(f peer.Figures) string {
	if f.Mode != "overload" || f.Note != "" {
		return ""
	}
	return fmt.Sprintf("+%.1f MB", float64(f.Memory)/(1<<20))
}
