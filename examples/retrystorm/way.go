package main

import (
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/resilience"
)

// way is how retries are bounded.
type way struct {
	name    string
	budget  resilience.BudgetConfig // of caller.Caller
	breaker bool
	limit   bool          // of the rate
	peer    func() tokens // instead of them: the budget of others, without a breaker
}

// ways are the budgets that are compared.
func ways() []way {
	none := resilience.BudgetConfig{Deposit: 10_000, Reserve: 1_000_000, Buckets: 10, BucketSpan: time.Second} // ten retries for each request
	ours := resilience.DefaultBudget()
	// Finagle's RetryBudget: a fifth of the requests and ten retries a second, over ten seconds.
	finagle := ours
	finagle.Reserve = 10 * 1000 * int(time.Duration(ours.Buckets)*ours.BucketSpan/time.Second)
	return []way{
		{name: "no budget", budget: none},
		{name: "in flight (Envoy)", peer: func() tokens { return &inFlight{} }},
		{name: "Finagle", budget: finagle},
		{name: "gRPC A6", peer: func() tokens { return &throttle{tokens: throttleMax} }},
		{name: "ours", budget: ours},
		{name: "ours, breaker", budget: ours, breaker: true},
		{name: "ours, breaker, limit", budget: ours, breaker: true, limit: true},
	}
}

// tokens is a budget of others, as far as it differs in kind.
type tokens interface {
	began(retry bool)
	ended(retry, ok bool)
	allows() bool
}

// inFlight allows retries while those that are out are less than a fifth of all that is out, or three: Envoy's
// retry_budget with its defaults.
type inFlight struct{ all, retries int }

func (b *inFlight) began(retry bool) {
	b.all++
	if retry {
		b.retries++
	}
}

func (b *inFlight) ended(retry, _ bool) {
	b.all--
	if retry {
		b.retries--
	}
}

func (b *inFlight) allows() bool { return b.retries < max(3, b.all/5) }

// throttle is the retry throttling of gRPC (proposal A6) with the figures of its example: ten tokens, of which a failure takes one
// and a success brings a tenth; no retry with half of them or less.
type throttle struct{ tokens int } // in tenths

const throttleMax = 100

func (b *throttle) began(bool) {}

func (b *throttle) ended(_, ok bool) {
	if ok {
		b.tokens = min(throttleMax, b.tokens+1)
		return
	}
	b.tokens = max(0, b.tokens-10)
}

func (b *throttle) allows() bool { return b.tokens > throttleMax/2 }

// call is a request of a peer.
type call struct{ retries int }

// peer asks with the same schedule as desk and the budget of others.
type peer struct {
	storm  storm
	chance resilience.Source
	dep    actors.Ref[question]
	score  *score
	budget tokens
}

func (p *peer) Starting(c *actors.Context[word]) error {
	c.Every(p, time.Second/time.Duration(p.storm.rate), word{tick: true})
	return nil
}

func (p *peer) Receive(c *actors.Context[word], w word) error {
	now := resilience.Instant(c.Instant())
	switch {
	case w.tick:
		p.score.asked(now)
		return p.ask(c, &call{})
	case w.retry && p.budget.allows():
		return p.ask(c, w.call)
	case w.reply:
		p.budget.ended(w.call.retries > 0, w.ok)
		if w.ok {
			return nil
		}
		w.call.retries++
		at, ok, _ := p.storm.backoff.Next(now, resilience.Never, w.call.retries, 0, p.chance, resilience.Hint{})
		if ok {
			c.After(w.call, at.Sub(now), word{retry: true, call: w.call})
		}
	}
	return nil
}

func (p *peer) ask(c *actors.Context[word], k *call) error {
	p.budget.began(k.retries > 0)
	return p.dep.Tell(question{from: c.Self(), call: k})
}
