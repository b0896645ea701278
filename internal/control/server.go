package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// LongestWait is how long the answer to a trip waits for its confirmation at most.
const LongestWait = time.Minute

// The bounds of the door.
const (
	maxBody         = 64 << 10
	maxKey          = 128
	readTimeout     = 10 * time.Second
	resetWait       = 8 * time.Second // less than a command's own patience, so that it hears what became of it
	writeTimeout    = LongestWait + 2*readTimeout
	idleTimeout     = 2 * time.Minute
	placesForAll    = 256
	placesForTrip   = 16
	placesForHealth = 16
	placesToWait    = 64
)

// Server answers on whatever listeners it is given. It starts nothing: Serve is the work of one listener.
type Server struct {
	cfg     Config
	node    Node
	handler http.Handler
	repeats *repeats
	all     chan struct{} // places of every other request
	health  chan struct{} // places of /livez and /gatez alone
	urgent  chan struct{} // places of trips until their latch is set
	waiting chan struct{} // places of trips that wait for their confirmation
}

// New makes a Server. Cfg.Now and node must be set.
func New(cfg Config, node Node) *Server {
	s := &Server{
		cfg: cfg, node: node, repeats: newRepeats(),
		all: make(chan struct{}, placesForAll), health: make(chan struct{}, placesForHealth),
		urgent: make(chan struct{}, placesForTrip), waiting: make(chan struct{}, placesToWait),
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

type lastingKey struct{}

// Serve answers on l until ctx ends; then it gives running requests until grace is over, and closes l. It returns nil
// after an end by ctx, and the listener's error otherwise; no request is under way any more.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	var door sync.RWMutex
	defer door.Lock() // and never unlocked: whoever comes now finds it shut
	defer end()
	srv := &http.Server{
		Handler:     through(&door, s.handler),
		ReadTimeout: readTimeout, ReadHeaderTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxBody,
		ErrorLog:       slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(context.WithValue(ctx, peerKey{}, peerOf(c)), lastingKey{}, lasting)
		},
	}
	down := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(down)
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if srv.Shutdown(bounded) != nil {
			_ = srv.Close()
		}
	})
	err := srv.Serve(l)
	if !stop() {
		<-down
	}
	if errors.Is(err, http.ErrServerClosed) && ctx.Err() != nil {
		return nil
	}
	return errors.Join(err, srv.Close())
}

// through lets requests in until the door is locked, which waits for those that are in.
func through(door *sync.RWMutex, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !door.TryRLock() {
			panic(http.ErrAbortHandler)
		}
		defer door.RUnlock()
		next.ServeHTTP(w, r)
	})
}

// lasting is the context of a change: it outlives the one who asked, and ends with the server.
func lasting(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	server, ok := r.Context().Value(lastingKey{}).(context.Context)
	if !ok { // no Serve is around it
		server = r.Context()
	}
	stop := context.AfterFunc(server, cancel)
	return ctx, func() { stop(); cancel() }
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", s.within(s.health, still(s.livez)))
	mux.HandleFunc("GET /readyz", s.within(s.all, still(s.readyz)))
	mux.HandleFunc("GET /gatez", s.within(s.health, still(s.gatez)))
	mux.HandleFunc("GET /metrics", s.within(s.all, still(s.viewer(func(w http.ResponseWriter, r *http.Request, _ identity) {
		s.node.Metrics().ServeHTTP(w, r)
	}))))
	mux.HandleFunc("GET /api/v1/status", s.within(s.all, still(s.viewer(func(w http.ResponseWriter, _ *http.Request, _ identity) {
		s.write(w, http.StatusOK, s.node.Status())
	}))))
	mux.HandleFunc("GET /api/v1/tree", s.within(s.all, still(s.viewer(s.tree))))
	mux.HandleFunc("GET /api/v1/orders", s.reading(s.orders))
	mux.HandleFunc("GET /api/v1/orders/{id}", s.reading(s.order))
	mux.HandleFunc("GET /api/v1/positions", s.reading(s.positions))
	mux.HandleFunc("POST /api/v1/tree/dump", s.within(s.all, s.inquire(func(i identity) bool { return i.may(Trader) }, s.dump)))
	mux.HandleFunc("POST /api/v1/trips", s.within(s.urgent, s.mutate(identity.mayTrip, s.trip)))
	mux.HandleFunc("POST /api/v1/resets", s.within(s.all, s.mutate(func(i identity) bool { return i.may(Risk) }, s.reset)))
	mux.HandleFunc("POST /api/v1/orders/{id}/resolve", s.within(s.all, s.mutate(func(i identity) bool { return i.may(Risk) }, s.resolve)))
	mux.HandleFunc("POST /api/v1/differences/{id}", s.within(s.all, s.mutate(func(i identity) bool { return i.may(Risk) }, s.accept)))
	mux.HandleFunc("GET /api/v1/poison", s.within(s.all, still(s.viewer(func(w http.ResponseWriter, _ *http.Request, _ identity) {
		s.write(w, http.StatusOK, s.node.Poison())
	}))))
	mux.HandleFunc("POST /api/v1/poison/{id}/release", s.within(s.all, s.mutate(func(i identity) bool { return i.may(Risk) }, s.poison(s.node.Release))))
	mux.HandleFunc("POST /api/v1/poison/{id}/discard", s.within(s.all, s.mutate(func(i identity) bool { return i.may(Risk) }, s.poison(s.node.Discard))))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, &Problem{http.StatusNotFound, "usage", "no such endpoint: " + r.URL.Path, 2})
	})
	return mux
}

// tree answers a query of the tree. A word that it does not know is refused: an answer to another question would look green.
func (s *Server) tree(w http.ResponseWriter, r *http.Request, _ identity) {
	q, err := treeQuery(r.URL.Query())
	var body any
	if err == nil {
		body, err = s.node.Tree(q)
	}
	switch p, known := errors.AsType[*Problem](err); {
	case known:
		s.fail(w, p)
	case err != nil:
		s.fail(w, &Problem{http.StatusInternalServerError, "failure", err.Error(), 1})
	default:
		s.write(w, http.StatusOK, body)
	}
}

func treeQuery(words url.Values) (q TreeQuery, err error) {
	for word, values := range words {
		value := values[len(values)-1]
		switch word {
		case "path":
			q.Path = value
		case "depth":
			if q.Depth, err = strconv.Atoi(value); err != nil || q.Depth < 0 {
				return q, usage("depth is %q, want a number of levels, 0 for all", value)
			}
		case "unhealthy":
			if q.Unhealthy, err = strconv.ParseBool(value); err != nil {
				return q, usage("unhealthy is %q, want true or false", value)
			}
		default:
			return q, usage("no such word in a query of the tree: %q, want path, depth or unhealthy", word)
		}
	}
	return q, nil
}
