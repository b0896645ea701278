package control_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/control"
)

// knock asks the handler itself, with a token that may do everything, and gives the status.
func knock(ctx context.Context, h http.Handler, method, path, key, body string) int {
	r, _ := http.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer all-token")
	r.Header.Set("Idempotency-Key", key)
	w := &recorder{}
	h.ServeHTTP(w, r)
	return w.status
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(s int)           { r.status = s }

const (
	aTrip  = `{"scope":"A1/*/*","reason":"x"}`
	aReset = `{"scope":"A1/*/*","reason":"x"}`
)

func wantUrgent(t *testing.T, when string, h http.Handler, trip int) {
	t.Helper()
	for _, path := range []string{"/livez", "/gatez"} {
		if got := knock(t.Context(), h, "GET", path, "", ""); got != http.StatusOK {
			t.Errorf("%s %s answers %d, want 200", when, path, got)
		}
	}
	if got := knock(t.Context(), h, "POST", "/api/v1/trips", control.NewKey(), aTrip); got != trip {
		t.Errorf("%s a trip answers %d, want %d", when, got, trip)
	}
}

func TestTripHasPlacesOfItsOwn(t *testing.T) {
	const places = 256
	n := &node{open: true, block: make(chan struct{}), entered: make(chan struct{}, places)}
	h := control.New(config(), n).Handler()
	done := make(chan int, places)
	for range places {
		go func() { done <- knock(t.Context(), h, "POST", "/api/v1/resets", control.NewKey(), aReset) }()
	}
	for range places {
		<-n.entered
	}
	if got := knock(t.Context(), h, "GET", "/api/v1/status", "", ""); got != http.StatusTooManyRequests {
		t.Errorf("status in a full house = %d, want 429", got)
	}
	wantUrgent(t, "in a full house", h, http.StatusOK)
	close(n.block)
	for range places {
		<-done
	}
}

// A latch is set long before the venue has said its word: those who wait for it must not keep others from tripping.
func TestATripThatWaitsGivesItsPlaceAway(t *testing.T) {
	const waiting, more = 64, 64
	n := &node{open: true, entered: make(chan struct{}, waiting+more)}
	h := control.New(config(), n).Handler()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, waiting)
	const slow = `{"scope":"A1/*/*","mode":"slow","reason":"x","wait_ms":60000}`
	for range waiting {
		go func() { done <- knock(ctx, h, "POST", "/api/v1/trips", control.NewKey(), slow) }()
		<-n.entered
	}
	wantUrgent(t, "with all patience spent", h, http.StatusOK)
	for range more { // one after the other: none of them finds a place to wait in
		if got := knock(ctx, h, "POST", "/api/v1/trips", control.NewKey(), slow); got != http.StatusMultiStatus {
			t.Fatalf("a trip that cannot wait answers %d, want 207 at once", got)
		}
	}
	if got := n.trips.Load(); got != waiting+1+more {
		t.Errorf("%d trips were latched, want %d", got, waiting+1+more)
	}
	cancel()
	for range waiting {
		if got := <-done; got != http.StatusMultiStatus {
			t.Errorf("a trip that waited in vain answers %d, want 207", got)
		}
	}
}
