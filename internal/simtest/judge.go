package simtest

import (
	"bytes"
	"maps"
	"slices"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// judge holds the node against the ledger. Nothing is on its way. At the end every order is cancelled, and every execution
// was told.
func (r *run) judge(end bool) {
	l, err := r.truth()
	if err != nil {
		r.find("ledger: %v", err)
		return
	}
	m := r.life.desk.Machine()
	for _, s := range r.short {
		r.find("%s", s)
	}
	r.short = nil
	r.terms()
	held := map[market.Symbol]market.Qty{}
	for _, p := range m.Positions() {
		held[p.Instrument.Symbol()] += p.Qty
	}
	var known []ledger.NodeOrder
	var execs []string
	for o := range m.Orders() {
		known = append(known, ledger.NodeOrder{ID: o.ID, Ended: o.Leaves == 0 && o.Status != orders.StatusUnknown})
		for _, e := range o.Executed {
			execs = append(execs, e.ID)
		}
	}
	limit := map[market.Symbol]ledger.Limits{acme.Symbol(): {Long: positionLimit, Short: positionLimit}}
	over := ledger.J3(l, account, limit)
	found := [][]ledger.Finding{ledger.J1(l), over[:min(1, len(over))]} // it stays over for a while
	if end || r.manner == calm || r.manner == lossy {
		found = append(found, ledger.J2(l, account, held), ledger.J7(l, account, known))
	}
	if end {
		found = append(found, ledger.J6(l, account))
		if r.manner != lossy && r.manner != rough { // an execution that is never told is made up for, and has no name of the venue
			found = append(found, ledger.J4(l, account, execs))
		}
		r.once(l)
		if len(r.again) > 0 {
			r.find("ids were given twice: %v", r.again)
		}
	}
	for _, f := range slices.Concat(found...) {
		r.find("%v", f)
	}
}

// truth is the exchange's ledger so far.
func (r *run) truth() (*ledger.Ledger, error) {
	if r.cfg.weather != crashes {
		return ledger.Kept(r.ledger.Kept())
	}
	return ledger.Read(bytes.NewReader(r.file.Bytes()))
}

// once finds every decision that the venue applied under two ids.
func (r *run) once(l *ledger.Ledger) {
	applied := map[market.ClOrdID]bool{}
	for _, q := range ledger.Of[*sim.RecvLine](l) {
		if q.Msg == "D" && q.Account == account && (q.Fate == sim.FateApplied || q.Fate == sim.FateAppliedDuplicate) {
			applied[q.Cl] = true
			r.Orders++
		}
	}
	ours := map[market.ClOrdID]bool{}
	for _, c := range r.causes {
		n := 0
		for _, id := range r.ids[c] {
			ours[id] = true
			if applied[id] {
				n++
			}
		}
		if n > 1 && !r.cfg.Horizon {
			r.find("decision %x was applied under %d ids: %v", c[:3], n, r.ids[c])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(applied)) {
		if !ours[id] {
			r.find("%s was applied, and no permit was given for it", id)
		}
	}
	r.movedOnce(l)
}

// movedOnce finds every replace that the venue got twice, or that no permit was given for.
func (r *run) movedOnce(l *ledger.Ledger) {
	got := map[market.ClOrdID]bool{}
	for _, q := range ledger.Of[*sim.RecvLine](l) {
		if q.Msg != "G" || q.Account != account {
			continue
		}
		if got[q.Cl] || !r.moves[q.Cl] {
			r.find("replace %s came to the venue: before %v, permitted %v", q.Cl, got[q.Cl], r.moves[q.Cl])
		}
		got[q.Cl] = true
		if q.Fate == sim.FateApplied {
			r.Replaced++
		}
	}
}

// terms finds every order that works at the venue under other terms than the node knows, where it believes to know.
func (r *run) terms() {
	if r.manner != calm && r.manner != lossy {
		return // reports are on their way, or nobody has missed them yet
	}
	for _, id := range slices.Sorted(maps.Keys(r.open)) {
		o := r.open[id]
		ours, _ := r.life.desk.Machine().Order(orders.Ref{ID: id, OrderID: o.OID})
		if ours.Status == orders.StatusUnknown || slices.ContainsFunc(ours.Pending, func(p orders.PendingRequest) bool { return p.Kind == 'R' }) {
			continue
		}
		if ours.Total != o.Qty || ours.Limit != o.Px {
			r.find("%s works as %v at %v, and the node knows %v at %v", o.Cl0, o.Qty, o.Px, ours.Total, ours.Limit)
		}
	}
}
