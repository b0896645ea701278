package control_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/control"
)

func TestCrossOriginIsRefused(t *testing.T) {
	n := &node{}
	h := control.New(config(), n).Handler()
	for _, ask := range []struct{ method, path string }{{"POST", "/api/v1/trips"}, {"GET", "/api/v1/status"}, {"GET", "/metrics"}} {
		for header, value := range map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
			r, _ := http.NewRequestWithContext(t.Context(), ask.method, ask.path, strings.NewReader(aTrip))
			r.Header.Set("Authorization", "Bearer all-token")
			r.Header.Set("Idempotency-Key", "k")
			r.Header.Set(header, value)
			w := &recorder{}
			h.ServeHTTP(w, r)
			if w.status != http.StatusForbidden || n.trips.Load() != 0 {
				t.Errorf("%s %s with %s: %s = %d, want 403 and no trip", ask.method, ask.path, header, value, w.status)
			}
		}
	}
}

// A page whose name was bound anew to 127.0.0.1 reaches a loopback listener like a local program.
func TestAnonymousMustAskForThisMachine(t *testing.T) {
	_, tcp := door(t, &node{}, true)
	for host, want := range map[string]int{"": 200, "localhost:7201": 200, "LocalHost": 200, "127.0.0.9:1": 200, "[::1]:80": 200, "::1": 200, "evil.example:7201": 401, "10.0.0.1": 401, "localhost.evil.example": 401} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tcp+"/api/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		transport := &http.Transport{DisableKeepAlives: true}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != want {
			t.Errorf("Host %q: %d (%v), want %d", host, answer.StatusCode, err, want)
		}
	}
}

// Whoever asked may be gone before the answer; who repeats the key must hear it, and nothing is done twice.
func TestAChangeOutlivesTheOneWhoAskedForIt(t *testing.T) {
	n := &node{block: make(chan struct{}), entered: make(chan struct{}, 2)}
	lines := make(lines, 8)
	socket, _ := doorOf(t, n, withLog(config(), lines))
	c, err := control.Dial(socket, "all-token")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, _, err := c.Post(ctx, "/api/v1/resets", "k", control.ResetRequest{Scope: "A1/*/*", Trips: []string{"t1"}, Reason: "x", By: "ann"})
		gone <- err
	}()
	<-n.entered
	cancel()
	if err := <-gone; err == nil {
		t.Fatal("the client heard an answer, want that it went away")
	}
	if status, body := post(t, socket, "all-token", "/api/v1/resets", "k", control.ResetRequest{Scope: "A1/*/*", Trips: []string{"t1"}, Reason: "x", By: "ann"}); status != 409 || !strings.Contains(body, "under_way") {
		t.Errorf("the key of a change under way: %d %s, want 409 under_way", status, body)
	}
	<-lines // of the repeat
	close(n.block)
	said := <-lines
	for _, part := range []string{"event=audit", "who=root", "by=ann", "path=/api/v1/resets", "status=200", "body_sha256="} {
		if !strings.Contains(said, part) {
			t.Errorf("the audit line %q lacks %q", said, part)
		}
	}
	if status, body := post(t, socket, "all-token", "/api/v1/resets", "k", control.ResetRequest{Scope: "A1/*/*", Trips: []string{"t1"}, Reason: "x", By: "ann"}); status != 200 || !strings.Contains(body, "t1") {
		t.Errorf("the key of a change that is done: %d %s, want the first answer", status, body)
	}
	if len(n.entered) != 0 {
		t.Error("the reset was done again")
	}
}

func TestAKeyBelongsToOneEndpoint(t *testing.T) {
	n := &node{}
	h := control.New(config(), n).Handler()
	for _, path := range []string{"/api/v1/trips", "/api/v1/resets"} {
		if got := knock(t.Context(), h, "POST", path, "k", aTrip); got != http.StatusOK {
			t.Errorf("%s under the key of another endpoint = %d, want 200", path, got)
		}
	}
}

func TestRefusalsDoNotPushKeysOut(t *testing.T) {
	n := &node{}
	h := control.New(config(), n).Handler()
	knock(t.Context(), h, "POST", "/api/v1/trips", "first", aTrip)
	for range 5000 {
		if got := knock(t.Context(), h, "POST", "/api/v1/resets", control.NewKey(), `{"scope":"*/*/*","reason":"x"}`); got != http.StatusConflict {
			t.Fatalf("a reset of the firm = %d, want 409", got)
		}
	}
	if got := knock(t.Context(), h, "POST", "/api/v1/trips", "first", aTrip); got != http.StatusOK || n.trips.Load() != 1 {
		t.Errorf("the first key again = %d with %d trips, want the first answer and one trip", got, n.trips.Load())
	}
}
