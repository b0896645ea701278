package orders_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/risk/risktest"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

var houseStart = time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)

// house is a node of one account: exchange, journal, risk and the account's own
// tree, under one supervisor.
type house struct {
	t       *testing.T
	sys     *actors.System
	tree    *supervision.Tree
	fs      *journal.MemFS
	log     *journal.Log
	account *orders.Account
	port    *gate
	slow    atomic.Bool // the disk does not answer

	mu     sync.Mutex // the node of risk is used by the owner and looked at by the test
	risk   *risktest.Node
	quotes risktest.Quotes
	events []orders.Event
	opened []uint64
	dialed int
	ear    orders.Ear // of the last line
	lines  []string
	whys   []string // of links that went down
}

// houses runs a test under both dispatches.
func houses(t *testing.T, test func(h *house)) {
	t.Helper()
	bothWays(t, false, test)
}

// bothWays runs a test under both dispatches; away has it begin with a venue
// that takes no logon.
func bothWays(t *testing.T, away bool, test func(h *house)) {
	t.Helper()
	t.Run("shared", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			inHouse(t, actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}, away, test)
		})
	})
	t.Run("deterministic", func(t *testing.T) {
		inHouse(t, actors.Config{Clock: actors.Virtual(houseStart), Dispatch: actors.Deterministic()}, away, test)
	})
}

// onVirtualTime runs a test whose waits are long.
func onVirtualTime(t *testing.T, test func(h *house)) {
	t.Helper()
	inHouse(t, actors.Config{Clock: actors.Virtual(houseStart), Dispatch: actors.Deterministic()}, false, test)
}

func inHouse(t *testing.T, cfg actors.Config, away bool, test func(h *house)) {
	t.Helper()
	sys, err := actors.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sys.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	h := newHouse(t, sys, away)
	test(h)
	h.tree.Stop()
	h.until("the tree is down", func() bool { return len(h.tree.Done()) == 1 })
	if r := <-h.tree.Done(); r.Code != 0 || len(r.Unstopped) != 0 {
		t.Errorf("the tree ended with %+v", r)
	}
}

func newHouse(t *testing.T, sys *actors.System, away bool) *house {
	t.Helper()
	h := &house{t: t, sys: sys, fs: journal.NewMemFS(1 << 30)}
	h.newRisk()
	engine, err := sim.NewEngine(exchangeConfig())
	if err != nil {
		t.Fatal(err)
	}
	h.port = &gate{shut: away, Port: sim.NewEntrance(actors.Follow[sim.ExchangeMessage](sys, "exchange"))}
	exchange := sim.NewExchange(engine, sim.Outlets{Ledger: sim.NewLedger(io.Discard, false)})
	h.newAccount()
	venues := supervision.SubTree("venues", supervision.DefaultSpec("venues", supervision.RosterChild(supervision.NewRoster(supervision.RosterOptions{
		Children: func() []supervision.Child { return []supervision.Child{h.account.Child()} },
	}))))
	h.tree, err = supervision.Start(t.Context(), sys, supervision.DefaultSpec("root",
		supervision.DefaultChild("exchange", func(_ context.Context, b *supervision.Birth) error {
			_, err := supervision.Spawn(b, exchange, actors.WithBox(sim.ExchangeBox()))
			return err
		}),
		supervision.DefaultChild("journal", h.startJournal), venues,
	), supervision.Options{Events: supervision.Events{Decision: func(_ time.Time, d supervision.Decision) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lines = append(h.lines, d.String())
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func exchangeConfig() sim.Config {
	cfg := sim.DefaultConfig()
	cfg.Seed = 7
	cfg.Listings = []sim.Listing{{Contract: acmeContract(), Reference: 50 * 1_000_000_000}}
	s := sim.DefaultSession("S1")
	s.COD = sim.CODOff
	cfg.Sessions = []sim.SessionConfig{s, sim.DefaultSession("S2")}
	return cfg
}

func acmeContract() market.Contract {
	return market.Contract{
		Instrument: acme, Currency: "USD", Tick: 10_000_000, Lot: market.Unit, MinQty: market.Unit,
		MaxQty: 1000 * market.Unit, Multiplier: market.One,
	}
}

func (h *house) newRisk() {
	h.t.Helper()
	catalogue, err := market.NewCatalogue([]market.Contract{acmeContract()})
	if err != nil {
		h.t.Fatal(err)
	}
	h.quotes = risktest.Quotes{}
	cfg := risktest.Config(risk.Entitlement{Account: account, Strategies: []string{strategy, "other"}, Instruments: []market.Instrument{acme}})
	h.risk = risktest.New(h.t, cfg, catalogue, h.quotes, h.now())
	h.risk.Tell(risk.Leading{Term: h.risk.Log.Term(), Yes: true}, risk.Journal{State: risk.JournalOK, Group: "20", Epoch: 1})
}

func (h *house) now() risk.Reading {
	t := h.sys.Now()
	return risk.Reading{Wall: t.UnixNano(), Mono: h.sys.Instant(t) + int64(time.Hour)}
}

func (h *house) newAccount() {
	h.t.Helper()
	var err error
	var last *sim.Gateway
	h.account, err = orders.NewAccount(orders.AccountConfig{
		Parts: orders.Parts{
			Options: orders.Options{Account: account}, Gate: &houseGate{h}, AnswerAfter: time.Second, TTL: time.Hour,
			Events: orders.Events{LinkState: func(_ orders.LinkEvent, why string) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.whys = append(h.whys, why)
			}},
			Listener: func(e orders.Event) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.events = append(h.events, e)
			},
			Risk: func(m risk.Message) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.catchUp()
				h.risk.Tell(m)
			},
		},
		Journal: func() (orders.Log, iter.Seq2[journal.Record, error]) { return h.log, journal.Read(h.fs, "j", 0) },
		Dial: func(ear orders.Ear) (orders.Line, error) {
			h.mu.Lock()
			h.dialed++
			h.ear = ear
			h.mu.Unlock()
			next := uint64(h.log.Epoch()) << 32
			if last != nil {
				next, _ = last.Counters()
			}
			g, err := sim.NewGateway(sim.GatewayConfig{
				Port: h.port, Session: "S1", Node: "n1", Venue: "SIM", NextOut: next, NextIn: ear.NextIn("S1"),
				Now: h.now, Fence: ear.Fence, Hand: ear.Hand, Broken: ear.Broken,
			})
			last = g
			return g, err
		},
		Opened: func(epoch uint64) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.opened = append(h.opened, epoch)
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// startJournal opens the log and commits whenever something is appended.
func (h *house) startJournal(_ context.Context, b *supervision.Birth) error {
	wake, err := actors.NewPipe[struct{}](b.System(), 1)
	if err != nil {
		return err
	}
	h.log, _, err = journal.Open(h.fs, "j", journal.Options{
		Node: "n1", Group: "20", Segment: 1 << 20, Floor: 2 << 20,
		OnQueued: func() { _ = wake.Offer(struct{}{}) }, OnDurable: h.account.Durable,
	})
	if err != nil {
		return err
	}
	log := h.log
	b.Run(func(ctx context.Context, out actors.Outside) error {
		for {
			if _, err := wake.Next(ctx, out); err != nil {
				return log.Close()
			}
			for h.slow.Load() {
				if err := out.Until(ctx, out.Now().Add(time.Millisecond)); err != nil {
					return log.Close()
				}
			}
			if _, err := log.Commit(); err != nil {
				return err
			}
		}
	})
	return nil
}

// catchUp moves risk to the system's time, with prices that are live. The
// caller holds mu.
func (h *house) catchUp() {
	h.risk.Pass(time.Duration(h.now().Mono - h.risk.Now.Mono))
	h.quotes[acme] = risktest.Live(50*1_000_000_000, h.risk.Now.Mono)
}

// houseGate is the account's gate, asked at risk's own time.
type houseGate struct{ h *house }

func (g *houseGate) gate() *risk.Gate { return g.h.risk.Desk.Gate(account) }

func (g *houseGate) Check(in risk.Intent, _ risk.Reading) (risk.Permit, error) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.h.catchUp()
	return g.gate().Check(in, g.h.risk.Now)
}

func (g *houseGate) Veto(id market.ClOrdID) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Veto(id)
}

func (g *houseGate) Hold(x risk.Held) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Hold(x)
}

func (g *houseGate) Execute(e risk.Execution) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Execute(e)
}

func (g *houseGate) Restore(p []risk.Position, x []risk.Held) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	g.gate().Restore(p, x)
}

// gate is a Port that a test can shut, which loses requests of one kind.
type gate struct {
	sim.Port
	mu     sync.Mutex
	shut   bool
	dumb   bool // logons are taken and not answered
	lose   sim.RequestKind
	lost   int
	logons int
}

func (g *gate) set(f func(g *gate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g)
}

var errShut = errors.New("shut by the test")

func (g *gate) Logon(s sim.Session) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.logons++
	if g.shut {
		return errShut
	}
	if g.dumb {
		return nil
	}
	return g.Port.Logon(s)
}

func (g *gate) Receive(id sim.SessionID, r sim.Request) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lose != 0 && r.Kind == g.lose {
		g.lost++
		return nil // taken by a wire that loses it
	}
	return g.Port.Receive(id, r)
}

func (h *house) until(what string, cond func() bool) {
	h.t.Helper()
	if h.sys.Deterministic() {
		limit := h.sys.Now().Add(10 * time.Minute)
		if err := h.sys.Drive(h.t.Context(), func() bool { return cond() || h.sys.Now().After(limit) }); err != nil {
			h.t.Fatal(err)
		}
		if !cond() {
			h.t.Fatalf("ten minutes have passed, and not: %s\n%+v", what, h.account.Status())
		}
		return
	}
	for range 6000 { // a minute of the bubble's time
		synctest.Wait()
		if cond() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t.Fatalf("waited in vain for: %s\n%+v\n%v", what, h.account.Status(), h.lines)
}

func (h *house) open() {
	h.t.Helper()
	h.until("the account is up", func() bool {
		e, _ := h.tree.Snapshot().Find("venues/" + string(account))
		return e.Ready && h.account.Status().Session == "open"
	})
}

func (h *house) place(cause byte, by string, px market.Price) {
	h.t.Helper()
	in := intent(cause)
	in.Strategy, in.Price = by, px
	h.tell(orders.Place{Intent: in})
}

func (h *house) tell(m orders.Message) {
	h.t.Helper()
	if err := h.account.Tell(m); err != nil {
		h.t.Fatal(err)
	}
}

// event waits for an event of the decision, and returns it.
func (h *house) event(k orders.EventKind, cause byte) (found orders.Event) {
	h.t.Helper()
	h.until(k.String(), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		i := slices.IndexFunc(h.events, func(e orders.Event) bool { return e.Kind == k && e.Cause == (risk.Cause{cause}) })
		if i >= 0 {
			found = h.events[i]
		}
		return i >= 0
	})
	return found
}

// sell has another participant sell into the book.
func (h *house) sell(qty market.Qty) {
	h.t.Helper()
	up := make(chan struct{}, 1)
	send := func(r sim.Reply) {
		if _, ok := r.Body.(sim.Welcome); ok {
			up <- struct{}{}
		}
	}
	if err := h.port.Port.Logon(sim.Session{ID: "S2", Seq: 1, Expect: 1, Send: send}); err != nil {
		h.t.Fatal(err)
	}
	h.until("the other is logged on", func() bool { return len(up) == 1 })
	if err := h.port.Port.Receive("S2", sim.Request{
		Kind: sim.NewOrder, Seq: 2, ClOrdID: "other", Symbol: "ACME", Side: market.Sell, Type: market.Market, TIF: market.IOC, Qty: qty,
	}); err != nil {
		h.t.Fatal(err)
	}
}

// crash ends the present incarnation of a child of the account, and waits for
// the next one.
func (h *house) crash(child string) {
	h.t.Helper()
	path := "venues/" + string(account) + "/" + child
	e, ok := h.tree.Snapshot().Find(path)
	if !ok {
		h.t.Fatalf("no child %s", path)
	}
	if err := h.tree.Inject(path, supervision.Panic); err != nil {
		h.t.Fatal(err)
	}
	h.until(child+" is started again", func() bool {
		now, _ := h.tree.Snapshot().Find(path)
		return now.Epoch > e.Epoch && now.Ready
	})
}

const dollar = market.Price(1_000_000_000)

// TestAccountPlacesFillsCancelsAndComesBackFromACrash is an account's whole
// life with an exchange: up, an order filled in part, one cancelled, the owner
// crashes with an order at the venue, and the next incarnation knows all from
// the journal, reconciles and opens.
func TestAccountPlacesFillsCancelsAndComesBackFromACrash(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.mu.Lock()
		h.catchUp()
		if body := h.risk.Desk.Gatez(h.risk.Now, ""); !body.Open {
			h.t.Errorf("the gate is %s for %+v after the reconciliation, want open", body.Mode, body.Why)
		}
		h.mu.Unlock()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.sell(4 * market.Unit)
		if e := h.event(orders.EventFill, 1); e.LastQty != 4*market.Unit || e.Leaves != 6*market.Unit {
			h.t.Fatalf("fill of %v with %v left, want 4 and 6", e.LastQty, e.Leaves)
		}
		h.place(2, strategy, 49*dollar)
		h.event(orders.EventAccepted, 2)
		h.tell(orders.CancelOrder{Cause: risk.Cause{2}})
		h.event(orders.EventCancelled, 2)

		h.crash("orders")
		h.open()
		s := h.account.Status()
		if s.Unknown != 0 || s.Live != 1 || len(s.Positions) != 1 || s.Positions[0].Qty != 4*market.Unit {
			h.t.Fatalf("after the crash %+v, want one live order, none UNKNOWN and a position of 4", s)
		}
		h.place(1, strategy, 50*dollar) // the decision is known
		if e := h.event(orders.EventRepeated, 1); e.Cum != 4*market.Unit {
			h.t.Errorf("repeated with %v filled, want 4", e.Cum)
		}
		h.place(3, strategy, 48*dollar)
		h.event(orders.EventAccepted, 3)
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.opened) != 2 || h.dialed != 2 {
			h.t.Errorf("opened %v and dialled %d times, want 2 of each", h.opened, h.dialed)
		}
	})
}

func TestAccountAsksUntilALostOrderIsProvenAbsent(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.port.set(func(g *gate) { g.lose = sim.NewOrder })
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventUnknown, 1)
		h.crash("orders")
		h.until("the list has come", func() bool { return h.account.Status().ListWhole })
		if e, _ := h.tree.Snapshot().Find("venues/" + string(account) + "/reconciler"); e.Ready {
			h.t.Fatal("the reconciler is ready while an order is UNKNOWN")
		}
		if e := h.event(orders.EventRejected, 1); e.Reason != orders.ReasonAbsent {
			h.t.Fatalf("rejected for %q, want absent", e.Reason)
		}
		h.open()
		if h.port.lost != 1 {
			h.t.Fatalf("the order left %d times, want once", h.port.lost)
		}
	})
}

func TestAccountLogsOnAgainWhenTheVenueIsBack(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.port.set(func(g *gate) { g.shut = true })
		if err := h.port.Logout("S1", "wire"); err != nil {
			h.t.Fatal(err)
		}
		h.until("the link is down", func() bool { return h.account.Status().Session == "down" })
		h.tell(orders.CancelAll{Scope: orders.Scope{Strategy: strategy}, Why: "down"})
		h.event(orders.EventQueued, 1)
		h.port.set(func(g *gate) { g.shut = false })
		h.event(orders.EventCancelled, 1) // first thing at the logon
		h.open()
		if h.dialed != 1 || h.account.Status().Live != 0 {
			h.t.Fatalf("dialled %d lines, %d orders live, want 1 and 0", h.dialed, h.account.Status().Live)
		}
	})
}

func TestSessionThatCrashesTakesTheOwnerWithItAndBothComeBack(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.crash("session")
		h.until("another owner", func() bool { return h.account.Status().Generation == 2 })
		h.open()
		if s := h.account.Status(); s.Live != 1 || s.Unknown != 0 {
			h.t.Fatalf("%+v, want the one order live", s)
		}
	})
}

// TestWhatOneStrategyLeavesIsCancelledAndTheOthersIsNot is what a node does
// when a strategy goes down, at a venue without a mass cancel by strategy.
func TestWhatOneStrategyLeavesIsCancelledAndTheOthersIsNot(t *testing.T) {
	houses(t, func(h *house) {
		h.open()
		h.place(1, strategy, 49*dollar)
		h.place(2, "other", 48*dollar)
		h.place(3, strategy, 47*dollar)
		for c := range byte(3) {
			h.event(orders.EventAccepted, c+1)
		}
		h.tell(orders.CancelAll{Scope: orders.Scope{Strategy: strategy}, Why: "down"})
		h.event(orders.EventCancelled, 1)
		h.event(orders.EventCancelled, 3)
		h.until("the status shows it", func() bool { return h.account.Status().Live == 1 })
		h.mu.Lock()
		defer h.mu.Unlock()
		if slices.ContainsFunc(h.events, func(e orders.Event) bool { return e.Kind == orders.EventCancelled && e.Strategy == "other" }) {
			h.t.Error("the other strategy's order was cancelled")
		}
	})
}

// TestNextOwnerKnowsWhatTheLastOneAppended crashes the owner while the disk is
// slow: the intent that was on its way to it is not forgotten, since it may
// turn up in the journal for ever after.
func TestNextOwnerKnowsWhatTheLastOneAppended(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.slow.Store(true)
		h.place(1, strategy, 50*dollar)
		h.until("it waits for the disk", func() bool { return h.account.Status().Waiting == 1 })
		path := "venues/" + string(account) + "/orders"
		if err := h.tree.Inject(path, supervision.Panic); err != nil {
			h.t.Fatal(err)
		}
		h.until("the next owner starts", func() bool {
			e, _ := h.tree.Snapshot().Find(path)
			return e.Epoch == 2
		})
		if err := h.sys.Advance(h.t.Context(), time.Second); err != nil {
			h.t.Fatal(err)
		}
		if s := h.account.Status(); s.Generation != 1 {
			h.t.Fatalf("a desk was opened before the disk had answered: %+v", s)
		}
		h.slow.Store(false)
		if e := h.event(orders.EventRejected, 1); e.Reason != orders.ReasonAbsent {
			h.t.Fatalf("rejected for %q, want absent", e.Reason)
		}
		h.open()
	})
}

func TestOwnerThatCannotFollowIsToldTheLinkIsDownAndHearsAllAgain(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		var err error
		for n := 0; err == nil; n++ {
			if n > 10_000 {
				h.t.Fatal("a mailbox without a bound")
			}
			err = h.ear.Hand(orders.MassCancelAck{})
		}
		if !errors.Is(err, actors.ErrFull) {
			h.t.Fatalf("Hand() error = %v, want %v", err, actors.ErrFull)
		}
		h.ear.Broken(err)
		h.until("the owner knows", func() bool { return h.account.Status().Session == "down" })
		if s := h.account.Status(); s.Unknown != 1 {
			h.t.Errorf("%d orders UNKNOWN over a link that is down, want 1", s.Unknown)
		}
		h.open()
		if !slices.Contains(h.whys, "mailbox full") {
			h.t.Errorf("the owner was told %q, want that its mailbox was full", h.whys)
		}
		if h.port.logons != 2 || h.account.Status().Unknown != 0 {
			h.t.Errorf("%d logons, %d UNKNOWN, want 2 and none", h.port.logons, h.account.Status().Unknown)
		}
	})
}

func TestSessionTriesAgainLaterAndLaterWhenTheVenueSaysNothing(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.port.set(func(g *gate) { g.dumb = true })
		if err := h.port.Logout("S1", "wire"); err != nil {
			h.t.Fatal(err)
		}
		if err := h.sys.Advance(h.t.Context(), 10*time.Minute); err != nil {
			h.t.Fatal(err)
		}
		if n := h.port.logons - 1; n < 15 || n > 60 { // each takes ten seconds and at most thirty more
			h.t.Errorf("%d logons in ten minutes, want 15 to 60", n)
		}
		h.port.set(func(g *gate) { g.dumb = false })
		h.open()
	})
}

// TestAccountWhoseVenueIsAwayHoldsOnlyItself has a node come up without it.
func TestAccountWhoseVenueIsAwayHoldsOnlyItself(t *testing.T) {
	bothWays(t, true, func(h *house) {
		h.until("a logon fails", func() bool {
			h.port.mu.Lock()
			defer h.port.mu.Unlock()
			return h.port.logons > 0
		})
		h.tell(orders.Place{Intent: intent(1)})
		if e := h.event(orders.EventRefused, 1); e.Reason != orders.ReasonSession {
			h.t.Errorf("refused for %q, want session", e.Reason)
		}
		h.port.set(func(g *gate) { g.shut = false })
		h.open()
	})
}
