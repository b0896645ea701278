package control_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/internal/control"
)

// breaking is a server that ends the first so many calls without a word, or in the middle of the answer.
func breaking(t *testing.T, first int, half bool) (addr string, keys *atomic.Pointer[[]string]) {
	t.Helper()
	keys = &atomic.Pointer[[]string]{}
	keys.Store(&[]string{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := append(append([]string{}, *keys.Load()...), r.Header.Get("Idempotency-Key"))
		keys.Store(&seen)
		if len(seen) <= first {
			if half {
				w.Header().Set("Content-Length", "100")
				_, _ = w.Write([]byte(`{"schema":`))
			}
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(`{"schema":"x/1"}`))
	}))
	t.Cleanup(s.Close)
	return s.URL, keys
}

// TestACallThatCameToNothingIsMadeAgain: what is read is asked anew, and a change goes under the key that it had.
func TestACallThatCameToNothingIsMadeAgain(t *testing.T) {
	for name, half := range map[string]bool{"no answer": false, "half an answer": true} {
		t.Run(name, func(t *testing.T) {
			addr, keys := breaking(t, 2, half)
			c, err := control.Dial(addr, "")
			if err != nil {
				t.Fatal(err)
			}
			if status, body, err := c.Post(t.Context(), "/x", "one", nil); err != nil || status != http.StatusOK || string(body) != `{"schema":"x/1"}` {
				t.Fatalf("%d %s %v", status, body, err)
			}
			if k := *keys.Load(); len(k) != 3 || k[0] != "one" || k[1] != "one" || k[2] != "one" {
				t.Errorf("keys %q, want the same three times", k)
			}
			if status, _, err := c.Get(t.Context(), "/x"); err != nil || status != http.StatusOK {
				t.Fatalf("%d %v", status, err)
			}
		})
	}
}

func TestNobodyThereIsSaidAfterThreeTries(t *testing.T) {
	addr, keys := breaking(t, 1000, false)
	c, err := control.Dial(addr, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Get(t.Context(), "/x"); !errors.Is(err, control.ErrUnreachable) {
		t.Errorf("error = %v, want %v", err, control.ErrUnreachable)
	}
	if n := len(*keys.Load()); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	_ = l.Close()
	if c, err = control.Dial("http://"+gone, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Get(t.Context(), "/x"); !errors.Is(err, control.ErrUnreachable) {
		t.Errorf("error = %v, want %v", err, control.ErrUnreachable)
	}
}
