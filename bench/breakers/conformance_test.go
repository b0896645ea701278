package breakers_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

var update = flag.Bool("update", false, "write the table into README.md")

// trap is a row: what it does to each library, nil where that has nothing of the kind.
type trap struct {
	name     string
	ours     func() cell
	failsafe func() cell
	sony     func() cell
}

// each puts one trap for breakers into all of them; sony is in which of its two forms.
func each(name string, in func(breaker) cell, sony func() breaker) trap {
	of := func(fresh func() breaker) func() cell { return func() cell { return in(fresh()) } }
	return trap{name, of(newOurs), of(newFailsafe), of(sony)}
}

var traps = []trap{
	each("a half-open probe panics; a day later", panicked, newSony),
	each("nobody tells how a probe ended; a day later", lost, newTwoStep),
	each("a success from before the outage comes while the probe runs", late, newSony),
	each("one failure is told twice", twice, newTwoStep),
	each("a thousand ask at the half-open moment", thunder, newTwoStep),
	each("an hour without a call: is it told that it may be asked again?", quiet, newSony),
	each("200 calls of 10 s, none an error", slow, newSony),
	each("an operator keeps it open for a day", held, newSony),
	{
		"a thousand clients trip together", func() cell { return together(newOurs) }, func() cell { return together(newFailsafe) },
		func() cell { return together(newTwoStep) },
	},
	{"the owner of a bulkhead's only permit panics", ourPermit, failsafePermit, nil},
	{"load on a dead dependency, at most 1.25x", func() cell { return loaded(ourLoad) }, func() cell { return loaded(failsafeLoad) }, nil},
	{"full jitter below its cap, 100,000 waits", ourJitter, failsafeJitter, nil},
}

// play runs one cell in fake time.
func play(t *testing.T, in func() cell) string {
	if in == nil {
		return "–"
	}
	var got cell
	synctest.Test(t, func(*testing.T) { got = in() })
	if got == holds {
		return "holds"
	}
	return "breaks: " + got.how
}

// TestConformance wants every cell of ours to hold, and the table of all to be the one in README.md.
func TestConformance(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "| trap | resilience | failsafe-go %s | gobreaker %s |\n|---|---|---|---|\n",
		version(t, "github.com/failsafe-go/failsafe-go"), version(t, "github.com/sony/gobreaker/v2"))
	for _, row := range traps {
		mine := play(t, row.ours)
		if mine != "holds" {
			t.Errorf("%s: ours %s", row.name, mine)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.name, mine, play(t, row.failsafe), play(t, row.sony))
	}
	t.Logf("\n%s", b.String())
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begins, ends = "<!-- table -->\n", "<!-- end -->\n"
	before, rest, ok1 := strings.Cut(string(page), begins)
	table, after, ok2 := strings.Cut(rest, ends)
	if !ok1 || !ok2 {
		t.Fatalf("README.md has no table between %q and %q", begins, ends)
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(before+begins+b.String()+ends+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != b.String() {
		t.Errorf("the table in README.md is not what came out; where another library has changed, go test -update and read what it says:\n%s", table)
	}
}

// version is the one of a module in go.mod.
func version(t *testing.T, module string) string {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(mod), module+" ")
	if !ok {
		t.Fatalf("go.mod does not require %s", module)
	}
	v, _, _ := strings.Cut(rest, "\n")
	return v
}
