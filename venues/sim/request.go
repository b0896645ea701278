package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/failshut/failshut/market"
)

// receive does one request: sequence, faults, then the request itself.
func (h *house) receive(in Received) {
	s, req := h.bySession[in.Session], in.Request
	if s == nil || !s.up {
		err := fmt.Errorf("%w: %q", ErrNotLoggedOn, in.Session)
		if s == nil {
			err = fmt.Errorf("%w: %q", ErrUnknownSession, in.Session)
		}
		h.refuse(in.Session, err)
		return
	}
	switch {
	case s.deaf: // nobody will ever read it
		return
	case s.stuck && len(s.queue) < h.cfg.Store:
		s.queue = append(s.queue, in)
		return
	case s.stuck:
		h.close(s, "disconnect", "queue is full", Cut{"queue is full"})
		return
	case req.Seq < s.in:
		h.tooLow(s, req)
		return
	}
	fault, firedAt := h.faultOn(s, req)
	if h.broken(s, in, fault) {
		return
	}
	if req.Seq > s.in { // the client never resends: what it skipped is gap-filled
		h.link(s, "resend_request", LinkLine{From: s.in, To: req.Seq - 1, Why: "venue"})
		h.link(s, "gap_fill", LinkLine{From: s.in, To: req.Seq - 1, Why: "client"})
	}
	s.in = req.Seq + 1
	if fault.kind() == DelayMessage {
		h.after(fault.With.Delay, func() { h.do(s, req, fault, firedAt) })
		return
	}
	h.do(s, req, fault, firedAt)
}

// do does a request that was read, under a fault or under none.
func (h *house) do(s *session, req Request, fault firing, firedAt uint64) {
	l := recvLine(s, req)
	if fault.armed != nil {
		l.Fault = fault.ID
	}
	switch fault.kind() {
	case DropBefore, StatusNoAnswer:
		l.Fate = FateDropped
		h.line("recv", l)
		return
	case FillWhilePendingCancel, FillWhilePendingReplace: // the execution is told under a number before the request's answer
		o := h.named(s, req)
		h.overtake(o, h.lots(o, fault.With.Qty), firedAt)
	case FillBeforeAck, Overfill:
		h.entry = fault
	default:
	}
	do := h.instead(s, req, l, fault, h.judge(s, req, l))
	h.because = because{session: s, n: h.line("recv", l), fault: fault}
	do()
	h.because, h.entry = because{}, firing{}
	h.aftermath(s, req, fault, firedAt)
}

// tooLow answers a number that the venue has seen: a session replay is ignored, anything else ends the link.
func (h *house) tooLow(s *session, req Request) {
	if req.PossDup {
		l := recvLine(s, req)
		l.Fate = FateDropped
		h.line("recv", l)
		return
	}
	h.close(s, "disconnect", "sequence too low", Cut{fmt.Sprintf("%v: request number %d, want %d", ErrSequence, req.Seq, s.in)})
}

func recvLine(s *session, req Request) *RecvLine {
	if word := special(req.StopPx, req.PostOnly); word != "" {
		req.Text = strings.TrimSpace(word + " " + req.Text)
	}
	return &RecvLine{
		Session: s.cfg.ID, Account: s.account.id, Seq: req.Seq, Msg: req.Kind.String(), PossDup: req.PossDup,
		PossResend: req.PossResend, Cl: req.ClOrdID, Orig: req.Orig, OID: req.OrderID, Sym: req.Symbol, Side: validOr(req.Side),
		Type: validOr(req.Type), TIF: validOr(req.TIF), Qty: req.Qty, Px: cmp.Or(req.Price, req.StopPx), Sent: int64(req.Sent), Text: req.Text,
	}
}

// validOr gives v, or the zero value when v has no word: such a message is malformed, and its line says so.
func validOr[T interface {
	comparable
	Valid() bool
}](v T) T {
	if v.Valid() {
		return v
	}
	var zero T
	return zero
}

// judge sets the fate of a request on its line and gives what is to be done after the line is written.
func (h *house) judge(s *session, req Request, l *RecvLine) func() {
	if why := malformed(req); why != "" {
		l.Fate, l.Text = FateMalformed, why
		return func() {
			h.reply(s, SessionReject{RefSeq: req.Seq, RefKind: req.Kind, ClOrdID: req.ClOrdID, Reason: SessionMissingTag, Text: why}, req.Symbol)
		}
	}
	l.Fate = FateApplied
	switch kind := h.served(req.Kind); kind {
	case NewOrder:
		return h.judgeNew(s, req, l)
	case CancelOrder:
		return h.judgeCancel(s, req, l)
	case ReplaceOrder:
		return h.judgeReplace(s, req, l)
	case StatusRequest:
		o := h.find(s.account, req.ClOrdID, req.OrderID)
		if o == nil {
			l.Fate = FateUnknownOrder
		}
		return func() { h.status(s, req, o) }
	case MassStatus:
		return func() { h.massStatus(s, req) }
	case MassCancel:
		return func() { h.massCancel(s, req) }
	case Other:
	}
	l.Fate = FateRejected
	return func() {
		h.reply(s, BusinessReject{
			RefSeq: req.Seq, RefKind: req.Kind, ClOrdID: req.ClOrdID, Reason: BusinessUnsupported,
			Text: "unsupported: " + req.Kind.String(),
		}, req.Symbol)
	}
}

// served is the kind of a request, Other where the exchange does not serve it.
func (h *house) served(k RequestKind) RequestKind {
	if (k == MassStatus && h.cfg.Refuses.MassStatus) || (k == MassCancel && h.cfg.Refuses.MassCancel) {
		return Other
	}
	return k
}

// malformed says what a request lacks.
func malformed(req Request) string {
	switch {
	case req.Kind == 0 || req.Kind > Other:
		return fmt.Sprintf("message type %d", req.Kind)
	case req.Kind == Other:
		return ""
	case !req.ClOrdID.Valid():
		return fmt.Sprintf("ClOrdID %q", string(req.ClOrdID))
	case (req.Kind == CancelOrder || req.Kind == ReplaceOrder) && !req.Orig.Valid() && req.OrderID == "":
		return "neither OrigClOrdID nor OrderID"
	case req.Kind != NewOrder:
		return ""
	case !req.Symbol.Valid():
		return fmt.Sprintf("Symbol %q", string(req.Symbol))
	case !req.Side.Valid():
		return fmt.Sprintf("Side %d", req.Side)
	case !req.Type.Valid():
		return fmt.Sprintf("OrdType %d", req.Type)
	case !req.TIF.Valid():
		return fmt.Sprintf("TimeInForce %d", req.TIF)
	}
	return ""
}

// judgeNew: dedupe first, then the rules of the contract.
func (h *house) judgeNew(s *session, req Request, l *RecvLine) func() {
	if first := s.account.byCl[req.ClOrdID]; first != nil {
		switch {
		case h.cfg.Dedupe != DedupeNone && req.PossResend:
			l.Fate = FateRefusedDuplicate
			return func() { h.status(s, req, first) }
		case h.cfg.Dedupe == DedupeStrict:
			l.Fate = FateRefusedDuplicate
			return func() { h.reject(s, req, OrderDuplicate, "duplicate ClOrdID") }
		}
		l.Fate = FateAppliedDuplicate
	}
	o := orderOf(req)
	if reason, why := h.valid(s.account, o, req.Symbol); why != "" {
		l.Fate = FateRejected
		return func() { h.reject(s, req, reason, why) }
	}
	return func() { h.accept(s.account, o) }
}

func (h *house) reject(s *session, req Request, reason Reason, why string) {
	h.reply(s, Report{
		Type: ExecRejected, Status: StatusRejected, OrderID: "NONE", ClOrdID: req.ClOrdID, ExecID: h.execID(),
		Symbol: req.Symbol, Side: req.Side, Ord: req.Type, TIF: req.TIF, Price: req.Price, Qty: req.Qty, Reason: reason, Text: why,
		Paper: h.paper,
	}, req.Symbol)
}

// find gives the order that an id of the account names: the newest that is open, else the newest.
func (h *house) find(a *account, cl market.ClOrdID, oid string) *order {
	newest := a.byCl[cl]
	for o := newest; o != nil; o = o.older {
		if o.status.Open() {
			return o
		}
	}
	if newest != nil {
		return newest
	}
	if o := h.byOID[oid]; o != nil && o.account == a {
		return o
	}
	return nil
}

func (h *house) judgeCancel(s *session, req Request, l *RecvLine) func() {
	refuse := func(o *order, st OrdStatus, reason Reason, why string) func() {
		r := CancelReject{OrderID: "NONE", ClOrdID: req.ClOrdID, Orig: req.Orig, Status: st, Reason: reason, Text: why}
		if o != nil {
			r.OrderID = o.oid
		}
		return func() { h.reply(s, r, req.Symbol) }
	}
	o := h.find(s.account, req.Orig, req.OrderID)
	switch {
	case o == nil:
		l.Fate = FateUnknownOrder
		return refuse(nil, StatusRejected, CancelUnknown, "unknown order")
	case h.cfg.Dedupe == DedupeStrict && s.account.byCl[req.ClOrdID] != nil:
		l.Fate = FateRefusedDuplicate
		return refuse(o, o.status, CancelDuplicate, "duplicate ClOrdID")
	case !o.status.Open():
		l.Fate = FateRejected
		return refuse(o, o.status, CancelTooLate, "too late to cancel")
	}
	return func() {
		orig := o.cl
		o.rename(req.ClOrdID)
		h.finish(o, StatusCancelled, "cancel")
		h.report(o, ExecCancelled, func(r *Report) { r.Orig = orig })
	}
}

func (h *house) status(s *session, req Request, o *order) {
	if o == nil || h.because.fault.kind() == StatusAbsentThenFound {
		h.reply(s, Report{
			Type: ExecStatus, Status: StatusRejected, OrderID: "NONE", ClOrdID: req.ClOrdID, ExecID: "0", Symbol: req.Symbol,
			Side: req.Side, Reason: OrderUnknown, Text: "unknown order", Paper: h.paper,
		}, req.Symbol)
		return
	}
	r := h.picture(o, ExecStatus)
	r.ExecID = "0"
	if slices.Contains(o.ids, req.ClOrdID) {
		r.ClOrdID = req.ClOrdID // the one that the client knows: it may have lost the ids of its cancels
	}
	h.reply(s, r, r.Symbol)
}

// massStatus tells of every open order, in order of entry; of none with one report that names none.
func (h *house) massStatus(s *session, req Request) {
	open := h.listOf(s, req)
	total, fault := len(open), h.because.fault.kind()
	switch {
	case fault == MassStatusShort && total > 0: // the last that is told ends the list, as announced or not
		open = open[1:]
	case fault == MassStatusMissing && total > 0:
		open, total = open[1:], total-1
	}
	if len(open) == 0 && total > 0 {
		return // of one order that is announced nothing is told
	}
	if len(open) == 0 {
		h.reply(s, Report{
			Type: ExecStatus, Status: StatusRejected, OrderID: "NONE", ExecID: "0", Reason: OrderUnknown,
			Text: "no open order", MassID: req.ClOrdID, Last: true, Paper: h.paper,
		}, req.Symbol)
		return
	}
	for i, o := range open {
		r := h.picture(o, ExecStatus)
		r.ExecID, r.MassID, r.Total, r.Last = "0", req.ClOrdID, total, i == len(open)-1
		h.reply(s, r, r.Symbol)
	}
}

// listOf gives the open orders that a mass request is about, in order of entry.
func (h *house) listOf(s *session, req Request) []*order {
	return slices.DeleteFunc(slices.Clone(s.account.open), func(o *order) bool {
		return req.Symbol != "" && h.symbols[o.sym].sym != req.Symbol
	})
}

func (h *house) massCancel(s *session, req Request) {
	open := h.listOf(s, req)
	h.reply(s, MassCancelReport{ClOrdID: req.ClOrdID, Accepted: true, Affected: len(open)}, req.Symbol)
	for _, o := range open {
		if o.status.Open() { // else a link cut within a report has cancelled it
			h.finish(o, StatusCancelled, "mass_cancel")
			h.report(o, ExecCancelled, nil)
		}
	}
}
