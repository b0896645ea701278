package sim

import (
	"fmt"
	"slices"
)

// session is one order entry session: it outlives its logons.
type session struct {
	cfg     SessionConfig
	account *account
	up      bool
	sub     string // which node spoke last
	in, out uint64 // next numbers of the client and of the venue
	stored  []Reply
	logons  uint64 // tells a pending cancel-on-disconnect that the client is back

	deaf  bool         // by a fault: nothing passes, and neither side knows
	stuck bool         // by a fault: nothing is read
	queue []Received   // what waits to be read
	held  []*heldReply // by a fault: what waits for a reply to pass it
}

func (h *house) link(s *session, event string, l LinkLine) {
	l.Session, l.Account, l.Event = s.cfg.ID, s.account.id, event
	h.line("link", &l)
}

func (h *house) logon(in Session) {
	s := h.bySession[in.ID]
	if s == nil {
		h.line("link", &LinkLine{Session: in.ID, Event: "refused", Why: ErrUnknownSession.Error()})
		h.refuseLogon(in.ID, fmt.Errorf("%w: %q", ErrUnknownSession, in.ID))
		return
	}
	f, hit := h.plan.hit(h.now, in.ID, "A", "", func(FaultKind) bool { return true })
	if hit {
		h.faultLine(f, "A "+in.Sub)
	}
	if f.kind() == LogonSlow {
		h.after(f.With.Delay, func() { h.tryLogon(s, in, firing{}) })
		return
	}
	h.tryLogon(s, in, f)
}

func (h *house) tryLogon(s *session, in Session, f firing) {
	err := h.admit(s, in, f)
	if err != nil {
		h.link(s, "refused", LinkLine{InSeq: in.Seq, Why: err.Error()})
		h.refuseLogon(in.ID, err)
		return
	}
	s.in = in.Seq + 1
	s.up, s.sub = true, in.Sub
	s.logons++
	reset := f.kind() == SeqReset
	if reset {
		h.link(s, "seq_reset", LinkLine{InSeq: s.in, OutSeq: s.out, Why: "fault " + f.ID})
		s.out, s.stored = 1, nil
	}
	seq := s.number()
	h.link(s, "logon", LinkLine{InSeq: in.Seq, OutSeq: seq})
	h.emit(Deliver{Session: in.ID, Reply: Reply{Seq: seq, Time: h.now, Body: Welcome{Reset: in.Reset || reset}}})
	switch from := max(1, in.Expect); f.kind() {
	case GapFillForReplay:
		h.gapFill(s, from, seq)
	case DupResend:
		h.resend(s, from, seq)
		h.resend(s, from, seq)
	default:
		h.resend(s, from, seq)
	}
	h.emit(Deliver{Session: in.ID, Reply: Reply{Time: h.now, Body: Replayed{}}})
}

func (h *house) refuseLogon(id SessionID, err error) {
	h.emit(Deliver{Session: id, Logon: true, Reply: Reply{Time: h.now, Body: Refused{err}}})
}

// refuse answers an input that was not taken.
func (h *house) refuse(id SessionID, err error) {
	h.emit(Deliver{Session: id, Reply: Reply{Time: h.now, Body: Refused{err}}})
}

// admit says whether the logon can be taken, and ends the logon it replaces.
func (h *house) admit(s *session, in Session, f firing) error {
	if f.kind() == LogonRefused || h.now < h.down {
		return fmt.Errorf("%w: %q", ErrDown, in.ID)
	}
	if s.up && !s.cfg.Takeover {
		return fmt.Errorf("%w: %q as %q", ErrLoggedOn, in.ID, s.sub)
	}
	if in.Seq == 0 {
		return fmt.Errorf("%w: logon number 0, want at least 1", ErrSequence)
	}
	moved := in.Sub != s.sub && s.logons > 0
	if in.Reset && s.cfg.Reset != ResetAlways && (s.cfg.Reset != ResetTakeover || !moved) {
		return fmt.Errorf("%w: policy %q, node %q after %q", ErrReset, s.cfg.Reset, in.Sub, s.sub)
	}
	if !in.Reset && in.Seq < s.in {
		return fmt.Errorf("%w: logon number %d, want at least %d", ErrSequence, in.Seq, s.in)
	}
	if !in.Reset && in.Expect > s.out {
		return fmt.Errorf("%w: client expects %d, next is %d", ErrSequence, in.Expect, s.out)
	}
	if s.up {
		h.close(s, "disconnect", "takeover", Cut{"takeover"})
	}
	if in.Reset {
		h.link(s, "seq_reset", LinkLine{InSeq: s.in, OutSeq: s.out})
		s.in, s.out, s.stored = in.Seq, 1, nil
	}
	if in.Seq > s.in { // the client never resends: what it skipped is gap-filled
		h.link(s, "gap_fill", LinkLine{From: s.in, To: in.Seq - 1, Why: "client"})
	}
	return nil
}

// resend sends again every stored reply from number from up to, not including, end.
func (h *house) resend(s *session, from, end uint64) {
	if from >= end {
		return
	}
	h.link(s, "resend_request", LinkLine{From: from, To: end - 1})
	next := from
	for _, r := range s.stored {
		if r.Seq < from || r.Seq >= end {
			continue
		}
		h.gapFill(s, next, r.Seq)
		next = r.Seq + 1
		r.PossDup = true
		l := h.sendLine(s, r.Body)
		l.Seq, l.Fate = r.Seq, FateResent
		h.line("send", l)
		h.emit(Deliver{Session: s.cfg.ID, Reply: r})
	}
	h.gapFill(s, next, end)
}

// gapFill tells that the numbers from next up to, not including, end carried nothing that can be sent again.
func (h *house) gapFill(s *session, next, end uint64) {
	if next < end {
		h.link(s, "gap_fill", LinkLine{From: next, To: end - 1})
	}
}

func (s *session) number() uint64 {
	s.out++
	return s.out - 1
}

func (h *house) ended(in Ended) {
	s := h.bySession[in.Session]
	if s == nil || !s.up {
		return
	}
	if in.Why == WhyLogout {
		s.in++ // the logout message itself
		h.close(s, "logout", "", LoggedOut{})
		return
	}
	h.close(s, "disconnect", in.Why, Cut{in.Why})
}

// close ends the logon of s, tells the client, and cancels the account's orders if that is agreed.
func (h *house) close(s *session, event, why string, last Body) {
	s.up, s.deaf, s.stuck, s.queue = false, false, false, nil
	l := LinkLine{InSeq: s.in, OutSeq: s.out, Why: why}
	r := Reply{Time: h.now, Body: last}
	if event == "logout" {
		r.Seq = s.number()
	}
	h.link(s, event, l)
	h.emit(Deliver{Session: s.cfg.ID, Reply: r})
	h.passed(s)
	if s.cfg.COD != CODBoth && string(s.cfg.COD) != event {
		return
	}
	if s.cfg.Grace == 0 {
		h.cancelAll(s)
		return
	}
	logons := s.logons
	h.after(s.cfg.Grace, func() {
		if !s.up && s.logons == logons {
			h.cancelAll(s)
		}
	})
}

func (h *house) cancelAll(s *session) {
	if len(s.account.open) == 0 {
		return
	}
	h.link(s, "cod", LinkLine{})
	for _, o := range slices.Clone(s.account.open) {
		if o.status.Open() {
			h.finish(o, StatusCancelled, "cod")
			h.report(o, ExecCancelled, nil)
		}
	}
}

// depart numbers and stores the reply, and sends it if the session is up. It gives the number of its line.
func (h *house) depart(s *session, b Body, l *SendLine) uint64 {
	fate := FateSent
	if l.Copy != 0 {
		fate = FateDuplicated
	}
	hears := s.up && !s.deaf
	if !hears {
		fate = FateHeld
	}
	r, n := h.store(s, b, l, fate)
	if hears {
		h.emit(Deliver{Session: s.cfg.ID, Reply: r})
	}
	h.passed(s)
	return n
}

func (h *house) store(s *session, b Body, l *SendLine, fate string) (Reply, uint64) {
	r := Reply{Seq: s.number(), Time: h.now + h.skew, Body: b}
	if len(s.stored) >= h.cfg.Store {
		s.stored = slices.Delete(s.stored, 0, 1+h.cfg.Store/16)
	}
	s.stored = append(s.stored, r)
	l.Seq, l.Fate = r.Seq, fate
	return r, h.line("send", l)
}

func (h *house) faultLine(f firing, target string) uint64 {
	return h.line("fault", &FaultLine{ID: f.ID, Kind: string(f.Kind), Firing: f.fired, Target: target, Drawn: f.drawn})
}

// sendLine says in the ledger what a reply says.
func (h *house) sendLine(s *session, b Body) *SendLine {
	l := &SendLine{Session: s.cfg.ID, Account: s.account.id}
	switch b := b.(type) {
	case Report:
		l.Msg, l.Cl, l.Orig, l.OID, l.Exec = "8", b.ClOrdID, b.Orig, b.OrderID, b.ExecID
		l.Ref = b.ExecRef
		l.Type, l.Status, l.Last, l.LastPx, l.Avg = b.Type, b.Status, b.LastQty, b.LastPx, b.AvgPx
		l.Qty, l.Cum, l.Leaves = &b.Qty, &b.Cum, &b.Leaves
		if b.Reason != 0 {
			l.Reason = &b.Reason
		}
	case CancelReject:
		l.Msg, l.Cl, l.Orig, l.OID, l.Status, l.Reason = "9", b.ClOrdID, b.Orig, b.OrderID, b.Status, &b.Reason
	case MassCancelReport:
		l.Msg, l.Cl = "r", b.ClOrdID
	case BusinessReject:
		l.Msg, l.Cl, l.Reason = "j", b.ClOrdID, &b.Reason
	case SessionReject:
		l.Msg, l.Cl, l.Reason = "3", b.ClOrdID, &b.Reason
	case Welcome, Refused, Replayed, LoggedOut, Cut: // the link's own, on link lines
	}
	return l
}
