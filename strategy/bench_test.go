package strategy_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// ring is a strategy and an account on one loop: each intent that the account takes is answered with the next trade, so the loop
// turns, one trade and one intent a round, without anybody who sleeps or wakes.
type ring struct {
	b       *testing.B
	sys     *actors.System
	to      actors.Ref[strategy.Message]
	account actors.Ref[risk.Intent]
	feed    feeds.Sink
	left    int // rounds
	seq     uint64
	causes  []risk.Cause
	done    chan struct{}
}

func (r *ring) Place(in risk.Intent) error                    { return r.account.Tell(in) }
func (r *ring) Cancel(string, risk.Cause) error               { return nil }
func (r *ring) CancelAll(string) error                        { return nil }
func (r *ring) Attach(string, uint64) error                   { return nil }
func (r *ring) Gate(market.Instrument) strategy.Gate          { return strategy.Gate{Mode: risk.Open} }
func (r *ring) Quote(i market.Instrument) (feeds.Quote, bool) { return quote(i, 1), true }

// Receive is the account's.
func (r *ring) Receive(_ *actors.Context[risk.Intent], in risk.Intent) error {
	r.causes = append(r.causes, in.Cause)
	if r.left--; r.left <= 0 {
		r.done <- struct{}{}
		return nil
	}
	r.seq++
	r.feed.Trade(trade(acme, r.seq))
	return nil
}

// placer places one order at each trade.
type placer struct{}

func (placer) OnTrade(c *strategy.Context, _ feeds.Trade) error {
	c.Place(buy(acme))
	return nil
}

// newRing runs the shell of a strategy, or for nil an actor that hands an intent over and does nothing else.
func newRing(b *testing.B, user any) *ring {
	b.Helper()
	strategy.InProduction(b)
	sys, err := actors.New(actors.Config{Name: "bench", Clock: actors.Real(), Dispatch: actors.Shared(2), AskMax: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sys.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	l, err := sys.NewLoop(actors.LoopConfig{Wait: actors.Park})
	if err != nil {
		b.Fatal(err)
	}
	r := &ring{b: b, sys: sys, done: make(chan struct{})}
	contracts := []market.Contract{contract(acme), contract(bolt)}
	var actor actors.Actor[strategy.Message] = actors.Func[strategy.Message](func(*actors.Context[strategy.Message], strategy.Message) error {
		return r.Place(buy(acme))
	})
	if user != nil {
		actor = strategy.NewShell(strategy.Config{
			Name: "s", Account: "A1", Contracts: contracts, Incarnation: 1, TTL: time.Second, Desk: r, World: r,
		}, user, strategy.WhyFirst, func(string) error { return nil })
	}
	spec, err := actors.Spec[strategy.Message]{Name: "s", Class: "strategy", Actor: actor, Place: l.Place()}.With(strategy.Options(strategy.Box(len(contracts), 1))...)
	if err != nil {
		b.Fatal(err)
	}
	if r.to, err = actors.Spawn(sys, spec); err != nil {
		b.Fatal(err)
	}
	if r.account, err = actors.Spawn(sys, actors.Spec[risk.Intent]{
		Name: "orders", Class: "orders", Box: mailbox.One(1024, mailbox.Reject), Actor: r, Place: l.Place(),
	}); err != nil {
		b.Fatal(err)
	}
	r.feed = strategy.Inlet(actors.Follow[strategy.Message](sys, "s"), 0, contracts, strategy.NeedsOf(placer{}))
	r.open()
	if user != nil {
		r.tell(strategy.Restored(strategy.State{Executions: []strategy.Execution{{Order: "H", Exec: "H1", Instrument: acme, Qty: market.Unit, Price: 1e9}}}))
	}
	return r
}

// open waits until both take messages.
func (r *ring) open() {
	for !r.to.Open() || !r.account.Open() {
		runtime.Gosched()
	}
}

func (r *ring) tell(m strategy.Message) {
	if err := r.to.Tell(m); err != nil {
		r.b.Fatal(err)
	}
}

// turn makes n rounds, and says how long they took and how often memory was taken.
func (r *ring) turn(n int) (took time.Duration, allocs uint64) {
	var before, after runtime.MemStats
	r.left = n
	runtime.ReadMemStats(&before)
	began := time.Now()
	r.seq++
	r.feed.Trade(trade(acme, r.seq))
	<-r.done
	took = time.Since(began)
	runtime.ReadMemStats(&after)
	return took, after.Mallocs - before.Mallocs
}

// end ends the orders of the last rounds. It waits for one round more, which is behind that: reports come ahead of data.
func (r *ring) end(told uint64) uint64 {
	for _, cause := range r.causes {
		told++
		for r.to.Tell(strategy.Told(orders.Event{Kind: orders.EventClosed, Cause: cause, Instrument: acme, Order: "O", Evidence: told}, told)) != nil {
			runtime.Gosched()
		}
	}
	r.causes = r.causes[:0]
	r.turn(1)
	return told
}

// BenchmarkDecide is what a strategy costs between the data in its box and its intent in the box of its account: rounds of the shell
// and rounds of an actor that hands over an intent at each message and does nothing else alternate, on one loop. ns/over is the median
// of the differences.
func BenchmarkDecide(b *testing.B) {
	const rounds = 512
	whole, bare := newRing(b, placer{}), newRing(b, nil)
	told := uint64(0)
	turn := func() (with, without time.Duration, allocs uint64) {
		with, allocs = whole.turn(rounds)
		told = whole.end(told)
		without, _ = bare.turn(rounds)
		bare.causes = bare.causes[:0]
		return with, without, allocs
	}
	for range 4 { // everything has grown
		turn()
	}
	var with, over []float64
	var allocs uint64
	for b.Loop() {
		w, o, a := turn()
		with, over, allocs = append(with, float64(w)/rounds), append(over, float64(w-o)/rounds), allocs+a
	}
	b.ReportMetric(median(with), "ns/decision")
	b.ReportMetric(median(over), "ns/over")
	b.ReportMetric(float64(allocs)/float64(len(with)*rounds), "allocs/decision") // the measuring itself takes some in each round
}

// median is the figure of a machine that has other things to do as well.
func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// sayer says the same want n times at each trade, and notes how long that took.
type sayer struct {
	want market.Qty
	n    int
	took time.Duration
	done chan struct{}
}

func (s *sayer) OnTrade(c *strategy.Context, _ feeds.Trade) error {
	began := time.Now()
	for range s.n {
		c.Target(acme, s.want)
	}
	s.took = time.Since(began)
	s.done <- struct{}{}
	return nil
}

// BenchmarkTargetAgain is a want that is said again with nothing to do: it is the position, or its order works.
func BenchmarkTargetAgain(b *testing.B) {
	for name, want := range map[string]market.Qty{"held": market.Unit, "working": 2 * market.Unit} {
		b.Run(name, func(b *testing.B) {
			s := &sayer{want: want, n: 1, done: make(chan struct{}, 1)}
			r := newRing(b, s)
			r.done = make(chan struct{}, 1)
			say := func(n int) {
				s.n, r.seq = n, r.seq+1
				r.feed.Trade(trade(acme, r.seq))
				<-s.done
			}
			say(1)
			if want != market.Unit {
				<-r.done // its order is with the account
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			say(b.N)
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(s.took)/float64(b.N), "ns/said")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N), "allocs/said")
			if n := len(r.causes); n > 1 || n == 0 && want != market.Unit {
				b.Errorf("%d orders were placed, want none but that which works", n)
			}
		})
	}
}
