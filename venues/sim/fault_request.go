package sim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/failshut/failshut/market"
)

// faultOn gives the fault that fires on a request.
func (h *house) faultOn(s *session, req Request) (firing, uint64) {
	if len(h.plan.faults) == 0 {
		return firing{}, 0
	}
	sym := req.Symbol
	if target := h.named(s, req); target != nil {
		sym = h.symbols[target.sym].sym
	}
	f, hit := h.plan.hit(h.now, s.cfg.ID, req.Kind.String(), sym, h.suits(s, req))
	if !hit {
		return firing{}, 0
	}
	return f, h.faultLine(f, req.Kind.String()+" "+string(req.ClOrdID))
}

// suits says which kinds of faults would do something to a request.
func (h *house) suits(s *session, req Request) func(FaultKind) bool {
	return func(k FaultKind) bool {
		switch k {
		case FillWhilePendingCancel:
			return req.Kind == CancelOrder && h.fillable(h.named(s, req))
		case FillWhilePendingReplace:
			return req.Kind == ReplaceOrder && h.fillable(h.named(s, req))
		case CancelRejected:
			return h.named(s, req) != nil
		case FillBeforeAck, Overfill:
			o := h.wanted(s, req)
			return o != nil && o.typ == market.Limit && h.symbols[o.sym].phase == PhaseContinuous && h.roomFor(o)
		case Reject:
			return h.wanted(s, req) != nil
		case Forget, UnsolicitedCancel, UnsolicitedRestate:
			o := h.wanted(s, req)
			return o != nil && o.mayRest()
		case StatusAbsentThenFound:
			return h.find(s.account, req.ClOrdID, req.OrderID) != nil
		case MassStatusShort, MassStatusMissing:
			return len(h.listOf(s, req)) > 0
		case HaltFault, SplitFault:
			_, ok := h.bySymbol[req.Symbol]
			return ok
		default:
			return true
		}
	}
}

// named gives the open order that a cancel or a replace names, nil where the request is neither or would be refused for its id.
func (h *house) named(s *session, req Request) *order {
	if (req.Kind != CancelOrder && req.Kind != ReplaceOrder) || malformed(req) != "" {
		return nil
	}
	o := h.find(s.account, req.Orig, req.OrderID)
	if o == nil || !o.status.Open() || (h.cfg.Dedupe == DedupeStrict && s.account.byCl[req.ClOrdID] != nil) {
		return nil
	}
	return o
}

// wanted gives the order that a request would make, nil where it would make none.
func (h *house) wanted(s *session, req Request) *order {
	if req.Kind != NewOrder || malformed(req) != "" {
		return nil
	}
	if s.account.byCl[req.ClOrdID] != nil && (h.cfg.Dedupe == DedupeStrict || (h.cfg.Dedupe == DedupePossResend && req.PossResend)) {
		return nil
	}
	o := orderOf(req)
	if _, why := h.valid(s.account, o, req.Symbol); why != "" {
		return nil
	}
	return o
}

// broken does what a fault does to a request before anybody reads it, and reports whether nobody will.
func (h *house) broken(s *session, in Received, f firing) bool {
	switch f.kind() {
	case DisconnectAt: // the message was cut within
		h.close(s, "disconnect", "fault "+f.ID, Cut{"fault " + f.ID})
	case HalfOpen:
		h.deafen(s, f)
	case Stuck:
		s.stuck, s.queue = true, []Received{in}
		logon := s.logons
		h.after(f.With.Delay, func() {
			if s.logons == logon {
				h.unstick(s)
			}
		})
	default:
		return false
	}
	return true
}

// unstick reads what waited, in order. Another fault may stop it again.
func (h *house) unstick(s *session) {
	queue := s.queue
	s.stuck, s.queue = false, nil
	for _, in := range queue {
		h.receive(in)
	}
}

// deafen lets nothing pass on a link, in either direction, until the venue misses a heartbeat.
func (h *house) deafen(s *session, f firing) {
	s.deaf = true
	logon := s.logons
	h.after(f.With.Delay, func() {
		if s.deaf && s.logons == logon {
			h.link(s, "heartbeat_lost", LinkLine{InSeq: s.in, OutSeq: s.out, Why: "fault " + f.ID})
			h.close(s, "disconnect", "heartbeat lost", Cut{"heartbeat lost"})
		}
	})
}

// instead gives what is done in place of a request, if a fault has it so.
func (h *house) instead(s *session, req Request, l *RecvLine, f firing, do func()) func() {
	switch f.kind() {
	case Reject:
		l.Fate = FateRejected
		return func() { h.reject(s, req, OrderOther, "fault "+f.ID) }
	case CancelRejected:
		o := h.named(s, req)
		l.Fate = FateRejected
		return func() {
			h.reply(s, CancelReject{
				OrderID: o.oid, ClOrdID: req.ClOrdID, Orig: req.Orig, Status: o.status, Reason: CancelOther, Text: "fault " + f.ID,
			}, req.Symbol)
		}
	case BusinessFault:
		l.Fate = FateRejected
		return func() {
			h.reply(s, BusinessReject{
				RefSeq: req.Seq, RefKind: req.Kind, ClOrdID: req.ClOrdID, Reason: BusinessNotAvailable, Text: "fault " + f.ID,
			}, req.Symbol)
		}
	default:
		return do
	}
}

// entering puts a new order to the matcher, as a fault has it.
func (h *house) entering(o *order, f firing) {
	switch f.kind() {
	case FillBeforeAck:
		ack := h.picture(o, ExecNew)
		ack.ExecID = h.execID()
		h.overtake(o, h.lots(o, f.With.Qty), h.because.n)
		h.reply(o.account.session, ack, ack.Symbol)
	case Overfill:
		h.report(o, ExecNew, nil)
		more := f.With.Qty
		if lot := h.symbols[o.sym].c.Lot; more%lot != 0 || more == 0 {
			more += lot - more%lot
		}
		if o.status.Open() { // else its own report has cut the link
			h.overtake(o, o.leaves()+more, h.because.n)
		}
	default:
		h.report(o, ExecNew, nil)
	}
	if o.status.Open() {
		h.matcher.enter(o)
	}
}

// aftermath is what a fault does once a request has been answered. by is its line.
func (h *house) aftermath(s *session, req Request, f firing, by uint64) {
	if f.armed == nil {
		return
	}
	o := s.account.byCl[req.ClOrdID]
	act := map[FaultKind]func(){
		Forget:             func() { h.forget(o) },
		UnsolicitedCancel:  func() { h.unasked(o, by, func() error { return h.withdraw(o) }) },
		UnsolicitedRestate: func() { h.unasked(o, by, func() error { return h.trim(o, f.With.Qty) }) },
		HaltFault:          func() { h.itself(f, req.Symbol) },
		SplitFault:         func() { h.itself(f, req.Symbol) },
		RestartFault:       func() { h.itself(f, req.Symbol) },
	}[f.kind()]
	switch {
	case act == nil:
	case oneOf(f.Kind, HaltFault, SplitFault, RestartFault):
		act()
	default:
		h.after(f.With.Delay, act)
	}
}

// unasked does something to an order that is still open; nobody asked for it but the fault of line by.
func (h *house) unasked(o *order, by uint64, do func() error) {
	if o == nil || !o.status.Open() {
		return
	}
	h.because = because{n: by}
	defer func() { h.because = because{} }()
	_ = do() // what cannot be done is not
}

// forget ends an order without a word: the venue does not know it any more.
func (h *house) forget(o *order) {
	if o == nil || !o.status.Open() {
		return
	}
	h.finish(o, StatusCancelled, "forgotten")
	delete(h.byOID, o.oid)
	for _, id := range o.ids {
		if h := o.account.byCl; h[id] == o {
			delete(h, id)
		}
	}
}

// withdraw cancels an order unasked.
func (h *house) withdraw(o *order) error {
	h.finish(o, StatusCancelled, "withdrawn")
	h.report(o, ExecCancelled, nil)
	return nil
}

// trim takes off some of what is open of an order: half of it, where not said.
func (h *house) trim(o *order, off market.Qty) error {
	lot := h.symbols[o.sym].c.Lot
	if off == 0 {
		off = max(lot, o.leaves()/2-o.leaves()/2%lot)
	}
	return h.engine.restate(Restate{OrderID: o.oid, Qty: o.qty - h.lots(o, off), Reason: RestateDecline})
}

// itself does a fault of the whole venue or of a symbol; of no symbol: of all.
func (h *house) itself(f firing, sym market.Symbol) {
	var at []int
	if sym = cmp.Or(f.On.Symbol, sym); sym == "" {
		at, _ = h.of()
	} else {
		at, _ = h.of(sym)
	}
	switch f.kind() {
	case HaltFault:
		for _, i := range at {
			h.haltFor(i, f)
		}
	case SplitFault:
		for _, i := range at {
			_ = h.engine.split(Split{Symbol: h.symbols[i].sym, By: 2}) // one that has no number is not done
		}
	case RestartFault:
		h.down = h.now + market.Timestamp(f.With.Delay)
		for _, s := range slices.Clone(h.sessions) {
			if s.up {
				h.close(s, "disconnect", "fault "+f.ID, Cut{"fault " + f.ID})
			}
		}
	default:
	}
}

func (h *house) haltFor(i int, f firing) {
	if h.symbols[i].phase != PhaseContinuous {
		return
	}
	h.engine.setPhase(i, PhaseHalt)
	h.after(f.With.Delay, func() {
		if h.symbols[i].phase == PhaseHalt {
			h.engine.setPhase(i, PhaseContinuous)
		}
	})
}

// await sets the time of each fault that fires by itself.
func (h *house) await() {
	for _, f := range h.plan.faults {
		if !f.itself() {
			continue
		}
		h.timers.add(h.plan.start+market.Timestamp(f.When.At), func() {
			if !slices.Contains(h.plan.faults, f) {
				return // disarmed since
			}
			f.seen++
			f.fired++
			h.faultLine(firing{armed: f}, fmt.Sprintf("at %v", f.When.At))
			h.itself(firing{armed: f}, "")
		})
	}
}
