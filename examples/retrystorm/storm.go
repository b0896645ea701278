package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/caller"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/resilience"
)

// storm is what happens to a dependency: it is dead from the beginning to the end of the outage, and then well again.
type storm struct {
	rate    int // requests a second
	outage  time.Duration
	after   time.Duration // how long it is watched when it is well again
	took    time.Duration // after which it answers, and fails
	backoff resilience.Backoff
	way     way
	seed    uint64
}

// run plays a storm on a virtual clock.
func (s storm) run() (*score, error) {
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(time.Unix(0, 0)), Dispatch: actors.Deterministic(), Seed: s.seed})
	if err != nil {
		return nil, err
	}
	defer func() { _ = sys.Stop(context.Background()) }() // what it would say, the exits below have said
	var broken error
	sys.OnExit(func(x actors.Exit) {
		if x.Reason.Abnormal() && broken == nil {
			broken = fmt.Errorf("%s ended: %s: %w", x.Name, x.Reason, x.Err)
		}
	})
	out := &score{back: resilience.Instant(s.outage)}
	const room = 1 << 16 // more than is ever under way
	dep, err := actors.Spawn(sys, actors.Spec[question]{
		Name: "dependency", Box: mailbox.One(room, mailbox.Reject), Recorder: actors.NoRecorder,
		Actor: &dependency{well: out.back, took: s.took, score: out},
	})
	if err != nil {
		return nil, err
	}
	chance := rand.New(rand.NewPCG(s.seed, 0))
	var asks actors.Actor[word] = &desk{storm: s, chance: chance, dep: dep, score: out}
	if s.way.peer != nil {
		asks = &peer{storm: s, chance: chance, dep: dep, score: out, budget: s.way.peer()}
	}
	_, err = actors.Spawn(sys, actors.Spec[word]{Name: "desk", Box: mailbox.One(room, mailbox.Reject), Recorder: actors.NoRecorder, Actor: asks})
	if err != nil {
		return nil, err
	}
	if err := sys.Advance(context.Background(), s.outage+s.after); err != nil {
		return nil, err
	}
	return out, broken
}

// question is what reaches the dependency, or its own timer when it answers one.
type question struct {
	from    actors.Ref[word]
	attempt caller.Attempt
	call    *call // of a peer
	answer  bool
}

// dependency answers everything after the same time: no while it is dead, yes when it is well.
type dependency struct {
	well  resilience.Instant
	took  time.Duration
	score *score
	n     uint64
}

func (d *dependency) Receive(c *actors.Context[question], q question) error {
	now := resilience.Instant(c.Instant())
	if !q.answer {
		d.score.arrived(now)
		if d.took > 0 {
			d.n++
			q.answer = true
			c.After(d.n, d.took, q)
			return nil
		}
	}
	if now >= d.well {
		d.score.answered(now)
	}
	return q.from.Tell(word{reply: true, ok: now >= d.well, attempt: q.attempt, call: q.call})
}

// word is what reaches who asks.
type word struct {
	tick    bool // a request begins
	wake    *caller.Wake
	retry   bool // a peer's timer
	reply   bool
	ok      bool
	attempt caller.Attempt
	call    *call
}

// desk asks through caller.Caller, which is what an actor of a node does.
type desk struct {
	storm  storm
	chance resilience.Source
	dep    actors.Ref[question]
	score  *score
	k      *caller.Caller[word]
	key    uint64
	err    error
}

// patience is how long a request is worth an answer.
const patience = 5 * time.Second

func (d *desk) Starting(c *actors.Context[word]) error {
	breaker, bulkhead := resilience.DefaultBreaker(), resilience.BulkheadConfig{Permits: 4096}
	var err error
	d.k, err = caller.New(caller.Config{
		Dependency: resilience.Dependency{
			Name: "dependency", FailMode: resilience.Closed, Why: "it is asked for a proof",
			Retry: &d.storm.backoff, Breaker: &breaker, Budget: &d.storm.way.budget, Bulkhead: &bulkhead,
		},
		Limit:  d.storm.limit(),
		Answer: d.storm.took + time.Second,
	}, d.chance, func(w caller.Wake) word { return word{wake: &w} }, caller.Events{})
	if err != nil {
		return err
	}
	if !d.storm.way.breaker {
		d.k.Force(c, resilience.ForcedClosed)
	}
	c.Every(d, time.Second/time.Duration(d.storm.rate), word{tick: true})
	return nil
}

func (d *desk) Receive(c *actors.Context[word], w word) error {
	switch {
	case w.wake != nil:
		d.k.Woken(c, *w.wake)
	case w.reply:
		d.k.Answered(c, w.attempt, caller.Answer{OK: w.ok, Failure: resilience.Transient})
	case w.tick:
		now := resilience.Instant(c.Instant())
		d.score.asked(now)
		d.key++
		err := d.k.Call(c, caller.Call{
			Key: d.key, Owner: resilience.Owner{Name: string(c.Name()), Epoch: uint64(c.Epoch())}, Class: resilience.Question,
			Deadline: resilience.Deadline(now.Add(patience)),
			Try: func(a caller.Attempt) {
				if err := d.dep.Tell(question{from: c.Self(), attempt: a}); err != nil && d.err == nil {
					d.err = err
				}
			},
		})
		if err != nil {
			return err
		}
	}
	return d.err
}

// limit is twice what is asked when all is well; without one, more than is ever asked.
func (s storm) limit() resilience.LimitConfig {
	l := resilience.LimitConfig{Rate: 10 * s.rate, Per: time.Second, Burst: 10 * s.rate, Share: 100, Clean: time.Second}
	if s.way.limit {
		l.Rate, l.Burst = 2*s.rate, max(1, s.rate/50)
	}
	return l
}

// bucket is the grain of a chart.
const bucket = 100 * time.Millisecond

// score is what is counted of a storm. All actors of the deterministic dispatch run on one goroutine, so it needs no lock.
type score struct {
	back     resilience.Instant
	requests int // while it was dead
	attempts int // that reached it while it was dead
	byBucket []int
	first    resilience.Instant // answer
}

func (s *score) answered(now resilience.Instant) {
	if s.first == 0 {
		s.first = now
	}
}

func (s *score) asked(now resilience.Instant) {
	if now < s.back {
		s.requests++
	}
}

func (s *score) arrived(now resilience.Instant) {
	if now < s.back {
		s.attempts++
	}
	i := int(now / resilience.Instant(bucket))
	for len(s.byBucket) <= i {
		s.byBucket = append(s.byBucket, 0)
	}
	s.byBucket[i]++
}

// load is what reached the dependency for each request while it was dead.
func (s *score) load() float64 { return float64(s.attempts) / float64(s.requests) }

// burst is the most that reached it in a bucket since it is well.
func (s *score) burst() int {
	most := 0
	for _, n := range s.byBucket[min(len(s.byBucket), int(s.back/resilience.Instant(bucket))):] {
		most = max(most, n)
	}
	return most
}
