package strategy_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// family is strategies under one supervisor, on the real clock, with an account that is an actor.
type family struct {
	b       *testing.B
	sys     *actors.System
	account actors.Ref[func()]
	state   strategy.State
	ready   chan string
	mu      sync.Mutex
	took    []time.Duration // from the trade to the account's having its order
	parents map[string]*clerk
}

// clerk is the account as one strategy sees it.
type clerk struct {
	*family
	name string
	to   actors.Address[strategy.Message]
	feed feeds.Sink
}

func (c *clerk) Cancel(string, risk.Cause) error               { return nil }
func (c *clerk) CancelAll(string) error                        { return nil }
func (c *clerk) Gate(market.Instrument) strategy.Gate          { return strategy.Gate{Mode: risk.Open} }
func (c *clerk) Quote(i market.Instrument) (feeds.Quote, bool) { return quote(i, 1), true }

// Attach has the account give a state of its own making, as a node's does.
func (c *clerk) Attach(string, uint64) error {
	return c.account.Tell(func() {
		s := c.state
		s.Executions, s.Working = slices.Clone(s.Executions), slices.Clone(s.Working)
		_ = c.to.Tell(strategy.Restored(s)) // not taken: the strategy asks again
	})
}

// Place notes when the account has the order: its price is the instant of the trade that it answers.
func (c *clerk) Place(in risk.Intent) error {
	if c.name == "bad" {
		return nil
	}
	return c.account.Tell(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.took = append(c.took, time.Duration(c.sys.Mono()-int64(in.Price)))
	})
}

func newFamily(b *testing.B, backoff supervision.Backoff, watchdog time.Duration, state strategy.State, fresh map[string]func() any) *family {
	b.Helper()
	sys, err := actors.New(actors.Config{
		Name: "bench", Clock: actors.Real(), Dispatch: actors.Shared(runtime.GOMAXPROCS(0)), AskMax: time.Second, PoisonAfter: -1,
	})
	if err != nil {
		b.Fatal(err)
	}
	f := &family{b: b, sys: sys, state: state, ready: make(chan string, 1024), parents: map[string]*clerk{}}
	if f.account, err = actors.Spawn(sys, actors.Spec[func()]{
		Name: "account", Class: "orders", Box: mailbox.One(8192, mailbox.Reject), Actor: actors.Func[func()](func(_ *actors.Context[func()], do func()) error { do(); return nil }),
	}); err != nil {
		b.Fatal(err)
	}
	contracts := []market.Contract{contract(acme), contract(bolt)}
	var children []supervision.Child
	for name, user := range fresh {
		c := &clerk{family: f, name: name, to: actors.Follow[strategy.Message](sys, actors.Name(name))}
		c.feed = strategy.Inlet(c.to, 0, contracts, strategy.NeedsOf(user()))
		f.parents[name] = c
		child := supervision.DefaultChild(name, func(_ context.Context, birth *supervision.Birth) error {
			shell := strategy.NewShell(strategy.Config{
				Name: name, Account: "A1", Contracts: contracts, Incarnation: 1, TTL: time.Second, Desk: c, World: c,
			}, user(), strategy.WhyFirst, func(evidence string) error {
				err := birth.Ready(supervision.Evidence(evidence))
				select {
				case f.ready <- name:
				default:
				}
				return err
			})
			_, err := supervision.Spawn[strategy.Message](birth, shell, strategy.Options(strategy.Box(len(contracts), 1))...)
			return err
		})
		child.Class, child.StartTimeout, child.Backoff, child.Watchdog = supervision.StrategyClass, supervision.Infinity, backoff, watchdog
		children = append(children, child)
	}
	spec := supervision.DefaultSpec("root", children...)
	spec.Intensity = 1 << 30
	tree, err := supervision.Start(b.Context(), sys, spec, supervision.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		tree.Stop()
		<-tree.Done()
		if err := sys.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	})
	for range fresh {
		<-f.ready
	}
	return f
}

// fragile ends at each trade.
type fragile struct{}

func (fragile) OnTrade(*strategy.Context, feeds.Trade) error         { return errPlanted }
func (fragile) OnOrder(*strategy.Context, strategy.OrderEvent) error { return nil }

// BenchmarkRehydrate is the time from the message that a strategy dies of until the next incarnation is ready, with 100 working
// orders and 1,000 fills to take over. The account is an actor that has the state at hand: what a journal costs is not in it.
func BenchmarkRehydrate(b *testing.B) {
	var state strategy.State
	for n := range 1000 {
		state.Executions = append(state.Executions, strategy.Execution{
			Order: market.ClOrdID(fmt.Sprint("O", n)), Exec: fmt.Sprint("E", n), Instrument: acme, Qty: market.Unit * market.Qty(1-2*(n%2)), Price: market.Price(1e9),
		})
	}
	state.Executions[0].Qty *= 2 // not flat
	for n := range 100 {
		var cause risk.Cause
		binary.BigEndian.PutUint64(cause[:], uint64(n+1)) //nolint:gosec // small
		state.Working = append(state.Working, strategy.Working{
			Order: market.ClOrdID(fmt.Sprint("W", n)), Decision: strategy.DecisionOf(cause), Instrument: bolt, Side: market.Buy, Qty: market.Unit, Leaves: market.Unit, Price: 1e9,
		})
	}
	f := newFamily(b, supervision.Backoff{}, 0, state, map[string]func() any{"s": func() any { return fragile{} }})
	var took []float64
	for b.Loop() {
		began := time.Now()
		f.parents["s"].feed.Trade(trade(acme, 1))
		<-f.ready
		took = append(took, float64(time.Since(began)))
	}
	b.ReportMetric(median(took)/1e6, "ms/rehydrated")
	b.ReportMetric(slices.Max(took)/1e6, "ms/worst")
}

// steady answers each trade with an order, whose price is when the trade was sent.
type steady struct{}

func (steady) OnTrade(c *strategy.Context, t feeds.Trade) error {
	in := buy(t.Instrument)
	in.Price = market.Price(t.Mono)
	c.Place(in, strategy.Beside())
	return nil
}

// unruly does with each trade what a strategy should not.
type unruly struct{ do func(c *strategy.Context) }

func (u unruly) OnTrade(c *strategy.Context, _ feeds.Trade) error {
	u.do(c)
	return nil
}

// BenchmarkIsolation is what a strategy that misbehaves at each trade does to two others on the same workers: rounds in which it gets
// trades and rounds in which it gets none alternate. A round is 250 trades, 200 µs apart. It comes back with the backoff of a node,
// or at once, thousands of times a second.
func BenchmarkIsolation(b *testing.B) {
	free := make(chan struct{})
	defer close(free)
	for name, do := range map[string]func(*strategy.Context){
		"panics": func(*strategy.Context) { panic("planted") },
		"hangs":  func(*strategy.Context) { <-free },
		"floods": func(c *strategy.Context) {
			for range 1000 {
				c.Place(risk.Intent{})
			}
		},
	} {
		for back, backoff := range map[string]supervision.Backoff{"backoff": {Base: time.Second, Cap: time.Minute, Reset: time.Minute}, "at once": {}} {
			b.Run(name+"/"+back, func(b *testing.B) { isolation(b, do, backoff) })
		}
	}
}

func isolation(b *testing.B, do func(*strategy.Context), backoff supervision.Backoff) {
	b.Helper()
	f := newFamily(b, backoff, 20*time.Millisecond, strategy.State{}, map[string]func() any{
		"one": func() any { return steady{} }, "two": func() any { return steady{} }, "bad": func() any { return unruly{do} },
	})
	var calm, rough []float64
	lost := 0
	for b.Loop() {
		for _, with := range []bool{false, true} {
			took, sent := f.round(with)
			lost += sent - len(took)
			if with {
				rough = append(rough, took...)
			} else {
				calm = append(calm, took...)
			}
		}
	}
	b.ReportMetric(percentile(calm, 99)/1e3, "µs/calm-p99")
	b.ReportMetric(percentile(rough, 99)/1e3, "µs/rough-p99")
	b.ReportMetric(percentile(rough, 99)/percentile(calm, 99), "×")
	b.ReportMetric(float64(lost), "lost")
}

func (f *family) round(with bool) (took []float64, sent int) {
	f.mu.Lock()
	f.took = f.took[:0]
	f.mu.Unlock()
	pace := time.NewTicker(200 * time.Microsecond)
	defer pace.Stop()
	for n := range 250 {
		for name, c := range f.parents {
			if name == "bad" && !with {
				continue
			}
			t := trade(acme, uint64(n)) //nolint:gosec // small
			t.Mono = f.sys.Mono()
			c.feed.Trade(t)
			if name != "bad" {
				sent++
			}
		}
		<-pace.C
	}
	for deadline := time.Now().Add(time.Second); ; <-pace.C {
		f.mu.Lock()
		if len(f.took) == sent || time.Now().After(deadline) {
			break
		}
		f.mu.Unlock()
	}
	defer f.mu.Unlock()
	for _, d := range f.took {
		took = append(took, float64(d))
	}
	return took, sent
}

func percentile(of []float64, p int) float64 {
	slices.Sort(of)
	return of[min(len(of)-1, len(of)*p/100)]
}
