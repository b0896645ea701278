package control_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/internal/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a node that answers what it is told to.
type node struct {
	open    bool
	trips   atomic.Int64
	dumps   atomic.Int64
	left    chan struct{} // when set, told by each slow trip that waits no more
	block   chan struct{} // when set, reset waits for it
	entered chan struct{} // when set, told by each reset that waits and each slow trip that does
}

func (n *node) Readiness() []control.Part {
	return []control.Part{{Name: "control", Ready: true, State: "ok"}, {Name: "risk", Ready: n.open, State: "starting 2.1s"}}
}

func (n *node) Gatez(scope *string) (any, bool, error) {
	if scope != nil && *scope != "good" {
		return nil, false, errors.New("scope is \"bad\"")
	}
	return map[string]any{"open": n.open}, n.open, nil
}
func (n *node) Status() any { return map[string]string{"schema": "failshut.status/1"} }
func (n *node) Tree(q control.TreeQuery) (any, error) {
	if q.Path == "bad" {
		return nil, &control.Problem{Status: 404, Code: "usage", Message: "nobody", Exit: 2}
	}
	return map[string]any{"schema": "failshut.tree/1", "asked": fmt.Sprintf("%+v", q)}, nil
}

func (n *node) Dump(path string) (any, error) {
	n.dumps.Add(1)
	if path != "good" {
		return nil, &control.Problem{Status: http.StatusNotFound, Code: "usage", Message: "no actor", Exit: 2}
	}
	return map[string]string{"schema": "failshut.tree.dump/1"}, nil
}

func (n *node) Orders(q control.OrdersQuery) (any, bool, error) {
	if q.Account == "bad" {
		return nil, false, &control.Problem{Status: http.StatusNotFound, Code: "usage", Message: "no account", Exit: 2}
	}
	return map[string]any{"schema": "failshut.orders/1", "asked": fmt.Sprintf("%+v", q)}, q.Account != "half", nil
}

func (n *node) Order(ctx context.Context, id, account string) (any, bool, error) {
	if id == "slow" {
		return nil, false, context.DeadlineExceeded
	}
	if _, ok := ctx.Deadline(); !ok {
		return nil, false, errors.New("a question that may take for ever")
	}
	return map[string]any{"schema": "failshut.orders/1", "id": id, "account": account}, true, nil
}

func (n *node) Positions(q control.PositionsQuery) (any, bool, error) {
	return map[string]any{"schema": "failshut.positions/1", "asked": fmt.Sprintf("%+v", q)}, q.Strategy != "half", nil
}

func (n *node) Trip(r control.TripRequest) (func(context.Context) (any, bool), error) {
	id := n.trips.Add(1)
	return func(ctx context.Context) (any, bool) {
		if r.Mode == "slow" {
			if n.entered != nil {
				n.entered <- struct{}{}
			}
			<-ctx.Done()
			if n.left != nil {
				n.left <- struct{}{}
			}
		}
		return map[string]any{"trip_id": id, "who": r.Who}, r.Mode != "slow"
	}, nil
}

func (n *node) Reset(_ context.Context, r control.ResetRequest) (any, error) {
	if n.block != nil {
		n.entered <- struct{}{}
		<-n.block
	}
	if r.Scope == "*/*/*" {
		return nil, control.Precondition("TWO_PERSONS", "the firm scope needs two persons")
	}
	return map[string]any{"cleared": r.Trips}, nil
}

func (n *node) Resolve(_ context.Context, r control.ResolveRequest) (any, error) {
	return map[string]any{"schema": "failshut.orders.resolve/1", "asked": fmt.Sprintf("%+v", r)}, nil
}

func (n *node) Accept(_ context.Context, r control.DifferenceRequest) (any, error) {
	return map[string]any{"schema": "failshut.orders.resolve/1", "asked": fmt.Sprintf("%+v", r)}, nil
}

func (n *node) Poison() any { return map[string]string{"schema": "failshut.poison/1"} }
func (n *node) Release(r control.PoisonRequest) (any, error) {
	return map[string]string{"did": "release " + r.ID + " " + r.Who}, nil
}

func (n *node) Discard(r control.PoisonRequest) (any, error) {
	return map[string]string{"did": "discard " + r.ID + " " + r.Who}, nil
}

func (n *node) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
}

// config lets the user of this process and the owner of all-token do everything.
func config() control.Config {
	all := []control.Role{control.Viewer, control.Trader, control.Risk, control.Admin}
	return control.Config{
		UIDs: []control.UID{{UID: uint32(os.Getuid()), Roles: all}},
		Tokens: []control.Token{
			{Name: "root", SHA256: sha256.Sum256([]byte("all-token")), Roles: all},
			{Name: "ann", SHA256: sha256.Sum256([]byte("ann-token")), Roles: []control.Role{control.Trader}},
			{Name: "vera", SHA256: sha256.Sum256([]byte("vera-token")), Roles: []control.Role{control.Viewer}},
			{Name: "rick", SHA256: sha256.Sum256([]byte("rick-token")), Roles: []control.Role{control.Risk}},
		},
		Now: time.Now,
	}
}

// lines takes what is logged.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

func withLog(cfg control.Config, to lines) control.Config {
	cfg.Log = slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelInfo}))
	return cfg
}

func door(t *testing.T, n *node, anonymous bool) (socket, tcp string) {
	t.Helper()
	cfg := config()
	cfg.Anonymous = anonymous
	return doorOf(t, n, cfg)
}

// doorOf serves n on a unix socket and a loopback port for the length of the test.
func doorOf(t *testing.T, n *node, cfg control.Config) (socket, tcp string) {
	t.Helper()
	s := control.New(cfg, n)
	path := filepath.Join(t.TempDir(), "s")
	u, err := control.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	l, err := control.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for _, l := range []net.Listener{u, l} {
		go func() { done <- s.Serve(ctx, l, time.Second) }()
	}
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("Serve() = %v, want nil after its context ended", err)
			}
		}
	})
	return "unix:" + path, "http://" + l.Addr().String()
}

func get(t *testing.T, addr, token, path string) (int, string) {
	t.Helper()
	c, err := control.Dial(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	status, body, err := c.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return status, string(body)
}

func post(t *testing.T, addr, token, path, key string, body any) (int, string) {
	t.Helper()
	c, err := control.Dial(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := c.Post(t.Context(), path, key, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, string(answer)
}

func TestHealth(t *testing.T) {
	n := &node{}
	_, tcp := door(t, n, false)
	for _, c := range []struct {
		path   string
		open   bool
		status int
		body   string
	}{
		{"/livez", false, 200, "ok\n"},
		{"/readyz", false, 503, "readyz failed\n"},
		{"/readyz?verbose", false, 503, "[+]control ok\n[-]risk starting 2.1s\nreadyz failed\n"},
		{"/readyz?exclude=risk", false, 200, "readyz ok\n"},
		{"/readyz", true, 200, "readyz ok\n"},
		{"/gatez", false, 503, "{\"open\":false}\n"},
		{"/gatez", true, 200, "{\"open\":true}\n"},
		{"/gatez?scope=bad", true, 400, `"code":"usage"`},
		{"/gatez?scope=", true, 400, `"code":"usage"`},
		{"/gatez?scope=good", true, 200, "{\"open\":true}\n"},
		{"/nothing", true, 404, `"code":"usage"`},
	} {
		n.open = c.open
		if status, body := get(t, tcp, "", c.path); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("GET %s (open %v) = %d %q, want %d %q", c.path, c.open, status, body, c.status, c.body)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	n := &node{}
	socket, tcp := door(t, n, false)
	_, anonymous := door(t, n, true)
	trip := control.TripRequest{Scope: "A1/*/*", Mode: "CLOSED", Reason: "drill"}
	reset := control.ResetRequest{Scope: "A1/*/*", Reason: "drill"}
	for name, c := range map[string]struct {
		addr, token, path string
		body              any
		want              int
	}{
		"nobody looks":                  {tcp, "", "/api/v1/status", nil, 401},
		"anonymous looks on loopback":   {anonymous, "", "/api/v1/status", nil, 200},
		"anonymous reads metrics":       {anonymous, "", "/metrics", nil, 200},
		"a wrong token looks":           {anonymous, "guess", "/api/v1/status", nil, 401},
		"a viewer looks":                {tcp, "vera-token", "/api/v1/tree", nil, 200},
		"a part of the tree":            {tcp, "vera-token", "/api/v1/tree?path=a/b&depth=2&unhealthy=true", nil, 200},
		"a tree of nobody":              {tcp, "vera-token", "/api/v1/tree?path=bad", nil, 404},
		"a depth that is none":          {tcp, "vera-token", "/api/v1/tree?depth=x", nil, 400},
		"a word that is none":           {tcp, "vera-token", "/api/v1/tree?dept=1", nil, 400},
		"a trader includes viewer":      {tcp, "ann-token", "/api/v1/status", nil, 200},
		"a token in the query":          {tcp, "ann-token", "/api/v1/status?token=ann-token", nil, 401},
		"the same user over the socket": {socket, "", "/api/v1/status", nil, 200},
		"a viewer may not trip":         {tcp, "vera-token", "/api/v1/trips", trip, 403},
		"anonymous may not trip":        {anonymous, "", "/api/v1/trips", trip, 403},
		"a trader trips":                {tcp, "ann-token", "/api/v1/trips", trip, 200},
		"risk trips":                    {tcp, "rick-token", "/api/v1/trips", trip, 200},
		"a trader may not reset":        {tcp, "ann-token", "/api/v1/resets", reset, 403},
		"a trader dumps":                {tcp, "ann-token", "/api/v1/tree/dump", control.DumpRequest{Path: "good"}, 200},
		"a viewer may not dump":         {tcp, "vera-token", "/api/v1/tree/dump", control.DumpRequest{Path: "good"}, 403},
		"risk may not dump":             {tcp, "rick-token", "/api/v1/tree/dump", control.DumpRequest{Path: "good"}, 403},
		"a dump of nobody":              {tcp, "ann-token", "/api/v1/tree/dump", control.DumpRequest{Path: "bad"}, 404},
		"a dump of what is no path":     {tcp, "ann-token", "/api/v1/tree/dump", map[string]int{"path": 1}, 400},
		"risk resets":                   {tcp, "rick-token", "/api/v1/resets", reset, 200},
		"a viewer sees what is aside":   {tcp, "vera-token", "/api/v1/poison", nil, 200},
		"risk releases":                 {tcp, "rick-token", "/api/v1/poison/event-1/release", control.PoisonRequest{Reason: "x"}, 200},
		"a trader may not release":      {tcp, "ann-token", "/api/v1/poison/event-1/release", control.PoisonRequest{Reason: "x"}, 403},
		"a viewer may not discard":      {tcp, "vera-token", "/api/v1/poison/event-1/discard", control.PoisonRequest{Reason: "x"}, 403},
		"a release without a reason":    {tcp, "rick-token", "/api/v1/poison/event-1/release", control.PoisonRequest{}, 409},
		"risk resolves an order":        {tcp, "rick-token", "/api/v1/orders/X/resolve", control.ResolveRequest{As: "rejected", Reason: "x"}, 200},
		"a trader may not resolve":      {tcp, "ann-token", "/api/v1/orders/X/resolve", control.ResolveRequest{As: "rejected", Reason: "x"}, 403},
		"a word without a reason":       {tcp, "rick-token", "/api/v1/orders/X/resolve", control.ResolveRequest{As: "rejected"}, 409},
		"risk accepts a difference":     {tcp, "rick-token", "/api/v1/differences/1", control.DifferenceRequest{Account: "A1", Reason: "x"}, 200},
		"a viewer may not accept one":   {tcp, "vera-token", "/api/v1/differences/1", control.DifferenceRequest{Account: "A1", Reason: "x"}, 403},
		"a signature without a reason":  {tcp, "rick-token", "/api/v1/differences/1", control.DifferenceRequest{Account: "A1"}, 409},
		"a difference without a number": {tcp, "rick-token", "/api/v1/differences/x", control.DifferenceRequest{Account: "A1", Reason: "x"}, 400},
		"an unknown end":                {tcp, "rick-token", "/api/v1/poison/event-1/forget", control.PoisonRequest{Reason: "x"}, 404},
		"a reset without a reason":      {tcp, "rick-token", "/api/v1/resets", control.ResetRequest{Scope: "A1/*/*"}, 409},
		"a trip without a reason":       {tcp, "rick-token", "/api/v1/trips", control.TripRequest{Scope: "A1/*/*"}, 400},
		"an unknown field":              {tcp, "rick-token", "/api/v1/trips", map[string]string{"scop": "x"}, 400},
		"a trip that is not confirmed":  {tcp, "rick-token", "/api/v1/trips", control.TripRequest{Mode: "slow", Reason: "x"}, 207},
		"a reset of the firm":           {socket, "", "/api/v1/resets", control.ResetRequest{Scope: "*/*/*", Reason: "x"}, 409},
	} {
		t.Run(name, func(t *testing.T) {
			var status int
			var body string
			if c.body == nil {
				status, body = get(t, c.addr, c.token, c.path)
			} else {
				status, body = post(t, c.addr, c.token, c.path, control.NewKey(), c.body)
			}
			if status != c.want {
				t.Fatalf("status %d %s, want %d", status, body, c.want)
			}
		})
	}
}

func TestTheSameKeyGivesTheSameAnswer(t *testing.T) {
	n := &node{}
	socket, _ := door(t, n, false)
	trip := control.TripRequest{Scope: "A1/*/*", Reason: "drill"}
	_, first := post(t, socket, "", "/api/v1/trips", "k1", trip)
	_, again := post(t, socket, "", "/api/v1/trips", "k1", trip)
	if first != again || n.trips.Load() != 1 {
		t.Fatalf("answers %q and %q, want one trip and one answer", first, again)
	}
	if status, body := post(t, socket, "", "/api/v1/trips", "k1", control.TripRequest{Scope: "A2/*/*", Reason: "drill"}); status != 409 {
		t.Fatalf("another body under the key: %d %s, want 409", status, body)
	}
	if status, body := post(t, socket, "", "/api/v1/trips", "", trip); status != 400 {
		t.Fatalf("no key: %d %s, want 400", status, body)
	}
}

// TestHalfAnAnswerIsUnreachable serves answers that are no answers: the client must never take one for green.
func TestHalfAnAnswerIsUnreachable(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":     "",
		"half a JSON": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"open\":true",
		"cut short":   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{\"open\":true}",
		"no HTTP":     "hello\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					b := make([]byte, 4096)
					_, _ = c.Read(b)
					_, _ = c.Write([]byte(answer))
					_ = c.Close()
				}
			}()
			c, err := control.Dial("http://"+l.Addr().String(), "")
			if err != nil {
				t.Fatal(err)
			}
			if _, body, err := c.Get(t.Context(), "/gatez"); !errors.Is(err, control.ErrUnreachable) {
				t.Errorf("Get() = %s, %v, want ErrUnreachable", body, err)
			}
			_ = l.Close()
			<-done
		})
	}
}

func TestErrorsAreJSON(t *testing.T) {
	_, tcp := door(t, &node{}, false)
	_, body := get(t, tcp, "", "/api/v1/status")
	var e struct {
		Schema, Code, Message string
		Exit                  int
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.Schema != "failshut.error/1" || e.Code != "forbidden" || e.Exit != 5 {
		t.Fatalf("answer %q (%v), want an error that exits 5", body, err)
	}
}
