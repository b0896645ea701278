package strategy

import (
	"time"

	"github.com/failshut/failshut/market"
)

// want is what a strategy last said an instrument's position should be, and how far that has come. It is a pure state
// machine: it sees the position, the one working order it may have, and whether anything forbids sending, and says the
// next step. Time and all facts are arguments.
//
// Rules: the same want again changes nothing; at most one working order; a working order that does not fit is cancelled
// and its end awaited; a change of sign goes through flat in two legs; in doubt nothing is sent, and a want that could
// not be acted on lapses, so that reopening never fires an old wish.
type want struct {
	qty    market.Qty
	price  market.Price // where its orders rest; 0 takes the far touch
	said   int64        // instant of saying
	active bool         // still to be acted on
	tried  bool         // an order of this want was sent and ended, or was refused
	held   string
	ended  int64 // instant of the last end or refusal
	touch  touch // when it was said
}

// heldMixed is why a goal is held whose side has an order of another goal: there are never two on a side unless asked for.
const heldMixed = "mixed"

// touch is what both sides of the book showed: a wish is tried again when it has changed.
type touch struct{ bid, ask market.Price }

// retryAfter is how long an unanswered wish that is said again is absorbed, when nothing else has changed.
const retryAfter = int64(250 * time.Millisecond)

// situation is all that the next step depends on.
type situation struct {
	now      int64
	ttl      int64
	position market.Qty // from executions alone
	order    working    // the working order of this goal, if any
	doubt    string     // why nothing may be sent: unknown, gate, book, session, closing; empty when clear
	bought   bool       // another goal has a working order to buy
	sold     bool       // and another one to sell
	touch    touch
}

// taken reports whether another goal has an order on that side.
func (s situation) taken(side market.Side) bool {
	if side == market.Buy {
		return s.bought
	}
	return s.sold
}

type working struct {
	side    market.Side
	qty     market.Qty
	leaves  market.Qty
	price   market.Price
	kept    bool // an earlier incarnation placed it
	closing bool
	present bool
}

type stepKind uint8

const (
	nothing  stepKind = iota
	send              // an order of qty on side
	cancelIt          // cancel the working order and await its end
	hold              // tell once that the want is held, and why
	lapse             // tell that the want has lapsed
	absorb            // said again with nothing to do: counted
)

type move struct {
	kind   stepKind
	side   market.Side
	qty    market.Qty
	price  market.Price // 0 is the far touch
	reduce bool
	reason string
}

// say sets the want. Saying what is already so, or what was tried a moment ago at the same price, is absorbed.
func (w *want) say(qty market.Qty, price market.Price, s situation) move {
	same := w.qty == qty && w.price == price
	if w.active && same {
		w.said = s.now
		return w.next(s)
	}
	again := w.tried && same && s.now-w.ended < retryAfter && w.touch == s.touch
	if again && s.position != qty {
		return move{kind: absorb}
	}
	*w = want{qty: qty, price: price, said: s.now, active: true, touch: s.touch}
	return w.next(s)
}

// works reports whether the want is said again while it is acted on.
func (w *want) works(qty market.Qty, price market.Price) bool {
	return w.active && w.qty == qty && w.price == price
}

// again is say for a want that works and has an order: that and the position decide alone, and what is around it is not looked at,
// for a strategy says the same with every tick.
func (w *want) again(now int64, position market.Qty, o working) move {
	w.said = now
	need, err := w.qty.Sub(position)
	if err != nil {
		w.active = false
		return move{kind: lapse, reason: "overflow"}
	}
	return w.review(need, o)
}

// stands reports whether the want is said again where the position is what is wanted and no order works: it is not acted on, and
// what was tried for it is forgotten.
func (w *want) stands(qty market.Qty, price market.Price, position market.Qty) bool {
	if w.active || w.qty != qty || w.price != price || position != qty {
		return false
	}
	w.tried, w.held = false, ""
	return true
}

// next gives the step that brings the position nearer to the want.
func (w *want) next(s situation) move {
	if !w.active {
		return move{kind: nothing}
	}
	if s.order.present {
		return w.again(w.said, s.position, s.order)
	}
	need, err := w.qty.Sub(s.position)
	if err != nil {
		w.active = false
		return move{kind: lapse, reason: "overflow"}
	}
	if need == 0 {
		w.active = false
		return move{kind: nothing}
	}
	if s.now-w.said > s.ttl {
		w.active = false
		return move{kind: lapse, reason: w.held}
	}
	if s.doubt != "" {
		return w.hold(s.doubt)
	}
	if s.taken(sideOf(need)) {
		return w.hold(heldMixed)
	}
	w.held = ""
	return w.leg(need, s)
}

// review judges the working order against what is needed: it stays when it fits or is too small, for its end is
// followed by the rest; it goes when it is on the wrong side, too large, or rests elsewhere.
func (w *want) review(need market.Qty, o working) move {
	if o.closing {
		return move{kind: nothing}
	}
	elsewhere := w.price != o.price && (w.price != 0 || o.kept) // one that was kept rests, where the far touch is wanted
	if need != 0 && !elsewhere && sideOf(need) == o.side && o.leaves <= magnitude(need) {
		return move{kind: nothing}
	}
	return move{kind: cancelIt}
}

// leg is the next order: to flat first when the want lies beyond zero, for a flattening order passes where a new risk would not.
func (w *want) leg(need market.Qty, s situation) move {
	qty, reduce := need, false
	if s.position != 0 && sideOf(need) != sideOf(s.position) {
		reduce = true
		if magnitude(need) > magnitude(s.position) {
			qty = -s.position
		}
	}
	return move{kind: send, side: sideOf(qty), qty: magnitude(qty), price: w.price, reduce: reduce}
}

func (w *want) hold(reason string) move {
	if w.held == reason {
		return move{kind: nothing}
	}
	w.held = reason
	return move{kind: hold, reason: reason}
}

// end takes the end of the working order, or its refusal. A leg that filled whole lets the want go on; anything else
// is not tried again by itself.
func (w *want) end(filled bool, s situation) move {
	w.tried, w.ended = true, s.now
	if !filled {
		w.active = false
		return move{kind: nothing}
	}
	return w.next(s)
}

func (w *want) pending() (since int64, active bool) { return w.said, w.active }

func sideOf(q market.Qty) market.Side {
	if q < 0 {
		return market.Sell
	}
	return market.Buy
}

// magnitude of a quantity; the least quantity has none that fits and is never reached, for positions are bounded by limits.
func magnitude(q market.Qty) market.Qty {
	if q < 0 {
		return -q
	}
	return q
}
