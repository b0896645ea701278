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
		t.Skip("a million attempts: not with -short")
	}
	s, err := parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := played()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"retrystorm.svg": r.chart.SVG(), "retrystorm.md": r.page(s)} {
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
	if err := r.check(); err != nil {
		t.Error(err)
	}
}

// TestTheTablesOfTheDesignAreReproduced compares with the simulation that the design was made by, within ten percent.
func TestTheTablesOfTheDesignAreReproduced(t *testing.T) {
	if testing.Short() {
		t.Skip("a million attempts: not with -short")
	}
	r, err := played()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]figures{}
	for _, f := range r.Ways {
		by[f.Way] = f
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > want/10 {
			t.Errorf("%s: %.2fx, want %.2fx within 10 %%", what, got, want)
		}
	}
	near("no budget", by["no budget"].Load[0], 4.91)
	near("in flight", by["in flight (Envoy)"].Load[0], 5.00)
	near("Finagle", by["Finagle"].Load[0], 1.21)
	near("gRPC", by["gRPC A6"].Load[0], 1.00)
	for i, want := range []float64{1.20, 1.20, 1.23, 1.50} {
		near("ours", by["ours"].Rates[i], want)
	}
	near("Finagle at 10/s", by["Finagle"].Rates[2], 2.20)
	near("Finagle at 1/s", by["Finagle"].Rates[3], 5.00)
	for i, got := range by["ours"].Load {
		if got > 1.25 || got < 1.1 {
			t.Errorf("ours, failing after %v: %.2fx, want 1.1x to 1.25x", failing[i], got)
		}
	}
	for i, got := range by["ours, breaker"].Load {
		if got > 0.05 || got == 0 {
			t.Errorf("ours with a breaker, failing after %v: %.3fx, want some and at most 0.05x", failing[i], got)
		}
	}
	bare, limited := by["ours, breaker"], by["ours, breaker, limit"]
	if most := 2*100 + 1000/50; limited.Burst > most || bare.Burst < 2*most {
		t.Errorf("%d in 100 ms without a limit and %d with it, want the limit to matter and at most %d", bare.Burst, limited.Burst, most)
	}
}

func TestOneRunIsAsTheOther(t *testing.T) {
	args := []string{"--rate", "20", "--outage", "10s", "--output", "json", "--check"}
	var one, other bytes.Buffer
	for _, out := range []*bytes.Buffer{&one, &other} {
		if err := run(args, out); err != nil {
			t.Fatal(err)
		}
	}
	var got report
	if err := json.Unmarshal(one.Bytes(), &got); err != nil || len(got.Ways) != len(ways()) || len(got.Rates) != 3 {
		t.Fatalf("%s: %v", one.Bytes(), err)
	}
	if !bytes.Equal(one.Bytes(), other.Bytes()) {
		t.Error("two runs of one seed differ")
	}
}

func TestACheckThatFailsSaysSo(t *testing.T) {
	r := report{Ways: []figures{{Way: "ours", Load: []float64{1.2, 1.26}, Rates: []float64{1.2, 1.5}}}, Rates: []int{10, 1}}
	if err := r.check(); !errors.Is(err, errCheck) {
		t.Fatalf("check() = %v, want a check that failed", err)
	}
	r.Ways[0].Load[1] = 1.25
	if err := r.check(); err != nil { // 1.5x at one request a second is what the reserve allows
		t.Fatal(err)
	}
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{
		{"--rate", "0"},
		{"--rate", "1001"},
		{"--outage", "1s"},
		{"--retries", "-1"},
		{"--base", "0"},
		{"--cap", "1ms"},
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
