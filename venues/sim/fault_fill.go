package sim

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/failshut/failshut/market"
)

// ends gives the open order that a cancel would end; nil where the request is no cancel, would be refused, or names an order
// that nobody can be made to trade with.
func (h *house) ends(s *session, req Request) *order {
	if req.Kind != CancelOrder || malformed(req) != "" || h.stranger == nil {
		return nil
	}
	o := h.find(s.account, req.Orig, req.OrderID)
	if o == nil || !o.status.Open() || (h.cfg.Dedupe == DedupeStrict && s.account.byCl[req.ClOrdID] != nil) {
		return nil
	}
	against := market.Qty(o.side.Opposite().Sign()) * o.leaves()
	if _, err := h.stranger.pos[o.sym].Add(against); err != nil {
		return nil
	}
	return o
}

// overtake executes q of o at its own price against an order that is made for it, so that the books and the positions of
// the exchange add up. by is the fault line: nobody asked for this.
func (h *house) overtake(o *order, q market.Qty, by uint64) {
	h.because = because{n: by}
	defer func() { h.because = because{} }()
	h.accept(h.stranger, &order{
		cl0: market.ClOrdID("fault" + strconv.FormatUint(h.refs+1, 10)), sym: o.sym, side: o.side.Opposite(), typ: market.Limit,
		tif: market.IOC, px: o.px, qty: h.lots(o, q), meets: o,
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
		h.emit(Deliver{"", Reply{Time: h.now, Body: Refused{err}}})
		return
	}
	for _, f := range h.plan.faults {
		h.line("fault", &FaultLine{ID: f.ID, Kind: string(f.Kind), Target: "disarmed"})
	}
	h.plan.arm(h.now, faults)
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
