package node_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/risk"
)

// get asks the admin listener at addr and returns status and body.
func get(t *testing.T, addr, path string) (int, []byte) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + addr + path)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
		return 0, nil
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
	}
	return answer.StatusCode, body
}

func (h *house) answers(path string, want int) {
	h.t.Helper()
	if status, body := get(h.t, h.Admin(), path); status != want {
		h.t.Errorf("%s answers %d, want %d: %s", path, status, want, body)
	}
}

// gatez is the part of the gate's answer that these tests look at.
type gatez struct {
	Open bool   `json:"open"`
	Mode string `json:"mode"`
	Why  []struct {
		Code string `json:"code"`
	} `json:"why"`
}

// asked is what /gatez of the listener at addr answers now.
func asked(t *testing.T, addr string) (int, gatez) {
	t.Helper()
	status, body := get(t, addr, "/gatez")
	var g gatez
	if err := json.Unmarshal(body, &g); err != nil {
		t.Errorf("/gatez answers %d %s: %v", status, body, err)
	}
	return status, g
}

func wantGate(t *testing.T, when, addr string, status int, mode risk.Mode) gatez {
	t.Helper()
	got, g := asked(t, addr)
	if got != status || g.Mode != mode.String() || g.Open != (status == http.StatusOK) {
		t.Errorf("%s /gatez answers %d %+v, want %d and mode %s", when, got, g, status, mode)
	}
	return g
}

// The door is asked from outside, as an orchestrator would: before the venue's word was heard, when the node trades, after
// a trip, and after the reset that names it.
func TestTheGateIsGreenOnlyBetweenReconciliationAndTrip(t *testing.T) {
	var admin string
	early := make(chan gatez, 1)
	h := open(t, shipped(), func(c *node.DemoConfig) {
		c.Said = func(format string, args ...any) {
			if line := fmt.Sprintf(format, args...); strings.HasPrefix(line, "admin: ") {
				admin = strings.TrimPrefix(line, "admin: ")
			}
		}
		line := c.Hooks.Line
		c.Hooks.Line = func(said string) { // in the tree's own turn: nothing goes on until the door has answered
			if said == "start venues/A1/reconciler#1" {
				early <- wantGate(t, "before reconciliation", admin, http.StatusServiceUnavailable, risk.Closed)
			}
			line(said)
		}
	})
	h.trades()
	if g := <-early; len(g.Why) == 0 {
		t.Error("before reconciliation the gate is shut without a reason")
	}
	wantGate(t, "with the node up", admin, http.StatusOK, risk.Open)

	for _, scope := range []string{"A9/*/*", "A1/nosuch/*", "A1/nosuch/NOSUCH@SIM", "A1/*/NOSUCH@SIM", "*/*/NOSUCH@SIM", "A1", ""} {
		if status, body := get(t, admin, "/gatez?scope="+scope); status != http.StatusBadRequest || !strings.Contains(string(body), `"exit":2`) {
			t.Errorf("/gatez of %s, which nobody trades, answers %d %s, want 400 and exit 2", scope, status, body)
		}
	}
	for _, scope := range []string{"A1/*/*", "A1/cross1/*", "A1/cross1/ACME@SIM", "A1/*/ACME@SIM", "*/*/ACME@SIM", "*/*/*"} {
		if status, body := get(t, admin, "/gatez?scope="+scope); status != http.StatusOK {
			t.Errorf("/gatez of %s answers %d %s, want 200", scope, status, body)
		}
	}

	client, err := control.Dial("unix:"+h.Socket(), "")
	if err != nil {
		t.Fatal(err)
	}
	post := func(path string, body any) string {
		status, answer, err := client.Post(t.Context(), path, control.NewKey(), body)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
		return string(answer)
	}
	var trip struct {
		ID string `json:"trip_id"`
	}
	answer := post("/api/v1/trips", control.TripRequest{Scope: "A1/*/*", Reason: "test", WaitMS: patience.Milliseconds()})
	if err := json.Unmarshal([]byte(answer), &trip); err != nil || trip.ID == "" {
		t.Fatalf("the trip answers %s: %v", answer, err)
	}
	if g := wantGate(t, "after the trip", admin, http.StatusServiceUnavailable, risk.Closed); len(g.Why) == 0 || g.Why[0].Code != "TRIPPED" {
		t.Errorf("after the trip the reasons are %+v, want TRIPPED first", g.Why)
	}
	post("/api/v1/resets", control.ResetRequest{Scope: "A1/*/*", Trips: []string{trip.ID}, Reason: "test"})
	h.trades()
	wantGate(t, "after the reset", admin, http.StatusOK, risk.Open)
}
