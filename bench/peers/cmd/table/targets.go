package main

import "github.com/failshut/failshut/bench/peers/peer"

// target is a bound on a figure of this project, most of them ratios in the same runs. got is 0 where nothing was shown.
type target struct {
	text     string
	got      float64
	relation string
	wanted   float64
	shown    bool
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

// best is the lesser figure of the places that an actor may have.
func best(all []peer.Figures, l load, figure func(peer.Figures) float64) float64 {
	out := 0.0
	for _, name := range []string{"failshut", "failshut pinned"} {
		f, _ := median(all, name, l)
		if v := figure(f); v > 0 && (out == 0 || v < out) {
			out = v
		}
	}
	return out
}

func p99(f peer.Figures) float64 { return float64(f.P99) }

func targets(all []peer.Figures) []target {
	var out []target
	atMost := func(text string, got, wanted float64) { out = append(out, target{text, got, "≤", wanted, got > 0}) }
	against := func(text string, l load, of string, figure func(peer.Figures) float64, wanted float64) {
		f, _ := median(all, of, l)
		atMost(text+", times "+of, over(best(all, l, figure), figure(f)), wanted)
	}
	one, four := load{"throughput", 1}, load{"throughput", 4}
	against("tell, 1 sender", one, channel, first, 0.8)
	against("tell, 1 sender", one, protoactor, first, 0.5)
	against("tell, 4 senders", four, channel, first, 0.8)
	against("tell, 4 senders", four, protoactor, first, 0.35)
	pingpong := load{"pingpong", 1}
	against("ping-pong p50", pingpong, channel, first, 1.5)
	against("ping-pong p99", pingpong, channel, p99, 1.8)
	against("ping-pong p50", pingpong, protoactor, first, 0.12)
	against("ping-pong p99", pingpong, protoactor, p99, 0.04)
	against("wake p50", load{"wake", 1}, channel, first, 1.1)
	o, ok := median(all, "failshut", load{"overload", 1})
	shown := ok && o.Note == ""
	out = append(out,
		target{"overload, resident memory growth, MB", float64(o.Memory) / (1 << 20), "≤", 5, shown},
		target{"overload, goodput", o.Goodput, "≥", 0.95, shown},
		target{"overload, oldest handled, times 1.2 × capacity × service", over(float64(o.Max), float64(o.AgeBound)), "≤", 1, shown})
	return out
}
