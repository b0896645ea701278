package fix

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/venues/sim"
)

// app is what the engine calls, on the goroutine of each session. A panic within ends that session's connection and nothing else.
type app struct{ a *Acceptor }

var _ quickfix.Application = (*app)(nil)

func (p *app) client(id quickfix.SessionID) *client {
	return p.a.clients[sim.SessionID(id.TargetCompID)]
}

func (p *app) guard(where string, id quickfix.SessionID) {
	if r := recover(); r != nil {
		p.a.cfg.Log.Error("a callback panicked", "event", "fix", "where", where, "session", id.String(), "why", fmt.Sprint(r), "stack", string(debug.Stack()))
		if c := p.client(id).conn.Load(); c != nil {
			c.cut()
		}
	}
}

// OnCreate is of no interest.
func (p *app) OnCreate(quickfix.SessionID) {}

// OnLogon says that the logon was answered: the session is open at the exchange by then.
func (p *app) OnLogon(id quickfix.SessionID) {
	defer p.guard("OnLogon", id)
	p.client(id).asked = false
}

// OnLogout ends it.
func (p *app) OnLogout(id quickfix.SessionID) {
	defer p.guard("OnLogout", id)
	c := p.client(id)
	if !c.up {
		return
	}
	c.up = false
	c.logon.Add(1)
	why := "disconnect"
	if c.asked {
		why = sim.WhyLogout
	}
	if err := c.cfg.Port.Logout(c.ID, why); err != nil {
		c.cfg.Log.Warn("the exchange was not told of a logout", "event", "fix", "session", c.ID, "err", err)
	}
}

// ToAdmin lets everything of the session out.
func (p *app) ToAdmin(*quickfix.Message, quickfix.SessionID) {}

// ToApp lets everything out, also again: a venue resends.
func (p *app) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }

// FromAdmin notes what a logon and a logout say.
func (p *app) FromAdmin(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	defer p.guard("FromAdmin", id)
	c := p.client(id)
	switch {
	case m.IsMsgTypeOf(fix44.MsgLogon):
		return c.admit(m)
	case m.IsMsgTypeOf(fix44.MsgLogout):
		c.asked = true
	}
	return nil
}

// FromApp hands a request to the exchange.
func (p *app) FromApp(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	defer p.guard("FromApp", id)
	c := p.client(id)
	if err := c.cfg.Port.Receive(c.ID, decode(m)); err != nil {
		c.cfg.Log.Warn("a request was not taken: the link is cut, so that the client knows", "event", "fix", "session", c.ID, "err", err)
		if k := c.conn.Load(); k != nil {
			k.cut()
		}
	}
	return nil
}

// openWithin bounds how long an exchange may take to answer a logon.
const openWithin = 2 * time.Second

// admit opens the session at the exchange ahead of the answer to the logon: what the exchange has said while nobody was there is numbered and stored first, so
// the answer has a number behind that, and the client asks for what it missed. A logon that is read a second time, because what the client had skipped had to
// be filled, opens nothing; nor does one whose number is too low, which the engine refuses.
func (c *client) admit(m *quickfix.Message) quickfix.MessageRejectError {
	seq, _ := m.Header.GetInt(fix44.MsgSeqNum)
	c.number = uint64(max(0, seq)) //nolint:gosec // not below 0
	c.reset, _ = m.Body.GetBool(fix44.ResetSeqNumFlag)
	if c.up || seq < c.store.NextTargetMsgSeqNum() && !c.reset {
		return nil
	}
	c.opened = make(chan error, 1)
	opened := c.opened
	c.open()
	ctx, cancel := context.WithTimeout(context.Background(), openWithin)
	defer cancel()
	var why error
	select {
	case why = <-opened:
	case <-ctx.Done():
		why = errNoAnswer
	}
	if why != nil {
		return quickfix.RejectLogon{Text: why.Error()}
	}
	c.up = true
	return nil
}

var errNoAnswer = errors.New("the exchange does not answer")

// open logs the client on at the exchange, which goes on with the replies that the store lacks.
func (c *client) open() {
	mine := c.logon.Add(1)
	opened := c.opened
	sub := ""
	if k := c.conn.Load(); k != nil {
		sub = k.sub
	}
	s := sim.Session{ID: c.ID, Sub: sub, Seq: c.number, Expect: c.told.Load() + 1, Reset: c.reset, Send: func(r sim.Reply) { c.hear(mine, opened, r) }}
	if s.Reset {
		s.Seq, s.Expect = 1, 1
	}
	if err := c.cfg.Port.Logon(s); err != nil {
		opened <- err
	}
}

// hear takes a reply on the exchange's goroutine. A client for which too much waits is cut off.
func (c *client) hear(logon uint64, opened chan error, r sim.Reply) {
	select {
	case c.replies <- addressed{r, logon, opened}:
	default:
		if k := c.conn.Load(); k != nil {
			k.cut()
		}
	}
}

// Serve is the turn in which the replies of one client leave. It ends with ctx.
func (a *Acceptor) Serve(ctx context.Context, id sim.SessionID) error {
	c := a.clients[id]
	if c == nil {
		return fmt.Errorf("%w: session %q", ErrConfig, id)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-c.replies:
			c.answer(r)
		}
	}
}

// answer gives a reply to the engine, which numbers and keeps it, and sends it if the client is there.
func (c *client) answer(r addressed) {
	switch b := r.reply.Body.(type) {
	case sim.Refused:
		r.say(b.Err)
		return
	case sim.Replayed:
		r.say(nil)
		return
	case sim.Cut:
		if r.logon == c.logon.Load() {
			if k := c.conn.Load(); k != nil {
				k.cut()
			}
		}
		return
	}
	if m := encode(r.reply); m != nil {
		if err := quickfix.SendToTarget(m, c.id); err != nil {
			c.cfg.Log.Warn("a reply was not sent", "event", "fix", "session", c.ID, "err", err)
			return
		}
	}
	if r.reply.Seq > 0 {
		c.told.Store(r.reply.Seq)
	}
}

// say answers the logon that a reply is for, if that waits.
func (r addressed) say(err error) {
	select {
	case r.opened <- err:
	default: // a request was refused, which is no answer to a logon
	}
}

// validator implements quickfix.ConnectionValidator by a type of its own.
type validator struct{ a *Acceptor }

func (v validator) Validate(nc net.Conn, id quickfix.SessionID) error { return v.a.connects(nc, id) }

func quickfixListener(l net.Listener) quickfix.NewListenerCallback {
	return func(string, *tls.Config) (net.Listener, error) { return l, nil }
}

// logs has the engine's events on Debug.
type logs struct{ log *slog.Logger }

func (l logs) Create() (quickfix.Log, error) { return l, nil }
func (l logs) CreateSessionLog(id quickfix.SessionID) (quickfix.Log, error) {
	return logs{l.log.With("session", id.String())}, nil
}
func (logs) OnIncoming([]byte)                {}
func (logs) OnOutgoing([]byte)                {}
func (l logs) OnEvent(s string)               { l.log.Debug(s, "event", "fix") }
func (l logs) OnEventf(f string, args ...any) { l.log.Debug(fmt.Sprintf(f, args...), "event", "fix") }
