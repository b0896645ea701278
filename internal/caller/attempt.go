package caller

import (
	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/resilience"
)

// call is a Call under way. It is used again for another when it has ended, under another generation.
type call struct {
	Call
	generation uint64 // of its timers: each thing that happens to it begins one
	first      uint64 // serial of its first asking
	n          int    // of the attempt that is out or waits
	asks       int
	out        []asking // at most an asking and its hedge
	hedged     resilience.Hedged
	waited     bool // has a place among those who wait for a permit
}

// asking is one attempt that is out.
type asking struct {
	Attempt
	at     resilience.Instant
	ticket resilience.Ticket
	permit resilience.Permit
}

// answerTimer and hedgeTimer are keys of timers; the call itself is that of its next attempt.
type (
	answerTimer struct{ *call }
	hedgeTimer  struct{ *call }
)

func (x *call) until() resilience.Instant {
	if x.Deadline == 0 {
		return resilience.Never
	}
	return resilience.Instant(x.Deadline)
}

func (x *call) asking(serial uint64) int {
	for i := range x.out {
		if x.out[i].serial == serial {
			return i
		}
	}
	return -1
}

func (k *Caller[M]) fresh(in Call) *call {
	var x *call
	if n := len(k.spare); n > 0 {
		x, k.spare = k.spare[n-1], k.spare[:n-1]
	} else {
		x = &call{out: make([]asking, 0, 2)}
	}
	x.Call, x.first, x.n, x.asks, x.hedged, x.waited = in, k.serial+1, 0, 0, resilience.Hedged{}, false
	x.generation++
	return x
}

// attempt asks if every rule allows it. What was taken is given back, in reverse, when a later one does not.
func (k *Caller[M]) attempt(c *actors.Context[M], x *call) {
	k.seated(c, x, resilience.Permit{})
}

// seated is attempt for who may have got a permit by waiting.
func (k *Caller[M]) seated(c *actors.Context[M], x *call, p resilience.Permit) {
	now := resilience.Instant(c.Instant())
	had := p != resilience.Permit{}
	back := func() {
		if had {
			k.seats.Release(p)
		}
	}
	if x.Deadline.Past(now) {
		back()
		k.end(c, x, resilience.WhyDeadline)
		return
	}
	t, v := k.breaker.Ask(now)
	if v.Pass == resilience.Refused {
		back()
		k.wait(c, x, k.spreadOver(v.Until), resilience.WhyBreaker)
		return
	}
	if ok, at := k.limit.Take(now, 1, x.Class); !ok {
		k.breaker.Done(now, t, resilience.Ignored)
		back()
		k.wait(c, x, k.spreadOver(at), resilience.WhyLimit)
		return
	}
	if !had {
		var err error
		if p, err = k.seats.Acquire(now, x.Owner); err != nil {
			k.limit.Refund(1, x.Class)
			k.breaker.Done(now, t, resilience.Ignored)
			k.queue(c, x, now)
			return
		}
	}
	if x.n > 0 && !k.budget.Withdraw(now) {
		k.seats.Release(p)
		k.limit.Refund(1, x.Class)
		k.breaker.Done(now, t, resilience.Ignored)
		k.end(c, x, resilience.WhyBudget)
		return
	}
	if x.n == 0 {
		k.budget.Deposit(now)
	} else if k.events.Tokens != nil {
		k.events.Tokens(k.budget.Tokens(now))
	}
	k.ask(c, x, now, t, p)
}

// spreadOver puts those who waited for one moment apart, by what the first wait is.
func (k *Caller[M]) spreadOver(until resilience.Instant) resilience.Instant {
	if until == resilience.Never {
		return until
	}
	at, _, _ := resilience.Backoff{Base: k.cfg.Retry.Base, Cap: k.cfg.Retry.Base, Jitter: resilience.Full}.
		Next(until, resilience.Never, 1, 0, k.chance, resilience.Hint{})
	return at
}

// wait has the same attempt made later, if there is a later before its deadline.
func (k *Caller[M]) wait(c *actors.Context[M], x *call, at resilience.Instant, why resilience.Why) {
	switch {
	case at == resilience.Never:
		k.end(c, x, why)
	case at > x.until():
		k.end(c, x, resilience.WhyDeadline)
	default:
		k.later(c, x, at, why)
	}
}

// queue waits for a permit, if the bulkhead has a place to wait in.
func (k *Caller[M]) queue(c *actors.Context[M], x *call, now resilience.Instant) {
	if err := k.seats.Wait(now, resilience.Waiter{Owner: x.Owner, Until: x.until(), Key: x.Key}); err != nil {
		k.end(c, x, resilience.WhyBulkhead)
		return
	}
	x.waited = true
	if until := x.until(); until != resilience.Never {
		k.later(c, x, until.Add(1), resilience.WhyBulkhead)
	}
}

// serve gives free permits to those who wait for one.
func (k *Caller[M]) serve(c *actors.Context[M]) {
	for !k.closed {
		p, w, ok := k.seats.Next(resilience.Instant(c.Instant()))
		if !ok {
			return
		}
		x := k.calls[w.Key]
		if x == nil || !x.waited || x.Owner != w.Owner {
			k.seats.Release(p)
			continue
		}
		x.waited = false
		x.generation++
		c.Cancel(x)
		k.seated(c, x, p)
	}
}

func (k *Caller[M]) later(c *actors.Context[M], x *call, at resilience.Instant, why resilience.Why) {
	x.generation++
	if k.events.Retry != nil {
		k.events.Retry(why, at)
	}
	c.After(x, at.Sub(resilience.Instant(c.Instant())), k.wrap(Wake{kind: wakeAttempt, call: x, generation: x.generation}))
}

// ask sends the attempt out.
func (k *Caller[M]) ask(c *actors.Context[M], x *call, now resilience.Instant, t resilience.Ticket, p resilience.Permit) {
	x.generation++
	k.serial++
	x.asks++
	a := asking{Attempt{x.Key, x.n, len(x.out) > 0, k.serial}, now, t, p}
	x.out = append(x.out, a)
	generation := x.generation
	if !a.Hedge {
		answer := min(now.Add(k.cfg.Answer), x.until())
		c.After(answerTimer{x}, answer.Sub(now), k.wrap(Wake{kind: wakeAnswer, call: x, generation: generation}))
		if x.Read != nil {
			if x.hedged = k.hedge.Begin(now, x.Read); x.hedged.At < answer {
				c.After(hedgeTimer{x}, x.hedged.At.Sub(now), k.wrap(Wake{kind: wakeHedge, call: x, generation: generation}))
			}
		}
	} else {
		x.generation-- // the timer for the answer is that of both
	}
	x.Try(a.Attempt)
}

// again asks a slow read a second time, where a permit, the limit and a token allow it. Breaker and window take both askings for one.
func (k *Caller[M]) again(c *actors.Context[M], x *call) {
	now := resilience.Instant(c.Instant())
	ok, _ := k.limit.Take(now, 1, x.Class)
	if !ok {
		return
	}
	p, err := k.seats.Acquire(now, x.Owner)
	if err != nil || !k.hedge.Extra(now, &x.hedged, k.budget) {
		k.limit.Refund(1, x.Class)
		if err == nil {
			k.seats.Release(p)
		}
		return
	}
	k.ask(c, x, now, resilience.Ticket{}, p)
}

func (k *Caller[M]) succeeded(c *actors.Context[M], x *call, i int, now resilience.Instant) {
	if i >= 0 {
		a := x.out[i]
		if x.Read != nil {
			k.hedge.Answered(&x.hedged, now.Sub(a.at))
		}
		if len(x.out) > 1 && k.events.Hedged != nil {
			k.events.Hedged(a.Hedge)
		}
		for j := range x.out { // both askings are one for the breaker, whichever has the ticket
			if x.out[j].ticket != (resilience.Ticket{}) {
				k.breaker.Done(now, x.out[j].ticket, resilience.OK)
				x.out[j].ticket = resilience.Ticket{}
			}
		}
		k.seats.Release(a.permit)
		x.out = append(x.out[:i], x.out[i+1:]...)
	}
	k.end(c, x, "")
}

// failed takes the failure of an asking that is out. While another is out, the call is not over.
func (k *Caller[M]) failed(c *actors.Context[M], x *call, i int, w Answer) {
	now := resilience.Instant(c.Instant())
	a := x.out[i]
	x.out = append(x.out[:i], x.out[i+1:]...)
	k.seats.Release(a.permit)
	outcome := resilience.Failed
	if w.Failure == resilience.Permanent {
		outcome = resilience.Ignored // it has answered: the question was wrong
	}
	if len(x.out) > 0 && outcome == resilience.Failed {
		if a.ticket != (resilience.Ticket{}) {
			x.out[0].ticket = a.ticket
		}
		k.serve(c)
		return
	}
	if a.ticket != (resilience.Ticket{}) {
		k.breaker.Done(now, a.ticket, outcome)
	}
	if ok, why := w.Failure.Again(); !ok {
		k.end(c, x, why)
		return
	}
	k.retry(c, x, w.Hint)
	k.serve(c)
}

// unanswered takes all askings of a call for failed.
func (k *Caller[M]) unanswered(c *actors.Context[M], x *call) {
	k.giveBack(c, x, resilience.Failed)
	k.retry(c, x, resilience.Hint{})
	k.serve(c)
}

func (k *Caller[M]) retry(c *actors.Context[M], x *call, h resilience.Hint) {
	now := resilience.Instant(c.Instant())
	c.Cancel(answerTimer{x})
	c.Cancel(hedgeTimer{x})
	x.n++
	at, ok, why := k.cfg.Retry.Next(now, x.until(), x.n, 0, k.chance, h)
	if !ok {
		k.end(c, x, why)
		return
	}
	k.later(c, x, at, "")
}

// giveBack drops what is out.
func (k *Caller[M]) giveBack(c *actors.Context[M], x *call, o resilience.Outcome) {
	now := resilience.Instant(c.Instant())
	for _, a := range x.out {
		k.seats.Release(a.permit)
		if a.ticket != (resilience.Ticket{}) {
			k.breaker.Done(now, a.ticket, o)
		}
		if x.Drop != nil {
			x.Drop(a.Attempt)
		}
	}
	x.out = x.out[:0]
}

// end tells the call's end, once, and leaves nothing of it.
func (k *Caller[M]) end(c *actors.Context[M], x *call, why resilience.Why) {
	outcome := resilience.Abandoned
	if why == "" {
		outcome = resilience.Ignored // of what is left: the other asking has told
	}
	k.giveBack(c, x, outcome)
	c.Cancel(x)
	c.Cancel(answerTimer{x})
	c.Cancel(hedgeTimer{x})
	delete(k.calls, x.Key)
	told, e := x.End, End{Key: x.Key, Asks: x.asks, Why: why}
	x.Call = Call{}
	x.generation++
	k.spare = append(k.spare, x)
	if why != "" && k.events.Refused != nil {
		k.events.Refused(why)
	}
	if told != nil {
		told(e)
	}
	k.serve(c)
}
