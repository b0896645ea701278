package strategy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

func TestARefusalOfTheGateIsTold(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme)) })
	r.at(feed, 1)
	if len(u.told()) != 0 || len(r.desk.placed) != 1 {
		t.Fatalf("placed %d, want it handed over without an answer yet", len(r.desk.placed))
	}
	r.event(r.refusal(0, risk.CodeShut))
	got := u.told()
	if len(got) != 1 {
		t.Fatalf("told %+v, want one refusal", got)
	}
	e := got[0]
	if e.Kind != strategy.KindRefused || e.Reason != string(risk.CodeShut) || e.Count != 1 || e.Decision.Cause() != r.desk.placed[0].Cause || e.Instrument != acme {
		t.Errorf("told %+v, want the refusal of the decision with the gate's word", e)
	}
	r.trades(feed, func(c *strategy.Context) {
		if w := c.Working(acme); len(w) != 0 {
			t.Errorf("working %+v after the refusal, want none", w)
		}
	}, u, 2)
}

func TestRefusalsOfOneReasonAreToldOnceIn100ms(t *testing.T) {
	for _, by := range []string{"the shell", "the gate"} {
		t.Run("by "+by, func(t *testing.T) {
			r, u, feed := trading(t, func(c *strategy.Context, n uint64) {
				i := acme
				if n == 6 {
					i = bolt
				}
				c.Place(buy(i))
			})
			if by == "the shell" {
				r.desk.err = mailbox.ErrFull
			}
			refused := func(seq uint64) {
				r.at(feed, seq)
				if r.desk.err == nil {
					r.event(r.refusal(len(r.desk.placed)-1, strategy.ReasonFull))
				}
			}
			for seq := range uint64(5) {
				refused(seq + 1)
			}
			if got := u.told(); len(got) != 1 || got[0].Count != 1 || got[0].Reason != strategy.ReasonFull {
				t.Fatalf("told %+v at once, want the first refusal alone", got)
			}
			refused(6)
			if got := u.told(); len(got) != 1 || got[0].Instrument != bolt {
				t.Fatalf("told %+v, want the refusal of another instrument at once", got)
			}
			r.pass(99 * time.Millisecond)
			if got := u.told(); len(got) != 0 {
				t.Fatalf("told %+v within 100 ms, want nothing", got)
			}
			r.pass(time.Millisecond)
			if got := u.told(); len(got) != 1 || got[0].Count != 4 || got[0].Instrument != acme {
				t.Fatalf("told %+v at 100 ms, want the four that were kept back in one", got)
			}
			r.pass(time.Second)
			if got := u.told(); len(got) != 0 {
				t.Errorf("told %+v later, want nothing", got)
			}
			if want := 6; by == "the shell" && r.noes[strategy.ReasonFull] != want {
				t.Errorf("counted %v, want each of %d", r.noes, want)
			}
		})
	}
}

func TestARefusalAnsweredWithAnOrderDoesNotSpin(t *testing.T) {
	again := func(c *strategy.Context, e strategy.OrderEvent) error {
		if e.Kind == strategy.KindRefused {
			c.Place(buy(acme))
		}
		return nil
	}
	t.Run("refused by the gate", func(t *testing.T) {
		r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme)) })
		u.order = again
		r.at(feed, 1)
		answered := 0
		for range 3600 * 100 / 100 { // looked at once a second for an hour
			for ; answered < len(r.desk.placed); answered++ {
				r.event(r.refusal(answered, risk.CodeShut))
			}
			r.pass(time.Second)
		}
		if n := len(u.told()); n > 36000 || n < 3600 {
			t.Errorf("told %d refusals in an hour, want at least one a second and at most ten", n)
		}
		for _, b := range r.sys.Boxes() {
			if n := b.Total().Queued; n != 0 {
				t.Errorf("%d messages wait in %s after the hour, want none", n, b.Name)
			}
		}
		causes := map[risk.Cause]bool{}
		for _, in := range r.desk.placed {
			if causes[in.Cause] {
				t.Fatalf("decision %x was made twice: the account would take the second for the first", in.Cause)
			}
			causes[in.Cause] = true
		}
	})
	t.Run("refused here", func(t *testing.T) {
		r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme)) })
		u.order, r.desk.err = again, mailbox.ErrFull
		r.at(feed, 1)
		r.pass(10 * time.Second)
		if n := len(u.told()); n != 101 {
			t.Errorf("told %d refusals in 10 s, want one in 100 ms", n)
		}
	})
	t.Run("a cancel of what is not its own", func(t *testing.T) {
		r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Cancel(strategy.DecisionOf(risk.Cause{9})) })
		u.order = func(c *strategy.Context, e strategy.OrderEvent) error {
			c.Cancel(e.Decision)
			return nil
		}
		r.at(feed, 1)
		if got := u.told(); len(got) != 1 || got[0].Reason != strategy.ReasonNotMine || r.noes[strategy.ReasonNotMine] != 2 {
			t.Errorf("told %+v, counted %v, want NOT_MINE once, counted twice", got, r.noes)
		}
	})
}

func TestMoreThan64EffectsAreRefused(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {
		for range 70 {
			c.Place(buy(acme))
		}
	})
	r.at(feed, 1)
	if got := u.told(); len(r.desk.placed) != 64 || r.noes[strategy.ReasonFlood] != 6 || len(got) != 1 || got[0].Reason != strategy.ReasonFlood {
		t.Errorf("placed %d, counted %v, told %+v, want 64 placed and 6 refused FLOOD", len(r.desk.placed), r.noes, got)
	}
	r.at(feed, 2)
	if len(r.desk.placed) != 128 {
		t.Errorf("placed %d, want the next handler to have its own 64", len(r.desk.placed))
	}
}

func TestWhatTheAccountDoesNotTakeIsRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{mailbox.ErrFull, strategy.ReasonFull}, {actors.ErrFull, strategy.ReasonFull}, {actors.ErrSuspended, strategy.ReasonSuspended}, {actors.ErrFenced, strategy.ReasonFenced},
	} {
		r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {
			c.Place(buy(acme))
			c.Target(bolt, market.Unit)
		})
		r.desk.err = fmt.Errorf("telling: %w", c.err)
		r.at(feed, 1)
		got := u.told()
		if len(got) != 2 || got[0].Reason != c.want || got[1].Reason != c.want || r.noes[c.want] != 2 {
			t.Errorf("%v: told %+v, counted %v, want two refusals %s", c.err, got, r.noes, c.want)
		}
		r.desk.err = nil
		r.trades(feed, func(c *strategy.Context) {
			if len(c.Working(acme))+len(c.Working(bolt)) != 0 {
				t.Errorf("working %+v %+v, want none", c.Working(acme), c.Working(bolt))
			}
		}, u, 2)
	}
}

func TestAnIntentThatLacksSomethingIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*risk.Intent){
		"everything": func(in *risk.Intent) { *in = risk.Intent{} },
		"instrument": func(in *risk.Intent) { in.Instrument = market.Instrument{} },
		"side":       func(in *risk.Intent) { in.Side = 0 },
		"type":       func(in *risk.Intent) { in.Type = 0 },
		"tif":        func(in *risk.Intent) { in.TIF = 0 },
		"qty":        func(in *risk.Intent) { in.Qty = 0 },
		"above zero": func(in *risk.Intent) { in.Qty = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {
				in := buy(acme)
				spoil(&in)
				c.Place(in)
			})
			r.at(feed, 1)
			if got := u.told(); len(r.desk.placed) != 0 || len(got) != 1 || got[0].Reason != strategy.ReasonBadIntent {
				t.Errorf("placed %d, told %+v, want BAD_INTENT", len(r.desk.placed), got)
			}
		})
	}
}

func TestPlaceBesideTarget(t *testing.T) {
	var same bool // Target and Place in one handler
	r, u, feed := trading(t, func(c *strategy.Context, n uint64) {
		switch n {
		case 1:
			c.Target(acme, market.Unit)
			if same {
				c.Place(buy(acme))
			}
		case 2:
			c.Place(buy(acme))
		case 3:
			c.Place(sell(acme))
			c.Place(buy(bolt))
			c.Place(buy(acme), strategy.Beside())
		case 4:
			c.Place(buy(acme))
		}
	})
	r.at(feed, 1)
	r.at(feed, 2)
	if got := u.told(); len(got) != 1 || got[0].Reason != strategy.ReasonMixed || len(r.desk.placed) != 1 {
		t.Fatalf("told %+v, placed %d, want MIXED beside the order of Target", got, len(r.desk.placed))
	}
	r.at(feed, 3)
	if len(r.desk.placed) != 4 {
		t.Fatalf("placed %d, want the other side, the other instrument and what is Beside", len(r.desk.placed))
	}
	r.filled(0)
	r.at(feed, 4)
	if len(r.desk.placed) != 5 {
		t.Errorf("placed %d, want Place taken once the order of Target has ended", len(r.desk.placed))
	}

	same = true
	r, u, feed = trading(t, func(c *strategy.Context, _ uint64) {
		c.Target(acme, market.Unit)
		c.Place(buy(acme))
	})
	r.at(feed, 1)
	if got := u.told(); len(got) != 1 || got[0].Reason != strategy.ReasonMixed || len(r.desk.placed) != 1 {
		t.Errorf("told %+v, placed %d, want MIXED in the same handler too", got, len(r.desk.placed))
	}
}

func TestTwoRefusalsOfOneDecisionAreAnsweredUnderTwoNames(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme), strategy.Once("open")) })
	u.order = func(c *strategy.Context, e strategy.OrderEvent) error {
		if e.Kind == strategy.KindRefused {
			c.Place(buy(bolt))
		}
		return nil
	}
	r.at(feed, 1)
	r.event(r.refusal(0, risk.CodeShut))
	r.pass(time.Second)
	r.at(feed, 2)
	r.event(r.refusal(2, risk.CodeShut))
	if n := len(r.desk.placed); n != 4 || r.desk.placed[0].Cause != r.desk.placed[2].Cause || r.desk.placed[1].Cause == r.desk.placed[3].Cause {
		t.Errorf("placed %+v, want one decision twice, and two answers to its refusals", r.desk.placed)
	}
}

// TestOnceIsRefusedWhereNoDecisionIsRemembered, and nothing else is.
func TestOnceIsRefusedWhereNoDecisionIsRemembered(t *testing.T) {
	r := newRig(t, func(r *rig) { r.cfg.Horizon = true })
	var once strategy.Decision
	u := &trader{trade: func(c *strategy.Context, _ feeds.Trade) error {
		once = c.Place(buy(acme), strategy.Once("open"))
		c.Place(sell(acme))
		return nil
	}}
	r.start(u, strategy.State{})
	r.at(strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u)), 1)
	got := u.told()
	if len(got) != 1 || got[0].Kind != strategy.KindRefused || got[0].Reason != strategy.ReasonNoMemory || got[0].Decision != once || once.Zero() {
		t.Errorf("told %+v of %s, want it refused NO_MEMORY under its name", got, once)
	}
	if len(r.desk.placed) != 1 || r.desk.placed[0].Side != market.Sell {
		t.Errorf("placed %+v, want the other order alone", r.desk.placed)
	}
}
