package fix

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// line is the session as one incarnation of the account's owner has it.
type line struct {
	e      *Engine
	ear    orders.Ear
	next   atomic.Uint64 // number of the first message that the owner was not handed
	broken atomic.Bool   // the owner could not follow: nothing more is handed until the next logon
	fresh  atomic.Bool   // no logon yet: its numbers are the journal's
}

var _ orders.Line = (*line)(nil)

// Dial gives the session to an incarnation of the account's owner: what an orders.AccountConfig calls. An earlier one hears nothing any more.
func (e *Engine) Dial(ear orders.Ear) (orders.Line, error) {
	l := &line{e: e, ear: ear}
	l.next.Store(max(1, ear.NextIn(e.Session())))
	l.fresh.Store(true)
	e.hand.Lock()
	defer e.hand.Unlock()
	e.line.Store(l)
	return l, nil
}

// Connect has the engine log on. What comes of it is handed on as Links.
func (l *line) Connect() error {
	if err := l.fenced(); err != nil {
		return err
	}
	life := l.e.life.Load()
	if life == nil {
		return fmt.Errorf("%w: session %s does not run", ErrLinkDown, l.e.Session())
	}
	life.bridge.connect()
	return nil
}

// Disconnect drops the link without a word.
func (l *line) Disconnect(string) error {
	if life := l.e.life.Load(); life != nil {
		life.bridge.cut()
	}
	return nil
}

// Logout says so to the venue, which answers and ends the session.
func (l *line) Logout() error {
	return l.e.put(l.e.urgent, item{message: message(fix44.MsgLogout)}, "logout")
}

func (l *line) fenced() error {
	if l.ear.Fence == nil {
		return nil
	}
	return l.ear.Fence()
}

// Place implements orders.Gateway.
func (l *line) Place(p risk.Permit, n orders.New) error {
	now, err := l.permitted(p)
	if err != nil {
		return fmt.Errorf("order %s: %w", n.ID, err)
	}
	m, err := encodeNew(&n, market.Timestamp(now.Wall))
	if err != nil {
		return fmt.Errorf("order %s: %w", n.ID, err)
	}
	return l.e.put(l.e.usual, item{message: m, order: true, since: now.Mono}, string(n.ID))
}

// Replace implements orders.Gateway.
func (l *line) Replace(p risk.Permit, r orders.Replace) error {
	now, err := l.permitted(p)
	if err != nil {
		return fmt.Errorf("replace %s: %w", r.ID, err)
	}
	m, err := encodeReplace(&r, market.Timestamp(now.Wall))
	if err != nil {
		return fmt.Errorf("replace %s: %w", r.ID, err)
	}
	return l.e.put(l.e.usual, item{message: m, order: true, since: now.Mono}, string(r.ID))
}

// permitted spends a permit, if its request could leave now.
func (l *line) permitted(p risk.Permit) (risk.Reading, error) {
	if l.e.logon.Load()&1 == 0 {
		return risk.Reading{}, ErrLinkDown
	}
	if err := l.fenced(); err != nil {
		return risk.Reading{}, err
	}
	now := l.e.cfg.Now()
	return now, p.Spend(now)
}

// Cancel implements orders.Gateway.
func (l *line) Cancel(c orders.Cancel) error {
	return l.urgently(encodeCancel(&c, market.Timestamp(l.e.cfg.Now().Wall)), string(c.ID))
}

// MassCancel implements orders.Gateway. A strategy is nothing that a venue knows.
func (l *line) MassCancel(s orders.Scope) error {
	if s.Strategy != "" {
		return fmt.Errorf("mass cancel of strategy %s: %w", s.Strategy, ErrUnsupported)
	}
	id := l.e.massID("Q")
	return l.urgently(encodeMassCancel(s, id, market.Timestamp(l.e.cfg.Now().Wall)), id)
}

// Ask implements orders.Gateway.
func (l *line) Ask(q orders.Question) error {
	id := l.e.massID("S")
	return l.urgently(encodeQuestion(&q, id), id)
}

// massID is an id of a request that is no order's: its answer is known by its kind, so it need not outlive anything.
func (e *Engine) massID(kind string) string {
	out, _ := e.store.counters()
	return kind + strconv.Itoa(out) + "-" + strconv.FormatUint(e.masses.Add(1), 10)
}

func (l *line) urgently(m *quickfix.Message, id string) error {
	if err := l.fenced(); err != nil {
		return err
	}
	return l.e.put(l.e.urgent, item{message: m}, id)
}

// put hands a message over to the wire. It never waits.
func (e *Engine) put(lane chan item, i item, id string) error {
	i.logon = e.logon.Load()
	if i.logon&1 == 0 {
		return fmt.Errorf("%s: %w", id, ErrLinkDown)
	}
	select {
	case lane <- i:
		return nil
	default:
		return fmt.Errorf("%s: %w: %d", id, ErrFull, cap(lane))
	}
}

// Send is the turn that gives the engine what waits for the wire, cancels and questions first. What was handed over in a logon that is over
// does not leave, nor an order that has waited too long: both are in doubt, and the venue is asked.
func (l *Life) Send(ctx context.Context) error {
	for {
		var next item
		select {
		case next = <-l.e.urgent:
		default:
			select {
			case <-ctx.Done():
				return nil
			case next = <-l.e.urgent:
			case next = <-l.e.usual:
			}
		}
		if err := l.e.send(next); err != nil {
			l.e.dropped.Add(1)
			l.e.cfg.Log.Debug("not sent", "event", "fix", "session", l.e.Session(), "err", err)
		}
	}
}

func (e *Engine) send(i item) error {
	switch age := e.cfg.Now().Mono - i.since; {
	case i.logon != e.logon.Load():
		return ErrLinkDown
	case i.order && age > int64(e.cfg.MaxAge):
		return fmt.Errorf("%w: it waited for %d ns", ErrFull, age)
	}
	return quickfix.SendToTarget(i.message, e.id)
}

// Dropped is how many messages were handed over and did not leave: each is in doubt, and asked for.
func (e *Engine) Dropped() uint64 { return e.dropped.Load() }
