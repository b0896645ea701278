package strategy

import (
	"errors"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// maxEffects bounds what one handler may ask for.
const maxEffects = 64

// refusalEvery is how often a refusal of one reason and instrument is told, so that answering a refusal with an order
// cannot spin.
const refusalEvery = int64(100 * time.Millisecond)

type effect struct {
	intent   risk.Intent
	decision Decision
	beside   bool
	target   bool
}

type refusalKey struct {
	instrument market.Instrument
	reason     string
}

type refusal struct {
	told int64
	kept int
}

// wish takes one wish of a handler. It leaves when the handler has returned nil.
func (s *shell) wish(c *Context, e effect) {
	if !c.open {
		return
	}
	switch {
	case c.stop:
		s.refuse(e, ReasonStopping)
	case !s.started:
		s.refuse(e, ReasonNotReady)
	case len(s.effects) >= maxEffects:
		s.refuse(e, ReasonFlood)
	case !e.intent.Instrument.Valid() || !e.intent.Side.Valid() || !e.intent.Type.Valid() || !e.intent.TIF.Valid() || e.intent.Qty <= 0:
		s.refuse(e, ReasonBadIntent)
	case !e.target && !e.beside && s.aimed(e.intent.Instrument, e.intent.Side):
		s.refuse(e, ReasonMixed)
	default:
		s.effects = append(s.effects, e)
	}
}

// aimed reports whether Target has a working order on that side.
func (s *shell) aimed(i market.Instrument, side market.Side) bool {
	a := s.wants[i]
	if a == nil || !a.has {
		return false
	}
	w := s.book.live[a.order]
	return w != nil && w.Side == side
}

// flush hands the effects over, in order. What the account's box does not take is refused.
func (s *shell) flush() {
	effects := s.effects
	s.effects = nil
	for _, e := range effects {
		in := s.complete(e)
		s.book.add(Working{Decision: e.decision, Instrument: in.Instrument, Side: in.Side, Qty: in.Qty, Leaves: in.Qty, Price: in.Price})
		if err := s.cfg.Desk.Place(in); err != nil {
			s.book.remove(e.decision)
			s.refuse(e, reasonOf(err))
		}
	}
	if f := s.cfg.Events.Decided; f != nil && len(effects) > 0 {
		f(s.cfg.Name, len(effects))
	}
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

// refuse answers a wish with a no that was found here. The same reason for the same instrument is told at most once in
// 100 ms, with the count of those meant.
func (s *shell) refuse(e effect, reason string) {
	if f := s.cfg.Events.Refused; f != nil {
		f(s.cfg.Name, reason)
	}
	if e.target {
		if a := s.wants[e.intent.Instrument]; a != nil && a.order == e.decision {
			a.has = false
			a.want.end(false, s.situation(e.intent.Instrument, a))
		}
	}
	key := refusalKey{e.intent.Instrument, reason}
	r := s.refusals[key]
	if r == nil {
		r = &refusal{told: s.instant - refusalEvery}
		s.refusals[key] = r
	}
	r.kept++
	if s.instant-r.told < refusalEvery {
		return
	}
	s.answers = append(s.answers, OrderEvent{
		Kind: KindRefused, Decision: e.decision, Instrument: e.intent.Instrument, Side: e.intent.Side,
		Qty: e.intent.Qty, Price: e.intent.Price, Reason: reason, Count: r.kept,
	})
	r.told, r.kept = s.instant, 0
}

func (s *shell) cancel(d Decision) {
	w := s.book.live[d]
	if w == nil {
		s.answers = append(s.answers, OrderEvent{Kind: KindRefused, Decision: d, Reason: ReasonNotMine, Count: 1})
		return
	}
	w.Closing = true
	if err := s.cfg.Desk.Cancel(s.cfg.Name, d.cause); err != nil {
		w.Closing = false
		s.log.Error("a cancel was not taken", "err", err, "order", w.Order)
	}
}

func (s *shell) cancelAll() {
	for _, w := range s.book.live {
		w.Closing = true
	}
	if err := s.cfg.Desk.CancelAll(s.cfg.Name); err != nil {
		s.log.Error("a cancel of all orders was not taken", "err", err)
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
