package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/failshut/failshut/venues/sim"
)

func (d *decoder) checkExchange(x *Exchange) {
	symbols := namesOf(x.Instruments, func(q Quoted) string { return string(q.Symbol) })
	targets := namesOf(x.Sessions, func(t Target) string { return t.Target })
	distinct(d, x.Sessions, "sessions", ".target", func(t Target) string { return t.Target })
	distinct(d, x.Instruments, "instruments", ".symbol", func(q Quoted) string { return string(q.Symbol) })
	d.address("venue.control", x.Venue.Control, true)
	d.address("fix.listen", x.FIX.Listen, false)
	d.address("feed.request.listen", x.Feed.Request.Listen, false)
	d.address("feed.snapshot.listen", x.Feed.Snapshot.Listen, false)
	if x.Feed.Session != "auto" && x.Feed.Session != "" && len(x.Feed.Session) != 10 {
		d.mistake("feed.session", "feed.session is %q, want auto or ten characters", x.Feed.Session)
	}
	if x.FIX.Heartbeat.Min > x.FIX.Heartbeat.Max {
		d.mistake("fix.heartbeat.min", "fix.heartbeat.min is %v, want at most max = %v", x.FIX.Heartbeat.Min, x.FIX.Heartbeat.Max)
	}
	if x.Flow.Qty.Min > x.Flow.Qty.Max {
		d.mistake("flow.qty.min", "flow.qty.min is %v, want at most max = %v", x.Flow.Qty.Min, x.Flow.Qty.Max)
	}
	for i, q := range x.Instruments {
		path := fmt.Sprintf("instruments[%d]", i)
		d.lots(path, q.Lot, q.MinQty, q.MaxQty)
		if q.Tick > 0 && q.Reference%q.Tick != 0 {
			d.mistake(path+".reference", "%s.reference is %v, want a multiple of tick = %v", path, q.Reference, q.Tick)
		}
	}
	for i, p := range x.Phases {
		for j, s := range p.Symbols {
			d.refer(fmt.Sprintf("phases[%d].symbols[%d]", i, j), "instrument", string(s), symbols)
		}
	}
	d.checkFaults(x.Faults, targets, symbols)
}

func (d *decoder) checkFaults(faults []Fault, targets, symbols []string) {
	distinct(d, faults, "faults", ".id", func(f Fault) string { return f.ID })
	word := func(k sim.FaultKind) string { return string(k) }
	kinds, wire := namesOf(sim.FaultKinds(), word), namesOf(sim.WireFaults(), word)
	for i, f := range faults {
		path := fmt.Sprintf("faults[%d]", i)
		if slices.Contains(wire, f.Kind) {
			d.mistake(path+".kind", "%s.kind is %q, which needs a wire; want one of %s", path, f.Kind, strings.Join(kinds, ", "))
		} else {
			d.refer(path+".kind", "fault kind", f.Kind, kinds)
		}
		d.refer(path+".on.session", "session", f.On.Session, targets)
		d.refer(path+".on.symbol", "instrument", string(f.On.Symbol), symbols)
		if slices.Contains(kinds, f.Kind) {
			d.faultMistakes(path, f)
		}
	}
}

// faultMistakes are what the exchange itself has against a fault, each at the key that it names.
func (d *decoder) faultMistakes(path string, f Fault) {
	err := f.Sim().Validate()
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimPrefix(strings.TrimSpace(line), fmt.Sprintf("fault %q: ", f.ID))
		key, _, _ := strings.Cut(line, " ")
		d.mistake(path+"."+key, "%s.%s", path, line)
	}
}
