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

// pastOrders is how many of a goal's former orders are known, should one turn out to live.
const pastOrders = 64

// goal is a state that the strategy wants kept, as a value: a position (want) or an order at rest (rest).
type goal interface {
	next(now situation) move
	end(filled bool, now situation) move // of its order, unless the goal itself had it cancelled: then comes next
	pending() (since int64, active bool)
}

// aim is a goal and the decision of its working order.
type aim struct {
	of    aimKey
	goal  goal
	order Decision
	past  []Decision // of the orders before it, oldest first
	has   bool       // order is open or on its way
	own   bool       // its end was asked for by the goal
	kept  bool       // it was placed by an earlier incarnation
	seen  *Working   // where order was found last
}

// aimKey names a goal, and its timer, which lets a held one lapse when no data comes to look at it again. Without a side it is
// Target's.
type aimKey struct {
	instrument market.Instrument
	side       market.Side
}

// aimSides are the goals that an instrument may have, in the order in which they are looked at.
var aimSides = [...]market.Side{0, market.Buy, market.Sell}

// target says a want and takes its first step within the handler.
func (s *shell) target(c *Context, i market.Instrument, qty market.Qty, price market.Price) {
	a := s.aimOf(aimKey{i, 0}, func() goal { return &want{} })
	w := a.goal.(*want)
	switch {
	case !a.has && w.stands(qty, price, s.book.position(i)):
	case a.has && w.works(qty, price):
		s.carry(c, a, w.again(s.instant, s.book.position(i), s.workingOf(a)))
	default:
		s.carry(c, a, w.say(qty, price, s.situation(a)))
	}
}

// rest says what is to rest on a side and takes the first step within the handler.
func (s *shell) rest(c *Context, i market.Instrument, side market.Side, price market.Price, qty market.Qty) {
	a := s.aimOf(aimKey{i, side}, func() goal { return &rest{side: side} })
	r := a.goal.(*rest)
	if a.has && r.works(price, qty) {
		s.carry(c, a, r.again(s.instant, s.workingOf(a)))
		return
	}
	s.carry(c, a, r.say(price, qty, s.situation(a)))
}

func (s *shell) aimOf(key aimKey, first func() goal) *aim {
	if a := s.recent; a != nil && a.of == key {
		return a
	}
	a := s.aims[key]
	if a == nil {
		a = &aim{of: key, goal: first()}
		s.aims[key] = a
		s.adopt(a)
	}
	s.recent = a
	return a
}

// adopt makes an order that an earlier incarnation left working the goal's own: it is kept, moved or cancelled like any, and no
// second one goes beside it. One more than that is cancelled.
func (s *shell) adopt(a *aim) {
	for _, d := range slices.Clone(s.book.restored) {
		w := s.book.live[d]
		if w == nil || w.Closing || w.Instrument != a.of.instrument || (a.of.side != 0 && w.Side != a.of.side) {
			continue // one that is closing is waited for
		}
		s.book.restored = slices.DeleteFunc(s.book.restored, func(x Decision) bool { return x == d })
		if a.has {
			s.cancel(d)
			continue
		}
		a.follow(d)
		a.kept = true
	}
}

// press looks again at goals that data or an end may have set free.
func (s *shell) press(i market.Instrument) error {
	if len(s.aims) == 0 {
		return nil
	}
	for _, side := range aimSides {
		if err := s.pressOne(s.aims[aimKey{i, side}]); err != nil {
			return err
		}
	}
	return nil
}

// pressOne looks at one goal. An order that is on its way is looked at too: the handler that made it may have changed its mind
// before it left.
func (s *shell) pressOne(a *aim) error {
	if a == nil {
		return nil
	}
	if _, active := a.goal.pending(); !active {
		return nil
	}
	return s.step(a, a.goal.next)
}

// onWant is the timer of a held goal. One that was said again meanwhile has more time.
func (s *shell) onWant(key aimKey) error {
	name := key.instrument.String()
	if key.side.Valid() {
		name += " " + key.side.String()
	}
	s.root, s.ordinal = momentRoot(s.cfg.Incarnation, ofWant, name, s.instant), 0
	a := s.aims[key]
	if err := s.pressOne(a); err != nil || a == nil {
		return err
	}
	if since, active := a.goal.pending(); active && !a.has {
		s.self.After(key, time.Duration(since-s.instant)+s.cfg.TTL+1, Message{kind: gotWant, rest: key})
	}
	return nil
}

// step lets a goal go on outside a handler: the same rules, under the name of what is being handled.
func (s *shell) step(a *aim, next func(situation) move) error {
	if err := s.call(func(c *Context) error {
		s.carry(c, a, next(s.situation(a)))
		return nil
	}, false); err != nil {
		return err
	}
	return s.settle()
}

// aimEnded takes the end of a goal's working order.
func (s *shell) aimEnded(d Decision, e orders.Event) error {
	for _, side := range aimSides {
		a := s.aims[aimKey{e.Instrument, side}]
		if a == nil || !a.has || a.order != d {
			continue
		}
		a.has = false
		if a.own {
			a.own = false
			return s.step(a, a.goal.next)
		}
		filled := e.Kind == orders.EventClosed && e.Leaves == 0 && e.Cum >= e.Qty && e.Qty > 0
		return s.step(a, func(now situation) move { return a.goal.end(filled, now) })
	}
	return nil
}

// aimReopened takes back the end of a goal's order that the venue has after all. Two of them would be too much: one that is not
// the last goes, and nothing is sent before it has gone.
func (s *shell) aimReopened(d Decision, i market.Instrument) {
	if d.Zero() {
		return
	}
	for _, side := range aimSides {
		a := s.aims[aimKey{i, side}]
		switch {
		case a == nil:
		case a.order == d:
			a.has, a.own = true, false
		case slices.Contains(a.past, d):
			s.cancel(d)
		}
	}
}

// orderOf finds the goal's order. Memory of an order that has ended belongs to another, or to none.
func (s *shell) orderOf(a *aim) *Working {
	if a.seen == nil || a.seen.Decision != a.order {
		a.seen = s.book.live[a.order]
	}
	return a.seen
}

// workingOf is the order of a goal that has one. What is on its way already, and not among the open orders, is waited for.
func (s *shell) workingOf(a *aim) working {
	w := s.orderOf(a)
	if w == nil {
		return working{closing: true, present: true}
	}
	return working{side: w.Side, qty: w.Qty, leaves: w.Leaves, price: w.Price, kept: a.kept, closing: w.Closing, present: true}
}

// situation gathers all that the next step depends on.
func (s *shell) situation(a *aim) situation {
	now := situation{now: s.instant, ttl: int64(s.cfg.TTL), position: s.book.position(a.of.instrument)}
	if a.has {
		now.order = s.workingOf(a)
	}
	q, known := s.cfg.World.Quote(a.of.instrument)
	now.touch = touch{q.Bid.Price, q.Ask.Price}
	now.bought, now.sold = s.aimedBeside(a, market.Buy), s.aimedBeside(a, market.Sell)
	now.doubt = s.doubt(a, q, known)
	return now
}

// doubt is the first reason for which nothing may be sent.
func (s *shell) doubt(a *aim, q feeds.Quote, known bool) string {
	i := a.of.instrument
	mode := s.cfg.World.Gate(i).Mode
	switch {
	case s.book.doubtful(i):
		return "unknown"
	case mode != risk.Open && mode != risk.ReduceOnly:
		return "gate"
	case s.closing(a):
		return "closing"
	case !known || s.blind(i) || q.Tradable() != nil:
		return "book"
	}
	return ""
}

// closing reports whether an order that is not the goal's own is on its way out. What it still fills is not in the position,
// which a want depends on; an order at rest depends on its own side alone.
func (s *shell) closing(a *aim) bool {
	for _, d := range s.book.inLine {
		w := s.book.live[d]
		own := a.has && a.order == d
		if w.Instrument == a.of.instrument && w.Closing && !own && (a.of.side == 0 || a.of.side == w.Side) {
			return true
		}
	}
	return false
}

// aimedBeside reports whether another goal of the instrument has an order on that side, working or about to leave.
func (s *shell) aimedBeside(a *aim, side market.Side) bool {
	for _, of := range aimSides {
		if b := s.aims[aimKey{a.of.instrument, of}]; b != nil && b != a && s.has(b, side) {
			return true
		}
	}
	return false
}

// has reports whether the goal has an order on that side, working or about to leave.
func (s *shell) has(a *aim, side market.Side) bool {
	if !a.has {
		return false
	}
	if w := s.book.live[a.order]; w != nil {
		return w.Side == side
	}
	return slices.ContainsFunc(s.effects, func(e effect) bool { return e.aim == a && e.intent.Side == side })
}

// carry carries out one step of a goal.
func (s *shell) carry(c *Context, a *aim, m move) {
	i := a.of.instrument
	switch m.kind {
	case send:
		s.sendLeg(c, a, m)
	case cancelIt:
		a.own = true
		s.cancel(a.order)
	case hold:
		s.self.After(a.of, s.cfg.TTL+1, Message{kind: gotWant, rest: a.of})
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

// sendLeg wishes for the order of a goal: a limit that takes the far touch and dies, or one that rests at its price.
func (s *shell) sendLeg(c *Context, a *aim, m move) {
	d := s.root.nth(s.ordinal)
	s.ordinal++
	a.follow(d)
	i := a.of.instrument
	in := risk.Intent{Instrument: i, Side: m.side, Type: market.Limit, TIF: market.Day, Qty: m.qty, Price: m.price, ReduceOnly: m.reduce}
	if m.price == 0 && a.of.side == 0 {
		q, _ := s.cfg.World.Quote(i)
		price, err := farTouch(s.contracts[i], q, m.side)
		if err != nil {
			s.refuse(effect{intent: in, decision: d, aim: a}, ReasonBadIntent)
			return
		}
		in.TIF, in.Price = market.IOC, price
	}
	s.wish(c, effect{intent: in, decision: d, aim: a})
}

// follow makes d the goal's working order.
func (a *aim) follow(d Decision) {
	if !a.order.Zero() {
		a.past = append(a.past, a.order)
		a.past = a.past[max(0, len(a.past)-pastOrders):]
	}
	a.order, a.has, a.own, a.kept = d, true, false, false
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
