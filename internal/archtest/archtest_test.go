package archtest_test

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/failshut/failshut/internal/archtest"
)

// rules pairs each rule with a source that breaks it, so that no rule can pass because it looks at nothing.
var rules = []struct {
	name    string
	check   func(*archtest.House) []archtest.Violation
	planted fstest.MapFS
}{
	{"imports point down", archtest.Layers, one("risk/bad.go", `import _ "`+archtest.Module+`/orders"`)},
	{"rooms of one layer do not meet", archtest.Layers, one("risk/bad.go", `import _ "`+archtest.Module+`/feeds"`)},
	{"a parent does not import its part", archtest.Layers, one("feeds/bad.go", `import _ "`+archtest.Module+`/feeds/iex"`)},
	{"a codec does not import another", archtest.Layers, one("feeds/iex/bad.go", `import _ "`+archtest.Module+`/feeds/itch"`)},
	{"every room has a layer", archtest.Layers, one("helpers/bad.go", ``)},
	{"heavy dependencies have one owner", archtest.Owners, one("orders/bad.go", `import _ "github.com/hashicorp/raft"`)},
	{"the raft store has the same owner", archtest.Owners, one("orders/bad.go", `import _ "github.com/hashicorp/raft-wal"`)},
	{"market is standard library only", archtest.Owners, one("market/bad.go", `import _ "example.com/x"`)},
	{
		"no heavy type in an exported signature", archtest.Signatures,
		one("actors/bad.go", "import \"github.com/asynkron/protoactor-go/actor\"\nfunc Spawn() *actor.PID { return nil }"),
	},
	{"only actors read a clock", archtest.Clocks, one("risk/bad.go", "import \"time\"\nvar t = time.Now()")},
	{"a renamed clock is a clock", archtest.Clocks, one("risk/bad.go", "import c \"time\"\nvar t = c.Now()")},
	{"only the rooms that stop work start it", archtest.Goroutines, one("feeds/bad.go", "func f() { go f() }")},
	{"rules import no chance and no lock", archtest.Pure, one("supervision/decide.go", `import _ "sync"`)},
	{"constructors of the rooms that users build with have an example", archtest.Examples, one("mailbox/bad.go", "type Box struct{}\nfunc Make() *Box { return nil }")},
	{"risk rests on no raft lease", archtest.Banned, one("risk/bad.go", "var n interface{ LastContact() }\nfunc f() { n.LastContact() }")},
}

func one(name, body string) fstest.MapFS {
	pkg := "package p\n"
	return fstest.MapFS{name: {Data: []byte(pkg + body + "\n")}}
}

func TestRulesFailOnPlantedViolations(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			h, err := archtest.Parse(r.planted)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.check(h); len(got) == 0 {
				t.Fatalf("planted violation was not found")
			}
		})
	}
}

func TestHouseKeepsItsPlan(t *testing.T) {
	h, err := archtest.Parse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Rooms) < 10 {
		t.Fatalf("parsed %d rooms, want the whole house", len(h.Rooms))
	}
	seen := map[string]bool{}
	for _, r := range rules {
		for _, v := range r.check(h) {
			if !seen[v.String()] {
				seen[v.String()] = true
				t.Errorf("%s: %s", r.name, v)
			}
		}
	}
}

// TestStrategyLines counts what a user has to write for the shipped strategies: the strategy and its main.
func TestStrategyLines(t *testing.T) {
	for name, limit := range map[string]int{"cross": 35, "quoter": 60} {
		got := codeLines(t, "../../strategy/"+name+"/"+name+".go") + codeLines(t, "../../examples/"+name+"/main.go")
		if got > limit {
			t.Errorf("%s with its main has %d lines, want at most %d", name, got, limit)
		}
	}
}

func codeLines(t *testing.T, name string) int {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}
