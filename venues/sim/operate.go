package sim

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/market"
)

// Operation is what an operator of the exchange does to it: an input that answers with a Refused to the session "" when it
// cannot be done, and then nothing has changed. A paper venue takes none.
type Operation interface {
	Input
	operation()
}

// ErrOperation says that an operation cannot be done.
var ErrOperation = errors.New("operation refused")

// SetPhase brings symbols into a phase; no symbol names all.
type SetPhase struct {
	Symbols []market.Symbol
	Phase   Phase
}

// NewDay ends the trading day and begins the next: day orders expire, orders good till cancelled are told of again.
type NewDay struct{}

// Bust takes an execution back, on both sides of its trade. Exec is an execution id of either side, or that of the trade. An
// order that it had filled is open again, for as long as it may rest; one that has ended otherwise stays so.
type Bust struct{ Exec string }

// Correct gives an execution, and its counterpart, another quantity and price; 0 leaves it as it is.
type Correct struct {
	Exec  string
	Qty   market.Qty
	Price market.Price
}

// Restate gives an open order another total quantity and price, unasked; 0 leaves it as it is. A quantity down to what was
// executed ends the order filled.
type Restate struct {
	OrderID string
	Qty     market.Qty
	Price   market.Price
	Reason  RestateReason
}

// Withdraw cancels an open order, unasked.
type Withdraw struct{ OrderID string }

// Split makes By shares of each of a symbol: open orders of sessions and what was executed of them are restated, By times the
// quantity at the By-th part of the price, in whole ticks away from the market. What orders that are over have executed is the
// business of the clearing, and stays. Orders of the background flow are cancelled and come anew.
type Split struct {
	Symbol market.Symbol
	By     int64 // 2 to 1000
}

func (SetPhase) simInput() {}
func (NewDay) simInput()   {}
func (Bust) simInput()     {}
func (Correct) simInput()  {}
func (Restate) simInput()  {}
func (Withdraw) simInput() {}
func (Split) simInput()    {}

func (SetPhase) operation() {}
func (NewDay) operation()   {}
func (Bust) operation()     {}
func (Correct) operation()  {}
func (Restate) operation()  {}
func (Withdraw) operation() {}
func (Split) operation()    {}

// operate does an operation or refuses it.
func (h *house) operate(in Operation) {
	err := fmt.Errorf("%w: a paper venue has no operator", ErrOperation)
	if h.engine != nil {
		err = h.engine.operate(in)
	}
	if err != nil {
		h.refuse("", err)
	}
}

func (e *Engine) operate(in Operation) error {
	switch in := in.(type) {
	case SetPhase:
		at, err := e.of(in.Symbols...)
		if err != nil {
			return err
		}
		if !in.Phase.Valid() {
			return fmt.Errorf("%w: phase = %q, want pre_open, auction, continuous, halt or closed", ErrOperation, in.Phase)
		}
		for _, i := range at {
			e.setPhase(i, in.Phase)
		}
	case NewDay:
		e.newDay()
	case Bust:
		return e.bust(in.Exec)
	case Correct:
		return e.correct(in)
	case Restate:
		return e.restate(in)
	case Withdraw:
		o, err := e.openOrder(in.OrderID)
		if err != nil {
			return err
		}
		return e.withdraw(o)
	case Split:
		return e.split(in)
	}
	return nil
}

// openOrder gives an open order of a session by the exchange's id.
func (h *house) openOrder(oid string) (*order, error) {
	o := h.byOID[oid]
	if o == nil || !o.status.Open() {
		return nil, fmt.Errorf("%w: order %q is not open", ErrOperation, oid)
	}
	return o, nil
}

func (e *Engine) restate(in Restate) error {
	o, err := e.openOrder(in.OrderID)
	if err != nil {
		return err
	}
	c := e.symbols[o.sym].c
	qty, px := in.Qty, in.Price
	if qty == 0 {
		qty = o.qty
	}
	if px == 0 {
		px = o.px
	}
	switch {
	case qty < o.cum || !c.OnLot(qty):
		return fmt.Errorf("%w: quantity %v, want at least the %v executed, by %v", ErrOperation, qty, o.cum, c.Lot)
	case px < 0 || !c.OnTick(px) || (px != o.px && (o.px == 0 || px == 0)):
		return fmt.Errorf("%w: price %v of a %v order, want one where there is one, by %v", ErrOperation, px, o.typ, c.Tick)
	case !e.countable(o.account, o.sym, qty-o.qty, px):
		return fmt.Errorf("%w: exposure without a number", ErrOperation)
	}
	e.reterm(o, terms{qty, px, o.stop}, "restate", ExecRestated, func(r *Report) { r.Restate = in.Reason })
	return nil
}
