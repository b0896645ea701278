package strategy

import (
	"slices"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// blotter is what the strategy's shell knows of its own orders and positions: from the events of orders alone.
type blotter struct {
	held   map[market.Instrument]*account
	factor func(market.Instrument) market.Factor
	live   map[Decision]*Working
	inLine []Decision // of live, oldest first
	// restored are orders of an earlier incarnation that no goal has adopted, oldest first.
	restored []Decision
	spare    []*Working // memory of orders that have ended
}

// newBlotter goes on from a state. Factor gives the multiplier of an instrument's contract.
func newBlotter(s State, factor func(market.Instrument) market.Factor) *blotter {
	b := &blotter{held: map[market.Instrument]*account{}, factor: factor, live: map[Decision]*Working{}}
	for _, p := range s.Positions {
		a := b.of(p.Instrument)
		a.opening = p
		a.begin()
	}
	for _, e := range s.Executions {
		b.of(e.Instrument).execute(e)
	}
	for _, w := range s.Working {
		b.add(w)
		b.restored = append(b.restored, w.Decision)
	}
	return b
}

// add takes an order in, and reports whether it is a new one.
func (b *blotter) add(w Working) bool {
	if _, known := b.live[w.Decision]; known {
		return false
	}
	kept := b.make()
	*kept = w
	b.live[w.Decision] = kept
	b.inLine = append(b.inLine, w.Decision)
	return true
}

// make finds memory for an order: that of one which has ended, if there is any.
func (b *blotter) make() *Working {
	n := len(b.spare)
	if n == 0 {
		return new(Working)
	}
	w := b.spare[n-1]
	b.spare = b.spare[:n-1]
	return w
}

// remove forgets an order. Who has a pointer to it has it no longer.
func (b *blotter) remove(d Decision) {
	if w := b.live[d]; w != nil {
		*w = Working{}
		b.spare = append(b.spare, w)
	}
	delete(b.live, d)
	if i := slices.Index(b.inLine, d); i >= 0 {
		b.inLine = slices.Delete(b.inLine, i, i+1)
	}
}

func (b *blotter) of(i market.Instrument) *account {
	a := b.held[i]
	if a == nil {
		a = &account{factor: b.factor(i)}
		b.held[i] = a
	}
	return a
}

// position is the signed quantity alone, for who asks with every message.
func (b *blotter) position(i market.Instrument) market.Qty {
	if a := b.held[i]; a != nil {
		return a.sum.Qty()
	}
	return 0
}

// standing is all that a user is told of a position.
func (b *blotter) standing(i market.Instrument) Position {
	p := Position{Instrument: i}
	if a := b.held[i]; a != nil {
		p = a.position(i)
	}
	p.Unknown = p.Unknown || b.doubtful(i)
	return p
}

// positions are those that are not zero, sorted by instrument.
func (b *blotter) positions() []Position {
	var out []Position
	for i, a := range b.held {
		if a.sum.Qty() != 0 || a.broken != nil {
			out = append(out, b.standing(i))
		}
	}
	slices.SortFunc(out, func(x, y Position) int { return x.Instrument.Compare(y.Instrument) })
	return out
}

func (b *blotter) working(i market.Instrument) []Working {
	var out []Working
	for _, d := range b.inLine {
		if w := b.live[d]; w.Instrument == i {
			out = append(out, *w)
		}
	}
	return out
}

// doubtful reports whether an order of unknown state may yet change the position.
func (b *blotter) doubtful(i market.Instrument) bool {
	if a := b.held[i]; a != nil && a.broken != nil {
		return true
	}
	for _, d := range b.inLine {
		if w := b.live[d]; w.Instrument == i && w.Unknown {
			return true
		}
	}
	return false
}

// take applies an event of orders. It returns the fill the event carries, if any, and whether the order has ended.
func (b *blotter) take(e orders.Event) (fill *Fill, ended bool) {
	d := Decision{cause: e.Cause}
	fill = b.fill(e, d)
	w := b.live[d]
	switch e.Kind {
	case orders.EventClosed, orders.EventRefused, orders.EventUnsent:
		if ofRequest(e) {
			if w != nil {
				w.Closing = false
			}
			return fill, false
		}
		b.remove(d)
		return fill, w != nil
	case orders.EventRepeated:
		// The wish is an old one. If its first order has ended, that has told its own story.
		if w != nil && w.Order == "" && e.Leaves == 0 && e.Status != orders.StatusUnknown {
			b.remove(d)
			return fill, true
		}
	case orders.EventReopened:
		b.add(Working{Order: e.Order, Decision: d, Instrument: e.Instrument, Side: e.Side, Qty: e.Qty, Leaves: e.Leaves, Price: e.Price})
		return fill, false
	case orders.EventRestated:
		b.of(e.Instrument).restate(e.Order, e.Cum)
	case orders.EventUnknown:
		if w != nil {
			w.Unknown = true
		}
	case orders.EventResolved:
		if w != nil {
			w.Unknown = false
		}
	case orders.EventCancelRejected, orders.EventCancelLost:
		if w != nil {
			w.Closing = false
		}
	default:
	}
	if w != nil {
		w.Order, w.Qty, w.Leaves, w.Price = e.Order, e.Qty, e.Leaves, e.Price
	}
	return fill, false
}

// ofRequest reports whether e speaks of a request for the order, such as a cancel that did not leave, and not of the order.
func ofRequest(e orders.Event) bool { return e.Order != "" && e.Request != "" && e.Request != e.Order }

// fill moves the position by an execution fact. A position that no longer fits its type is broken: nothing more is sent
// for that instrument.
func (b *blotter) fill(e orders.Event, d Decision) *Fill {
	f := fillOf(e, d)
	if f == nil {
		return nil
	}
	by := Execution{Order: e.Order, Exec: e.Exec, Instrument: e.Instrument, Qty: f.Qty * market.Qty(e.Side.Sign()), Price: e.LastPx}
	if f.Kind == Filled {
		b.of(e.Instrument).execute(by)
	} else {
		b.of(e.Instrument).change(e.Ref, by)
	}
	return f
}

// fillOf is the execution fact that an event carries, if any. The quantity of a bust is below zero: what it takes away.
func fillOf(e orders.Event, d Decision) *Fill {
	var kind FillKind
	switch e.Kind {
	case orders.EventFill:
		kind = Filled
	case orders.EventBusted:
		kind = Busted
	case orders.EventCorrected:
		kind = Corrected
	default:
		return nil
	}
	return &Fill{
		Instrument: e.Instrument, Side: e.Side, Qty: e.LastQty, Price: e.LastPx, Exec: e.Exec, Order: e.Order,
		Decision: d, Kind: kind, Replay: e.Replay, Paper: e.Paper,
	}
}
