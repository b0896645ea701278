package node_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/node"
)

// TestAnOrderThatNoAnswerSettlesIsResolvedByAPerson loses an order on its way and every answer about it. Lists of orders come, so that the account opens again
// once a person has signed, and not before.
func TestAnOrderThatNoAnswerSettlesIsResolvedByAPerson(t *testing.T) {
	t.Parallel()
	h := open(t, shipped(), func(c *node.DemoConfig) {
		c.Venue.Exchange.Faults = []config.Fault{
			{ID: "lost", Kind: "drop_before", On: config.FaultOn{Session: "A1", Msg: "D"}, When: config.FaultWhen{Nth: 3}},
			{ID: "mute", Kind: "drop_before", On: config.FaultOn{Session: "A1", Msg: "H"}, When: config.FaultWhen{Every: 1}},
		}
		c.Change = func(p *node.Plan) { quick(p); p.Orders.AnswerAfter = 100 * time.Millisecond }
	})
	h.trades()
	var lost string
	h.until("an order of unknown state", func() bool {
		a := h.orders("?unknown=true", http.StatusOK)
		if len(a.Orders) == 1 {
			lost = a.Orders[0].ID
		}
		return lost != ""
	})
	client, err := control.Dial("unix:"+h.Socket(), "")
	if err != nil {
		t.Fatal(err)
	}
	resolve := func(id string, r control.ResolveRequest) (int, string) {
		status, body, err := client.Post(t.Context(), "/api/v1/orders/"+id+"/resolve", control.NewKey(), r)
		if err != nil {
			t.Fatal(err)
		}
		return status, string(body)
	}
	known := h.orders("?status=F", http.StatusOK).Orders[0].ID
	for name, tt := range map[string]struct {
		id   string
		r    control.ResolveRequest
		want int
		says string
	}{
		"one that is known":   {known, control.ResolveRequest{As: "rejected", Reason: "x"}, 409, "KNOWN"},
		"one that nobody has": {"NOBODY", control.ResolveRequest{As: "rejected", Reason: "x"}, 404, "NOBODY"},
		"more than there was": {lost, control.ResolveRequest{As: "filled", Qty: "1000000", Reason: "x"}, 409, "CONTRADICTED"},
		"a word that is none": {lost, control.ResolveRequest{As: "gone", Reason: "x"}, 400, "gone"},
		"a reason too long":   {lost, control.ResolveRequest{As: "rejected", Reason: strings.Repeat("x", 1025)}, 400, "1025"},
	} {
		if status, body := resolve(tt.id, tt.r); status != tt.want || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d %s, want %d and %s", name, status, body, tt.want, tt.says)
		}
	}
	before := h.Fills()
	status, body := resolve(lost, control.ResolveRequest{As: "rejected", Reason: "the venue's desk knows of none"})
	var a node.ResolveAnswer
	if err := json.Unmarshal([]byte(body), &a); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s, %v", status, body, err)
	}
	if a.ID != lost || a.From != "UNKNOWN" || a.To != "REJ" || a.HeldBefore == 0 || a.HeldAfter != 0 || a.VerdictLSN == "0" || !strings.HasPrefix(a.SignedBy, "uid:") || a.Remaining.Unknown != 0 {
		t.Errorf("%+v", a)
	}
	h.until("fills behind the venue's next list", func() bool { return h.Fills() > before })
	one := h.orders("/"+lost, http.StatusOK).Orders[0]
	if last := one.History[len(one.History)-1]; one.Status != "REJ" || last.Kind != "operator" || !strings.Contains(last.Text, "the venue's desk knows of none") {
		t.Errorf("the order is %s, its last line %+v, want REJ by the operator's word", one.Status, last)
	}
	if s := h.orders("?unknown=true", http.StatusOK); len(s.Orders) != 0 {
		t.Errorf("%+v are unknown, want none", s.Orders)
	}
}
