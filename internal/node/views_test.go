package node_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// buying holds what it is told to. Its parameters are those of the shipped strategy.
type buying struct {
	Fast, Slow int
	Qty        market.Qty
}

func (s *buying) OnTrade(c *strategy.Context, t feeds.Trade) error {
	if t.Instrument == c.Instruments()[0] {
		c.Target(t.Instrument, s.Qty)
	}
	return nil
}

func buyer() strategy.Def {
	return strategy.Define("cross", func() *buying { return &buying{Qty: market.Unit} })
}

// ordersView is the part of a list of orders that these tests look at.
type ordersView struct {
	Unknown  int
	Next     *string
	Accounts []struct {
		Account string
		Whole   bool
		Why     *string
	}
	Orders []struct {
		ID, Account, Symbol, Side, Status, Qty, Cum, Held string
		IDs                                               []string
		Strategy, Avg                                     *string
		Closed                                            bool
		OpenedAt                                          *time.Time `json:"opened_at"`
		Requests                                          []struct{ Kind, ID, State string }
		History                                           []struct{ LSN, At, Kind, Text string }
		Executions                                        []struct{ Exec, Qty, Price string }
	}
}

func (h *house) orders(query string, want int) (a ordersView) {
	h.t.Helper()
	status, body := get(h.t, h.Admin(), "/api/v1/orders"+query)
	if err := json.Unmarshal(body, &a); err != nil || status != want {
		h.t.Fatalf("orders%s answers %d %s (%v), want %d", query, status, body, err, want)
	}
	return a
}

func TestOrdersAreShownWithTheirLivesAndPagedAndPicked(t *testing.T) {
	h := open(t, shipped(), nil)
	h.trades()
	var all ordersView
	h.until("two orders that are closed", func() bool {
		all = h.orders("", http.StatusOK)
		return len(all.Orders) >= 2 && all.Orders[len(all.Orders)-2].Closed
	})
	if len(all.Accounts) == 0 || !all.Accounts[0].Whole || all.Next != nil {
		t.Errorf("accounts %+v and next %v, want whole ones and no more", all.Accounts, all.Next)
	}
	first := all.Orders[len(all.Orders)-1]
	if first.Status != "F" || first.Cum != first.Qty || first.Held != "0" || first.Avg == nil || first.OpenedAt == nil || *first.Strategy != "cross1" {
		t.Errorf("the first order is %+v, want it filled by cross1, held nothing, with an average and a time", first)
	}

	one := h.orders("/"+first.ID, http.StatusOK).Orders[0]
	var kinds []string
	for _, l := range one.History {
		kinds = append(kinds, l.Kind)
	}
	if life := strings.Join(kinds, " "); !strings.HasPrefix(life, "intent sent report") || !strings.Contains(one.History[len(kinds)-1].Text, "T/F") {
		t.Errorf("the life of a filled order is %+v, want intent, sent, reports and the last a fill", one.History)
	}
	if len(one.Executions) == 0 || one.Requests[0].State != "accepted" {
		t.Errorf("executions %+v and requests %+v, want some, and the new order accepted", one.Executions, one.Requests)
	}

	newest := h.orders("?limit=1", http.StatusOK)
	if len(newest.Orders) != 1 || newest.Next == nil || *newest.Next != newest.Orders[0].ID {
		t.Fatalf("a list of one: %+v, want one order, and next to name it", newest)
	}
	rest := h.orders("?after="+*newest.Next, http.StatusOK)
	if rest.Orders[len(rest.Orders)-1].ID != first.ID || rest.Orders[0].ID == newest.Orders[0].ID {
		t.Errorf("behind the newest stand %+v, want the others, the first order last", rest.Orders)
	}
	for _, o := range h.orders("?status=F&symbol="+first.Symbol+"&strategy=cross1&account=A1", http.StatusOK).Orders {
		if o.Status != "F" || o.Symbol != first.Symbol {
			t.Errorf("%+v is shown, want filled ones of %s alone", o, first.Symbol)
		}
	}
	if o := h.orders("?unknown=true", http.StatusOK).Orders; len(o) != 0 {
		t.Errorf("orders of unknown state %+v, want none", o)
	}
	if o := h.orders("?since="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339), http.StatusOK).Orders; len(o) != 0 {
		t.Errorf("orders of the future %+v, want none", o)
	}
	for query, status := range map[string]int{
		"?account=A9": 404, "?symbol=NOSUCH": 404, "?strategy=nosuch": 404, "?status=GONE": 400, "?since=noon": 400, "?after=NOSUCH": 404, "/NOSUCH": 404,
	} {
		if got, body := get(t, h.Admin(), "/api/v1/orders"+query); got != status || !strings.Contains(string(body), `"exit":2`) {
			t.Errorf("orders%s answers %d %s, want %d and exit 2", query, got, body, status)
		}
	}
}

// positionsView is the part of the positions that these tests look at.
type positionsView struct {
	Positions []struct {
		Account, Symbol, Currency, Qty string
		MarkState                      string `json:"mark_state"`
		Strategy, Avg, Cost, Mark      *string
		Realised, Unrealised, Total    *string
		Executions, Unknown            int
	}
	Totals []struct{ Realised, Unrealised, Total *string }
}

func decimal(t *testing.T, s *string) *big.Rat {
	t.Helper()
	if s == nil {
		t.Fatal("a figure is null, want a number")
	}
	v, ok := new(big.Rat).SetString(*s)
	if !ok {
		t.Fatalf("figure %q, want a decimal", *s)
	}
	return v
}

func TestPositionsAreMarkedByALiveBookAlone(t *testing.T) {
	h := open(t, buyer(), nil)
	var a positionsView
	h.until("a position", func() bool {
		status, body := get(t, h.Admin(), "/api/v1/positions?account=A1&strategy=cross1")
		a = positionsView{} // what is absent is not that of an earlier answer
		if err := json.Unmarshal(body, &a); err != nil {
			t.Fatalf("positions: %d %s", status, body)
		}
		return len(a.Positions) == 1 && a.Positions[0].Qty == "1" && status == http.StatusOK
	})
	p := a.Positions[0]
	if p.MarkState != feeds.Live.String() || p.Currency == "" || p.Executions == 0 {
		t.Errorf("position %+v, want one by executions, at a mark that is live", p)
	}
	cost, mark := decimal(t, p.Cost), decimal(t, p.Mark)
	if cost.Cmp(decimal(t, p.Avg)) != 0 {
		t.Errorf("one unit costs %s at %s on average, want the same", *p.Cost, *p.Avg)
	}
	if got := decimal(t, p.Unrealised); got.Cmp(new(big.Rat).Sub(mark, cost)) != 0 || decimal(t, p.Total).Cmp(got.Add(got, decimal(t, p.Realised))) != 0 {
		t.Errorf("position %+v, want mark less cost unrealised, and the total their sum", p)
	}
	if len(a.Totals) != 1 || *a.Totals[0].Total != *p.Total {
		t.Errorf("totals %+v, want those of the one position", a.Totals)
	}

	h.end()
	body, whole, err := node.NewFace(h.Node(), nil).Positions(control.PositionsQuery{Strategy: "cross1"})
	raw, _ := json.Marshal(body)
	a = positionsView{}
	if err := json.Unmarshal(raw, &a); err != nil || len(a.Positions) != 1 {
		t.Fatalf("after the stop: %s (%v), want the position", raw, err)
	}
	p = a.Positions[0]
	if whole || err != nil || p.Mark != nil || p.Unrealised != nil || p.Total != nil || p.Qty != "1" || decimal(t, p.Realised).Sign() > 0 || p.MarkState == feeds.Live.String() {
		t.Errorf("with no feed: whole %v, %+v, %v, want the quantity, no mark and nothing made of it", whole, p, err)
	}
	if a.Totals[0].Unrealised != nil || a.Totals[0].Realised == nil {
		t.Errorf("with no feed: totals %+v, want what is realised alone", a.Totals)
	}
}

func TestAnAccountThatWasNeverOpenedIsNotShownAsEmpty(t *testing.T) {
	var plan *node.Plan
	h := open(t, shipped(), func(c *node.DemoConfig) {
		change := c.Change
		c.Change = func(p *node.Plan) { change(p); plan = p }
	})
	n, err := node.New(plan, node.World{System: h.Node().System(), Trips: &risk.MemTrips{}, Nonce: 1}, node.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	face := node.NewFace(n, nil)
	listed, whole, err := face.Orders(control.OrdersQuery{})
	held, known, err2 := face.Positions(control.PositionsQuery{})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, body := range []any{listed, held} {
		if raw, _ := json.Marshal(body); whole || known || !strings.Contains(string(raw), "no owner has read the journal yet") {
			t.Errorf("a node that has not started: %s, whole %v and %v, want it said that nothing is known", raw, whole, known)
		}
	}
}
