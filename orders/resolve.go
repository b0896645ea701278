package orders

import (
	"fmt"

	"github.com/failshut/failshut/market"
)

// What no answer of the venue settles a person may: an operator who has looked, by telephone or at the venue's own screen, says what
// became of an order, and signs for it. The word is evidence like any other and in the journal before it counts; evidence that comes later is
// believed over it. It opens nothing: until the venue's next list of orders is whole, which would contradict it, the account is as
// unreconciled as after a logon.

// Ending is what an operator says has become of an order. The zero value is invalid.
type Ending uint8

// Endings.
const (
	EndingRejected  Ending = iota + 1 // it never was at the venue, or the venue refused it
	EndingCancelled                   // it is over, and what is known to have executed is all
	EndingWorking                     // it works under the terms in force
	EndingFilled                      // it is over, and Qty of it executed
)

var endingWords = [...]string{"invalid", "rejected", "cancelled", "working", "filled"}

// String returns the word of an ending, "invalid" for none.
func (e Ending) String() string {
	if int(e) >= len(endingWords) {
		return endingWords[0]
	}
	return endingWords[e]
}

// ParseEnding reads what String writes.
func ParseEnding(s string) (Ending, error) {
	for i, w := range endingWords[1:] {
		if w == s {
			return Ending(i + 1), nil
		}
	}
	return 0, fmt.Errorf("ending is %q, want one of %v", s, endingWords[1:])
}

// Resolve is an operator's word about an order of unknown state.
type Resolve struct {
	Of    Ref
	As    Ending
	Qty   market.Qty   // of EndingFilled: all that executed of it, what is known included
	Price market.Price // of what was not known of that; 0: the order's
	By    string       // who signs
	Why   string       // what it is said by
}

// Accept is an operator's word that a difference is explained.
type Accept struct {
	Difference uint64 // its number
	By, Why    string
}

func (Resolve) input() {}
func (Accept) input()  {}

// RefusesResolve returns why an operator's word about an order would be refused now, or "".
func (m *Machine) RefusesResolve(v *Resolve) Reason {
	o := m.find(v.Of)
	switch {
	case o == nil:
		return ReasonNoOrder
	case !o.uncertain():
		return ReasonKnown
	case v.As < EndingRejected || v.As > EndingFilled, v.By == "" || v.Why == "", v.Price < 0,
		o.phantom && v.As != EndingRejected, // it has no terms that it could work or be filled by
		v.As == EndingRejected && o.cum > 0,
		v.As == EndingFilled && (v.Qty < o.cum || v.Qty > max(o.qty, o.worst) || v.Qty <= 0),
		v.As != EndingFilled && (v.Qty != 0 || v.Price != 0):
		return ReasonInvalid
	default:
		return ""
	}
}

// resolve ends what is in doubt about an order.
func (m *Machine) resolve(v *Resolve) {
	o := m.find(v.Of)
	if why := m.RefusesResolve(v); why != "" {
		if !m.folding {
			m.refuse(v.Of.ID, o, why)
		}
		return
	}
	m.touch(o)
	m.listWhole = false
	o.doubts, o.absents = 0, 0
	switch v.As {
	case EndingRejected:
		m.operatorEnds(o, wRejected, EventRejected)
	case EndingCancelled:
		m.operatorEnds(o, wCanceled, EventCancelled)
	case EndingWorking:
		m.prove(o)
		m.loseUnknown(o)
		if o.ended() {
			o.w, o.why = wWorking, ""
		}
	case EndingFilled:
		m.prove(o)
		if missing := v.Qty - o.cum; missing > 0 {
			px := v.Price
			if px == 0 {
				px = o.px
			}
			m.makeUp(o, missing, px)
		}
		o.qty = max(o.qty, o.cum)
		if o.cum < o.qty {
			m.operatorEnds(o, wCanceled, EventCancelled)
			return
		}
		m.endRequests(o, false)
	}
}

func (m *Machine) operatorEnds(o *order, w working, k EventKind) {
	m.end(o, w, ReasonOperator)
	if !o.phantom {
		m.event(k, o).Reason = ReasonOperator
	}
}

// accept signs for a difference: what only the venue knew is known from now on, and keeps the account from nothing.
func (m *Machine) accept(v *Accept) {
	o := m.different(v.Difference)
	if o == nil || v.By == "" || v.Why == "" {
		return
	}
	m.touch(o)
	m.listWhole = false
	o.signed = true
	m.stranger(false)
}

// different finds the order that a difference is about, while it is one.
func (m *Machine) different(number uint64) *order {
	for _, o := range m.sweep() {
		if o.difference == number && number > 0 && o.different() {
			return o
		}
	}
	return nil
}

// different reports whether an order is one that only the venue knows, and that nobody has signed for.
func (o *order) different() bool { return o.foreign && !o.signed && !o.closed() }

// Difference is something that the venue holds and the journal cannot explain.
type Difference struct {
	Number uint64 // by which it is accepted; never another one's
	Text   string
}

// Differing lists the differences, oldest first.
func (m *Machine) Differing() []Difference {
	var out []Difference
	for _, o := range m.sweep() {
		if o.different() {
			out = append(out, Difference{o.difference, "foreign order " + string(heldID(o.ID, o.oid)) + " in " + o.Instrument.String()})
		}
	}
	return out
}
