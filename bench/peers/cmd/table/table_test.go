package main

import (
	"strings"
	"testing"

	"github.com/failshut/failshut/bench/peers/peer"
)

func runs(system, mode string, p50s ...int64) []peer.Figures {
	var out []peer.Figures
	for _, v := range p50s {
		f := peer.Figures{System: system, Mode: mode, Senders: 1, P50: v, P99: 2 * v}
		if v == 0 {
			f.Note = "did not end in time"
		}
		out = append(out, f)
	}
	return out
}

func TestTheMedianCountsARunWithoutFiguresAsTheSlowest(t *testing.T) {
	l := load{"pingpong", 1}
	if f, _ := median(runs("a", "pingpong", 0, 30, 10), "a", l); f.P50 != 30 {
		t.Errorf("median = %d, want 30", f.P50)
	}
	if f, _ := median(runs("a", "pingpong", 0, 0, 10), "a", l); f.Note == "" {
		t.Errorf("median = %+v, want the run that did not end: most did not", f)
	}
	if _, ok := median(nil, "a", l); ok {
		t.Error("a median of nothing")
	}
}

func TestTargetsAreRatiosAndVoidWithoutFigures(t *testing.T) {
	all := append(runs(channel, "pingpong", 100), runs("failshut", "pingpong", 160)...)
	all = append(all, runs("failshut pinned", "pingpong", 140)...)
	met := map[string]string{}
	for _, x := range targets(all) {
		met[x.text] = x.met()
	}
	for text, want := range map[string]string{
		"ping-pong p50, times channel":    "yes", // the better of both places: 1.4
		"ping-pong p99, times channel":    "yes",
		"ping-pong p50, times protoactor": "void",
		"tell, 1 sender, times channel":   "void",
		"overload, goodput":               "void",
	} {
		if met[text] != want {
			t.Errorf("%s: %q, want %q", text, met[text], want)
		}
	}
	all[1].P50, all[2].P50 = 200, 151
	for _, x := range targets(all) {
		if x.text == "ping-pong p50, times channel" && x.met() != "no" {
			t.Errorf("%+v: want it missed", x)
		}
	}
}

func TestTheTableNamesEverySystemThatRan(t *testing.T) {
	var out strings.Builder
	if err := print(&out, append(runs(channel, "pingpong", 100), runs("goakt", "pingpong", 0)...)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ping-pong, round trip", "channel", "100ns", "goakt", "did not end in time", "WANTED"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}
