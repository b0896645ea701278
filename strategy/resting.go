package strategy

import "github.com/failshut/failshut/market"

// rest is what a strategy last said should rest on one side of an instrument, and how far that has come: the pure state
// machine of Context.Rest, beside want, which is that of Context.Target.
//
// Rules: the same said again changes nothing while its order works; one order at most; an order of another price or size is
// cancelled and its end awaited before the next leaves; in doubt nothing is sent, and what could not be acted on lapses. An
// order that was filled whole is not followed by another before the strategy says so again.
type rest struct {
	side   market.Side
	qty    market.Qty // 0 wants nothing to rest
	price  market.Price
	said   int64 // instant of saying
	active bool  // still to be acted on
	tried  bool  // its order ended unfilled, or was refused
	held   string
	ended  int64 // instant of that
	touch  touch // when it was said
}

// say sets what is to rest. What was tried a moment ago in the same market is absorbed.
func (r *rest) say(price market.Price, qty market.Qty, s situation) move {
	same := r.price == price && r.qty == qty
	switch {
	case same && r.active:
		r.said = s.now
	case same && r.tried && s.now-r.ended < retryAfter && r.touch == s.touch:
		return move{kind: absorb}
	default:
		*r = rest{side: r.side, price: price, qty: qty, said: s.now, active: true, touch: s.touch, held: r.held}
	}
	return r.next(s)
}

// again is say for what works and has an order, as want.again.
func (r *rest) again(now int64, o working) move {
	r.said = now
	if o.closing || r.qty == o.qty && r.price == o.price {
		return move{kind: nothing}
	}
	return move{kind: cancelIt}
}

// works reports whether the same is said again while it is acted on.
func (r *rest) works(price market.Price, qty market.Qty) bool {
	return r.active && r.price == price && r.qty == qty
}

// next gives the step that brings what rests nearer to what should.
func (r *rest) next(s situation) move {
	switch {
	case !r.active:
		return move{kind: nothing}
	case s.order.present:
		return r.again(r.said, s.order)
	case r.qty == 0:
		r.active, r.held = false, ""
		return move{kind: nothing}
	case s.now-r.said > s.ttl:
		r.active = false
		return move{kind: lapse, reason: r.held}
	case s.doubt != "":
		return r.hold(s.doubt)
	case s.taken(r.side):
		return r.hold(heldMixed)
	}
	r.held = ""
	return move{kind: send, side: r.side, qty: r.qty, price: r.price}
}

// hold tells a reason once, and not again before another or none was the case.
func (r *rest) hold(reason string) move {
	if r.held == reason {
		return move{kind: nothing}
	}
	r.held = reason
	return move{kind: hold, reason: reason}
}

// end takes the end of the order, or its refusal. Nothing follows it by itself.
func (r *rest) end(filled bool, s situation) move {
	r.active, r.tried, r.ended = false, !filled, s.now
	return move{kind: nothing}
}

func (r *rest) pending() (since int64, active bool) { return r.said, r.active }
