package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/bench/peers/peer"
)

func runs(system, mode string, p50s ...int64) []peer.Figures {
	var out []peer.Figures
	for _, v := range p50s {
		f := peer.Figures{System: system, Mode: mode, Senders: 1, P50: v, P99: 2 * v}
		if v == 0 {
			f.Failed, f.Note = true, "did not end in time"
		}
		out = append(out, f)
	}
	return out
}

func TestTheMedianCountsARunWithoutFiguresAsTheSlowest(t *testing.T) {
	l := load{mode: "pingpong", senders: 1}
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
		"ping-pong p50 (failshut pinned), times channel":        "yes", // the quicker of both places: 1.4
		"ping-pong p99 (failshut pinned), times channel":        "yes",
		"ping-pong p50 (failshut pinned), times protoactor":     "void",
		"tell, 1 sender, times channel":                         "void",
		"overload, goodput":                                     "void",
		"hop on one loop, ns, with half a reading of the clock": "void",
	} {
		if met[text] != want {
			t.Errorf("%s: %q, want %q", text, met[text], want)
		}
	}
	all[1].P50, all[2].P50 = 200, 151
	for _, x := range targets(all) {
		if x.text == "ping-pong p50 (failshut pinned), times channel" && x.met() != "no" {
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

// The p99 of one place beside the p50 of another would be of no actor that anybody can have.
func TestAllFiguresOfALoadAreOfOnePlace(t *testing.T) {
	all := append(runs(channel, "pingpong", 100), runs(failshut, "pingpong", 160)...)
	all = append(all, runs(pinned, "pingpong", 140)...)
	all[1].P99, all[2].P99 = 100, 900
	for _, x := range targets(all) {
		if strings.HasPrefix(x.text, "ping-pong p99") && strings.HasSuffix(x.text, channel) && (x.got != 4.5 || x.met() != "no") {
			t.Errorf("%+v, want the p99 of the place that has the better p50: 4.5", x)
		}
	}
}

func TestARowWithoutASpareCoreSaysSo(t *testing.T) {
	steady := func(system string, p50 int64, note string) peer.Figures {
		return peer.Figures{System: system, Mode: "steady", Senders: 1, Rate: 100_000, P50: p50, Note: note}
	}
	all := []peer.Figures{steady(protoactor, 90_000, ""), steady(spinning, 0, "no spare core")}
	for _, x := range targets(all) {
		if strings.Contains(x.text, "at 100000/s") && (x.figure() != "no spare core" || x.met() != "void") {
			t.Errorf("%+v = %s, %s, want no spare core and void", x, x.figure(), x.met())
		}
	}
	if err := failures(all); err != nil {
		t.Errorf("failures() = %v: a machine with too few cores is none", err)
	}
}

func TestARunThatFailedIsAnErrorAndShowsNoTarget(t *testing.T) {
	all := []peer.Figures{
		{System: failshut, Mode: "overload", Senders: 1, Failed: true, Note: "exit status 2"},
		{System: "goakt", Mode: "overload", Senders: 1, Failed: true, Note: "did not end in time"},
	}
	err := failures(all)
	if err == nil || !strings.Contains(err.Error(), "failshut") || !strings.Contains(err.Error(), "goakt") {
		t.Errorf("failures() = %v, want the runs of failshut and of goakt", err)
	}
	for _, x := range targets(all) {
		if strings.HasPrefix(x.text, "overload") && x.met() != "void" {
			t.Errorf("%+v is %s, want void", x, x.met())
		}
	}
}

func TestAFigureOfNothingIsShownWhereThatIsWhatWasMeasured(t *testing.T) {
	all := []peer.Figures{{System: failshut, Mode: "throughput", Senders: 1, NsPerOp: 100}}
	for _, x := range targets(all) {
		if strings.HasPrefix(x.text, "allocations a message, 1 ") && (x.figure() != "0" || x.met() != "yes") {
			t.Errorf("%+v = %s, %s, want 0 and yes", x, x.figure(), x.met())
		}
	}
}

func TestOneFailedRunOfSeveralLeavesItsTargetsNotShown(t *testing.T) {
	for _, broken := range []string{channel, failshut, pinned} {
		var all []peer.Figures
		for _, system := range []string{channel, failshut, pinned} {
			all = append(all, runs(system, "pingpong", 100, 110)...)
		}
		all = append(all, runs(broken, "pingpong", 0)...)
		for _, x := range targets(all) {
			want := "not shown: a run of " + broken + " failed: did not end in time"
			if strings.HasPrefix(x.text, "ping-pong p50") && strings.HasSuffix(x.text, channel) && (x.figure() != want || x.met() != "void") {
				t.Errorf("%s = %s, %s, want %s and void", x.text, x.figure(), x.met(), want)
			}
		}
	}
}

func TestAllocationsAreOfTheRunsThatWereMade(t *testing.T) {
	all := []peer.Figures{
		{System: failshut, Mode: "throughput", Senders: 1, NsPerOp: 100},
		{System: failshut, Mode: "throughput", Senders: 4, Failed: true, Note: "exit status 2"},
	}
	met := map[string]string{}
	for _, x := range targets(all) {
		met[x.text] = x.met()
	}
	for text, want := range map[string]string{
		"allocations a message, 1 sender(s), to one decimal": "yes",
		"allocations a message, 4 sender(s), to one decimal": "void",
	} {
		if met[text] != want {
			t.Errorf("%s: %q, want %q", text, met[text], want)
		}
	}
}

func TestAFailedRunOfAnotherLibraryFailsTheCommand(t *testing.T) {
	programs := t.TempDir()
	for _, s := range systems {
		text := "#!/bin/sh\necho '{\"p50\": 100}'\n"
		if s.program == "goakt" {
			text = "#!/bin/sh\necho out of room >&2\nexit 2\n"
		}
		if err := os.WriteFile(filepath.Join(programs, s.program), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	err := run(t.Context(), config{programs: programs, runs: 1, duration: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "goakt") || strings.Contains(err.Error(), "hollywood") {
		t.Errorf("run() = %v, want the runs of goakt alone", err)
	}
}
