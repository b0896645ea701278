package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// driven is a system for the examples: on a virtual clock, run by Drive.
func driven() *actors.System {
	s, err := actors.New(actors.Config{
		Clock:    actors.Virtual(time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)),
		Dispatch: actors.Deterministic(),
	})
	if err != nil {
		panic(err)
	}
	return s
}

func ExampleNew() {
	s, err := actors.New(actors.Config{Name: "node", Clock: actors.Real(), Dispatch: actors.Shared(0)})
	fmt.Println(s.Name(), err)
	fmt.Println(s.Stop(context.Background()))
	_, err = actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Deterministic()})
	fmt.Println(errors.Is(err, actors.ErrConfig))
	// Output:
	// node <nil>
	// <nil>
	// true
}

func ExampleSpawn() {
	s := driven()
	ref, err := actors.Spawn(s, actors.Spec[string]{
		Name: "echo", Box: mailbox.One(2, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			fmt.Println(c.Name(), "heard", m)
			return nil
		}),
	})
	fmt.Println(err, ref.Tell("too early"))
	_ = s.Drive(context.Background(), ref.Open)
	fmt.Println(ref.Tell("one"), ref.Tell("two"), ref.Tell("three"))
	_ = s.Drive(context.Background(), nil)
	// Output:
	// <nil> mailbox: suspended
	// <nil> <nil> mailbox: full
	// echo heard one
	// echo heard two
}

func ExampleFollow() {
	s := driven()
	to := actors.Follow[int](s, "later")
	fmt.Println(to.Tell(1))
	ref, _ := actors.Spawn(s, actors.Spec[int]{
		Name: "later", Box: mailbox.One(1, mailbox.Reject),
		Actor: actors.Func[int](func(c *actors.Context[int], m int) error {
			fmt.Println("handled", m)
			return nil
		}),
	})
	_ = s.Drive(context.Background(), ref.Open)
	fmt.Println(to.Tell(2))
	_ = s.Drive(context.Background(), nil)
	// Output:
	// actors: unknown name
	// <nil>
	// handled 2
}

// double is a message that wants an answer.
type double struct {
	n     int
	reply actors.ReplyTo[int]
}

func doubler(s *actors.System) actors.Ref[double] {
	ref, err := actors.Spawn(s, actors.Spec[double]{
		Name: "doubler", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[double](func(_ *actors.Context[double], m double) error {
			if m.n < 0 {
				panic("negative")
			}
			return m.reply.Send(2 * m.n)
		}),
	})
	if err != nil {
		panic(err)
	}
	return ref
}

func ExampleAsk() {
	s, _ := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(0)})
	ref := doubler(s)
	for !ref.Open() { // an ask before that would be ErrSuspended
		continue
	}
	for _, n := range []int{21, -1} {
		v, err := actors.Ask(context.Background(), ref, func(r actors.ReplyTo[int]) double { return double{n, r} })
		fmt.Println(v, err)
	}
	_ = s.Stop(context.Background())
	// Output:
	// 42 <nil>
	// 0 actors: doubler#1 is down: crash
}

func ExampleAskThen() {
	s := driven()
	ref := doubler(s)
	asker, _ := actors.Spawn(s, actors.Spec[string]{
		Name: "asker", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			fmt.Println(m)
			if m != "go" {
				return nil
			}
			return actors.AskThen(c, ref, func(r actors.ReplyTo[int]) double { return double{4, r} },
				c.Now().Add(time.Second), func(v int, err error) string { return fmt.Sprint("answer: ", v, " ", err) })
		}),
	})
	_ = s.Drive(context.Background(), asker.Open)
	_ = asker.Tell("go")
	_ = s.Drive(context.Background(), nil)
	// Output:
	// go
	// answer: 8 <nil>
}

func ExampleNewPipe() {
	s := driven()
	p, _ := actors.NewPipe[int](s, 2)
	fmt.Println(p.Offer(1), p.Offer(2), p.Offer(3))
	l, _ := s.Begin(actors.Birth{Name: "reader"})
	_ = l.Run("read", func(ctx context.Context, out actors.Outside) error {
		for p.Len() > 0 {
			v, err := p.Next(ctx, out)
			fmt.Println("read", v, err)
		}
		return nil
	})
	_ = s.Drive(context.Background(), nil)
	// Output:
	// <nil> <nil> mailbox: full
	// read 1 <nil>
	// read 2 <nil>
}

func ExampleContext_Watch() {
	s := driven()
	ref := doubler(s)
	watcher, _ := actors.Spawn(s, actors.Spec[string]{
		Name: "watcher", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			if m == "go" {
				return c.Watch(ref, func(d actors.Down) string { return fmt.Sprintf("%s#%d %s", d.Name, d.Epoch, d.Reason) })
			}
			fmt.Println(m)
			return nil
		}),
	})
	_ = s.Drive(context.Background(), watcher.Open)
	_ = watcher.Tell("go")
	_ = ref.Tell(double{n: -1})
	_ = s.Drive(context.Background(), nil)
	// Output: doubler#1 crash
}

func ExampleSubscribeDeadLetters() {
	s := driven()
	clerk, _ := actors.SubscribeDeadLetters(s, actors.Spec[actors.Letter]{
		Name: "clerk",
		Actor: actors.Func[actors.Letter](func(_ *actors.Context[actors.Letter], l actors.Letter) error {
			fmt.Println(l.Name, l.Type, l.Reason)
			return nil
		}),
	})
	ref, _ := actors.Spawn(s, actors.Spec[int]{
		Name: "slow", Box: mailbox.One(1, mailbox.DropOldest),
		Actor: actors.Func[int](func(*actors.Context[int], int) error { return nil }),
	})
	_ = s.Drive(context.Background(), func() bool { return clerk.Open() && ref.Open() })
	fmt.Println(ref.Tell(1), ref.Tell(2))
	_ = s.Drive(context.Background(), nil)
	// Output:
	// <nil> <nil>
	// slow int overflow
}

func ExampleTraced() {
	s := driven()
	ref, _ := actors.Spawn(s, actors.Spec[string]{
		Name: "a", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			fmt.Println(m, c.Trace().Sampled(), c.Trace().Span)
			if m == "first" {
				return c.Self().TellFrom(c, "second") // of the same trace
			}
			return nil
		}),
	})
	_ = s.Drive(context.Background(), ref.Open)
	_ = ref.TellFrom(actors.Traced(nil, actors.Trace{ID: [16]byte{1}, Span: 7}), "first")
	_ = ref.Tell("plain")
	_ = s.Drive(context.Background(), nil)
	// Output:
	// first true 7
	// plain false 0
	// second true 7
}

func ExamplePinned() {
	s, _ := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(0)})
	done := make(chan int, 1)
	ref, err := actors.Spawn(s, actors.Spec[int]{
		Name: "hot", Place: actors.Pinned(actors.Park), Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[int](func(_ *actors.Context[int], m int) error { done <- m; return nil }),
	})
	for !ref.Open() {
		continue
	}
	fmt.Println(err, ref.Tell(5), <-done, s.Stop(context.Background()))
	// Output: <nil> <nil> 5 <nil>
}

// A loop is one goroutine for a hot chain: the strategy is told of a price without waking anybody.
func ExampleSystem_NewLoop() {
	s, _ := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(0)})
	chain, err := s.NewLoop(actors.LoopConfig{Name: "ACME", Wait: actors.Park})
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan string, 1)
	strategy, _ := actors.Spawn(s, actors.Spec[int]{
		Name: "strategy", Place: chain.Place(), Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[int](func(c *actors.Context[int], price int) error {
			done <- fmt.Sprint("strategy saw ", price)
			return nil
		}),
	})
	feed, _ := actors.Spawn(s, actors.Spec[int]{
		Name: "feed", Place: chain.Place(), Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[int](func(_ *actors.Context[int], price int) error { return strategy.Tell(price) }),
	})
	for !strategy.Open() || !feed.Open() {
		continue
	}
	fmt.Println(feed.Tell(100), <-done, s.Loops()[0].Actors, s.Stop(context.Background()))
	// Output: <nil> strategy saw 100 2 <nil>
}

func ExampleReal() {
	clock := actors.Real()
	before := clock.Now()
	fmt.Println(clock.Now().Before(before))
	// Output: false
}

// On the virtual clock a day passes as fast as what happens in it can be handled.
func ExampleVirtual() {
	start := time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)
	s, _ := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	ref, _ := actors.Spawn(s, actors.Spec[string]{
		Name: "a", Box: mailbox.One(1, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			if m == "open" {
				c.After("close", 6*time.Hour+30*time.Minute, "closing auction")
				return nil
			}
			fmt.Println(m, "after", c.Now().Sub(start))
			return nil
		}),
	})
	_ = s.Drive(context.Background(), ref.Open)
	_ = ref.Tell("open")
	_ = s.Advance(context.Background(), 24*time.Hour)
	fmt.Println(s.Now().Sub(start))
	// Output:
	// closing auction after 6h30m0s
	// 24h0m0s
}

// Handlers run on a pool of goroutines, one message of an actor at a time.
func ExampleShared() {
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	fmt.Println(err, s.Deterministic(), s.Stop(context.Background()))
	// Output: <nil> false <nil>
}

// One thread, one message at a time, in the same order in every run: nothing happens but in Drive.
func ExampleDeterministic() {
	s := driven()
	spawn := func(name actors.Name) actors.Ref[string] {
		ref, _ := actors.Spawn(s, actors.Spec[string]{
			Name: name, Box: mailbox.One(2, mailbox.Reject),
			Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
				fmt.Println(c.Name(), m)
				return nil
			}),
		})
		_ = s.Drive(context.Background(), ref.Open)
		return ref
	}
	first, second := spawn("first"), spawn("second")
	_, _ = first.TellAll("one", "two")
	_, _ = second.TellAll("one", "two")
	fmt.Println("nothing yet")
	_ = s.Drive(context.Background(), nil)
	// Output:
	// nothing yet
	// first one
	// second one
	// first two
	// second two
}

// Options change the Spec of an actor whose message type their maker does not name, such as a supervisor.
func ExampleWithBox() {
	sp, err := actors.Spec[string]{Name: "a"}.With(actors.WithBox(mailbox.One(3, mailbox.DropOldest)))
	fmt.Println(sp.Box.Lanes[mailbox.Data-1].Policy, err)
	// Output: drop_oldest <nil>
}

func ExampleWithRecorder() {
	sp, err := actors.Spec[string]{Name: "a"}.With(actors.WithRecorder(actors.NoRecorder))
	fmt.Println(sp.Recorder == actors.NoRecorder, err)
	// Output: true <nil>
}

func ExampleWithLane() {
	urgent := func(m string) mailbox.Lane {
		if m == "cancel" {
			return mailbox.Control
		}
		return mailbox.Data
	}
	sp, _ := actors.Spec[string]{Name: "a"}.With(actors.WithLane(urgent))
	fmt.Println(sp.Lane("cancel"), sp.Lane("price"))
	_, err := actors.Spec[int]{Name: "b"}.With(actors.WithLane(urgent))
	fmt.Println(errors.Is(err, actors.ErrConfig))
	// Output:
	// control data
	// true
}

func ExampleWithPlace() {
	s, _ := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(0)})
	loop, _ := s.NewLoop(actors.LoopConfig{Name: "ACME", Wait: actors.Park})
	sp, err := actors.Spec[int]{Name: "feed"}.With(actors.WithPlace(loop.Place()))
	fmt.Println(sp.Place == loop.Place(), err, s.Stop(context.Background()))
	// Output: true <nil> <nil>
}

// Cancels of one order merge while they wait.
func ExampleWithKey() {
	sp, _ := actors.Spec[string]{Name: "orders"}.With(actors.WithKey(func(m string) any {
		if order, ok := strings.CutPrefix(m, "cancel "); ok {
			return order
		}
		return nil
	}))
	fmt.Println(sp.Key("cancel A1"), sp.Key("buy 10"))
	// Output: A1 <nil>
}

// A strategy that is late sees the newest quote of an instrument, and how many it stands for.
func ExampleWithConflation() {
	type quote struct {
		instrument mailbox.Key
		seq        uint64
		bid        int
	}
	box := mailbox.One(1000+10, mailbox.Conflate)
	box.MaxKeys = 10
	sp, _ := actors.Spec[quote]{Name: "strategy", Actor: actors.Func[quote](func(c *actors.Context[quote], q quote) error {
		fmt.Println("bid", q.bid, "instead of", c.Coalesced().N, "older ones")
		return nil
	})}.With(actors.WithBox(box), actors.WithConflation(
		func(q quote) mailbox.Description {
			return mailbox.Description{Key: q.instrument, Seq: q.seq, Kind: mailbox.State}
		},
		func(k mailbox.Key, _, to uint64) quote { return quote{instrument: k, seq: to} }))
	s := driven()
	ref, _ := actors.Spawn(s, sp)
	_ = s.Drive(context.Background(), ref.Open)
	_, _ = ref.TellAll(quote{7, 1, 99}, quote{7, 2, 100}, quote{7, 3, 101})
	_ = s.Drive(context.Background(), nil)
	// Output: bid 101 instead of 2 older ones
}

func ExampleWithQuarantine() {
	sp, _ := actors.Spec[string]{Name: "parser", Box: mailbox.One(10, mailbox.Reject), Actor: actors.Func[string](func(_ *actors.Context[string], text string) error {
		fmt.Println("handles", text)
		return errors.New("no number")
	})}.With(actors.WithQuarantine(1, func(text string) uint64 { return uint64(len(text)) }))
	s := driven()
	for range 2 { // what a supervisor would do
		ref, _ := actors.Spawn(s, sp)
		_ = s.Drive(context.Background(), ref.Open)
		_ = ref.Tell("seven")
		_ = s.Drive(context.Background(), nil)
		fmt.Println("in quarantine:", len(s.Quarantine()))
	}
	// Output:
	// handles seven
	// in quarantine: 0
	// in quarantine: 1
}
