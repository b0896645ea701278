package node_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/supervision"
)

// The tree shows a strategy that was broken and is back: its second epoch, why and with which stack the first one ended, and a
// restart in its supervisor's window.
func TestTheTreeShowsWhoWasRestartedAndWhy(t *testing.T) {
	h := open(t, shipped(), nil)
	h.trades()
	client, err := control.Dial("unix:"+h.Socket(), "")
	if err != nil {
		t.Fatal(err)
	}
	look := func(query string) (a node.TreeAnswer) {
		t.Helper()
		status, body, err := client.Get(t.Context(), "/api/v1/tree"+query)
		if err != nil || status != http.StatusOK {
			t.Fatalf("the tree answers %d %s %v", status, body, err)
		}
		if err := json.Unmarshal(body, &a); err != nil || a.Schema != "failshut.tree/1" || a.Budget == nil {
			t.Fatalf("the tree is %s, %v", body, err)
		}
		return a
	}
	if a := look("?unhealthy=true"); len(a.Nodes) != 0 {
		t.Errorf("%d nodes are unhealthy before anything broke, want none: %+v", len(a.Nodes), a.Nodes)
	}
	const broken = "strategies/cross1"
	if err := h.Node().Tree().Inject(broken+"/strategy", supervision.Panic); err != nil {
		t.Fatal(err)
	}
	h.until("the second incarnation", func() bool {
		e, ok := h.Node().Tree().Snapshot().Find(broken + "/strategy")
		return ok && e.Epoch == 2 && e.Ready
	})
	a := look("?path=" + broken)
	if len(a.Nodes) != 2 {
		t.Fatalf("%d nodes at and below %s, want 2", len(a.Nodes), broken)
	}
	sup, worker := a.Nodes[0], a.Nodes[1]
	if sup.Intensity == nil || sup.Intensity.Used != 1 || sup.Intensity.Allowed < 1 || sup.Strategy == nil || *sup.Strategy != "one_for_one" {
		t.Errorf("the supervisor is %+v, want one restart in its window", sup)
	}
	if worker.Epoch != 2 || worker.Restarts != 1 || worker.Status != "running" || !worker.Ready || worker.Class != "strategy" || worker.Restart != "permanent" {
		t.Errorf("the strategy is %+v, want its second incarnation running", worker)
	}
	if worker.LastEnd == nil || worker.LastEnd.Reason != "crash" || worker.LastEnd.StackHash == nil {
		t.Errorf("its last end is %+v, want a crash with its stack", worker.LastEnd)
	}
	if worker.Mailbox == nil || len(worker.Mailbox.Lanes) != 4 || worker.Mailbox.Accepted == 0 {
		t.Errorf("its mailbox is %+v, want four lanes that have taken messages", worker.Mailbox)
	}
	if a := look("?unhealthy=true"); len(a.Nodes) != 1 || a.Nodes[0].Path != broken {
		t.Errorf("unhealthy are %+v, want the supervisor that has restarted alone", a.Nodes)
	}
	if a := look("?depth=1"); len(a.Nodes) != 8 || a.Nodes[0].Path != "/root" || a.Nodes[7].Path != "strategies" {
		t.Errorf("%d nodes one level deep, want the root and its seven children", len(a.Nodes))
	}
	h.end()
}
