package control

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/failshut/failshut/resilience"
)

// Client knocks at one node. It is made by Dial and safe for concurrent use.
type Client struct {
	http  *http.Client
	base  string
	token string
}

// ErrUnreachable says that no whole answer came: nobody there, time up, or half an answer. What a mutation did is then unknown.
var ErrUnreachable = errors.New("unreachable")

// maxToken is more than any token needs, in bytes.
const maxToken = 1024

// Dial makes a client for unix:PATH, http://HOST:PORT or https://HOST:PORT. It opens nothing yet.
func Dial(addr, token string) (*Client, error) {
	if len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("the token has %d bytes, want one word of at most %d", len(token), maxToken)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if path, ok := strings.CutPrefix(addr, "unix:"); ok && path != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
		return &Client{http: &http.Client{Transport: transport}, base: "http://node", token: token}, nil
	}
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("address is %q, want unix:PATH, http://HOST:PORT or https://HOST:PORT", addr)
	}
	return &Client{http: &http.Client{Transport: transport}, base: strings.TrimSuffix(addr, "/"), token: token}, nil
}

// NewKey draws an Idempotency-Key.
func NewKey() string { return rand.Text() }

// Get asks path and returns status and body.
func (c *Client) Get(ctx context.Context, path string) (int, []byte, error) {
	return c.do(ctx, http.MethodGet, path, "", nil)
}

// Post asks for a change under key, which the caller keeps for the repeat after a lost answer.
func (c *Client) Post(ctx context.Context, path, key string, body any) (int, []byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, fmt.Errorf("encoding the request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, key, b)
}

// again is when a call that came to nothing is made once more: soon, since a person waits, and not by everybody at once.
var again = resilience.Backoff{Base: 50 * time.Millisecond, Cap: 400 * time.Millisecond, Jitter: resilience.Full, Attempts: 3, First: resilience.Now}

// do calls, and calls again where no whole answer came: what is read may be asked twice, and a change goes under one key, so that the node makes it once
// and gives its answer again.
func (c *Client) do(ctx context.Context, method, path, key string, body []byte) (int, []byte, error) {
	for attempt := 1; ; attempt++ {
		status, answer, err := c.once(ctx, method, path, key, body)
		if err == nil || !errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
			return status, answer, err
		}
		at, ok, _ := again.Next(0, resilience.Never, attempt, 0, chance{}, resilience.Hint{})
		if !ok || !waited(ctx, at.Sub(0)) {
			return status, answer, err
		}
	}
}

// chance draws from the process.
type chance struct{}

// Uint64 draws.
func (chance) Uint64() uint64 { return mathrand.Uint64() }

// waited waits, and reports whether anybody still waits for the answer.
func waited(ctx context.Context, d time.Duration) bool {
	pause, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-pause.Done()
	return ctx.Err() == nil
}

// once makes one call.
func (c *Client) once(ctx context.Context, method, path, key string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("making the request: %w", err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: half an answer: %w", ErrUnreachable, err)
	}
	if answer.Header.Get("Content-Type") == "application/json" && !json.Valid(b) {
		return 0, nil, fmt.Errorf("%w: half an answer of %d bytes", ErrUnreachable, len(b))
	}
	return answer.StatusCode, b, nil
}
