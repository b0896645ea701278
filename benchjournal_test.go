package failshut_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/bench"
)

func TestBenchJournal(t *testing.T) {
	dir := t.TempDir()
	short := func(more ...string) []string {
		return append([]string{"bench", "journal", "--dir", dir, "--producers", "3", "--duration", "20ms", "--runs", "1"}, more...)
	}
	r := run(short("--output", "json", "--threshold", "achieved>=1", "--threshold", "syncs_per_batch<=1", "--threshold", "syncs_per_batch>=1")...)
	if r.code != 0 {
		t.Fatal(r)
	}
	var a bench.Answer
	if err := json.Unmarshal([]byte(r.stdout), &a); err != nil {
		t.Fatal(err)
	}
	if a.Schema != bench.Schema || a.Bench != "journal" || len(a.Medians) != 2 || len(a.Targets) != 3 || a.Median.Journaled == nil {
		t.Fatalf("answer = %+v", a)
	}
	if j := a.Median.Journaled; j.Batches == 0 || j.Syncs != j.Batches || j.Records < j.Batches || a.Median.P50 == nil {
		t.Errorf("%+v: want one fdatasync a batch, and how long a record took", *j)
	}
	r = run(short("--threshold", "achieved<=0")...)
	for _, want := range []string{"bare fdatasync", "RECORDS/S", "WANTED", "durable records a second"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, r.stdout)
		}
	}
	if r.code != int(failshut.ExitVerification) {
		t.Errorf("exit %d, want %d for a threshold that is not met", r.code, failshut.ExitVerification)
	}
	for _, wrong := range [][]string{{"--producers", "0"}, {"--bytes", "20000"}, {"--runs", "0"}, {"--threshold", "nothing<=1"}} {
		if r := run(short(wrong...)...); r.code != int(failshut.ExitUsage) {
			t.Errorf("%v: exit %d, want %d", wrong, r.code, failshut.ExitUsage)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v, %v are left in the folder", left, err)
	}
}
