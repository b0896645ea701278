package failshut_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leaves are the commands of the binary that do something, found in its own help.
func leaves(t *testing.T, path ...string) [][]string {
	t.Helper()
	r := run(append(path, "--help")...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%v --help: %v", path, r)
	}
	below := section(r.stdout, "Available Commands:")
	if len(below) == 0 {
		return [][]string{path}
	}
	var out [][]string
	for _, line := range below {
		name := strings.Fields(line)[0]
		if len(path) == 0 && (name == "help" || name == "completion") {
			continue
		}
		out = append(out, leaves(t, append(append([]string{}, path...), name)...)...)
	}
	return out
}

// section returns the lines of help under a heading.
func section(text, heading string) []string {
	_, rest, found := strings.Cut(text, heading+"\n")
	if !found {
		return nil
	}
	body, _, _ := strings.Cut(rest, "\n\n")
	return strings.Split(strings.TrimRight(body, "\n"), "\n")
}

func TestEveryCommandHasAnExampleThatParses(t *testing.T) {
	all := leaves(t)
	if len(all) < 10 {
		t.Fatalf("found the commands %v, want at least 10", all)
	}
	for _, path := range all {
		name := strings.Join(path, " ")
		t.Run(name, func(t *testing.T) {
			help := run(append(path, "--help")...)
			if short, _, _ := strings.Cut(help.stdout, "\n"); short == "" {
				t.Error("nothing says what it is for")
			}
			examples := section(help.stdout, "Examples:")
			if len(examples) == 0 {
				t.Fatal("no example")
			}
			for _, line := range examples {
				args, err := words(line)
				if err != nil {
					t.Fatal(err)
				}
				if args[0] != "failshut" || !strings.HasPrefix(strings.Join(args[1:], " ")+" ", name+" ") {
					t.Errorf("example %q is not of this command", line)
				}
				if r := run(append(args[1:], "--help")...); r.code != 0 {
					t.Errorf("example %q: %v", line, r)
				}
			}
		})
	}
}

// TestExamplesRun runs the examples that need nothing but what is there: the others speak of files and nodes of the reader's.
func TestExamplesRun(t *testing.T) {
	t.Chdir(t.TempDir())
	want := map[string]int{
		"version": 0, "feed verify": 1, "feed book": 1, "replay": 1, "bench path": 1, "config check": 1, "tree replay": 1, "run": 1, "cluster init": 1, // no such file
		"status": 4, "gate": 4, "trip": 4, "reset": 4, "tree dump": 4, "positions": 4, "orders": 4, "orders resolve": 4, // no such node
		"new strategy": 0,
	}
	for _, path := range leaves(t) {
		name := strings.Join(path, " ")
		code, known := want[name]
		if !known {
			if name != "demo" && name != "bench mailbox" && name != "bench journal" { // run in tests of their own
				t.Errorf("the command %q is in no table of this test", name)
			}
			continue
		}
		for _, line := range section(run(append(path, "--help")...).stdout, "Examples:") {
			args, err := words(line)
			if err != nil {
				t.Fatal(err)
			}
			if r := run(args[1:]...); r.code != code {
				t.Errorf("example %q: want exit %d, got %v", line, code, r)
			}
		}
	}
}

// words splits a line as a shell does, as far as examples go.
func words(line string) ([]string, error) {
	var out []string
	for i, part := range strings.Split(strings.TrimSpace(line), "'") {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	if strings.Count(line, "'")%2 != 0 || strings.ContainsAny(line, "\"\\$") {
		return nil, fmt.Errorf("the example %q needs a shell, want plain words", line)
	}
	return out, nil
}

func TestTheTableIsDrawnFromTheJSON(t *testing.T) {
	src, err := os.ReadFile("examples/cluster/venue.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	venue := filepath.Join(t.TempDir(), "venue.yaml") // without what is warned of: that is said in words
	text := strings.NewReplacer(", stop]", "]", ", post_only]", "]").Replace(string(src))
	if err := os.WriteFile(venue, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"version"}, {"config", "check", venue}} {
		var v map[string]any
		if err := json.Unmarshal([]byte(run(append(args, "--output", "json")...).stdout), &v); err != nil {
			t.Fatal(err)
		}
		table := run(args...).stdout
		for key, value := range v {
			if !strings.Contains(table, key) {
				t.Errorf("%v: the table has no %s", args, key)
			}
			for _, text := range scalars(value) {
				if !strings.Contains(table, text) {
					t.Errorf("%v: the table does not show %q of %s", args, text, key)
				}
			}
		}
	}
}

// scalars lists the plain values in a JSON value.
func scalars(v any) []string {
	switch x := v.(type) {
	case nil:
		return []string{"-"}
	case map[string]any:
		var out []string
		for _, item := range x {
			out = append(out, scalars(item)...)
		}
		return out
	case []any:
		var out []string
		for _, item := range x {
			out = append(out, scalars(item)...)
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

func TestAnswersOfTheToolsBeginWithTheirSchema(t *testing.T) {
	v := object(t, run("version", "--output", "json").stdout, "failshut.version/1")
	schemas, ok := v["schemas"].(map[string]any)
	if !ok || len(schemas) < 8 {
		t.Fatalf("schemas %v, want every answer's", v["schemas"])
	}
	for _, name := range []string{"failshut.error", "failshut.demo", "failshut.replay", "failshut.gate", "failshut.feed.verify"} {
		if schemas[name] != float64(1) {
			t.Errorf("schema %s is %v, want 1", name, schemas[name])
		}
	}
}
