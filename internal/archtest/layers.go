package archtest

import (
	"fmt"
	"strings"
)

// layers states the height of every room. A room imports only rooms of lower layers; a folder that is not listed takes
// the height of the listed folder it lies in.
var layers = []struct {
	dir    string
	height int
}{
	{"market", 0},
	{"mailbox", 1},
	{"resilience", 1},
	{"internal/journal", 1},
	{"internal/goroutine", 1},
	{"internal/fix44", 1},
	{"actors", 2},
	{"supervision", 3},
	{"internal/caller", 3},
	{"bench/load", 3},
	{"feeds", 4},
	{"risk", 4},
	{"cluster", 4},
	{"orders", 5},
	{"strategy", 6},
	{"venues", 6},
	{"internal/config", 7},
	{"internal/telemetry", 7},
	{"internal/control", 7},
	{"internal/console", 7},
	{"internal/node", 8},
	{"bench", 9},
	{"internal/scaffold", 9},
	{".", 10},
	{"cmd", 11},
	{"examples", 11},
	{"internal/simtest", 11},
	{"internal/archtest", 11},
	{"internal/recordings", 11},
}

// sideways names the arrows inside one room that go neither from a part to its parent nor down, and why each is right.
var sideways = map[string]string{
	"venues/fix -> venues/sim":            "the acceptor is a codec in front of the exchange's Port",
	"feeds/judge -> feeds/capture":        "a verdict is about a recording, and capture is what opens one",
	"venues/sim/ledger -> venues/sim":     "the judge reads what the exchange writes",
	"strategy/strategytest -> venues/sim": "the testkit's venue",
}

// Layers reports every import of another room that does not point down. Test files are free to look up: the test of a
// strategy runs a whole node.
func Layers(h *House) []Violation {
	var out []Violation
	h.Each(func(room string, f File) {
		if f.Test {
			return
		}
		from, ok := heightOf(room)
		if !ok {
			out = append(out, Violation{f.Name, fmt.Sprintf("room %q has no layer, want one in the plan", room)})
			return
		}
		for imported := range f.Imports() {
			target, ours := strings.CutPrefix(imported, Module)
			if !ours {
				continue
			}
			to := strings.TrimPrefix(target, "/")
			if to == "" {
				to = "."
			}
			if why := wrongWay(room, from, to); why != "" {
				out = append(out, Violation{f.Name, why})
			}
		}
	})
	return out
}

func wrongWay(room string, from int, to string) string {
	if _, ok := sideways[room+" -> "+to]; ok {
		return ""
	}
	height, ok := heightOf(to)
	if !ok {
		return fmt.Sprintf("imports %s, which has no layer", to)
	}
	if roomOf(room) == roomOf(to) {
		if inside(room, to) {
			return ""
		}
		return fmt.Sprintf("%s imports %s: inside a room a part imports its parent, never a sibling or a child", room, to)
	}
	if height >= from {
		return fmt.Sprintf("%s (layer %d) imports %s (layer %d), want a lower layer", room, from, to, height)
	}
	return ""
}

func heightOf(room string) (int, bool) {
	dir := roomOf(room)
	for _, l := range layers {
		if l.dir == dir {
			return l.height, true
		}
	}
	return 0, false
}

// roomOf is the listed folder that a folder lies in; the root's own files are a room, its unlisted folders are none.
func roomOf(dir string) string {
	if dir == "." {
		return "."
	}
	best := ""
	for _, l := range layers {
		if l.dir != "." && inside(dir, l.dir) && len(l.dir) > len(best) {
			best = l.dir
		}
	}
	return best
}
