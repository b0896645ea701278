package strategy

import (
	"slices"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// farTouchBps is how far beyond the far touch Target's order may pay.
const farTouchBps = 5

// pastOrders is how many of a want's former orders are known, should one turn out to live.
const pastOrders = 64

// aim is a want and the decision of its working order.
type aim struct {
	want  want
	order Decision
	past  []Decision // of the orders before it, oldest first
	has   bool       // order is open or on its way
	own   bool       // its end was asked for by the want
}

// wantKey is the timer that lets a held want lapse when no data comes to look at it again.
type wantKey struct{ instrument market.Instrument }

// target says a want and takes its first step within the handler.
func (s *shell) target(c *Context, i market.Instrument, qty market.Qty) {
	a := s.wants[i]
	if a == nil {
		a = &aim{}
		s.wants[i] = a
	}
	s.carry(c, i, a, a.want.say(qty, s.situation(i, a)))
}

// press looks again at a want that data may have set free.
func (s *shell) press(i market.Instrument) error {
	a := s.wants[i]
	if a == nil || !a.want.active || a.has {
		return nil
	}
	return s.step(i, a, a.want.next)
}

// onWant is the timer of a held want. One that was said again meanwhile has more time.
func (s *shell) onWant(i market.Instrument) error {
	s.root, s.ordinal = momentRoot(s.cfg.Incarnation, ofWant, i.String(), s.instant), 0
	if err := s.press(i); err != nil {
		return err
	}
	if a := s.wants[i]; a != nil && a.want.active && !a.has {
		s.self.After(wantKey{i}, time.Duration(a.want.said-s.instant)+s.cfg.TTL+1, Message{kind: gotWant, rest: i})
	}
	return nil
}

// step lets a want go on outside a handler: the same rules, under the name of what is being handled.
func (s *shell) step(i market.Instrument, a *aim, next func(situation) move) error {
	if err := s.call(func(c *Context) error {
		s.carry(c, i, a, next(s.situation(i, a)))
		return nil
	}, false); err != nil {
		return err
	}
	return s.settle()
}

// aimEnded takes the end of a want's working order.
func (s *shell) aimEnded(d Decision, e orders.Event) error {
	a := s.wants[e.Instrument]
	if a == nil || !a.has || a.order != d {
		return nil
	}
	a.has = false
	if a.own {
		a.own = false
		return s.step(e.Instrument, a, a.want.cancelled)
	}
	filled := e.Kind == orders.EventClosed && e.Leaves == 0 && e.Cum >= e.Qty && e.Qty > 0
	return s.step(e.Instrument, a, func(now situation) move { return a.want.end(filled, now) })
}

// aimReopened takes back the end of a want's order that the venue has after all. Two of them would be too much: one that is not
// the last goes, and nothing is sent before it has gone.
func (s *shell) aimReopened(d Decision, i market.Instrument) {
	a := s.wants[i]
	switch {
	case a == nil || d.Zero():
	case a.order == d:
		a.has, a.own = true, false
	case slices.Contains(a.past, d):
		s.cancel(d)
	}
}

// situation gathers what the next step depends on.
func (s *shell) situation(i market.Instrument, a *aim) situation {
	now := situation{now: s.instant, ttl: int64(s.cfg.TTL), position: s.book.position(i)}
	q, known := s.cfg.World.Quote(i)
	now.touch = touch{q.Bid.Price, q.Ask.Price}
	if a.has {
		if w := s.book.live[a.order]; w != nil {
			now.order = working{side: w.Side, leaves: w.Leaves, closing: w.Closing, present: true}
		} else {
			now.order = working{closing: true, present: true}
		}
	}
	now.doubt = s.doubt(i, q, known)
	return now
}

// doubt is the first reason for which nothing may be sent.
func (s *shell) doubt(i market.Instrument, q feeds.Quote, known bool) string {
	mode, _ := s.cfg.World.Gate()
	switch {
	case s.book.doubtful(i):
		return "unknown"
	case mode != risk.Open && mode != risk.ReduceOnly:
		return "gate"
	case s.closing(i):
		return "closing"
	case !known || s.blind(i) || q.Tradable() != nil:
		return "book"
	}
	return ""
}

// closing reports whether an order that is not of a want is on its way out: what it still fills is not in the position.
func (s *shell) closing(i market.Instrument) bool {
	a := s.wants[i]
	for _, d := range s.book.inLine {
		if w := s.book.live[d]; w.Instrument == i && w.Closing && (a == nil || !a.has || a.order != d) {
			return true
		}
	}
	return false
}

// carry carries out one step of a want.
func (s *shell) carry(c *Context, i market.Instrument, a *aim, m move) {
	switch m.kind {
	case send:
		s.sendLeg(c, i, a, m)
	case cancelIt:
		a.own = true
		s.cancel(a.order)
	case hold:
		s.self.After(wantKey{i}, s.cfg.TTL+1, Message{kind: gotWant, rest: i})
		s.tell(KindHeld, i, m.reason)
		if f := s.cfg.Events.Held; f != nil {
			f(s.cfg.Name, m.reason)
		}
	case lapse:
		s.tell(KindLapsed, i, m.reason)
		if f := s.cfg.Events.Lapsed; f != nil {
			f(s.cfg.Name)
		}
	case absorb:
		if f := s.cfg.Events.Absorbed; f != nil {
			f(s.cfg.Name)
		}
	case nothing:
	}
}

func (s *shell) tell(kind string, i market.Instrument, reason string) {
	s.answers = append(s.answers, OrderEvent{Kind: kind, Instrument: i, Reason: reason, Count: 1})
}

func (s *shell) sendLeg(c *Context, i market.Instrument, a *aim, m move) {
	d := s.root.nth(s.ordinal)
	s.ordinal++
	a.follow(d)
	q, _ := s.cfg.World.Quote(i)
	price, err := farTouch(s.contracts[i], q, m.side)
	in := risk.Intent{
		Instrument: i, Side: m.side, Type: market.Limit, TIF: market.IOC, Qty: m.qty, Price: price, ReduceOnly: m.reduce,
	}
	e := effect{intent: in, decision: d, target: true}
	if err != nil {
		s.refuse(e, ReasonBadIntent)
		return
	}
	s.wish(c, e)
}

// follow makes d the want's working order.
func (a *aim) follow(d Decision) {
	if !a.order.Zero() {
		a.past = append(a.past, a.order)
		a.past = a.past[max(0, len(a.past)-pastOrders):]
	}
	a.order, a.has, a.own = d, true, false
}

// farTouch is the price that takes the other side and a little more, on tick and never better than the touch itself.
func farTouch(c market.Contract, q feeds.Quote, side market.Side) (market.Price, error) {
	touch, sign := q.Ask.Price, market.Price(1)
	if side == market.Sell {
		touch, sign = q.Bid.Price, -1
	}
	beyond, err := touch.Bps(farTouchBps, false)
	if err != nil {
		return 0, err
	}
	p, err := touch.Add(sign * beyond)
	if err != nil {
		return 0, err
	}
	return c.ToTick(p, side == market.Sell)
}
