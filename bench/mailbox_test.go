package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/bench"
	"github.com/failshut/failshut/bench/load"
)

func row(system, kase string, p50 int64) bench.Row {
	return bench.Row{System: system, Case: kase, P50: &p50, P99: new(2 * p50), Mailboxed: &bench.Mailboxed{Handled: 1}}
}

func voidRow(system, kase string) bench.Row {
	return bench.Row{System: system, Case: kase, Mailboxed: &bench.Mailboxed{Handled: 1, Void: []string{"p50", "p99"}}}
}

func TestAPercentileUnderTheFloorIsVoid(t *testing.T) {
	l, floor := load.NewLatencies(), load.NewLatencies()
	for range 100 {
		l.Record(1000)
		floor.Record(10)
	}
	floor.Record(1_000_000) // one stall: it is the floor of the high percentiles alone
	r := bench.Quote(l, floor)
	if r.P50 == nil || *r.P50 < 999 || *r.P50 > 1001 {
		t.Errorf("p50 = %v, want 1000", r.P50)
	}
	if r.Max != nil || r.P999 != nil || !slices.Equal(r.Void, []string{"p999", "p9999", "max"}) {
		t.Errorf("max = %v, void = %v, want what lies under the stall void", r.Max, r.Void)
	}
	if r := bench.Quote(load.NewLatencies(), floor); r.P50 != nil || len(r.Void) != 6 {
		t.Errorf("of nothing, p50 = %v, void = %v, want all void", r.P50, r.Void)
	}
}

func TestThresholdsOnRows(t *testing.T) {
	medians := []bench.Row{
		row("channel", "slow", 900), row("failshut", "slow", 100), row("failshut", "fast", 300), voidRow("failshut", "void"),
		voidRow("failshut pinned", "slow"),
	}
	tests := map[string]struct {
		text  string
		pass  bool
		value float64
		err   string
	}{
		"the worst case counts":                {"p50<=200ns", false, 300, ""},
		"one case":                             {"slow:p50<=200ns", true, 100, ""},
		"a system":                             {"channel:p50<=1us", true, 900, ""},
		"a system and a case":                  {"failshut:fast:p99<=0.6us", true, 600, ""},
		"at least takes the least":             {"p50>=200ns", false, 100, ""},
		"all void is not met":                  {"failshut pinned:p50<=1ms", false, 0, ""},
		"no such case":                         {"absent:p50<=1ms", false, 0, "absent"},
		"no such figure":                       {"speed<=1ms", false, 0, "speed"},
		"no bound":                             {"p50", false, 0, "p50"},
		"too many names":                       {"a:b:c:p50<=1", false, 0, "a:b:c"},
		"a figure that the mode does not have": {"goodput>=0.9", false, 0, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := bench.JudgeRows([]string{tt.text}, medians)
			if tt.err != "" {
				if !errors.Is(err, bench.ErrThreshold) || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error = %v, want ErrThreshold that names %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Pass != tt.pass || got[0].Value != tt.value {
				t.Fatalf("threshold = %+v, want pass %v at %v", got[0], tt.pass, tt.value)
			}
		})
	}
}

func TestTheMiddleRowAndItsComparison(t *testing.T) {
	got := bench.Middle([]bench.Row{row("a", "x", 30), voidRow("a", "x"), row("a", "x", 10), row("a", "x", 20), row("a", "x", 40)})
	if got.P50 == nil || *got.P50 != 30 {
		t.Errorf("middle = %v, want 30: a void row counts as slow", got.P50)
	}
	if got := bench.Middle([]bench.Row{voidRow("a", "x"), voidRow("a", "x"), row("a", "x", 1)}); got.P50 != nil {
		t.Errorf("middle = %v, want void: most runs were", *got.P50)
	}
	base := bench.Answer{Medians: []bench.Row{row("a", "x", 100), voidRow("a", "y")}}
	now := bench.Answer{Medians: []bench.Row{row("a", "x", 150), row("a", "y", 1), row("b", "x", 1)}}
	notes := bench.Compare(base, now)
	for i, want := range []string{"1.50 times", "nothing to compare", "not in the base"} {
		if i >= len(notes) || !strings.Contains(notes[i], want) {
			t.Errorf("notes = %q, want %q at %d", notes, want, i)
		}
	}
	now.Machine.CPU = "another"
	if notes := bench.Compare(base, now); !strings.Contains(notes[0], "another machine") {
		t.Errorf("notes = %q, want a warning of the other machine first", notes)
	}
}

func TestATargetThatWasNotMeasuredIsNeitherMetNorMissed(t *testing.T) {
	for _, target := range bench.Targets("pingpong", []bench.Row{row("channel", "pair", 100), voidRow("failshut", "pair"), voidRow("failshut pinned", "pair"), voidRow("failshut loop", "pair")}) {
		if target.Met != nil || target.Got != nil {
			t.Errorf("%+v, want void", target)
		}
	}
	with := func(v float64) bench.Row {
		r := row("failshut", "pair", int64(100*v))
		r.VsChannel = &v
		return r
	}
	for v, met := range map[float64]bool{1.5: true, 1.6: false} {
		got := bench.Targets("pingpong", []bench.Row{row("channel", "pair", 100), with(v), voidRow("failshut pinned", "pair")})[0]
		if got.Met == nil || *got.Met != met {
			t.Errorf("%.1f times the channel: %+v, want met %v", v, got, met)
		}
	}
}

// Failshut's actors under each load: the books balance, or a run is an error.
func TestEveryLoadOnEveryPlace(t *testing.T) {
	loads := map[string]func(context.Context, load.Driver, load.Plan) (load.Outcome, error){
		"throughput": load.Throughput, "pingpong": load.PingPong, "steady": load.Steady, "overload": load.Overload, "cancel": load.CancelLane,
		"conflate": load.Conflate, "suspended": load.Suspended,
	}
	for _, where := range []bench.Where{bench.Pool, bench.Pinned, bench.PinnedSpin, bench.OneGoroutine} {
		for mode, run := range loads {
			d := bench.Failshut{Where: where}
			_, err := run(t.Context(), d, load.Plan{
				Senders: 3, Capacity: 100, Keys: 7, Rate: 5000, Pace: load.Poisson, Work: time.Microsecond, Duration: 20 * time.Millisecond,
			})
			refused := where == bench.PinnedSpin && errors.Is(err, load.ErrNoSpareCore)
			if err != nil && !refused {
				t.Errorf("%s, %s: %v", d.Name(), mode, err)
			}
		}
	}
}

// A mailbox that conflates is overloaded like any other, and is behind with no instrument.
func TestAMailboxThatConflatesIsNeverBehind(t *testing.T) {
	o, err := load.Conflate(t.Context(), bench.Failshut{Conflates: true}, load.Plan{
		Keys: 50, Capacity: 100, Work: 2 * time.Microsecond, Duration: 50 * time.Millisecond,
	})
	if err != nil || o.Behind != 0 || o.Refused != 0 || o.Dropped == 0 {
		t.Errorf("behind %d, refused %d, merged %d, error %v, want 0, 0 and some", o.Behind, o.Refused, o.Dropped, err)
	}
}

func TestMistakesAreListed(t *testing.T) {
	err := bench.MailboxConfig{Mode: "fast", Rate: -1, Runs: 0, Thresholds: []string{"much"}}.Validate()
	for _, want := range []string{"fast", "throughput", "rate = -1", "duration = 0s", "runs = 0", "much"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to name %q", err, want)
		}
	}
}

// Every mode runs, fills what it promises, and can be reported; how fast is not asked.
func TestEveryMode(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the machine for seconds")
	}
	for mode := range strings.SplitSeq(bench.MailboxModes(), ", ") {
		t.Run(mode, func(t *testing.T) {
			told := 0
			a, err := bench.Mailbox(t.Context(), bench.MailboxConfig{
				Mode: mode, Duration: 120 * time.Millisecond, Warmup: 5 * time.Millisecond, Runs: 2, Seed: 7,
				Thresholds: []string{"allocs_per_op>=0"}, Progress: func(int, int, string) { told++ },
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Runs) != 2*len(a.Medians) || told != len(a.Runs) || len(a.Medians) < 3 {
				t.Errorf("%d runs, %d medians, told %d times", len(a.Runs), len(a.Medians), told)
			}
			if a.Medians[0].System != "channel" || a.Floor == nil || a.Floor.Max <= 0 {
				t.Errorf("first row of %s, floor %+v", a.Medians[0].System, a.Floor)
			}
			for _, r := range a.Medians {
				if r.Handled == 0 && r.Note == "" {
					t.Errorf("%s, %s handled nothing and does not say why", r.System, r.Case)
				}
			}
			var out bytes.Buffer
			if err := json.NewEncoder(&out).Encode(a); err != nil {
				t.Fatal(err)
			}
			var back bench.Answer
			if err := json.Unmarshal(out.Bytes(), &back); err != nil || len(back.Medians) != len(a.Medians) {
				t.Errorf("read back %d medians, error %v", len(back.Medians), err)
			}
			wellFormed(t, a)
		})
	}
}

// wellFormed reads the report as XML and wants nothing in it that a browser would fetch.
func wellFormed(t *testing.T, a bench.Answer) {
	t.Helper()
	var html bytes.Buffer
	if err := a.WriteHTML(&html); err != nil {
		t.Fatal(err)
	}
	for _, fetch := range []string{"http:", "https:", "src=", "@import", "url("} {
		if strings.Contains(html.String(), fetch) {
			t.Errorf("the report has %q: it must stand alone", fetch)
		}
	}
	if strings.Contains(html.String(), "NaN") || strings.Contains(html.String(), "Inf") {
		t.Error("the report plots what is no number")
	}
	d := xml.NewDecoder(&html)
	d.Strict, d.AutoClose, d.Entity = false, append(xml.HTMLAutoClose, "meta"), xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the report is not well-formed: %v", err)
		}
	}
	var hgrm bytes.Buffer
	if err := a.WriteHgrm(&hgrm); err != nil {
		t.Fatal(err)
	}
	if measured := a.Medians[0].P50 != nil; measured && !strings.Contains(hgrm.String(), "#[channel, ") {
		t.Errorf("the .hgrm does not name the channel:\n%.200s", hgrm.String())
	}
}
