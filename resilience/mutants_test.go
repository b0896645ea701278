package resilience_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutants are mistakes that others have made, each in one place, and the test that has to find it.
var mutants = []struct {
	name, file, right, wrong, test string
}{
	{"no generation", "breaker.go", "t.generation != b.generation", "false", "TestAnAnswerFromBefore"},
	{"no probe deadline", "breaker.go", "len(b.probes) > 0 && now >= b.probes[0].due", "false", "TestWhatFailsARound"},
	{"an abandoned probe is nothing", "breaker.go", "case o == Ignored: //", "case o == Ignored || o == Abandoned: //", "TestWhatFailsARound|TestHistories"},
	{"lazy open", "breaker.go", "next = b.until", "next = Never", "TestAChangeIsTold"},
	{"slow probes are good", "breaker.go", "o != OK || now.Sub(t.at) >= b.cfg.SlowAfter", "o != OK", "TestWhatFailsARound"},
	{"a ticket counts twice", "breaker.go", "b.out[n/64] &^= bit", "", "TestATicketCountsOnce"},
	{"jitter around the bound", "backoff.go", "return upTo(r, bound)", "return bound - bound/5 + upTo(r, 2*bound/5)", "TestFullJitter"},
	{"the first attempt at once", "backoff.go", "p.First == Now", "true", "TestWaitsLie"},
	{"a shift that wraps", "backoff.go", "n >= bits.LeadingZeros64(uint64(d))", "bits.LeadingZeros64(uint64(d)) > 64", "TestWaitsLie"},
	{"the ambiguous is tried again", "backoff.go", "case Transient, Throttled:", "case Transient, Throttled, Ambiguous:", "TestOnlyWhat"},
	{"a budget of what is in flight", "budget.go", "g.book(now, -retryCosts)", "", "TestLoadOnADead"},
	{"a late release without owner", "bulkhead.go", "k.slots[p.slot].serial != p.serial", "k.slots[p.slot].serial == 0", "TestTheEndOfAnIncarnation"},
	{"a permit after the deadline", "bulkhead.go", "k.waiting[n].Until < now", "false", "TestWhoWaits"},
	{"a cancel over the limit waits", "limit.go", "return true, now\n\t}\n\tif l.cfg", "if l.all.opens(now, n, l.slowed) > now { return false, now }\n\t\treturn true, now\n\t}\n\tif l.cfg", "TestACancelIsNever"},
	{"orders use all of the limit", "limit.go", "l.rest.opens(now, n, l.slowed)", "now", "TestOrdersAndQuestions"},
	{"a hint for ever", "hint.go", "return min(h.After, HintMax), true", "return h.After, true", "TestAHint"},
	{"two extras", "hedge.go", "r.over || r.extra ||", "r.over ||", "TestASlowRead"},
	{"an extra without a token", "hedge.go", "!g.Withdraw(now)", "false", "TestAnExtraCosts"},
	{"a hop lengthens", "deadline.go", "o.instant() < d.instant()", "o.instant() > d.instant()", "TestAHop"},
}

// TestMutants builds the package with each mistake in it, and wants a test to fail.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package anew for each mutant; make test does")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			path, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), m.right); n != 1 {
				t.Fatalf("%s has %q %d times, want once", m.file, m.right, n)
			}
			dir := t.TempDir()
			mutant, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
			list, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutant}})
			if err != nil {
				t.Fatal(err)
			}
			for name, body := range map[string]string{mutant: strings.Replace(string(source), m.right, m.wrong, 1), overlay: string(list)} {
				if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-overlay", overlay, "-run", m.test, "-count=1", ".").CombinedOutput()
			if err == nil {
				t.Fatalf("lives: %s passes with it", m.test)
			}
			if !strings.Contains(string(out), "--- FAIL") {
				t.Fatalf("no test failed, but:\n%s", out)
			}
		})
	}
}
