package strategy

import (
	"fmt"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/goroutine"
	"github.com/failshut/failshut/orders"
)

// handle runs one call of the user's code, then lets its effects leave, then tells the answers that were made here.
func (s *shell) handle(r root, call func(c *Context) error) error {
	s.root, s.ordinal, s.asked = r, 0, s.asked[:0]
	if err := s.call(call, false); err != nil {
		return err
	}
	return s.settle()
}

// settle lets effects leave and tells the answers that were made here, which may make further effects.
func (s *shell) settle() error {
	s.flush()
	for range maxEffects {
		if len(s.answers) == 0 {
			return s.flood.end()
		}
		answers := s.answers
		s.answers = nil
		for _, e := range answers {
			if err := s.tellOrder(e); err != nil {
				return err
			}
			s.flush()
		}
	}
	return nil
}

func (s *shell) call(call func(c *Context) error, stopping bool) error {
	c := s.open(stopping)
	s.mark()
	defer func() {
		s.unmark()
		s.giveBack()
		c.close()
	}()
	err := call(c)
	if err == nil && s.fault != nil {
		err = s.fault
	}
	if err == nil {
		err = s.flood.end()
	}
	if err != nil {
		s.effects = nil
	}
	return err
}

func (s *shell) tellOrder(e OrderEvent) error {
	h, ok := s.user.(OrderHandler)
	if !ok {
		return nil
	}
	return s.call(func(c *Context) error { return h.OnOrder(c, e) }, false)
}

func (s *shell) onTrade(m Message) error {
	t := m.trade
	s.passed(&m, t.Pos)
	if !s.cfg.Interest.Wants(feeds.Trades, t.Instrument) {
		return nil
	}
	h, ok := s.user.(TradeHandler)
	if !ok {
		return nil
	}
	err := s.handle(dataRoot(s.cfg.Incarnation, m.feed, 'T', t.Epoch, t.Seq, m.place-1), func(c *Context) error { return h.OnTrade(c, t) })
	if err != nil {
		return err
	}
	return s.press(t.Instrument)
}

func (s *shell) onQuote(m Message) error {
	q := m.quote
	s.passed(&m, q.Pos)
	if !s.cfg.Interest.Wants(feeds.Quotes, q.Instrument) {
		return nil
	}
	h, ok := s.user.(QuoteHandler)
	if !ok {
		return nil
	}
	err := s.handle(dataRoot(s.cfg.Incarnation, m.feed, 'Q', q.Epoch, q.Seq, m.place-1), func(c *Context) error { return h.OnQuote(c, q) })
	if err != nil {
		return err
	}
	return s.press(q.Instrument)
}

func (s *shell) onState(m Message) error {
	e := m.rest.(feeds.StateChange)
	s.passed(&m, e.Pos)
	h, ok := s.user.(FeedStateHandler)
	if !ok {
		return nil
	}
	return s.handle(stateRoot(s.cfg.Incarnation, m.feed, e), func(c *Context) error { return h.OnFeedState(c, e) })
}

func (s *shell) onGate(g Gate) error {
	h, ok := s.user.(GateHandler)
	if !ok {
		return nil
	}
	return s.handle(momentRoot(s.cfg.Incarnation, ofGate, g.Mode.String()+" "+g.Scope.String(), s.instant), func(c *Context) error { return h.OnGate(c, g) })
}

// onTold takes an event once and in order.
func (s *shell) onTold(m Message) error {
	switch {
	case m.seq <= s.seq:
		return nil // it is in the state that this incarnation started from
	case m.seq != s.seq+1:
		return fmt.Errorf("%w: event %d after %d", ErrMissed, m.seq, s.seq)
	}
	s.seq = m.seq
	return s.hear(m.seq, func() error { return s.onOrder(m.rest.(orders.Event), m.seq) })
}

// onOrder applies evidence to position and orders first, then tells the user, then lets a want go on.
func (s *shell) onOrder(e orders.Event, n uint64) error {
	d := Decision{cause: e.Cause}
	fill, ended := s.book.take(e)
	switch f := s.cfg.Events.Repeated; {
	case e.Kind == orders.EventReopened:
		s.aimReopened(d, e.Instrument)
	case e.Kind == orders.EventRepeated && f != nil:
		f(s.cfg.Name)
	}
	if err := s.tellEvent(e, n, fill, d); err != nil {
		return err
	}
	if !ended {
		return nil
	}
	if err := s.aimEnded(d, e); err != nil {
		return err
	}
	return s.press(e.Instrument) // another want may have waited for this end
}

// tellEvent runs the handlers that the n-th event concerns.
func (s *shell) tellEvent(e orders.Event, n uint64, fill *Fill, d Decision) error {
	return s.handle(reportRoot(s.cfg.Incarnation, &e, n), func(c *Context) error {
		if h, ok := s.user.(FillHandler); ok && fill != nil {
			if err := s.tellFill(c, h, *fill); err != nil {
				return err
			}
		}
		if e.Kind == orders.EventRefused {
			s.flood.add(s.instant)
			s.answer(orderEvent(e, d))
			return nil
		}
		if h, ok := s.user.(OrderHandler); ok {
			return h.OnOrder(c, orderEvent(e, d))
		}
		return nil
	})
}

// tellFill gives OnFill a Context of its own within the call that c is of: what both wish for leaves, or none of it.
func (s *shell) tellFill(c *Context, h FillHandler, f Fill) error {
	c.close()
	own := s.open(c.stop)
	defer func() {
		s.giveBack()
		own.close()
		c.turn.Store(goroutine.ID())
	}()
	return h.OnFill(own, f)
}

func orderEvent(e orders.Event, d Decision) OrderEvent {
	return OrderEvent{
		Kind: e.Kind.String(), Order: e.Order, Decision: d, Instrument: e.Instrument, Side: e.Side, Qty: e.Qty, Cum: e.Cum,
		Leaves: e.Leaves, Price: e.Price, Reason: string(e.Reason), Count: 1, Replay: e.Replay, Paper: e.Paper,
	}
}
