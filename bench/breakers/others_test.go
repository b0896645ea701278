package breakers_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failshut/failshut/resilience"
)

// ourPermit has an owner panic with the only permit of a bulkhead. What its actor's end does in a node is done here by the defer.
func ourPermit() cell {
	k, err := resilience.NewBulkhead(resilience.BulkheadConfig{Permits: 1})
	if err != nil {
		return breaks("%v", err)
	}
	owner := resilience.Owner{Name: "asker", Epoch: 1}
	func() {
		defer func() {
			_ = recover() // the panic that is planted below
			k.ReleaseAll(owner)
		}()
		if _, err := k.Acquire(0, owner); err == nil {
			panic("a bug in the caller")
		}
	}()
	if _, err := k.Acquire(1, resilience.Owner{Name: "asker", Epoch: 2}); err != nil {
		return breaks("the permit is lost: %v", err)
	}
	return holds
}

func failsafePermit() cell {
	k := bulkhead.New[any](1)
	func() {
		defer func() { _ = recover() }()                                             // the panic that is planted below
		_ = failsafe.With[any](k).Run(func() error { panic("a bug in the caller") }) // it does not return
	}()
	if err := failsafe.With[any](k).Run(func() error { return nil }); err != nil {
		return breaks("the permit is lost: %v", err)
	}
	return holds
}

// storm asks a dead dependency a thousand times a second for ten seconds, with four retries each, and returns the attempts that
// reached it for each request. Each request is a goroutine, as it is where libraries wait in their callers.
func storm(took time.Duration, ask func(attempt func() error)) float64 {
	const requests = 10_000
	var attempts atomic.Int64
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			ask(func() error {
				attempts.Add(1)
				if took > 0 {
					pass(took)
				}
				return errDown
			})
		})
		pass(time.Millisecond)
	}
	all.Wait()
	return float64(attempts.Load()) / requests
}

// loaded judges the two storms of a budget.
func loaded(fresh func() func(func() error)) cell {
	atOnce, later := storm(0, fresh()), storm(100*time.Millisecond, fresh())
	if atOnce > 1.25 || later > 1.25 {
		return breaks("%.2fx when calls fail at once, %.1fx when after 100 ms", atOnce, later)
	}
	return holds
}

const (
	retries   = 4
	firstWait = 100 * time.Millisecond
	lastWait  = 10 * time.Second
)

// ourLoad has the budget in one place, as the actor that owns the connection has.
func ourLoad() func(func() error) {
	began := time.Now()
	g, err := resilience.NewBudget(resilience.DefaultBudget())
	if err != nil {
		panic(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	p := resilience.Backoff{Base: firstWait, Cap: lastWait, Jitter: resilience.Full, First: resilience.Now, Attempts: 1 + retries}
	var mu sync.Mutex
	turn := func(do func(now resilience.Instant)) {
		mu.Lock()
		defer mu.Unlock()
		do(resilience.Instant(time.Since(began)))
	}
	return func(attempt func() error) {
		turn(func(now resilience.Instant) { g.Deposit(now) })
		for n := 1; attempt() != nil; n++ {
			var wait time.Duration
			var again, paid bool
			turn(func(now resilience.Instant) {
				var at resilience.Instant
				at, again, _ = p.Next(now, resilience.Never, n, 0, r, resilience.Hint{})
				wait = at.Sub(now)
			})
			if !again {
				return
			}
			pass(wait)
			turn(func(now resilience.Instant) { paid = g.Withdraw(now) })
			if !paid {
				return
			}
		}
	}
}

func failsafeLoad() func(func() error) {
	p := retrypolicy.NewBuilder[any]().WithMaxRetries(retries).WithBackoff(firstWait, lastWait).WithJitterFactor(1).WithBudget(budget.New()).Build()
	return func(attempt func() error) {
		_ = failsafe.With[any](p).Run(attempt) // every one fails
	}
}

// even judges waits that are to lie evenly between 0 and a cap of a second.
func even(waits []time.Duration) cell {
	var sum, most time.Duration
	for _, w := range waits {
		sum += w
		most = max(most, w)
	}
	mean := sum / time.Duration(len(waits))
	if most > time.Second || mean < 490*time.Millisecond || mean > 510*time.Millisecond {
		return breaks("waits up to %.1f s, mean %.1f s", most.Seconds(), mean.Seconds())
	}
	return holds
}

const draws = 100_000

func ourJitter() cell {
	p := resilience.Backoff{Base: time.Second / 2, Cap: time.Second, Jitter: resilience.Full, First: resilience.Now}
	r := rand.New(rand.NewPCG(1, 1))
	waits := make([]time.Duration, draws)
	for i := range waits {
		at, _, _ := p.Next(0, resilience.Never, 7, 0, r, resilience.Hint{})
		waits[i] = at.Sub(0)
	}
	return even(waits)
}

func failsafeJitter() cell {
	var waits []time.Duration
	p := retrypolicy.NewBuilder[any]().WithMaxRetries(draws).WithBackoff(time.Second/2, time.Second).WithJitterFactor(1).
		OnRetryScheduled(func(e failsafe.ExecutionScheduledEvent[any]) { waits = append(waits, e.Delay) }).Build()
	_ = failsafe.With[any](p).Run(func() error { return errDown }) // every one fails
	return even(waits[1:])                                         // the first is the base
}
