package fix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quickfixgo/quickfix"
	qfconfig "github.com/quickfixgo/quickfix/config"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// The ways in which a session refuses something. Nothing has left when one of them comes back.
var (
	ErrConfig      = errors.New("fix: configuration")
	ErrLinkDown    = errors.New("fix: link is down")
	ErrFull        = errors.New("fix: too much waits for the wire")
	ErrUnsupported = errors.New("fix: unsupported")
)

// Config is one session with a venue.
type Config struct {
	Addr     string       // HOST:PORT of the venue
	Sender   string       // our CompID
	Target   string       // the venue's
	Node     string       // SenderSubID: which node speaks; may be empty
	Password string       // of the logon; may be empty
	Venue    market.Venue // of the instruments

	Heartbeat   time.Duration // whole seconds, at least one
	LogonWithin time.Duration // for the venue's answer
	WriteStuck  time.Duration // a write that takes longer cuts the link
	MaxAge      time.Duration // an order that has waited for the wire so long does not leave

	// NextOut is the number of the first message that leaves, from 1; after a crash, above all that may have left. The venue asks for
	// what lies between, and is told that there is nothing.
	NextOut uint64

	Now func() risk.Reading // both clocks; required
	Log *slog.Logger        // what the engine does, on Debug; required
}

// DefaultConfig has everything but who and where.
func DefaultConfig() Config {
	return Config{
		Heartbeat: time.Second, LogonWithin: 5 * time.Second, WriteStuck: 250 * time.Millisecond, MaxAge: time.Second, NextOut: 1,
	}
}

// Validate lists every mistake, as ErrConfig.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	_, port, err := net.SplitHostPort(c.Addr)
	_, errPort := strconv.ParseUint(port, 10, 16)
	want(err == nil && errPort == nil, "addr = %q, want HOST:PORT", c.Addr)
	want(c.Sender != "" && c.Target != "", "sender = %q, target = %q, want both", c.Sender, c.Target)
	want(c.Venue.Valid(), "venue = %q, want a venue", c.Venue)
	want(c.Heartbeat >= time.Second && c.Heartbeat%time.Second == 0, "heartbeat = %v, want whole seconds, at least 1s", c.Heartbeat)
	want(c.LogonWithin > 0, "logon within = %v, want more than 0s", c.LogonWithin)
	want(c.WriteStuck > 0, "write stuck = %v, want more than 0s", c.WriteStuck)
	want(c.MaxAge > 0, "max age = %v, want more than 0s", c.MaxAge)
	want(c.NextOut >= 1 && c.NextOut <= math.MaxInt64, "next out = %d, want 1 or more", c.NextOut)
	want(c.Now != nil && c.Log != nil, "clock or log is missing, want both")
	return errors.Join(errs...)
}

// Lanes of what waits for the wire, and their bounds: full is an error, and so a refusal.
const (
	cancelLane = 1024 // cancels and questions, ahead of orders
	orderLane  = 256
)

// Engine is one session over all its logons and all incarnations of its owner. Its methods are safe for any number of goroutines.
type Engine struct {
	cfg   Config
	id    quickfix.SessionID
	store *store

	line atomic.Pointer[line] // of the present incarnation of the owner
	life atomic.Pointer[Life]

	urgent, usual chan item
	logon         atomic.Uint64 // odd while the session is up; another number for each logon
	waits         atomic.Int64  // number of the logon's answer, while what was missed is sent again; 0: nothing is awaited
	said          atomic.Pointer[string]
	sent          *recent
	masses        atomic.Uint64
	dropped       atomic.Uint64

	hand sync.Mutex // one Inbound after the other
}

// item is a message that waits for the wire.
type item struct {
	message *quickfix.Message
	logon   uint64 // what it was handed over in
	since   int64  // Instant
	order   bool   // adds risk, so that it grows old
}

// NewEngine makes a session that is down. The error is ErrConfig.
func NewEngine(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, id: quickfix.SessionID{BeginString: quickfix.BeginStringFIX44, SenderCompID: cfg.Sender, TargetCompID: cfg.Target},
		urgent: make(chan item, cancelLane), usual: make(chan item, orderLane), sent: newRecent(),
	}
	e.store = &store{created: e.wall(), out: int(cfg.NextOut), in: 1, moved: e.counted} //nolint:gosec // Validate bounds it
	return e, nil
}

func (e *Engine) wall() time.Time { return time.Unix(0, e.cfg.Now().Wall) }

// Session is the name of the session in Origins and journals.
func (e *Engine) Session() string { return e.cfg.Sender }

// Counters gives the numbers of the next message out and in.
func (e *Engine) Counters() (out, in uint64) {
	o, i := e.store.counters()
	return uint64(o), uint64(i) //nolint:gosec // both start at 1 and grow
}

// Life is the running part of an Engine: its door for the engine of quickfixgo, and that engine. Its three turns, Outward, Inward and
// Send, are run by one supervised child, and all of them end with its context. Another Life goes on with the same numbers.
type Life struct {
	e         *Engine
	bridge    *bridge
	initiator *quickfix.Initiator
	end       atomic.Pointer[context.CancelCauseFunc] // of Outward
}

// fail ends the life, because a callback panicked.
func (l *Life) fail(err error) {
	l.bridge.cut()
	if end := l.end.Load(); end != nil {
		(*end)(err)
	}
}

// Begin opens the door on loopback and starts the engine behind it, which waits there until a Line connects. Whoever calls it runs the
// three turns; Outward stops the engine at its end.
func (e *Engine) Begin() (*Life, error) {
	b, err := newBridge(e.cfg.Addr, e.cfg.WriteStuck, e.wall)
	if err != nil {
		return nil, err
	}
	l := &Life{e: e, bridge: b}
	b.before, b.failed = e.dialling, e.unreached
	l.initiator, err = quickfix.NewInitiator(&app{e: e, life: l}, e.store, e.settings(b), logs{e.cfg.Log})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fix: session %v: %w", e.id, err), b.listener.Close())
	}
	if err := l.initiator.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("fix: session %v: %w", e.id, err), b.listener.Close())
	}
	e.life.Store(l)
	return l, nil
}

// settings are the engine's: no message is kept, so none is ever sent again; no counter is set back; a clock that differs from ours is no
// reason to lose the link that cancels need.
func (e *Engine) settings(b *bridge) *quickfix.Settings {
	host, port, _ := net.SplitHostPort(e.cfg.Addr)
	s := quickfix.NewSessionSettings()
	for k, v := range map[string]string{
		qfconfig.BeginString: e.id.BeginString, qfconfig.SenderCompID: e.id.SenderCompID, qfconfig.TargetCompID: e.id.TargetCompID,
		qfconfig.SocketConnectHost: host, qfconfig.SocketConnectPort: port,
		qfconfig.ProxyType: "socks", qfconfig.ProxyHost: "127.0.0.1", qfconfig.ProxyPort: strconv.Itoa(b.port()),
		qfconfig.ProxyUser: b.user, qfconfig.ProxyPassword: b.password,
		qfconfig.HeartBtInt: strconv.Itoa(int(e.cfg.Heartbeat / time.Second)), qfconfig.ReconnectInterval: "20ms",
		qfconfig.LogonTimeout: e.cfg.LogonWithin.String(), qfconfig.LogoutTimeout: "500ms",
		qfconfig.PersistMessages: "N", qfconfig.CheckLatency: "N", qfconfig.InChanCapacity: "64",
	} {
		s.Set(k, v)
	}
	all := quickfix.NewSettings()
	if _, err := all.AddSession(s); err != nil {
		panic(fmt.Sprintf("fix: settings of %v: %v", e.id, err)) // two sessions of one name in a table of one
	}
	return all
}

// Outward waits for the engine and carries what it writes to the venue. It ends with ctx, or with the panic of a callback, which
// is its error; the engine is stopped then, and the link is gone.
func (l *Life) Outward(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(context.Canceled)
	stop := context.AfterFunc(ctx, l.bridge.cut)
	defer stop()
	l.end.Store(&end)
	err := l.bridge.outward(ctx)
	l.initiator.Stop()
	if cause := context.Cause(ctx); errors.Is(cause, errCallback) {
		err = cause
	}
	return err
}

// Inward carries what the venue writes to the engine. It ends with ctx.
func (l *Life) Inward(ctx context.Context) error { return l.bridge.inward(ctx) }
