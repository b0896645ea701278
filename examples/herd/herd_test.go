package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// played is the report of the flags that make charts uses, played once for all tests.
var played = sync.OnceValues(func() (*report, error) {
	s, err := parse(nil)
	if err != nil {
		return nil, err
	}
	return s.play()
})

func TestThePageIsWhatTheCodeWrites(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty seeds of every scene: not with -short")
	}
	s, err := parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := played()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"herd.svg": r.chart.SVG(), "herd.md": r.page(s)} {
		got, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/%s is not what the code writes today, want it written again by make charts", name)
		}
	}
	if n := len(r.chart.SVG()); n > 100_000 {
		t.Errorf("the chart has %d bytes, want at most 100000", n)
	}
	if err := r.check(s); err != nil {
		t.Error(err)
	}
}

// near compares with a figure of the simulation that the design was made by, within ten percent.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > math.Max(want/10, 0.05) {
		t.Errorf("%s = %.1f, want %.1f within 10 %%", what, got, want)
	}
}

// row is a line of a table of the design: 0 in a column is exactly 0, below 0 is not compared.
type row struct{ attempts, after, peak, refused, p50, p99 float64 }

func compare(t *testing.T, got figures, want row) {
	t.Helper()
	for _, c := range []struct {
		what string
		got  float64
		want float64
	}{
		{"attempts", float64(got.Attempts), want.attempts},
		{"attempts after recovery", float64(got.After), want.after},
		{"peak in a second", float64(got.Peak), want.peak},
		{"refused", float64(got.Refused), want.refused},
		{"p50", got.P50, want.p50},
		{"p99", got.P99, want.p99},
	} {
		if c.want >= 0 {
			near(t, got.Policy+": "+c.what, c.got, c.want)
		}
	}
}

func TestTheTablesOfTheDesignAreReproduced(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty seeds of every scene: not with -short")
	}
	r, err := played()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []row{
		{35418, 5418, 1000, 4418, 4.5, 9.4},
		{13418, 5418, 1000, 4418, 43.1, 93.0},
		{9084, 1000, 207, 0, 3.1, 11.0},
		{10240, 1000, 159, 0, 3.5, 9.0},
		{12423, 1000, 190, 0, 3.0, 9.0},
		{16694, 1000, 183, 0, 3.5, 9.8},
	} {
		compare(t, r.Herd[i], want)
	}
	for i, want := range []row{
		{-1, -1, 3596, 3832, -1, 7.7}, {-1, -1, 2330, 3174, -1, -1}, {-1, -1, 216, 0, -1, 5.1}, {-1, -1, 115, 0, -1, 9.9},
	} {
		compare(t, r.First[i], want)
	}
	for i, want := range []row{{-1, -1, 997, 8798, -1, 27}, {-1, -1, 284, 229, -1, 47}} {
		compare(t, r.Limits[i], want)
	}
}

func TestOneRunIsAsTheOther(t *testing.T) {
	args := []string{"--seeds", "1", "--n", "100", "--capacity", "25", "--queue", "10", "--outage", "10s", "--output", "json", "--check"}
	var one, other bytes.Buffer
	for _, out := range []*bytes.Buffer{&one, &other} {
		if err := run(args, out); err != nil {
			t.Fatal(err)
		}
	}
	var got report
	if err := json.Unmarshal(one.Bytes(), &got); err != nil || len(got.Herd) != 6 || len(got.First) != 4 || len(got.Limits) != 2 {
		t.Fatalf("%s: %v", one.Bytes(), err)
	}
	if !bytes.Equal(one.Bytes(), other.Bytes()) {
		t.Error("two runs of one seed differ")
	}
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{
		{"--n", "0"},
		{"--capacity", "0"},
		{"--queue", "-1"},
		{"--outage", "-1s"},
		{"--timeout", "0"},
		{"--queue", "200"}, // the last one waits longer than the timeout
		{"--base", "0"},
		{"--base", "20s"},
		{"--seeds", "0"},
		{"--output", "xml"},
	} {
		if err := run(args, &out); !errors.Is(err, errUsage) {
			t.Errorf("run(%v) = %v, want a mistake of usage", args, err)
		}
	}
	if err := run([]string{"--help"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("run(--help) = %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("printed %q", out.String())
	}
}

func TestACheckThatFailsSaysSo(t *testing.T) {
	var out bytes.Buffer
	// A cap far below N/C: half a second of mean wait for what takes five seconds.
	err := run([]string{"--seeds", "1", "--n", "100", "--capacity", "20", "--queue", "5", "--cap", "1s", "--outage", "2s", "--check"}, &out)
	if !errors.Is(err, errCheck) {
		t.Fatalf("run() = %v, want a check that failed", err)
	}
}
