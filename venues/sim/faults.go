package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/failshut/failshut/market"
)

// ErrUnknownFault says that a fault plan names a kind that does not exist.
var ErrUnknownFault = errors.New("unknown fault kind")

// ErrNeedsWire says that a fault acts on bytes, and order entry in the process has none.
var ErrNeedsWire = errors.New("needs a wire")

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
	Msg     string // D F G H AF q, or 8 9 r j 3, or A; empty: the first that the kind may be on
	Symbol  market.Symbol
}

// FaultWhen chooses when it fires: exactly one of Nth, Every, P and While is set, or only At. Counts are of the messages that
// On chooses, and that the fault would do something to.
type FaultWhen struct {
	Nth   uint64 // only the nth, from 1
	Every uint64 // each nth
	P     int64  // with this probability in 1e-9 units, drawn from the seed
	While bool   `json:",omitzero"` // each, for as long as For says
	// At and For bound it in time: not before At after the day was opened, or after the fault was armed in it, and for For; 0 is
	// for ever. At alone is once: on the first message from then on, or at that very time for halt, split and restart.
	At  time.Duration
	For time.Duration
}

// FaultWith is what a kind needs.
type FaultWith struct {
	Delay time.Duration // how much later, or for how long; see the kinds
	Byte  int           // where a wire would be cut: refused, for there is none (ErrNeedsWire)
	Qty   market.Qty    `json:",omitzero"` // rounded up to lots, at most what is open but for overfill; 0: see the kinds
}

// WithDefaults gives the fault with the delay of its kind where it needs one and names none.
func (f Fault) WithDefaults() Fault {
	if r, _ := f.Kind.rule(); f.With.Delay == 0 {
		f.With.Delay = r.delay
	}
	return f
}

// Validate says what is wrong with the fault; an unknown kind is an ErrUnknownFault, one that acts on bytes an ErrNeedsWire.
func (f Fault) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("fault %q: "+format, append([]any{f.ID}, args...)...))
	}
	if f.ID == "" {
		bad("id = \"\", want a name")
	}
	r, ok := f.Kind.rule()
	if !ok {
		return errors.Join(append(errs, fmt.Errorf("fault %q: %w", f.ID, unknownKind(f.Kind)))...)
	}
	if m := f.msg(); !slices.Contains(r.on(), m) {
		bad("on.msg = %q, want %s for %s", m, strings.Join(r.on(), " "), f.Kind)
	}
	if f.msg() == "A" && f.On.Symbol != "" {
		bad("on.symbol = %q, want none for a logon", f.On.Symbol)
	}
	errs = append(errs, f.whenErrors()...)
	if f.With.Byte != 0 {
		errs = append(errs, fmt.Errorf("fault %q: with.byte = %d, want none: it %w, in the process a message is lost whole", f.ID, f.With.Byte, ErrNeedsWire))
	}
	switch needs := r.delay > 0; {
	case f.With.Delay < 0 || (needs && f.With.Delay == 0):
		bad("with.delay = %v, want above 0 for %s", f.With.Delay, f.Kind)
	case f.With.Delay > 0 && !needs && !r.later:
		bad("with.delay = %v, want none for %s", f.With.Delay, f.Kind)
	}
	switch {
	case f.With.Qty < 0:
		bad("with.qty = %v, want nothing below 0", f.With.Qty)
	case f.With.Qty != 0 && !r.qty:
		bad("with.qty = %v, want none for %s", f.With.Qty, f.Kind)
	}
	return errors.Join(errs...)
}

func (f Fault) whenErrors() (errs []error) {
	w, set := f.When, 0
	for _, on := range []bool{w.Nth > 0, w.Every > 0, w.P != 0, w.While} {
		if on {
			set++
		}
	}
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("fault %q: "+format, append([]any{f.ID}, args...)...))
	}
	if set > 1 || (set == 0 && w.At == 0) {
		bad("when = %+v, want exactly one of nth, every, p and while, or at alone", w)
	}
	if w.While && w.For == 0 {
		bad("when.for = 0s, want above 0 beside while")
	}
	if set == 0 && w.For != 0 {
		bad("when.for = %v, want none where at stands alone", w.For)
	}
	if w.P < 0 || w.P > Certain {
		bad("when.p = %v, want 0 to 1", market.Qty(w.P))
	}
	if w.At < 0 || w.For < 0 {
		bad("when = %+v, want nothing below 0", w)
	}
	return errs
}

// unknownKind is why a kind does not exist here.
func unknownKind(k FaultKind) error {
	if oneOf(k, wireKinds...) {
		return fmt.Errorf("%w: kind = %q %w: it acts on bytes", ErrUnknownFault, k, ErrNeedsWire)
	}
	return fmt.Errorf("%w: kind = %q, want one of %v", ErrUnknownFault, k, FaultKinds())
}

// msg is the message type the fault is on.
func (f Fault) msg() string {
	if f.On.Msg != "" {
		return f.On.Msg
	}
	if r, ok := f.Kind.rule(); ok {
		return r.on()[0]
	}
	return "D"
}

// once reports whether the fault is to fire once from a time on.
func (f Fault) once() bool {
	return f.When.Nth == 0 && f.When.Every == 0 && f.When.P == 0 && !f.When.While
}

// itself reports whether the fault fires at its time, and waits for no message.
func (f Fault) itself() bool {
	r, _ := f.Kind.rule()
	return r.alone && f.once()
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

// hit gives the first fault that fires on the message. Every fault that chooses the message counts it; suits says whether a
// kind would do something to it.
func (p *plan) hit(now market.Timestamp, s SessionID, msg string, sym market.Symbol, suits func(FaultKind) bool) (firing, bool) {
	var got firing
	for _, f := range p.faults {
		if !f.chooses(now.Time().Sub(p.start.Time()), s, msg, sym) || !suits(f.Kind) {
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

// kind is that of the fault, "" of none.
func (f firing) kind() FaultKind {
	if f.armed == nil {
		return ""
	}
	return f.Kind
}

func (f *armed) chooses(since time.Duration, s SessionID, msg string, sym market.Symbol) bool {
	if f.msg() != msg || f.itself() || (f.On.Session != "" && f.On.Session != s) || (f.On.Symbol != "" && f.On.Symbol != sym) {
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
	case f.When.While:
		return true, ""
	case f.once():
		return f.fired == 0, ""
	}
	d := rng.Int64N(Certain)
	return d < f.When.P, market.Qty(d).String()
}
