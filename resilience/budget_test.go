package resilience_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/resilience"
)

// load plays clients of a dependency that is dead for a minute: rate first attempts a second, each of which fails after took and
// is tried again at most four times, as the budget allows. It returns all attempts for each first one.
func load(t *testing.T, r *rand.Rand, rate int, took time.Duration) float64 {
	t.Helper()
	g, err := resilience.NewBudget(resilience.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	p := resilience.Backoff{Base: 100 * ms, Cap: time.Second, Jitter: resilience.Full, First: resilience.Now, Attempts: 5}
	const outage = time.Minute
	type attempt struct {
		at resilience.Instant
		n  int
	}
	var queue []attempt
	push := func(a attempt) {
		i, _ := slices.BinarySearchFunc(queue, a, func(x, y attempt) int {
			if x.at <= y.at {
				return -1
			}
			return 1
		})
		queue = slices.Insert(queue, i, a)
	}
	firsts, all := 0, 0
	next := resilience.Instant(0)
	every := time.Second / time.Duration(rate)
	for {
		if len(queue) == 0 || next <= queue[0].at && next < at(outage) {
			if next >= at(outage) {
				return float64(all) / float64(firsts)
			}
			push(attempt{next, 0})
			next = next.Add(every)
			continue
		}
		a := queue[0]
		queue = queue[1:]
		if a.n == 0 {
			firsts++
			g.Deposit(a.at)
		} else if !g.Withdraw(a.at) {
			continue
		}
		all++
		if again, ok, _ := p.Next(a.at.Add(took), resilience.Never, a.n+1, 0, r, resilience.Hint{}); ok {
			push(attempt{again, a.n + 1})
		}
	}
}

// TestLoadOnADeadDependency bounds all attempts by 1.25 × the first ones from ten a second on, however fast they fail.
func TestLoadOnADeadDependency(t *testing.T) {
	r := chance(t)
	for _, tt := range []struct {
		rate int
		most float64
	}{{1000, 1.25}, {100, 1.25}, {10, 1.25}, {1, 1.55}} {
		for _, took := range []time.Duration{0, 100 * ms, time.Second} {
			got := load(t, r, tt.rate, took)
			t.Logf("%5d/s failing after %-6v %.2fx", tt.rate, took, got)
			if got > tt.most {
				t.Errorf("%d/s failing after %v: %.2fx, want at most %.2fx", tt.rate, took, got, tt.most)
			}
			if got < 1.1 {
				t.Errorf("%d/s failing after %v: %.2fx is no retry at all", tt.rate, took, got)
			}
		}
	}
}

func TestABudgetHasItsReserveAndWhatWasEarned(t *testing.T) {
	g, err := resilience.NewBudget(resilience.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	spend := func(now time.Duration, want int) {
		t.Helper()
		n := 0
		for g.Withdraw(at(now)) {
			n++
		}
		if n != want {
			t.Fatalf("at %v %d retries, want %d", now, n, want)
		}
	}
	spend(0, 3)
	spend(9*time.Second, 0)
	spend(10*time.Second, 3) // the window has passed
	for range 10 {
		g.Deposit(at(15 * time.Second))
	}
	spend(15*time.Second, 2)
	spend(20*time.Second, 3) // what was spent at 10 s counts no more
	g.Refund(at(20 * time.Second))
	spend(20*time.Second, 1)
	spend(0, 0)              // a clock that steps back stands still
	spend(1000*time.Hour, 3) // after a long rest
	if got := g.Tokens(at(1000 * time.Hour)); got != 0 {
		t.Fatalf("%d thousandths left, want 0", got)
	}
}

func TestWhatWasEarnedIsForgottenBeforeWhatItPaid(t *testing.T) {
	g, err := resilience.NewBudget(resilience.BudgetConfig{Deposit: 1000, Buckets: 2, BucketSpan: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	g.Deposit(at(0))
	if !g.Withdraw(at(time.Second)) {
		t.Fatal("the deposit is in the window")
	}
	if got := g.Tokens(at(2 * time.Second)); got != -1000 {
		t.Fatalf("%d, want -1000", got)
	}
	g.Deposit(at(2 * time.Second))
	if g.Withdraw(at(2 * time.Second)) {
		t.Fatal("more was spent than earned in two seconds")
	}
}

// TestTheBudgetEqualsAList holds the ring of buckets against a list of all that was booked.
func TestTheBudgetEqualsAList(t *testing.T) {
	r := chance(t)
	for range 500 {
		c := resilience.BudgetConfig{Deposit: r.IntN(2000), Reserve: r.IntN(5000), Buckets: 1 + r.IntN(12), BucketSpan: time.Duration(1 + r.IntN(5))}
		g, err := resilience.NewBudget(c)
		if err != nil {
			t.Fatal(err)
		}
		booked := map[resilience.Instant]int64{} // by bucket
		now := resilience.Instant(0)
		for range 200 {
			now += resilience.Instant(r.IntN(4))
			if r.IntN(40) == 0 {
				now += resilience.Instant(r.Int64N(1 << 40))
			}
			bucket := now / resilience.Instant(c.BucketSpan)
			want := int64(c.Reserve)
			for b, n := range booked {
				if bucket-b < resilience.Instant(c.Buckets) {
					want += n
				}
			}
			if got := g.Tokens(now); got != want {
				t.Fatalf("%+v at %d: %d tokens, want %d", c, now, got, want)
			}
			switch r.IntN(3) {
			case 0:
				g.Deposit(now)
				booked[bucket] += int64(c.Deposit)
			case 1:
				if ok := g.Withdraw(now); ok != (want >= 1000) {
					t.Fatalf("%+v at %d: Withdraw() = %t with %d tokens", c, now, ok, want)
				} else if ok {
					booked[bucket] -= 1000
				}
			}
		}
	}
}

func TestTheZeroBudgetRefuses(t *testing.T) {
	var g resilience.Budget
	g.Deposit(1)
	g.Refund(1)
	if g.Withdraw(1) || g.Tokens(1) != 0 {
		t.Fatal("the zero budget pays")
	}
	err := resilience.BudgetConfig{Deposit: -1, Reserve: 2_000_000}.Validate()
	for _, want := range []string{"deposit = -1", "reserve = 2000000", "0 buckets of 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
}
