package failshut_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/bench"
)

func TestBenchMailbox(t *testing.T) {
	dir := t.TempDir()
	html, hgrm, base := filepath.Join(dir, "report.html"), filepath.Join(dir, "all.hgrm"), filepath.Join(dir, "base.json")
	short := func(more ...string) []string {
		return append([]string{"bench", "mailbox", "--mode", "pingpong", "--duration", "20ms", "--warmup", "0s", "--runs", "1"}, more...)
	}
	r := run(short("--output", "json", "--html", html, "--hgrm", hgrm, "--threshold", "allocs_per_op<=1000")...)
	if r.code != 0 {
		t.Fatal(r)
	}
	var a bench.Answer
	if err := json.Unmarshal([]byte(r.stdout), &a); err != nil {
		t.Fatal(err)
	}
	if a.Schema != bench.Schema || a.Mode != "pingpong" || len(a.Medians) != 4 || len(a.Thresholds) != 1 || !a.Thresholds[0].Pass {
		t.Errorf("answer = %+v", a)
	}
	for path, want := range map[string]string{html: "</html>", hgrm: "failshut loop, pair"} {
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %q: %v", path, want, err)
		}
	}
	if err := os.WriteFile(base, []byte(r.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	r = run(short("--compare", base, "--threshold", "achieved<=0")...)
	for _, want := range []string{"failshut loop", "VS CHANNEL", "FIGURE", "times"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, r.stdout)
		}
	}
	if r.code != int(failshut.ExitVerification) {
		t.Errorf("exit %d, want %d for a threshold that is not met", r.code, failshut.ExitVerification)
	}
	if r := run(short("--html", filepath.Join(dir, "no", "such", "folder"))...); r.code != 1 {
		t.Errorf("a report that cannot be written: %v", r)
	}
}
