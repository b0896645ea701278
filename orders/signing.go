package orders

import (
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
)

// ResolveOrder asks for an operator's word about an order to be taken (see Resolve).
type ResolveOrder struct {
	Resolve
	// Reply is called in the owner's turn, once: when the word is durable, or refused. It must not block; nil hears nothing.
	Reply func(Signed)
}

// AcceptDifference asks for a difference to be signed for (see Accept).
type AcceptDifference struct {
	Accept
	Reply func(Signed) // as of ResolveOrder
}

func (ResolveOrder) orderMessage()     {}
func (AcceptDifference) orderMessage() {}

// Signed is what became of an operator's word.
type Signed struct {
	Refused Reason // why it was not taken, "" if it was: no_order, known, invalid, journal
	ID      market.ClOrdID
	LSN     journal.LSN // of the verdict

	From, To              Status
	HeldBefore, HeldAfter market.Qty

	Unknown, Differences int // of the account, after it
}

// unsaid is an answer that waits for the disk.
type unsaid struct {
	Signed
	reply func(Signed)
}

func (d *Desk) resolveOrder(v ResolveOrder) {
	if why := d.m.RefusesResolve(&v.Resolve); why != "" {
		d.answerSigned(v.Reply, Signed{Refused: why, ID: v.Of.ID})
		return
	}
	d.sign(d.m.find(v.Of), v.Resolve, v.Reply)
}

func (d *Desk) acceptDifference(v AcceptDifference) {
	o := d.m.different(v.Difference)
	switch {
	case o == nil:
		d.answerSigned(v.Reply, Signed{Refused: ReasonNoOrder})
	case v.By == "" || v.Why == "":
		d.answerSigned(v.Reply, Signed{Refused: ReasonInvalid, ID: o.ID})
	default:
		d.sign(o, v.Accept, v.Reply)
	}
}

// sign journals a word about an order and applies it. Where the journal takes no record it is refused: a verdict that a restart forgets is
// none.
func (d *Desk) sign(o *order, in Input, reply func(Signed)) {
	held, _ := o.held()
	s := Signed{ID: o.ID, From: o.status(), HeldBefore: held}
	lsn, err := d.append(in)
	if err != nil {
		s.Refused = ReasonJournal
		d.answerSigned(reply, s)
		return
	}
	d.step(in)
	s.LSN, s.To = lsn, o.status()
	s.HeldAfter, _ = o.held()
	s.Unknown, s.Differences = d.m.Unknown(), d.m.foreigns
	d.unsaid = append(d.unsaid, unsaid{s, reply})
}

func (d *Desk) answerSigned(reply func(Signed), s Signed) {
	s.Unknown, s.Differences = d.m.Unknown(), d.m.foreigns
	if reply != nil {
		reply(s)
	}
}

// saySigned answers for the words that are on the disk, and for those that never will be.
func (d *Desk) saySigned() {
	for len(d.unsaid) > 0 {
		u := d.unsaid[0]
		switch {
		case u.LSN <= d.p.Log.Watermark():
		case d.p.Log.State() != journal.OK:
			u.Refused = ReasonJournal
		default:
			return
		}
		d.unsaid = d.unsaid[1:]
		if u.reply != nil {
			u.reply(u.Signed)
		}
	}
}
