package fix

import "github.com/failshut/failshut/orders"

// dialling is called in front of each dial, when the engine has no session: it has the numbers go on where the owner stands. Within the
// life of an owner that has followed, the engine's own counter is ahead of it by what was no evidence.
func (e *Engine) dialling() {
	l := e.line.Load()
	if l == nil {
		return
	}
	out, in := e.store.counters()
	if l.fresh.Swap(false) || l.broken.Swap(false) {
		in = int(l.next.Load()) //nolint:gosec // it counts messages
	}
	e.store.set(out, in)
	e.waits.Store(0)
	e.said.Store(nil)
}

// unreached is told that a dial came to nothing.
func (e *Engine) unreached(err error) {
	e.tell(orders.Link{Event: orders.LinkLogout, Why: err.Error()})
}

// up is the first word of a logon that was taken.
func (e *Engine) up() {
	if e.logon.Load()&1 == 1 {
		return // what was missed has come, and the answer to the logon is read once more
	}
	e.logon.Add(1)
	e.tell(orders.Link{Origin: orders.Origin{Session: e.Session()}, Event: orders.LinkLogon})
}

// counted is told the number of the next message of the venue. Once it has passed that of the logon's answer, everything that was missed has
// been told.
func (e *Engine) counted(in int) {
	waits := e.waits.Load()
	if waits == 0 || int64(in) <= waits || e.logon.Load()&1 == 0 || !e.waits.CompareAndSwap(waits, 0) {
		return
	}
	e.tell(orders.Link{
		Origin: orders.Origin{Session: e.Session(), Seq: uint64(waits)}, Event: orders.LinkReplayed, //nolint:gosec // above 0
	})
}

// down is the end of a logon, taken or not.
func (e *Engine) down(why string) {
	if e.logon.Load()&1 == 1 {
		e.logon.Add(1)
	}
	e.waits.Store(0)
	if said := e.said.Swap(nil); said != nil && *said != "" {
		why = "venue: " + *said
	}
	e.tell(orders.Link{Origin: orders.Origin{Session: e.Session()}, Event: orders.LinkLogout, Why: why})
}

// tell hands something on to the owner. One that cannot take it hears no more until the next logon, and the link is cut so that there is one.
func (e *Engine) tell(in orders.Inbound) {
	e.hand.Lock()
	defer e.hand.Unlock()
	l := e.line.Load()
	if l == nil || l.broken.Load() {
		return
	}
	if err := l.ear.Hand(in); err != nil {
		l.broken.Store(true)
		if life := e.life.Load(); life != nil {
			life.bridge.cut()
		}
		if l.ear.Broken != nil {
			l.ear.Broken(err)
		}
		return
	}
	if seq := seqOf(in); seq >= l.next.Load() {
		l.next.Store(seq + 1)
	}
}

// seqOf is the number of the message that something was told by, 0 for what had none.
func seqOf(in orders.Inbound) uint64 {
	switch v := in.(type) {
	case orders.Report:
		return v.Seq
	case orders.CancelReject:
		return v.Seq
	case orders.BusinessReject:
		return v.Seq
	case orders.SessionReject:
		return v.Seq
	case orders.MassEnd:
		return v.Seq
	case orders.MassCancelAck:
		return v.Seq
	case orders.Answer:
		r, _ := v.Report()
		return r.Seq
	case orders.Link:
		return v.Seq
	default:
		return 0
	}
}
