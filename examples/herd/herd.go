package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/resilience"
)

// scene is what happens to a herd.
type scene struct {
	clients  int
	capacity int // logins a second
	queue    int // logins that may wait
	outage   time.Duration
	timeout  time.Duration // of a login
	policy   policy
	seed     uint64
}

// run plays a scene to the last login, on a virtual clock.
func (s scene) run() (*score, error) {
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
	out := &score{outage: resilience.Instant(s.outage)}
	g := &gateway{up: resilience.Instant(s.outage), each: time.Second / time.Duration(s.capacity), room: s.queue, score: out}
	door, err := actors.Spawn(sys, actors.Spec[arrival]{
		Name: "gateway", Box: mailbox.One(2*s.clients, mailbox.Reject), Recorder: actors.NoRecorder, Actor: g,
	})
	if err != nil {
		return nil, err
	}
	for i := range s.clients {
		c := &client{door: door, policy: s.policy, timeout: s.timeout, chance: rand.New(rand.NewPCG(s.seed, uint64(i))), score: out}
		_, err := actors.Spawn(sys, actors.Spec[news]{
			Name: actors.Name(fmt.Sprintf("client%d", i)), Box: mailbox.One(8, mailbox.Reject), Recorder: actors.NoRecorder, Actor: c,
		})
		if err != nil {
			return nil, err
		}
	}
	err = sys.Drive(context.Background(), func() bool { return broken != nil || len(out.done) == s.clients })
	if err == nil {
		err = broken
	}
	if err == nil && len(out.done) < s.clients {
		err = fmt.Errorf("%d of %d clients logged in, want all", len(out.done), s.clients)
	}
	return out, err
}

// arrival is what reaches the gateway: a login, or its own timer when one is served.
type arrival struct {
	from actors.Ref[news]
	try  int
	done bool
}

// gateway refuses everybody until it is up, and then serves one login after the other from a bounded queue.
type gateway struct {
	up    resilience.Instant
	each  time.Duration
	room  int
	queue []arrival // the first is being served
	score *score
}

func (g *gateway) Receive(c *actors.Context[arrival], a arrival) error {
	if a.done {
		first := g.queue[0]
		g.queue = g.queue[1:]
		if len(g.queue) > 0 {
			c.After(g, g.each, arrival{done: true})
		}
		return first.from.Tell(news{kind: welcome, try: first.try})
	}
	now := resilience.Instant(c.Instant())
	g.score.arrived(now)
	if now < g.up {
		return a.from.Tell(news{kind: refused, try: a.try})
	}
	if len(g.queue) > g.room {
		g.score.refuse(now)
		return a.from.Tell(news{kind: refused, try: a.try})
	}
	g.queue = append(g.queue, a)
	if len(g.queue) == 1 {
		c.After(g, g.each, arrival{done: true})
	}
	return nil
}

// news is what reaches a client.
type news struct {
	kind kind
	try  int
}

type kind uint8

const (
	retry   kind = iota + 1 // its own timer: now
	late                    // its own timer: no answer
	refused                 // the gateway is down, or has no room
	welcome                 // logged in
)

// client has lost its session and wants another. That loss is its failure number 1.
type client struct {
	door     actors.Ref[arrival]
	policy   policy
	timeout  time.Duration
	chance   *rand.Rand
	score    *score
	failures int
	try      int
	prev     time.Duration // the wait before the last attempt
}

// Starting is the moment at which all lose their sessions.
func (k *client) Starting(c *actors.Context[news]) error { return k.again(c) }

func (k *client) Receive(c *actors.Context[news], n news) error {
	switch {
	case n.try != k.try:
		return nil // of an attempt that was given up
	case n.kind == retry:
		c.After(late, k.timeout, news{late, k.try})
		return k.door.Tell(arrival{from: c.Self(), try: k.try})
	case n.kind == welcome:
		c.Cancel(late)
		k.try++
		k.score.welcomed(resilience.Instant(c.Instant()))
		return nil
	default:
		c.Cancel(late)
		return k.again(c)
	}
}

// again arms the next attempt as a message; nobody sleeps.
func (k *client) again(c *actors.Context[news]) error {
	k.failures++
	k.try++
	now := resilience.Instant(c.Instant())
	at, err := k.policy.next(now, k.failures, k.prev, k.chance)
	if err != nil {
		return err
	}
	k.prev = at.Sub(now)
	c.After(retry, k.prev, news{retry, k.try})
	return nil
}

// bucket is the grain of a chart.
const bucket = 100 * time.Millisecond

// score is what is counted of a scene. All actors of the deterministic dispatch run on one goroutine, so it needs no lock.
type score struct {
	outage    resilience.Instant
	attempts  int
	after     int   // of them, since the gateway is back
	refused   int   // of those, for want of room
	byBucket  []int // attempts
	refusedBy []int
	done      []time.Duration // logins, since the gateway is back
}

func (s *score) arrived(now resilience.Instant) {
	s.attempts++
	if now >= s.outage {
		s.after++
	}
	s.byBucket = count(s.byBucket, now)
}

func (s *score) refuse(now resilience.Instant) {
	s.refused++
	s.refusedBy = count(s.refusedBy, now)
}

func (s *score) welcomed(now resilience.Instant) { s.done = append(s.done, now.Sub(s.outage)) }

func count(by []int, now resilience.Instant) []int {
	i := int(now / resilience.Instant(bucket))
	for len(by) <= i {
		by = append(by, 0)
	}
	by[i]++
	return by
}

// peak is the most attempts in any second since the gateway is back, to a bucket.
func (s *score) peak() int {
	const second = int(time.Second / bucket)
	most := 0
	for i := int(s.outage / resilience.Instant(bucket)); i < len(s.byBucket); i += second {
		sum := 0
		for _, n := range s.byBucket[i:min(i+second, len(s.byBucket))] {
			sum += n
		}
		most = max(most, sum)
	}
	return most
}

// percentile is the time by which that share of the clients, in percent, was logged in.
func (s *score) percentile(p int) time.Duration {
	done := slices.Sorted(slices.Values(s.done))
	return done[(len(done)*p+99)/100-1]
}
