package strategy_test

import (
	"fmt"
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

// trading is a strategy that is up and does what the test says at each trade.
func trading(t *testing.T, at func(c *strategy.Context, n uint64)) (*rig, *trader, feeds.Sink) {
	t.Helper()
	r, u := newRig(t, nil), &trader{}
	u.trade = func(c *strategy.Context, e feeds.Trade) error {
		at(c, e.Seq)
		return nil
	}
	r.start(u, strategy.State{})
	u.heardSince()
	return r, u, strategy.Inlet(r.to, 0, strategy.NeedsOf(u), nil)
}

// at hands a trade of ACME over.
func (r *rig) at(feed feeds.Sink, seq uint64) {
	r.t.Helper()
	feed.Trade(trade(acme, seq))
	r.settle()
}

func TestAHandlerPlacesAllOrNothing(t *testing.T) {
	ends := []struct {
		how    string
		end    func() error
		reason actors.Reason
	}{
		{"an error", func() error { return errPlanted }, actors.ReasonError},
		{"a panic", func() error { panic("planted") }, actors.ReasonCrash},
		{"a Goexit", func() error { runtime.Goexit(); return nil }, actors.ReasonGoexit},
	}
	for _, e := range ends {
		t.Run(e.how, func(t *testing.T) {
			r, u := newRig(t, nil), &trader{}
			u.trade = func(c *strategy.Context, tr feeds.Trade) error {
				d := c.Place(buy(acme))
				if tr.Seq == 1 {
					return nil
				}
				c.Place(sell(acme))
				c.Target(bolt, market.Unit)
				c.Cancel(strategy.DecisionOf(r.desk.placed[0].Cause))
				if len(r.desk.cancelled) != 1 || len(r.desk.placed) != 1 || d.Zero() {
					t.Errorf("inside the handler cancelled %d, placed %d, want the cancel out and no order", len(r.desk.cancelled), len(r.desk.placed))
				}
				return e.end()
			}
			r.start(u, strategy.State{})
			feed := strategy.Inlet(r.to, 0, strategy.NeedsOf(u), nil)
			r.at(feed, 1)
			r.at(feed, 2)
			r.ended(e.reason)
			if len(r.desk.placed) != 1 || len(r.desk.cancelled) != 1 {
				t.Errorf("placed %d, cancelled %d, want nothing of the handler but its cancel", len(r.desk.placed), len(r.desk.cancelled))
			}
		})
	}
}

func TestAnErrorWhereAnAnswerIsToldPlacesNothingOfIt(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {
		c.Place(buy(acme))
		c.Place(risk.Intent{})
	})
	u.order = func(c *strategy.Context, _ strategy.OrderEvent) error {
		c.Place(buy(bolt))
		return errPlanted
	}
	r.at(feed, 1)
	r.ended(actors.ReasonError)
	if len(r.desk.placed) != 1 || r.desk.placed[0].Instrument != acme {
		t.Errorf("placed %+v, want what the first handler asked for alone", r.desk.placed)
	}
}

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

// trades lets the strategy look at something at a trade.
func (r *rig) trades(feed feeds.Sink, look func(c *strategy.Context), u *trader, seq uint64) {
	r.t.Helper()
	before, looked := u.trade, false
	u.trade = func(c *strategy.Context, _ feeds.Trade) error {
		look(c)
		looked = true
		return nil
	}
	r.at(feed, seq)
	u.trade = before
	if !looked {
		r.t.Fatal("the strategy did not look")
	}
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

func TestWhatIsNotTheUsersToSayIsOverwritten(t *testing.T) {
	var d strategy.Decision
	r, _, feed := trading(t, func(c *strategy.Context, _ uint64) {
		in := buy(acme)
		in.ID, in.Account, in.Strategy, in.Cause, in.Decided, in.Read, in.TTL = "x", "A9", "other", risk.Cause{1}, 5, 6, time.Hour
		d = c.Place(in)
	})
	r.at(feed, 1)
	in := r.desk.placed[0]
	now := r.sys.Instant(r.sys.Now())
	if in.ID != "" || in.Account != "A1" || in.Strategy != "s" || in.Cause != d.Cause() || in.Decided != now || in.Read != now || in.TTL != time.Second {
		t.Errorf("handed over %+v, want account, strategy, decision, stamps and time to live of the shell", in)
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

func TestCancelsLeaveAheadOfWhatTheyEnd(t *testing.T) {
	t.Run("a wish of the same handler is taken back", func(t *testing.T) {
		r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {
			c.Place(buy(bolt))
			c.Cancel(c.Place(buy(acme)))
		})
		r.at(feed, 1)
		if got := u.told(); len(r.desk.placed) != 1 || r.desk.placed[0].Instrument != bolt || len(got) != 1 || got[0].Reason != string(orders.ReasonCancelled) {
			t.Errorf("placed %+v, told %+v, want the cancelled wish not to leave", r.desk.placed, got)
		}
	})
	t.Run("CancelAll takes back all of them and those that follow leave", func(t *testing.T) {
		r, u, feed := trading(t, func(c *strategy.Context, _ uint64) {
			c.Place(buy(acme))
			c.Target(bolt, market.Unit)
			c.CancelAll()
			c.Place(sell(acme))
		})
		r.at(feed, 1)
		if len(r.desk.placed) != 1 || r.desk.placed[0].Side != market.Sell || !slices.Equal(r.desk.order, []string{"sweep", "place"}) {
			t.Errorf("placed %+v in %q, told %+v, want the last alone, behind the cancel", r.desk.placed, r.desk.order, u.told())
		}
	})
	t.Run("CancelAll reaches what is on its way", func(t *testing.T) {
		r, _, feed := trading(t, func(c *strategy.Context, n uint64) {
			if n == 3 {
				c.CancelAll()
				return
			}
			c.Place(buy(acme))
		})
		r.at(feed, 1)
		r.event(r.of(0, orders.EventAccepted))
		r.at(feed, 2) // the account has not said a word of it: it may overtake nothing
		r.at(feed, 3)
		if r.desk.swept != 1 || !slices.Equal(r.desk.cancelled, []risk.Cause{r.desk.placed[1].Cause}) {
			t.Errorf("swept %d, cancelled %x, want the order that is on its way named besides", r.desk.swept, r.desk.cancelled)
		}
	})
}

func TestTheSameInputMakesTheSameDecisions(t *testing.T) {
	seen := map[string][]risk.Cause{}
	for _, name := range []string{"once", "again"} {
		r, u := newRig(t, nil), &trader{}
		place := func(c *strategy.Context) error {
			c.Place(buy(acme))
			c.Place(buy(bolt))
			return nil
		}
		u.trade = func(c *strategy.Context, _ feeds.Trade) error { return place(c) }
		u.quote = func(c *strategy.Context, _ feeds.Quote) error { return place(c) }
		u.state = func(c *strategy.Context, _ feeds.StateChange) error { return place(c) }
		u.gate = func(c *strategy.Context, _ strategy.Gate) error { c.After("k", time.Second); return place(c) }
		u.timer = func(c *strategy.Context, _ strategy.Timer) error { return place(c) }
		u.order = func(c *strategy.Context, e strategy.OrderEvent) error {
			if e.Order == "O0" || e.Kind == strategy.KindRefused {
				return place(c)
			}
			return nil
		}
		r.start(u, strategy.State{})
		feed := strategy.Inlet(r.to, 0, strategy.NeedsOf(u), nil)
		pos := feeds.Pos{Epoch: 1, Seq: 8}
		for _, i := range []market.Instrument{acme, bolt} { // all at one place, as the end of a packet or a showing does
			feed.Trade(trade(i, 8))
			feed.Quote(quote(i, 8))
			feed.State(feeds.StateChange{Pos: pos, Instrument: i, State: feeds.Suspect})
			feed.State(feeds.StateChange{Pos: pos, Instrument: i, State: feeds.Live, Mono: 1})
			feed.State(feeds.StateChange{Pos: pos, Instrument: i, State: feeds.Suspect, Mono: 2}) // the same, later
		}
		feed.State(feeds.StateChange{Pos: pos, State: feeds.Stale})
		r.settle()
		r.event(r.of(0, orders.EventAccepted))
		two := r.of(0, orders.EventAccepted) // two orders that one report of the venue speaks of
		two.Cause, two.Order, two.Evidence = r.desk.placed[1].Cause, "O0", r.told+999
		r.event(two)
		r.event(r.refusal(2, risk.CodeShut)) // refusals have no evidence
		r.event(r.refusal(3, risk.CodeShut))
		r.pass(2 * time.Second)
		for _, in := range r.desk.placed {
			seen[name] = append(seen[name], in.Cause)
		}
		sorted := slices.Clone(seen[name])
		slices.SortFunc(sorted, func(a, b risk.Cause) int { return slices.Compare(a[:], b[:]) })
		if n := len(slices.Compact(sorted)); n != len(r.desk.placed) {
			t.Errorf("%d decisions have %d names", len(r.desk.placed), n)
		}
	}
	if len(seen["once"]) < 30 || !slices.Equal(seen["once"], seen["again"]) {
		t.Errorf("decisions of the first run %x, of the second %x, want the same", seen["once"], seen["again"])
	}
}

func TestADecisionMadeBeforeIsToldAsRepeated(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme), strategy.Once("open")) })
	r.at(feed, 1)
	r.at(feed, 2)
	if len(r.desk.placed) != 2 || r.desk.placed[0].Cause != r.desk.placed[1].Cause {
		t.Fatalf("placed %+v, want one decision twice: the account knows the first", r.desk.placed)
	}
	r.event(r.of(0, orders.EventRepeated)) // before the venue has said anything of the first
	if got := u.told(); len(got) != 1 || got[0].Kind != strategy.KindRepeated || got[0].Order != "O0" || got[0].Decision.Cause() != r.desk.placed[0].Cause {
		t.Fatalf("told %+v, want repeated with the first order", got)
	}
	working := func(want int) {
		t.Helper()
		r.trades(feed, func(c *strategy.Context) {
			if w := c.Working(acme); len(w) != want {
				t.Errorf("working %+v, want %d", w, want)
			}
		}, u, 3)
	}
	working(1)
	r.desk.err = mailbox.ErrFull
	r.at(feed, 4) // a third time, which the account does not take
	r.desk.err = nil
	working(1)
	r.event(r.closed(0, 0))
	working(0)
	r.at(feed, 5)
	old := r.of(0, orders.EventRepeated)
	old.Leaves = 0 // it has ended long ago
	r.event(old)
	working(0)
}

func TestOnStopMayCancelAndNotPlace(t *testing.T) {
	r, u, feed := trading(t, func(c *strategy.Context, _ uint64) { c.Place(buy(acme)) })
	u.stop = func(c *strategy.Context, s strategy.Stop) error {
		c.Place(buy(bolt))
		c.Target(bolt, market.Unit)
		c.Cancel(strategy.DecisionOf(r.desk.placed[0].Cause))
		c.CancelAll()
		c.After("later", time.Second)
		return nil
	}
	r.at(feed, 1)
	u.heardSince()
	r.stop()
	same(t, u.heardSince(), []string{"stop shutdown"})
	if len(r.desk.placed) != 1 || len(r.desk.cancelled) == 0 || r.desk.swept != 1 || r.noes[strategy.ReasonStopping] != 2 {
		t.Errorf("placed %d, cancelled %d, swept %d, counted %v, want cancels alone", len(r.desk.placed), len(r.desk.cancelled), r.desk.swept, r.noes)
	}
}
