package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The bounds of the door.
const (
	maxBody       = 64 << 10
	readTimeout   = 10 * time.Second
	placesForAll  = 256
	placesForTrip = 16
)

// Server answers on whatever listeners it is given. It starts nothing: Serve is the work of one listener.
type Server struct {
	cfg     Config
	node    Node
	handler http.Handler
	repeats *repeats
	all     chan struct{} // places of every other request
	urgent  chan struct{} // places of trip, /livez and /gatez alone
}

// New makes a Server. Cfg.Now and node must be set.
func New(cfg Config, node Node) *Server {
	s := &Server{
		cfg: cfg, node: node, repeats: newRepeats(),
		all: make(chan struct{}, placesForAll), urgent: make(chan struct{}, placesForTrip),
	}
	if s.cfg.Log == nil {
		s.cfg.Log = slog.New(slog.DiscardHandler)
	}
	s.handler = s.routes()
	return s
}

// Handler is the whole API, for tests that need no socket.
func (s *Server) Handler() http.Handler { return s.handler }

type peerKey struct{}

// peer is what the connection proves by itself.
type peer struct {
	uid      uint32
	hasUID   bool
	loopback bool
}

// Serve answers on l until ctx ends; then it gives running requests until grace is over, and closes l. It returns nil
// after an end by ctx, and the listener's error otherwise.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	srv := &http.Server{
		Handler: s.handler, ReadTimeout: readTimeout, ReadHeaderTimeout: readTimeout, MaxHeaderBytes: maxBody,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peerOf(c))
		},
	}
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if srv.Shutdown(bounded) != nil {
			_ = srv.Close()
		}
	})
	defer stop()
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) && ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", s.within(s.urgent, s.livez))
	mux.HandleFunc("GET /readyz", s.within(s.all, s.readyz))
	mux.HandleFunc("GET /gatez", s.within(s.urgent, s.gatez))
	mux.HandleFunc("GET /metrics", s.within(s.all, s.viewer(func(w http.ResponseWriter, r *http.Request, _ identity) {
		s.node.Metrics().ServeHTTP(w, r)
	})))
	mux.HandleFunc("GET /api/v1/status", s.within(s.all, s.viewer(func(w http.ResponseWriter, _ *http.Request, _ identity) {
		s.write(w, http.StatusOK, s.node.Status())
	})))
	mux.HandleFunc("GET /api/v1/tree", s.within(s.all, s.viewer(func(w http.ResponseWriter, _ *http.Request, _ identity) {
		s.write(w, http.StatusOK, s.node.Tree())
	})))
	mux.HandleFunc("POST /api/v1/trips", s.within(s.urgent, s.mutation(identity.mayTrip, s.trip)))
	mux.HandleFunc("POST /api/v1/resets", s.within(s.all, s.mutation(func(i identity) bool { return i.may(Risk) }, s.reset)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, &Problem{http.StatusNotFound, "usage", "no such endpoint: " + r.URL.Path, 2})
	})
	return mux
}

// within bounds how many requests are under way; a full house is an answer, not a wait.
func (s *Server) within(places chan struct{}, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			next(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			s.fail(w, &Problem{http.StatusTooManyRequests, "busy", "too many requests at once", 1})
		}
	}
}

// who finds the identity behind a request, or says why there is none.
func (s *Server) who(r *http.Request) (identity, *Problem) {
	for key := range r.URL.Query() {
		if strings.Contains(strings.ToLower(key), "token") {
			return identity{}, forbidden(http.StatusUnauthorized, "a token stands in the query string, want it in the Authorization header")
		}
	}
	p, _ := r.Context().Value(peerKey{}).(peer)
	if header := r.Header.Get("Authorization"); header != "" {
		token, ok := strings.CutPrefix(header, "Bearer ")
		if id, known := s.cfg.byToken(token); ok && known {
			return id, nil
		}
		return identity{}, forbidden(http.StatusUnauthorized, "the token is not known here")
	}
	if p.hasUID {
		return s.cfg.byUID(p.uid), nil
	}
	if s.cfg.Anonymous && p.loopback {
		return identity{"anonymous", []Role{Viewer}}, nil
	}
	return identity{}, forbidden(http.StatusUnauthorized, "no token was shown")
}

func (s *Server) viewer(next func(http.ResponseWriter, *http.Request, identity)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, problem := s.who(r)
		if problem == nil && !id.may(Viewer) {
			problem = forbidden(http.StatusForbidden, "%s has no role here", id.name)
		}
		if problem != nil {
			s.fail(w, problem)
			return
		}
		next(w, r, id)
	}
}

// mutation checks identity, origin, key and body before anything is changed, and answers a repeated key as the first time.
func (s *Server) mutation(may func(identity) bool, do func(context.Context, identity, []byte) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, problem := s.who(r)
		if problem == nil && !may(id) {
			problem = forbidden(http.StatusForbidden, "%s has none of the roles for this", id.name)
		}
		if problem == nil {
			problem = sameOrigin(r)
		}
		if problem != nil {
			s.fail(w, problem)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(body) > maxBody {
			s.fail(w, usage("the body is unreadable or longer than %d bytes", maxBody))
			return
		}
		key := r.Header.Get("Idempotency-Key")
		if key == "" || len(key) > 128 {
			s.fail(w, usage("the header Idempotency-Key is missing or longer than 128 bytes"))
			return
		}
		status, answer, problem := s.once(r.Context(), id, key, body, do)
		if problem != nil {
			s.fail(w, problem)
			return
		}
		s.cfg.Log.Warn("control", "event", "audit", "who", id.name, "path", r.URL.Path, "status", status)
		s.write(w, status, json.RawMessage(answer))
	}
}

func (s *Server) once(ctx context.Context, id identity, key string, body []byte, do func(context.Context, identity, []byte) (int, any, error)) (int, []byte, *Problem) {
	status, answer, fresh, problem := s.repeats.begin(s.cfg.Now(), id.name+"\x00"+key, body)
	if problem != nil || !fresh {
		return status, answer, problem
	}
	status, v, err := do(ctx, id, body)
	if err != nil {
		s.repeats.forget(id.name + "\x00" + key)
		if p, ok := errors.AsType[*Problem](err); ok {
			return 0, nil, p
		}
		return 0, nil, &Problem{http.StatusInternalServerError, "failure", err.Error(), 1}
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return 0, nil, &Problem{http.StatusInternalServerError, "failure", err.Error(), 1}
	}
	s.repeats.finish(id.name+"\x00"+key, status, encoded)
	return status, encoded, nil
}

// sameOrigin refuses what a page of another origin made a browser send.
func sameOrigin(r *http.Request) *Problem {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return forbidden(http.StatusForbidden, "cross-origin requests are refused")
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return forbidden(http.StatusForbidden, "cross-origin requests are refused")
		}
	}
	return nil
}

func strict(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return usage("the body is no request: %v", err)
	}
	if d.More() {
		return usage("the body holds more than one request")
	}
	return nil
}

func (s *Server) trip(ctx context.Context, id identity, body []byte) (int, any, error) {
	var r TripRequest
	if err := strict(body, &r); err != nil {
		return 0, nil, err
	}
	r.Who = id.name
	if strings.TrimSpace(r.Reason) == "" {
		return 0, nil, usage("a trip needs a reason")
	}
	answer, confirmed, err := s.node.Trip(ctx, r)
	if err != nil {
		return 0, nil, err
	}
	if confirmed {
		return http.StatusOK, answer, nil
	}
	return http.StatusMultiStatus, answer, nil
}

func (s *Server) reset(ctx context.Context, id identity, body []byte) (int, any, error) {
	var r ResetRequest
	if err := strict(body, &r); err != nil {
		return 0, nil, err
	}
	r.Who = id.name
	if strings.TrimSpace(r.Reason) == "" {
		return 0, nil, Precondition("NO_REASON", "a reset needs a reason: it is the evidence")
	}
	answer, err := s.node.Reset(ctx, r)
	return http.StatusOK, answer, err
}

func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "ok\n")
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	exclude := r.URL.Query()["exclude"]
	ready := true
	var b strings.Builder
	for _, p := range s.node.Readiness() {
		if slices.Contains(exclude, p.Name) {
			continue
		}
		mark := "[+]"
		if !p.Ready {
			mark, ready = "[-]", false
		}
		b.WriteString(mark + p.Name + " " + p.State + "\n")
	}
	verdict, status := "readyz ok\n", http.StatusOK
	if !ready {
		verdict, status = "readyz failed\n", http.StatusServiceUnavailable
	}
	if !r.URL.Query().Has("verbose") {
		b.Reset()
	}
	plain(w, status, b.String()+verdict)
}

func (s *Server) gatez(w http.ResponseWriter, r *http.Request) {
	body, open, err := s.node.Gatez(r.URL.Query().Get("scope"))
	if err != nil {
		s.fail(w, usage("%v", err))
		return
	}
	status := http.StatusServiceUnavailable
	if open {
		status = http.StatusOK
	}
	s.write(w, status, body)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (s *Server) write(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"schema":"failshut.error/1","code":"failure","message":"the answer could not be encoded","exit":1}`)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

func (s *Server) fail(w http.ResponseWriter, p *Problem) {
	s.write(w, p.Status, struct {
		Schema       string  `json:"schema"`
		Code         string  `json:"code"`
		Message      string  `json:"message"`
		Exit         int     `json:"exit"`
		Where        *string `json:"where"`
		RetryAfterMS *int64  `json:"retry_after_ms"`
	}{Schema: "failshut.error/1", Code: p.Code, Message: p.Message, Exit: p.Exit})
}
