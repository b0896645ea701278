package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/failshut/failshut/market"
)

// FaultKind names what a fault does. Only the kinds of this file exist; any other is refused by name.
type FaultKind string

// The kinds of faults. A fault on a request acts on the request or on all that the session is sent because of it; a fault on
// msg 8, 9, r, j or 3 acts on that message alone.
const (
	DropBefore   FaultKind = "drop_before"        // the request is read and forgotten
	DropAfter    FaultKind = "drop_after"         // it is applied, what answers it is never sent
	DupExec      FaultKind = "dup_exec"           // an execution report is sent twice under two sequence numbers
	LateAck      FaultKind = "late_ack"           // what answers it leaves With.Delay later, numbered as it leaves
	DisconnectAt FaultKind = "disconnect_at_byte" // the link is cut within the message: a request is not read, a reply is stored

	// FillWhilePendingCancel executes With.Qty of an open order as a cancel of it comes in, and then does the cancel: it ends
	// what is left, or is too late. It counts only cancels that name an open order.
	FillWhilePendingCancel FaultKind = "fill_while_pending_cancel"
)

var faultKinds = []FaultKind{DropBefore, DropAfter, DupExec, LateAck, DisconnectAt, FillWhilePendingCancel}

// ErrUnknownFault says that a fault plan names a kind that does not exist.
var ErrUnknownFault = errors.New("unknown fault kind")

// Certain is a probability of 1 in the units of FaultWhen.P.
const Certain = 1_000_000_000

// Fault is one entry of a fault plan.
type Fault struct {
	ID   string
	Kind FaultKind
	On   FaultOn
	When FaultWhen
	With FaultWith
}

// FaultOn chooses the messages that a fault can hit. Empty fields choose all.
type FaultOn struct {
	Session SessionID
	Msg     string // D F G H AF q, or 8 9 r j 3; empty: 8 for dup_exec, F for fill_while_pending_cancel, else D
	Symbol  market.Symbol
}

// FaultWhen chooses when it fires; exactly one of Nth, Every and P is set. Counts are of the messages that On chooses.
type FaultWhen struct {
	Nth   uint64        // only the nth, from 1
	Every uint64        // each nth
	P     int64         // with this probability in 1e-9 units, drawn from the seed
	At    time.Duration // not before this long after the day was opened, or after the fault was armed in it
	For   time.Duration // and for this long; 0: for ever
}

// FaultWith is what a kind needs.
type FaultWith struct {
	Delay time.Duration // late_ack
	Byte  int           // disconnect_at_byte: where a wire would be cut; in process the message is lost whole
	Qty   market.Qty    `json:",omitzero"` // fill_while_pending_cancel: rounded up to lots, at most what is open; 0: all of it
}

// Validate says what is wrong with the fault; an unknown kind is an ErrUnknownFault.
func (f Fault) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("fault %q: "+format, append([]any{f.ID}, args...)...))
	}
	if f.ID == "" {
		bad("id = \"\", want a name")
	}
	if !oneOf(f.Kind, faultKinds...) {
		errs = append(errs, fmt.Errorf("fault %q: %w: kind = %q, want one of %v", f.ID, ErrUnknownFault, f.Kind, faultKinds))
	}
	m, reply := f.msg(), false
	switch m {
	case "D", "F", "G", "H", "AF", "q":
	case "8", "9", "r", "j", "3":
		reply = true
	default:
		bad("on.msg = %q, want D F G H AF q 8 9 r j or 3", m)
	}
	if f.Kind == DropBefore && reply {
		bad("on.msg = %q, want a request for drop_before", m)
	}
	if f.Kind == DupExec && m != "8" {
		bad("on.msg = %q, want 8 for dup_exec", m)
	}
	if f.Kind == FillWhilePendingCancel && m != "F" {
		bad("on.msg = %q, want F for fill_while_pending_cancel", m)
	}
	set := 0
	for _, on := range []bool{f.When.Nth > 0, f.When.Every > 0, f.When.P != 0} {
		if on {
			set++
		}
	}
	if set != 1 {
		bad("when = %+v, want exactly one of nth, every and p", f.When)
	}
	if f.When.P < 0 || f.When.P > Certain {
		bad("when.p = %v, want 0 to 1", market.Qty(f.When.P))
	}
	if f.When.At < 0 || f.When.For < 0 || f.With.Byte < 0 || f.With.Qty < 0 {
		bad("when = %+v, with = %+v, want nothing below 0", f.When, f.With)
	}
	if (f.Kind == LateAck) != (f.With.Delay > 0) {
		bad("with.delay = %v, want above 0 for late_ack and for no other kind", f.With.Delay)
	}
	if f.With.Qty != 0 && f.Kind != FillWhilePendingCancel {
		bad("with.qty = %v, want none but for fill_while_pending_cancel", f.With.Qty)
	}
	return errors.Join(errs...)
}

// msg is the message type the fault is on.
func (f Fault) msg() string {
	if f.On.Msg != "" {
		return f.On.Msg
	}
	switch f.Kind {
	case DupExec:
		return "8"
	case FillWhilePendingCancel:
		return "F"
	case DropBefore, DropAfter, LateAck, DisconnectAt:
	}
	return "D"
}

// faultErrors is every mistake of a plan for this exchange. A fault on a session or symbol that the exchange does not have
// would never fire, and two of one id could not be told apart in the ledger.
func (c Config) faultErrors(faults []Fault) (errs []error) {
	seen := map[string]bool{}
	for _, f := range faults {
		if err := f.Validate(); err != nil {
			errs = append(errs, err)
		}
		if seen[f.ID] {
			errs = append(errs, fmt.Errorf("fault %q: id found twice, want one of its own", f.ID))
		}
		seen[f.ID] = true
		if id := f.On.Session; id != "" && !slices.ContainsFunc(c.Sessions, func(s SessionConfig) bool { return s.ID == id }) {
			errs = append(errs, fmt.Errorf("fault %q: on.session = %q, want one of the exchange", f.ID, id))
		}
		if sym := f.On.Symbol; sym != "" && !slices.ContainsFunc(c.Listings, func(l Listing) bool { return l.Contract.Instrument.Symbol() == sym }) {
			errs = append(errs, fmt.Errorf("fault %q: on.symbol = %q, want one that is listed", f.ID, sym))
		}
	}
	return errs
}

// plan is the fault plan at work. Its draws are its own, so that a fault does not move the flow.
type plan struct {
	rng    *rand.Rand
	start  market.Timestamp
	faults []*armed
}

type armed struct {
	Fault
	seen, fired uint64
}

// firing is a fault that hits: what the ledger says of it.
type firing struct {
	*armed
	drawn string
}

func newPlan(seed uint64, faults []Fault) *plan {
	p := &plan{rng: rand.New(rand.NewPCG(seed, 0xfa017))}
	p.arm(0, faults)
	return p
}

// arm puts faults in place of those there are, counted from now on. The draws go on where they were: the same faults armed
// at the same inputs fire alike.
func (p *plan) arm(now market.Timestamp, faults []Fault) {
	p.start, p.faults = now, nil
	for _, f := range faults {
		p.faults = append(p.faults, &armed{Fault: f})
	}
}

// hit gives the first fault that fires on the message. Every fault that chooses the message counts it. cancels says that
// the message is a cancel which would end an order.
func (p *plan) hit(now market.Timestamp, s SessionID, msg string, sym market.Symbol, cancels bool) (firing, bool) {
	var got firing
	for _, f := range p.faults {
		if !f.chooses(now.Time().Sub(p.start.Time()), s, msg, sym) || (f.Kind == FillWhilePendingCancel && !cancels) {
			continue
		}
		f.seen++
		fires, drawn := f.fires(p.rng)
		if fires && got.armed == nil {
			f.fired++
			got = firing{f, drawn}
		}
	}
	return got, got.armed != nil
}

func (f *armed) chooses(since time.Duration, s SessionID, msg string, sym market.Symbol) bool {
	if f.msg() != msg || (f.On.Session != "" && f.On.Session != s) || (f.On.Symbol != "" && f.On.Symbol != sym) {
		return false
	}
	return since >= f.When.At && (f.When.For == 0 || since < f.When.At+f.When.For)
}

func (f *armed) fires(rng *rand.Rand) (bool, string) {
	switch {
	case f.When.Nth > 0:
		return f.seen == f.When.Nth, ""
	case f.When.Every > 0:
		return f.seen%f.When.Every == 0, ""
	}
	d := rng.Int64N(Certain)
	return d < f.When.P, market.Qty(d).String()
}
