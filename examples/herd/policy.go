package main

import (
	"errors"
	"time"

	"github.com/failshut/failshut/resilience"
)

// errOver says that a schedule has no further attempt, which none of these has.
var errOver = errors.New("the schedule has ended")

// policy says when a client tries again. All of it is resilience.Backoff but for the jitter of others.
type policy struct {
	name    string
	backoff resilience.Backoff
	// around draws the wait from ± so many percent of what backoff says, which is how gRPC does it (its
	// connection-backoff.md): after the cap, so that waits pass it.
	around int
	// first, if set, is for the first attempt; the next ones are those of backoff.
	first *resilience.Backoff
}

// next is when to try after so many failures.
func (p policy) next(now resilience.Instant, failures int, prev time.Duration, r resilience.Source) (resilience.Instant, error) {
	schedule, attempt := p.backoff, failures
	if p.first != nil && failures == 1 {
		schedule, attempt = *p.first, 0
	}
	at, ok, _ := schedule.Next(now, resilience.Never, attempt, prev, r, resilience.Hint{})
	if !ok {
		return 0, errOver
	}
	if p.around == 0 {
		return at, nil
	}
	wait := at.Sub(now) / 100
	return now.Add(wait*time.Duration(100-p.around) + time.Duration(r.Uint64()%uint64(2*wait*time.Duration(p.around)+1))), nil
}

// policies are the ways to come back after a long outage.
func policies(base, most time.Duration) []policy {
	with := func(name string, j resilience.Jitter) policy {
		return policy{name: name, backoff: resilience.Backoff{Base: base, Cap: most, Jitter: j, First: resilience.Now}}
	}
	grpc := with("± 20 % (gRPC)", resilience.NoJitter)
	grpc.around = 20
	fixed := policy{name: "fixed 1 s", backoff: resilience.Backoff{Base: time.Second, Cap: time.Second, Jitter: resilience.NoJitter, First: resilience.Now}}
	return []policy{
		fixed, with("exponential, no jitter", resilience.NoJitter), grpc, with("equal", resilience.Equal),
		with("full", resilience.Full), with("decorrelated", resilience.Decorrelated),
	}
}

// spreads are ways to make the first attempt when the gateway is back already; after it all have full jitter.
func spreads(base, most time.Duration, over ...time.Duration) []policy {
	out := make([]policy, 0, len(over))
	for _, s := range over {
		full := resilience.Backoff{Base: base, Cap: most, Jitter: resilience.Full, First: resilience.Now}
		first := full
		if s > 0 {
			first.First, first.Over = resilience.Spread, s
		}
		out = append(out, policy{name: "spread " + s.String(), backoff: full, first: &first})
	}
	return out
}
