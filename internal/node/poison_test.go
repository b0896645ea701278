package node_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// allergic buys once and panics whenever it hears of its fill, or with shy of its order, until it is healed.
type allergic struct {
	Fast, Slow int
	Qty        market.Qty
	m          *malady
}

type malady struct {
	shy           bool
	bought        atomic.Bool
	healed        atomic.Bool
	panics        atomic.Int64
	heard, trades atomic.Int64
}

func (s *allergic) OnTrade(c *strategy.Context, t feeds.Trade) error {
	s.m.trades.Add(1)
	if c.Gate(t.Instrument).Mode == risk.Open && s.m.bought.CompareAndSwap(false, true) {
		c.Place(risk.Intent{Instrument: t.Instrument, Side: market.Buy, Type: market.Market, TIF: market.IOC, Qty: market.Unit})
	}
	return nil
}

func (s *allergic) OnFill(*strategy.Context, strategy.Fill) error {
	if !s.m.shy {
		s.suffer()
	}
	return nil
}

func (s *allergic) OnOrder(_ *strategy.Context, e strategy.OrderEvent) error {
	if e.Kind == "refused" { // for want of capacity that is yet to be granted: it asks again at the next trade
		s.m.bought.Store(false)
	}
	if s.m.shy && e.Kind == "accepted" {
		s.suffer()
	}
	return nil
}

func (s *allergic) suffer() {
	if s.m.healed.Load() {
		s.m.heard.Add(1)
		return
	}
	s.m.panics.Add(1)
	panic("allergic")
}

// poison is the answer of the door, as far as these tests look at it.
type poison struct {
	Schema string `json:"schema"`
	Items  []struct {
		ID, Kind, State, Path, Strategy, Account, What, Order, Exec string

		Shuts bool
	} `json:"items"`
}

// clinic is a house with an allergic strategy, and a way to its door.
type clinic struct {
	*house
	client *control.Client
	sick   *malady
}

func admit(t *testing.T, shy bool) *clinic {
	t.Helper()
	w := &clinic{sick: &malady{shy: shy}}
	w.house = open(t, strategy.Define("cross", func() *allergic { return &allergic{m: w.sick} }), nil)
	var err error
	if w.client, err = control.Dial("unix:"+w.Socket(), ""); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *clinic) poison() (p poison) {
	w.t.Helper()
	_, body := get(w.t, w.Admin(), "/api/v1/poison")
	if err := json.Unmarshal(body, &p); err != nil || p.Schema != "failshut.poison/1" {
		w.t.Fatalf("/api/v1/poison answers %s: %v", body, err)
	}
	return p
}

func (w *clinic) post(path string, body any) (int, string) {
	w.t.Helper()
	status, answer, err := w.client.Post(w.t.Context(), path, control.NewKey(), body)
	if err != nil {
		w.t.Fatal(err)
	}
	return status, string(answer)
}

func (w *clinic) wants(status int, word, path string, body any) {
	w.t.Helper()
	if got, answer := w.post(path, body); got != status || !strings.Contains(answer, word) {
		w.t.Errorf("%s answers %d %s, want %d with %q", path, got, answer, status, word)
	}
}

// TestAFillThatEndsTwoIncarnationsShutsItsAccountUntilOneHasDealtWithIt (P4): it is set aside, the strategy lives without it, nothing
// is opened before it was handled, and discarding it is refused.
func TestAFillThatEndsTwoIncarnationsShutsItsAccountUntilOneHasDealtWithIt(t *testing.T) {
	w := admit(t, false)
	w.until("a fill that is set aside", func() bool { return len(w.poison().Items) == 1 })
	x := w.poison().Items[0]
	if x.ID != "event-1" || x.Kind != "event" || x.State != "aside" || x.Strategy != "cross1" || x.Account != "A1" || x.What != "fill" || x.Exec == "" ||
		x.Path != "strategies/cross1/strategy" || !x.Shuts {
		t.Errorf("set aside: %+v, want the fill of cross1, which shuts A1", x)
	}
	if n := w.sick.panics.Load(); n != 2 {
		t.Errorf("%d incarnations ended of it, want 2", n)
	}
	w.until("the account's shutting", func() bool {
		_, g := asked(t, w.Admin())
		return g.Mode == risk.Closed.String() && slices.ContainsFunc(g.Why, func(r struct {
			Code string `json:"code"`
		},
		) bool {
			return r.Code == string(risk.CodeEvidenceWaits)
		})
	})
	seen := w.sick.trades.Load()
	w.until("a trade that the strategy hears without it", func() bool { return w.sick.trades.Load() > seen })

	reset := control.ResetRequest{Scope: "A1/*/*", Reason: "test"}
	w.wants(http.StatusConflict, "waits to be handled", "/api/v1/resets", reset)
	w.wants(http.StatusConflict, "is evidence", "/api/v1/poison/event-1/discard", control.PoisonRequest{Reason: "test"})
	w.wants(http.StatusConflict, "NO_REASON", "/api/v1/poison/event-1/release", control.PoisonRequest{})

	// Released into a strategy that is no better, it ends two more and is aside again, under the same id.
	w.wants(http.StatusOK, `"released"`, "/api/v1/poison/event-1/release", control.PoisonRequest{Reason: "test"})
	w.until("two more incarnations that end of it", func() bool { return w.sick.panics.Load() == 4 })
	w.until("the fill aside again", func() bool { p := w.poison(); return len(p.Items) == 1 && p.Items[0].State == "aside" })
	w.wants(http.StatusConflict, "waits to be handled", "/api/v1/resets", reset)

	w.sick.healed.Store(true)
	w.wants(http.StatusOK, `"released"`, "/api/v1/poison/event-1/release", control.PoisonRequest{Reason: "mended"})
	w.until("the fill's end", func() bool { return len(w.poison().Items) == 0 })
	if n := w.sick.heard.Load(); n != 1 {
		t.Errorf("the fill was told %d times after all, want once", n)
	}
	if _, g := asked(t, w.Admin()); g.Mode != risk.Closed.String() {
		t.Errorf("with the fill dealt with the mode is %s, want CLOSED until a person has looked", g.Mode)
	}
	w.wants(http.StatusOK, "cleared", "/api/v1/resets", reset)
	w.until("the account's opening", func() bool { _, g := asked(t, w.Admin()); return g.Open })
	w.wants(http.StatusNotFound, "nothing is set aside", "/api/v1/poison/event-1/release", control.PoisonRequest{Reason: "test"})
}

// TestAnEventThatChangesNoPositionIsOnlySetAside: no sibling on the account pays for it.
func TestAnEventThatChangesNoPositionIsOnlySetAside(t *testing.T) {
	w := admit(t, true)
	w.until("an event that is set aside", func() bool { return len(w.poison().Items) == 1 })
	if x := w.poison().Items[0]; x.What != "accepted" || x.Shuts || x.Exec != "" {
		t.Errorf("set aside: %+v, want the word of its acceptance, which shuts nothing", x)
	}
	w.until("an open gate", func() bool { _, g := asked(t, w.Admin()); return g.Open })
	for path, want := range map[string]int{
		"event-7": http.StatusNotFound, "message-1": http.StatusNotFound, "event-01": http.StatusBadRequest, "event": http.StatusBadRequest,
		"x-1": http.StatusBadRequest, "event--1": http.StatusBadRequest, "message-99999999999999999999": http.StatusBadRequest,
	} {
		for _, verb := range []string{"release", "discard"} {
			w.wants(want, `"usage"`, "/api/v1/poison/"+path+"/"+verb, control.PoisonRequest{Reason: "test"})
		}
	}
	w.wants(http.StatusOK, `"discarded"`, "/api/v1/poison/event-1/discard", control.PoisonRequest{Reason: "test"})
	if p := w.poison(); len(p.Items) != 0 {
		t.Errorf("after the discard %+v is set aside, want nothing", p.Items)
	}
}
