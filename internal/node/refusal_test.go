package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// stubborn places where nothing may be placed, once, when it is told to. Its parameters are those of the example's file.
type stubborn struct {
	Fast, Slow int
	Qty        market.Qty
	orders     *answers
}

// answers are what a stubborn strategy was told, over all its incarnations.
type answers struct {
	dared atomic.Bool
	once  sync.Once
	mu    sync.Mutex
	told  []strategy.OrderEvent
}

// OnTrade asks for three orders that are well made, and for one that is not.
func (s *stubborn) OnTrade(c *strategy.Context, t feeds.Trade) error {
	if !s.orders.dared.Load() {
		return nil
	}
	s.orders.once.Do(func() {
		for range 3 {
			c.Place(risk.Intent{Instrument: t.Instrument, Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: market.Unit, Price: t.Price})
		}
		c.Place(risk.Intent{Instrument: t.Instrument})
	})
	return nil
}

// OnOrder keeps what it is told.
func (s *stubborn) OnOrder(_ *strategy.Context, e strategy.OrderEvent) error {
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	s.orders.told = append(s.orders.told, e)
	return nil
}

// counted is how many refusals of each reason were meant.
func (a *answers) counted() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]int{}
	for _, e := range a.told {
		out[e.Kind+" "+e.Reason] += e.Count
	}
	return out
}

func TestARefusalIsToldAndCounted(t *testing.T) {
	got := &answers{}
	handler, measured := node.Measured()
	h := open(t, strategy.Define("cross", func() *stubborn { return &stubborn{orders: got} }), func(c *node.DemoConfig) {
		c.Metrics = handler
		ring := c.Hooks.Order
		c.Hooks.Order = func(o node.OrderTold) {
			measured.Order(o)
			ring(o)
		}
		c.Hooks.Strategy.Refused = measured.Strategy.Refused
	})
	h.until("the gate's opening", h.Node().Up)
	n := h.Node()
	if _, err := n.Desk.Trip(risk.TripRequest{Scope: risk.AccountScope("A1"), Mode: risk.Closed, By: "test", Reason: "test"}, n.Now()); err != nil {
		t.Fatal(err)
	}
	got.dared.Store(true)
	want := map[string]int{"refused SHUT": 3, "refused BAD_INTENT": 1}
	h.until("the refusals", func() bool { return fmt.Sprint(got.counted()) == fmt.Sprint(want) })
	got.mu.Lock()
	events := len(got.told)
	got.mu.Unlock()
	if events > 3 {
		t.Errorf("%d events were told, want at most one in 100 ms for each reason", events)
	}
	status, body := get(t, h.Admin(), "/metrics")
	for _, line := range []string{`failshut_refused_total{reason="SHUT"} 3`, `failshut_refused_total{reason="BAD_INTENT"} 1`} {
		if status != http.StatusOK || !strings.Contains(string(body), line) {
			t.Errorf("/metrics answers %d without %s", status, line)
		}
	}
	a := h.end()
	if a.Refused["SHUT"] != 3 || a.Refused["BAD_INTENT"] != 1 || a.Orders != 0 || len(a.Differences) != 0 {
		t.Errorf("the summary says refused %v, orders %d, differences %v, want 3 SHUT, 1 BAD_INTENT and no order", a.Refused, a.Orders, a.Differences)
	}
}
