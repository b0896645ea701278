package failshut_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestANewStrategyPassesItsOwnTest does what its reader does, without a network.
func TestANewStrategyPassesItsOwnTest(t *testing.T) {
	t.Chdir(t.TempDir())
	v := object(t, run("new", "strategy", "my", "--output", "json").stdout, "failshut.new.strategy/1")
	if v["dir"] != "my" || v["replace"] == nil {
		t.Fatalf("the answer is %v, want the folder my, built with this checkout", v)
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "-v", "./..."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = "my"
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		if args[0] == "test" && strings.Count(string(out), "--- PASS: ") != 2 {
			t.Errorf("go test: want two tests that pass, got\n%s", out)
		}
	}
}

func TestANewStrategyIsWrittenOverNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	kept := filepath.Join(dir, "mine")
	if err := os.MkdirAll(kept, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kept, "go.mod"), []byte("module mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range []ends{
		{"a folder that holds something", []string{"new", "strategy", "mine"}, 6, "holds go.mod"},
		{"a name with a dash", []string{"new", "strategy", "my-own"}, 2, `NAME is "my-own"`},
		{"a path", []string{"new", "strategy", "../my"}, 2, "want 1 to 40"},
		{"no name", []string{"new", "strategy"}, 2, ""},
		{"a checkout that is none", []string{"new", "strategy", "other", "--replace", dir}, 2, "want the folder of a checkout"},
	} {
		t.Run(e.name, e.check)
	}
	if mod, err := os.ReadFile(filepath.Join(kept, "go.mod")); err != nil || string(mod) != "module mine\n" {
		t.Errorf("the folder's go.mod is %q, %v, want it as it was", mod, err)
	}
	if _, err := os.Stat("other"); err == nil {
		t.Error("a folder was made for a command that was refused")
	}
}
