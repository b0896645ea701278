package sim_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
	"github.com/failshut/failshut/venues/sim"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// positionLimit is the greatest worst case that the node lets its account have, in whole shares.
const positionLimit = 60

// node is the order side of a node in one thread: risk, journal, desk and gateway, on an exchange with a flow.
type node struct {
	*world
	fs     *journal.FaultFS
	log    *journal.Log
	risk   *risktest.Node
	quotes risktest.Quotes
	desk   *orders.Desk
	g      *sim.Gateway
	queue  []orders.Inbound
	events []orders.Event
	flags  map[string]int
	ids    []market.ClOrdID
	causes byte
	reach  market.Qty // the worst case that its judge allows: what a venue takes back or adds, no gate is asked for
	acme   market.Instrument

	port   sim.Port // what the gateway logs on to
	filter func(orders.Inbound) []orders.Inbound
	told   func(orders.Event)
	reset  bool // the next logon of a new process asks for a reset
	away   bool // the link is down, and the next try to bring it up is due
	broken bool // the gateway has given the link up
	sulks  bool // does not try again
}

func newNode(t *testing.T, cfg sim.Config) *node {
	t.Helper()
	return newNodeWith(t, cfg, func(*node) {}, func(p sim.Port) sim.Port { return p })
}

// newNodeWith makes a node that shape sees before it begins, and whose gateway logs on to what port makes of the exchange.
func newNodeWith(t *testing.T, cfg sim.Config, shape func(*node), port func(sim.Port) sim.Port) *node {
	t.Helper()
	n := &node{world: open(t, cfg), fs: journal.NewFaultFS(journal.NewMemFS(1 << 30)), flags: map[string]int{}, reach: positionLimit * market.Unit, acme: market.MustListed("SIM", "ACME")}
	catalogue, err := market.NewCatalogue([]market.Contract{contract(t, "ACME")})
	n.must(err)
	reading := risk.Reading{Wall: int64(start), Mono: int64(time.Hour)}
	n.quotes = risktest.Quotes{n.acme: risktest.Live(price(t, "100"), reading.Mono)}
	rc := risktest.Config(risk.Entitlement{Account: "A1", Strategies: []string{"s"}, Instruments: []market.Instrument{n.acme}})
	rc.Controls.Types = append(rc.Controls.Types, market.Stop)
	for i, l := range rc.Limits {
		if l.Measure == risk.MaxLongQty || l.Measure == risk.MaxShortQty {
			rc.Limits[i].Value, err = market.ParseNotional(strconv.Itoa(positionLimit))
			n.must(err)
		}
	}
	n.risk = risktest.New(t, rc, catalogue, n.quotes, reading)
	shape(n)
	n.port = port(n.venue)
	n.begin(1)
	n.risk.Open(t)
	n.pump()
	return n
}

// begin starts the process: journal, desk, gateway, logon. The outbound counter begins at out.
func (n *node) begin(out uint64) {
	n.t.Helper()
	var err error
	n.log, _, err = journal.Open(n.fs, "journal", journal.Options{Node: "n1", Group: "10", Segment: 1 << 20, Floor: 2 << 20})
	n.must(err)
	n.queue = nil
	link := &late{}
	n.desk, err = orders.Open(orders.Parts{
		Options: orders.Options{Account: "A1"}, Gate: n.risk.Desk.Gate("A1"), Gateway: link, Log: n.log,
		Records: journal.Read(n.fs, "journal", 0), Listener: n.hear, AnswerAfter: 500 * time.Millisecond, QuietAfter: time.Second,
		Risk: func(m risk.Message) { n.risk.Tell(m) },
		Events: orders.Events{
			Flag:   func(f orders.Flag, _ orders.Event) { n.flags[fmt.Sprint(f)]++ },
			Intent: func(in *risk.Intent) { n.ids = append(n.ids, in.ID) },
		},
	}, n.risk.Now)
	n.must(err)
	n.g, err = sim.NewGateway(sim.GatewayConfig{
		Port: n.port, Session: "A1", Node: "n1", Venue: "SIM", NextOut: out, NextIn: n.desk.NextIn("A1"), Reset: n.reset,
		Now: func() risk.Reading { return n.risk.Now }, Broken: func(error) { n.broken = true },
		Hand: func(in orders.Inbound) error {
			if n.filter == nil {
				n.queue = append(n.queue, in)
				return nil
			}
			n.queue = append(n.queue, n.filter(in)...)
			return nil
		},
	})
	n.must(err)
	link.Gateway = n.g
	n.must(n.g.Connect())
	n.pump()
}

// late is a gateway that is filled in once the desk it needs a number of has been opened.
type late struct{ orders.Gateway }

func (n *node) hear(e orders.Event) {
	n.events = append(n.events, e)
	if n.told != nil {
		n.told(e)
	}
}

// pump lets the desk take what has come, and the disk what was appended, until nothing is left.
func (n *node) pump() {
	n.t.Helper()
	tried := false
	for {
		for len(n.queue) > 0 {
			in := n.queue[0]
			n.queue = n.queue[1:]
			n.desk.Handle(n.risk.Now, orders.Received{In: in})
			if l, ok := in.(orders.Link); ok {
				n.away = l.Event == orders.LinkLogout
			}
		}
		if n.broken { // as the owner of a line does it: nothing more is to come of this one
			n.broken, n.away = false, true
			n.desk.Handle(n.risk.Now, orders.Received{In: orders.Link{Event: orders.LinkLogout, Why: "broken"}})
			n.must(n.g.Disconnect("broken"))
		}
		if n.away && !tried && !n.sulks { // one that is refused is tried again at the next turn
			tried, n.away = true, false
			_ = n.g.Connect()
		}
		before := n.log.Watermark()
		lsn, err := n.log.Commit()
		n.must(err)
		n.desk.Handle(n.risk.Now, orders.Durable{LSN: lsn})
		if lsn == before && len(n.queue) == 0 {
			return
		}
	}
}

// elapse moves every clock, ticking venue and desk.
func (n *node) elapse(d time.Duration) {
	n.t.Helper()
	for left := d; left > 0; left -= 20 * time.Millisecond {
		n.pass(20 * time.Millisecond)
		n.risk.Pass(20 * time.Millisecond)
		n.quotes[n.acme] = risktest.Live(price(n.t, "100"), n.risk.Now.Mono)
		n.desk.Handle(n.risk.Now, orders.Tick{})
		n.pump()
	}
}

func (n *node) place(rng *rand.Rand) {
	n.causes++
	in := risk.Intent{
		Cause: risk.Cause{n.causes, 1}, Strategy: "s", Instrument: n.acme, Side: market.Side(1 + rng.IntN(2)), Type: market.Limit,
		TIF: []market.TIF{market.Day, market.IOC}[rng.IntN(2)], Qty: market.Qty(1+rng.IntN(30)) * market.Unit,
		Price: market.Price(9_995+rng.IntN(11)) * 10_000_000, DecidedWall: market.Timestamp(n.risk.Now.Wall), Decided: n.risk.Now.Mono,
	}
	n.desk.Handle(n.risk.Now, orders.Place{Intent: in})
	n.pump()
}

// crash ends the process: what is not durable and what is on the way is lost, and the link with it.
func (n *node) crash() {
	n.t.Helper()
	out, _ := n.g.Counters()
	n.fs.Crash(journal.LoseAll)
	n.must(n.venue.Logout("A1", "crash"))
	n.begin(out + 1000)
}

// end cancels everything, shuts the gate, goes on trying to trade, and gives the moment at which the gate was shut.
func (n *node) end(rng *rand.Rand) market.Timestamp {
	n.t.Helper()
	n.desk.Handle(n.risk.Now, orders.CancelAll{Why: "end"})
	for range 40 {
		n.elapse(500 * time.Millisecond)
		if s := n.desk.Status(); s.Unknown == 0 && s.Live == 0 && s.Session == "open" {
			break
		}
	}
	n.risk.Tell(risk.Session{Account: "A1"})
	shut, before := n.now, n.count(orders.EventRefused)
	for range 5 {
		n.elapse(20 * time.Millisecond)
		n.place(rng)
	}
	if got := n.count(orders.EventRefused) - before; got != 5 {
		n.t.Errorf("%d of 5 orders were refused behind the close", got)
	}
	return shut
}

// judge holds the node against the ledger, whose gate was shut at a time.
func (n *node) judge(seed uint64, shut market.Timestamp, calm bool) (trades int) {
	n.t.Helper()
	open, err := ledger.Read(bytes.NewReader(n.file.Bytes())) // the end of the day cancels what is left
	n.must(err)
	n.must(n.venue.Shut(n.now))
	l, err := ledger.Read(&n.file)
	n.must(err)
	node := map[market.Symbol]market.Qty{}
	for _, p := range n.desk.Machine().Positions() {
		node[p.Instrument.Symbol()] += p.Qty
	}
	var known []ledger.NodeOrder
	for _, id := range n.ids {
		if o, ok := n.desk.Machine().Order(orders.Ref{ID: id}); ok {
			known = append(known, ledger.NodeOrder{ID: id, Ended: o.Leaves == 0})
		}
	}
	limit := ledger.Limits{Long: n.reach, Short: n.reach}
	findings := [][]ledger.Finding{
		ledger.J1(l), ledger.J2(l, "A1", node), ledger.J3(l, "A1", map[market.Symbol]ledger.Limits{"ACME": limit}),
		ledger.J5(l, "A1", shut), ledger.J6(open, "A1"), ledger.J7(open, "A1", known),
	}
	if calm { // a crash has the fills told again that were not durable
		findings = append(findings, ledger.J4(l, "A1", n.execs()))
	}
	for _, f := range slices.Concat(findings...) {
		n.t.Errorf("seed %d: %v", seed, f)
	}
	for _, t := range ledger.Of[*sim.TradeLine](l) {
		if t.Buy.Account == "A1" || t.Sell.Account == "A1" {
			trades++
		}
	}
	return trades
}

func (n *node) execs() (ids []string) {
	for _, e := range n.events {
		if e.Kind == orders.EventFill && !e.Replay {
			ids = append(ids, e.Exec)
		}
	}
	return ids
}

// count gives how many events there were of a kind.
func (n *node) count(k orders.EventKind) (c int) {
	for _, e := range n.events {
		if e.Kind == k {
			c++
		}
	}
	return c
}

// TestADeskAndTheExchangeAgree trades through desk, gateway and exchange, calmly, under every kind of fault, and over crashes:
// the node's positions and orders are those of the ledger and nothing was sent twice. Calm runs raise no flag.
func TestADeskAndTheExchangeAgree(t *testing.T) {
	kinds := []sim.FaultKind{"", sim.DropBefore, sim.DropAfter, sim.DupExec, sim.LateAck, sim.DisconnectAt, sim.FillWhilePendingCancel}
	for _, kind := range kinds {
		t.Run("fault "+string(kind), func(t *testing.T) {
			trades, unknown, refused, last, fired := 0, 0, 0, uint64(3), uint64(0)
			if testing.Short() {
				last = 1
			}
			for seed := uint64(1); seed <= last; seed++ {
				cfg := config(t)
				cfg.Seed, cfg.Flow = seed, sim.DefaultFlow()
				if kind != "" {
					f := sim.Fault{ID: "f", Kind: kind, On: sim.FaultOn{Session: "A1"}, When: sim.FaultWhen{P: sim.Certain / 5}}
					if kind == sim.LateAck {
						f.With.Delay = 700 * time.Millisecond
					}
					if kind == sim.FillWhilePendingCancel {
						f.When.P = sim.Certain // few orders of this day live long enough to be cancelled
					}
					cfg.Faults = []sim.Fault{f}
				}
				n, rng := newNode(t, cfg), rand.New(rand.NewPCG(seed, 4))
				for i := range 40 {
					n.place(rng)
					n.elapse(time.Duration(1+rng.IntN(5)) * 20 * time.Millisecond)
					if len(n.ids) > 0 && rng.IntN(3) == 0 {
						n.desk.Handle(n.risk.Now, orders.CancelOrder{ID: n.ids[rng.IntN(len(n.ids))]})
						n.pump()
					}
					if live := n.desk.Machine().Live(orders.Scope{}); kind == sim.FillWhilePendingCancel && len(live) > 0 && i%2 == 0 {
						n.desk.Handle(n.risk.Now, orders.CancelOrder{ID: live[0].ID})
						n.pump()
					}
					if i%13 == 12 && kind != "" {
						n.crash()
					}
				}
				refused += n.count(orders.EventRefused)
				shut := n.end(rng)
				unknown += n.count(orders.EventUnknown)
				if len(n.flags) > 0 && kind == "" {
					t.Errorf("seed %d: flags %v, want none in a calm run", seed, n.flags)
				}
				if f := lastOf[*sim.FaultLine](n.world); f != nil {
					fired += f.Firing
				}
				trades += n.judge(seed, shut, kind == "")
			}
			t.Logf("%d trades, %d times an order was UNKNOWN, %d refused, %d firings", trades, unknown, refused, fired)
			if (fired == 0) != (kind == "") {
				t.Errorf("%d firings of fault %q: nothing was tested", fired, kind)
			}
			loses := kind != "" && kind != sim.FillWhilePendingCancel // that fault leaves nobody in doubt
			if trades < 3*int(last)-2 || refused == 0 || (loses && unknown == 0) {
				t.Errorf("%d trades, %d UNKNOWN, %d refused: nothing was tested", trades, unknown, refused)
			}
		})
	}
}
