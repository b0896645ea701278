package failshut_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const venueFile = "examples/cluster/venue.example.yaml"

// single writes the example of a node on its own, with a free admin port, into a directory of its own, and gives its path.
func single(t *testing.T, change ...string) string {
	t.Helper()
	src, err := os.ReadFile("examples/single/node.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(append([]string{"listen: 127.0.0.1:7201", "listen: 127.0.0.1:0"}, change...)...).Replace(string(src))
	name := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestANodeIsFoundedOnceAndRuns, and trusts no exchange that has forgotten it.
func TestANodeIsFoundedOnceAndRuns(t *testing.T) {
	file := single(t)
	args := []string{"run", "--config", file, "--venue", venueFile}
	ends{"not founded", args, 6, "failshut cluster init --config " + file}.check(t)
	data := filepath.Join(filepath.Dir(file), "data", "n1")
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("a run that was refused left %s: %v", data, err)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	ends{"an emptied disk", args, 6, "failshut cluster init --config " + file}.check(t)
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("a run that was refused left %v (%v), want nothing: what is there is in the way of a founding", left, err)
	}
	v := object(t, run("cluster", "init", "--config", file, "--output", "json").stdout, "failshut.cluster.init/1")
	if v["node"] != "n1" || v["cluster_id"] != "local" || v["bootstrapped"] != true {
		t.Errorf("founded %v, want n1 in local", v)
	}
	ends{"founded already", []string{"cluster", "init", "--config", file}, 6, data}.check(t)

	p := start(t, "product", "run", "--config", file, "--venue", venueFile, "--output", "json")
	p.until(t, "gate: OPEN")
	ends{"locked", args, 6, "held by pid"}.check(t)
	ends{"locked for a founder", []string{"cluster", "init", "--config", file}, 6, "held by pid"}.check(t)
	if err := p.Process.Signal(syscall.SIGHUP); err != nil { // it does not die of it
		t.Fatal(err)
	}
	v = p.stopped(t, 0)
	if v["incarnation"] != float64(1) || v["exit"] != float64(0) || len(v["unstopped"].([]any)) != 0 || v["restarts"] != float64(0) {
		t.Errorf("at the end %v, want the first incarnation and nobody unstopped", v)
	}
	phases := v["phases"].([]any)
	if len(phases) == 0 {
		t.Error("no phase of the shutdown was gone through")
	}
	for _, phase := range phases {
		if phase.(map[string]any)["result"] != "ok" {
			t.Errorf("phase %v, want ok", phase)
		}
	}

	// The exchange of the next run has forgotten the session: its numbers do not fit, so nothing opens (P2).
	p = start(t, "product", "run", "--config", file, "--venue", venueFile, "--output", "json")
	p.until(t, "gate: CANCEL_ONLY")
	r := run("gate", "--addr", "unix:"+filepath.Join(data, "admin.sock"), "--output", "json")
	if r.code != 6 || !strings.Contains(r.stdout, "SESSION_DOWN") {
		t.Errorf("the gate answers %v, want exit 6 for SESSION_DOWN", r)
	}
	if v := p.stopped(t, 0); v["incarnation"] != float64(2) || strings.Contains(p.seen.String(), "gate: OPEN") {
		t.Errorf("at the end %v after\n%s, want the second incarnation, which never opened", v, p.seen.String())
	}
}

// stopped tells the process to stop, and gives its answer.
func (p *process) stopped(t *testing.T, code int) map[string]any {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for p.errors.Scan() {
		p.seen.WriteString(p.errors.Text() + "\n")
	}
	_ = p.Wait()
	if got := p.ProcessState.ExitCode(); got != code {
		t.Fatalf("want exit %d, got %d\n%s\n%s", code, got, p.out.String(), p.seen.String())
	}
	return object(t, p.out.String(), "failshut.run/1")
}

// TestARunIsRefusedByName for what it cannot do and for files that are no files of its.
func TestARunIsRefusedByName(t *testing.T) {
	good := single(t)
	three := single(t, `- {id: n1, addr: "127.0.0.1:7101", role: voter}`, `- {id: n1, addr: "127.0.0.1:7101", role: voter}
    - {id: n2, addr: "127.0.0.1:7102", role: voter}
    - {id: n3, addr: "127.0.0.1:7103", role: voter}`)
	fix := single(t, "kind: sim", "kind: fix")
	bad := single(t, "max_age: 3s", "max_agee: 3s")
	founded := func(file string) {
		if r := run("cluster", "init", "--config", file); r.code != 0 {
			t.Fatal(r)
		}
	}
	founded(fix)
	for _, e := range []ends{
		{"no file", []string{"run"}, 2, "--config is missing"},
		{"no venue", []string{"run", "--config", good}, 2, "--venue is missing"},
		{"a file that is not there", []string{"run", "--config", good + "x", "--venue", venueFile}, 1, "no such file"},
		{"a venue as a node", []string{"run", "--config", venueFile, "--venue", venueFile}, 3, "is a venue file, want a node file"},
		{"a node as a venue", []string{"run", "--config", good, "--venue", good}, 3, "is a node file, want a venue file"},
		{"a mistake", []string{"run", "--config", bad, "--venue", venueFile}, 3, "max_agee"},
		{"a mistake of a founder", []string{"cluster", "init", "--config", bad}, 3, "max_agee"},
		{"several voters", []string{"run", "--config", three, "--venue", venueFile}, 3, "several nodes are not built"},
		{"several voters of a founder", []string{"cluster", "init", "--config", three}, 3, "several nodes are not built"},
		{"a venue over a wire", []string{"run", "--config", fix, "--venue", venueFile}, 3, "order entry over a wire is not built"},
		{"no file of a founder", []string{"cluster", "init"}, 2, "--config is missing"},
		{"a word too many", []string{"run", "more"}, 2, "more"},
	} {
		e.check(t)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(three), "data")); !os.IsNotExist(err) {
		t.Errorf("a founding that was refused left something: %v", err)
	}

	// Somebody else's directory.
	other := single(t, "id: n1,", "id: n9,", "id: n1 ", "id: n9 ", "id: n1\n", "id: n9\n", "home: n1", "home: n9")
	founded(good)
	ends{"of another node", []string{"run", "--config", other, "--data", filepath.Join(filepath.Dir(good), "data", "n1"), "--venue", venueFile}, 3, "identity"}.check(t)
}
