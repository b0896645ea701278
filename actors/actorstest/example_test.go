package actorstest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/mailbox"
)

// t stands for that of the test: these examples are read, not run.
var t testing.TB

// limiter lets a number pass to a strategy, but no more than one a second.
type limiter struct {
	to   actors.Ref[int]
	shut bool
}

func (l *limiter) Receive(c *actors.Context[int], n int) error {
	switch {
	case n == 0:
		l.shut = false
		return nil
	case l.shut:
		return nil
	}
	l.shut = true
	c.After("open", time.Second, 0)
	return l.to.Tell(n)
}

func ExampleBehave() {
	stage := actorstest.NewStage(t)
	strategy := actorstest.Stub[int](t, stage, "strategy")
	b := actorstest.Behave(t, stage, actors.Spec[int]{Name: "limiter", Actor: &limiter{to: strategy}})

	actorstest.Want(t, b.Tell(t, 7), "tell strategy 7")
	actorstest.Want(t, b.Tell(t, 8)) // within the second: nothing
	actorstest.Want(t, b.Advance(t, time.Second))
	actorstest.Want(t, b.Tell(t, 9), "tell strategy 9")
}

func ExampleNewStage() {
	stage := actorstest.NewStage(t)
	venue := actorstest.Stub[string](t, stage, "venue")
	b := actorstest.Behave(t, stage, actors.Spec[string]{
		Actor: actors.Func[string](func(_ *actors.Context[string], m string) error {
			if m == "" {
				panic("an order without a word")
			}
			return venue.Tell(m)
		}),
	})
	actorstest.Want(t, b.Tell(t, "buy"), "tell venue buy")
	actorstest.Want(t, b.Tell(t, ""), "end actor crash")
}

func ExampleNewSystem() {
	s := actorstest.NewSystem(t, 1) // every run draws the same order
	p := actorstest.NewProbe[string](t, s, "probe")
	_ = p.Ref().Tell("hello")
	actorstest.Settle(t, s, time.Hour) // of its clock: at once
	p.Expect(t, "hello")
}

func ExampleNewShared() {
	s := actorstest.NewShared(t) // inside synctest.Test its clock is that of the bubble
	p := actorstest.NewProbe[string](t, s, "probe")
	_ = p.Ref().Tell("hello")
	p.Expect(t, "hello")
	p.ExpectNone(t, time.Second)
}

func ExampleNewProbe() {
	s := actorstest.NewSystem(t, 0)
	p := actorstest.NewProbe[int](t, s, "prices")
	_, _ = p.Ref().TellAll(1, 2, 100, 101)
	high := p.Fish(t, func(price int) bool { return price >= 100 })
	p.Expect(t, high+1)
	p.None(t)
}

// question is a message that wants an answer.
type question struct {
	text  string
	reply actors.ReplyTo[int]
}

func replyOf(q question) actors.ReplyTo[int] { return q.reply }

func ExampleAsked() {
	s := actorstest.NewSystem(t, 0)
	desk := actorstest.NewProbe(t, s, "desk", actorstest.Asked(replyOf))
	asker := actorstest.NewProbe[string](t, s, "asker")
	strategy, _ := actors.Spawn(s, actors.Spec[string]{
		Name: "strategy", Box: mailbox.One(8, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			if m != "go" {
				return asker.Ref().Tell(m)
			}
			return actors.AskThen(c, desk.Ref(), func(r actors.ReplyTo[int]) question { return question{"how many?", r} },
				time.Time{}, func(n int, err error) string { return fmt.Sprint(n, " ", err) })
		}),
	})
	actorstest.Settle(t, s, 0)
	_ = strategy.Tell("go")
	actorstest.Reply(t, desk, replyOf, 10)
	asker.Expect(t, "10 <nil>")
}

// spawnFeed starts a feed, with faults.
func spawnFeed(s *actors.System, f *actorstest.Faults) actors.Ref[int] {
	ref, err := actors.Spawn(s, actors.Spec[int]{
		Name: "feed", Box: mailbox.One(8, mailbox.Reject), Watchdog: time.Second,
		Actor: actorstest.Faulty(f, actors.Func[int](func(*actors.Context[int], int) error { return nil })),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// The plan is of the actor, not of one incarnation: started again, it goes on with the next message.
func ExampleNewFaults() {
	s := actorstest.NewSystem(t, 0)
	faults := actorstest.NewFaults(t, actorstest.PanicAt(2), actorstest.FailAt(4))
	for range 3 {
		feed := spawnFeed(s, faults)
		actorstest.Settle(t, s, 0)
		_, _ = feed.TellAll(1, 2)
		actorstest.Settle(t, s, 0)
	}
}

func ExamplePanicAt() {
	s := actorstest.NewSystem(t, 0)
	spawnFeed(s, actorstest.NewFaults(t, actorstest.PanicAt(3)))
}

func ExampleGoexitAt() {
	s := actorstest.NewSystem(t, 0)
	spawnFeed(s, actorstest.NewFaults(t, actorstest.GoexitAt(1)))
}

func ExampleFailAt() {
	s := actorstest.NewSystem(t, 0)
	spawnFeed(s, actorstest.NewFaults(t, actorstest.FailAt(1)))
}

// The watchdog of the feed abandons it, and the handler returns when the test ends.
func ExampleHangAt() {
	s := actorstest.NewShared(t)
	spawnFeed(s, actorstest.NewFaults(t, actorstest.HangAt(1)))
}

func ExampleSlow() {
	s := actorstest.NewShared(t)
	spawnFeed(s, actorstest.NewFaults(t, actorstest.Slow(10*time.Millisecond)))
}
