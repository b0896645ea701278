package node_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

var firstSeed = flag.Uint64("seed", 1, "first seed of the restarts at whose every step an order is attempted")

// What stands above the orders. While one of them is not ready, no order may be admitted.
var judges = []string{"journal", "cluster", "risk", "risk/holder"}

// restarts are the parts that are broken, and how parts above the orders then stand at some step: a child that ends alone is
// never down for good, what falls with a supervisor is.
var restarts = []struct {
	who  string
	want []stand
}{
	{"journal", []stand{down, starting, restarting}},
	{"cluster", []stand{down, starting, restarting}},
	{"risk", []stand{down, starting, restarting}},
	{"risk/holder", []stand{starting, restarting}},
}

// stand is how a part that judges orders stands when it is not up.
type stand string

const (
	down       stand = "down"
	starting   stand = "starting"
	restarting stand = "restarting"
)

// ward is a node on one deterministic thread, watched at each of its steps.
type ward struct {
	t    *testing.T
	sys  *actors.System
	node *node.Node
	page *feeds.Page

	serial  uint64
	judged  bool            // the last step was the verdict on an attempt, and nothing else
	waiting map[uint64]bool // attempts that the owner has not judged
	tried   map[stand]int   // by how what judges stood at the verdict
	reasons map[string]int  // of refusals while it was not up
	last    string          // reason of a refusal
	letters int             // attempts that died in the mailbox of an owner that ended
	sent    int             // new orders that reached the exchange
	allowed int             // attempts that were admitted, all of them while everything was up
}

// Every attempt at an order, at every step of every restart of what judges orders, is refused with a reason, and nothing
// reaches the exchange until it is up again. The seed of a run is in its name.
func TestEveryAttemptIsRefusedAtEveryStepOfARestart(t *testing.T) {
	for _, r := range restarts {
		t.Run(r.who, func(t *testing.T) {
			total := map[stand]int{}
			reasons := map[string]int{}
			for i := range uint64(10) {
				seed := *firstSeed + i
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					w := newWard(t, seed)
					w.restart(r.who, rand.New(rand.NewPCG(seed, 1)))
					for s, n := range w.tried {
						total[s] += n
					}
					for why, n := range w.reasons {
						reasons[why] += n
					}
					w.end()
				})
			}
			for _, s := range r.want {
				if total[s] == 0 {
					t.Errorf("no attempt was made while it was %s: %v", s, total)
				}
			}
			t.Logf("attempts %v, refused with %v", total, reasons)
		})
	}
}

var (
	denied       = mustListed("ACME")
	lowest       = market.Price(100 * market.Unit)
	wardVenue    = market.Venue("SIM")
	wardBegan    = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	wardPatience = time.Minute
)

func mustListed(s market.Symbol) market.Instrument {
	i, err := market.Listed("SIM", s)
	if err != nil {
		panic(err)
	}
	return i
}

func newWard(t *testing.T, seed uint64) *ward {
	t.Helper()
	w := &ward{t: t, waiting: map[uint64]bool{}, tried: map[stand]int{}, reasons: map[string]int{}}
	cfg := node.SystemConfig("ward", actors.Virtual(wardBegan), actors.Deterministic(), seed, nil)
	cfg.Events.DeadLetter = func(l actors.Letter) {
		if l.Type == "orders.Place" {
			w.letters++
			w.reasons["dead letter: "+l.Reason.String()]++
		}
	}
	var err error
	if w.sys, err = actors.New(cfg); err != nil {
		t.Fatal(err)
	}
	defs, err := strategy.Collect(shipped())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := node.PaperPlan(wardVenue, []market.Instrument{denied}, "cross", defs)
	if err != nil {
		t.Fatal(err)
	}
	plan.Strategies = nil // the test is the only one who asks
	exchange := w.exchange(plan)
	world := node.World{
		System: w.sys, Disk: journal.NewMemFS(seed), Dir: "journal", Trips: &risk.MemTrips{}, Nonce: 1, Cluster: node.MemoryCluster,
		Port:   gatekeeper{sim.NewEntrance(actors.Follow[sim.ExchangeMessage](w.sys, "exchange")), w},
		Before: []supervision.Child{exchange},
	}
	if w.node, err = node.New(plan, world, node.Hooks{Order: w.told}); err != nil {
		t.Fatal(err)
	}
	if err := w.node.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.page = w.node.Board.Page(nil)
	w.page.State(feeds.StateChange{State: feeds.Live})
	w.open()
	return w
}

func (w *ward) exchange(plan *node.Plan) supervision.Child {
	w.t.Helper()
	cfg := sim.DefaultConfig()
	cfg.MarkEvery = 0
	for _, c := range plan.Contracts {
		cfg.Listings = append(cfg.Listings, sim.Listing{Contract: c})
	}
	for _, a := range plan.Accounts {
		s := sim.DefaultSession(a.Account)
		s.ID = sim.SessionID(a.Session)
		cfg.Sessions = append(cfg.Sessions, s)
	}
	engine, err := sim.NewEngine(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return sim.NewExchange(engine, sim.Outlets{Ledger: sim.NewLedger(io.Discard, false)}).Child("exchange")
}

// gatekeeper is the exchange's entrance, which no new order may pass while what judges orders is not up.
type gatekeeper struct {
	sim.Port
	w *ward
}

// Receive lets a request in and holds against the node what should not come.
func (g gatekeeper) Receive(id sim.SessionID, r sim.Request) error {
	if r.Kind == sim.NewOrder {
		g.w.sent++
		if s := g.w.stands(); len(s) > 0 {
			g.w.t.Errorf("order %s reached the exchange while these were not up: %v", r.ClOrdID, s)
		}
	}
	return g.Port.Receive(id, r)
}

// stands is how the tree shows the parts above the orders that are not up, by their path.
func (w *ward) stands() map[string]stand {
	out := map[string]stand{}
	for _, path := range judges {
		e, ok := w.node.Tree().Snapshot().Find(path)
		switch {
		case !ok:
			out[path] = down
		case e.Status == supervision.Running:
		case e.Status == supervision.Starting:
			out[path] = starting
		case e.Status == supervision.Restarting || e.Status == supervision.Waiting:
			out[path] = restarting
		default:
			out[path] = down
		}
	}
	return out
}

// attempt asks the account's owner for an order that is well made.
func (w *ward) attempt() {
	w.t.Helper()
	w.serial++
	now := w.node.Now()
	w.page.Quote(feeds.Quote{
		Instrument: denied, State: feeds.Live, Mono: now.Mono, Recv: market.Timestamp(now.Wall),
		Bid: feeds.Level{Price: lowest, Qty: 10 * market.Unit}, Ask: feeds.Level{Price: lowest + lowest/100, Qty: 10 * market.Unit},
	})
	in := risk.Intent{
		Cause: causeOf(w.serial), Strategy: "cross", Instrument: denied, Side: market.Buy, Type: market.Limit, TIF: market.IOC,
		Qty: market.Unit, Price: lowest,
	}
	n := w.serial
	w.waiting[n] = true
	err := w.node.Place(node.PaperAccount, orders.Place{Intent: in})
	if err == nil {
		return
	}
	delete(w.waiting, n)
	w.refused(err.Error())
}

// causeOf numbers an attempt as a decision of its own.
func causeOf(n uint64) (c risk.Cause) {
	binary.LittleEndian.PutUint64(c[:], n)
	return c
}

// refused counts a refusal by how things stand now, at its verdict.
func (w *ward) refused(reason string) {
	w.last = reason
	s := w.stands()
	if reason == "" {
		w.t.Errorf("an attempt is refused without a reason while these are not up: %v", s)
	}
	if len(s) == 0 {
		return
	}
	w.reasons[reason]++
	counted := map[stand]bool{}
	for _, how := range s {
		if !counted[how] {
			counted[how] = true
			w.tried[how]++
		}
	}
}

// told takes the verdict on an attempt.
func (w *ward) told(o node.OrderTold) {
	n := binary.LittleEndian.Uint64(o.Event.Cause[:])
	if !w.waiting[n] {
		return
	}
	delete(w.waiting, n)
	w.judged = true
	if o.Event.Kind == orders.EventRefused {
		w.refused(string(o.Event.Reason))
		return
	}
	w.allowed++
	if s := w.stands(); len(s) > 0 {
		w.t.Errorf("attempt %d is %v while these were not up: %v, want it refused", n, o.Event.Kind, s)
	}
}

// open drives the node until its gate is open.
func (w *ward) open() {
	w.t.Helper()
	limit := w.sys.Now().Add(wardPatience)
	if err := w.sys.Drive(w.t.Context(), func() bool { return w.node.Up() || w.sys.Now().After(limit) }); err != nil {
		w.t.Fatal(err)
	}
	if !w.node.Up() {
		w.t.Fatalf("the gate does not open: %s", w.node.WhyNotUp())
	}
}

// trades wants an attempt to be admitted and to reach the exchange: what is refused later is refused for the restart alone.
// The first ones may find no capacity, and so ask for some.
func (w *ward) trades(when string) {
	w.t.Helper()
	allowed, sent := w.allowed, w.sent
	for range 20 {
		w.attempt()
		if err := w.sys.Advance(w.t.Context(), 50*time.Millisecond); err != nil {
			w.t.Fatal(err)
		}
		if w.allowed > allowed && w.sent > sent {
			return
		}
	}
	w.t.Fatalf("%s no attempt was admitted and reached the exchange: last refused with %q", when, w.last)
}

// restart breaks a part and attempts an order at each step until the gate is open again.
func (w *ward) restart(who string, rng *rand.Rand) {
	w.t.Helper()
	w.trades("before the restart")
	if err := w.sys.Advance(w.t.Context(), time.Duration(rng.Int64N(int64(time.Second)))); err != nil {
		w.t.Fatal(err)
	}
	if err := w.node.Tree().Inject(who, supervision.Panic); err != nil {
		w.t.Fatal(err)
	}
	broken, limit := false, w.sys.Now().Add(wardPatience)
	err := w.sys.Drive(w.t.Context(), func() bool {
		broken = broken || len(w.stands()) > 0
		if broken && !w.judged {
			w.attempt()
		}
		w.judged = false
		return broken && w.node.Up() || w.sys.Now().After(limit)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if !broken || !w.node.Up() {
		w.t.Fatalf("%s was not restarted: broken %v, %s", who, broken, w.node.WhyNotUp())
	}
	w.trades("after the restart")
}

// end takes the node down and accounts for every attempt.
func (w *ward) end() {
	w.t.Helper()
	w.node.Shutdown()
	code := -1
	err := w.sys.Drive(w.t.Context(), func() bool {
		select {
		case r := <-w.node.Tree().Done():
			code = r.Code
		default:
		}
		return code >= 0
	})
	if err := errors.Join(err, w.sys.Stop(context.WithoutCancel(w.t.Context()))); err != nil {
		w.t.Fatal(err)
	}
	if code != supervision.CodeOrderly {
		w.t.Errorf("the tree ended with %d, want an orderly stop", code)
	}
	if len(w.waiting) != w.letters {
		w.t.Errorf("%d attempts have no verdict, and %d died with an owner: %v", len(w.waiting), w.letters, slices.Sorted(maps.Keys(w.waiting)))
	}
	if w.sent > w.allowed {
		w.t.Errorf("%d orders reached the exchange, %d were admitted", w.sent, w.allowed)
	}
}
