package strategytest_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/quoter"
	"github.com/failshut/failshut/strategy/strategytest"
)

// TestCrashEachFindsAHedgeThatDiesWithItsProcess plants a strategy that hedges what it is told: what it was told in a process that is
// dead nobody tells it again, and no crash of it alone shows that.
func TestCrashEachFindsAHedgeThatDiesWithItsProcess(t *testing.T) {
	said := failed(t, func(tb testing.TB) { hedging(tb, byWord).CrashEach(strategytest.Crashes{}) })
	if !strings.Contains(said, "bought 1 and hedged 0") || !strings.Contains(said, "/kill/") {
		t.Errorf("it said %q, want the hedge that was lost, and the line that repeats it", said)
	}
}

// twoLives is a world whose outcomes are changed where a process has died.
type twoLives struct {
	strategy.Trials
	change func(o *strategy.Outcome)
}

// Try changes the outcome.
func (d twoLives) Try(ctx context.Context, t strategy.Trial) (strategy.Outcome, error) {
	o, err := d.Trials.Try(ctx, t)
	if o.Lives > 1 {
		d.change(&o)
	}
	return o, err
}

// immortal is a world in which no process dies, whatever a trial says.
type immortal struct{ strategy.Trials }

// Try leaves the death out.
func (w immortal) Try(ctx context.Context, t strategy.Trial) (strategy.Outcome, error) {
	t.Dies = nil
	return w.Trials.Try(ctx, t)
}

// TestCrashEachFailsOfWhatIsFoundAfterADeathAlone plants what no other run shows.
func TestCrashEachFailsOfWhatIsFoundAfterADeathAlone(t *testing.T) {
	doctored := func(change func(o *strategy.Outcome)) strategy.Trials { return twoLives{failshut.World(), change} }
	for name, c := range map[string]struct {
		world strategy.Trials
		want  string
	}{
		"a finding":            {doctored(func(o *strategy.Outcome) { o.Findings = append(o.Findings, "J7: open") }), "J7: open"},
		"two orders on a side": {doctored(func(o *strategy.Outcome) { o.Most = 2 }), "2 orders were open on one side, want at most 1"},
		"one life":             {doctored(func(o *strategy.Outcome) { o.Lives = 1 }), "left 1 lives, want two"},
		"a world without end":  {immortal{failshut.World()}, "no process died"},
	} {
		t.Run(name, func(t *testing.T) {
			said := failed(t, func(tb testing.TB) {
				w := strategytest.New(tb, c.world, plain, strategytest.Setup{Params: averages})
				w.Feed(strategytest.Random(1, 60))
				w.CrashEach(strategytest.Crashes{Stride: 20})
			})
			if !strings.Contains(said, c.want) {
				t.Errorf("it said %q, want it to say %q", said, c.want)
			}
		})
	}
}

// TestOneDeathIsRepeatedByItsLine also with what the disk loses, which goes by the message.
func TestOneDeathIsRepeatedByItsLine(t *testing.T) {
	crash := flag.Lookup("crash").Value
	defer func(before string) { _ = crash.Set(before) }(crash.String())
	journals := map[int]string{}
	for range 2 {
		for k := 20; k < 26; k++ {
			if err := crash.Set(fmt.Sprintf("%d/kill/%d", k, k%8)); err != nil {
				t.Fatal(err)
			}
			w := strategytest.New(t, failshut.World(), failshut.Strategy("quoter", quoter.New), strategytest.Setup{Params: quotes})
			w.Feed(strategytest.Random(1, 60))
			w.Invariant(func(o strategy.Outcome) error {
				if o.Lives != 2 {
					return fmt.Errorf("%d lives, want two", o.Lives)
				}
				journal := strings.Join(o.Journal, "\n")
				if before, again := journals[k]; again && before != journal {
					return fmt.Errorf("the same death gives\n%s\nand then\n%s", before, journal)
				}
				journals[k] = journal
				return nil
			})
			w.CrashEach(strategytest.Crashes{})
		}
	}
	if len(journals) != 6 {
		t.Errorf("%d deaths, want six", len(journals))
	}
}

// TestAProcessMayDieWhileItComesUp with its parts in whatever order, two instruments, and a venue that answers late, twice, or not at all.
func TestAProcessMayDieWhileItComesUp(t *testing.T) {
	for seed := uint64(10); seed < 14; seed++ {
		w := strategytest.New(t, failshut.World(), plain, strategytest.Setup{Params: averages, Seed: seed, Symbols: []string{"ACME", "BOLT"}})
		w.Feed(strategytest.Random(seed, 80))
		w.Faults("late_ack every=4 delay=60ms", "dup_exec every=2", "drop_after every=7")
		w.CrashEach(strategytest.Crashes{Stride: 20})
	}
}
