package simtest

import (
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/venues/sim"
)

// wire is one connection of a node with the venue: what was written by one side and not read by the other. It stands
// between the two as a Port, and takes everything, as a socket does.
type wire struct {
	venue sim.Port
	out   []func() // written by the node, in order
	in    []func() // written by the venue, in order
	cut   bool
	off   bool   // broken, and no logon since
	conn  int    // which connection: what was written on another one is gone
	last  uint64 // number of the last message
	more  uint64 // messages that the gateway did not number
}

var _ sim.Port = (*wire)(nil)

// Logon implements sim.Port.
func (w *wire) Logon(s sim.Session) error {
	w.off = false
	send, conn := s.Send, w.conn
	s.Send = func(r sim.Reply) {
		if !w.cut && conn == w.conn {
			w.in = append(w.in, func() { send(r) })
		}
	}
	w.out = append(w.out, func() { _ = w.venue.Logon(s) }) // an error is the venue's own end, and shows in its state
	return nil
}

// Receive implements sim.Port.
func (w *wire) Receive(id sim.SessionID, r sim.Request) error {
	r.Seq += w.more
	w.last = r.Seq
	w.out = append(w.out, func() { _ = w.venue.Receive(id, r) }) // what became of it is in the ledger
	return nil
}

// resend is what no gateway does: an order once more, behind the last message.
func (w *wire) resend(n orders.New) {
	w.more++
	r := sim.Request{
		Kind: sim.NewOrder, Seq: w.last + 1, ClOrdID: n.ID, Symbol: n.Instrument.Symbol(), Side: n.Side, Type: n.Type, TIF: n.TIF,
		Qty: n.Qty, Price: n.Price,
	}
	w.last++
	w.out = append(w.out, func() { _ = w.venue.Receive(session, r) })
}

// Logout implements sim.Port.
func (w *wire) Logout(id sim.SessionID, why string) error {
	w.out = append(w.out, func() { _ = w.venue.Logout(id, why) })
	return nil
}

// toVenue lets the venue read the oldest message, and reports whether there was one.
func (w *wire) toVenue() bool { return one(&w.out) }

// toNode lets the node read the oldest message.
func (w *wire) toNode() bool { return one(&w.in) }

func one(queue *[]func()) bool {
	q := *queue
	if len(q) == 0 {
		return false
	}
	*queue = q[1:]
	q[0]()
	return true
}

// breaks ends the connection and leaves the node alive: the venue reads the first few messages, the node too, and the rest is
// lost. Both notice.
func (w *wire) breaks(read, heard int) {
	if w.off {
		return
	}
	w.off = true
	for range read {
		w.toVenue()
	}
	w.out, w.in = nil, w.in[:min(heard, len(w.in))]
	_ = w.venue.Logout(session, "wire") // it says so on its end, which the node reads last
	w.conn++
}

// sever ends the connection with the node: nothing of the venue arrives any more.
func (w *wire) sever() { w.cut, w.in = true, nil }
