package strategy_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// strayUses is everything that a Context can be asked for where it does nothing, by name.
func strayUses(c *strategy.Context) map[string]func() bool {
	nothing := func(f func()) func() bool { return func() bool { f(); return true } }
	return map[string]func() bool{
		"Place":     func() bool { return c.Place(buy(acme)).Zero() && c.Place(buy(acme), strategy.Once("x")).Zero() },
		"Target":    nothing(func() { c.Target(acme, market.Unit) }),
		"Rest":      nothing(func() { c.Rest(acme, market.Buy, market.Price(1e9), market.Unit) }),
		"Cancel":    nothing(func() { c.Cancel(strategy.Decision{}) }),
		"CancelAll": nothing(c.CancelAll),
		"After":     nothing(func() { c.After("k", time.Millisecond) }),
		"Every":     nothing(func() { c.Every("e", time.Millisecond) }),
		"At":        nothing(func() { c.At("a", time.Time{}) }),
		"Stop":      nothing(func() { c.Stop("k") }),
		"Subscribe": nothing(func() { c.Subscribe(acme, feeds.Trades) }),
		"Quote":     func() bool { _, err := c.Quote(acme); return errors.Is(err, strategy.ErrKept) },
		"Position":  func() bool { p := c.Position(acme); return p.Qty == 0 && p.Unknown },
		"Working":   func() bool { return c.Working(acme) == nil },
		"Gate":      func() bool { return c.Gate().Mode == 0 },
		"Now":       func() bool { return c.Now().IsZero() },
		"Instant":   func() bool { return c.Instant() == 0 },
	}
}

// strays are the ways to use a Context where it may not be used.
var strays = map[string]func(t *testing.T, use func(*strategy.Context)) *rig{
	"after the handler": func(t *testing.T, use func(*strategy.Context)) *rig {
		var kept *strategy.Context
		r, _, feed := trading(t, func(c *strategy.Context, _ uint64) { kept = c })
		r.at(feed, 1)
		use(kept)
		return r
	},
	"in a later handler": func(t *testing.T, use func(*strategy.Context)) *rig {
		var kept *strategy.Context
		r, _, feed := trading(t, func(c *strategy.Context, n uint64) {
			if n == 1 {
				kept = c
				return
			}
			use(kept)
		})
		r.at(feed, 1)
		r.at(feed, 2)
		return r
	},
	"in OnOrder, of what OnFill was told": func(t *testing.T, use func(*strategy.Context)) *rig {
		var kept *strategy.Context
		r, u, _ := trading(t, func(*strategy.Context, uint64) {})
		u.fill = func(c *strategy.Context, _ strategy.Fill) error {
			kept = c
			return nil
		}
		u.order = func(*strategy.Context, strategy.OrderEvent) error {
			use(kept)
			return nil
		}
		r.event(orders.Event{Kind: orders.EventFill, Order: "O", Strategy: "s", Instrument: acme, Side: market.Buy, LastQty: market.Unit, Exec: "E"})
		return r
	},
	"on another goroutine, while the handler runs": func(t *testing.T, use func(*strategy.Context)) *rig {
		r, _, feed := trading(t, func(c *strategy.Context, _ uint64) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				use(c)
			}()
			<-done
		})
		r.at(feed, 1)
		return r
	},
}

func TestAContextThatIsUsedOutsideItsHandlerDoesNothingAndIsCounted(t *testing.T) {
	strategy.InProduction(t)
	for where, stray := range strays {
		t.Run(where, func(t *testing.T) {
			counted := 0
			r := stray(t, func(c *strategy.Context) {
				c.OnOutOfTurn(func(string) { counted++ })
				for name, nothing := range strayUses(c) {
					if before := counted; !nothing() || counted == before {
						t.Errorf("%s did something, or was not counted", name)
					}
				}
				if len(c.Instruments()) != 2 || c.Log() == nil || c.Contract(acme).Tick == 0 {
					t.Error("no instruments, log or contract, which anybody may ask for")
				}
			})
			r.pass(time.Second)
			if len(r.desk.order) != 0 || len(r.noes) != 0 {
				t.Errorf("handed over %v, counted %v, want nothing done", r.desk.order, r.noes)
			}
		})
	}
}

// TestOutsideOfTestsACallOfAHandlerCostsNoContext and one that is kept is found out at all but each 64th call.
func TestOutsideOfTestsACallOfAHandlerCostsNoContext(t *testing.T) {
	strategy.InProduction(t)
	var all []*strategy.Context
	r, _, feed := trading(t, func(c *strategy.Context, _ uint64) { all = append(all, c) })
	for n := range uint64(65) {
		r.at(feed, n+1)
	}
	for n, c := range all[1:] {
		if again := n+1 == 64; (c == all[0]) != again {
			t.Errorf("call %d gives the Context of the first: %t, want %t", n+1, !again, again)
		}
	}
}

func TestAContextThatIsUsedOutsideItsHandlerPanicsInATest(t *testing.T) {
	for where, stray := range strays {
		t.Run(where, func(t *testing.T) {
			stray(t, func(c *strategy.Context) {
				for name, use := range strayUses(c) {
					panicked := func() (yes bool) {
						defer func() { yes = recover() != nil }()
						use()
						return false
					}()
					if !panicked {
						t.Errorf("%s does not panic", name)
					}
				}
			})
		})
	}
}

func TestTheGateOfAnInstrumentIsTheModeThatTouchesItThere(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, n uint64) {
		if n == 2 {
			c.Target(acme, market.Unit)
			c.Target(bolt, market.Unit)
		}
	})
	r.board.narrow = map[market.Instrument]risk.Mode{acme: risk.CancelOnly, bolt: risk.ReduceOnly}
	r.trades(feed, func(c *strategy.Context) {
		for name, c := range map[string]struct {
			got  strategy.Gate
			want risk.Mode
		}{
			"everything": {c.Gate(), risk.Open}, "acme": {c.Gate(acme), risk.CancelOnly}, "bolt": {c.Gate(bolt), risk.ReduceOnly},
			"both": {c.Gate(bolt, acme), risk.CancelOnly}, "the others": {c.Gate(dart), risk.Open},
		} {
			if c.got.Mode != c.want {
				t.Errorf("the gate of %s is %s, want %s", name, c.got.Mode, c.want)
			}
		}
	}, u, 1)
	r.at(feed, 2)
	if len(r.desk.placed) != 1 || r.desk.placed[0].Instrument != bolt || !slices.Contains(u.heard, "order held gate") {
		t.Errorf("placed %+v, heard %q, want ACME held and BOLT sent", r.desk.placed, u.heard)
	}
}

func TestWhatAHandlerSees(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {})
	looked := false
	u.trade = func(c *strategy.Context, _ feeds.Trade) error {
		looked = true
		if g := c.Gate(); g.Mode != risk.Open {
			t.Errorf("gate %+v, want open", g)
		}
		if q, err := c.Quote(acme); err != nil || q.Bid.Qty == 0 {
			t.Errorf("quote %+v, %v", q, err)
		}
		if _, err := c.Quote(dart); err == nil {
			t.Error("a quote of what no feed speaks of")
		}
		if !c.Now().Equal(r.sys.Now()) || c.Instant() != r.sys.Mono() {
			t.Error("another time than the turn's")
		}
		return nil
	}
	r.at(feed, 1)
	if !looked {
		t.Fatal("no handler ran")
	}
}

func TestTimers(t *testing.T) {
	t.Run("a key has one pending tick, the later wish replaces the earlier", func(t *testing.T) {
		r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {
			c.After("k", time.Second)
			c.After("k", 2*time.Second)
			c.After("gone", time.Second)
			c.Stop("gone")
			c.At("at", c.Now().Add(3*time.Second))
		})
		r.at(feed, 1)
		u.heardSince()
		r.pass(time.Second)
		same(t, u.heardSince(), nil)
		r.pass(10 * time.Second)
		same(t, u.heardSince(), []string{"timer k missed 0", "timer at missed 0"})
	})
}

func TestTicksThatFallDueWhileAHandlerRunsComeAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, u := actorstest.NewShared(t), &trader{}
		var dues []time.Duration
		began := int64(-1)
		u.gate = func(c *strategy.Context, _ strategy.Gate) error {
			if began < 0 {
				began = c.Instant()
				c.Every("k", time.Second)
				return nil
			}
			<-time.After(3500 * time.Millisecond)
			return nil
		}
		u.timer = func(c *strategy.Context, e strategy.Timer) error {
			if dues = append(dues, time.Duration(e.Due-began)); len(dues) == 4 {
				c.Stop("k")
			}
			return nil
		}
		shell := strategy.NewShell(strategy.Config{Name: "s", Desk: &desk{}, World: &board{}, TTL: time.Second}, u, strategy.WhyFirst, func(string) error { return nil })
		ref := spawn(t, sys, "s", 1, strategy.Box(0, 1), shell)
		synctest.Wait()
		tell := func(m strategy.Message) {
			if err := ref.Tell(m); err != nil {
				t.Fatal(err)
			}
		}
		tell(strategy.Restored(strategy.State{}))
		<-time.After(2 * time.Second)
		synctest.Wait()
		same(t, u.heardSince(), []string{"start first", "gate CLOSED", "timer k missed 0", "timer k missed 0"})
		tell(strategy.GateChanged(strategy.Gate{Mode: risk.Open}))
		<-time.After(3500 * time.Millisecond)
		synctest.Wait()
		same(t, u.heardSince(), []string{"gate OPEN", "timer k missed 2"})
		<-time.After(time.Hour)
		synctest.Wait()
		same(t, u.heardSince(), []string{"timer k missed 0"})
		if want := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 6 * time.Second}; !slices.Equal(dues, want) {
			t.Errorf("the ticks were due at %v, want %v", dues, want)
		}
	})
}
