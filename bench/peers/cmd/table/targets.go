package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/failshut/failshut/bench/peers/peer"
)

// target is a bound on a figure of this project, most of them ratios in the same runs.
type target struct {
	text     string
	got      float64
	relation string
	wanted   float64
	shown    bool
	why      string // void
	failed   string // the run for which it is not shown
}

func (t target) figure() string {
	switch {
	case t.shown:
		return fmt.Sprintf("%.3g", t.got)
	case t.failed != "":
		return "not shown: " + t.failed
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

// pick is the run by which a target judges, and why it must not: failed is empty where every run went through.
type pick struct {
	peer.Figures
	failed string
}

// list collects targets.
type list struct {
	all []peer.Figures
	out []target
}

// pick is the median of whichever of the systems is the quickest under the load. All figures of a load are of that one. A
// failed run of any of them is told, since what it would have shown might have been the worst, or the choice another.
func (s *list) pick(l load, names ...string) pick {
	out := pick{Figures: peer.Figures{Mode: l.mode, Senders: l.senders, Rate: l.rate}, failed: failed(s.all, l, names...)}
	for _, name := range names {
		f, ok := median(s.all, name, l)
		if !ok {
			continue
		}
		if v := first(f); out.System == "" || v > 0 && (first(out.Figures) == 0 || v < first(out.Figures)) {
			out.Figures = f
		}
	}
	return out
}

// fastest is of the two places that an actor can have everywhere: whoever wants speed chooses the quicker.
func (s *list) fastest(l load) pick { return s.pick(l, failshut, pinned) }

// failed names the first failed run of the systems under a load; empty: none failed.
func failed(all []peer.Figures, l load, names ...string) string {
	for _, f := range all {
		if f.Failed && loadOf(f) == l && slices.Contains(names, f.System) {
			return fmt.Sprintf("a run of %s failed: %s", f.System, f.Note)
		}
	}
	return ""
}

func p99(f peer.Figures) float64 { return float64(f.P99) }

// against compares a figure with that of another system in the same runs.
func (s *list) against(text string, f pick, of string, figure func(peer.Figures) float64, wanted float64) {
	base := s.pick(loadOf(f.Figures), of)
	if f.System != "" && f.System != failshut {
		text += " (" + f.System + ")"
	}
	t := target{text: text + ", times " + of, got: over(figure(f.Figures), figure(base.Figures)), relation: "≤", wanted: wanted}
	t.failed = cmp.Or(f.failed, base.failed)
	t.shown = t.failed == "" && t.got > 0 && !f.Overloaded && !base.Overloaded
	if !t.shown {
		t.why = cmp.Or(f.Note, base.Note)
	}
	if !t.shown && t.why == "" && (f.Overloaded || base.Overloaded) {
		t.why = "overloaded"
	}
	s.out = append(s.out, t)
}

// bound judges a figure by itself. It may be 0 where the load was run, which the first figure shows.
func (s *list) bound(text string, f pick, got float64, relation string, wanted float64) {
	shown := f.failed == "" && f.Note == "" && first(f.Figures) > 0
	s.out = append(s.out, target{text: text, got: got, relation: relation, wanted: wanted, shown: shown, why: f.Note, failed: f.failed})
}

func targets(all []peer.Figures) []target {
	s := list{all: all}
	one, four := load{mode: "throughput", senders: 1}, load{mode: "throughput", senders: 4}
	s.against("tell, 1 sender", s.fastest(one), channel, first, 0.8)
	s.against("tell, 1 sender", s.fastest(one), protoactor, first, 0.5)
	s.against("tell, 4 senders", s.fastest(four), channel, first, 0.8)
	s.against("tell, 4 senders", s.fastest(four), protoactor, first, 0.35)
	pair := s.fastest(load{mode: "pingpong", senders: 1})
	s.against("ping-pong p50", pair, channel, first, 1.5)
	s.against("ping-pong p99", pair, channel, p99, 1.8)
	s.against("ping-pong p50", pair, protoactor, first, 0.12)
	s.against("ping-pong p99", pair, protoactor, p99, 0.04)
	hop := s.pick(load{mode: "pingpong", senders: 1}, loop)
	s.bound("hop on one loop, ns, with half a reading of the clock", hop, first(hop.Figures)/2, "≤", 60)
	for _, rate := range []int{100_000, 500_000} {
		f := s.pick(load{mode: "steady", senders: 1, rate: rate}, spinning)
		s.against(fmt.Sprintf("one way p50 at %d/s", rate), f, protoactor, first, 0.01)
	}
	s.against("wake p50", s.fastest(load{mode: "wake", senders: 1}), channel, first, 1.1)
	o := s.pick(load{mode: "overload", senders: 1}, failshut)
	s.bound("overload, resident memory growth, MB", o, float64(o.Memory)/(1<<20), "≤", 5)
	s.bound("overload, goodput", o, o.Goodput, "≥", 0.95)
	s.bound("overload, oldest handled, times 1.2 × capacity × service", o, over(float64(o.Max), float64(o.AgeBound)), "≤", 1)
	for _, l := range []load{one, four} {
		f := s.fastest(l)
		s.bound(fmt.Sprintf("allocations a message, %d sender(s), to one decimal", l.senders), f, math.Round(f.Allocs*10)/10, "≤", 0)
	}
	return s.out
}
