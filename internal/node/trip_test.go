package node_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// resting keeps one order far below the market. Its parameters are those of the shipped strategy, and unused.
type resting struct {
	Fast, Slow int
	Qty        market.Qty
}

func (s *resting) OnTrade(c *strategy.Context, t feeds.Trade) error {
	q, err := c.Quote(t.Instrument)
	if err != nil || len(c.Working(t.Instrument)) > 0 {
		return nil // no market to stay away from, or it rests already
	}
	at := q.Bid.Price - q.Bid.Price/100
	c.Place(risk.Intent{
		Instrument: t.Instrument, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: s.Qty, Price: at - at%10_000_000,
	})
	return nil
}

// trip asks the door for a trip, and gives its answer.
func (h *house) trip(scope string, mode risk.Mode) (out node.TripAnswer) {
	h.t.Helper()
	client, err := control.Dial("unix:"+h.Socket(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	status, body, err := client.Post(h.t.Context(), "/api/v1/trips", control.NewKey(), control.TripRequest{
		Scope: scope, Mode: mode.String(), Reason: "test", WaitMS: patience.Milliseconds(),
	})
	if err != nil || status != http.StatusOK {
		h.t.Fatalf("the trip answers %d %s %v", status, body, err)
	}
	var a struct {
		ID    string `json:"trip_id"`
		State string `json:"state"`
		Live  int    `json:"live_orders"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		h.t.Fatal(err)
	}
	return node.TripAnswer{TripID: a.ID, State: a.State, LiveOrders: a.Live}
}

// Working orders stay under CANCEL_ONLY and REDUCE_ONLY, and go under CLOSED: of the scope that is held, whoever asks.
func TestATripDrivesOrdersToZeroOnlyWhenItCloses(t *testing.T) {
	h := open(t, strategy.Define("cross", func() *resting { return &resting{} }), nil)
	rests := func() bool { return h.Node().Live("A1") == 1 }
	h.until("an order that rests", rests)
	if got := h.Node().ClosedScopes("A1"); len(got) != 0 {
		t.Errorf("with the node up %v is held CLOSED, want nothing", got)
	}
	for _, mode := range []risk.Mode{risk.ReduceOnly, risk.CancelOnly} {
		if a := h.trip("A1/cross1/*", mode); a.State != "CONFIRMED" || a.LiveOrders != 1 || !rests() {
			t.Fatalf("a trip to %s is %s with %d live orders, want it CONFIRMED and the order resting", mode, a.State, a.LiveOrders)
		}
	}
	if got := h.Node().ClosedScopes("A1"); len(got) != 0 {
		t.Errorf("after trips that close nothing %v is held CLOSED", got)
	}
	if a := h.trip("A1/cross1/*", risk.Closed); a.State != "CONFIRMED" || a.LiveOrders != 0 {
		t.Fatalf("a trip to CLOSED is %s with %d live orders, want it CONFIRMED with none", a.State, a.LiveOrders)
	}
	narrow := risk.Scope{Account: "A1", Strategy: "cross1", Instrument: risk.All}
	if got := h.Node().ClosedScopes("A1"); !slices.Equal(got, []risk.Scope{narrow}) {
		t.Errorf("%v is held CLOSED, want %v", got, narrow)
	}
	h.trip("A1/*/*", risk.Closed)
	if got := h.Node().ClosedScopes("A1"); !slices.Equal(got, []risk.Scope{risk.AccountScope("A1")}) {
		t.Errorf("%v is held CLOSED, want the account", got)
	}
}

// A trip of one instrument is confirmed by the end of what is live there: a neighbour's orders go on, and say nothing of it.
func TestATripIsConfirmedWhileAnotherInstrumentsOrdersWork(t *testing.T) {
	h := open(t, strategy.Define("cross", func() *resting { return &resting{} }), func(c *node.DemoConfig) {
		c.Change = func(p *node.Plan) {
			quick(p)
			p.Strategies[0].Contracts = p.Contracts
		}
	})
	h.until("an order that rests in each of two instruments", func() bool { return h.Node().Live("A1") == 2 })
	if a := h.trip("A1/*/ACME@SIM", risk.Closed); a.State != "CONFIRMED" || a.LiveOrders != 0 {
		t.Errorf("the trip is %s with %d live orders, want it CONFIRMED with none", a.State, a.LiveOrders)
	}
	if n := h.Node().Live("A1"); n != 1 {
		t.Errorf("%d orders are live, want the other instrument's", n)
	}
}
