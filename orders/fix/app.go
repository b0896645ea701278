package fix

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// errCallback is a panic within a callback of the engine, which would have ended the process.
var errCallback = errors.New("fix: a callback panicked")

// app is what the engine calls. Each of its seven callbacks is called on a goroutine of the engine's, and none may panic.
type app struct {
	e    *Engine
	life *Life
}

var _ quickfix.Application = (*app)(nil)

// guard is deferred by every callback: a panic ends the life and not the process.
func (a *app) guard(where string) {
	if r := recover(); r != nil {
		a.life.fail(fmt.Errorf("%w: %s: %v\n%s", errCallback, where, r, debug.Stack()))
	}
}

// OnCreate is of no interest.
func (a *app) OnCreate(quickfix.SessionID) { defer a.guard("OnCreate") }

// OnLogon is called for the answer to a logon, and once more where what was missed had to come first.
func (a *app) OnLogon(quickfix.SessionID) {
	defer a.guard("OnLogon")
	a.e.up()
}

// OnLogout is called when a logon is over, however.
func (a *app) OnLogout(quickfix.SessionID) {
	defer a.guard("OnLogout")
	a.e.down("")
}

// ToAdmin sets what a logon says of us.
func (a *app) ToAdmin(m *quickfix.Message, _ quickfix.SessionID) {
	defer a.guard("ToAdmin")
	a.e.sign(m)
	if m.IsMsgTypeOf(fix44.MsgLogon) && a.e.cfg.Password != "" {
		m.Body.SetString(fix44.Password, a.e.cfg.Password)
	}
}

// ToApp is the second belt of "nothing is sent again": whatever asks for it, a message that was sent before does not leave.
func (a *app) ToApp(m *quickfix.Message, _ quickfix.SessionID) (err error) {
	err = quickfix.ErrDoNotSend // also where it panics
	defer a.guard("ToApp")
	if again, _ := m.Header.GetBool(fix44.PossDupFlag); again {
		return err
	}
	a.e.sign(m)
	if seq, bad := m.Header.GetInt(fix44.MsgSeqNum); bad == nil {
		id, _ := m.Body.GetString(fix44.ClOrdID)
		a.e.sent.put(seq, market.ClOrdID(id))
	}
	return nil
}

// FromAdmin takes the number of a logon's answer, why the venue ends a session, and rejects of ours.
func (a *app) FromAdmin(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	defer a.guard("FromAdmin")
	r := &reader{body: &m.Body.FieldMap}
	switch {
	case m.IsMsgTypeOf(fix44.MsgLogon):
		if seq, err := m.Header.GetInt(fix44.MsgSeqNum); err == nil {
			a.e.waits.Store(int64(seq))
		}
	case m.IsMsgTypeOf(fix44.MsgLogout):
		text := r.text(fix44.Text)
		a.e.said.Store(&text)
	case m.IsMsgTypeOf(fix44.MsgReject):
		seq := r.whole(fix44.RefSeqNum)
		a.e.tell(orders.SessionReject{
			Origin: a.e.origin(m), ID: a.e.sent.id(seq), Reason: r.whole(fix44.SessionRejectReason), Text: r.text(fix44.Text),
		})
	}
	return nil
}

// FromApp hands a message of the venue to the owner. It is never refused: what cannot be read is asked for.
func (a *app) FromApp(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	defer a.guard("FromApp")
	in, err := decode(a.e.cfg.Venue, m, a.e.origin(m))
	if err != nil {
		a.e.cfg.Log.Warn("a report cannot be read", "event", "malformed", "session", a.e.Session(), "err", err)
	}
	for _, v := range in {
		a.e.tell(v)
	}
	return nil
}

// sign says which node speaks.
func (e *Engine) sign(m *quickfix.Message) {
	if e.cfg.Node != "" {
		m.Header.SetString(fix44.SenderSubID, e.cfg.Node)
	}
}

func (e *Engine) origin(m *quickfix.Message) orders.Origin {
	seq, _ := m.Header.GetInt(fix44.MsgSeqNum)
	dup, _ := m.Header.GetBool(fix44.PossDupFlag)
	resend, _ := m.Header.GetBool(fix44.PossResend)
	return orders.Origin{
		Session: e.Session(), Seq: uint64(max(0, seq)), PossDup: dup, PossResend: resend, Recv: market.Timestamp(e.cfg.Now().Wall), //nolint:gosec // not below 0
	}
}

// logs has the engine's events on Debug. Messages are not logged: they are evidence, and in the journal.
type logs struct{ log *slog.Logger }

func (l logs) Create() (quickfix.Log, error) { return l, nil }
func (l logs) CreateSessionLog(id quickfix.SessionID) (quickfix.Log, error) {
	return logs{l.log.With("session", id.String())}, nil
}
func (logs) OnIncoming([]byte)                {}
func (logs) OnOutgoing([]byte)                {}
func (l logs) OnEvent(s string)               { l.log.Debug(s, "event", "fix") }
func (l logs) OnEventf(f string, args ...any) { l.log.Debug(fmt.Sprintf(f, args...), "event", "fix") }
