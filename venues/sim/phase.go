package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/failshut/failshut/market"
)

// Phase says what becomes of orders in a symbol at the moment.
type Phase string

// The phases of trading. Cancels are taken in each of them.
const (
	PhasePreOpen    Phase = "pre_open"   // orders that may rest are taken and wait, unseen, for the auction
	PhaseAuction    Phase = "auction"    // as PhasePreOpen
	PhaseContinuous Phase = "continuous" // orders are matched as they come; on the way here what waits is matched at one price
	PhaseHalt       Phase = "halt"       // every open order is suspended, and tells its owner; orders that may rest are taken and suspended
	PhaseClosed     Phase = "closed"     // no order is taken, day orders expire
)

// PhaseAt is a phase that begins a time after the day was opened.
type PhaseAt struct {
	After   time.Duration
	Phase   Phase
	Symbols []market.Symbol // of no symbol: of all
}

// Valid reports whether p is a phase.
func (p Phase) Valid() bool {
	return oneOf(p, PhasePreOpen, PhaseAuction, PhaseContinuous, PhaseHalt, PhaseClosed)
}

func (c Config) phaseErrors() (errs []error) {
	for i, p := range c.Phases {
		if !p.Phase.Valid() {
			errs = append(errs, fmt.Errorf("phase %d: phase = %q, want pre_open, auction, continuous, halt or closed", i, p.Phase))
		}
		if p.After < 0 {
			errs = append(errs, fmt.Errorf("phase %d: after = %v, want 0 or more", i, p.After))
		}
		for _, sym := range p.Symbols {
			if !slices.ContainsFunc(c.Listings, func(l Listing) bool { return l.Contract.Instrument.Symbol() == sym }) {
				errs = append(errs, fmt.Errorf("phase %d: symbol = %q, want one that is listed", i, sym))
			}
		}
	}
	return errs
}

// of gives the symbols that a list names; of none, all.
func (h *house) of(names ...market.Symbol) ([]int, error) {
	var out []int
	var errs []error
	for _, s := range names {
		i, ok := h.bySymbol[s]
		if !ok {
			errs = append(errs, fmt.Errorf("%w: symbol %q is not listed", ErrOperation, s))
		}
		out = append(out, i)
	}
	if len(names) == 0 {
		for i := range h.symbols {
			out = append(out, i)
		}
	}
	return out, errors.Join(errs...)
}

// takes says why an order cannot be taken in the phase of its symbol; "" if it can.
func (h *house) takes(o *order) (Reason, string) {
	switch p := h.symbols[o.sym].phase; {
	case p == PhaseClosed:
		return OrderClosed, "phase closed"
	case p != PhaseContinuous && !o.mayRest():
		return OrderOther, fmt.Sprintf("phase %s: an order that cannot wait", p)
	}
	return 0, ""
}

// mayRest reports whether an order may wait for somebody to meet it.
func (o *order) mayRest() bool {
	return !o.market() && (o.tif == market.Day || o.tif == market.GTC)
}

// schedule sets the phases of the configuration. Those of the opening itself are there before anything else happens.
func (e *Engine) schedule() {
	for _, p := range e.cfg.Phases {
		at, err := e.of(p.Symbols...)
		if err != nil {
			continue // Validate has refused it
		}
		if p.After == 0 {
			for _, i := range at {
				e.symbols[i].phase = p.Phase
			}
			continue
		}
		e.after(p.After, func() {
			for _, i := range at {
				e.setPhase(i, p.Phase)
			}
		})
	}
}

// setPhase brings a symbol into a phase. Whoever is suspended hears of the end of a halt before anything is matched; the feed
// says that a symbol trades once what waited has been matched.
func (e *Engine) setPhase(i int, p Phase) {
	was := e.symbols[i].phase
	if was == p {
		return
	}
	e.symbols[i].phase = p
	e.line("phase", &PhaseLine{Sym: e.symbols[i].sym, Phase: string(p)})
	if was == PhaseContinuous {
		e.emit(MarketEvent{Kind: Halted, Time: e.now, Locate: locate(i), Symbol: e.symbols[i].sym})
	}
	switch {
	case p == PhaseClosed:
		e.expire(i)
	case was == PhaseClosed:
		e.renew(i)
	}
	if was == PhaseHalt {
		e.resume(i)
	}
	if p == PhaseHalt {
		e.suspend(i)
	}
	if p == PhaseContinuous {
		e.uncross(i)
		e.show(i)
		e.emit(MarketEvent{Kind: Trading, Time: e.now, Locate: locate(i), Symbol: e.symbols[i].sym})
		e.runStops(i)
	}
}

// open gives the open orders in a symbol, account by account, in order of entry.
func (h *house) openIn(sym int) (out []*order) {
	for _, a := range h.accounts {
		for _, o := range a.open {
			if o.sym == sym {
				out = append(out, o)
			}
		}
	}
	return out
}

func (e *Engine) suspend(i int) {
	for _, o := range e.openIn(i) {
		e.suspendOne(o)
	}
}

func (e *Engine) suspendOne(o *order) {
	if !o.status.Open() {
		return
	}
	o.status = StatusSuspended
	e.orderLine(o, "halt")
	e.report(o, ExecSuspended, nil)
}

func (e *Engine) resume(i int) {
	for _, o := range e.openIn(i) {
		if o.status == StatusSuspended {
			o.status = o.working()
			e.orderLine(o, "resume")
			e.report(o, ExecNew, nil)
		}
	}
}

// working is the status of an open order that is not suspended.
func (o *order) working() OrdStatus {
	if o.cum > 0 {
		return StatusPartial
	}
	return StatusNew
}
