package strategy_test

import (
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
	return r, u, strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
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
			feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
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
		if !slices.Equal(r.desk.order, []string{"place", "place", "sweep", "cancel"}) || !slices.Equal(r.desk.cancelled, []risk.Cause{r.desk.placed[1].Cause}) {
			t.Errorf("%q, cancelled %x, want the sweep first, and the order that is on its way named behind it", r.desk.order, r.desk.cancelled)
		}
	})
}

// Instants begin anew with each process: what a timer or a word of the gate brings at the same one is another wish.
func TestWhatHasNoPlaceInADataStreamIsNamedAfterTheLifeOfTheNode(t *testing.T) {
	var seen []risk.Cause
	for life := range uint32(2) {
		r, u := newRig(t, func(r *rig) { r.cfg.Incarnation = 7 + life }), &trader{}
		u.start = func(c *strategy.Context, _ strategy.Start) error {
			c.After("k", time.Second)
			return nil
		}
		u.timer = func(c *strategy.Context, _ strategy.Timer) error { c.Place(buy(acme)); return nil }
		u.gate = func(c *strategy.Context, _ strategy.Gate) error { c.Place(buy(acme)); return nil }
		r.start(u, strategy.State{})
		r.pass(time.Second)
		r.tell(strategy.GateChanged(strategy.Gate{Mode: risk.Open}))
		for _, in := range r.desk.placed {
			if slices.Contains(seen, in.Cause) {
				t.Errorf("an order for %s is named %x again", in.Instrument, in.Cause)
			}
			seen = append(seen, in.Cause)
		}
	}
	if len(seen) < 4 {
		t.Errorf("%d orders, want at least those of timer and gate in both lives", len(seen))
	}
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
		feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(u))
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

func TestASaleOfWhatIsNotHeldIsMarkedShort(t *testing.T) {
	for qty, short := range map[market.Qty]bool{market.Unit: false, market.Unit + 1: true} {
		r, _, feed := trading(t, func(c *strategy.Context, _ uint64) {
			in := sell(acme)
			in.Qty = qty
			c.Place(in)
		})
		r.event(orders.Event{Kind: orders.EventFill, Instrument: acme, Side: market.Buy, LastQty: market.Unit, Evidence: 1})
		r.at(feed, 1)
		if len(r.desk.placed) != 1 || r.desk.placed[0].Short != short {
			t.Errorf("sale of %s out of 1: %+v, want short %v", qty, r.desk.placed, short)
		}
	}
}
