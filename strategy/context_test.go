package strategy_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

func TestAContextKeptAfterItsHandlerDoesNothing(t *testing.T) {
	var kept *strategy.Context
	r, u, feed := trading(t, func(c *strategy.Context, n uint64) {
		if n == 1 {
			kept = c
			c.Place(buy(acme))
		}
	})
	r.at(feed, 1)
	u.heardSince()
	use := func() {
		d := kept.Place(buy(acme))
		once := kept.Place(buy(acme), strategy.Once("x"))
		if !d.Zero() || !once.Zero() {
			t.Errorf("decisions %s and %s, want none", d, once)
		}
		kept.Target(acme, market.Unit)
		kept.Cancel(strategy.DecisionOf(r.desk.placed[0].Cause))
		kept.CancelAll()
		kept.After("k", time.Millisecond)
		kept.Every("e", time.Millisecond)
		kept.At("a", kept.Now())
		kept.Stop("k")
		if q, err := kept.Quote(acme); err == nil {
			t.Errorf("a quote %+v without an error", q)
		}
		if p := kept.Position(acme); p.Qty != 0 || !p.Unknown || kept.Working(acme) != nil || kept.Gate().Mode == risk.Open {
			t.Errorf("position %+v, working %+v, gate %+v, want nothing to act on", p, kept.Working(acme), kept.Gate())
		}
		if !kept.Now().IsZero() || kept.Instant() != 0 || len(kept.Instruments()) != 2 || kept.Log() == nil {
			t.Error("a time, or no list or log")
		}
	}
	use()
	u.trade = func(*strategy.Context, feeds.Trade) error {
		use() // in another handler of the same incarnation
		return nil
	}
	r.at(feed, 2)
	r.pass(time.Second)
	same(t, u.heardSince(), []string{"trade ACME 2"})
	if len(r.desk.placed) != 1 || len(r.desk.cancelled) != 0 || r.desk.swept != 0 || len(r.noes) != 0 {
		t.Errorf("placed %d, cancelled %d, swept %d, counted %v, want nothing done", len(r.desk.placed), len(r.desk.cancelled), r.desk.swept, r.noes)
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
		ref, err := actors.Spawn(sys, actors.Spec[strategy.Message]{Name: "s", Box: mailbox.DefaultConfig("strategy"), Lane: strategy.Lane, Actor: shell})
		if err != nil {
			t.Fatal(err)
		}
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
