package resilience_test

import (
	"math/rand/v2"
	"testing"

	"github.com/failshut/failshut/resilience"
)

// BenchmarkBreaker is a call that is asked for and comes back.
func BenchmarkBreaker(b *testing.B) {
	br, err := resilience.NewBreaker(resilience.DefaultBreaker(), rand.New(rand.NewPCG(1, 1)), resilience.BreakerEvents{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var now resilience.Instant
	for b.Loop() {
		now += 1000
		k, _ := br.Ask(now)
		br.Done(now, k, resilience.OK)
	}
}

// BenchmarkGuard is a first attempt and every fifth time a retry, which a deadline, a breaker and a budget let through, and its answer.
func BenchmarkGuard(b *testing.B) {
	br, err := resilience.NewBreaker(resilience.DefaultBreaker(), rand.New(rand.NewPCG(1, 1)), resilience.BreakerEvents{})
	if err != nil {
		b.Fatal(err)
	}
	g, err := resilience.NewBudget(resilience.DefaultBudget())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var now resilience.Instant
	n := 0
	for b.Loop() {
		now += 100_000_000
		if resilience.Deadline(now + 1).Past(now) {
			b.Fatal("past")
		}
		t, v := br.Ask(now)
		if v.Pass != resilience.Go {
			b.Fatal("refused")
		}
		if n++; n%6 != 0 {
			g.Deposit(now)
		} else if !g.Withdraw(now) {
			b.Fatal("no token")
		}
		br.Done(now, t, resilience.OK)
	}
}

// BenchmarkLimit is a message that fits.
func BenchmarkLimit(b *testing.B) {
	l, err := resilience.NewLimit(resilience.DefaultLimit())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var now resilience.Instant
	for b.Loop() {
		now += 100_000_000
		if ok, _ := l.Take(now, 1, resilience.Question); !ok {
			b.Fatal("refused")
		}
	}
}

// BenchmarkChain is all that a question passes: deadline, breaker, limit, bulkhead and budget, and what its answer gives back.
func BenchmarkChain(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	br, err := resilience.NewBreaker(resilience.DefaultBreaker(), r, resilience.BreakerEvents{})
	if err != nil {
		b.Fatal(err)
	}
	l, err := resilience.NewLimit(resilience.DefaultLimit())
	if err != nil {
		b.Fatal(err)
	}
	k, err := resilience.NewBulkhead(resilience.DefaultBulkhead())
	if err != nil {
		b.Fatal(err)
	}
	g, err := resilience.NewBudget(resilience.DefaultBudget())
	if err != nil {
		b.Fatal(err)
	}
	owner := resilience.Owner{Name: "venues/a/orders", Epoch: 1}
	b.ReportAllocs()
	var now resilience.Instant
	for b.Loop() {
		now += 100_000_000
		if resilience.Deadline(now + 1).Past(now) {
			b.Fatal("past")
		}
		t, v := br.Ask(now)
		ok, _ := l.Take(now, 1, resilience.Question)
		p, err := k.Acquire(now, owner)
		if v.Pass != resilience.Go || !ok || err != nil {
			b.Fatal("refused")
		}
		g.Deposit(now)
		k.Release(p)
		br.Done(now, t, resilience.OK)
	}
}
