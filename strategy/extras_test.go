package strategy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

func TestAStrategyIsToldWhatItSubscribesTo(t *testing.T) {
	const suspect = "state BOLT suspect planted"
	for name, c := range map[string]struct {
		start func(c *strategy.Context)
		want  []string
	}{
		"by default all there are handlers for": {
			func(*strategy.Context) {},
			[]string{"trade ACME 1", "quote ACME 2", "trade BOLT 3", "quote BOLT 4", suspect},
		},
		"one instrument": {
			func(c *strategy.Context) { c.Subscribe(acme, feeds.Quotes|feeds.Trades) },
			[]string{"trade ACME 1", "quote ACME 2", suspect},
		},
		"one kind of each": {
			func(c *strategy.Context) { c.Subscribe(acme, feeds.Quotes); c.Subscribe(bolt, feeds.Trades) },
			[]string{"quote ACME 2", "trade BOLT 3", suspect},
		},
		"twice the same instrument": {
			func(c *strategy.Context) { c.Subscribe(acme, feeds.Quotes); c.Subscribe(acme, feeds.Trades) },
			[]string{"trade ACME 1", "quote ACME 2", suspect},
		},
		"nothing": {func(c *strategy.Context) { c.Subscribe(acme, 0) }, []string{suspect}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(r *rig) { r.cfg.Interest = &strategy.Interest{} })
			u := &trader{start: func(ctx *strategy.Context, _ strategy.Start) error { c.start(ctx); return nil }}
			r.start(u, strategy.State{})
			needs := strategy.NeedsOf(u)
			whole := strategy.Inlet(r.to, 0, r.cfg.Contracts, needs) // what was on its way already
			needs.Interest = r.cfg.Interest
			for _, feed := range []feeds.Sink{whole, strategy.Inlet(r.to, 0, r.cfg.Contracts, needs)} {
				u.heardSince()
				before := r.handled()
				feed.Trade(trade(acme, 1))
				feed.Quote(quote(acme, 2))
				feed.Trade(trade(bolt, 3))
				feed.Quote(quote(bolt, 4))
				r.settle()
				feed.State(feeds.StateChange{Instrument: bolt, State: feeds.Suspect, Why: "planted"})
				r.settle()
				same(t, u.heardSince(), c.want)
				if n, want := r.handled()-before, uint64(len(c.want)+1); feed != whole && n != want {
					t.Errorf("the box took %d messages, want %d: what is wanted, and the mark of a change of state", n, want)
				}
			}
		})
	}
}

// handled is how many messages the strategy's mailbox has handled so far.
func (r *rig) handled() uint64 {
	r.t.Helper()
	for _, b := range r.sys.Boxes() {
		if b.Name == "s" {
			return b.Total().Handled
		}
	}
	r.t.Fatal("the strategy has no mailbox")
	return 0
}

// TestTheNextIncarnationSubscribesAnew however the one before was left.
func TestTheNextIncarnationSubscribesAnew(t *testing.T) {
	r := newRig(t, func(r *rig) { r.cfg.Interest = &strategy.Interest{} })
	narrow := &trader{start: func(c *strategy.Context, _ strategy.Start) error { c.Subscribe(acme, feeds.Trades); return nil }}
	narrow.trade = func(*strategy.Context, feeds.Trade) error { return errPlanted }
	r.start(narrow, strategy.State{})
	if w := r.cfg.Interest; !w.Wants(feeds.Trades, acme) || w.Wants(feeds.Trades, bolt) || w.Wants(feeds.Quotes, acme) {
		t.Error("wants another thing than trades of ACME")
	}
	r.at(strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(narrow)), 1)
	r.ended(actors.ReasonError)
	r.start(&trader{}, strategy.State{})
	if w := r.cfg.Interest; !w.Wants(feeds.Trades, bolt) || !w.Wants(feeds.Quotes, acme) {
		t.Error("the next incarnation, which says nothing, is not told everything")
	}
}

// TestWhatNoMarketMakesRightEndsTheIncarnation says what is asked for in vain, by whom and where.
func TestWhatNoMarketMakesRightEndsTheIncarnation(t *testing.T) {
	many := func(c *strategy.Context) {
		for n := range strategy.MaxSeries {
			c.Metrics().Counter(fmt.Sprintf("c%d", n), "one of many")
		}
	}
	for name, c := range map[string]struct {
		start, later func(c *strategy.Context)
		want         string
	}{
		"to subscribe later":                    {nil, func(c *strategy.Context) { c.Subscribe(acme, feeds.Trades) }, "Subscribe(ACME@SIM) outside OnStart"},
		"to subscribe to what is not its own":   {func(c *strategy.Context) { c.Subscribe(dart, feeds.Trades) }, nil, "Subscribe(DART@SIM): the strategy is not configured for it"},
		"to subscribe to what nobody handles":   {func(c *strategy.Context) { c.Subscribe(acme, feeds.Depths) }, nil, "handlers for 101 alone"},
		"a metric later":                        {nil, func(c *strategy.Context) { c.Metrics().Counter("n", "") }, `metric "n": made outside OnStart`},
		"a metric of a bad name":                {func(c *strategy.Context) { c.Metrics().Gauge("Big", "") }, nil, `metric "Big", want`},
		"a metric of no name":                   {func(c *strategy.Context) { c.Metrics().Gauge("", "") }, nil, `metric "", want`},
		"a metric with an ending of its kind":   {func(c *strategy.Context) { c.Metrics().Counter("n_total", "") }, nil, "ends in _total"},
		"a metric of two kinds":                 {func(c *strategy.Context) { c.Metrics().Gauge("n", ""); c.Metrics().Counter("n", "") }, nil, "another kind"},
		"a metric with other bounds":            {func(c *strategy.Context) { c.Metrics().Histogram("h", "", 1); c.Metrics().Histogram("h", "", 2) }, nil, "other bounds"},
		"bounds that do not ascend":             {func(c *strategy.Context) { c.Metrics().Histogram("h", "", 2, 2) }, nil, "finite ones that ascend"},
		"one series too many":                   {func(c *strategy.Context) { many(c); c.Metrics().Gauge("g", "") }, nil, "makes 33 series, want at most 32"},
		"a histogram of too many buckets":       {func(c *strategy.Context) { c.Metrics().Histogram("h", "", make([]float64, 0)...); many(c) }, nil, "want at most 32"},
		"a kind that another strategy does not": {func(c *strategy.Context) { c.Metrics().Gauge("theirs", "") }, nil, "of another kind in another strategy"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(r *rig) { r.cfg.Meters = &strategy.Meters{} })
			other := r.cfg
			other.Name, other.Desk = "other", &desk{}
			theirs := &trader{start: func(c *strategy.Context, _ strategy.Start) error { c.Metrics().Counter("theirs", ""); return nil }}
			spawn(t, r.sys, "other", 1, r.box, strategy.NewShell(other, theirs, strategy.WhyFirst, func(string) error { return nil }))
			r.settle()
			if err := actors.Follow[strategy.Message](r.sys, "other").Tell(strategy.Restored(strategy.State{})); err != nil {
				t.Fatal(err)
			}
			r.settle()
			u := &trader{}
			if c.start != nil {
				u.start = func(ctx *strategy.Context, _ strategy.Start) error { c.start(ctx); return nil }
			}
			if c.later != nil {
				u.trade = func(ctx *strategy.Context, _ feeds.Trade) error {
					ctx.Place(buy(acme))
					c.later(ctx)
					return nil
				}
			}
			r.start(u, strategy.State{})
			if c.later != nil {
				r.at(strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u)), 1)
			}
			x := r.ended(actors.ReasonError)
			if !strings.Contains(x.Err.Error(), "strategy s: ") || !strings.Contains(x.Err.Error(), c.want) {
				t.Errorf("ended for %q, want it to say %q", x.Err, c.want)
			}
			if len(r.desk.placed) != 0 {
				t.Error("what the same handler placed has left")
			}
		})
	}
}

func TestMetersGoOnOverIncarnations(t *testing.T) {
	r := newRig(t, func(r *rig) { r.cfg.Meters = &strategy.Meters{} })
	for n := range 2 {
		var c *strategy.Counter
		u := &trader{start: func(ctx *strategy.Context, _ strategy.Start) error {
			m := ctx.Metrics()
			c = m.Counter("trades", "trades that were seen")
			c.Add(2)
			m.Gauge("spread", "of the book").Set(float64(n) + 0.5)
			h := m.Histogram("size", "of trades", 1, 10)
			for _, v := range []float64{0.5, 1, 5, 50} {
				h.Observe(v)
			}
			return nil
		}}
		u.trade = func(*strategy.Context, feeds.Trade) error {
			c.Add(1)
			return errPlanted
		}
		r.start(u, strategy.State{})
		r.at(strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u)), 1)
		r.ended(actors.ReasonError)
	}
	got := r.cfg.Meters.Read()
	want := []string{"size 113 [1 10] [4 2 2]", "spread 1.5 [] []", "trades 6 [] []"}
	for i, m := range got {
		if text := fmt.Sprint(m.Name, " ", m.Value, " ", m.Bounds, " ", m.Buckets); i >= len(want) || text != want[i] || m.Strategy != "s" || m.Help == "" {
			t.Errorf("meter %d is %q of %q, want %q of s", i, text, m.Strategy, want[min(i, len(want)-1)])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d meters, want %d", len(got), len(want))
	}
}

func TestChanceFollowsFromSeedAndIncarnation(t *testing.T) {
	draw := func(seed uint64, life uint32, incarnations int) (out []uint64) {
		r := newRig(t, func(r *rig) { r.cfg.Seed, r.cfg.Incarnation = seed, life })
		for range incarnations {
			u := &trader{trade: func(c *strategy.Context, _ feeds.Trade) error {
				out = append(out, c.Rand().Uint64(), c.Rand().Uint64())
				return errors.New("again")
			}}
			r.start(u, strategy.State{})
			r.at(strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u)), 1)
		}
		return out
	}
	once, again := draw(1, 7, 2), draw(1, 7, 2)
	if !slices.Equal(once, again) {
		t.Errorf("drew %d, and over the same input %d", once, again)
	}
	all := slices.Concat(once, draw(2, 7, 1), draw(1, 8, 1))
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 8 {
		t.Errorf("%d numbers of 8 are different: two incarnations, seeds or lives draw the same", n)
	}
}

func TestAParameterSaysWhereItCameFrom(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.cfg.Params = []strategy.Param{{"fast", "5", strategy.FromFile}, {"slow", "100", strategy.FromDefault}}
	})
	u := &trader{start: func(c *strategy.Context, _ strategy.Start) error {
		for name, want := range map[string]strategy.Param{
			"fast": {"fast", "5", strategy.FromFile}, "slow": {"slow", "100", strategy.FromDefault}, "Fast": {},
		} {
			if got := c.Param(name); got != want {
				t.Errorf("Param(%q) = %+v, want %+v", name, got, want)
			}
		}
		return nil
	}}
	r.start(u, strategy.State{})
	if len(r.ready) != 1 {
		t.Error("it did not start")
	}
}

// TestHooksSayWhatAStrategyDoes of all that no other test looks at.
func TestHooksSayWhatAStrategyDoes(t *testing.T) {
	var got []string
	say := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	r := newRig(t, func(r *rig) {
		r.cfg.Events = strategy.Events{
			Started:  func(name string, why strategy.Why) { say("%s started %s", name, why) },
			Ready:    func(name, evidence string, took time.Duration) { say("%s ready %s after %s", name, evidence, took) },
			Decided:  func(name string, effects int, _ time.Duration) { say("%s decided %d", name, effects) },
			Refused:  func(name, reason string, n int) { say("%s refused %s %d", name, reason, n) },
			Held:     func(name, reason string) { say("%s held %s", name, reason) },
			Lapsed:   func(name string) { say("%s lapsed", name) },
			Absorbed: func(name string) { say("%s absorbed", name) },
			Repeated: func(name string) { say("%s repeated", name) },
			Ended:    func(name, reason string) { say("%s ended %s", name, reason) },
		}
	})
	u := &trader{}
	u.trade = func(c *strategy.Context, e feeds.Trade) error {
		switch e.Seq {
		case 1:
			c.Place(buy(acme), strategy.Once("x"))
			c.Place(sell(acme))
		case 2:
			c.Place(risk.Intent{})
		case 3, 4:
			c.Target(bolt, market.Unit)
		}
		return nil
	}
	r.spawn(u)
	r.pass(time.Second)
	r.tell(strategy.Restored(strategy.State{}))
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
	r.at(feed, 1)
	r.event(r.of(0, orders.EventRepeated))
	r.at(feed, 2)
	r.at(feed, 3)
	r.event(r.refusal(2, "SHUT"))
	r.at(feed, 4)
	r.board.mode = risk.Closed
	r.pass(time.Second)
	r.at(feed, 3)
	r.pass(2 * time.Second)
	r.stop()
	same(t, got, []string{
		"s started first", "s ready flat after 1s", "s decided 2", "s repeated", "s refused BAD_INTENT 1", "s decided 1", "s absorbed",
		"s held gate", "s lapsed", "s ended shutdown",
	})
}
