package orders

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"iter"
	"slices"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// OrderState is a copy of one order at one moment. Quantities and prices are
// in 1e-9 units.
type OrderState struct {
	New                     // the original terms
	Cause    risk.Cause     // the decision behind it
	OrderID  string         // the venue's id
	Foreign  bool           // the venue named it first
	Status   Status         // by R6
	Total    market.Qty     // quantity in force
	Limit    market.Price   // price in force
	Cum      market.Qty     // Σ live executions
	Leaves   market.Qty     // what is still working
	Avg      market.Price   // average price of the live executions
	Held     market.Qty     // worst case that is still open (R5)
	InForce  market.ClOrdID // id the venue uses
	Next     market.ClOrdID // OrigClOrdID of the next request
	Pending  []PendingRequest
	Closing  bool
	Closed   bool
	Reason   Reason
	DayQty   market.Qty
	DayCum   market.Qty
	Doubts   []string
	Executed []Executed
}

// PendingRequest is a request without a final answer.
type PendingRequest struct {
	Kind     byte // 'N', 'C' or 'R'
	ID       market.ClOrdID
	Evidence string // journalled, sent, acked or unknown
}

// Executed is one live execution.
type Executed struct {
	ID    string
	Qty   market.Qty
	Price market.Price
	Day   int32
	// Synthetic: no report of it has come. An answer of the venue, or an operator, said that there is so much more.
	Synthetic bool
}

// Order returns the state of the order that r names.
func (m *Machine) Order(r Ref) (OrderState, bool) {
	o := m.find(r)
	if o == nil {
		return OrderState{}, false
	}
	return m.copyOf(o), true
}

// Orders yields every order in the order of creation. An id that may have been used is none (see Reserved).
func (m *Machine) Orders() iter.Seq[OrderState] {
	return func(yield func(OrderState) bool) {
		for _, o := range m.orders {
			if !o.phantom && !yield(m.copyOf(o)) {
				return
			}
		}
	}
}

// wish is what a decision is known by: causes are names that each strategy gives for itself.
type wish struct {
	strategy string
	cause    risk.Cause
}

// ByCause returns the order that a decision of the strategy placed before.
func (m *Machine) ByCause(strategy string, c risk.Cause) (market.ClOrdID, bool) {
	o := m.causes[wish{strategy, c}]
	if o == nil || c == (risk.Cause{}) {
		return "", false
	}
	return o.ID, true
}

// Position returns the signed sum of the executions in i.
func (m *Machine) Position(i market.Instrument) market.Qty { return m.pos[i] }

// Positions returns every position that is not 0, by instrument.
func (m *Machine) Positions() []Position {
	var out []Position
	for i, q := range m.pos {
		if q != 0 {
			out = append(out, Position{Instrument: i, Qty: q})
		}
	}
	slices.SortFunc(out, func(a, b Position) int { return a.Instrument.Compare(b.Instrument) })
	return out
}

// PositionsOf returns the positions of one strategy, by instrument.
func (m *Machine) PositionsOf(strategy string) []Position {
	var out []Position
	for _, h := range m.holdings() {
		if q := h.bought.qty - h.sold.qty; q != 0 && h.strategy == strategy {
			out = append(out, Position{Instrument: h.instrument, Qty: q})
		}
	}
	slices.SortFunc(out, func(a, b Position) int { return a.Instrument.Compare(b.Instrument) })
	return out
}

// Execution is one live execution of a strategy, as corrected; what was busted
// is none. Qty is signed: above 0 of a buy.
type Execution struct {
	Order      market.ClOrdID
	Exec       string // the id under which its fill was told
	Instrument market.Instrument
	Qty        market.Qty
	Price      market.Price
}

// ExecutionsOf returns the live executions of one strategy in the order in
// which they were first known, whatever order or instrument they are of.
func (m *Machine) ExecutionsOf(strategy string) []Execution {
	type numbered struct {
		Execution
		nth uint64
	}
	var all []numbered
	for _, o := range m.orders {
		if o.Strategy != strategy {
			continue
		}
		for i := range o.execs {
			if e := &o.execs[i]; !e.gone && e.qty != 0 {
				qty := e.qty * market.Qty(o.Side.Sign())
				all = append(all, numbered{Execution{o.ID, e.id, o.Instrument, qty, e.px}, e.nth})
			}
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.nth, b.nth) })
	out := make([]Execution, len(all))
	for i := range all {
		out[i] = all[i].Execution
	}
	return out
}

// Differences names what the venue holds and the journal cannot explain.
func (m *Machine) Differences() []string {
	var out []string
	for _, d := range m.Differing() {
		out = append(out, d.Text)
	}
	return out
}

// Asked notes that the venue was asked for an order, so that silence counts
// from there.
func (m *Machine) Asked(r Ref, now int64) {
	if o := m.find(r); o != nil {
		o.heard = now
	}
}

// Position is the signed quantity of one instrument.
type Position struct {
	Instrument market.Instrument
	Qty        market.Qty
}

// Unknown returns how many orders are UNKNOWN.
func (m *Machine) Unknown() int { return m.unknowns }

// Session returns down, recovering, reconciling or open.
func (m *Machine) Session() string { return sessionNames[m.session] }

// Accepts reports whether the session is open, so that new orders may leave.
func (m *Machine) Accepts() bool { return m.session == sessionOpen }

func (m *Machine) copyOf(o *order) OrderState {
	held, _ := o.held()
	s := OrderState{
		New: o.New, Cause: o.cause, OrderID: o.oid, Foreign: o.foreign, Status: o.status(), Total: o.qty, Limit: o.px,
		Cum: o.cum, Leaves: o.leaves(), Avg: o.avg(), Held: held, InForce: o.inForce(), Next: o.next(),
		Closed: o.closed(), Reason: o.why, DayCum: o.today(m.day),
	}
	s.Closing = o.closing && !s.Closed
	s.DayQty = o.qty - (o.cum - s.DayCum)
	for i := range o.reqs {
		if q := &o.reqs[i]; q.ev.open() {
			s.Pending = append(s.Pending, PendingRequest{Kind: " NCR"[q.kind], ID: q.id, Evidence: evidenceNames[q.ev]})
		}
	}
	for i, name := range doubtNames {
		if o.doubts&(1<<i) != 0 {
			s.Doubts = append(s.Doubts, name)
		}
	}
	for i := range o.execs {
		if e := &o.execs[i]; !e.gone {
			s.Executed = append(s.Executed, Executed{ID: e.id, Qty: e.qty, Price: e.px, Day: e.day, Synthetic: e.synthetic})
		}
	}
	return s
}

// Digest returns a hash of what the journal must bring back: quantities,
// executions, ids, ends and positions. What a crash takes by R19, the evidence
// of open requests and the doubts, is not in it.
func (m *Machine) Digest() [32]byte {
	h := sha256.New()
	for _, o := range m.orders {
		if !o.phantom {
			o.digest(h)
		}
	}
	for _, p := range m.Positions() {
		text(h, p.Instrument.String())
		number(h, int64(p.Qty))
	}
	return [32]byte(h.Sum(nil))
}

func (o *order) digest(h hash.Hash) {
	text(h, string(o.ID))
	text(h, o.oid)
	text(h, o.Instrument.String())
	for _, v := range []int64{int64(o.Side), int64(o.TIF), int64(o.qty), int64(o.px), int64(o.cum), int64(o.greatest)} {
		number(h, v)
	}
	end := int64(0)
	if o.ended() {
		end = int64(o.w)
		text(h, string(o.why))
	}
	number(h, end)
	for i := range o.reqs {
		text(h, string(o.reqs[i].id))
	}
	for i := range o.execs {
		if e := &o.execs[i]; !e.gone {
			text(h, e.id)
			number(h, int64(e.qty))
			number(h, int64(e.px))
			number(h, int64(e.day))
		}
	}
}

func text(h hash.Hash, s string) {
	number(h, int64(len(s)))
	h.Write([]byte(s))
}

func number(h hash.Hash, v int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	h.Write(b[:])
}
