package failshut_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/bench"
)

// TestBenchPathOfOrders runs each form once and short: what it measures is not judged here.
func TestBenchPathOfOrders(t *testing.T) {
	dir := t.TempDir()
	path := func(more ...string) []string {
		return append([]string{"bench", "path", "--dir", dir, "--runs", "1", "--duration", "200ms", "--orders", "20"}, more...)
	}
	for name, tt := range map[string]struct {
		flags   []string
		mode    string
		systems []string
		targets int
	}{
		"journal": {nil, "journal", []string{"bare fdatasync", "journal"}, 1},
		"horizon": {[]string{"--mode", "horizon"}, "horizon", []string{"bare fdatasync", "horizon"}, 2},
		"cancel":  {[]string{"--cancel"}, "cancel", []string{"nothing broken", "quorum lost", "mailboxes full", "journal dead", "all of it"}, 5},
		"restart": {[]string{"--restart"}, "restart", []string{"restart"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(path(append(tt.flags, "--output", "json", "--threshold", "p99>=1")...)...)
			if r.code != 0 {
				t.Fatal(r)
			}
			var a bench.Answer
			if err := json.Unmarshal([]byte(r.stdout), &a); err != nil {
				t.Fatal(err)
			}
			if a.Schema != bench.Schema || a.Bench != "path" || a.Mode != tt.mode || len(a.Targets) != tt.targets || len(a.Medians) != len(tt.systems) {
				t.Fatalf("answer = %+v", a)
			}
			for i, row := range a.Medians {
				if row.System != tt.systems[i] || row.P50 == nil || *row.P50 <= 0 || row.Achieved <= 0 {
					t.Errorf("row %d = %+v, want %s with a rate and latencies", i, row, tt.systems[i])
				}
			}
		})
	}
	r := run(path("--restart", "--threshold", "p99<=1")...)
	if r.code != int(failshut.ExitVerification) || !strings.Contains(r.stdout, "WANTED") {
		t.Errorf("%v: want exit %d and a table with what is wanted", r, failshut.ExitVerification)
	}
	for _, wrong := range [][]string{
		{"--mode", "fast"},
		{"--rate", "0"},
		{"--orders", "0"},
		{"--runs", "0"},
		{"--cancel", "--restart"},
		{"--threshold", "speed>=1"},
		{"--loops", "3"},
		{"--replay", "x", "--format", "iex-deep10"},
		{"stray"},
	} {
		if r := run(path(wrong...)...); r.code != int(failshut.ExitUsage) {
			t.Errorf("%v: exit %d, want %d", wrong, r.code, failshut.ExitUsage)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v, %v are left in the folder", left, err)
	}
}
