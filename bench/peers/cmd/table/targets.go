package main

import (
	"fmt"
	"math"

	"github.com/failshut/failshut/bench/peers/peer"
)

// target is a bound on a figure of this project, most of them ratios in the same runs.
type target struct {
	text     string
	got      float64
	relation string
	wanted   float64
	shown    bool
	why      string // not shown
}

func (t target) figure() string {
	switch {
	case t.shown:
		return fmt.Sprintf("%.3g", t.got)
	case t.why != "":
		return t.why
	}
	return "not measured"
}

func (t target) met() string {
	switch {
	case !t.shown:
		return "void"
	case t.relation == "≤" && t.got <= t.wanted, t.relation == "≥" && t.got >= t.wanted:
		return "yes"
	}
	return "no"
}

// fastest is the median of whichever place of an actor is the quicker under the load: whoever wants speed chooses it. All
// figures of a load are of that one.
func fastest(all []peer.Figures, l load) peer.Figures {
	var out peer.Figures
	for _, name := range []string{failshut, pinned} {
		f, _ := median(all, name, l)
		if v := first(f); v > 0 && (first(out) == 0 || v < first(out)) {
			out = f
		}
	}
	return out
}

func p99(f peer.Figures) float64 { return float64(f.P99) }

// list collects targets.
type list struct {
	all []peer.Figures
	out []target
}

// against compares a figure with that of another system in the same runs.
func (s *list) against(text string, f peer.Figures, of string, figure func(peer.Figures) float64, wanted float64) {
	base, _ := median(s.all, of, loadOf(f))
	if f.System != "" && f.System != failshut {
		text += " (" + f.System + ")"
	}
	t := target{text: text + ", times " + of, got: over(figure(f), figure(base)), relation: "≤", wanted: wanted, why: f.Note}
	t.shown = t.got > 0 && !f.Overloaded && !base.Overloaded
	if !t.shown && t.why == "" {
		t.why = base.Note
	}
	if !t.shown && t.why == "" && (f.Overloaded || base.Overloaded) {
		t.why = "overloaded"
	}
	s.out = append(s.out, t)
}

func (s *list) bound(text string, f peer.Figures, got float64, relation string, wanted float64) {
	s.out = append(s.out, target{text, got, relation, wanted, f.System != "" && f.Note == "", f.Note})
}

func targets(all []peer.Figures) []target {
	s := list{all: all}
	one, four := load{mode: "throughput", senders: 1}, load{mode: "throughput", senders: 4}
	s.against("tell, 1 sender", fastest(all, one), channel, first, 0.8)
	s.against("tell, 1 sender", fastest(all, one), protoactor, first, 0.5)
	s.against("tell, 4 senders", fastest(all, four), channel, first, 0.8)
	s.against("tell, 4 senders", fastest(all, four), protoactor, first, 0.35)
	pair := fastest(all, load{mode: "pingpong", senders: 1})
	s.against("ping-pong p50", pair, channel, first, 1.5)
	s.against("ping-pong p99", pair, channel, p99, 1.8)
	s.against("ping-pong p50", pair, protoactor, first, 0.12)
	s.against("ping-pong p99", pair, protoactor, p99, 0.04)
	hop, _ := median(all, loop, load{mode: "pingpong", senders: 1})
	s.bound("hop on one loop, ns, with half a reading of the clock", hop, first(hop)/2, "≤", 60)
	for _, rate := range []int{100_000, 500_000} {
		steady := load{mode: "steady", senders: 1, rate: rate}
		f, ok := median(all, spinning, steady)
		if !ok {
			f.Mode, f.Senders, f.Rate = steady.mode, steady.senders, steady.rate
		}
		s.against(fmt.Sprintf("one way p50 at %d/s", rate), f, protoactor, first, 0.01)
	}
	s.against("wake p50", fastest(all, load{mode: "wake", senders: 1}), channel, first, 1.1)
	o, _ := median(all, failshut, load{mode: "overload", senders: 1})
	s.bound("overload, resident memory growth, MB", o, float64(o.Memory)/(1<<20), "≤", 5)
	s.bound("overload, goodput", o, o.Goodput, "≥", 0.95)
	s.bound("overload, oldest handled, times 1.2 × capacity × service", o, over(float64(o.Max), float64(o.AgeBound)), "≤", 1)
	f := fastest(all, one)
	s.bound("allocations a message, to one decimal", f, math.Round(max(f.Allocs, fastest(all, four).Allocs)*10)/10, "≤", 0)
	return s.out
}
