package breakers_test

import (
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failshut/failshut/resilience"
	"github.com/sony/gobreaker/v2"
)

// BenchmarkBreaker is a call that is let through a closed breaker and comes back well. Ours is what an actor calls, without a lock; the
// others take one and read the clock, which is part of what they cost. Compare the ratios of one run.
func BenchmarkBreaker(b *testing.B) {
	b.Run("resilience", func(b *testing.B) {
		br, err := resilience.NewBreaker(resilience.DefaultBreaker(), fixed{}, resilience.BreakerEvents{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		var now resilience.Instant
		for b.Loop() {
			now += 1000
			t, _ := br.Ask(now)
			br.Done(now, t, resilience.OK)
		}
	})
	b.Run("failsafe-go", func(b *testing.B) {
		e := failsafe.With[any](circuitbreaker.NewBuilder[any]().WithFailureThreshold(5).WithDelay(time.Second).Build())
		call := func() error { return nil }
		b.ReportAllocs()
		for b.Loop() {
			if err := e.Run(call); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("gobreaker", func(b *testing.B) {
		cb := gobreaker.NewCircuitBreaker[any](gobreaker.Settings{MaxRequests: 1, Timeout: time.Second})
		call := func() (any, error) { return nil, nil }
		b.ReportAllocs()
		for b.Loop() {
			if _, err := cb.Execute(call); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// fixed is a source for what draws nothing here.
type fixed struct{}

func (fixed) Uint64() uint64 { return 0 }
