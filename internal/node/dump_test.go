package node_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/control"
)

// The recorder of the owner of orders shows what it was told last, while the node trades.
func TestADumpShowsTheLastMessagesOfAnActor(t *testing.T) {
	h := open(t, shipped(), nil)
	h.trades()
	client, err := control.Dial("unix:"+h.Socket(), "")
	if err != nil {
		t.Fatal(err)
	}
	dump := func(path string) (int, []byte) {
		status, body, err := client.Post(t.Context(), "/api/v1/tree/dump", control.NewKey(), control.DumpRequest{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		return status, body
	}
	status, body := dump("venues/A1/orders")
	var a struct {
		Schema   string `json:"schema"`
		Path     string `json:"path"`
		Epoch    int    `json:"epoch"`
		Messages []struct {
			At, Lane, Type, Outcome string
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &a); err != nil || status != http.StatusOK {
		t.Fatalf("the dump answers %d %s %v", status, body, err)
	}
	if a.Schema != "failshut.tree.dump/1" || a.Path != "venues/A1/orders" || a.Epoch != 1 {
		t.Errorf("the dump is %s of %s#%d, want that of venues/A1/orders#1", a.Schema, a.Path, a.Epoch)
	}
	seen := map[string]bool{}
	for _, m := range a.Messages {
		if m.At == "" || m.Lane == "" || m.Outcome == "" {
			t.Errorf("a message without time, lane or outcome: %+v", m)
		}
		seen[m.Type] = true
	}
	if !seen["orders.Received"] {
		t.Errorf("the last messages are of the types %v, want what the venue said among them", seen)
	}
	if status, body := dump("venues/A1/nobody"); status != http.StatusNotFound || !strings.Contains(string(body), "venues/A1/nobody") {
		t.Errorf("a dump of nobody answers %d %s, want 404 with the path", status, body)
	}
	h.end()
}
