package simtest

import (
	"fmt"
	"slices"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// Point is one of the numbered moments at which a node may end.
type Point struct {
	Number int
	Name   string
	// Unknown says whether a run must leave a new order UNKNOWN of which nothing was heard.
	Unknown Must
	// Replace says that the request at hand is a replace.
	Replace bool
	hook    int
	passes  func(l *life) bool // which passes of the hook are meant; nil: all
	wire    wireFate
	disk    []diskFate // drawn from
	again   bool       // in the reconciliation after another crash
	victim  func(o orders.OrderState, known bool) string
}

// stream is the second seed of a point's runs.
func (p Point) stream() uint64 {
	if p.Replace {
		return 100 + uint64(p.Number)
	}
	return uint64(p.Number)
}

// Must says how often something has to happen.
type Must uint8

// How often. The zero value asks for nothing.
const (
	MustNot  Must = iota // it may
	MustSome             // in one run at least
	MustEach             // in every run
)

// wireFate is what becomes of what the node had written and the venue had not read.
type wireFate uint8

const (
	wireAny   wireFate = iota // the venue reads the first few messages
	wireCut                   // all but the last, of which it has a part
	wireLater                 // all, once the node is gone
	wireRead                  // all, at once
)

// diskFate is how far the disk was with what was appended.
type diskFate uint8

const (
	diskNone  diskFate = iota // it had not begun
	diskTorn                  // written and not synced: what is left of it is drawn
	diskWhole                 // synced, and nobody told
)

var anyDisk = []diskFate{diskNone, diskTorn, diskWhole}

// Points gives all points of a crash, in order.
func Points() []Point {
	report := func(l *life) bool { // the first that is heard of a new order
		r, ok := reportUnderWay(l)
		return ok && l.awaits(r.ID)
	}
	heard := func(l *life) bool {
		r, ok := reportUnderWay(l)
		return ok && (r.Type == orders.ExecTrade || r.Type == orders.ExecNew)
	}
	armed := func(l *life) bool { // not withdrawn while the disk wrote
		o, _ := l.desk.Machine().Order(orders.Ref{ID: l.victim})
		return !slices.Contains(l.held, l.victim) && slices.ContainsFunc(o.Pending, func(p orders.PendingRequest) bool { return p.Kind == 'N' })
	}
	placing := func(l *life) bool { return !l.w.moves[l.victim] }
	moving := func(l *life) bool { return l.w.moves[l.victim] && l.pends(l.victim) }
	atOnce := func(l *life) bool { // a held one may not have left
		p, ok := l.doing.(orders.Place)
		return ok && !p.Held
	}
	asked := func(l *life) bool {
		_, ok := l.doing.(orders.ReplaceOrder)
		return ok
	}
	return []Point{
		{Number: 1, Name: "checked, nothing written", hook: orders.CrashChecked, disk: anyDisk},
		{Number: 2, Name: "intent written, not synced", hook: orders.CrashAppended, passes: atOnce, disk: []diskFate{diskNone, diskTorn}, victim: absentOrUnknown},
		{Number: 3, Name: "held intent durable", hook: orders.CrashHeld, disk: anyDisk, victim: provenUnsent},
		{Number: 4, Name: "armed intent durable", hook: orders.CrashArmed, passes: armed, disk: anyDisk, Unknown: MustEach, victim: isUnknown},
		{Number: 5, Name: "handed over, nothing on the wire", hook: orders.CrashHanding, passes: placing, disk: anyDisk, Unknown: MustEach, victim: isUnknown},
		{Number: 6, Name: "part of it on the wire", hook: orders.CrashHandedOver, passes: placing, wire: wireCut, disk: anyDisk, Unknown: MustEach, victim: isUnknown},
		{Number: 7, Name: "on the wire, not read", hook: orders.CrashHandedOver, passes: placing, wire: wireLater, disk: anyDisk, Unknown: MustEach, victim: isUnknown},
		{Number: 8, Name: "taken by the venue, report not sent", hook: orders.CrashHandedOver, passes: placing, wire: wireRead, disk: anyDisk, Unknown: MustEach, victim: isUnknown},
		{Number: 9, Name: "report received, not written", hook: orders.CrashHeard, passes: report, disk: anyDisk, Unknown: MustEach, victim: isUnknown},
		{Number: 10, Name: "evidence written, not synced", hook: orders.CrashEvidence, passes: report, disk: []diskFate{diskNone, diskTorn}, Unknown: MustSome},
		{Number: 11, Name: "evidence durable, risk not told", hook: orders.CrashStepped, passes: heard, disk: []diskFate{diskWhole}},
		{Number: 12, Name: "risk told, strategy not", hook: orders.CrashPosted, passes: heard, disk: []diskFate{diskWhole}},
		{Number: 13, Name: "cancel sent, nothing written", hook: orders.CrashCancelled, disk: anyDisk},
		{Number: 14, Name: "in reconcile, after some answers", hook: orders.CrashAnswered, passes: moreToAsk, disk: anyDisk, again: true},
		{Number: 15, Name: "in a checkpoint", hook: orders.CrashCheckpoint, disk: anyDisk},
		{Number: 1, Replace: true, Name: "replace checked, nothing written", hook: orders.CrashChecked, passes: asked, disk: anyDisk},
		{Number: 2, Replace: true, Name: "replace written, not synced", hook: orders.CrashAppended, passes: asked, disk: []diskFate{diskNone, diskTorn}},
		{Number: 4, Replace: true, Name: "replace durable", hook: orders.CrashArmed, passes: moving, disk: anyDisk, Unknown: MustEach, victim: isMoving},
		{Number: 5, Replace: true, Name: "replace handed over, nothing on the wire", hook: orders.CrashHanding, passes: moving, disk: anyDisk, Unknown: MustEach, victim: isMoving},
		{Number: 6, Replace: true, Name: "part of a replace on the wire", hook: orders.CrashHandedOver, passes: moving, wire: wireCut, disk: anyDisk, Unknown: MustEach, victim: isMoving},
		{Number: 7, Replace: true, Name: "replace on the wire, not read", hook: orders.CrashHandedOver, passes: moving, wire: wireLater, disk: anyDisk, Unknown: MustEach, victim: isMoving},
		{Number: 8, Replace: true, Name: "replace taken by the venue, report not sent", hook: orders.CrashHandedOver, passes: moving, wire: wireRead, disk: anyDisk, Unknown: MustEach, victim: isMoving},
		{Number: 9, Replace: true, Name: "answer to a replace received, not written", hook: orders.CrashHeard, passes: answered, disk: anyDisk, Unknown: MustEach, victim: isMoving},
		{Number: 10, Replace: true, Name: "answer to a replace written, not synced", hook: orders.CrashEvidence, passes: answered, disk: []diskFate{diskNone, diskTorn}, Unknown: MustSome},
	}
}

func reportUnderWay(l *life) (orders.Report, bool) {
	m, ok := l.doing.(orders.Received)
	if !ok {
		return orders.Report{}, false
	}
	r, ok := m.In.(orders.Report)
	if o, known := l.desk.Machine().Order(orders.Ref{ID: r.ID}); ok && known {
		l.victim = o.ID
	}
	return r, ok
}

// answered reports whether the owner hears the first word of a replace.
func answered(l *life) bool {
	m, ok := l.doing.(orders.Received)
	if !ok {
		return false
	}
	var id market.ClOrdID
	switch in := m.In.(type) {
	case orders.Report:
		id = in.ID
	case orders.CancelReject:
		id = in.ID
	case orders.BusinessReject:
		id = in.ID
	}
	if !l.w.moves[id] || !l.pends(id) {
		return false
	}
	l.victim = id
	return true
}

func moreToAsk(l *life) bool { return l.handedOver() > 0 }

func absentOrUnknown(o orders.OrderState, known bool) string {
	if !known {
		return ""
	}
	return isUnknown(o, known)
}

func isUnknown(o orders.OrderState, known bool) string {
	if known && o.Status == orders.StatusUnknown && unheard(o) {
		return ""
	}
	return fmt.Sprintf("known %v, %v, pending %v, want UNKNOWN", known, o.Status, o.Pending)
}

func isMoving(o orders.OrderState, known bool) string {
	if known && o.Status == orders.StatusUnknown && moves(o) {
		return ""
	}
	return fmt.Sprintf("known %v, %v, pending %v, want UNKNOWN with a replace", known, o.Status, o.Pending)
}

func provenUnsent(o orders.OrderState, known bool) string {
	if known && o.Status == orders.StatusRejected && o.Reason == orders.ReasonUnsent && o.Held == 0 {
		return ""
	}
	return fmt.Sprintf("known %v, %v %s, holds %v, want REJ unsent and nothing held", known, o.Status, o.Reason, o.Held)
}

// spring makes the trap of a point: it lets the drawn number of fitting passes go by. At each, at least so many requests
// that were handed over must be without an answer.
func (w *world) spring(l *life, p Point, least int) {
	skip := w.rng.IntN(6)
	if p.again {
		skip = 0
	}
	l.trap = func(hook int) bool {
		if hook != p.hook || p.passes != nil && !p.passes(l) {
			return false
		}
		if !p.again && (w.fills < 3 || l.handedOver() < least) {
			return false
		}
		skip--
		return skip < 0
	}
}

// Resolved counts by what orders that were UNKNOWN after a restart came to be known again.
type Resolved struct{ Found, Absent, Report, Other int }

func (r *Resolved) count(m orders.Message) {
	in, _ := m.(orders.Received)
	switch v := in.In.(type) {
	case orders.Report, orders.CancelReject:
		r.Report++
	case orders.MassEnd:
		r.Absent++
	case orders.Answer:
		if v.IsAbsent() {
			r.Absent++
			return
		}
		r.Found++
	default:
		r.Other++
	}
}

// Add counts what another run found.
func (r *Resolved) Add(o Resolved) {
	r.Found, r.Absent, r.Report, r.Other = r.Found+o.Found, r.Absent+o.Absent, r.Report+o.Report, r.Other+o.Other
}

// idOf is an order's name in a finding.
func idOf(id market.ClOrdID) string {
	if id == "" {
		return "no order"
	}
	return string(id)
}
