package strategytest

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/failshut/failshut/strategy"
)

var update = flag.Bool("update", false, "strategytest: write golden journals instead of comparing them")

// Golden compares the journal of the clean run with a file: what the strategy was told, what it decided, and what became of it.
// The first difference is shown with what stands around it; the flag -update writes the file anew.
func (w *W) Golden(file string) {
	w.t.Helper()
	got := w.Journal()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			w.t.Fatalf("strategytest: %v", err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			w.t.Fatalf("strategytest: %v", err)
		}
		return
	}
	want, err := os.ReadFile(file) //nolint:gosec // the test's own file
	if err != nil {
		w.t.Errorf("strategytest: %v; -update writes it", err)
		return
	}
	w.same("the file "+file, string(want), "this run", got)
}

// Twice wants two runs, at GOMAXPROCS 1 and 4, to be equal line by line: a strategy that reads the clock, chance or the order of a
// map is not. It fails where the strategy was told no market data.
func (w *W) Twice() {
	w.t.Helper()
	run := func(procs int) strategy.Outcome {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		return w.try(w.trial)
	}
	one, four := run(1), run(4)
	w.audible(one)
	w.same("at GOMAXPROCS 1", text(one), "at 4", text(four))
}

// text is the journal of a run.
func text(o strategy.Outcome) string { return strings.Join(o.Journal, "\n") + "\n" }

// around is how many lines before a difference are shown.
const around = 3

// same compares two journals.
func (w *W) same(aName, a, bName, b string) {
	w.t.Helper()
	if a == b {
		return
	}
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	at := func(lines []string) string {
		if n < len(lines) {
			return lines[n]
		}
		return "(the end)"
	}
	before := strings.Join(x[max(0, n-around):n], "\n    ")
	w.t.Errorf("strategytest: line %d differs, behind\n    %s\n%s: %s\n%s: %s", n+1, before, aName, at(x), bName, at(y))
}
