package strategy_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// refusing is a strategy that asks for so many orders at each trade, all of which are refused by whom the name says.
func refusing(t *testing.T, by string, orders *int) (*rig, feeds.Sink) {
	t.Helper()
	r, _, feed := trading(t, func(c *strategy.Context, _ uint64) {
		in := buy(acme)
		if by == "the shell" {
			in.Qty = 0
		}
		for range *orders {
			c.Place(in)
		}
	})
	if by == "a full account" {
		r.desk.err = mailbox.ErrFull
	}
	return r, feed
}

func TestMoreThan10000RefusalsIn10sEndTheIncarnation(t *testing.T) {
	for _, by := range []string{"the shell", "a full account", "the gate"} {
		t.Run("by "+by, func(t *testing.T) {
			orders := 50
			r, feed := refusing(t, by, &orders)
			seq := uint64(0)
			refuse := func() {
				seq++
				before := len(r.desk.placed)
				r.at(feed, seq)
				for n := before; n < len(r.desk.placed); n++ {
					r.event(r.refusal(n, risk.CodeShut))
				}
			}
			for range 100 {
				refuse() // 5,000, which are too old when the rest comes
			}
			r.pass(9 * time.Second)
			for range 100 {
				refuse()
			}
			r.pass(time.Second)
			for range 100 {
				refuse()
			}
			if len(r.exits) != 0 {
				t.Fatalf("ended with %s after 10,000 refusals in 10 s, want it to live", r.exits[0].Reason)
			}
			orders = 1
			refuse()
			if x := r.ended(strategy.EndFlood); !x.Reason.Abnormal() {
				t.Errorf("the end %s is normal, want it abnormal", x.Reason)
			}
		})
	}
}

func TestAnIncarnationThatEndsByAFloodPlacesNothingOfThatHandler(t *testing.T) {
	r, u, feed := trading(t, nil)
	u.trade = func(c *strategy.Context, _ feeds.Trade) error {
		c.Place(buy(acme))
		for range 10_001 {
			c.Place(risk.Intent{})
		}
		return nil
	}
	r.at(feed, 1)
	r.ended(strategy.EndFlood)
	if len(r.desk.placed) != 0 {
		t.Errorf("placed %d, want none", len(r.desk.placed))
	}
}
