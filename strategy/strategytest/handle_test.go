package strategytest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/cross"
	"github.com/failshut/failshut/strategy/quoter"
	"github.com/failshut/failshut/strategy/strategytest"
)

func TestHandleGivesWhatEachHandlerAsksFor(t *testing.T) {
	h := strategytest.Handle(t, &cross.Cross{Fast: 1, Slow: 2, Qty: 3 * market.Unit})
	if e := h.Tell("trade ACME 100.00 5"); len(e.Placed) != 0 || e.Err != nil {
		t.Errorf("of the first trade %+v, want nothing", e)
	}
	e := h.Tell("trade ACME 101.00 5")
	if len(e.Placed) != 1 || e.Placed[0].Side != market.Buy || e.Placed[0].Qty != 3*market.Unit {
		t.Fatalf("of a rise %+v, want 3 bought", e)
	}
	in := e.Placed[0]
	h.Fill(in, 0, market.Unit)
	h.Fill(in, market.Unit, 2*market.Unit)
	if e := h.Tell("trade ACME 102.00 5"); len(e.Placed) != 0 {
		t.Errorf("of what is held already %+v, want nothing", e)
	}
	e = h.Tell("trade ACME 90.00 5")
	if len(e.Placed) != 1 || e.Placed[0].Side != market.Sell || e.Placed[0].Qty != 3*market.Unit || !e.Placed[0].ReduceOnly {
		t.Errorf("of a fall %+v, want 3 sold", e)
	}
	if e := h.Refuse(e.Placed[0], risk.CodeShut); len(e.Placed) != 0 {
		t.Errorf("of a refusal %+v, want nothing", e)
	}
	h.Gate(risk.Closed)
	if e := h.Tell("trade ACME 80.00 5"); len(e.Placed) != 0 || len(e.Held) != 1 || e.Held[0] != "gate" {
		t.Errorf("behind a shut gate %+v, want the want held", e)
	}
}

func TestHandleTellsQuotesTimeAndDoubts(t *testing.T) {
	h := strategytest.Handle(t, quoter.New())
	e := h.Tell("quote ACME 100.00 5 100.02 5")
	if len(e.Placed) != 2 {
		t.Fatalf("of a quote %+v, want a bid and an ask", e)
	}
	bid := e.Placed[0]
	if e := h.Tell("quote ACME 101.00 5 101.02 5"); len(e.Placed)+len(e.Cancelled) != 0 {
		t.Errorf("within the refresh %+v, want nothing", e)
	}
	h.Wait(time.Second)
	if e := h.Tell("quote ACME 102.00 5 102.02 5"); len(e.Placed) != 0 || len(e.Cancelled) != 2 {
		t.Errorf("of a quote elsewhere %+v, want both cancelled, and awaited", e)
	}
	if e := h.Close(bid, 0); len(e.Placed) != 1 || e.Placed[0].Side != market.Buy || e.Placed[0].Price <= bid.Price {
		t.Errorf("of the end of the bid %+v, want the next", e)
	}
	if e := h.Tell("suspect ACME"); len(e.Cancelled) != 1 {
		t.Errorf("of a doubt %+v, want the bid cancelled", e)
	}
}

// clumsy fails at a print above 100, behind a wish.
type clumsy struct{ X int }

func (*clumsy) OnStart(c *strategy.Context, _ strategy.Start) error {
	c.CancelAll()
	c.After("tick", time.Second)
	return nil
}

func (*clumsy) OnTimer(c *strategy.Context, _ strategy.Timer) error {
	c.Place(risk.Intent{})
	return nil
}

func (*clumsy) OnTrade(c *strategy.Context, t feeds.Trade) error {
	c.Target(t.Instrument, market.Unit)
	if t.Price > 100e9 {
		return errPlanted
	}
	return nil
}

func TestHandleSaysWhatWasRefusedAndWhatFailed(t *testing.T) {
	h := strategytest.Handle(t, &clumsy{}, "BOLT")
	if e := h.Wait(time.Second); e.Swept != 1 || len(e.Refused) != 1 || e.Refused[0] != strategy.ReasonBadIntent {
		t.Errorf("of the start and a tick %+v, want a cancel of all and a refusal", e)
	}
	if e := h.Tell("trade BOLT 101.00 1"); !errors.Is(e.Err, errPlanted) || len(e.Placed) != 0 {
		t.Errorf("of a handler that fails %+v, want its error and no order", e)
	}
}

func TestHandleFailsOfWhatItCannotTell(t *testing.T) {
	for line, want := range map[string]string{"trip": "want Gate", "trade ACME 1": "3 words, want 4", "trade BOLT 1 1": `symbol "BOLT" is not one of the test's`} {
		t.Run(line, func(t *testing.T) {
			if said := failed(t, func(tb testing.TB) { strategytest.Handle(tb, cross.New()).Tell(line) }); !strings.Contains(said, want) {
				t.Errorf("it said %q, want it to say %q", said, want)
			}
		})
	}
}
