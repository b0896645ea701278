package fix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quickfixgo/quickfix"
	qfconfig "github.com/quickfixgo/quickfix/config"

	"github.com/failshut/failshut/venues/sim"
)

// ErrConfig is a configuration that no acceptor can have.
var ErrConfig = errors.New("venue fix: configuration")

// Client is a session that may log on.
type Client struct {
	ID       sim.SessionID // its CompID
	Takeover bool          // a logon ends the one before it, from wherever that came
}

// Config is an acceptor.
type Config struct {
	Listen  string // HOST:PORT; port 0 is a free one
	Sender  string // the venue's CompID
	Clients []Client
	Keep    int    // messages of a session that can be sent again
	Path    string // a data dictionary of FIX 4.4, by which messages are judged; empty: they are read as they come

	Port  sim.Port
	Now   func() time.Time // the wall clock
	Bound func(net.Addr)   // told where it listens; may be nil
	Log   *slog.Logger     // what the engine does, on Debug
}

// Validate lists every mistake, as ErrConfig.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	_, _, err := net.SplitHostPort(c.Listen)
	want(err == nil, "listen = %q, want HOST:PORT", c.Listen)
	want(c.Sender != "", "sender is empty, want the venue's CompID")
	want(len(c.Clients) > 0, "no client, want one at least")
	seen := map[sim.SessionID]bool{}
	for _, k := range c.Clients {
		want(k.ID != "" && !seen[k.ID], "client %q, want a name, once", k.ID)
		seen[k.ID] = true
	}
	want(c.Keep > 0, "keep = %d, want more than 0", c.Keep)
	want(c.Port != nil && c.Now != nil && c.Log != nil, "port, clock or log is missing, want all")
	return errors.Join(errs...)
}

// waiting bounds the replies that wait for a client's connection. One that does not read so many is cut off, and asks for them when it is back.
const waiting = 8192

// takeoverWithin bounds the wait for a connection that a takeover has cut.
const takeoverWithin = time.Second

// Acceptor is the FIX side of an exchange. What it keeps of its sessions outlives a Run that ended.
type Acceptor struct {
	cfg     Config
	clients map[sim.SessionID]*client
}

// NewAcceptor makes an acceptor that does not listen yet. The error is ErrConfig.
func NewAcceptor(cfg Config) (*Acceptor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a := &Acceptor{cfg: cfg, clients: map[sim.SessionID]*client{}}
	for _, k := range cfg.Clients {
		a.clients[k.ID] = &client{
			Client: k, cfg: &a.cfg, store: newStore(cfg.Keep, cfg.Now()), replies: make(chan addressed, waiting),
			id: quickfix.SessionID{BeginString: quickfix.BeginStringFIX44, SenderCompID: cfg.Sender, TargetCompID: string(k.ID)},
		}
	}
	return a, nil
}

// stores gives the engine each client's store.
type stores struct{ a *Acceptor }

// Create implements quickfix.MessageStoreFactory.
func (s stores) Create(id quickfix.SessionID) (quickfix.MessageStore, error) {
	c := s.a.clients[sim.SessionID(id.TargetCompID)]
	if c == nil {
		return nil, fmt.Errorf("%w: session %v", ErrConfig, id)
	}
	return c.store, nil
}

// Run listens and serves until ctx ends; then every connection is closed. Replies leave in the turns of Serve, one for each client, which the
// same supervisor runs beside it.
func (a *Acceptor) Run(ctx context.Context) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("venue fix: %w", err)
	}
	engine, err := quickfix.NewAcceptor(&app{a}, stores{a}, a.settings(listener.Addr()), logs{a.cfg.Log})
	if err != nil {
		return errors.Join(fmt.Errorf("venue fix: %w", err), listener.Close())
	}
	engine.SetConnectionValidator(validator{a})
	l := &door{Listener: listener, open: map[*conn]bool{}}
	engine.SetNewListenerCallback(quickfixListener(l))
	if err := engine.Start(); err != nil {
		return errors.Join(fmt.Errorf("venue fix: %w", err), listener.Close())
	}
	if a.cfg.Bound != nil {
		a.cfg.Bound(listener.Addr())
	}
	<-ctx.Done()
	l.shut()
	engine.Stop()
	return nil
}

// Clients lists the sessions, one turn of Serve each.
func (a *Acceptor) Clients() []Client { return a.cfg.Clients }

func (a *Acceptor) settings(at net.Addr) *quickfix.Settings {
	_, port, _ := net.SplitHostPort(at.String())
	all := quickfix.NewSettings()
	all.GlobalSettings().Set(qfconfig.SocketAcceptPort, port)
	for _, k := range a.cfg.Clients {
		s := quickfix.NewSessionSettings()
		for key, v := range map[string]string{
			qfconfig.BeginString: quickfix.BeginStringFIX44, qfconfig.SenderCompID: a.cfg.Sender, qfconfig.TargetCompID: string(k.ID),
			qfconfig.PersistMessages: "Y", qfconfig.InChanCapacity: "64",
		} {
			s.Set(key, v)
		}
		if a.cfg.Path != "" {
			s.Set(qfconfig.DataDictionary, a.cfg.Path)
		}
		if _, err := all.AddSession(s); err != nil {
			panic(fmt.Sprintf("venue fix: session %s: %v", k.ID, err)) // Validate lets no name come twice
		}
	}
	return all
}

// connects answers the engine's question whether a connection may be the session that it names. A takeover ends the connection before it, and waits for
// the engine to let go of that one.
func (a *Acceptor) connects(nc net.Conn, id quickfix.SessionID) error {
	c, mine := nc.(*conn)
	k := a.clients[sim.SessionID(id.TargetCompID)]
	if !mine || k == nil {
		return fmt.Errorf("%w: session %v", sim.ErrUnknownSession, id)
	}
	old := k.conn.Load()
	if old != nil {
		select {
		case <-old.over:
		default:
			if !k.Takeover {
				return fmt.Errorf("%w: %s", sim.ErrLoggedOn, k.ID)
			}
			old.cut()
			ctx, cancel := context.WithTimeout(context.Background(), takeoverWithin)
			defer cancel()
			select {
			case <-old.over:
			case <-ctx.Done():
				return fmt.Errorf("%w: %s does not let go", sim.ErrLoggedOn, k.ID)
			}
		}
	}
	k.conn.Store(c)
	return nil
}

// door makes the connections that it accepts ours, and closes them all at the end.
type door struct {
	net.Listener
	mu     sync.Mutex
	open   map[*conn]bool
	closed bool
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	mine := newConn(c)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	for k := range d.open {
		select {
		case <-k.over:
			delete(d.open, k)
		default:
		}
	}
	d.open[mine] = true
	return mine, nil
}

func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	_ = d.Close()
	for c := range d.open {
		c.cut()
	}
}

// client is one session over all its connections.
type client struct {
	Client
	cfg     *Config
	id      quickfix.SessionID
	store   *store
	conn    atomic.Pointer[conn]
	replies chan addressed

	// Of the engine's goroutine of the session alone.
	up     bool
	asked  bool // it said that it goes
	number uint64
	reset  bool
	opened chan error // hears how the exchange answered the logon under way

	told  atomic.Uint64 // number of the last reply of the exchange that the store has
	logon atomic.Uint64 // which logon replies are for
}

// addressed is a reply for one logon.
type addressed struct {
	reply  sim.Reply
	logon  uint64
	opened chan error
}
