package sim_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/venues/sim"
)

// TestADeskAgreesUnderFaultsOfEveryKind trades on an exchange with a flow under each kind of fault by chance, over two crashes
// and lost links: at the end positions and orders are the ledger's, and nothing was sent twice. seq_reset is not among them: it
// shuts an account for good.
func TestADeskAgreesUnderFaultsOfEveryKind(t *testing.T) {
	last := *faultSeed + 1
	if testing.Short() {
		last = *faultSeed
	}
	for _, kind := range sim.FaultKinds() {
		if kind == sim.SeqReset {
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			fired := uint64(0)
			for seed := *faultSeed; seed <= last; seed++ {
				fired += soak(t, kind, seed)
			}
			if fired == 0 {
				t.Errorf("-faultseed %d: nothing fired, so nothing was tested", *faultSeed)
			}
		})
	}
}

// TestADeskAgreesUnderFaultsOfAllKindsAtOnce: each seldom, all on one day.
func TestADeskAgreesUnderFaultsOfAllKindsAtOnce(t *testing.T) {
	last := *faultSeed + 9
	if testing.Short() {
		last = *faultSeed + 1
	}
	fired := map[string]uint64{}
	for seed := *faultSeed; seed <= last; seed++ {
		cfg := stormy(t, seed)
		for _, kind := range sim.FaultKinds() {
			if kind != sim.SeqReset {
				cfg.Faults = append(cfg.Faults, byChance(kind, chance(kind)/3))
			}
		}
		for id, n := range storm(t, cfg) {
			fired[id] += n
		}
	}
	t.Logf("-faultseed %d to %d: %v", *faultSeed, last, fired)
	if len(fired) < 10 || fired["trades"] == 0 {
		t.Errorf("-faultseed %d: %v, want a storm in which there is trade", *faultSeed, fired)
	}
}

// TestAStormIsTheSameEveryTime: every line of the ledger, over all kinds.
func TestAStormIsTheSameEveryTime(t *testing.T) {
	run := func() []sim.Line {
		cfg := stormy(t, *faultSeed)
		for _, kind := range sim.FaultKinds() {
			if kind != sim.SeqReset {
				cfg.Faults = append(cfg.Faults, byChance(kind, chance(kind)/3))
			}
		}
		_, lines := stormDay(t, cfg)
		return lines
	}
	one, two := run(), run()
	if !reflect.DeepEqual(one, two) {
		t.Errorf("-faultseed %d: two days of one seed have ledgers of %d and %d lines that differ", *faultSeed, len(one), len(two))
	}
}

func byChance(kind sim.FaultKind, p int64) sim.Fault {
	f := sim.Fault{ID: string(kind), Kind: kind, On: sim.FaultOn{Session: "A1"}, When: sim.FaultWhen{P: p}}.WithDefaults()
	f.With.Delay = min(f.With.Delay, 700*time.Millisecond)
	return f
}

func stormy(t *testing.T, seed uint64) sim.Config {
	t.Helper()
	cfg := config(t)
	cfg.Seed, cfg.Flow, cfg.Listings = seed, sim.DefaultFlow(), cfg.Listings[:1]
	cfg.Sessions[0].COD = []sim.COD{sim.CODOff, sim.CODBoth}[seed%2]
	return cfg
}

// soak is a day under a kind of fault. It gives how often it fired.
func soak(t *testing.T, kind sim.FaultKind, seed uint64) uint64 {
	t.Helper()
	cfg := stormy(t, seed)
	cfg.Faults = []sim.Fault{byChance(kind, chance(kind))}
	if oneOfKinds(kind, sim.StatusNoAnswer, sim.StatusAbsentThenFound, sim.MassStatusShort, sim.MassStatusMissing) {
		cfg.Sessions[0].COD = sim.CODOff // questions need something to ask about
		cfg.Faults = append(cfg.Faults, byChance(sim.DropAfter, sim.Certain/4))
	}
	return storm(t, cfg)[string(kind)]
}

// storm is a day under the faults of a configuration. It gives how often each fired, and the node's trades.
func storm(t *testing.T, cfg sim.Config) map[string]uint64 {
	t.Helper()
	fired, _ := stormDay(t, cfg)
	return fired
}

// stormDay is a storm, with the ledger of its day.
func stormDay(t *testing.T, cfg sim.Config) (map[string]uint64, []sim.Line) {
	t.Helper()
	seed := cfg.Seed
	n, rng := newNode(t, cfg), rand.New(rand.NewPCG(seed, 12))
	n.reach = 1_000_000 * market.Unit // what a venue adds or takes back, no gate was asked for
	for i := range 40 {
		n.place(rng)
		n.elapse(time.Duration(1+rng.IntN(5)) * 20 * time.Millisecond)
		switch live := n.desk.Machine().Live(orders.Scope{}); {
		case len(live) == 0:
		case i%3 == 0:
			n.desk.Handle(n.risk.Now, orders.CancelOrder{ID: live[0].ID})
		case i%3 == 1:
			n.desk.Handle(n.risk.Now, orders.ReplaceOrder{ID: live[0].ID, Qty: market.Qty(1+rng.IntN(30)) * market.Unit})
		}
		n.pump()
		switch i {
		case 12, 25:
			n.far(i)
			n.crash()
		case 18, 33:
			n.far(i)
			n.must(n.venue.Logout("A1", "wire"))
			n.pump()
		}
		if s := n.desk.Status(); i%5 == 0 && s.Session == "reconciling" {
			n.desk.Handle(n.risk.Now, orders.Reconcile{})
			n.pump()
		}
	}
	fired := map[string]uint64{"trades": uint64(n.judge(seed, n.wind(rng), false))}
	for _, l := range n.lines {
		if f, ok := l.(*sim.FaultLine); ok && f.Firing > 0 {
			fired[f.ID] = f.Firing
		}
	}
	return fired, n.lines
}

// chance is that of a kind: what there are few messages for fires often.
func chance(k sim.FaultKind) int64 {
	if oneOfKinds(k, sim.DupResend, sim.SeqReset, sim.GapFillForReplay, sim.LogonRefused, sim.LogonSlow, sim.FillWhilePendingCancel,
		sim.FillWhilePendingReplace, sim.CancelRejected, sim.StatusNoAnswer, sim.StatusAbsentThenFound, sim.MassStatusShort, sim.MassStatusMissing) {
		return sim.Certain / 10 * 7
	}
	return sim.Certain / 5
}

func oneOfKinds(k sim.FaultKind, of ...sim.FaultKind) bool { return slices.Contains(of, k) }

// far places a bid that nobody meets, so that there is something to be in doubt about.
func (n *node) far(i int) {
	n.t.Helper()
	n.causes++
	n.desk.Handle(n.risk.Now, orders.Place{Intent: risk.Intent{
		Cause: risk.Cause{n.causes, 1}, Strategy: "s", Instrument: n.acme, Side: market.Buy, Type: market.Limit, TIF: market.GTC,
		Qty: market.Unit, Price: market.Price(9_900-i) * 10_000_000, DecidedWall: market.Timestamp(n.risk.Now.Wall), Decided: n.risk.Now.Mono,
	}})
	n.elapse(40 * time.Millisecond)
}

// wind ends the day without a fault from here on, as patiently as a reconciler.
func (n *node) wind(rng *rand.Rand) market.Timestamp {
	n.t.Helper()
	n.must(n.venue.Arm(n.now, nil))
	for range 40 {
		s := n.desk.Status()
		switch {
		case s.Session == "reconciling":
			n.desk.Handle(n.risk.Now, orders.Reconcile{})
		case s.Unknown > 0:
			n.desk.Handle(n.risk.Now, orders.AskUnknown{})
		}
		n.elapse(500 * time.Millisecond)
		if s.Session == "open" && s.Unknown == 0 && !slices.Contains([]bool{n.away, n.broken}, true) {
			break
		}
	}
	return n.end(rng)
}
