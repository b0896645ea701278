package archtest_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/failshut/failshut/internal/archtest"
)

// TestEveryFailModeIsProven holds docs/fail-modes.md against the sources.
func TestEveryFailModeIsProven(t *testing.T) {
	page, err := os.ReadFile("../../" + archtest.FailModes)
	if err != nil {
		t.Fatal(err)
	}
	h, err := archtest.Parse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range archtest.Proven(h, string(page)) {
		t.Error(v)
	}
	if rows := strings.Count(string(page), ": Test"); rows < 40 {
		t.Errorf("%d proofs on the page: it is read wrongly", rows)
	}
}

func TestAFailModeWithoutProofIsFound(t *testing.T) {
	h, err := archtest.Parse(fstest.MapFS{
		"risk/gate.go":      {Data: []byte("package risk\nvar limit int\ntype Gate struct{}\nfunc (Gate) check() {}\n")},
		"risk/gate_test.go": {Data: []byte("package risk\nfunc TestGate() {}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range map[string]string{
		"| disk | CLOSED | cancels | `risk/gate.go: check` | `risk: TestGate` |":                       "",
		"| disk | CLOSED | cancels | `risk/gate.go: Gate`, `risk/gate.go: limit` | `risk: TestGate` |": "",
		"| disk | CLOSED | cancels | `risk/gate.go: gone` | `risk: TestGate` |":                        "risk/gate.go declares no gone",
		"| disk | CLOSED | cancels | `risk/other.go: check` | `risk: TestGate` |":                      "risk/other.go declares no check",
		"| disk | CLOSED | cancels | `risk/gate.go: check` | `risk: TestOther` |":                      "risk has no test TestOther",
		"| disk | CLOSED | cancels | `risk/gate_test.go: TestGate` | `orders: TestGate` |":             "orders has no test TestGate",
		"| disk | CLOSED | cancels | the gate | `risk: TestGate` |":                                    "0 rules and 1 proofs",
		"| disk | CLOSED | cancels | `risk/gate.go: check` | by hand |":                                "1 rules and 0 proofs",
	} {
		got := archtest.Proven(h, row)
		if want == "" && len(got) != 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0].What, want)) {
			t.Errorf("%s\nfound %v, want %q", row, got, want)
		}
	}
}
