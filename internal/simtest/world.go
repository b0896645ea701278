package simtest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
	"github.com/failshut/failshut/venues/sim"
)

// world is what no crash of the node ends: exchange, clock, disk, the replicated log of risk, and what the run remembers.
type world struct {
	cfg       Config
	rng       *rand.Rand
	now       risk.Reading
	file      bytes.Buffer // the exchange's ledger, in runs that end at a point
	ledger    *sim.Ledger  // the same, or its lines in memory
	venue     *sim.Venue
	disk      *journal.FaultFS
	catalogue *market.Catalogue
	quotes    risktest.Quotes
	rules     risk.Config
	trips     risk.MemTrips
	replica   []byte // of the ledger of risk, as the last life left it
	index     uint64 // of its last entry

	lives   int
	life    *life
	causes  []risk.Cause
	ids     map[risk.Cause][]market.ClOrdID   // every id that a decision was journalled under
	given   map[market.ClOrdID]bool           // every one of them, those of replaces too
	moves   map[market.ClOrdID]bool           // those of replaces
	open    map[market.ClOrdID]*sim.OrderLine // what works at the venue, by the order's first id
	short   []string                          // where the node held less than worked at the venue
	again   []market.ClOrdID                  // those that were given twice
	manner  manner
	onDoubt orders.BlockUnknown
	level   bool // owners hear what is held CLOSED; without it what works at the venue outlives a restart
	fills   int

	checkpoints int   // that were made
	began       int   // lives that began at one
	broken      error // what a checkpoint met that it must not
	moved       int   // replaces decided

	told      []orders.Report         // every report that reached the node, in a storm
	resent    int                     // how often one of them was told again
	compared  int                     // how often an order at the venue was held against the owner's
	ambiguous map[market.ClOrdID]byte // requests of which it was not known what became of them, by their kind
}

// started is the moment at which every run begins.
const started = market.Timestamp(1_767_600_000_000_000_000)

func newWorld(cfg Config) (*world, error) {
	w := &world{
		cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, cfg.Point.stream())), now: risk.Reading{Wall: int64(started), Mono: int64(time.Hour)},
		disk: journal.NewFaultFS(journal.NewMemFS(cfg.Seed)), ids: map[risk.Cause][]market.ClOrdID{},
		ambiguous: map[market.ClOrdID]byte{}, given: map[market.ClOrdID]bool{}, moves: map[market.ClOrdID]bool{}, open: map[market.ClOrdID]*sim.OrderLine{}, quotes: risktest.Quotes{},
	}
	contract := market.Contract{
		Instrument: acme, Currency: "USD", Tick: 10_000_000, Lot: market.Unit, MinQty: market.Unit, MaxQty: 1000 * market.Unit, Multiplier: market.One,
	}
	var err error
	if w.catalogue, err = market.NewCatalogue([]market.Contract{contract}); err != nil {
		return nil, err
	}
	if w.rules, err = rules(cfg.weather == losses); err != nil {
		return nil, err
	}
	engine, err := sim.NewEngine(w.exchange(contract))
	if err != nil {
		return nil, err
	}
	w.ledger = sim.NewLedger(&w.file, false)
	if cfg.weather != crashes {
		w.ledger = sim.KeepLedger()
	}
	w.venue = sim.NewVenue(engine, sim.Outlets{
		Ledger: w.ledger, Clock: func() market.Timestamp { return market.Timestamp(w.now.Wall) }, Line: w.line,
	})
	w.quote()
	return w, w.venue.Open(started)
}

// rules are wide but for the position of the account, so that risk refuses now and then. Unknown orders are admitted or not.
func rules(unknown bool) (risk.Config, error) {
	c := risktest.Config(risk.Entitlement{Account: account, Strategies: []string{strategy}, Instruments: []market.Instrument{acme}})
	most, err := market.ParseNotional(positionLimit.String())
	for i, l := range c.Limits {
		if l.Measure == risk.MaxLongQty || l.Measure == risk.MaxShortQty {
			c.Limits[i].Value = most
		}
		if l.Measure == risk.MaxUnknownOrders && unknown {
			c.Limits[i].Value = most
		}
	}
	return c, err
}

// exchange draws what differs between venues: what the end of a session does, and how badly reports behave.
func (w *world) exchange(c market.Contract) sim.Config {
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Dedupe, cfg.MarkEvery = w.cfg.Seed, sim.DedupeNone, 0
	cfg.Listings = []sim.Listing{{Contract: c, Reference: 100 * 1_000_000_000}}
	s := sim.DefaultSession(account)
	s.COD = []sim.COD{sim.CODOff, sim.CODBoth}[w.rng.IntN(2)]
	if s.COD == sim.CODBoth && w.rng.IntN(2) == 0 {
		s.Grace = 300 * time.Millisecond
	}
	cfg.Sessions = []sim.SessionConfig{s}
	cfg.Flow = sim.DefaultFlow()
	cfg.Flow.Rate, cfg.Flow.TradeShareBps = 50, 5000
	w.manner, w.level = manner(w.rng.IntN(3)), w.rng.IntN(2) == 0
	switch w.cfg.weather {
	case crashes:
	case losses:
		w.manner = rough
	case storms:
		w.manner = stormy
	}
	cfg.Faults = w.manner.faults()
	return cfg
}

// manner is how badly a venue's reports behave. In every manner some come twice.
type manner int

const (
	calm   manner = iota
	late          // some are held back, and overtaken
	lossy         // some are never sent
	rough         // any message of either side may be lost
	stormy        // most come twice, many late
)

func (m manner) faults() []sim.Fault {
	on := sim.FaultOn{Session: session}
	f := []sim.Fault{{ID: "twice", Kind: sim.DupExec, On: on, When: sim.FaultWhen{P: sim.Certain / 8}}}
	switch m {
	case calm:
	case late:
		f = append(f, sim.Fault{ID: "late", Kind: sim.LateAck, On: on, When: sim.FaultWhen{P: sim.Certain / 16}, With: sim.FaultWith{Delay: 30 * time.Millisecond}})
	case lossy:
		f = append(f, sim.Fault{ID: "lost", Kind: sim.DropAfter, On: on, When: sim.FaultWhen{P: sim.Certain / 16}})
	case stormy:
		f[0].When.P = sim.Certain / 2
		on.Msg = "8"
		f = append(f, sim.Fault{ID: "late", Kind: sim.LateAck, On: on, When: sim.FaultWhen{P: sim.Certain / 4}, With: sim.FaultWith{Delay: 30 * time.Millisecond}})
	case rough:
		for _, msg := range []string{"D", "F", "G", "H", "AF", "8", "9"} {
			on.Msg = msg
			if len(msg) > 1 || msg[0] >= 'A' {
				f = append(f, sim.Fault{ID: "unread " + msg, Kind: sim.DropBefore, On: on, When: sim.FaultWhen{P: sim.Certain / 8}})
			}
			f = append(f, sim.Fault{ID: "lost " + msg, Kind: sim.DropAfter, On: on, When: sim.FaultWhen{P: sim.Certain / 8}})
		}
	}
	return f
}

func (w *world) quote() { w.quotes[acme] = risktest.Live(100*1_000_000_000, w.now.Mono) }

// pass moves every clock. The venue does what is due, and so does the node, if there is one.
func (w *world) pass(d time.Duration) {
	for end := w.now.Mono + int64(d); w.now.Mono < end; {
		by := min(int64(step), end-w.now.Mono)
		w.now.Mono += by
		w.now.Wall += by
		w.quote()
		for {
			at, ok := w.venue.Next()
			if !ok || int64(at) > w.now.Wall {
				break
			}
			_ = w.venue.Tick(market.Timestamp(w.now.Wall)) // its error stays with it, and ends the run
		}
		if w.life != nil {
			w.life.look()
		}
	}
}

// action is one thing that happens next, drawn from the seed. The strategy decides only if it trades.
func (w *world) action(trades bool) {
	l, did := w.life, false
	switch w.rng.IntN(12) {
	case 0, 1:
		did = l.wire.toVenue()
	case 2, 3:
		did = l.wire.toNode()
	case 4, 5:
		did = l.commit()
	case 6, 7, 8:
		did = l.handle()
	case 9, 10:
		if trades {
			w.decide()
			did = true
		}
	default:
		// Runs about lost answers are about the age of evidence, and need no disk beside it.
		did = w.cfg.weather != losses && (l.making != nil || w.rng.IntN(8) == 0) && l.checkpoint()
	}
	if !did {
		w.pass(time.Duration(1+w.rng.IntN(3)) * time.Millisecond)
	}
}

// quiet lets everything that is on its way arrive, without time passing.
func (w *world) quiet() {
	l := w.life
	for l.death == 0 && (l.wire.toVenue() || l.wire.toNode() || l.handle() || l.commit()) {
		continue
	}
}

// decide is the strategy: a small order near the market, other terms of one, a cancel, or a held order let go.
func (w *world) decide() {
	l := w.life
	live := l.desk.Machine().Live(orders.Scope{})
	switch k := w.rng.IntN(8); {
	case k == 0 && len(l.held) > 0:
		id := l.held[0]
		l.held = l.held[1:]
		l.turn(orders.Release{ID: id})
	case len(live) > 0 && (k < 3 || len(live) > 10):
		of := live[w.rng.IntN(len(live))]
		l.turn(orders.CancelOrder{ID: of.ID, OrderID: of.OrderID})
	case len(live) > 0 && k < 5:
		w.replace(live[w.rng.IntN(len(live))])
	default:
		w.causes = append(w.causes, risk.Cause{byte(len(w.causes)), byte(len(w.causes) >> 8), 1})
		w.place(w.causes[len(w.causes)-1], w.rng.IntN(6) == 0)
	}
}

func (w *world) place(c risk.Cause, held bool) {
	in := risk.Intent{
		Cause: c, Strategy: strategy, Instrument: acme, Side: market.Side(1 + w.rng.IntN(2)), Type: market.Limit,
		TIF: []market.TIF{market.Day, market.Day, market.IOC}[w.rng.IntN(3)], Qty: market.Qty(1+w.rng.IntN(20)) * market.Unit,
		Price: market.Price(9_996+w.rng.IntN(9)) * 10_000_000, Decided: w.now.Mono, DecidedWall: market.Timestamp(w.now.Wall),
	}
	w.life.turn(orders.Place{Intent: in, Held: held})
}

// replace asks for more or less of an order, at another price or at its own.
func (w *world) replace(of orders.Ref) {
	w.moved++
	v := orders.ReplaceOrder{
		ID: of.ID, OrderID: of.OrderID, Qty: market.Qty(1+w.rng.IntN(20)) * market.Unit, Decided: w.now.Mono,
		Cause: risk.Cause{byte(w.moved), byte(w.moved >> 8), 2},
	}
	if w.rng.IntN(3) > 0 {
		v.Price = market.Price(9_996+w.rng.IntN(9)) * 10_000_000
	}
	w.life.turn(v)
}

// line sees every line of the exchange's ledger as it is written, and holds the node against it: whatever works at the venue
// is held by the owner of the account, in full, at that moment.
func (w *world) line(l sim.Line) {
	o, ok := l.(*sim.OrderLine)
	if !ok || o.Account != account {
		return
	}
	w.open[o.Cl0] = o
	if o.Leaves == 0 {
		delete(w.open, o.Cl0)
	}
	w.holds(o)
}

// holds compares what the owner holds of an order with what works at the venue.
func (w *world) holds(o *sim.OrderLine) {
	if w.life == nil || w.life.desk == nil || w.life.death != 0 {
		return
	}
	w.compared++
	ours, _ := w.life.desk.Machine().Order(orders.Ref{ID: o.Cl0, OrderID: o.OID})
	if w.cfg.Horizon && isName(ours) { // how large it is nobody knows: what the life that is over was granted stays charged, whole
		if w.life.risk.desk.Gatez(w.now, "").Open {
			w.short = append(w.short, fmt.Sprintf("line %d: %v of %s work at the venue, and the gate is open before it was found", o.N, o.Leaves, o.Cl0))
		}
		return
	}
	if ours.Held < o.Leaves {
		w.short = append(w.short, fmt.Sprintf("line %d: %v of %s work at the venue, and %v are held", o.N, o.Leaves, o.Cl0, ours.Held))
	}
}

// holdsAll compares all that works at the venue.
func (w *world) holdsAll() {
	for _, id := range slices.Sorted(maps.Keys(w.open)) {
		w.holds(w.open[id])
	}
}

// journalled notes under which id a decision went into the journal.
func (w *world) journalled(in *risk.Intent) {
	if in.Amends.Order == "" {
		w.ids[in.Cause] = append(w.ids[in.Cause], in.ID)
	} else {
		w.moves[in.ID] = true
	}
	if w.given[in.ID] {
		w.again = append(w.again, in.ID)
	}
	w.given[in.ID] = true
}

// at says when and in which life something was found.
func (w *world) at() string {
	return "life " + strconv.Itoa(w.lives) + " at " + fmt.Sprint(time.Duration(w.now.Wall-int64(started)))
}

// block is how many names an owner sets aside at once: few, so that they are used up between a crash and the next.
func (w *world) block() int {
	if !w.cfg.Horizon {
		return 0
	}
	return 2 + int(w.cfg.Seed%15)
}
