package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// survivor is the venue of a trial, which no death of a node ends.
type survivor struct {
	exchange *sim.Exchange
	book     feeds.Sink // what shows it the market
	host     *host      // of the process that lives
}

// host runs the exchange in the system of one process. When that is dead the exchange goes on in the next one.
type host struct {
	exchange *sim.Exchange
	dead     bool
}

func (h *host) child() supervision.Child {
	return supervision.DefaultChild(exchangeName, func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn[sim.ExchangeMessage](b, h, actors.WithBox(sim.ExchangeBox()))
		return err
	})
}

// Starting is that of the exchange.
func (h *host) Starting(c *actors.Context[sim.ExchangeMessage]) error { return h.exchange.Starting(c) }

// Receive is that of the exchange, while the process lives.
func (h *host) Receive(c *actors.Context[sim.ExchangeMessage], m sim.ExchangeMessage) error {
	if h.dead {
		return nil
	}
	return h.exchange.Receive(c, m)
}

// Stopping ends the exchange's day, but not with the process that died.
func (h *host) Stopping(c *actors.Context[sim.ExchangeMessage], r actors.Reason) error {
	if h.dead {
		return nil
	}
	return h.exchange.Stopping(c, r)
}

// wire is the way from a process to the venue: what is in it when the process dies arrives, and nothing after.
type wire struct {
	sim.Port
	life *trialLife
}

var errCut = errors.New("the process is dead")

// Logon opens a session.
func (w *wire) Logon(s sim.Session) error {
	if w.life.dead {
		return errCut
	}
	return w.Port.Logon(s)
}

// Receive takes a request.
func (w *wire) Receive(id sim.SessionID, r sim.Request) error {
	if w.life.dead {
		return errCut
	}
	return w.Port.Receive(id, r)
}

// downTime is how long there is no process.
const downTime = 50 * time.Millisecond

var losses = map[strategy.Loss]journal.Loss{
	strategy.LoseAll: journal.LoseAll, strategy.LoseTail: journal.LoseTail, strategy.LoseNothing: journal.LoseNothing,
}

// again is the death of the process, and the life of the next one. What was sent to the venue arrives there, then the venue sees the
// session end. What is left of the dead one is run to its end, where it can do nothing: its disk is gone, and so is its wire.
func (t *trial) again(ctx context.Context) error {
	t.note("the process is dead")
	dead := t.trialLife
	dead.dead, t.told.paused = true, true
	t.disk.Crash(losses[t.cfg.Loss])
	for _, a := range t.plan.Accounts {
		if err := dead.node.world.Port.Logout(sim.SessionID(a.Session), "killed"); err != nil {
			return fmt.Errorf("ending the session of a dead process: %w", err)
		}
	}
	if err := dead.sys.Advance(ctx, 0); err != nil {
		return err
	}
	t.venue.host.dead = true
	at := dead.sys.Now().Add(downTime)
	// One that died while it came up has parts that wait for others, and these are left: nothing of it runs any more.
	if err := dead.sys.Stop(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, actors.ErrUnstopped) {
		return fmt.Errorf("clearing a dead process away: %w", err)
	}
	t.told.interrupted()
	if err := t.live(at); err != nil {
		return err
	}
	return t.run(ctx)
}

// compare holds the orders that the node has open against those of the venue, at a moment at which nothing is under way (J7).
func (t *trial) compare(ctx context.Context) error {
	a, answered := t.node.accounts[0], false
	var open []ledger.NodeOrder
	err := a.Tell(orders.Recall{Strategy: t.plan.Strategies[0].Name, Reply: func(r orders.Recalled) {
		answered = true
		for _, o := range r.Orders {
			open = append(open, ledger.NodeOrder{ID: o.ID})
		}
	}})
	if err == nil {
		err = t.sys.Advance(ctx, 0)
	}
	if err != nil || !answered {
		return fmt.Errorf("asking for the open orders: answered %t, %w", answered, err)
	}
	l, err := ledger.Kept(t.truth.Kept())
	if err != nil {
		return err
	}
	t.answer.Findings = appendFindings(t.answer.Findings, ledger.J7(l, a.plan.Account, open))
	return nil
}

// interrupted says that who was told is dead: the next one is shown where everything stands, and then told the next step.
func (s *script) interrupted() {
	s.seq, s.due, s.paused = 0, false, false
}

// shown is a book as the script has told it.
type shown struct {
	instrument market.Instrument
	state      feeds.State // zero: nothing was said of it
	levels     []feeds.Depth
	quote      feeds.Quote
}

// of finds the book of an instrument.
func (s *script) of(i market.Instrument) *shown {
	for _, b := range s.books {
		if b.instrument == i {
			return b
		}
	}
	b := &shown{instrument: i}
	s.books = append(s.books, b)
	return b
}

// keep remembers what was told of books.
func (s *script) keep(e feeds.Event) {
	switch e := e.(type) {
	case feeds.Quote:
		s.of(e.Instrument).quote = e
	case feeds.Depth:
		s.of(e.Instrument).set(e)
	case feeds.StateChange:
		if e.Instrument.Valid() {
			b := s.of(e.Instrument)
			b.state, b.levels, b.quote = e.State, nil, feeds.Quote{}
		}
	}
}

// set takes one level.
func (b *shown) set(d feeds.Depth) {
	for n := range b.levels {
		if l := &b.levels[n]; l.Side == d.Side && l.Price == d.Price {
			l.Qty = d.Qty
			if d.Qty == 0 {
				b.levels = append(b.levels[:n], b.levels[n+1:]...)
			}
			return
		}
	}
	if d.Qty != 0 {
		b.levels = append(b.levels, d)
	}
}

// show tells everything as it stands, to one who was told nothing.
func (s *script) show(c *actors.Context[turn]) {
	for _, b := range s.books {
		if b.state != 0 && b.state != feeds.Live {
			s.say(c, feeds.StateChange{Instrument: b.instrument, State: b.state, Why: "shown"})
			continue
		}
		for n, d := range b.levels {
			d.Complete = n == len(b.levels)-1
			s.say(c, d)
		}
		if b.quote.Instrument.Valid() {
			s.say(c, b.quote)
		}
	}
}
