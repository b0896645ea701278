package strategy

import (
	"errors"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// maxEffects bounds what one handler may ask for.
const maxEffects = 64

// refusalEvery is how often a refusal of one reason and instrument is told, whoever refused, so that answering a refusal
// with an order cannot spin.
const refusalEvery = int64(100 * time.Millisecond)

type effect struct {
	intent   risk.Intent
	decision Decision
	beside   bool
	aim      *aim // the goal it serves; nil is a wish by Place
}

type refusalKey struct {
	instrument market.Instrument
	reason     string
}

// refusal is what was refused for one reason and instrument since it was last told, and what to tell of it.
type refusal struct {
	told int64
	kept int
	last OrderEvent
}

// wish takes one wish of a handler. It leaves when the handler has returned nil.
func (s *shell) wish(c *Context, e effect) {
	if !c.may() {
		return
	}
	switch {
	case c.stop:
		s.refuse(e, ReasonStopping)
	case !s.isReady:
		s.refuse(e, ReasonNotReady)
	case len(s.effects) >= maxEffects:
		s.refuse(e, ReasonFlood)
	case !e.intent.Instrument.Valid() || !e.intent.Side.Valid() || !e.intent.Type.Valid() || !e.intent.TIF.Valid() || e.intent.Qty <= 0:
		s.refuse(e, ReasonBadIntent)
	case e.aim == nil && !e.beside && s.aimed(e.intent.Instrument, e.intent.Side):
		s.refuse(e, ReasonMixed)
	default:
		s.effects = append(s.effects, e)
	}
}

// aimed reports whether Target or Rest has an order on that side, working or about to leave.
func (s *shell) aimed(i market.Instrument, side market.Side) bool {
	return s.aimedBeside(&aim{of: aimKey{instrument: i}}, side)
}

// flush hands the effects over, in order. What the account's box does not take is refused.
func (s *shell) flush() {
	effects := s.effects
	s.effects, s.spare = s.spare[:0], nil
	for _, e := range effects {
		in := s.complete(e)
		s.asked = append(s.asked, e.decision)
		added := s.book.add(Working{Decision: e.decision, Instrument: in.Instrument, Side: in.Side, Qty: in.Qty, Leaves: in.Qty, Price: in.Price})
		if err := s.cfg.Desk.Place(in); err != nil {
			if added {
				s.book.remove(e.decision)
			}
			s.refuse(e, reasonOf(err))
		}
	}
	if f := s.cfg.Events.Decided; f != nil && len(effects) > 0 {
		f(s.cfg.Name, len(effects), time.Duration(s.clock()-s.instant))
	}
	clear(effects)
	s.spare = effects[:0]
}

// complete overwrites what is not the user's to say.
func (s *shell) complete(e effect) risk.Intent {
	in := e.intent
	in.ID, in.Cause, in.Account, in.Strategy = "", e.decision.cause, s.cfg.Account, s.cfg.Name
	in.Decided, in.Read, in.DecidedWall = s.instant, s.instant, market.StampOf(s.now)
	if in.TTL <= 0 || in.TTL > s.cfg.TTL {
		in.TTL = s.cfg.TTL
	}
	if in.Side == market.Sell {
		if left, err := s.book.position(in.Instrument).Sub(in.Qty); err != nil || left < 0 {
			in.Short = true
		}
	}
	return in
}

// refuse answers a wish with a no that was found here.
func (s *shell) refuse(e effect, reason string) {
	s.flood.add(s.instant)
	if f := s.cfg.Events.Refused; f != nil {
		f(s.cfg.Name, reason, 1)
	}
	if a := e.aim; a != nil && a.order == e.decision {
		a.has = false
		a.goal.end(false, s.situation(a))
	}
	s.answer(OrderEvent{
		Kind: KindRefused, Decision: e.decision, Instrument: e.intent.Instrument, Side: e.intent.Side,
		Qty: e.intent.Qty, Price: e.intent.Price, Reason: reason,
	})
}

// answer has a refusal told: at once, or in 100 ms with those that were kept back meanwhile. It is the last of them.
func (s *shell) answer(e OrderEvent) {
	if _, listens := s.user.(OrderHandler); !listens {
		return
	}
	key := refusalKey{e.Instrument, e.Reason}
	r := s.refusals[key]
	if r == nil {
		r = &refusal{told: s.instant - refusalEvery}
		s.refusals[key] = r
	}
	r.kept++
	r.last = e
	if wait := r.told + refusalEvery - s.instant; wait > 0 {
		if r.kept == 1 {
			s.self.After(key, time.Duration(wait), Message{kind: gotOwed, rest: key})
		}
		return
	}
	s.due(r)
}

// due is when refusals are told.
func (s *shell) due(r *refusal) {
	e := r.last
	e.Count = r.kept
	s.answers = append(s.answers, e)
	r.told, r.kept = s.instant, 0
}

// onOwed tells refusals that were kept back.
func (s *shell) onOwed(key refusalKey) error {
	r := s.refusals[key]
	if r == nil || r.kept == 0 {
		return nil
	}
	return s.handle(momentRoot(s.cfg.Incarnation, ofRefusals, key.reason+" "+key.instrument.String(), s.instant), func(*Context) error {
		s.due(r)
		return nil
	})
}

// cancel asks for the end of an order. A wish of the same handler has not left, and is taken back.
func (s *shell) cancel(d Decision) {
	if s.takeBack(func(e effect) bool { return e.decision == d }) {
		return
	}
	w := s.book.live[d]
	if w == nil {
		s.refuse(effect{decision: d}, ReasonNotMine)
		return
	}
	w.Closing = true
	if err := s.cfg.Desk.Cancel(s.cfg.Name, d.cause); err != nil {
		w.Closing = false
		s.log.Error("a cancel was not taken", "err", err, "order", w.Order)
	}
}

// takeBack refuses the wishes that a cancel of the same handler means, and reports whether there were any.
func (s *shell) takeBack(meant func(effect) bool) bool {
	var left, back []effect
	for _, e := range s.effects {
		if meant(e) {
			back = append(back, e)
		} else {
			left = append(left, e)
		}
	}
	s.effects = left
	for _, e := range back {
		s.refuse(e, string(orders.ReasonCancelled))
	}
	return len(back) > 0
}

// cancelAll asks for the end of everything, by one message that finds room before any other. An order of which the account has
// not said a word may still be on its way to it, behind this: it is named besides, and then refused when it comes.
func (s *shell) cancelAll() {
	s.takeBack(func(effect) bool { return true })
	if err := s.cfg.Desk.CancelAll(s.cfg.Name); err != nil {
		s.log.Error("a cancel of all orders was not taken", "err", err)
	}
	for _, d := range s.book.inLine {
		w := s.book.live[d]
		w.Closing = true
		if w.Order != "" {
			continue
		}
		if err := s.cfg.Desk.Cancel(s.cfg.Name, d.cause); err != nil {
			s.log.Error("a cancel was not taken", "err", err, "decision", d)
		}
	}
}

// reasonOf names a refused handing over in the words of OrderEvent.Reason.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, mailbox.ErrFull):
		return ReasonFull
	case errors.Is(err, actors.ErrFenced):
		return ReasonFenced
	default:
		return ReasonSuspended
	}
}
