package orders

import (
	"time"

	"github.com/failshut/failshut/market"
)

// BlockUnknown says which UNKNOWN orders keep new ones from being placed.
type BlockUnknown uint8

// Scopes of R20. The zero value blocks the instrument of an UNKNOWN order.
const (
	BlockInstrument BlockUnknown = iota
	BlockAccount
	BlockNone
)

// ExecKey says what makes an execution id unique at the venue.
type ExecKey uint8

// Keys of executions. The zero value takes an id as unique in the account.
const (
	ExecByAccount ExecKey = iota
	ExecBySymbol
	ExecBySymbolDay
)

// Options are what differs between venues and accounts. The zero value is
// made whole by [NewMachine]: two Absents, two seconds apart.
type Options struct {
	Account        market.Account
	ReplaceFilled  bool          // a filled order may be replaced upwards
	CancelAccepted bool          // cancels name the last accepted id, not the last not rejected
	AbsentNeeded   int           // Absent answers that end an order, default 2
	AbsentSpacing  time.Duration // between two that count, default 2 s
	NoMassStatus   bool          // the venue has no mass status: R18 asks each open order
	BlockUnknown   BlockUnknown
	ExecKey        ExecKey
	SessionOpen    bool                  // starts with an open session; for scripts and tests
	NextID         func() market.ClOrdID // ids of cancels that R16b makes; nil makes none
}

// session is the state of the account's venue session.
type session uint8

const (
	sessionDown session = iota
	sessionRecovering
	sessionReconciling
	sessionOpen
)

var sessionNames = [...]string{"down", "recovering", "reconciling", "open"}

type execKey struct {
	id  string
	sym market.Instrument
	day int32
}

// Machine is the order machine of one venue account: rules R1–R22 as a pure
// function of its inputs. It is not safe for concurrent use. Orders stay in it
// after their end; late reports still find them.
type Machine struct {
	opt       Options
	orders    []*order // in order of creation
	live      []*order // those not closed, and some that closed since the last sweep
	ids       map[market.ClOrdID]*order
	oids      map[string]*order
	causes    map[wish]*order
	execs     map[execKey]*order
	executed  uint64 // executions so far
	pos       map[market.Instrument]market.Qty
	unknown   map[market.Instrument]int
	unknowns  int
	foreigns  int    // live orders that only the venue knows
	strangers uint64 // orders so far that only the venue knew
	changes   uint64 // of the sets that these two count
	lists     uint64 // whole lists
	session   session
	listWhole bool
	listing   bool
	answers   int
	round     uint32
	day       int32
	epoch     uint32  // of the journal's life whose records are being folded, or written
	blocks    []block // of ids that may have been used without a record
	phantoms  int     // ids of which nothing is known, those proven unused but not forgotten included
	now       int64
	folding   bool
	partial   bool // made from a part of its records: never opens, and proves nothing unsent by a record that it lacks
	touched   []*order
	watched   bool     // somebody takes what changes
	changed   []*order // by the last step, if watched
	out       []Output
}

// NewMachine returns a machine without orders whose session is down.
func NewMachine(opt Options) *Machine {
	if opt.AbsentNeeded <= 0 {
		opt.AbsentNeeded = 2
	}
	if opt.AbsentSpacing == 0 {
		opt.AbsentSpacing = 2 * time.Second
	}
	m := &Machine{
		opt: opt, ids: map[market.ClOrdID]*order{}, oids: map[string]*order{}, causes: map[wish]*order{},
		execs: map[execKey]*order{}, pos: map[market.Instrument]market.Qty{}, unknown: map[market.Instrument]int{},
	}
	if opt.SessionOpen {
		m.session, m.listWhole = sessionOpen, true
	}
	return m
}

// Step applies one input at the Instant now and returns what it asks of the
// shell. The slice and what it holds are reused by the next step. Input that
// makes no sense is answered with an event or a flag, never with a panic. A
// report on a known order allocates nothing but what keeps its execution.
func (m *Machine) Step(now int64, in Input) []Output {
	clear(m.out)
	m.out, m.now = m.out[:0], now
	switch v := in.(type) {
	case *Report:
		m.report(v)
	case Report:
		m.report(&v)
	case CancelReject:
		m.cancelReject(&v)
	case BusinessReject:
		m.reject(v.ID)
	case SessionReject:
		m.reject(v.ID)
	case Answer:
		m.answer(&v)
	case MassEnd:
		m.massEnd(v.Count)
	case MassCancelAck:
		m.massCancelAck(v.Accepted)
	case Link:
		m.link(v.Event)
	default:
		m.local(in)
	}
	m.settle()
	return m.out
}

// local applies what our own side asks for or finds.
func (m *Machine) local(in Input) {
	switch v := in.(type) {
	case Create:
		m.create(&v)
	case Arm:
		m.arm(v.ID)
	case HandOver:
		m.handOver(v.ID)
	case Change:
		m.change(&v)
	case Withdraw:
		m.withdraw(v)
	case Unsent:
		m.unsent(v)
	case Timeout:
		m.timeout(v.ID)
	case Quiet:
		if o := m.find(v.Of); o != nil {
			m.ask(o)
		}
	case Ask:
		m.question(v.Of)
	case AskAll:
		m.askAll()
	case WithdrawAll:
		m.withdrawAll(v.Scope)
	case NewDay:
		m.newDay()
	case Crash:
		m.crash()
	case Reserve:
		m.reserve(v)
	case Resolve:
		m.resolve(&v)
	case Accept:
		m.accept(&v)
	case cancelSent:
		m.foldCancel(v)
	}
}

// Fold applies a journalled input: the state moves as it did then, and nothing
// is sent, asked or made anew.
func (m *Machine) Fold(now int64, in Input) {
	m.folding = true
	m.Step(now, in)
	m.folding = false
}

func (m *Machine) find(r Ref) *order {
	if r.ID != "" {
		if o := m.ids[r.ID]; o != nil {
			return o
		}
	}
	if r.OrderID != "" {
		return m.oids[r.OrderID]
	}
	return nil
}

func (m *Machine) touch(o *order) {
	if !o.touched {
		o.touched = true
		m.touched = append(m.touched, o)
	}
}

// ask has the order's state asked for at the end of the step, once, if the
// connection is up.
func (m *Machine) ask(o *order) {
	o.asking = true
	m.touch(o)
}

func (m *Machine) doubt(o *order, d doubt) {
	o.doubts |= d
	m.touch(o)
}

func (m *Machine) flag(f Flag, o *order, request market.ClOrdID) {
	m.out = append(m.out, Output{Kind: OutFlag, Flag: f, Event: m.describe(0, o, request)})
}

// event appends an event about o and returns it for further words; the
// pointer is valid until the next output.
func (m *Machine) event(k EventKind, o *order) *Event {
	m.out = append(m.out, Output{Kind: OutEvent, Event: m.describe(k, o, "")})
	return &m.out[len(m.out)-1].Event
}

func (m *Machine) describe(k EventKind, o *order, request market.ClOrdID) Event {
	e := Event{Kind: k, Request: request, Replay: m.folding}
	if o != nil {
		e.Order, e.OrderID, e.Cause, e.Strategy = o.ID, o.oid, o.cause, o.Strategy
		e.Instrument, e.Side, e.Paper = o.Instrument, o.Side, o.paper
		e.Qty, e.Cum, e.Leaves, e.Price = o.qty, o.cum, o.leaves(), o.px
		e.Status = o.status()
	}
	return e
}

func (m *Machine) refuse(id market.ClOrdID, o *order, why Reason) {
	e := m.event(EventRefused, o)
	e.Request, e.Reason = id, why
}

func (m *Machine) record(in Input) {
	if !m.folding {
		m.out = append(m.out, Output{Kind: OutRecord, Record: in})
	}
}
