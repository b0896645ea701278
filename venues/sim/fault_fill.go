package sim

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/failshut/failshut/market"
)

// fillable reports whether a fault can have an open order executed.
func (h *house) fillable(o *order) bool { return o != nil && h.roomFor(o) }

// roomFor reports whether somebody can be made to trade with o.
func (h *house) roomFor(o *order) bool {
	if h.stranger == nil {
		return false
	}
	more, err := o.qty.Add(h.symbols[o.sym].c.MaxQty)
	if err != nil {
		return false
	}
	_, err = h.stranger.pos[o.sym].Add(market.Qty(o.side.Opposite().Sign()) * more)
	return err == nil
}

// overtake executes q of o, more than is open of it if so asked, at its own price against an order that is made for it, so that the books and the positions of
// the exchange add up. by is the fault line: nobody asked for this.
func (h *house) overtake(o *order, q market.Qty, by uint64) {
	defer func(was because) { h.because = was }(h.because)
	h.because = because{n: by}
	h.accept(h.stranger, &order{
		cl0: market.ClOrdID("fault" + strconv.FormatUint(h.refs+1, 10)), sym: o.sym, side: o.side.Opposite(), typ: market.Limit,
		tif: market.IOC, px: o.px, qty: q, meets: o,
	})
}

// lots is q in whole lots, rounded up, at most what is open of o; all of that if q is 0.
func (h *house) lots(o *order, q market.Qty) market.Qty {
	if q == 0 || q >= o.leaves() {
		return o.leaves()
	}
	if over := q % h.symbols[o.sym].c.Lot; over != 0 {
		q += h.symbols[o.sym].c.Lot - over
	}
	return min(q, o.leaves())
}

// arm replaces the fault plan, or refuses it whole.
func (h *house) arm(faults []Fault) {
	if err := h.armable(faults); err != nil {
		h.refuse("", err)
		return
	}
	for _, f := range h.plan.faults {
		h.line("fault", &FaultLine{ID: f.ID, Kind: string(f.Kind), Target: "disarmed"})
	}
	h.plan.arm(h.now, faults)
	h.await()
	for _, f := range faults {
		h.line("fault", &FaultLine{ID: f.ID, Kind: string(f.Kind), Target: "armed"})
	}
}

func (h *house) armable(faults []Fault) error {
	if h.paper && len(faults) > 0 {
		return fmt.Errorf("paper venue: %d faults to be armed, want them in its configuration", len(faults))
	}
	return errors.Join(h.cfg.faultErrors(faults)...)
}
