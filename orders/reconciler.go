package orders

import (
	"context"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/caller"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/resilience"
	"github.com/failshut/failshut/supervision"
)

const (
	askWithin = 2 * time.Second        // in which a venue answers, or is asked again
	askIdle   = 250 * time.Millisecond // between two looks at what is open
	askRest   = 30 * time.Second       // after a round that was given up, for instance for want of a token
)

// asking is when a venue is asked, and dialled, again: full jitter from one to
// thirty seconds for as long as something is open, the first time too.
func asking() resilience.Backoff {
	return resilience.Backoff{Base: time.Second, Cap: 30 * time.Second, Jitter: resilience.Full, First: resilience.Spread}
}

// draw is a random number as a source of one.
type draw uint64

// Uint64 is the number.
func (d draw) Uint64() uint64 { return uint64(d) }

// jitter is the wait before an attempt, the first being 0; at least 1 ms.
func jitter(attempt int, random uint64) time.Duration {
	at, _, _ := asking().Next(0, resilience.Never, attempt, 0, draw(random), resilience.Hint{})
	return max(time.Millisecond, at.Sub(0))
}

// open is what an account has to ask its venue.
type open uint64

// What may be open. Questions change nothing at the venue, so they may be
// repeated; orders never are.
const (
	nothing open = iota
	theList      // of all orders has not come whole since the logon
	doubts       // orders are UNKNOWN
)

// openIn returns what is open.
func openIn(s AccountStatus) open {
	answers := s.Session == sessionNames[sessionReconciling] || s.Session == sessionNames[sessionOpen]
	switch {
	case answers && !s.ListWhole:
		return theList
	case answers && s.Unknown > 0:
		return doubts
	}
	return nothing
}

// message asks for it.
func (o open) message() Message {
	switch o {
	case theList:
		return Reconcile{}
	case doubts:
		return AskUnknown{}
	default:
		return nil
	}
}

// Rounds is when the venue is asked again, as a pure schedule, for whoever runs
// a desk without actors; the reconciler of a node has a breaker and a budget too.
type Rounds struct {
	attempt int
	due     int64 // Instant of the next question, 0 for none
}

// Next returns the message to send now, nil for none, and how long to wait
// until the next look. now is an Instant, random a random number.
func (r *Rounds) Next(now int64, s AccountStatus, random uint64) (Message, time.Duration) {
	m := openIn(s).message()
	switch {
	case m == nil:
		*r = Rounds{}
		return nil, askIdle
	case r.due == 0:
		r.due = now + int64(jitter(r.attempt, random))
		return nil, time.Duration(r.due - now)
	case now < r.due:
		return nil, time.Duration(r.due - now)
	}
	r.attempt++
	r.due = now + int64(jitter(r.attempt, random))
	return m, time.Duration(r.due - now)
}

// reconciler asks the venue for what is open until it is known, through the
// rules of the dependency: a breaker, one budget of retries and full jitter. A
// round is one call, about however many orders.
type reconciler struct {
	account *Account
	ready   func() error
	told    bool
	k       *caller.Caller[round]

	asks    open           // the call under way
	last    caller.Attempt // of it
	tries   int
	unknown int                // when it was asked last
	rest    resilience.Instant // until then nothing is asked
}

// round is a look at what is open, or a wake of the caller.
type round struct{ wake *caller.Wake }

// chance draws from the system.
type chance struct{ sys *actors.System }

// Uint64 draws.
func (c chance) Uint64() uint64 { return c.sys.Rand() }

// StartReconciler is the Start function of the child "reconciler", of class
// orders: it has the owner ask again, and is ready, on the evidence reconciled,
// when the venue's list was whole and nothing is UNKNOWN. That the account is
// reconciled is told to risk by the owner, which knows the digest.
func (a *Account) StartReconciler(_ context.Context, b *supervision.Birth) error {
	r := &reconciler{account: a, ready: func() error { return b.Ready(supervision.Reconciled) }}
	_, err := supervision.Spawn(b, r, actors.WithBox(mailbox.One(64, mailbox.Reject)))
	return err
}

// venueQuestions are the rules.
func venueQuestions() caller.Config {
	retry, breaker := asking(), resilience.DefaultBreaker()
	budget, bulkhead := resilience.DefaultBudget(), resilience.DefaultBulkhead()
	breaker.SlowAfter = askWithin // an answer is seen at a look, and a long list takes its time
	return caller.Config{
		Dependency: resilience.Dependency{
			Name: "venue questions", FailMode: resilience.Closed, Why: "no answer is no proof: what is UNKNOWN stays so, and holds its worst case",
			Retry: &retry, Breaker: &breaker, Budget: &budget, Bulkhead: &bulkhead,
		},
		Limit: resilience.DefaultLimit(), Answer: askWithin,
	}
}

// Starting makes the rules: those of an earlier incarnation ended with it.
func (r *reconciler) Starting(c *actors.Context[round]) error {
	var err error
	r.k, err = caller.New(venueQuestions(), chance{c.System()}, func(w caller.Wake) round { return round{&w} }, caller.Events{
		State: r.account.cfg.Parts.Events.Breaker,
	})
	c.Every("look", askIdle, round{})
	return err
}

// Receive looks at what is open.
func (r *reconciler) Receive(c *actors.Context[round], m round) error {
	if m.wake != nil {
		r.k.Woken(c, *m.wake)
		return nil
	}
	s := r.account.Status()
	if !r.told && s.Session == sessionNames[sessionOpen] {
		if err := r.ready(); err != nil {
			return err
		}
		r.told = true
	}
	now := openIn(s)
	if r.asks != nothing {
		r.heard(c, s, now)
	}
	if r.asks == nothing && now != nothing && resilience.Instant(c.Instant()) >= r.rest {
		return r.ask(c, now)
	}
	return nil
}

// heard ends the call under way where what it was about is known, or at least
// more of it, and where there is nobody to ask any more.
func (r *reconciler) heard(c *actors.Context[round], s AccountStatus, now open) {
	linked := s.Session == sessionNames[sessionReconciling] || s.Session == sessionNames[sessionOpen]
	switch {
	case now == r.asks && (now != doubts || s.Unknown >= r.unknown):
		return
	case linked && r.tries > 0:
		r.k.Answered(c, r.last, caller.Answer{OK: true})
	default:
		r.k.Gone(c, r.self(c))
	}
}

// ask begins a call. What the owner has no room for is as good as unanswered.
func (r *reconciler) ask(c *actors.Context[round], o open) error {
	r.asks, r.tries, r.unknown = o, 0, r.account.Status().Unknown
	return r.k.Call(c, caller.Call{
		Key: uint64(o), Owner: r.self(c), Class: resilience.Question,
		Try: func(a caller.Attempt) {
			r.last, r.unknown = a, r.account.Status().Unknown
			r.tries++
			_ = r.account.Tell(o.message())
		},
		End: func(e caller.End) {
			r.asks = nothing
			if e.Why != "" && e.Why != resilience.WhyGone {
				r.rest = resilience.Instant(c.Instant()).Add(askRest)
			}
		},
	})
}

// self is the incarnation for which is asked: this one.
func (r *reconciler) self(c *actors.Context[round]) resilience.Owner {
	return resilience.Owner{Name: string(c.Name()), Epoch: uint64(c.Epoch())}
}
